"""HybridALS on a cluster: its own loop over sides whose rows are on the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybridrec.distributed.checkpoint import Journal, about_fit, fingerprint
from hybridrec.distributed.once import forget
from hybridrec.distributed.sides import ShardedSide
from hybridrec.errors import ParameterError
from hybridrec.models.hybrid_als import HybridALS, factor_scorer

if TYPE_CHECKING:
    from hybridrec.distributed.fit import Training
    from hybridrec.ranking.scorer import Scorer


def train(model: HybridALS, training: Training) -> Scorer:
    """Train a `HybridALS`."""
    model._check_parameters()
    if model.pseudo_users and training.item_features is not None:
        raise ParameterError("hybrid-als on a cluster needs pseudo_users=0")
    data, of_items, of_users = training.data, training.item_features, training.user_features
    mean = data.weight / data.nnz
    journal = Journal(data.cluster, training.checkpoint, _about(model, training))
    users = ShardedSide(
        *("users", data.cluster, data.rows, data.user_starts, data.user_counts, of_users),
        *(model, mean, journal, data.item_starts, model.user_shrinkage),
    )
    items = ShardedSide(
        *("items", data.cluster, data.columns, data.item_starts, data.item_counts, of_items),
        *(model, mean, journal, data.user_starts),
    )
    pairs = float(len(users.active) * len(items.active))
    unobserved = (data.nnz / pairs) ** 0.5 / model.alpha
    user_factors, item_factors = model._train(users, items, mean, unobserved)  # type: ignore[arg-type]
    data.cluster.client.run(forget)
    model.features_ = of_items
    model.user_prior_ = None if of_users is None else of_users @ users.weights
    return factor_scorer(user_factors, item_factors)


def _about(model: HybridALS, training: Training) -> dict[str, Any]:
    """Return what a checkpoint must have in common with this fit."""
    features = [one for one in (training.item_features, training.user_features) if one is not None]
    parts = (part for one in features for part in (one.indptr, one.indices, one.data))
    return {**about_fit(model, training.data), "features": fingerprint(*parts)}
