"""The one idea: a fitted model is a scorer, two matrices P and Q with score ``P[u] . Q[i]``."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hybridrec.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.ranking.item_index import ItemIndex


BLOCK_BYTES = 64 << 20  # scores held at a time by each thread


class Scores(Protocol):
    """What exact top-k needs: rows of scores."""

    @property
    def n_items(self) -> int:
        """Number of columns."""
        ...

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some rows for all items, float32 (len(rows), n_items)."""
        ...

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return how far each row of `block` can be from `chosen`, float64 (len(rows),)."""
        ...

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return exact scores of items chosen per row, float32, of the shape of ``items``.

        Parameters
        ----------
        rows : ndarray of int, shape (n,)
        items : ndarray of int32, shape (n, m)
            -1 gives minus infinity.
        """
        ...


class Scorer(Scores, Protocol):
    """What top-k, evaluation, storage and explanation need of a fitted model.

    Rows are users.
    """

    @property
    def n_users(self) -> int:
        """Number of rows."""
        ...

    def with_more_items(self, extra: int) -> Scorer:
        """Return a scorer with ``extra`` empty items at the end."""
        ...

    def with_users_of(self, other: Any, rows: np.ndarray, n_users: int) -> Scorer:
        """Return a scorer of ``n_users`` whose ``rows`` are the users of ``other``, in order."""
        ...


