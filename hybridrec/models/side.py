"""The side information of a fit: what the caller gave -> pipeline and matrix."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import as_list
from hybridrec.errors import DataError, ParameterError
from hybridrec.features.blocks import Features, scale_rows
from hybridrec.features.pipeline import FeaturePipeline, default_blocks
from hybridrec.features.social import SocialEdges

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

OF_USERS = ("social",)  # blocks that items cannot have
FRIENDS = "friends"  # column of a table of new users: lists of ids

FeatureInput: TypeAlias = "FeaturePipeline | Features | Sequence[str] | None"


def resolve_features(
    model: Recommender, given: FeatureInput, dataset: Dataset, side: str
) -> tuple[FeaturePipeline | None, csr_matrix | None]:
    """Return the fitted pipeline of one side, if there is one, and the feature matrix.

    Parameters
    ----------
    model : Recommender
        Only its flags are read.
    given : FeaturePipeline, Features, sequence of str or None
        None means what the dataset offers, an empty sequence none.
    dataset : Dataset
    side : {"item", "user"}

    Raises
    ------
    ParameterError
        If features are given to a model that does not use them, or are of the other side.
    DataError
        If features have another number of rows than there are ids.
    """
    used = model.uses_item_features if side == "item" else model.uses_user_features
    if not used:
        if given:
            raise ParameterError(f"{model.model_name} does not use {side} features")
        return None, None
    if isinstance(given, Features):
        ids = dataset.items if side == "item" else dataset.users
        if len(given) != len(ids):
            raise DataError(f"{side} features have {len(given)} rows for {len(ids)} {side}s")
        return None, given.matrix()
    if given is None:
        given = default_blocks(dataset, side, signed=not model.links_features)
    if not isinstance(given, FeaturePipeline):
        if len(given) == 0:
            return None, None
        given = FeaturePipeline(given, side=side)
    if given.side != side:
        raise ParameterError(f"a pipeline of {given.side} features was given as {side} features")
    pipeline = copy(given)  # the model's own: the caller may fit theirs on other data
    return pipeline, pipeline.fit(dataset).matrix()


def blocks_by_side(
    blocks: Sequence[str] | None, dataset: Dataset
) -> tuple[list[str] | None, list[str] | None]:
    """Return which of some named blocks are for items and which for users; None: what is offered.

    "columns" and "text" are those of both tables, as far as there are; "social" is of users only,
    and vectors are of those for whom they were given.
    """
    if blocks is None:
        return None, None
    given = {f"vectors.{one.name}" for one in dataset.vectors}
    offered = {side: default_blocks(dataset, side) for side in ("item", "user")}
    of_users = [name for name in blocks if name in OF_USERS or name in offered["user"]]
    not_of_items = {*OF_USERS, *(given - set(offered["item"]))}
    return [name for name in blocks if name not in not_of_items], of_users


def features_of_users(model: Recommender, table: pd.DataFrame) -> csr_matrix | None:
    """Return the features of new users, one row a row of their table.

    A column "friends" may hold lists of the ids of users. None where the model was fitted without
    user features, or with a ready-made matrix of them.
    """
    if model.user_pipeline_ is None:
        return None
    nothing = np.zeros(0, dtype=np.int32)
    users, items = IdMap(np.arange(len(table)), "user"), IdMap(nothing, "item")
    rows = Interactions(users, items, nothing, nothing, nothing.astype(np.float32))
    found = model.user_pipeline_.transform(Dataset(rows, user_table=table))
    if FRIENDS not in table.columns:
        return found.matrix()
    friends = [as_list(cell) for cell in table[FRIENDS]]
    pairs = zip(model.user_pipeline_.builders_, found.blocks, strict=True)
    return Features(
        [
            replace(block, matrix=scale_rows(builder.rows_of(friends)))
            if isinstance(builder, SocialEdges)
            else block
            for builder, block in pairs
        ]
    ).matrix()


def has_entries(features: csr_matrix | None, n: int) -> np.ndarray:
    """Return which of ``n`` rows have any feature, bool (n,)."""
    if features is None:
        return np.zeros(n, dtype=np.bool_)
    filled: np.ndarray = np.diff(features.indptr) > 0
    return filled
