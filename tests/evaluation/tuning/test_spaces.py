from __future__ import annotations

from dataclasses import replace

import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.splits import cold_items, random_split, warm_and_cold
from hybridrec.evaluation.tuning.ranges import Choice, Range
from hybridrec.evaluation.tuning.spaces import (
    DEFAULT_SPACES,
    default_point,
    search_space,
)
from hybridrec.models.registry import MODELS, model_class


def test_every_model_has_a_space_around_its_defaults():
    assert set(DEFAULT_SPACES) == set(MODELS)
    for model, space in DEFAULT_SPACES.items():
        defaults = model_class(model).parameter_defaults()
        for name, domain in space.items():
            assert defaults[name] in domain, (model, name)


@pytest.mark.parametrize("model", MODELS)
def test_what_can_be_tuned_has_a_search(model, split):
    if model == "popularity":
        with pytest.raises(ParameterError, match="it has no parameters"):
            search_space(model, [split], None, {})
        return
    space = search_space(model, [split], None, {})
    point = default_point(model, [split], space)
    assert list(point) == list(space)
    assert all(point[name] in space[name] for name in space)


def test_features_are_those_that_the_data_offers(dataset):
    def offered(data, model="hybrid-als"):
        space = search_space(model, [random_split(data)], None, {})
        return space["features"].values if "features" in space else None

    near_and_far = "tokens+two-hop-tokens"
    assert offered(dataset) == (
        *("tokens+columns", "none", "columns", "tokens"),
        *(near_and_far, f"{near_and_far}+columns"),
        *("smooth-tokens", "smooth-tokens+columns"),
    )
    assert offered(replace(dataset, item_table=None)) == (
        *("tokens", "none"),
        *(near_and_far, "smooth-tokens"),
    )
    assert offered(dataset.with_knowledge(None)) == ("columns", "none")
    bare = replace(dataset, item_table=None, knowledge=None)
    assert offered(bare) is None
    assert "none" not in offered(dataset, "content")
    with pytest.raises(ParameterError, match=r"nothing to tune here; give a space of .*features"):
        offered(dataset.with_knowledge(None), "content")
    space = search_space("hybrid-als", [random_split(bare)], None, {})
    assert "prior_share" not in space
    assert "alpha" in space


def test_columns_of_users_go_with_what_is_offered(dataset):
    import pandas as pd

    people = pd.DataFrame({"age": range(len(dataset.users))})
    data = replace(dataset, item_table=None, user_table=people)
    split = random_split(data)
    space = search_space("hybrid-als", [split], None, {})
    facts = ("tokens", "tokens+two-hop-tokens", "smooth-tokens")
    assert space["features"].values == ("offered", "none", *facts)
    assert default_point("hybrid-als", [split], space)["features"] == "offered"


def test_calibration_is_searched_only_where_new_items_meet_old_ones(dataset):
    def names(split):
        return set(search_space("hybrid-als", [split], None, {}))

    assert "calibration" in names(warm_and_cold(dataset))
    assert "calibration" not in names(random_split(dataset))
    assert "calibration" not in names(cold_items(dataset))
    assert "calibration" in set(
        search_space("hybrid-als", [random_split(dataset)], {"calibration": [0.5, 1.0]}, {})
    )


def test_without_features_new_items_cannot_be_found(dataset):
    space = search_space("hybrid-als", [cold_items(dataset)], None, {})
    assert "none" not in space["features"].values
    assert "tokens" in space["features"].values


def test_callers_replace_and_fix_what_they_like(split):
    given = {"factors": [8, 16], "iterations": (5, 30), "features": [["tokens"], [], "columns"]}
    space = search_space("hybrid-als", [split], given, {"alpha": 3.0})
    assert space["factors"] == Choice((8, 16))
    assert space["iterations"] == Range(5, 30)
    assert space["features"] == Choice(("tokens", "none", "columns"))
    assert "alpha" not in space
    assert space["regularization"] == DEFAULT_SPACES["hybrid-als"]["regularization"]
    space = search_space("hybrid-als", [split], None, {"features": "none"})
    assert not {"features", "prior_share", "feature_regularization"} & set(space)


@pytest.mark.parametrize(
    ("model", "given", "fixed", "message"),
    [
        ("als", {"factor": [1]}, {}, "no parameter 'factor'; did you mean 'factors'"),
        ("als", None, {"factor": 1}, "no parameter 'factor'; did you mean 'factors'"),
        ("als", {"features": [[]]}, {}, "als has no parameter 'features'"),
        ("als", {"factors": [1, 2]}, {"factors": 1}, "cannot both be fixed and have a space"),
        ("hybrid-als", {"features": [["token"]]}, {}, "did you mean 'tokens'"),
        ("hybrid-als", {"features": ["token"]}, {}, "did you mean 'tokens'"),
        ("item-knn", {"similarity": ["tfidf"]}, {"neighbors": 3}, "nothing to tune here"),
        ("item-knm", None, {}, "did you mean 'item-knn'"),
    ],
)
def test_what_makes_no_sense_is_refused(model, given, fixed, message, split):
    with pytest.raises(ParameterError, match=message):
        search_space(model, [split], given, fixed)
