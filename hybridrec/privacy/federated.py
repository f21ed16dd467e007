"""HybridALS without features, trained by parties that keep their users to themselves.

What a party tells about its users are sums over them that concern items: once how often each item
was chosen, then in every round the normal equations of the items. The coordinator adds the sums
of all parties up, solves for the item factors, and tells these to all. Nothing else is exchanged,
and the item factors are those of a central fit, but for rounding.

A sum over few users still tells about them: an equation of an item that one user of a party has is
made of that user's factors alone. Where the coordinator is not to be trusted with that, add the
messages up under encryption (secure summation; they are plain arrays), or train `PrivateALS`,
whose messages have noise (`hybridrec.privacy.private_item_side`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.factors import fold_in_rows
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.hybrid_als_sides import penalties, shrunk
from hybridrec.privacy.kept_counts import KeptCounts
from hybridrec.ranking.scorer import FactorScorer, Scorer
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

BLOCK = 8 << 20  # numbers in memory at a time, while equations are made and solved


class Summary(NamedTuple):
    """What a party tells before the first round."""

    counts: np.ndarray
    """int64 (n_items,): users of each item."""
    users: int
    """Users with an interaction."""
    weight: float
    """Sum of all weights."""


class Statistics(NamedTuple):
    """What a party tells in every round: sums over its users, x being their factors.

    ``normal`` and ``right`` have a row for each item that any party has.
    """

    gram: np.ndarray
    """float64 (d (d + 1) / 2,): x x', the upper triangle."""
    normal: np.ndarray
    """float64 (items, d (d + 1) / 2): x x' of the item's users, times what their confidence
    exceeds that of an absent entry by."""
    right: np.ndarray
    """float64 (items, d): x of the item's users, times their confidence."""
    centre: np.ndarray
    """float64 (d + 1,): x divided by the user's interactions; at last the sum of the divisors."""

    @property
    def nbytes(self) -> int:
        """Size of the message."""
        return sum(part.nbytes for part in self)


@dataclass(frozen=True, eq=False)
class ItemSide:
    """What the coordinator tells all parties before a round; after the last, the trained model.

    Attributes
    ----------
    model : HybridALS
        Not fitted: its parameters.
    counts : ndarray of int64, shape (n_items,)
        Users of each item, over all parties.
    mean_weight, unobserved : float
        Mean weight of an interaction, and confidence of absent entries.
    item_factors : ndarray of float32, shape (n_items, d)
    mean_user : ndarray of float32, shape (d,)
        Mean of all users' factors, as they are pulled to it.
    """

    model: HybridALS
    counts: np.ndarray
    mean_weight: float
    unobserved: float
    item_factors: np.ndarray
    mean_user: np.ndarray

    @property
    def nbytes(self) -> int:
        """Size of what is told in a round."""
        return self.item_factors.nbytes + self.mean_user.nbytes


class FederatedALS(KeptCounts, HybridALS):
    """A `HybridALS` without features whose item side was trained by many parties.

    `Party.model` makes one for the users of a party; `fit` is a federation of one. Its popularity
    is that of all parties. Parameters are those of `HybridALS`; "cg" and pseudo-users are refused.
    Load a saved one with ``hybridrec.load(path, models=[FederatedALS])``.
    """

    model_name = "federated-als"
    uses_item_features = False
    uses_user_features = False

    _trained: tuple[_Users, ItemSide] | None = None

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        users, side = self._trained or _alone(_Users(matrix), self)
        self.counts_ = side.counts.astype(np.float32)
        state = {
            "mean_weight_": np.array(side.mean_weight),
            "unobserved_": np.array(side.unobserved),
            "mean_user_": side.mean_user,
        }
        HybridALS._set_state(self, state)
        return users.scorer(side)


class Party:
    """Users who stay where they are.

    Parameters
    ----------
    interactions : data frame or Interactions
    items : IdMap or sequence of ids
        All items, in an order that the parties agree on; the party's own are among them.

    Raises
    ------
    DataError
        If there is no interaction.
    UnknownIdError
        If the party has an item that is not on the list.
    """

    def __init__(self, interactions: Any, items: IdMap | Sequence[Any]) -> None:
        self._interactions = over_items(interactions, items)
        self._users = _Users(self._interactions.matrix)

    def summary(self) -> Summary:
        """Return what is told before the first round."""
        return self._users.summary()

    def statistics(self, side: ItemSide) -> Statistics:
        """Refit the party's users to the items, and return what is told of them."""
        return self._users.statistics(side)

    def model(self, side: ItemSide) -> FederatedALS:
        """Return the trained model with the users of this party, and of no other."""
        model = FederatedALS(**side.model.get_params())
        model._trained = self._users, side
        model.fit(Dataset.build(self._interactions))
        del model._trained
        return model


def over_items(interactions: Any, items: IdMap | Sequence[Any]) -> Interactions:
    """Return interactions over a list of items that others agree on; see `Party`."""
    known = items if isinstance(items, IdMap) else IdMap(items, "item")
    rows: Interactions = interactions
    if not isinstance(interactions, Interactions):
        rows = Interactions.from_frame(interactions)
    return replace(rows, items=known, item_codes=known.codes(rows.items.ids)[rows.item_codes])


