"""A recommender to embed into a running program: thread-safe, with feedback and hot reload."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, ParameterError, UnknownIdError
from hybridrec.models.base import warn_of_unknown
from hybridrec.models.explain import explain_codes
from hybridrec.models.pairs import similar_codes
from hybridrec.online.event_log import Event, EventLog, Receipt
from hybridrec.service.lists import answer, entries, histories_of, model_for
from hybridrec.service.snapshot import Snapshot
from hybridrec.service.taste import History, Recommendation, Request, taste_of, with_events

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.ranking.explanation import Explanation
    from hybridrec.ranking.rerank import Reranker
    from hybridrec.ranking.rules import Rules


class LiveRecommender:
    """A fitted model that answers one user at a time, from any number of threads.

    The folder is memory-mapped, so processes that serve the same one share its memory. Nothing
    that requests share is written to after loading: every request takes the current snapshot once
    and stays with it, and `reload` puts another in its place.

    Parameters
    ----------
    path : str or Path
        A model folder.
    log : EventLog or path, optional
        Where feedback is kept; without one `feedback` is refused. A log that was opened here, from
        a path, is closed by `close`.
    models : sequence of classes, optional
        Model classes of your own that the folder may hold.

    Raises
    ------
    ModelFolderError, EventLogError
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        log: EventLog | str | os.PathLike[str] | None = None,
        models: Sequence[type[Recommender]] = (),
    ) -> None:
        self._models = tuple(models)
        self._snapshot = Snapshot.load(Path(path), self._models)
        self._reloading = Lock()
        self._owns_log = log is not None and not isinstance(log, EventLog)
        self._log = log if isinstance(log, EventLog) or log is None else EventLog(log)

    @property
    def snapshot(self) -> Snapshot:
        """The model as it is now, with its titles and ids; it never changes."""
        return self._snapshot

    @property
    def version(self) -> str:
        """Names the content of the folder: the same content, the same version."""
        return self._snapshot.version

    @property
    def model(self) -> Recommender:
        """The fitted model, to be read only."""
        return self._snapshot.model

    @property
    def log(self) -> EventLog | None:
        """The feedback log."""
        return self._log

    def frozen(self) -> LiveRecommender:
        """Return the same recommender, but one that no `reload` of this one changes.

        For answers that take several calls, all of one version. It shares the feedback log, which
        it does not close.
        """
        same = copy(self)
        same._owns_log = False
        return same

    # ---- lists ------------------------------------------------------------------------------

    def recommend(
        self,
        user: Any = None,
        *,
        history: History | None = None,
        features: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        k: int = 10,
        rules: Rules | None = None,
        rerank: Reranker | str | None = None,
    ) -> list[Recommendation]:
        """Return the list of one user.

        Parameters
        ----------
        user : id, optional
            Known to the model, or by feedback, or not at all: nobody is left without a list, and
            who nothing is known of gets the popular items.
        history : mapping of item to weight, or sequence of items, optional
            The taste of a new user, or the whole history of a known one: it stands in the place
            of what is stored. Items that are not known are skipped; items of weight 0 or less are
            only hidden.
        features : mapping of column to value, optional
            Columns of the user table, of a user without any history. Only models fitted with user
            features can use them.
        context : mapping of column to value, optional
            The circumstances, for a model that knows such; a value that is not known there
            changes nothing, with a warning. See `Recommender.in_context`.
        k : int, default 10
            Most items of the list.
        rules : Rules, optional
        rerank : Reranker or str, optional

        Returns
        -------
        list of Recommendation
            The best first; never an item that the user has.

        Raises
        ------
        ParameterError, DataError, UnknownIdError
            If something makes no sense.
        EventLogError
            If the user's feedback cannot be read.
        """
        wanted = Request(user, history, features, k, rules, rerank, context)
        if context:
            warn_of_unknown(model_for(self._snapshot, wanted))
        return self.recommend_many([wanted])[0]

    def recommend_many(self, requests: Sequence[Request]) -> list[list[Recommendation]]:
        """Return the lists of several requests, all from one version of the model."""
        snapshot = self._snapshot
        return answer(snapshot, requests, [taste_of(one, snapshot, self._log) for one in requests])

    def similar(self, item: Any, k: int = 10) -> list[Recommendation]:
        """Return the items most like an item.

        Raises
        ------
        UnknownIdError
        DataError
            If the model knows nothing of the item.
        ParameterError
            If the model has no notion of similar items.
        """
        snapshot = self._snapshot
        code = snapshot.known_item(item)
        items, scores = similar_codes(snapshot.model, np.array([code], dtype=np.int32), k)
        return entries(snapshot, items[0], scores[0], ["model"] * items.shape[1])

    def explain(
        self,
        user: Any = None,
        item: Any = None,
        *,
        history: History | None = None,
        context: Mapping[str, Any] | None = None,
        **options: int,
    ) -> Explanation:
        """Tell why an item is recommended to a user, feedback so far included.

        Parameters
        ----------
        user, history, context
            As in `recommend`.
        item : id
        **options
            ``parts`` and ``paths`` of `Recommender.explain`.

        Raises
        ------
        UnknownIdError, DataError, ParameterError, EventLogError
        """
        snapshot = self._snapshot
        target = snapshot.known_item(item)
        wanted = Request(user, history, context=context)
        taste = taste_of(wanted, snapshot, self._log)
        rows = None if taste.history is None else histories_of([taste], snapshot)
        return explain_codes(
            model_for(snapshot, wanted), taste.user, rows, target, user=user, **options
        )

    # ---- what is known ----------------------------------------------------------------------

    def item(self, item: Any) -> dict[str, Any]:
        """Return an item's id and the columns of its row; None where a value is missing.

        Raises
        ------
        UnknownIdError
        """
        snapshot = self._snapshot
        code = snapshot.known_item(item)
        table = snapshot.model.item_table_
        row = {} if table is None else {name: table[name].iloc[code] for name in table.columns}
        return {"item": _plain(item), **{name: _plain(value) for name, value in row.items()}}

    def title(self, item: Any) -> str | None:
        """Return the title of an item, None if it has none or is not known."""
        snapshot = self._snapshot
        code = snapshot.item_code(item)
        return None if code < 0 else snapshot.titles[code]

    def items(self, query: str = "", limit: int = 20) -> list[dict[str, Any]]:
        """Find items of which words of the title or the id begin as those of the query do.

        Returns
        -------
        list of {"item", "title", "users"}
            The item of that id, then the most popular; ``users`` counts those who have the item.
        """
        snapshot = self._snapshot
        model = snapshot.model
        codes = snapshot.item_search.find(query, _checked_limit(limit))
        codes = _exact_first(codes, snapshot.item_codes, query, limit)
        return [
            {"item": one, "title": title, "users": int(users)}
            for one, title, users in zip(
                model.items_.ids[codes].tolist(),
                snapshot.titles[codes],
                model.popularity_[codes],
                strict=True,
            )
        ]

    def users(self, query: str = "", limit: int = 20) -> list[dict[str, Any]]:
        """Find users of the fit whose ids have words that begin as those of the query do.

        Returns
        -------
        list of {"user", "items"}
            The user of that id, then those with the most items.
        """
        snapshot = self._snapshot
        model = snapshot.model
        codes = snapshot.user_search.find(query, _checked_limit(limit))
        codes = _exact_first(codes, snapshot.user_codes, query, limit)
        counts = model.history_.indptr[codes + 1] - model.history_.indptr[codes]
        ids = model.users_.ids[codes].tolist()
        return [{"user": one, "items": int(count)} for one, count in zip(ids, counts, strict=True)]

    def history(self, user: Any) -> list[tuple[Any, float]]:
        """Return what a user has and how much it weighs, with feedback so far; most first.

        Raises
        ------
        UnknownIdError
            If neither the model nor the log knows the user.
        """
        snapshot = self._snapshot
        code = snapshot.user_code(user)
        events = {} if self._log is None else self._log.weights_of(user)
        if code < 0 and not events:
            raise UnknownIdError(f"unknown user {user!r}")
        history, _ = with_events(events, snapshot, code)
        ids = snapshot.model.items_.ids
        ordered = sorted(history.items(), key=lambda pair: (-pair[1], pair[0]))
        return [(_plain(ids[item]), weight) for item, weight in ordered]

    # ---- feedback and reload ----------------------------------------------------------------

    def feedback(self, events: Sequence[Event], key: str | None = None) -> Receipt:
        """Store events; they are on disk when this returns, and count in the user's next list.

        Parameters
        ----------
        events : sequence of Event
        key : str, optional
            See `EventLog.append`.

        Raises
        ------
        ParameterError
            If there is no log.
        DataError
            If ids are of another type than the model's.
        EventLogError
            If they cannot be stored now.
        """
        if self._log is None:
            raise ParameterError("there is no feedback log; give LiveRecommender log=...")
        model = self._snapshot.model
        for event in events:
            for ids, one in ((model.users_, event.user), (model.items_, event.item)):
                if isinstance(one, str) != ids.is_text:
                    kind = "text" if ids.is_text else "integers"
                    raise DataError(f"{ids.name} ids are {kind} here, got {one!r}")
        return self._log.append(events, key)

    def reload(self, path: str | os.PathLike[str] | None = None) -> str:
        """Load the folder again, or another one, and serve it from now on.

        Requests that are under way end with the version they began with.

        Returns
        -------
        str
            The new version.

        Raises
        ------
        ModelFolderError
            If the folder is broken; the old version is served on.
        """
        with self._reloading:
            target = self._snapshot.path if path is None else Path(path)
            self._snapshot = Snapshot.load(target, self._models)
            return self._snapshot.version

    def close(self) -> None:
        """Close the feedback log if it was opened here."""
        if self._owns_log and self._log is not None:
            self._log.close()

    def __enter__(self) -> LiveRecommender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checked_limit(limit: int) -> int:
    if isinstance(limit, bool) or not isinstance(limit, (int, np.integer)) or limit < 0:
        raise ParameterError(f"limit must be a whole number of at least 0, got {limit!r}")
    return int(limit)


def _exact_first(
    codes: np.ndarray, code_of: Mapping[Any, int], query: str, limit: int
) -> np.ndarray:
    """Return found codes with that of the id which the query is, if there is one, in front."""
    text = query.strip()
    exact = code_of.get(text)
    if exact is None and text.isascii() and text.isdigit() and len(text) < 20:
        exact = code_of.get(int(text))
    if exact is None:
        return codes
    return np.concatenate([[exact], codes[codes != exact]]).astype(codes.dtype)[:limit]


def _plain(value: Any) -> Any:
    """Turn a cell of a table into a plain Python value, None if it is missing."""
    if isinstance(value, np.datetime64) or hasattr(value, "isoformat"):
        return None if np.isnat(np.datetime64(value)) else value.isoformat()
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):  # 2000.0 is what pandas makes of 2000 in a column with gaps
        return None if np.isnan(value) else int(value) if value.is_integer() else value
    return value
