"""Personalized PageRank of a graph in blocks has the bits of one machine."""

from __future__ import annotations

import os
import signal

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.distributed import blocks, page_rank, restart_walks
from hybridrec.distributed.cluster import _Chain
from tests.distributed.conftest import write_parts

FEATURES = {"with features": 1.0, "without": 0.0}


@pytest.fixture
def in_blocks(monkeypatch):
    """No graph is small enough for every worker."""
    monkeypatch.setattr(page_rank, "SHARE", 0.0)


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    """Distinct pairs whose weights have sums that depend on their order."""
    rng = np.random.default_rng(3)
    pairs = rng.permutation(150 * 300)[:4000]
    weights = 10 ** rng.uniform(-3, 3, 4000)
    return pd.DataFrame({"user": pairs // 300, "item": pairs % 300, "rating": weights})


def same(found: hr.PersonalizedPageRank, expected: hr.PersonalizedPageRank) -> None:
    ours, theirs = found.scorer_, expected.scorer_
    for name in ("indptr", "indices", "data"):
        assert np.array_equal(getattr(ours.weights, name), getattr(theirs.weights, name))
        assert np.array_equal(getattr(ours.profiles, name), getattr(theirs.profiles, name))
    assert np.array_equal(ours.background, theirs.background)


@pytest.mark.parametrize("name", FEATURES)
def test_in_blocks(in_blocks, sharded, local, name):
    params = {"neighbors": 15, "feature_weight": FEATURES[name]}
    ours, theirs = (hr.PersonalizedPageRank(**params) for _ in range(2))
    found = hd.fit(ours, sharded, item_features=["columns"])
    expected = theirs.fit(local, item_features=["columns"])
    same(found, expected)
    assert found.recommend(k=20)["item"].tolist() == expected.recommend(k=20)["item"].tolist()


@pytest.mark.parametrize("number", [1, 3, 11])
def test_any_number_of_blocks(in_blocks, monkeypatch, cluster, ratings, tmp_path, number):
    monkeypatch.setattr(blocks, "LEAST", number)
    monkeypatch.setattr(restart_walks, "GROUPS", number)  # 300 items: one chain, or five
    data = hd.read_sharded(cluster, write_parts(ratings, tmp_path / "log"))
    assert len(data.rows) == number
    params = {"restart": 0.15, "steps": 4}
    found = hd.fit(hr.PersonalizedPageRank(**params), data)
    same(found, hr.PersonalizedPageRank(**params).fit(hr.Dataset.build(ratings)))


def test_the_graph_goes_to_every_worker_where_there_is_memory(monkeypatch, sharded):
    needed = page_rank.whole_graph_bytes(sharded)
    assert needed > 16 * sharded.nnz
    used = []
    monkeypatch.setattr(page_rank, "nearest_of", lambda *_: used.append("whole") or 1 / 0)
    monkeypatch.setattr(page_rank.BlockWalks, "over", lambda *_: used.append("blocks") or 1 / 0)
    for memory, way in ((needed / page_rank.SHARE, "whole"), (needed, "blocks")):
        monkeypatch.setattr(hd.Cluster, "memory", memory)
        with pytest.raises(ZeroDivisionError):
            hd.fit(hr.PersonalizedPageRank(), sharded)
        assert used[-1] == way


def test_a_worker_is_killed_in_the_middle_of_the_chains(
    in_blocks, monkeypatch, cluster, sharded, local
):
    victim, steps, go_on = next(iter(cluster.client.run(os.getpid).values())), [], _Chain.go_on

    def acting(self):
        steps.append(self)
        if len(steps) == 20:
            os.kill(victim, signal.SIGKILL)
        return go_on(self)

    monkeypatch.setattr(_Chain, "go_on", acting)
    found = hd.fit(hr.PersonalizedPageRank(), sharded)
    same(found, hr.PersonalizedPageRank().fit(local))
    assert len(steps) > 20
    cluster.client.wait_for_workers(2, timeout=60)