def federated_fit(parties: Sequence[Party], model: HybridALS | None = None) -> ItemSide:
    """Train with parties in this process; over a network, do the same with `Party`'s messages.

    Parameters
    ----------
    parties : sequence of Party
        With the same list of items.
    model : HybridALS, optional
        Its parameters count.

    Returns
    -------
    ItemSide
        `Party.model` takes it.

    Raises
    ------
    ParameterError
        If a parameter makes no sense, or asks for what a federation cannot do.
    DataError
        If there is no party, or their lists of items are not of the same length.
    """
    return _train([party._users for party in parties], model or HybridALS())


def _alone(users: _Users, model: HybridALS) -> tuple[_Users, ItemSide]:
    return users, _train([users], model)


def _train(parties: Sequence[_Users], model: HybridALS) -> ItemSide:
    side = first_round([party.summary() for party in parties], model)
    for _ in range(model.iterations):
        side = next_round(side, [party.statistics(side) for party in parties])
    return side


def first_round(summaries: Sequence[Summary], model: HybridALS) -> ItemSide:
    """Return what the coordinator tells first; see `federated_fit`."""
    model._check_parameters()
    if model.solver != "cholesky" or model.pseudo_users:
        raise ParameterError("a federation needs solver='cholesky' and pseudo_users=0")
    if len({len(one.counts) for one in summaries}) != 1:
        raise DataError("the parties must have the same list of items, and there must be one")
    counts = np.sum([one.counts for one in summaries], axis=0)
    total, items = int(counts.sum()), int(np.count_nonzero(counts))
    density = total / (sum(one.users for one in summaries) * items)
    stream = random_stream(check_random_state(model.random_state))
    factors = np.zeros((len(counts), model.factors), dtype=np.float32)
    factors[counts > 0] = stream.normal(0.0, 0.1, size=(items, model.factors))
    return ItemSide(
        model,
        counts,
        mean_weight=sum(one.weight for one in summaries) / total,
        unobserved=density**0.5 / model.alpha,
        item_factors=factors,
        mean_user=np.zeros(model.factors, dtype=np.float32),
    )


def next_round(side: ItemSide, told: Sequence[Statistics]) -> ItemSide:
    """Return the item side after a round, from the sum of what the parties told."""
    total = Statistics(*(np.sum(parts, axis=0) for parts in zip(*told, strict=True)))
    d = side.item_factors.shape[1]
    above = np.triu_indices(d)
    active = np.flatnonzero(side.counts)
    ridge, _ = penalties(side.model, side.counts[active], pulled=False)
    factors = np.zeros_like(side.item_factors)
    for part in _blocks(len(active), d * d):
        normal = side.unobserved * total.gram + total.normal[part]
        matrices = np.zeros((len(normal), d, d))
        matrices[:, above[0], above[1]] = matrices[:, above[1], above[0]] = normal
        matrices[:, np.arange(d), np.arange(d)] += ridge[part, None]
        factors[active[part]] = np.linalg.solve(matrices, total.right[part, :, None])[:, :, 0]
    mean = (total.centre[:-1] / total.centre[-1]).astype(np.float32)
    return replace(side, item_factors=factors, mean_user=mean)


class _Users:
    """The users of a party as arrays."""

    def __init__(self, matrix: csr_matrix) -> None:
        if matrix.nnz == 0:
            raise DataError("the party has no interaction")
        self._active = np.flatnonzero(np.diff(matrix.indptr))
        self._rows, self._size = matrix[self._active], matrix.shape[0]
        self._factors = np.zeros((0, 0), dtype=np.float32)

    def summary(self) -> Summary:
        counts = self._rows.getnnz(axis=0).astype(np.int64)
        return Summary(counts, len(self._active), float(self._rows.data.sum(dtype=np.float64)))

    def statistics(self, side: ItemSide) -> Statistics:
        self._solve(side)
        users = self._factors.astype(np.float64)
        confidence = (self._rows / side.mean_weight).tocsr()
        confidence.data = confidence.data.astype(np.float32).astype(np.float64)
        by_item = confidence.T.tocsr()[np.flatnonzero(side.counts)]
        excess = by_item.copy()
        excess.data = excess.data - side.unobserved
        left, right = np.triu_indices(users.shape[1])
        gram = np.empty(len(left))
        normal = np.empty((by_item.shape[0], len(left)))
        for part in _blocks(len(left), len(users)):
            products = users[:, left[part]] * users[:, right[part]]
            gram[part], normal[:, part] = products.sum(axis=0), excess @ products
        share = 1.0 / np.diff(self._rows.indptr)
        centre = np.append(share @ users, share.sum())
        return Statistics(gram, normal, by_item @ users, centre)

    def scorer(self, side: ItemSide) -> FactorScorer:
        """Return the scorer of all users, those without interactions at 0."""
        if not self._factors.size:
            raise DataError("the party took part in no round")
        factors = np.zeros((self._size, self._factors.shape[1]), dtype=np.float32)
        factors[self._active] = self._factors
        return FactorScorer(factors, side.item_factors, np.zeros(len(side.item_factors)))

    def _solve(self, side: ItemSide) -> None:
        """Refit the factors to those of the items, as `HybridALS` does."""
        count = np.diff(self._rows.indptr)
        ridge, pull = penalties(side.model, count, pulled=False)
        shrinkage = side.model.user_shrinkage / count
        pull, towards = shrunk(None, pull, side.mean_user, shrinkage)
        self._factors = fold_in_rows(
            self._rows / side.mean_weight,
            side.item_factors,
            unobserved=side.unobserved,
            ridge=ridge,
            pull=pull,
            prior=towards,
            num_threads=side.model.num_threads,
        )


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK // max(width, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
