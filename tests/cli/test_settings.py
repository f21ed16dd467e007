from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.cli.settings import ModelSpec, SplitSpec, split_pairs, typed
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.evaluation import random_split

DEFAULTS = {"count": 1, "share": 0.5, "flag": True, "name": "x", "any": None}


def test_values_get_the_types_of_the_defaults():
    texts = {"count": "3", "share": "2", "flag": "No", "name": "3"}
    values = typed(texts, DEFAULTS, "thing")
    assert values == {"count": 3, "share": 2.0, "flag": False, "name": "3"}
    assert [type(value) for value in values.values()] == [int, float, bool, str]


@pytest.mark.parametrize(("text", "value"), [("3", 3), ("0.5", 0.5), ("2015-01-01", "2015-01-01")])
def test_without_a_default_a_value_is_what_it_looks_like(text, value):
    assert typed({"any": text}, DEFAULTS, "thing") == {"any": value}


@given(st.integers(), st.floats(allow_nan=False), st.booleans())
def test_written_values_are_read_back(count, share, flag):
    texts = split_pairs([f"count={count}", f"share={share!r}", f"flag={flag}"], "parameter")
    assert typed(texts, DEFAULTS, "thing") == {"count": count, "share": share, "flag": flag}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count=3.5", "count must be a whole number, got '3.5'"),
        ("share=much", "share must be a number"),
        ("flag=maybe", "flag must be true or false"),
        ("cuont=3", "did you mean 'count'"),
        ("count", "must look like name=value"),
        ("=3", "must look like name=value"),
    ],
)
def test_bad_values_are_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        typed(split_pairs([text], "parameter"), DEFAULTS, "thing")


def test_a_model_may_carry_its_parameters():
    spec = ModelSpec.parse("hybrid-als:features=tokens+columns,factors=3", ["alpha=2", "factors=5"])
    assert spec.label == "hybrid-als:features=tokens+columns,factors=3"
    assert spec.params == {"factors": 5, "alpha": 2.0}  # the later one counts
    assert spec.blocks == ("tokens", "columns")


def test_features_for_all_reach_those_models_that_use_them():
    assert ModelSpec.parse("als", features="tokens").blocks is None
    assert ModelSpec.parse("content", features="tokens").blocks == ("tokens",)
    assert ModelSpec.parse("content:features=columns", features="tokens").blocks == ("columns",)
    assert ModelSpec.parse("hybrid-als").blocks is None
    assert ModelSpec.parse("hybrid-als", features="none").blocks == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hybrid-asl", "did you mean 'hybrid-als'"),
        ("als:factor=3", "did you mean 'factors'"),
        ("als:features=tokens", "als does not use features"),
        ("hybrid-als:features=token", "did you mean 'tokens'"),
        ("hybrid-als:features=none+tokens", "'none' stands alone"),
        ("hybrid-als:", "must look like name=value"),
    ],
)
def test_bad_models_are_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        ModelSpec.parse(text)


def test_seed_and_threads_go_where_there_is_such_a_parameter(dataset):
    model = ModelSpec.parse("hybrid-als:factors=2").fit(dataset, random_state=7, threads=1)
    assert (model.factors, model.random_state, model.num_threads) == (2, 7, 1)
    model = ModelSpec.parse("hybrid-als:factors=2,random_state=3").fit(
        dataset, random_state=7, threads=0
    )
    assert (model.random_state, model.num_threads) == (3, 0)
    ModelSpec.parse("popularity").fit(dataset, random_state=7, threads=1)


def test_features_switch_users_columns_too(dataset):
    def used(features):
        model = ModelSpec.parse("hybrid-als:factors=2", features=features)
        model = model.fit(dataset, random_state=0, threads=1)
        return (model.item_pipeline_ is not None, model.user_pipeline_ is not None)

    assert used(None) == (True, True)
    assert used("columns") == (True, True)
    assert used("none") == (False, False)


def test_a_split_takes_typed_parameters_and_the_seed(dataset):
    split = SplitSpec.parse("random:test_fraction=0.5,by=user").apply(dataset, 4)
    assert (
        split.fingerprint
        == random_split(dataset, test_fraction=0.5, by="user", random_state=4).fingerprint
    )
    timeless = SplitSpec.parse("leave-last-n:n=2")
    assert (timeless.params, timeless.seeded) == ({"n": 2}, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cold-item", "did you mean 'cold-items'"),
        ("random:fraction=0.5", "no parameter 'fraction'"),
        ("random:random_state=3", "no parameter 'random_state'"),
        ("leave-last-n:n=x", "n must be a whole number"),
    ],
)
def test_bad_splits_are_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        SplitSpec.parse(text)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    import pandas as pd

    rows = [(user, item) for user in range(6) for item in range(6) if (user + item) % 3]
    table = pd.DataFrame({"item": range(6), "kind": list("xyzxyz")})
    people = pd.DataFrame({"user": range(6), "age": [1, 2, 3, 4, 5, 6]})
    frame = pd.DataFrame(rows, columns=["user", "item"])
    return Dataset.build(frame, item_table=table, user_table=people)
