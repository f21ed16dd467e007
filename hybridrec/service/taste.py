"""One request for a list, what is known of its user, and the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from hybridrec.errors import DataError
from hybridrec.online.event import checked_id

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.online.event_log import EventLog
    from hybridrec.ranking.rerank import Reranker
    from hybridrec.ranking.rules import Rules
    from hybridrec.service.snapshot import Snapshot

History: TypeAlias = "Mapping[Any, float] | Sequence[Any]"


@dataclass(frozen=True, slots=True)
class Request:
    """A list asked for; see `LiveRecommender.recommend` for the fields."""

    user: Any = None
    history: History | None = None
    features: Mapping[str, Any] | None = None
    k: int = 10
    rules: Rules | None = None
    rerank: Reranker | str | None = None
    context: Mapping[str, Any] | None = None


class Recommendation(NamedTuple):
    """One entry of a list."""

    item: Any
    score: float
    rank: int
    """From 1."""
    source: str
    """How it was found: "model", "fold-in", "features", "popular" or "pinned"."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What is known of the user of a request, as codes of one snapshot.

    Attributes
    ----------
    user : int
        Code, -1 for a new user.
    history : (ndarray of int32, ndarray of float32), or None
        Items, ascending, and weights to fold in; None: the model knows the user as they are.
    hidden : ndarray of int32
        Further items not to come out.
    features : csr_matrix, shape (1, width), or None
        Of a new user.
    """

    user: int
    history: tuple[np.ndarray, np.ndarray] | None
    hidden: np.ndarray
    features: csr_matrix | None = None


NOTHING = np.zeros(0, dtype=np.int32)
WEIGHTS = (1e-6, 1e6)  # of an item: with more or less, float32 factors could not be solved for


def taste_of(request: Request, snapshot: Snapshot, log: EventLog | None) -> Taste:
    """Find out what is known of the user of a request.

    Raises
    ------
    DataError
        If the user, or an item of the history, is no id, or its weight no finite number.
    EventLogError
        If the log cannot be read.
    """
    user = None if request.user is None else checked_id("user", request.user)
    code = -1 if user is None else snapshot.user_code(user)
    features = None if request.features is None else snapshot.user_form.row(request.features)
    if request.history is not None:
        history, hidden = _split(_weights(request.history), snapshot)
        return Taste(code, _row(history), hidden, features)
    events = {} if log is None or user is None else log.weights_of(user)
    stored = snapshot.stored(code)
    in_fit = code >= 0 and (features is None or len(stored[0]) > 0)
    if in_fit and not events:
        return Taste(code, None, NOTHING)
    history, hidden = with_events(events, snapshot, code)
    as_fitted = in_fit and history == _weights_by_code(*stored)
    return Taste(code, None if as_fitted else _row(history), hidden, features)


def with_events(
    events: Mapping[Any, float], snapshot: Snapshot, code: int
) -> tuple[dict[int, float], np.ndarray]:
    """Return the history of a user with later events, and the items that events hide.

    An item counts with what its events add up to, or as the model knows it if that is more: so
    events that went into a later fit are not counted twice. Where the sum is 0 or less, the item
    is hidden and tells nothing.
    """
    liked, hidden = _split(events, snapshot)
    history = _weights_by_code(*snapshot.stored(code))
    for item in hidden.tolist():
        history.pop(item, None)
    for item, weight in liked.items():
        history[item] = max(weight, history.get(item, 0.0))
    return history, hidden


def _weights_by_code(items: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    return dict(zip(items.tolist(), weights.tolist(), strict=True))


def _weights(history: History) -> dict[Any, float]:
    """Return a history that a caller gave with a weight for every item."""
    try:
        if isinstance(history, (str, bytes)) or hasattr(history, "columns"):
            raise TypeError(f"it is a {type(history).__name__}")
        weights = history if isinstance(history, Mapping) else dict.fromkeys(history, 1.0)
        weights = {checked_id("item", one): float(weight) for one, weight in weights.items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"a history must be a list of items or a mapping of items to weights: {error}"
        ) from error
    wrong = [item for item, weight in weights.items() if not np.isfinite(weight)]
    if wrong:
        raise DataError(f"the weight of item {wrong[0]!r} in the history must be a finite number")
    return weights


def _split(weights: Mapping[Any, float], snapshot: Snapshot) -> tuple[dict[int, float], np.ndarray]:
    """Return items with their weights, by code, and those to hide; unknown items are left out."""
    coded = {snapshot.item_code(item): weight for item, weight in weights.items()}
    coded.pop(-1, None)
    hidden = [code for code, weight in coded.items() if weight <= 0]
    liked = {code: weight for code, weight in coded.items() if weight > 0}
    return liked, np.array(sorted(hidden), dtype=np.int32)


def _row(history: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    items = np.array(sorted(history), dtype=np.int32)
    weights = np.clip([history[item] for item in items.tolist()], *WEIGHTS)
    return items, weights.astype(np.float32)
