"""What is held out, and which alphas that chooses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec import HybridALS, Interactions
from hybridrec.online.transfer.choice import choose, hold_out, ndcg
from hybridrec.online.transfer.rows import histories_of
from hybridrec.runtime import random_stream


def histories(rows):
    return histories_of(Interactions.from_frame(rows, context=["scenario"]), "scenario")


@pytest.mark.parametrize("everywhere", [False, True])
def test_parts_are_disjoint_and_complete(shop, everywhere):
    whole = histories(shop)
    found = hold_out(whole, random_stream(0), everywhere=everywhere)
    for name, history in whole.items():
        rest, pairs = found.rest[name], found.pairs[name]
        assert rest.multiply(pairs).nnz == 0
        assert 0.1 < pairs.nnz / history.nnz < 0.5
        if everywhere:
            for other in found.pairs.values():
                assert rest.multiply(other).nnz == 0
        else:
            assert ((rest + pairs) != history).nnz == 0


def test_some_users_lose_a_scenario_but_never_all_they_have(shop):
    stranger = shop.iloc[:1].assign(user=99, item="i0", scenario="buy")
    import pandas as pd

    whole = histories(pd.concat([shop, *[stranger] * 3]))
    newcomers = 0
    for seed in range(8):
        found = hold_out(whole, random_stream(seed), everywhere=False)
        before, after = (np.diff(one["buy"].indptr) for one in (whole, found.rest))
        newcomers += np.count_nonzero((before > 4) & (after == 0))
    assert 8 <= newcomers <= 100  # about a tenth of 60, eight times


def test_ndcg_by_hand():
    hits = csr_matrix(np.array([[1, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float32))
    lists = np.array([[2, 1, 0], [3, -1, -1]])
    gain = 1 / np.log2([3, 4])
    ideal = 1 + 1 / np.log2(3)
    np.testing.assert_allclose(ndcg(lists, hits), [gain.sum() / ideal, 1.0])


def chosen(rows, **options):
    def fit(matrix):
        model = HybridALS(factors=6, iterations=8, num_threads=1)
        model._learn(matrix, None, None)
        return model

    given = {"everywhere": False, "own_items": False, "num_threads": 1} | options
    return choose(fit, histories(rows), random_stream(0), **given)


def test_a_scenario_of_another_kind_is_adapted(shop):
    """Only cheap items are bought, which the shared model cannot know."""
    found = chosen(shop)["buy"]
    assert found.users > 20
    assert found.alpha.users + found.alpha.items > 0
    assert found.adapted > found.shared + 0.02
    assert found.newcomers_adapted >= found.newcomers_shared


def test_scenarios_by_chance_or_with_little_stay_with_the_shared_model(shop):
    browse = shop[shop["scenario"] == "browse"].reset_index(drop=True)
    few = browse.copy()
    few.loc[[3, 60, 200], "scenario"] = "buy"
    assert tuple(chosen(few)["buy"].alpha) == (0, 0, 0)
    nothing = browse.iloc[:2].assign(scenario=["a", "b"])
    assert {tuple(one.alpha) for one in chosen(nothing).values()} == {(0, 0, 0)}
