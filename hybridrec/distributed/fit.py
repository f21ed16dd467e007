"""Fit the models of `hybridrec.models` on a sharded data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from hybridrec.distributed.spool import spooled_rows
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.side import FeatureInput, resolve_features

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.dataset import ShardedDataset
    from hybridrec.ranking.scorer import Scorer

M = TypeVar("M", bound=Recommender)


@dataclass(frozen=True, eq=False)
class Training:
    """What a trainer gets.

    Attributes
    ----------
    data : ShardedDataset
    item_features, user_features : csr_matrix or None
    checkpoint : path or None
        A folder in which to keep the state, and from which to go on.
    """

    data: ShardedDataset
    item_features: csr_matrix | None
    user_features: csr_matrix | None
    checkpoint: str | os.PathLike[str] | None = None

    @cached_property
    def history(self) -> csr_matrix:
        """All interactions, users x items, on this process: on disk, if they are many."""
        data = self.data
        return spooled_rows(data.stream(), (len(data.users), len(data.items)), data.nnz)


Trainer = Callable[[Any, Training], "Scorer"]

# By the name of the model: the module of this folder that trains it, and whether it keeps
# checkpoints. Its function ``train(model, training)`` sets what `Recommender._fit` would set and
# returns the scorer.
TRAINERS: Mapping[str, tuple[str, bool]] = {
    "popularity": ("popularity", False),
    "als": ("als", True),
    "hybrid-als": ("hybrid_als", True),
    "item-knn": ("item_knn", False),
    "rp3-beta": ("rp3_beta", False),
    "personalized-page-rank": ("page_rank", False),
}


def fit(
    model: M,
    data: ShardedDataset,
    *,
    item_features: FeatureInput = None,
    user_features: FeatureInput = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> M:
    """Fit a model on a cluster; what comes out is the same fitted model as of ``model.fit``.

    Its arrays are those of a fit on one machine but for the rounding of sums, and the same bit
    for bit on any number of workers. Large ones are mapped to files of this machine rather than
    held in memory, until the model is saved and loaded or let go.

    Parameters
    ----------
    model : Recommender
        One of `TRAINERS`.
    data : ShardedDataset
    item_features, user_features
        As in `hybridrec.models.base.Recommender.fit`; made on this process.
    checkpoint : path, optional
        A folder that the client and all workers see. The state after every half-iteration is
        kept there, and a later fit of the same model on the same data goes on from it.

    Raises
    ------
    ParameterError
        If the model cannot be trained on a cluster, or keeps no checkpoint.
    DataError
        If there is no interaction.
    """
    trainer = trainer_of(model, checkpoint is not None)
    if data.nnz == 0:
        raise DataError("there is no interaction to fit on (all were dropped or weigh 0)")
    described = data.described
    item_pipeline, items = resolve_features(model, item_features, described, "item")
    user_pipeline, users = resolve_features(model, user_features, described, "user")
    training = Training(data, items, users, checkpoint)
    scorer = trainer(model, training)
    model._set_fitted(scorer, training.history, items, users)
    model._take_over(described)
    model.item_pipeline_, model.user_pipeline_ = item_pipeline, user_pipeline
    return model


def trainer_of(model: Recommender, checkpoint: bool = False) -> Trainer:
    """Return what trains a model.

    Raises
    ------
    ParameterError
        If nothing does.
    """
    if model.model_name not in TRAINERS:
        raise ParameterError(
            f"{model.model_name} cannot be trained on a cluster (there are {', '.join(TRAINERS)})"
        )
    module, resumes = TRAINERS[model.model_name]
    if checkpoint and not resumes:
        raise ParameterError(f"{model.model_name} keeps no checkpoint; leave it out")
    found: Trainer = import_module(f"hybridrec.distributed.{module}").train
    return found
