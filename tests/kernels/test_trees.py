from __future__ import annotations

import numpy as np
import pytest

from hybridrec.kernels.trees import middle_ranks
from hybridrec.ranking.trees import Trees


def test_middle_ranks_count_lower_scores_and_half_of_the_ties():
    block = np.array([[0.5, 0.1, 0.5, 0.9], [4, 3, 2, 1]], dtype=np.float32)
    ranks = np.empty(5, dtype=np.float32)
    starts, items = np.array([0, 4, 5]), np.array([0, 1, 2, 3, 3])
    middle_ranks(block, np.array([0, 1, 2]), starts, items, ranks)
    np.testing.assert_allclose(ranks, [2 / 3, 1 / 6, 2 / 3, 1, 0], rtol=1e-6)


def test_few_items_are_ranked_as_many_are():
    block = np.random.default_rng(0).integers(0, 9, size=(1, 50)).astype(np.float32)
    measured, items = np.arange(40), np.arange(50)
    every, some = np.empty(50, dtype=np.float32), np.empty(10, dtype=np.float32)
    middle_ranks(block, measured, np.array([0, 50]), items, every)
    middle_ranks(block, measured, np.array([0, 10]), items[40:], some)
    np.testing.assert_array_equal(every[40:], some)


@pytest.mark.parametrize("seed", range(3))
def test_trees_give_exactly_what_scikit_learn_does(seed):
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(seed)
    features = rng.random((400, 3)).astype(np.float32)
    labels = features @ [1, 2, 0] + rng.normal(0, 0.3, 400) > 1.5
    booster = HistGradientBoostingClassifier(
        max_iter=20, max_leaf_nodes=5 + seed, monotonic_cst=[1, 1, 0]
    ).fit(features, labels)
    asked = np.vstack([features, rng.random((300, 3)).astype(np.float32), np.zeros((1, 3))])
    trees = Trees.of(booster)
    np.testing.assert_array_equal(trees.predict(asked), booster.decision_function(asked))
    assert len(trees.starts) == 21
