from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.tuning.side import SideInformation, blocks_of, blocks_text, side_text
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.registry import model_class


@pytest.mark.parametrize("blocks", [None, (), ("tokens",), ("tokens", "columns")])
def test_blocks_are_read_back(blocks):
    assert blocks_of(blocks_text(blocks)) == blocks


def test_unknown_blocks_are_refused():
    for text in ("token", "tokens+", "none+tokens"):
        with pytest.raises(ParameterError, match="unknown feature block"):
            blocks_of(text)


def test_the_matrices_are_those_of_a_pipeline_and_made_once(dataset, monkeypatch):
    side = SideInformation(dataset)
    names = ("columns", "tokens")
    expected = FeaturePipeline(names).fit(dataset).matrix()
    fits = []
    fit = FeaturePipeline.fit
    monkeypatch.setattr(
        FeaturePipeline, "fit", lambda self, data: fits.append(self.blocks) or fit(self, data)
    )
    for _ in range(2):
        assert (side.of_items(names).matrix() != expected).nnz == 0
    assert side.of_items(("tokens",)).matrix().shape[1] < expected.shape[1]
    assert (side.of_items(None).matrix().shape) == expected.shape
    assert fits == [["columns"], ["tokens"]]
    assert side.of_items(()) == []


def test_columns_of_users_go_with_those_of_items(dataset):
    people = pd.DataFrame({"age": np.arange(len(dataset.users))})
    side = SideInformation(replace(dataset, user_table=people))
    assert len(side.of_users(("tokens", "columns"))) == len(dataset.users)
    assert len(side.of_users(None)) == len(dataset.users)
    assert side.of_users(("tokens",)) == []
    assert SideInformation(dataset).of_users(None) == []


def test_side_information_in_short(dataset):
    assert side_text(model_class("hybrid-als"), dataset) == f"{len(dataset.items)} facts, item kind"
    assert side_text(model_class("als"), dataset) == "none"
