"""Texts as features: TF-IDF by hand, main directions, stored and applied to new items."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.features.packed import pack_texts, unpack_texts
from hybridrec.features.pipeline import FeaturePipeline, default_blocks
from hybridrec.features.text import TextColumns

PLOTS = [
    "A ghost ship, a ghost crew",
    "The ship of the crew",
    "Romance in Páris",
    None,
    "A paris romance",
    "ghost in paris",
]


def dataset(plots=PLOTS, types=None, **columns):
    ids = list(range(len(plots)))
    rows = pd.DataFrame({"user": "u", "item": ids})
    table = pd.DataFrame({"item": ids, "plot": plots, **columns})
    return Dataset.build(rows, item_table=table).with_column_types(types or {})


def fitted(block, data=None):
    data = dataset() if data is None else data
    block.fit(data, None)
    return block.transform(data, None)


class TestWords:
    def test_by_hand(self):
        block = TextColumns(["plot"], dimensions=0)
        matrix = fitted(block).toarray()
        words = block.feature_names(None).tolist()
        assert words == ["crew", "ghost", "in", "paris", "romance", "ship"]  # in two or more
        idf = {"crew": 2, "ghost": 2, "ship": 2}
        idf = {word: np.log((1 + 6) / (1 + df)) + 1 for word, df in idf.items()}
        row = np.zeros(6)
        row[[0, 1, 5]] = idf["crew"], (1 + np.log(2)) * idf["ghost"], idf["ship"]
        np.testing.assert_allclose(matrix[0], row / np.linalg.norm(row), rtol=1e-6)
        assert not matrix[3].any()

    def test_the_text_of_several_columns(self):
        data = dataset(tagline=["ghost", "x", "y", "ghost", "z", ["ship", "crew"]])
        block = TextColumns(["plot", "tagline"], dimensions=0, min_items=1)
        matrix = fitted(block, data).toarray()
        names = block.feature_names(None).tolist()
        assert matrix[3].nonzero()[0].tolist() == [names.index("ghost")]
        assert matrix[5][names.index("ship")] > 0
        assert block.name == "text.plot-tagline"


class TestDirections:
    def test_as_many_as_words_keep_all_products(self):
        words = fitted(TextColumns(["plot"], dimensions=0)).toarray()
        few = fitted(TextColumns(["plot"], dimensions=50))
        assert few.shape[1] <= 6
        np.testing.assert_allclose(few @ few.T, words @ words.T, atol=1e-5)

    def test_names_are_the_strongest_words(self):
        block = TextColumns(["plot"], dimensions=2)
        fitted(block)
        names = block.feature_names(None)
        assert len(names) == 2
        for row, name in zip(block.directions_, names, strict=True):
            strongest = np.argsort(-np.abs(row), kind="stable")[:3]
            assert name == ", ".join(block.words_[strongest])

    def test_the_same_for_a_seed(self):
        one, two = (fitted(TextColumns(["plot"], dimensions=3)) for _ in range(2))
        np.testing.assert_array_equal(one, two)

    def test_hashed_texts_are_as_alike(self):
        exact = fitted(TextColumns(["plot"], dimensions=0, min_items=1)).toarray()
        hashed = fitted(TextColumns(["plot"], vectorizer="hashing", dimensions=50))
        np.testing.assert_allclose(hashed @ hashed.T, exact @ exact.T, atol=1e-4)


class TestColumns:
    def test_only_when_asked(self):
        assert default_blocks(dataset()) == []
        assert default_blocks(dataset(types={"plot": "text"})) == ["text"]

    def test_by_name_titles_and_free_text_are_found(self):
        data = dataset(
            title=["One", "Two", "Three", "Four", "Five", "Six"],
            code=["tt1", "tt2", "tt3", "tt4", "tt5", "tt6"],
            genre=["a b", "a b", "a b", "c d", "c d", "c d"],
        )
        block = TextColumns(min_items=1)
        block.fit(data, None)
        assert block.columns_ == ["plot", "title"] or block.columns_ == ["plot"]
        declared = data.with_column_types({"code": "text"})
        block.fit(declared, None)
        assert block.columns_ == ["code"]

    def test_declared_text_is_no_category_and_the_other_way_round(self):
        data = dataset(genre=["a", "a", "b", "b", "a", "b"])
        assert default_blocks(data.with_column_types({"genre": "text"})) == ["text"]
        pipeline = FeaturePipeline(["columns"])
        pipeline.fit(data.with_column_types({"plot": "category"}))
        assert pipeline.builders_[0].kinds_ == {"plot": "category", "genre": "category"}

    def test_of_users(self):
        rows = pd.DataFrame({"user": ["u", "v"], "item": [1, 2]})
        users = pd.DataFrame({"user": ["u", "v"], "about": ["likes dogs", "likes cats"]})
        data = Dataset.build(rows, user_table=users).with_column_types({"about": "text"})
        (block,) = FeaturePipeline(side="user").fit(data).blocks
        assert block.name == "text"
        assert len(block.matrix) == 2

    @pytest.mark.parametrize(
        ("block", "problem"),
        [
            (TextColumns(["plott"]), "no column 'plott'; did you mean 'plot'"),
            (TextColumns(["number"]), "no word is in 2 or more texts of number"),
            (TextColumns(side="user"), "'text' needs a table of users"),
        ],
    )
    def test_refused(self, block, problem):
        with pytest.raises(ParameterError, match=problem):
            fitted(block, dataset(number=[10, 11, 12, 13, 14, 15]))

    def test_no_text(self):
        rows = pd.DataFrame({"user": "u", "item": [1, 2]})
        data = Dataset.build(rows, item_table=pd.DataFrame({"item": [1, 2], "year": [1, 2]}))
        with pytest.raises(ParameterError, match="no column of the item table looks like text"):
            fitted(TextColumns(), data)

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"columns": "plot"}, "columns must be a list"),
            ({"columns": []}, "at least one column"),
            ({"vectorizer": "bert"}, "vectorizer must be one of tfidf, hashing"),
            ({"dimensions": -1}, "dimensions must be a whole number"),
            ({"min_items": 0}, "min_items must be"),
        ],
    )
    def test_parameters(self, options, problem):
        with pytest.raises(ParameterError, match=problem):
            TextColumns(**options)


class TestState:
    @pytest.mark.parametrize("options", [{}, {"dimensions": 0}, {"vectorizer": "hashing"}])
    def test_new_items_through_restored_blocks(self, options):
        pipeline = FeaturePipeline([TextColumns(["plot"], **options)])
        pipeline.fit(dataset())
        config, arrays = pipeline.state()
        restored = FeaturePipeline.restore(json.loads(json.dumps(config)), arrays, None)
        new = dataset(["a ship in Paris", "unheard-of words", None])
        expected = pipeline.transform(new)
        found = restored.transform(new)
        np.testing.assert_array_equal(found.matrix().toarray(), expected.matrix().toarray())
        assert found.matrix()[0].nnz
        assert not found.matrix()[2].nnz
        assert found.feature_names.tolist() == expected.feature_names.tolist()

    def test_in_a_model(self, tmp_path):
        rows = pd.DataFrame({"user": [1, 1, 2, 2, 3, 3], "item": [0, 1, 2, 4, 0, 5]})
        table = pd.DataFrame({"item": range(6), "plot": PLOTS})
        data = Dataset.build(rows, item_table=table).with_column_types({"plot": "text"})
        model = hybridrec.HybridALS(factors=2).fit(data)
        model.save(tmp_path / "m")
        loaded = hybridrec.load(tmp_path / "m")
        new = pd.DataFrame({"item": [9, 10], "plot": ["romance in paris", "?"]})
        for one in (model, loaded):
            one.add_items(new)
        assert model.scorable_[-2:].tolist() == [True, False]
        np.testing.assert_array_equal(loaded.scorer_.item_factors, model.scorer_.item_factors)
        parts = [part for part in model.explain(2, 9).features if part.kind == "feature"]
        assert parts
        assert all(part.name.startswith("text like ") for part in parts)

    def test_packed_texts(self):
        texts = ["", "é", "a b", "日本", ""]
        assert unpack_texts("x", pack_texts("x", texts)).tolist() == texts
        assert unpack_texts("x", pack_texts("x", [])).tolist() == []
