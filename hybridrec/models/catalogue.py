"""The catalogue of a model: vectors of its items from features, facts, or what it learned."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.features.blocks import scale_rows
from hybridrec.features.pipeline import BLOCKS, FeaturePipeline, default_blocks
from hybridrec.models.kept import kept
from hybridrec.ranking.catalogue import Catalogue, Vectors
from hybridrec.ranking.scorer import FactorScorer
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

FACTORS = "factors"
DIMENSIONS = 64  # of vectors made of the interactions


def catalogue_of(model: Recommender) -> Catalogue:
    """Return the catalogue of a fitted model: the one it has, unless its items have changed."""
    made_of = (model.items_, model.popularity_, model.item_table_)
    vectors = partial(item_vectors, model)
    return kept(model, "catalogue", made_of, lambda: Catalogue(*made_of, vectors))


def item_vectors(model: Recommender, block: str | None) -> Vectors:
    """Return one vector an item, of length 1, or 0 where nothing is known.

    Parameters
    ----------
    model : Recommender
    block : str or None
        As in `hybridrec.ranking.catalogue.Catalogue.vectors`.

    Raises
    ------
    ParameterError
        If there is no such block, or nothing to make it of.
    """
    pipeline, items = model.item_pipeline_, items_of(model)
    own = {one.name: one for one in pipeline.builders_} if pipeline is not None else {}
    known = dict.fromkeys([*own, *BLOCKS, FACTORS])
    if block is not None and block not in known:
        raise ParameterError(
            f"unknown feature block {block!r}{did_you_mean(block, known)}"
            f" (there are {', '.join(known)})"
        )
    if block in own:
        assert pipeline is not None
        return scale_rows(own[block].transform(items, pipeline.knowledge_))
    if block is None and pipeline is not None:
        return scale_rows(pipeline.transform(items).matrix())
    blocks = default_blocks(items) if block is None else [block]
    if blocks in ([], [FACTORS]):
        return scale_rows(_learned(model))
    return scale_rows(FeaturePipeline(blocks).fit(items).matrix())


def items_of(model: Recommender) -> Dataset:
    """Return the items of a model with what is known of them, without users."""
    nobody = np.zeros(0, dtype=np.int32)
    rows = Interactions(
        IdMap(nobody, "user"), model.items_, nobody, nobody, np.zeros(0, dtype=np.float32)
    )
    return Dataset(rows, model.knowledge_, model.item_table_)


def _learned(model: Recommender) -> np.ndarray:
    """Return the item factors of a model, or such as its interactions have if it has none."""
    scorer = model.scorer_
    if isinstance(scorer, FactorScorer) and scorer.item_factors.shape[1] > 1:
        return scorer.item_factors
    return _singular_vectors(model.history_)


def _singular_vectors(history: csr_matrix) -> np.ndarray:
    """Return the main directions in which items differ by their users, float32 (n_items, f)."""
    from scipy.sparse import csr_matrix, diags
    from sklearn.utils.extmath import randomized_svd

    count = history.getnnz(axis=0)
    alike = csr_matrix(history != 0, dtype=np.float64) @ diags(np.maximum(count, 1) ** -0.5)
    with threads():
        _, sizes, right = randomized_svd(alike, min(DIMENSIONS, *alike.shape), random_state=0)
    vectors: np.ndarray = (right.T * sizes).astype(np.float32)
    vectors[count == 0] = 0.0  # nothing but rounding
    return vectors
