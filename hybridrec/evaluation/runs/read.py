"""Runs and judgements in: files and frames, checked row by row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.columns import BadRowsError, Columns, Source
from hybridrec.dataset.frames import FrameColumns, as_source, find_column, make_frame
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.readers.head import read_head
from hybridrec.dataset.readers.recognise import source_of
from hybridrec.dataset.readers.source import FileSource
from hybridrec.errors import DataError, first_few
from hybridrec.evaluation.runs.trec import QRELS, RUN, TrecSource, is_trec_run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Run:
    """The rows of a run: ids without gaps, numbers, and no rank of a user twice.

    Attributes
    ----------
    users, items : IdMap
        The ids of the run, sorted; perhaps with some that no row has.
    user_codes, item_codes : ndarray of int, shape (rows,)
        Not to be written to.
    ranks, scores : ndarray of float, shape (rows,), or None
        At least one is given; ranks decide where both are.
    source : Source
        Where the rows are from.
    """

    users: IdMap
    items: IdMap
    user_codes: np.ndarray
    item_codes: np.ndarray
    ranks: np.ndarray | None
    scores: np.ndarray | None
    source: Source

    def __len__(self) -> int:
        return len(self.user_codes)

    @property
    def where(self) -> str:
        """The file, or "run"."""
        return self.source.where

    @property
    def order(self) -> tuple[np.ndarray, float]:
        """What orders the items of a user: values, float64 (rows,), times a sign; see `keys`."""
        if self.ranks is not None:
            return self.ranks.astype(np.float64, copy=False), 1.0
        assert self.scores is not None
        return self.scores.astype(np.float64, copy=False), -1.0

    @property
    def keys(self) -> np.ndarray:
        """What orders the items of a user, the smallest first, float64 (rows,)."""
        values, sign = self.order
        return sign * values

    def check_distinct(self) -> None:
        """Refuse a run in which a user has an item twice.

        Raises
        ------
        DataError
            Names the rows.
        """
        with _located(self.source):
            _check_distinct(
                *(self.user_codes, self.item_codes, len(self.users), len(self.items)),
                "the items of a user must be distinct",
            )

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The rows as columns of ids: user, item, and score and rank where given."""
        columns = {
            "user": self.users.ids[self.user_codes],
            "item": self.items.ids[self.item_codes],
            "score": self.scores,
            "rank": self.ranks,
        }
        return {name: values for name, values in columns.items() if values is not None}

    def take(self, rows: np.ndarray) -> Run:
        """Return the rows of a mask."""
        return replace(
            self,
            user_codes=self.user_codes[rows],
            item_codes=self.item_codes[rows],
            ranks=None if self.ranks is None else self.ranks[rows],
            scores=None if self.scores is None else self.scores[rows],
        )


