from __future__ import annotations

import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.models.spec import ModelSpec


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


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    import pandas as pd

    rows = [(user, item) for user in range(6) for item in range(6) if (user + item) % 3]
    table = pd.DataFrame({"item": range(6), "kind": list("xyzxyz")})
    people = pd.DataFrame({"user": range(6), "age": [1, 2, 3, 4, 5, 6]})
    frame = pd.DataFrame(rows, columns=["user", "item"])
    return Dataset.build(frame, item_table=table, user_table=people)
