from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.side import features_of_users
from hybridrec.service.user_form import UserForm


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"user": rng.integers(0, 30, 200), "item": rng.integers(0, 9, 200)})
    people = pd.DataFrame({"user": range(30), "age": np.arange(30.0), "city": list("abc") * 10})
    people["tags"] = [["x", "y"] if one % 2 else ["y", "z"] for one in range(30)]
    fitted = hybridrec.HybridALS(factors=4, iterations=1, num_threads=1)
    return fitted.fit(Dataset.build(rows, user_table=people))


@pytest.mark.parametrize(
    "features",
    [
        {"age": 12, "city": "b", "tags": ["x", "z"]},
        {"tags": ("x",)},
        {"age": "12.5"},
        {"age": None, "city": "nowhere", "tags": ["q", "y", "y"]},
        {"age": float("nan")},
        {},
    ],
)
def test_a_row_is_what_the_pipeline_makes_bit_for_bit(model, features):
    form = UserForm(model)
    table = pd.DataFrame([features], index=[0], columns=["age", "city", "tags"])
    expected = features_of_users(model, table)
    for _ in range(2):  # looked up, then remembered
        found = form.row(features)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.toarray(), expected.toarray())


def test_friends_are_told_beside_columns(model):
    rows = pd.DataFrame({"user": range(6), "item": [0, 1, 1, 0, 1, 1]})
    people = pd.DataFrame({"user": range(6), "city": list("abaaba")})
    edges = pd.DataFrame({"user": [0, 1, 2], "friend": [3, 4, 5]})
    social = hybridrec.SocialGraph.from_frame(edges)
    fitted = hybridrec.HybridALS(factors=2, iterations=1, num_threads=1)
    fitted.fit(Dataset.build(rows, user_table=people, social=social))
    form = UserForm(fitted)
    assert form.columns == ("city", "friends")
    names = fitted.user_pipeline_.feature_names
    found = form.row({"city": "a", "friends": [4, 99]})
    assert names[found.indices].tolist() == ["columns:city=a", "social:friend=4"]
    np.testing.assert_allclose(found.data, 1.0, rtol=1e-6)
    assert names[form.row({"friends": [3]}).indices].tolist() == ["social:friend=3"]
    assert form.row({}).nnz == 0
    with pytest.raises(ParameterError, match="did you mean 'friends'"):
        form.row({"friend": [3]})


def test_what_cannot_be_is_told(model):
    form = UserForm(model)
    with pytest.raises(ParameterError, match=r"'citty'.*did you mean 'city'"):
        form.row({"citty": "a"})
    with pytest.raises(DataError, match="age"):
        form.row({"age": "young"})


def test_a_weight_of_the_block_counts():
    rows = pd.DataFrame({"user": range(6), "item": [0, 1, 1, 0, 1, 1]})
    people = pd.DataFrame({"user": range(6), "city": list("aabaab"), "job": list("xxyxxy")})
    pipeline = hybridrec.FeaturePipeline(["columns"], weights={"columns": 0.3}, side="user")
    model = hybridrec.HybridALS(factors=2, iterations=1, num_threads=1)
    model.fit(Dataset.build(rows, user_table=people), user_features=pipeline)
    features = {"city": "a", "job": "y"}
    expected = features_of_users(model, pd.DataFrame([features]))
    np.testing.assert_array_equal(UserForm(model).row(features).toarray(), expected.toarray())


def test_equal_values_of_different_types_are_told_apart():
    rows = pd.DataFrame({"user": range(6), "item": [0, 1, 1, 0, 1, 1]})
    people = pd.DataFrame({"user": range(6), "flag": ["1", "True"] * 3})
    model = hybridrec.HybridALS(factors=2, iterations=1, num_threads=1)
    form = UserForm(model.fit(Dataset.build(rows, user_table=people)))
    assert form.row({"flag": 1}).indices != form.row({"flag": True}).indices


def test_a_model_without_user_features_has_no_form(model):
    rows = pd.DataFrame({"user": [0, 1], "item": [0, 1]})
    plain = hybridrec.RP3Beta().fit(rows)
    assert UserForm(plain).columns == ()
    assert UserForm(plain).row({"anything": 1}) is None
    assert UserForm(model).columns == ("age", "city", "tags")
