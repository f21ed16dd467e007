"""Given vectors as a block: zero and flagged where there is none, stored, brought by new items."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.vectors import Vectors
from hybridrec.errors import DataError, ParameterError
from hybridrec.features.pipeline import FeaturePipeline, default_blocks
from hybridrec.features.vectors import GivenVectors

MATRIX = np.array([[3.0, 4.0], [0.0, 2.0]])


def dataset(**columns):
    rows = pd.DataFrame({"user": ["u", "u", "v"], "item": ["a", "b", "c"]})
    table = pd.DataFrame({"item": ["a", "b", "c"], **columns}) if columns else None
    return Dataset.build(rows, item_table=table)


def transformed(block, data):
    block.fit(data, None)
    return block.transform(data, None).tolist()


class TestFit:
    def test_items_without_a_vector_are_zero_and_flagged(self):
        block = GivenVectors("image", ["c", "a"], MATRIX)
        assert transformed(block, dataset()) == [[0, 2], [0, 0], [3, 4]]
        assert block.missing_.tolist() == [False, True, False]

    def test_of_the_dataset(self):
        data = dataset().with_vectors(Vectors.of("image", ["c", "a"], MATRIX))
        assert default_blocks(data) == ["vectors.image"]
        assert transformed(GivenVectors("image"), data) == [[0, 2], [0, 0], [3, 4]]
        (block,) = FeaturePipeline(["vectors.image"]).fit(data).blocks
        assert block.matrix.tolist() == [[0, 1], [0, 0], [np.float32(0.6), np.float32(0.8)]]
        assert block.feature_names.tolist() == ["0", "1"]

    def test_of_a_column_of_the_table(self):
        block = GivenVectors("image")
        assert transformed(block, dataset(image=[[1, 2], None, np.array([3, 4])])) == [
            [1, 2],
            [0, 0],
            [3, 4],
        ]
        assert block.missing_.tolist() == [False, True, False]

    def test_of_users(self):
        data = dataset().with_vectors(Vectors.of("taste", ["v"], MATRIX[:1], "user"))
        assert default_blocks(data, "user") == ["vectors.taste"]
        assert default_blocks(data) == []
        assert transformed(GivenVectors("taste", side="user"), data) == [[0, 0], [3, 4]]

    def test_a_list_of_fractions_is_no_list_of_values(self):
        assert default_blocks(dataset(image=[[0.5, 2.0], [1.0, 2.5], None])) == []
        assert default_blocks(dataset(genres=[["x"], ["x", "y"], None])) == ["columns"]

    def test_refused(self):
        with pytest.raises(ParameterError, match=r"no vectors 'imagg' of items .* mean 'image'"):
            GivenVectors("imagg").fit(dataset(image=[[1], [2], [3]]), None)
        with pytest.raises(DataError, match="none of the 2 ids is one of the items"):
            GivenVectors("image", ["x", "y"], MATRIX).fit(dataset(), None)
        with pytest.raises(ParameterError, match="both ids and matrix"):
            GivenVectors("image", ["x", "y"])
        with pytest.raises(DataError, match=r"'image' of the item table: row 1 \(item 'b'\)"):
            GivenVectors("image").fit(dataset(image=[[1, 2], [3], None]), None)


class TestModel:
    @pytest.fixture
    def model(self):
        rng = np.random.default_rng(0)
        rows = pd.DataFrame({"user": rng.integers(0, 30, 300), "item": rng.integers(0, 20, 300)})
        rows = rows[(rows.user + rows.item) % 2 == 0].drop_duplicates()
        kind = np.arange(20) % 2
        vectors = np.stack([kind + 0.5, 1.5 - kind], axis=1) + rng.random((20, 2)) / 9
        ids = [*range(20), 77]
        given = Vectors.of("image", ids, np.vstack([vectors, [1.5, 0.5]]))
        data = Dataset.build(rows).with_vectors(given)
        return hybridrec.HybridALS(factors=4, num_threads=1).fit(data)

    def test_saved_and_loaded_it_places_the_same_new_items(self, model, tmp_path):
        model.save(tmp_path / "m")
        loaded = hybridrec.load(tmp_path / "m")
        table = pd.DataFrame(
            {"item": [100, 101, 102, 77], "image": [[1.5, 0.5], [0.5, 1.5], None, None]}
        )
        for one in (model, loaded):
            one.add_items(table)
        assert model.scorable_[-4:].tolist() == [True, True, False, True]
        expected = model.scorer_.item_factors
        np.testing.assert_array_equal(loaded.scorer_.item_factors, expected)
        # 100 and 77, whose vector was among those of the fit, are of the second kind, as odd users
        odd = model.score(pd.DataFrame({"user": 1, "item": [100, 77, 101]}))["score"]
        assert odd[0] == odd[1] > odd[2]
        loaded.save(tmp_path / "grown")
        assert hybridrec.load(tmp_path / "grown").recommend([1]).equals(loaded.recommend([1]))

    def test_a_vector_of_another_length(self, model):
        table = pd.DataFrame({"item": [100, 101], "image": [None, [1, 2, 3]]})
        with pytest.raises(DataError, match=r"row 1 \(item 101\) has 3 numbers, .* fit have 2"):
            model.add_items(table)

    def test_explained_as_one_thing(self, model):
        model.add_items(pd.DataFrame({"item": [100], "image": [[1.5, 0.5]]}))
        named = [part.name for part in model.explain(1, 100).features if part.kind == "feature"]
        assert named == ["given vector image"]

    def test_models_that_take_features_as_links_do_without_by_default(self):
        data = dataset().with_vectors(Vectors.of("image", ["c", "a"], -MATRIX))
        for model in (hybridrec.GraphFilter(), hybridrec.PersonalizedPageRank()):
            assert model.fit(data).item_pipeline_ is None
            with pytest.raises(ParameterError, match="cannot be negative"):
                model.fit(data, item_features=["vectors.image"])

    def test_text_ids(self, tmp_path):
        data = dataset().with_vectors(Vectors.of("image", ["é", "a"], MATRIX))
        model = hybridrec.HybridALS(factors=2).fit(data)
        model.save(tmp_path / "m")
        block = hybridrec.load(tmp_path / "m").item_pipeline_.builders_[0]
        assert block.transform(data, None).tolist() == [[0, 2], [0, 0], [0, 0]]
        assert block.vectors_.ids.ids.tolist() == ["é", "a"]
        assert block.missing_.tolist() == [False, True, True]