@dataclass(frozen=True, eq=False)
class FactorScorer:
    """Dense factors: ``score = user_factors[u] . item_factors[i] + item_bias[i]``.

    Attributes
    ----------
    user_factors : ndarray of float32, shape (n_users, factors)
    item_factors : ndarray of float32, shape (n_items, factors)
    item_bias : ndarray of float32, shape (n_items,)
    """

    user_factors: np.ndarray
    item_factors: np.ndarray
    item_bias: np.ndarray

    def __post_init__(self) -> None:
        for name in ("user_factors", "item_factors", "item_bias"):
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            if not np.isfinite(array).all():
                raise DataError(
                    f"{name} hold NaN or infinite numbers: the fit diverged; lower the learning"
                    " rate or raise the regularization"
                )
            object.__setattr__(self, name, array)
        width, n_items = self.user_factors.shape[1], len(self.item_bias)
        if self.item_factors.shape != (n_items, width):
            raise DataError(
                f"user factors {self.user_factors.shape}, item factors {self.item_factors.shape}"
                f" and item bias {self.item_bias.shape} do not fit together"
            )

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_factors)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.item_factors)

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some users for all items, as a matrix product."""
        scores: np.ndarray = self.user_factors[rows] @ self.item_factors.T
        scores += self.item_bias
        return scores

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return a bound on what the matrix product can lose by rounding."""
        from hybridrec.ranking.item_index import row_lengths

        return self.item_index.error(row_lengths(self.user_factors[rows]))

    @cached_property
    def item_index(self) -> ItemIndex:
        """All items in the order in which exact top-k looks at them, a copy of the factors."""
        origin: FactorScorer | None = vars(self).get("_origin")
        return self.index_of(np.arange(self.n_items)) if origin is None else origin.item_index

    def index_of(self, items: np.ndarray) -> ItemIndex:
        """Return some items, int (m,), in the order in which exact top-k looks at them."""
        from hybridrec.ranking.item_index import ItemIndex, row_lengths

        lengths = row_lengths(self.user_factors[:1000])
        typical = float(np.median(lengths)) if len(lengths) else 1.0
        return ItemIndex.of(self.item_factors, self.item_bias, items, typical)

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return exact scores of chosen items, the same whatever else is asked beside."""
        from hybridrec.kernels.topk import exact_dots

        scores = np.full(items.shape, -np.inf, dtype=np.float32)
        exact_dots(self.user_factors, self.item_factors, self.item_bias, rows, items, scores)
        return scores

    def with_more_items(self, extra: int) -> FactorScorer:
        """Return a scorer with ``extra`` zero items at the end."""
        factors = np.pad(self.item_factors, ((0, extra), (0, 0)))
        return FactorScorer(self.user_factors, factors, np.pad(self.item_bias, (0, extra)))

    def with_items(self, items: np.ndarray, factors: np.ndarray, bias: np.ndarray) -> FactorScorer:
        """Return a scorer with other factors and bias of some items."""
        all_factors, all_bias = self.item_factors.copy(), self.item_bias.copy()
        all_factors[items], all_bias[items] = factors, bias
        return FactorScorer(self.user_factors, all_factors, all_bias)

    def for_users(self, user_factors: np.ndarray) -> FactorScorer:
        """Return a scorer of other users; all about the items is shared, and not checked again."""
        factors = np.ascontiguousarray(user_factors, dtype=np.float32)
        if not np.isfinite(factors).all():
            raise DataError("user factors hold NaN or infinite numbers: a history is out of range")
        if factors.shape[1] != self.user_factors.shape[1]:
            raise DataError(
                f"user factors {factors.shape} do not fit those of the model"
                f" {self.user_factors.shape}"
            )
        scorer = copy(self)
        object.__setattr__(scorer, "user_factors", factors)
        object.__setattr__(scorer, "_origin", vars(self).get("_origin", self))
        return scorer

    def with_users_of(self, other: FactorScorer, rows: np.ndarray, n_users: int) -> FactorScorer:
        """Return a scorer of ``n_users`` whose ``rows`` are the users of ``other``, in order."""
        factors = np.pad(self.user_factors, ((0, n_users - self.n_users), (0, 0)))
        factors[rows] = other.user_factors
        return FactorScorer(factors, self.item_factors, self.item_bias)


@dataclass(frozen=True, eq=False)
class HistoryScorer:
    """Sparse profiles: ``score = profiles[u] . weights[:, i]``.

    Item-item models have the user's history as profile and item-item weights; content models
    have the user's profile over features. An item that no entry of the profile reaches has no
    score (minus infinity) rather than 0; a weight of 0 in a dense array reaches nothing.

    Attributes
    ----------
    profiles : csr_matrix of float32, shape (n_users, m)
    weights : csr_matrix or ndarray of float32, shape (m, n_items)
    over_items : bool
        Whether profiles are histories over the items (then m is n_items) or over features.
    background : ndarray of float32, shape (n_items,), optional
        Scores, of 0 and more, that make up what a profile lacks to a sum of 1; items they reach
        have a score. Only beside profiles and weights of 0 and more.
    """

    profiles: csr_matrix
    weights: csr_matrix | np.ndarray
    over_items: bool
    background: np.ndarray | None = None

    def __post_init__(self) -> None:
        if isinstance(self.weights, np.ndarray):
            dense = np.ascontiguousarray(self.weights, dtype=np.float32)
            object.__setattr__(self, "weights", dense)
        if self.profiles.shape[1] != self.weights.shape[0]:
            raise DataError(
                f"profiles {self.profiles.shape} and weights {self.weights.shape} do not fit"
                " together"
            )

    @property
    def n_users(self) -> int:
        """Number of users."""
        return int(self.profiles.shape[0])

    @property
    def n_items(self) -> int:
        """Number of items."""
        return int(self.weights.shape[1])

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the scores of some users for all items."""
        from hybridrec.kernels.topk import sparse_block
        from hybridrec.kernels.topk_sparse import dense_weights_block

        block = np.empty((len(rows), self.n_items), dtype=np.float32)
        profiles = (self.profiles.indptr, self.profiles.indices, self.profiles.data)
        weights = self.weights
        if isinstance(weights, np.ndarray):
            dense_weights_block(*profiles, weights, rows, block)
        else:
            sparse_block(*profiles, weights.indptr, weights.indices, weights.data, rows, block)
        if self.background is not None:
            np.maximum(block, self._floor, out=block)
            for row, lack in zip(block, self.lack[rows], strict=True):
                row += lack * self.background
        return block

    @cached_property
    def _floor(self) -> np.ndarray:
        """The least score that every item can have before the background, float32 (n_items,)."""
        assert self.background is not None
        return np.where(self.background > 0, np.float32(0), np.float32(-np.inf))

    @cached_property
    def lack(self) -> np.ndarray:
        """What every profile lacks to a sum of 1, float32 (n_users,)."""
        total = np.asarray(self.profiles.sum(axis=1, dtype=np.float64)).ravel()
        lack: np.ndarray = np.maximum(1.0 - total, 0.0).astype(np.float32)
        return lack

    @cached_property
    def by_background(self) -> np.ndarray:
        """Items with a background, the largest first, int32."""
        assert self.background is not None
        order = np.argsort(-self.background, kind="stable")
        return order[self.background[order] > 0].astype(np.int32)

    def block_error(self, rows: np.ndarray) -> np.ndarray:
        """Return zeros: every sum runs in one order, whatever else is asked beside."""
        return np.zeros(len(rows))

    def chosen(self, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the scores of chosen items; the users among ``rows`` are scored once each."""
        return chosen_of_blocks(self, rows, items)

    def with_more_items(self, extra: int) -> HistoryScorer:
        """Return a scorer with ``extra`` items at the end that nothing reaches."""
        more = extra if self.over_items else 0
        if isinstance(self.weights, np.ndarray):
            weights = np.pad(self.weights, ((0, more), (0, extra)))
        else:
            weights = self.weights.copy()
            weights.resize(weights.shape[0] + more, self.n_items + extra)
        profiles = self.profiles.copy()
        profiles.resize(profiles.shape[0], profiles.shape[1] + more)
        background = None if self.background is None else np.pad(self.background, (0, extra))
        return HistoryScorer(profiles, weights, self.over_items, background)

    def for_users(self, profiles: csr_matrix) -> HistoryScorer:
        """Return a scorer of other users; all about the items is shared."""
        if profiles.shape[1] != self.weights.shape[0]:
            raise DataError(
                f"profiles {profiles.shape} and weights {self.weights.shape} do not fit together"
            )
        if self.background is not None:
            _ = self._floor, self.by_background  # computed once for all copies
        scorer = copy(self)
        object.__setattr__(scorer, "profiles", profiles)
        vars(scorer).pop("lack", None)
        return scorer

    def with_users_of(self, other: HistoryScorer, rows: np.ndarray, n_users: int) -> HistoryScorer:
        """Return a scorer of ``n_users`` whose ``rows`` are the users of ``other``, in order."""
        from scipy.sparse import vstack

        source = np.arange(n_users)
        source[rows] = n_users + np.arange(len(rows))
        padded = self.profiles.copy()
        padded.resize(n_users, padded.shape[1])
        profiles = vstack([padded, other.profiles], format="csr")[source]
        return replace(self, profiles=profiles)


def one_user(scores: np.ndarray) -> FactorScorer:
    """Return a scorer with a single row, which has these scores."""
    one, zeros = np.ones((1, 1), dtype=np.float32), np.zeros(len(scores), dtype=np.float32)
    return FactorScorer(one, scores[:, None], zeros)


def cosines_of(factors: np.ndarray) -> FactorScorer:
    """Return a scorer of the cosines of all rows of factors with each other."""
    length = np.linalg.norm(factors, axis=1, keepdims=True)
    unit = factors / np.where(length > 0, length, 1)
    return FactorScorer(unit, unit, np.zeros(len(unit), dtype=np.float32))


def rows_of_a_block(n_items: int) -> int:
    """Return for how many users scores of all items are held at a time."""
    return max(1, min(256, BLOCK_BYTES // (4 * max(n_items, 1))))


def chosen_of_blocks(scorer: Scores, rows: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the scores of items chosen per row, for scorers whose `block` is exact.

    Every row among ``rows`` is scored once, however often it is asked for.
    """
    scores = np.full(items.shape, -np.inf, dtype=np.float32)
    users, place = np.unique(rows, return_inverse=True)
    order = np.argsort(place, kind="stable")
    step = rows_of_a_block(scorer.n_items)
    for start in range(0, len(users), step):
        first, last = np.searchsorted(place[order], [start, start + step])
        part = order[first:last]
        block = scorer.block(users[start : start + step])
        found = block[(place[part] - start)[:, None], np.maximum(items[part], 0)]
        scores[part] = np.where(items[part] >= 0, found, -np.inf)
    return scores
