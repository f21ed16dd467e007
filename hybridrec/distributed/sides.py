"""The two sides of HybridALS with their rows on the workers, solved by the very same code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.blocks import in_blocks
from hybridrec.distributed.draws import drawn
from hybridrec.distributed.exchange import (
    Shared,
    Told,
    active,
    axes_of,
    everyone,
    exchange_for,
)
from hybridrec.distributed.ids import added
from hybridrec.distributed.spool import spooled
from hybridrec.models.factors import each, gram
from hybridrec.models.hybrid_als_sides import Side, start_factors
from hybridrec.models.prior import (
    WIDTH,
    FeaturePrior,
    Kernel,
    factorised,
    feature_gram,
    solved,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.checkpoint import Journal
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.models.hybrid_als import HybridALS


class ShardedSide:
    """Users or items of a `HybridALS` whose rows are in shards on the workers.

    Stands in for `hybridrec.models.hybrid_als_sides.Side` in the loop of `HybridALS`.

    Parameters
    ----------
    name : {"users", "items"}
    cluster : Cluster
    rows : sequence of Future of csr_matrix
        Rows of each block over all of the other side.
    starts : ndarray of int64
        The first code of each block; the last entry is their number.
    counts : ndarray of int64
        Interactions of every row.
    features : csr_matrix, optional
    model : HybridALS
        Only its parameters are read.
    mean_weight : float
        Of an interaction.
    journal : Journal
    others : ndarray of int64
        The first code of each block of the other side.
    shrinkage : float, default 0
    """

    def __init__(
        self,
        name: str,
        cluster: Cluster,
        rows: Sequence[Future],
        starts: np.ndarray,
        counts: np.ndarray,
        features: csr_matrix | None,
        model: HybridALS,
        mean_weight: float,
        journal: Journal,
        others: np.ndarray,
        shrinkage: float = 0.0,
    ) -> None:
        self.name, self.cluster, self.starts, self.journal = name, cluster, starts, journal
        self.features, self.model, self.size = features, model, int(starts[-1])
        self.active = np.flatnonzero(counts)
        parts = None if features is None else in_blocks(features, starts)
        shards = cluster.map(
            make_side,
            rows,
            parts or [None] * len(rows),
            model=on_one_thread(model),
            mean_weight=mean_weight,
            shrinkage=shrinkage,
        )
        self.exchange = exchange_for(cluster, shards, starts, counts, others, model.factors)
        self.shards = self.exchange.shards
        self._map = None if features is None else ShardedMap(self)
        self._set_factors(cluster.map(_no_factors, self.shards))

    def solve(self, other: ShardedSide, unobserved: float) -> None:
        """Refit the factors, the other side being fixed, then the map from features to them.

        Half-iterations that the journal has are passed over.
        """
        if self.journal.passes(self, other):
            return
        axes = self.cluster.one(axes_of, other._shared, unobserved)
        told = Told(axes, self._shared, None if self._map is None else self._map.weights)
        self._set_factors(self.exchange.refitted(self._factors, other._factors, told))
        if self._map is not None:
            self._map.fit(self._factors)
        self.cluster.wait(self._factors)
        self.journal.write(self)

    @property
    def factors(self) -> np.ndarray:
        """Factors of the active rows, on this process: on disk, if they are many."""
        if len(self.active) == self.size:
            return self.everyone()
        trained = self.cluster.map(active, self.shards, self._factors)
        shape = (len(self.active), self.model.factors)
        return spooled(self.cluster.stream(trained), shape, np.float32)

    def draw(self, stream: np.random.Generator) -> None:
        """Draw the factors to start from."""
        sizes = np.diff(np.searchsorted(self.active, self.starts)).tolist()
        blocks, _ = drawn(
            self.cluster, self.cluster.share(stream), sizes, self.model.factors, start_factors
        )
        self._set_factors(self.cluster.map(everyone, self.shards, blocks))

    def _set_factors(self, blocks: list[Future]) -> None:
        self._factors = blocks
        sums = self.cluster.map(_sums, self.shards, blocks)
        self._shared = self.cluster.one(_shared, self.cluster.reduce(added, sums))

    def everyone(self) -> np.ndarray:
        """Return factors of all rows; those without evidence are 0."""
        shape = (self.size, self.model.factors)
        return spooled(self.cluster.stream(self._factors), shape, np.float32)

    @property
    def mean(self) -> np.ndarray:
        """Mean of the trained rows; see `Side.mean`."""
        shared: Shared = self.cluster.result(self._shared)
        return shared.mean

    @property
    def weights(self) -> np.ndarray | None:
        """The map from features to factors."""
        if self._final is not None:
            return self._final
        if self._map is None or self._map.weights is None:
            return None
        weights: np.ndarray = self.cluster.result(self._map.weights)
        return weights

    @weights.setter
    def weights(self, values: np.ndarray) -> None:
        self._final = values

    _final: np.ndarray | None = None

    @cached_property
    def prior(self) -> FeaturePrior | None:
        """The ridge from features to factors, for its last fit, on this process."""
        if self.features is None or self._map is None:
            return None
        known = self.features[self.active]
        prior = FeaturePrior.of(known, self.model.feature_regularization)
        if isinstance(prior, Kernel) and self._map.state is not None:
            prior.dual = np.array(self.cluster.result(self._map.state))
        return prior

    # ---- the journal -----------------------------------------------------------------------

    @property
    def state(self) -> dict[str, list[Future]]:
        """What a later run needs to go on from here."""
        parts = {"factors": list(self._factors)}
        if self._map is not None:
            parts |= self._map.parts
        return parts

    @state.setter
    def state(self, parts: dict[str, list[Future]]) -> None:
        self._set_factors(parts["factors"])
        if self._map is not None:
            self._map.parts = parts


class ShardedMap:
    """The ridge map from features to factors, fitted where the factors are.

    Few features: ``F'F`` and ``F'Y`` are added up as trees. Many features: all factors of the
    side go to one worker, which has its features, and goes on from its last solution.
    """

    def __init__(self, side: ShardedSide) -> None:
        assert side.features is not None
        self.cluster, self.ridge = side.cluster, side.model.feature_regularization
        self.shards, self.active = side.shards, side.active
        self.weights: Future | None = None
        self.state: Future | None = None
        self.narrow = side.features.shape[1] <= WIDTH
        if self.narrow:
            total = self.cluster.reduce(added, self.cluster.map(_feature_gram, self.shards))
            self.factor = self.cluster.one(factorised, total, self.ridge)
        else:
            known = self.cluster.share(side.features[side.active])
            self.those = self.cluster.share(side.active)
            self.whole = self.cluster.one(_kernel, known, self.ridge)

    def fit(self, factors: Sequence[Future]) -> None:
        """Fit the map to factors."""
        cluster = self.cluster
        if self.narrow:
            right = cluster.reduce(added, cluster.map(_right, self.shards, list(factors)))
            self.weights = cluster.one(solved, self.factor, right)
            return
        both = cluster.one(_fit_kernel, self.whole, list(factors), self.those, self.state)
        (self.weights,), (self.state,) = cluster.split([both], range(2))

    @property
    def parts(self) -> dict[str, list[Future]]:
        """What the journal keeps."""
        kept = {"weights": self.weights, "dual": self.state}
        return {name: [one] for name, one in kept.items() if one is not None}

    @parts.setter
    def parts(self, parts: dict[str, list[Future]]) -> None:
        self.weights = parts["weights"][0] if "weights" in parts else None
        self.state = parts["dual"][0] if "dual" in parts else None


def on_one_thread(model: HybridALS) -> HybridALS:
    """Return an unfitted copy of a model for a worker."""
    return type(model)().set_params(**{**model.get_params(), "num_threads": 1})


def make_side(
    rows: csr_matrix,
    features: csr_matrix | None,
    model: HybridALS,
    mean_weight: float,
    shrinkage: float,
) -> Side:
    """Return a block as a side of its own."""
    return Side((rows / mean_weight).tocsr(), features, model, shrinkage=shrinkage)


def _no_factors(side: Side) -> np.ndarray:
    return side.everyone()


def _sums(side: Side, factors: np.ndarray) -> np.ndarray:
    """Return the Gram matrix, factors as `Side.mean` weighs them, and these weights, summed."""
    weights = 1.0 / side.count
    centre = weights @ active(side, factors).astype(np.float64)
    whole = gram(factors, each(1.0, len(factors)))
    return np.concatenate([whole.ravel(), centre, [weights.sum()]])


def _shared(sums: np.ndarray) -> Shared:
    d = int(np.sqrt(len(sums)))  # d^2 + d + 1 numbers
    mean: np.ndarray = sums[d * d : -1] / sums[-1]
    return Shared(sums[: d * d].reshape(d, d), mean.astype(np.float32))


def _feature_gram(side: Side) -> np.ndarray:
    assert side.known is not None
    return feature_gram(side.known)


def _right(side: Side, factors: np.ndarray) -> np.ndarray:
    assert side.known is not None
    right: np.ndarray = (side.known.T @ active(side, factors)).astype(np.float64)
    return right


def _kernel(known: csr_matrix, ridge: float) -> Kernel:
    return Kernel(known, ridge)


def _fit_kernel(
    prior: Kernel, factors: list[np.ndarray], those: np.ndarray, dual: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the map and the solution it is made of; nothing that is given changes."""
    fresh = Kernel(prior.features, prior.ridge)
    fresh.dual = None if dual is None else dual.copy()
    weights = fresh.fit(np.concatenate(factors)[those])
    assert fresh.dual is not None
    return weights, fresh.dual