def read_run(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the lists that another system wrote to a file.

    Parameters
    ----------
    path : path
        A table of user, item, and ``rank`` or ``score``: CSV, TSV and the like with a header
        line, Parquet, JSON lines, or a TREC run ("user Q0 item rank score tag", ordered by
        score); recognised by content. Text may be packed with gzip.

    Returns
    -------
    pandas.DataFrame
        ``user, item``, and ``score`` and ``rank`` where given. Of text files, ids are integers
        if all of them are written as integers.

    Raises
    ------
    DataError
        If there is no such file, a column is missing, an id is missing, a score or rank is no
        number, or a user has an item or a rank twice; names file, lines and their text.
    """
    frame: pd.DataFrame = make_frame(take_run(path).columns)
    return frame


def read_qrels(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read judgements of TREC: lines "user iteration item relevance".

    Returns
    -------
    pandas.DataFrame
        ``user, item, weight``; the weight is the relevance, 0 where it is negative (TREC's mark
        of junk).

    Raises
    ------
    DataError
        If there is no such file, a line has another number of fields, a relevance is no number,
        or a pair is judged twice; names file, lines and their text.
    """
    source = TrecSource(read_head(path), QRELS)
    with _located(source), source.read(source.names) as columns:
        users, user_codes = columns.coded_ids("user", "user")
        items, item_codes = columns.coded_ids("item", "item")
        rule = "a pair is judged twice"
        _check_distinct(user_codes, item_codes, len(users), len(items), rule)
        relevance = _numbers(columns.values("relevance"), "relevance")
    return make_frame(
        {
            "user": users.ids[user_codes],
            "item": items.ids[item_codes],
            "weight": np.maximum(relevance, 0),
        }
    )


def take_run(data: Any) -> Run:
    """Take a run from a file or a data frame, check it, and drop scores of minus infinity.

    Raises
    ------
    DataError
        As `read_run`; of a data frame, names the rows.
    """
    run = open_run(data)
    run.check_distinct()
    return run.take(run.keys < np.inf)


def open_run(data: Any) -> Run:
    """Take a run as `take_run` does, with all rows and without `Run.check_distinct`."""
    source = _opened(data)
    user, item = (
        str(find_column(source.names, role, None, where=source.where)) for role in ("user", "item")
    )
    named = {name.lower(): name for name in reversed(source.names)}
    orders = {role: named[role] for role in ("rank", "score") if role in named}
    if not orders:
        raise DataError(
            f"{source.where}: no column 'rank' or 'score' to order the items by"
            f" (columns: {first_few(source.names, 10)})"
        )
    wanted = dict.fromkeys([user, item, *orders.values()])
    with _located(source), source.read(list(wanted)) as columns:
        users, user_codes = _coded_ids(columns, user, "user")
        items, item_codes = _coded_ids(columns, item, "item")
        numbers = {role: _numbers(columns.values(one), one) for role, one in orders.items()}
        ranks = numbers.get("rank")
        if ranks is not None:
            n_levels, levels = _levels(ranks)
            rule = "the ranks of a user must be distinct"
            _check_distinct(user_codes, levels, len(users), n_levels, rule)
    return Run(users, items, user_codes, item_codes, ranks, numbers.get("score"), source)


def _coded_ids(columns: Columns, name: str, role: str) -> tuple[IdMap, np.ndarray]:
    """Return the ids of a column and the code of every row, in the cheapest way."""
    if isinstance(columns, FrameColumns):
        return IdMap.covering(columns.values(name), role)
    return columns.coded_ids(name, role)


def _opened(data: Any) -> Source:
    if not isinstance(data, str | os.PathLike):
        return as_source(data, "run")
    head = read_head(data)
    return TrecSource(head, RUN) if is_trec_run(head) else source_of(head, "interactions")


@contextmanager
def _located(source: Source) -> Iterator[None]:
    """Turn the row numbers of an error into lines of the file, or say which frame it is."""
    try:
        yield
    except BadRowsError as bad:
        if isinstance(source, FileSource):
            raise source.located(bad) from None
        raise DataError(f"{source.where}: {bad}") from None


def _numbers(values: np.ndarray, column: str) -> np.ndarray:
    """Return a column of numbers, of which minus infinity is one."""
    import pandas as pd

    numbers = values
    if values.dtype.kind not in "iuf":
        numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy()
    if len(numbers) and not numbers.max() < np.inf:
        bad = np.flatnonzero(~(numbers < np.inf))
        raise BadRowsError(f"column {column!r} holds no number", bad, values[bad])
    return numbers


def _levels(ranks: np.ndarray) -> tuple[int, np.ndarray]:
    """Return equal integers, small ones, for equal ranks, and a number they all are below."""
    if ranks.dtype.kind in "iu":
        levels, codes = IdMap.covering(ranks)
        return len(levels), codes
    distinct, codes = np.unique(ranks, return_inverse=True)
    return len(distinct), codes


def _check_distinct(
    user_codes: np.ndarray, values: np.ndarray, n_users: int, n_values: int, rule: str
) -> None:
    """Refuse rows in which a user has one of ``values`` twice."""
    from hybridrec.kernels.runs import repeated_pairs

    repeated = np.flatnonzero(repeated_pairs(user_codes, values, n_users, n_values))
    if repeated.size:
        raise BadRowsError(rule, repeated)
