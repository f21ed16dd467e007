"""Tiles hold every score that matters, and their bounds hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.evaluation.metrics import tiles as tiles_module
from hybridrec.evaluation.metrics.tiles import make_tiles
from hybridrec.ranking.scorer import FactorScorer

N_USERS, N_ITEMS, WIDTH = 8, 40, 4


def scorer_and_pairs(seed, spread):
    """Users with two pairs each, but for the last, who has none; biases as wide as ``spread``."""
    rng = np.random.default_rng(seed)
    users, items = rng.standard_normal((N_USERS, 3)), rng.standard_normal((N_ITEMS, 3))
    scorer = FactorScorer(users, items, spread * rng.standard_normal(N_ITEMS))
    return scorer, np.repeat(np.arange(N_USERS - 1), 2), rng.integers(0, N_ITEMS, 2 * N_USERS - 2)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.0, 1.0, 10.0]))
def test_what_is_left_out_scores_lower_than_all_pairs(seed, spread):
    scorer, owners, items = scorer_and_pairs(seed, spread)
    rows = np.arange(N_USERS)
    exact = scorer.chosen(rows, np.tile(np.arange(N_ITEMS, dtype=np.int32), (N_USERS, 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles_module, "_ITEMS", WIDTH)
        tiles = make_tiles(scorer, np.arange(N_ITEMS), np.arange(0))
        scores, parts = tiles.of(rows, owners, items)
        found = [(tile.users, tile.first, tile.scores.copy(), *tile[3:]) for tile in parts]
    assert np.array_equal(scores, exact[owners, items])
    missing = exact[:, tiles.items]
    for users, first, values, error, ceiling in found:
        own = exact[users][:, tiles.items[first : first + WIDTH]]
        assert (np.abs(values - own) <= error[:, None]).all()
        assert (own <= ceiling[:, None]).all()
        missing[users, first : first + WIDTH] = -np.inf
    for user in rows[:-1]:
        assert missing[user].max() < scores[owners == user].min()


def test_large_biases_spare_most_of_the_product(monkeypatch):
    monkeypatch.setattr(tiles_module, "_ITEMS", WIDTH)
    scorer, owners, _ = scorer_and_pairs(0, 100.0)
    tiles = make_tiles(scorer, np.arange(N_ITEMS), np.arange(0))
    best = np.argsort(scorer.item_bias)[-2:]
    _, parts = tiles.of(np.arange(N_USERS), owners, np.tile(best, N_USERS - 1))
    assert [(tile.first, len(tile.users)) for tile in parts] == [(0, N_USERS - 1)]


def test_columns_without_scores_are_for_pairs_without_scores():
    scorer, owners, items = scorer_and_pairs(0, 1.0)
    tiles = make_tiles(scorer, np.arange(1, N_ITEMS), np.arange(1))
    items[:] = 1
    items[4] = 0
    scores, parts = tiles.of(np.arange(N_USERS), owners, items)
    assert np.isinf(scores).nonzero()[0].tolist() == [4]
    *_, last = parts
    assert (last.first, last.users.tolist()) == (N_ITEMS - 1, [2])
    assert last.scores.tolist() == [[-np.inf]]
