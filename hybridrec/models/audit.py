"""What rules did to lists: which of them dropped what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.frames import make_frame
from hybridrec.models.frames import Lists
from hybridrec.models.lists import Asked, Wish, lists_of_users, union, with_rules
from hybridrec.ranking.pins import Pins
from hybridrec.ranking.rules import CompiledRules, Rules

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

ALREADY, BEYOND = "already seen", "beyond the list"
ROOM, OTHERS = "made room", "other candidates"


class Entries(NamedTuple):
    """Items that stand, or are pinned, in lists: arrays of one length."""

    row: np.ndarray
    item: np.ndarray
    rank: np.ndarray
    score: np.ndarray

    @classmethod
    def of(cls, lists: Lists) -> Entries:
        """Return all entries of lists."""
        row, place = np.nonzero(lists.items >= 0)
        return cls(row, lists.items[row, place], place + 1, lists.scores[row, place])

    def ranks_of(self, row: np.ndarray, item: np.ndarray) -> np.ndarray:
        """Return the ranks of some items in some rows, 0 where they do not stand."""
        import pandas as pd

        own = pd.MultiIndex.from_arrays([self.row, self.item])
        found = own.get_indexer(pd.MultiIndex.from_arrays([row, item]))
        ranks: np.ndarray = np.append(self.rank, 0)[found]
        return ranks

    def with_pins(self, pins: np.ndarray, rows: int) -> Entries:
        """Return these and the pinned items that are not among them, with rank 0, in order."""
        row, item = np.repeat(np.arange(rows), len(pins)), np.tile(pins, rows)
        new = self.ranks_of(row, item) == 0
        row, item = row[new], item[new]
        nowhere, unscored = np.zeros(len(row), dtype=np.int64), np.full(len(row), np.nan)
        parts = zip(self, (row, item, nowhere, unscored.astype(np.float32)), strict=True)
        joined = Entries(*(np.concatenate(part) for part in parts))
        order = np.lexsort((joined.rank, joined.rank == 0, joined.row))
        return Entries(*(part[order] for part in joined))


def audit(model: Recommender, asked: Asked, rules: Rules | None, wish: Wish) -> Any:
    """Compare lists with those that there would be without rules; see `Recommender.audit`."""
    ruled = with_rules(wish, model, asked, rules or Rules())
    compiled = ruled.rules
    assert compiled is not None
    after = lists_of_users(model, asked, ruled)
    entries = Entries.of(lists_of_users(model, asked, wish))
    entries = entries.with_pins(compiled.pin_items, len(asked.ids))
    placed = Entries.of(after).ranks_of(entries.row, entries.item)
    histories = _histories(model, asked)
    barred = histories if compiled.denied is None else union(histories, compiled.denied[:-1])
    pinned = Pins.of(compiled, barred, compiled.allowed).items
    counts = _counts(compiled, after, pinned) if compiled.quotas else None
    rule, detail = _verdicts(compiled, counts, entries, placed)
    pins = np.flatnonzero(np.isin(entries.item, compiled.pin_items))
    seen = _stored(histories, entries.row[pins], entries.item[pins])
    valid = (pinned[entries.row[pins]] == entries.item[pins, None]).any(axis=1)
    for at, is_seen, is_valid in zip(pins, seen, valid, strict=True):
        if is_valid:
            detail[at] = f"rank {placed[at]}" if placed[at] else BEYOND
        else:
            detail[at] = ALREADY if is_seen else f"{rule[at]} {detail[at]}".strip()
    rule[pins] = "pin"
    pushed = np.flatnonzero((placed == 0) & (rule == ""))
    made_room = np.isin(entries.row[pushed], entries.row[pins][placed[pins] > 0])
    rule[pushed] = np.where(made_room, "pin", "rerank")
    detail[pushed] = np.where(made_room, ROOM, OTHERS)
    return make_frame(
        {
            "user": asked.ids[entries.row],
            "item": model.items_.ids[entries.item],
            "rank": entries.rank.astype(np.int32),
            "score": entries.score,
            "rule": rule,
            "detail": detail,
        },
        model.backend_,
    )


def _verdicts(
    rules: CompiledRules, counts: csr_matrix | None, entries: Entries, placed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first rule against each entry that does not stand in its list, and its detail."""
    rule, detail = (np.full(len(entries.row), "", dtype=object) for _ in range(2))

    def give(entries_at: np.ndarray, name: str, reasons: Any) -> None:
        rule[entries_at], detail[entries_at] = name, reasons

    def left() -> np.ndarray:
        return np.flatnonzero((placed == 0) & (rule == ""))

    for mask in rules.masks:
        at = left()
        give(at[~mask.passes[entries.item[at]]], mask.rule, mask.detail)
    if rules.denied is not None:
        at = left()
        give(at[_stored(rules.denied, entries.row[at], entries.item[at])], "user deny", "")
    if counts is not None:
        at = left()
        full = _first_full(rules, counts, entries.row[at], entries.item[at])
        names = [rules.quota_name(one) for one in full[full >= 0].tolist()]
        give(at[full >= 0], "quota", np.array(names, dtype=object))
    return rule, detail


def _counts(rules: CompiledRules, after: Lists, pinned: np.ndarray) -> csr_matrix:
    """Return how many items of each value every list has, int (n, values).

    Pinned items (n, p) count also where they are beyond the end of the list.
    """
    from scipy.sparse import csr_matrix

    listed = np.concatenate([after.items, pinned], axis=1)
    row, place = np.nonzero(listed >= 0)
    pairs = (np.ones(len(row), dtype=np.int32), (row, listed[row, place]))
    lists = csr_matrix(pairs, shape=(len(listed), len(rules.allowed)))
    lists.data[:] = 1  # a pinned item that stands in the list is there twice
    return lists @ rules.members.astype(np.int32)


def _first_full(
    rules: CompiledRules, counts: csr_matrix, row: np.ndarray, item: np.ndarray
) -> np.ndarray:
    """Return for each item the first of its values that has no room in the list of a row, or -1."""
    values = rules.members[item]
    entry = np.repeat(np.arange(len(item)), np.diff(values.indptr))
    number = np.asarray(counts[row[entry], values.indices]).ravel()
    full = number >= rules.limits[values.indices]
    first, at = np.unique(entry[full], return_index=True)
    found = np.full(len(item), -1)
    found[first] = values.indices[full][at]
    return found


def _histories(model: Recommender, asked: Asked) -> csr_matrix:
    """Return what users are known to have, as `lists_of_users` takes it, (n, n_items)."""
    from scipy.sparse import csr_matrix, vstack

    if asked.history is None:
        return model.history_[asked.codes]
    n, n_items = asked.history.shape
    nothing = csr_matrix((1, n_items), dtype=np.float32)
    every = vstack([asked.history, model.history_, nothing], format="csr")
    stored = np.where(asked.codes >= 0, n + asked.codes, every.shape[0] - 1)
    told = np.diff(asked.history.indptr) > 0
    return every[np.where(told, np.arange(n), stored)]


def _stored(matrix: csr_matrix, row: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Return which pairs have an entry in a matrix."""
    if len(row) == 0:
        return np.zeros(0, dtype=np.bool_)
    stored: np.ndarray = np.asarray(matrix[row, item]).ravel() != 0
    return stored
