"""Side information of a fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.content import Content
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.implicit_factors import ALS
from hybridrec.models.side import has_entries


def features(n):
    return Features([FeatureBlock("own", np.eye(n, 3, dtype=np.float32), np.array(list("abc")))])


def test_ready_made(ratings):
    model = Content().fit(ratings, item_features=features(60))
    assert model.item_pipeline_ is None
    assert model.scorable_.all()


def test_wrong_number_of_rows(ratings):
    with pytest.raises(DataError, match="item features have 59 rows for 60 items"):
        Content().fit(ratings, item_features=features(59))


def test_not_used(ratings):
    with pytest.raises(ParameterError, match="als does not use item features"):
        ALS().fit(ratings, item_features=["tokens"])
    with pytest.raises(ParameterError, match="content does not use user features"):
        Content().fit(ratings, user_features=["columns"])


def test_an_empty_list_means_none(dataset):
    model = HybridALS(factors=2, iterations=1).fit(dataset, item_features=[])
    assert model.item_pipeline_ is None
    assert not model.scorable_[60:].any()


def test_blocks_of_weight_zero_tell_nothing_of_cold_items(dataset):
    pipeline = FeaturePipeline(["columns"], weights={"columns": 0.0})
    model = HybridALS(factors=2, iterations=1).fit(dataset, item_features=pipeline)
    assert not model.scorable_[60:].any()
    assert not hasattr(pipeline, "builders_"), "the caller's pipeline must stay as it was"


def test_a_pipeline_of_the_other_side(dataset):
    with pytest.raises(ParameterError, match="a pipeline of user features was given as item"):
        HybridALS().fit(dataset, item_features=FeaturePipeline(side="user"))


def test_two_models_of_one_pipeline(dataset):
    """Each keeps what it was fitted on."""
    pipeline = FeaturePipeline(["columns"])
    first = Content().fit(dataset, item_features=pipeline)
    rows = first.item_pipeline_.transform(dataset).matrix().toarray()
    other = dataset.item_table.assign(item=range(62), block="none")
    Content().fit(Dataset.build(dataset.interactions, item_table=other), item_features=pipeline)
    np.testing.assert_array_equal(first.item_pipeline_.transform(dataset).matrix().toarray(), rows)


@pytest.mark.parametrize(("rows", "known"), [(None, [0, 0]), ([[0], [2]], [0, 1])])
def test_has_entries(rows, known):
    matrix = None if rows is None else csr_matrix(np.array(rows))
    assert has_entries(matrix, 2).tolist() == known
