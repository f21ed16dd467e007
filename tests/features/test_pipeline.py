"""Pipelines: fitted once, stored, applied to new items."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import NotFittedError, ParameterError
from hybridrec.features.columns import TableColumns
from hybridrec.features.pipeline import FeaturePipeline, default_blocks, make_block
from hybridrec.features.tokens import KnowledgeTokens
from hybridrec.features.walks import WalkEmbedding

TABLE = pd.DataFrame({"item": ["a", "b", "c", "d"], "year": [1, 2, 3, 4]})
USERS = pd.DataFrame({"user": ["u", "v"], "job": ["smith", "smith"]})


def knowledge(items="abcd", names="xxyy"):
    return KnowledgeGraph.from_triples(list(items), ["r"] * len(items), list(names))


def dataset(graph=True, table=TABLE, users=USERS, items="abcd"):
    rows = pd.DataFrame({"user": "u", "item": list(items)})
    kg = knowledge() if graph else None
    return Dataset.build(rows, kg, item_table=table, user_table=users)


class TestDefaults:
    @pytest.mark.parametrize(
        ("given", "side", "names"),
        [
            ({}, "item", ["tokens", "columns"]),
            ({}, "user", ["columns"]),
            ({"graph": False}, "item", ["columns"]),
            ({"table": None}, "item", ["tokens"]),
            ({"graph": False, "table": None, "users": None}, "item", []),
            ({"users": None}, "user", []),
        ],
    )
    def test_what_the_data_offers(self, given, side, names):
        assert default_blocks(dataset(**given), side) == names

    def test_of_a_pipeline(self):
        features = FeaturePipeline().fit(dataset())
        assert [one.name for one in features.blocks] == ["tokens", "columns"]
        features = FeaturePipeline(side="user").fit(dataset())
        assert features.feature_names.tolist() == ["columns:job=smith"]
        assert len(features) == 2

    def test_make_block(self):
        assert isinstance(make_block("tokens"), KnowledgeTokens)
        assert make_block("two-hop-tokens").hops == 2
        assert isinstance(make_block("walks"), WalkEmbedding)
        assert make_block("columns", "user").side == "user"


class TestScaling:
    def test_every_row_of_a_block_has_length_one(self):
        for block in FeaturePipeline(["tokens", "columns", WalkEmbedding(4)]).fit(dataset()).blocks:
            dense = block.matrix if isinstance(block.matrix, np.ndarray) else block.matrix.toarray()
            np.testing.assert_allclose(np.linalg.norm(dense, axis=1), 1.0, rtol=1e-5)

    def test_weights(self):
        pipeline = FeaturePipeline(["tokens", "columns"], weights={"tokens": 0.0, "columns": 2.0})
        matrix = pipeline.fit(dataset()).matrix()
        np.testing.assert_allclose(matrix.power(2).sum(axis=1), 4.0, rtol=1e-6)
        assert set(matrix.indices) == {2, 3, 4, 5}  # no column of the two tokens

    @pytest.mark.parametrize("weight", [-1.0, np.nan])
    def test_bad_weight(self, weight):
        with pytest.raises(ParameterError, match="weight of block 'tokens' must be >= 0"):
            FeaturePipeline(["tokens"], weights={"tokens": weight}).fit(dataset())


class TestState:
    BLOCKS = ("tokens", "two-hop-tokens", WalkEmbedding(4), TableColumns({"year": "number"}))

    def test_restored_pipelines_give_the_same(self):
        pipeline = FeaturePipeline(self.BLOCKS, weights={"walks": 0.5})
        expected = pipeline.fit(dataset())
        config, arrays = pipeline.state()
        config = json.loads(json.dumps(config))
        arrays = {name: array.copy() for name, array in arrays.items()}
        for array in arrays.values():
            array.flags.writeable = False  # as they come from a model folder
        restored = FeaturePipeline.restore(config, arrays, knowledge())
        found = restored.transform(dataset())
        assert found.feature_names.tolist() == expected.feature_names.tolist()
        np.testing.assert_array_equal(found.matrix().toarray(), expected.matrix().toarray())
        assert json.loads(json.dumps(restored.state()[0])) == config

    def test_new_items_through_restored_pipelines(self):
        pipeline = FeaturePipeline(self.BLOCKS)
        pipeline.fit(dataset())
        restored = FeaturePipeline.restore(*pipeline.state(), knowledge())
        rows = pd.DataFrame({"user": "u", "item": ["new"]})
        table = pd.DataFrame({"item": ["new"], "year": [3]})
        new = Dataset.build(rows, knowledge(["new"], "y"), item_table=table)
        found, expected = restored.transform(new).matrix(), pipeline.transform(new).matrix()
        np.testing.assert_array_equal(found.toarray(), expected.toarray())
        assert found.nnz > 2

    def test_blocks_of_your_own_cannot_be_saved(self):
        class Own(KnowledgeTokens):
            pass

        pipeline = FeaturePipeline([Own()])
        assert len(pipeline.fit(dataset())) == 4
        with pytest.raises(ParameterError, match="'tokens' is of your own class Own, which cannot"):
            pipeline.state()


class TestFreshness:
    def test_builders_given_are_not_changed(self):
        tokens = KnowledgeTokens(min_items=1)
        one, two = FeaturePipeline([tokens]), FeaturePipeline([tokens])
        first = one.fit(dataset()).matrix().shape
        other = Dataset.build(dataset().interactions, knowledge("abcd", "pqrs"))
        two.fit(other)
        assert not hasattr(tokens, "keys_")
        assert one.transform(dataset()).matrix().shape == first == (4, 2)

    def test_a_second_fit_starts_fresh(self):
        pipeline = FeaturePipeline()
        pipeline.fit(dataset())
        features = pipeline.fit(dataset(graph=False))
        assert [one.name for one in features.blocks] == ["columns"]
        assert pipeline.knowledge_ is None


class TestRefused:
    def test_not_fitted(self):
        with pytest.raises(NotFittedError, match="feature pipeline is not fitted"):
            FeaturePipeline().transform(dataset())

    def test_unknown_block(self):
        with pytest.raises(ParameterError, match="unknown feature block 'token'; did you mean"):
            FeaturePipeline(["token"]).fit(dataset())

    def test_weight_of_no_block(self):
        with pytest.raises(ParameterError, match="weight for unknown block 'token'; did you mean"):
            FeaturePipeline(["tokens"], weights={"token": 1.0}).fit(dataset())

    def test_a_text_is_no_list_of_names(self):
        with pytest.raises(ParameterError, match="must be a list of names, got the text 'tokens'"):
            FeaturePipeline("tokens")

    def test_unknown_side(self):
        with pytest.raises(ParameterError, match="side must be 'item' or 'user', got 'both'"):
            FeaturePipeline(side="both")

    @pytest.mark.parametrize(
        ("blocks", "side"),
        [(["tokens"], "user"), ([WalkEmbedding(4)], "user"), ([TableColumns(side="user")], "item")],
    )
    def test_a_block_of_the_other_side(self, blocks, side):
        with pytest.raises(ParameterError, match=f"describes .*s, not {side}s"):
            FeaturePipeline(blocks, side=side).fit(dataset())

    def test_no_side_information(self):
        bare = dataset(graph=False, table=None, users=None)
        with pytest.raises(ParameterError, match="no side information about items"):
            FeaturePipeline().fit(bare)
        with pytest.raises(ParameterError, match="no side information about users"):
            FeaturePipeline(side="user").fit(bare)

    def test_the_same_block_twice(self):
        with pytest.raises(ValueError, match="repeat a name: 'tokens', 'tokens'"):
            FeaturePipeline(["tokens", "tokens"]).fit(dataset())
