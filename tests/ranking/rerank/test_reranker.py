"""What holds for every way of re-ranking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, vstack

from hybridrec.dataset.idmap import IdMap
from hybridrec.features.blocks import scale_rows
from hybridrec.ranking.catalogue import Catalogue
from hybridrec.ranking.rerank import DPP, MMR, Calibrated, FairExposure, PopularityDamping
from hybridrec.ranking.rerank.reranker import Reranker

EVERY = (
    MMR(weight=0.6),
    DPP(weight=0.6),
    Calibrated("kinds", weight=0.6),
    PopularityDamping(strength=0.6),
    FairExposure(weight=0.6),
    FairExposure("kinds", weight=0.6),
)
N_ITEMS = 40
seeds = given(st.integers(0, 10**6))
few = settings(deadline=None, max_examples=15)
every = pytest.mark.parametrize("reranker", EVERY, ids=str)


def made(seed):
    """Return a catalogue and the candidates, scores and histories of four users."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    vectors = scale_rows(rng.random((N_ITEMS, 5)) * (rng.random((N_ITEMS, 5)) < 0.4))
    kinds = [[f"k{one}" for one in np.flatnonzero(rng.random(4) < 0.3)] for _ in range(N_ITEMS)]
    catalogue = Catalogue(
        IdMap(np.arange(N_ITEMS), "item"),
        rng.integers(0, 20, N_ITEMS).astype(np.float32),
        pd.DataFrame({"kinds": kinds}),
        lambda _: vectors,
    )
    items = np.array([rng.permutation(N_ITEMS)[:12] for _ in range(4)], dtype=np.int32)
    items[1, 7:] = items[2, 1:] = items[3] = -1
    scores = np.sort(rng.normal(size=items.shape).round(1).astype(np.float32))[:, ::-1]
    scores = np.where(items < 0, -np.inf, scores).astype(np.float32)
    histories = csr_matrix(rng.random((4, N_ITEMS)) < 0.15, dtype=np.float32)
    return catalogue, items, scores, csr_matrix(vstack([histories[:2], csr_matrix((2, N_ITEMS))]))


@every
@few
@seeds
def test_every_candidate_once_and_nothing_else(reranker, seed):
    catalogue, items, scores, histories = made(seed)
    order = reranker.prepared(catalogue)(items, scores, histories)
    assert order.dtype == np.intp
    for row, found in zip(items, order, strict=True):
        count = int((row >= 0).sum())
        assert sorted(found[:count]) == list(range(count))
        assert (found[count:] == -1).all()


@every
@few
@seeds
def test_without_weight_it_is_the_order_of_the_model(reranker, seed):
    catalogue, items, scores, histories = made(seed)
    idle = replace(reranker, **{reranker.counted_by: 0.0})
    order = idle.prepared(catalogue)(items, scores, histories)
    np.testing.assert_array_equal(order, np.where(items >= 0, np.arange(items.shape[1]), -1))


@every
@few
@seeds
def test_a_user_gets_the_same_alone_and_after_scores_are_scaled(reranker, seed):
    catalogue, items, scores, histories = made(seed)
    before = items.copy(), scores.copy(), histories.copy()
    reorder = reranker.prepared(catalogue)
    together = reorder(items, scores, histories)
    for row in range(len(items)):
        one = slice(row, row + 1)
        alone = reorder(items[one], scores[one], histories[one])
        np.testing.assert_array_equal(alone, together[one])
    np.testing.assert_array_equal(reorder(items, scores * 4 + 2, histories), together)
    np.testing.assert_array_equal(items, before[0])
    np.testing.assert_array_equal(scores, before[1])
    assert (histories != before[2]).nnz == 0


@every
@few
@seeds
def test_deeper_candidates_stay_behind(reranker, seed):
    catalogue, items, scores, histories = made(seed)
    short = replace(reranker, candidates=5).prepared(catalogue)
    deep = short(items, scores, histories)
    first = short(items[:, :5].copy(), scores[:, :5].copy(), histories)
    np.testing.assert_array_equal(deep[:, :5], first)
    expected = np.where(items >= 0, np.arange(items.shape[1]), -1)
    np.testing.assert_array_equal(deep[:, 5:], expected[:, 5:])


@every
def test_it_is_a_value(reranker):
    assert reranker == replace(reranker)
    assert hash(reranker) == hash(replace(reranker))
    assert isinstance(reranker, Reranker)
