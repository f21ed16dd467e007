"""Blocks added up in a common space."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.features.fusion import SumFusion
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.vectors import GivenVectors

N = 40
VECTORS = np.random.default_rng(0).standard_normal((N, 5))


def knowledge(items=range(N)):
    return KnowledgeGraph.from_triples(
        [one for one in items for _ in range(2)],
        ["is", "has"] * len(items),
        [f"{kind} {one % (3 if kind == 'is' else 7)}" for one in items for kind in ("is", "has")],
    )


def dataset(items=range(N), **columns):
    rows = pd.DataFrame({"user": np.arange(len(items)) % 9, "item": list(items)})
    table = pd.DataFrame({"item": list(items), **columns}) if columns else None
    return Dataset.build(rows, knowledge(items), item_table=table)


def blocks():
    return ["tokens", GivenVectors("image", range(N), VECTORS)]


class TestSum:
    def test_one_block_that_fits_keeps_all_products(self):
        data = dataset()
        block = SumFusion([GivenVectors("image", range(N), VECTORS)], dimensions=16)
        block.fit(data, data.knowledge)
        found = block.transform(data, data.knowledge)
        units = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
        assert found.shape == (N, 16)
        np.testing.assert_allclose(found @ found.T, units @ units.T, atol=1e-5)

    def test_products_are_about_the_sum_of_those_of_the_blocks(self):
        data = dataset()
        parts = FeaturePipeline(blocks(), weights={"tokens": 2.0}).fit(data).matrix().toarray()
        block = SumFusion(blocks(), weights={"tokens": 2.0}, dimensions=1000)
        block.fit(data, data.knowledge)
        found = block.transform(data, data.knowledge)
        np.testing.assert_allclose(found @ found.T, parts @ parts.T, atol=0.5)
        error = found @ found.T - parts @ parts.T
        assert np.sqrt((error**2).mean()) < 0.15 * np.sqrt(((parts @ parts.T) ** 2).mean())

    def test_the_same_for_a_seed(self):
        data = dataset()
        seeds = []
        for seed in (0, 0, 1):
            block = SumFusion(blocks(), dimensions=8, random_state=seed)
            block.fit(data, data.knowledge)
            seeds.append(block.transform(data, data.knowledge))
        np.testing.assert_array_equal(seeds[0], seeds[1])
        assert not np.allclose(seeds[0], seeds[2])

    def test_builders_given_are_not_changed(self):
        given = blocks()
        data = dataset()
        SumFusion(given).fit(data, data.knowledge)
        assert not hasattr(given[1], "vectors_")

    def test_refused(self):
        data = dataset()
        with pytest.raises(ParameterError, match="cannot be part of a sum"):
            SumFusion([SumFusion(["tokens"])]).fit(data, data.knowledge)
        with pytest.raises(ParameterError, match="dimensions must be"):
            SumFusion(dimensions=0)
        with pytest.raises(ParameterError, match="unknown feature block 'tokns'"):
            SumFusion(["tokns"]).fit(data, data.knowledge)


class TestState:
    def test_new_items_through_restored_pipelines(self):
        pipeline = FeaturePipeline([SumFusion(blocks(), weights={"tokens": 0.5}), "tokens"])
        data = dataset()
        pipeline.fit(data)
        config, arrays = pipeline.state()
        config = json.loads(json.dumps(config))
        restored = FeaturePipeline.restore(config, arrays, data.knowledge)
        new = dataset(range(100, 104), image=[[1.0] * 5, None, None, [0.5] * 5])
        expected, found = pipeline.transform(new), restored.transform(new)
        np.testing.assert_array_equal(found.matrix().toarray(), expected.matrix().toarray())
        assert found.blocks[0].matrix.any(axis=1).all()

    def test_in_a_model(self, tmp_path):
        features = FeaturePipeline([SumFusion(blocks(), dimensions=6)])
        model = hybridrec.HybridALS(factors=3).fit(dataset(), item_features=features)
        model.save(tmp_path / "m")
        loaded = hybridrec.load(tmp_path / "m")
        table = pd.DataFrame({"item": [100, 101], "image": [[1.0] * 5, None]})
        for one in (model, loaded):
            one.add_items(table, knowledge=knowledge([100]))
        np.testing.assert_array_equal(loaded.scorer_.item_factors, model.scorer_.item_factors)
        assert model.scorable_[-2:].tolist() == [True, False]
        named = [one.name for one in model.explain(1, 5).features if one.kind == "feature"]
        assert named == ["all side information"]

    def test_any_model_that_uses_features(self):
        pipeline = FeaturePipeline(["sum"])
        for model in (hybridrec.Content(), hybridrec.EASE(), hybridrec.LightFM(epochs=2)):
            assert len(model.fit(dataset(), item_features=pipeline).recommend([1], k=3)) == 3
