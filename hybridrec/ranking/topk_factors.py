"""Exact lists of factor models: tiles of users x items that stay in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.ranking.item_index import ItemIndex, row_lengths

if TYPE_CHECKING:
    from hybridrec.ranking.scorer import FactorScorer
    from hybridrec.ranking.topk import Task

_USERS = 1024  # rows of a tile; with the items of a tile, found to be the fastest
_SPARE = 32  # candidates of a user beyond twice as many as asked for
_CANDIDATES = 1 << 22  # of a block of users
_COPY = 50  # to take an item into an index costs as much as to score it so often
_FEW = 8  # up to so many users a matrix product does not pay
_LARGE = 1e37  # products of larger numbers could leave float32


class _Block(NamedTuple):
    """Candidates of a block of users, as the kernels share them."""

    error: np.ndarray
    low: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True, eq=False)
class FactorLists:
    """Fills the lists of a factor model.

    Attributes
    ----------
    scorer : FactorScorer
    index : ItemIndex
        All items, or only the allowed ones where these are few.
    """

    scorer: FactorScorer
    index: ItemIndex

    @classmethod
    def of(cls, scorer: FactorScorer, allowed: np.ndarray, n_rows: int) -> FactorLists:
        """Take the index of all items, or make one of the allowed items where that pays."""
        count = int(np.count_nonzero(allowed))
        if count * _COPY < (len(allowed) - count) * n_rows:
            return cls(scorer, scorer.index_of(np.flatnonzero(allowed)))
        return cls(scorer, scorer.item_index)

    def rows_at_a_time(self, k: int) -> int:
        """Return how many users a block has: fewer where lists are long."""
        return max(1, min(_USERS, _CANDIDATES // self._room(k)))

    def _room(self, k: int) -> int:
        """Return how many candidates of a user are kept at most."""
        return min(2 * k + _SPARE, len(self.index.order) + 1)

    def fill(self, task: Task) -> None:
        """Write the lists of a block of users."""
        from hybridrec.kernels.topk_exact import write_lists

        factors = self.scorer.user_factors[task.rows]
        lengths = row_lengths(factors)
        block = self._empty(lengths, task.items.shape[1])
        if len(factors) <= _FEW:
            self._scan_few(factors, lengths, task, block)
        else:
            self._scan_tiles(factors, lengths, task, block)
        write_lists(
            *(factors, self.scorer.item_factors, self.scorer.item_bias, self.index.order),
            *(task.exclude_indptr, task.exclude_indices, task.allowed, task.tie),
            *(block.error, block.items, block.scores, block.sizes),
            *(task.items, task.scores),
        )

    def _empty(self, lengths: np.ndarray, k: int) -> _Block:
        from hybridrec.kernels.topk_dense import LOWEST

        shape = (len(lengths), self._room(k))
        large = self.index.bound(lengths) > _LARGE
        return _Block(
            self.index.error(lengths),
            np.where(large, np.float32(np.inf), LOWEST),
            np.empty(shape, dtype=np.int32),
            np.empty(shape, dtype=np.float32),
            np.where(large, -1, 0),
        )

    def _scan_few(
        self, factors: np.ndarray, lengths: np.ndarray, task: Task, block: _Block
    ) -> None:
        from hybridrec.kernels.topk_dense import scan_few

        index = self.index
        scan_few(
            *(index.users(factors), lengths, index.tiles, index.longest, index.top_bias),
            *(index.order, task.exclude_indptr, task.exclude_indices, task.allowed),
            task.items.shape[1],
            *block,
        )

    def _scan_tiles(
        self, factors: np.ndarray, lengths: np.ndarray, task: Task, block: _Block
    ) -> None:
        """Multiply tile by tile; users leave as soon as no later item can reach their lists."""
        from hybridrec.kernels.topk_dense import place_seen, scan_tile

        index, k = self.index, task.items.shape[1]
        n_tiles, _, width = index.tiles.shape
        seen = task.exclude_indptr, task.exclude_indices
        starts, seen_rows, seen_columns = place_seen(*seen, index.place, width, n_tiles)
        live, users = np.arange(len(factors)), index.users(factors)
        buffer = np.empty(len(factors) * width, dtype=np.float32)
        for tile in range(n_tiles):
            reached = index.bound(lengths[live], tile) >= block.low[live]
            if np.count_nonzero(reached) < 0.9 * len(live):
                live, users = live[reached], users[reached]
                if len(live) == 0:
                    break
            scores = buffer[: len(live) * width].reshape(len(live), width)
            np.matmul(users, index.tiles[tile], out=scores)
            part = slice(starts[tile], starts[tile + 1])
            scan_tile(
                *(scores, live, index.columns(tile), task.allowed),
                seen_rows[part],
                seen_columns[part],
                k,
                *block,
            )
