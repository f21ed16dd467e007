"""Scores of a few users for all candidates, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from hybridrec.ranking.scorer import FactorScorer, Scorer, rows_of_a_block

_USERS, _ITEMS = 1024, 384  # of a matrix product, found to be the fastest
_ROUNDING = 2.0**-24  # of one float32 operation


class Tile(NamedTuple):
    """Scores of a few users for some columns."""

    first: int
    """Number of the first column."""
    scores: np.ndarray
    """float32 (users, width); the receiver may overwrite them."""
    error: np.ndarray
    """float64 (users,): how far a score can be from the exact one."""


class Tiles:
    """Candidates as columns: first those that can be scored, then the others.

    This class is for any scorer; it scores all items at once, exactly.

    Parameters
    ----------
    scorer : Scorer
    scored, unscored : ndarray of int
        Candidates that can be scored, and others, which get minus infinity.

    Attributes
    ----------
    items : ndarray of int64, shape (n_columns,)
    column : ndarray of int32, shape (n_items,)
        The column of every item, -1 if it is no candidate.
    factors : ndarray of float32, shape (n_columns, f)
        Where tiles have errors, products of these and `user_factors`, summed in order in float64,
        are the exact scores.
    step : int
        For how many users scores should be asked for at a time.
    """

    def __init__(self, scorer: Scorer, scored: np.ndarray, unscored: np.ndarray) -> None:
        self.scorer, self.scored, self.unscored = scorer, scored, unscored
        self.items = np.concatenate([scored, unscored])
        self.column = np.full(scorer.n_items, -1, dtype=np.int32)
        self.column[self.items] = np.arange(len(self.items), dtype=np.int32)
        self.factors = np.empty((len(self.items), 0), dtype=np.float32)
        self.step = rows_of_a_block(scorer.n_items)

    def user_factors(self, rows: np.ndarray) -> np.ndarray:
        """Return the factors of some users, float32 (users, f)."""
        return np.empty((len(rows), 0), dtype=np.float32)

    def of(
        self, rows: np.ndarray, owners: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, Iterator[Tile]]:
        """Return exact scores of chosen pairs, and the tiles of some users.

        Parameters
        ----------
        rows : ndarray of int, shape (users,)
            Rows of the scorer.
        owners, items : ndarray of int, shape (pairs,)
            Positions in ``rows``, ascending, and items.
        """
        if self.scorer.block_error(rows).any():
            every = np.arange(self.scorer.n_items, dtype=np.int32)
            scores = self.scorer.chosen(rows, np.tile(every, (len(rows), 1)))
        else:
            scores = self.scorer.block(rows)
        exact = np.zeros(len(rows))
        tiles = [Tile(0, np.ascontiguousarray(scores[:, self.scored]), exact)]
        return scores[owners, items], chain(tiles, self._without_scores(len(rows)))

    def _without_scores(self, n_users: int) -> Iterator[Tile]:
        exact = np.zeros(n_users)
        for first in range(0, len(self.unscored), _ITEMS):
            width = min(_ITEMS, len(self.unscored) - first)
            none = np.full((n_users, width), -np.inf, dtype=np.float32)
            yield Tile(len(self.scored) + first, none, exact)


class FactorTiles(Tiles):
    """Candidates of a factor model: tiles are matrix products, the item bias a first factor.

    Items are ordered by the length of their factors. Rounding grows with it, so most tiles have
    far smaller errors than the longest item would make one allow for.
    """

    scorer: FactorScorer

    def __init__(self, scorer: FactorScorer, scored: np.ndarray, unscored: np.ndarray) -> None:
        lengths = np.linalg.norm(scorer.item_factors.astype(np.float64), axis=1)
        scored = scored[np.argsort(-lengths[scored], kind="stable")]
        super().__init__(scorer, scored, unscored)
        self.factors = np.column_stack([scorer.item_bias, scorer.item_factors])[self.items]
        self.step = _USERS
        firsts = range(0, len(scored), _ITEMS)
        parts = [slice(first, min(first + _ITEMS, len(scored))) for first in firsts]
        self._across = [np.ascontiguousarray(self.factors[part].T) for part in parts]
        self._longest = [lengths[scored[part.start]] for part in parts]
        self._bias = [float(np.abs(self.factors[part, 0]).max()) for part in parts]

    def user_factors(self, rows: np.ndarray) -> np.ndarray:
        """Return the factors of some users, after a 1 for the item bias."""
        ones = np.ones(len(rows), dtype=np.float32)
        return np.column_stack([ones, self.scorer.user_factors[rows]])

    def of(
        self, rows: np.ndarray, owners: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, Iterator[Tile]]:
        """Return exact scores of chosen pairs, and the tiles of some users."""
        scores = self.scorer.chosen(rows[owners], items[:, None])[:, 0]
        return scores, chain(self._products(rows), self._without_scores(len(rows)))

    def _products(self, rows: np.ndarray) -> Iterator[Tile]:
        """Multiply, with a bound on what is lost by rounding (Higham 2002, ch. 3)."""
        users = self.user_factors(rows)
        lengths = np.linalg.norm(users[:, 1:].astype(np.float64), axis=1)
        unit = (users.shape[1] + 2) * _ROUNDING
        buffer = np.empty(len(rows) * _ITEMS, dtype=np.float32)
        for number, across in enumerate(self._across):
            error = unit * (lengths * self._longest[number] + self._bias[number])
            scores = buffer[: len(rows) * across.shape[1]].reshape(len(rows), -1)
            yield Tile(number * _ITEMS, np.matmul(users, across, out=scores), error)


def make_tiles(scorer: Scorer, scored: np.ndarray, unscored: np.ndarray) -> Tiles:
    """Return the tiles that suit a scorer."""
    if isinstance(scorer, FactorScorer):
        return FactorTiles(scorer, scored, unscored)
    return Tiles(scorer, scored, unscored)
