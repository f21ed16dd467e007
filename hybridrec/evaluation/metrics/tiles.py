"""Scores of a few users for all candidates, tile by tile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from hybridrec.ranking.scorer import FactorScorer, Scorer, rows_of_a_block

_USERS, _ITEMS = 1024, 768  # of a matrix product, found to be the fastest
_ROUNDING = 2.0**-24  # of one float32 operation
_LENGTHS = 33  # of user factors, at which bounds are known


class Tile(NamedTuple):
    """Scores of a few users for some columns."""

    first: int
    """Number of the first column."""
    users: np.ndarray
    """int64 (rows,): which of the users asked for."""
    scores: np.ndarray
    """float32 (rows, width); the receiver may overwrite them."""
    error: np.ndarray
    """float64 (rows,): how far a score can be from the exact one."""
    ceiling: np.ndarray
    """float64 (rows,): no exact score is above."""


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
        """Return the scores of chosen pairs, and tiles with all scores that reach these.

        Parameters
        ----------
        rows : ndarray of int, shape (users,)
            Rows of the scorer.
        owners, items : ndarray of int, shape (pairs,)
            Positions in ``rows``, ascending, and candidates.

        Returns
        -------
        scores : ndarray of float32, shape (pairs,)
            Exact; minus infinity for items that cannot be scored.
        tiles : iterator of Tile
            A user may be left out of those that no pair of theirs falls short of.
        """
        if self.scorer.block_error(rows).any():
            every = np.arange(self.scorer.n_items, dtype=np.int32)
            block = self.scorer.chosen(rows, np.tile(every, (len(rows), 1)))
        else:
            block = self.scorer.block(rows)
        scores = self._masked(items, block[owners, items])
        users, exact = np.arange(len(rows)), np.zeros(len(rows))
        part = np.ascontiguousarray(block[:, self.scored])
        tile = Tile(0, users, part, exact, np.full(len(rows), np.inf))
        return scores, chain([tile], self._without_scores(lowest_of(scores, owners, len(rows))))

    def _masked(self, items: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return scores with minus infinity for the items that cannot be scored."""
        return np.where(self.column[items] < len(self.scored), scores, np.float32(-np.inf))

    def _without_scores(self, lowest: np.ndarray) -> Iterator[Tile]:
        """Yield the columns without scores, which only pairs without a score do not exceed."""
        users = np.flatnonzero(lowest == -np.inf)
        exact = np.zeros(len(users))
        for first in range(0, len(self.unscored) if len(users) else 0, _ITEMS):
            width = min(_ITEMS, len(self.unscored) - first)
            none = np.full((len(users), width), -np.inf, dtype=np.float32)
            yield Tile(len(self.scored) + first, users, none, exact, exact - np.inf)


class FactorTiles(Tiles):
    """Candidates of a factor model: tiles are matrix products, the item bias a first factor.

    By Cauchy and Schwarz no score exceeds ``|user| |item| + bias``. Items are in the order of this
    bound for a typical user, so that a user all of whose pairs score higher than a tile can needs
    neither this tile nor those after it. That spares a twentieth to a third of the product.
    """

    scorer: FactorScorer

    def __init__(self, scorer: FactorScorer, scored: np.ndarray, unscored: np.ndarray) -> None:
        items, users = _lengths(scorer.item_factors), _lengths(scorer.user_factors)
        bias = scorer.item_bias.astype(np.float64)
        typical = np.median(users) if len(users) else 0.0
        scored = scored[np.argsort(-(typical * items + bias)[scored], kind="stable")]
        super().__init__(scorer, scored, unscored)
        self.factors = np.column_stack([scorer.item_bias, scorer.item_factors])[self.items]
        self.step = _USERS
        parts = [scored[first : first + _ITEMS] for first in range(0, len(scored), _ITEMS)]
        self._across = [np.ascontiguousarray(self.factors[self.column[part]].T) for part in parts]
        self._longest = np.array([items[part].max() for part in parts])
        self._bias = np.array([np.abs(bias[part]).max() for part in parts])
        # The best score that a tile or a later one can hold, for some lengths of the user. It is
        # a convex function of the length, so lines between these are above it.
        self._grid = np.linspace(0, users.max(initial=0.0), _LENGTHS)
        tops = [(self._grid[:, None] * items[part] + bias[part]).max(axis=1) for part in parts]
        self._tops = np.maximum.accumulate(np.reshape(tops[::-1], (-1, _LENGTHS)))[::-1]

    def user_factors(self, rows: np.ndarray) -> np.ndarray:
        """Return the factors of some users, after a 1 for the item bias."""
        ones = np.ones(len(rows), dtype=np.float32)
        return np.column_stack([ones, self.scorer.user_factors[rows]])

    def of(
        self, rows: np.ndarray, owners: np.ndarray, items: np.ndarray
    ) -> tuple[np.ndarray, Iterator[Tile]]:
        """Return the scores of chosen pairs, and tiles with all scores that reach these."""
        found = self.scorer.chosen(rows[owners], items[:, None])[:, 0]
        scores = self._masked(items, found)
        lowest = lowest_of(scores, owners, len(rows))
        return scores, chain(self._products(rows, lowest), self._without_scores(lowest))

    def _products(self, rows: np.ndarray, lowest: np.ndarray) -> Iterator[Tile]:
        """Multiply, with a bound on what is lost by rounding (Higham 2002, ch. 3)."""
        users = self.user_factors(rows)
        lengths = _lengths(users[:, 1:])
        unit = (users.shape[1] + 2) * _ROUNDING
        error = unit * (self._longest[:, None] * lengths + self._bias[:, None])
        ceiling = error.max(axis=0, initial=0.0) + np.array(
            [np.interp(lengths, self._grid, top) for top in self._tops]
        ).reshape(error.shape)
        reached = ceiling >= lowest  # falls from tile to tile
        order = np.argsort(-reached.sum(axis=0), kind="stable")
        users = users[order]
        buffer = np.empty(len(rows) * _ITEMS, dtype=np.float32)
        for number in np.flatnonzero(reached.any(axis=1)):
            across = self._across[number]
            own = order[: np.count_nonzero(reached[number])]
            scores = buffer[: len(own) * across.shape[1]].reshape(len(own), across.shape[1])
            np.matmul(users[: len(own)], across, out=scores)
            yield Tile(int(number) * _ITEMS, own, scores, error[number, own], ceiling[number, own])


def lowest_of(scores: np.ndarray, owners: np.ndarray, n_users: int) -> np.ndarray:
    """Return the lowest score of every user, float32 (n_users,), infinity for none."""
    lowest = np.full(n_users, np.inf, dtype=np.float32)
    np.minimum.at(lowest, owners, scores)
    return lowest


def _lengths(factors: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.sqrt(np.einsum("ij,ij->i", factors, factors, dtype=np.float64))
    return lengths


def make_tiles(scorer: Scorer, scored: np.ndarray, unscored: np.ndarray) -> Tiles:
    """Return the tiles that suit a scorer."""
    if isinstance(scorer, FactorScorer):
        return FactorTiles(scorer, scored, unscored)
    return Tiles(scorer, scored, unscored)
