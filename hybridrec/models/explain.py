"""Why a model recommends an item: one way for all models, over what each tells of its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.errors import DataError, ParameterError
from hybridrec.models.explain_paths import strongest_paths
from hybridrec.models.frames import POPULAR, history_rows
from hybridrec.models.names import FeatureNames, title_of
from hybridrec.ranking.explanation import (
    LEARNED,
    OF_USER,
    OTHER_FEATURES,
    OTHER_ITEMS,
    POPULARITY,
    TOGETHER,
    Explanation,
    Part,
    Shares,
)
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

ROUNDING = 1e-6  # of all parts together: a bias below it is what float32 scores lose
MOST_LEFT_OUT = 256  # items of a history that are left out of it one by one


class Asked(NamedTuple):
    """A user and an item whose score is to be explained, in codes.

    Attributes
    ----------
    scorer : Scorer
    row : int
        Of the user in the scorer.
    history : csr_matrix, shape (1, n_items)
    target : int
        The item.
    user : int
        -1 for a user whom the model does not know.
    folded : bool
        Whether the row is folded in from the history, not trained.
    score : float
        Minus infinity where there is none.
    """

    scorer: Scorer
    row: int
    history: csr_matrix
    target: int
    user: int
    folded: bool
    score: float


def explain(
    model: Recommender, user: Any, item: Any, *, history: Any, parts: int, paths: int
) -> Explanation:
    """Explain a score; see `Recommender.explain`."""
    target = int(model.items_.codes([item])[0])
    code, row = -1, None
    if history is not None:
        user, row = _history_of(model, user, history)
        code = -1 if user is None else int(model.users_.codes([user], unknown="skip")[0])
    elif user is not None:
        code = int(model.users_.codes([user])[0])
    return explain_codes(model, code, row, target, user=user, parts=parts, paths=paths)


def explain_codes(
    model: Recommender,
    code: int,
    history: csr_matrix | None,
    target: int,
    *,
    user: Any = None,
    parts: int = 10,
    paths: int = 3,
) -> Explanation:
    """Explain a score on codes: what `Recommender.explain` and the service share.

    Parameters
    ----------
    model : Recommender
    code : int
        Of the user; -1 for one whom the model does not know.
    history : csr_matrix, shape (1, n_items), optional
        To be folded in; where it is empty or not given, that of the model counts.
    target : int
        The item.
    user : id, optional
        Only named in the result.
    parts, paths : int
        How many are named.

    Raises
    ------
    DataError
        If the model cannot score the item for the user.
    """
    for name, value in (("parts", parts), ("paths", paths)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise ParameterError(f"{name} must be a whole number of at least 0, got {value!r}")
    asked = _asked(model, code, history, target)
    told, found = None, []
    if asked is None:
        score = float(model.popular_scorer.item_factors[target, 0])
        shares = Shares.nothing(**{POPULARITY: score})
    else:
        score, told = asked.score, model._feature_shares(asked)
        shares = Shares.nothing(**{OF_USER: score})
        if asked.history.nnz:
            shares = model._history_shares(asked).completed(score, LEARNED)
        found = strongest_paths(model, asked.history, shares, told, target, paths)
    return Explanation(
        user=_plain(user),
        item=_plain(model.items_.ids[target]),
        score=score,
        parts=_named_items(model, shares, parts),
        features=() if told is None else _named_features(model, told, parts),
        paths=tuple(found),
    )


def _history_of(model: Recommender, user: Any, history: Any) -> tuple[Any, csr_matrix]:
    """Return the user a history is of, and its row."""
    wanted = None if user is None else [user]
    ids, rows = history_rows(history, wanted, model.items_, "raise", model.recency_)
    if len(ids) != 1:
        raise ParameterError(
            f"the history is of {len(ids)} users; say which one is to be explained: user=..."
        )
    return ids[0], rows


def _asked(model: Recommender, code: int, history: csr_matrix | None, target: int) -> Asked | None:
    """Return what is to be explained, as `recommend` scores it; None for a popular item."""
    from scipy.sparse import csr_matrix

    if not model.scorable_[target]:
        raise DataError(
            f"{model.model_name} cannot score item {_plain(model.items_.ids[target])!r}: it has"
            " neither interactions nor features that the model uses"
        )
    if history is not None and history.nnz == 0:
        history = None
    if history is None and code < 0:
        return None
    scorer, rows, sources = model.scorer_for(np.array([code]), history)
    if sources[0] == POPULAR:
        return None
    folded = history is not None
    own = history if history is not None else csr_matrix(model.history_[code])
    score = float(scorer.chosen(rows, np.array([[target]], dtype=np.int32))[0, 0])
    if np.isfinite(score):
        return Asked(scorer, int(rows[0]), own, target, code, folded, score)
    reached = np.isfinite(scorer.block(rows)[0]) & model.scorable_
    reached[own.indices] = False
    if not reached.any():  # the last resort of `recommend`
        return None
    raise DataError(
        f"{model.model_name} has no score of item {_plain(model.items_.ids[target])!r} for this"
        " user: nothing in the history leads to it"
    )


# ---- what a history tells ---------------------------------------------------------------------


def history_shares(model: Recommender, asked: Asked) -> Shares:
    """Take a score apart by the items of the history, whatever the model.

    Weights between items are added up as they are; elsewhere see `leave_one_out`.
    """
    scorer = asked.scorer
    if isinstance(scorer, HistoryScorer) and scorer.over_items:
        return linear_shares(scorer, asked)
    return leave_one_out(model, asked)


def linear_shares(scorer: HistoryScorer, asked: Asked) -> Shares:
    """Return what each entry of a profile over items adds: exactly the score, but for rounding."""
    profile = scorer.profiles[asked.row]
    weights = scorer.weights[profile.indices, asked.target]
    if not isinstance(weights, np.ndarray):
        weights = weights.toarray().ravel()
    values = profile.data.astype(np.float64) * weights
    bias = {}
    if scorer.background is not None:
        lack = max(1.0 - float(profile.data.sum(dtype=np.float64)), 0.0)
        bias[POPULARITY] = lack * float(scorer.background[asked.target])
    return Shares(profile.indices, values, bias)


def leave_one_out(model: Recommender, asked: Asked, items: np.ndarray | None = None) -> Shares:
    """Return what a score loses when an item is left out of the history, for each of its items.

    All histories are folded in as one batch. Losses need not sum to the score: what is missing
    are biases, one for what the items tell only together, and one for what a trained user has
    beyond the fold-in.

    Parameters
    ----------
    model : Recommender
    asked : Asked
    items : ndarray of int, optional
        Positions in the history of the items to leave out; by default all, or the
        ``MOST_LEFT_OUT`` of the largest weights where there are more.
    """
    history = asked.history
    if items is None:
        items = np.argsort(-history.data, kind="stable")[:MOST_LEFT_OUT]
    batch = without_each(history, items)
    user_codes = np.full(batch.shape[0], asked.user if asked.folded else -1)
    scorer, rows, _ = model.scorer_for(user_codes, batch)
    targets = np.full((len(rows), 1), asked.target, dtype=np.int32)
    scores = scorer.chosen(rows, targets)[:, 0].astype(np.float64)
    scores[~np.isfinite(scores)] = 0.0  # nothing leads to the item any more
    values = scores[0] - scores[1:]
    bias = {LEARNED: asked.score - scores[0]} if not asked.folded else {}
    if isinstance(scorer, FactorScorer) and scorer.item_bias[asked.target]:
        bias[POPULARITY] = float(scorer.item_bias[asked.target])
    return Shares(history.indices[items], values, bias).completed(asked.score, TOGETHER)


def without_each(history: csr_matrix, items: np.ndarray) -> csr_matrix:
    """Return a history as it is, and below it without the entry at each of some positions."""
    from scipy.sparse import csr_matrix

    n = history.nnz
    kept = np.ones((len(items) + 1, n), dtype=np.bool_)
    kept[np.arange(1, len(items) + 1), items] = False
    row, entry = np.nonzero(kept)
    indptr = np.searchsorted(row, np.arange(len(items) + 2))
    shape = (len(items) + 1, history.shape[1])
    return csr_matrix((history.data[entry], history.indices[entry], indptr), shape=shape)


# ---- names ------------------------------------------------------------------------------------


def _named_items(model: Recommender, shares: Shares, count: int) -> tuple[Part, ...]:
    """Return parts by the titles of items, the strongest first, then all else."""
    chosen = shares.strongest(count)
    parts = [
        Part("history", title_of(model, code), value, _plain(model.items_.ids[code]))
        for code, value in zip(
            shares.codes[chosen].tolist(), shares.values[chosen].tolist(), strict=True
        )
    ]
    return (*parts, *_rest(shares, chosen, "history", OTHER_ITEMS))


def _named_features(model: Recommender, shares: Shares, count: int) -> tuple[Part, ...]:
    """Return parts by the names of features, the strongest first, then all else."""
    names = FeatureNames(model)
    shares = names.merged(shares)
    chosen = shares.strongest(count)
    parts = [
        Part("feature", names.of(column), value)
        for column, value in zip(
            shares.codes[chosen].tolist(), shares.values[chosen].tolist(), strict=True
        )
    ]
    return (*parts, *_rest(shares, chosen, "feature", OTHER_FEATURES))


def _rest(shares: Shares, chosen: np.ndarray, kind: Any, name: str) -> list[Part]:
    """Return one part for all shares that were not chosen, and the biases that are not 0."""
    rest = np.delete(shares.values, chosen)
    others = [Part(kind, name, float(rest.sum()))] if rest.any() else []
    size = float(np.abs(shares.values).sum()) + sum(map(abs, shares.bias.values()))
    bias = [(name, value) for name, value in shares.bias.items() if abs(value) > ROUNDING * size]
    bias.sort(key=lambda one: -abs(one[1]))
    return others + [Part("bias", name, value) for name, value in bias]


def _plain(value: Any) -> Any:
    """Return a numpy number as a number of Python."""
    return value.item() if isinstance(value, np.generic) else value
