from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection import ValidationCut, guarded_fit
from hybridrec.evaluation.selection.gains import Gains
from hybridrec.evaluation.selection.guard import judge
from hybridrec.evaluation.selection.sides import Block
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.registry import make_model

TOKENS, COLUMNS = Block("item", "tokens"), Block("item", "columns")


def als():
    return make_model("hybrid-als", factors=8, iterations=5, num_threads=1)


def scores(model):
    return model.scorer_.block(np.arange(20, dtype=np.int64))


class Ticks:
    """A clock on which every look takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_facts_that_tell_are_used(tastes):
    found = guarded_fit(als(), tastes(facts=True))
    report = found.report
    assert report.weights == {TOKENS: 1.0}
    assert report.switched_off == ()
    assert list(report.rows) == ["with all", "item tokens shuffled", "without item tokens"]
    assert report.rows["without item tokens"]["cold"] == 0.0
    assert report.rows["with all"]["cold"] > report.rows["item tokens shuffled"]["cold"] + 0.1
    assert report.verdicts[0].helps == ("cold",)
    assert "item tokens: used; helps cold (+" in str(report)
    assert found.model.item_pipeline_ is not None
    np.testing.assert_array_equal(scores(found.model), scores(als().fit(tastes(facts=True))))


@pytest.mark.parametrize("seed", range(3))
def test_random_facts_cost_nothing(tastes, seed):
    dataset = tastes(facts=False, seed=seed)
    found = guarded_fit(als(), dataset)
    assert found.report.weights == {TOKENS: 0.0}
    assert found.report.switched_off == (TOKENS,)
    assert "item tokens: switched off" in str(found.report)
    assert found.model.item_pipeline_ is None
    np.testing.assert_array_equal(scores(found.model), scores(als().fit(dataset, item_features=[])))


@pytest.mark.parametrize(("facts", "columns"), [(True, False), (False, True)])
def test_the_random_one_of_two_blocks_is_switched_off(tastes, facts, columns):
    dataset = tastes(facts=facts, columns=columns)
    kept, lost = (TOKENS, COLUMNS) if facts else (COLUMNS, TOKENS)
    found = guarded_fit(als(), dataset)
    assert found.report.weights == {kept: 1.0, lost: 0.0}
    assert {f"without {lost}", f"{lost} shuffled", "without any"} <= set(found.report.rows)
    assert [one.name for one in found.model.item_pipeline_.builders_] == [kept.name]
    alone = als().fit(dataset, item_features=[kept.name])
    np.testing.assert_array_equal(scores(found.model), scores(alone))


def test_the_wider_of_two_blocks_that_say_the_same_goes(tastes):
    report = guarded_fit(als(), tastes(facts=True, columns=True)).report
    assert sorted(report.weights.values()) == [0.0, 1.0]


@pytest.mark.parametrize("telling", [True, False])
def test_what_is_known_of_users_is_judged_on_new_users(tastes, telling):
    found = guarded_fit(als(), tastes(users=telling, n_users=700))
    assert found.report.weights == {Block("user", "columns"): float(telling)}
    assert found.report.views == ("warm", "cold", "overall", "new users")
    assert ("helps new users" in str(found.report)) == telling
    assert (found.model.user_pipeline_ is not None) == telling


def test_users_and_items_are_judged_apart(tastes):
    report = guarded_fit(als(), tastes(facts=False, users=True, n_users=700)).report
    assert report.weights == {TOKENS: 0.0, Block("user", "columns"): 1.0}


def test_a_side_that_is_left_out_stays_out(tastes):
    dataset = tastes(facts=False, users=True)
    model = guarded_fit(als(), dataset, user_features=[]).model
    assert (model.item_pipeline_, model.user_pipeline_) == (None, None)


def test_what_is_named_is_only_reported(tastes):
    dataset = tastes(facts=False)
    found = guarded_fit(als(), dataset, item_features=["tokens"], switch=False)
    assert found.report.weights == {TOKENS: 1.0}
    assert "item tokens: used, as asked for; no help that can be told" in str(found.report)
    np.testing.assert_array_equal(scores(found.model), scores(als().fit(dataset)))


def test_ready_features_are_judged_too(tastes):
    dataset = tastes(facts=False, columns=True)
    ready = FeaturePipeline(["tokens", "columns"]).fit(dataset)
    found = guarded_fit(als(), dataset, item_features=ready)
    assert found.report.weights == {COLUMNS: 1.0, TOKENS: 0.0}
    assert found.model.item_pipeline_ is None
    alone = als().fit(dataset, item_features=["columns"])
    np.testing.assert_array_equal(scores(found.model), scores(alone))


def test_weights_of_the_caller_stay(tastes):
    given = FeaturePipeline(["tokens", "columns"], weights={"tokens": 0.5, "columns": 2.0})
    found = guarded_fit(als(), tastes(facts=True, columns=False), item_features=given)
    assert found.report.weights == {TOKENS: 1.0, COLUMNS: 0.0}
    assert found.model.item_pipeline_.weights == {"tokens": 0.5}
    assert given.weights == {"tokens": 0.5, "columns": 2.0}
    assert not hasattr(given, "builders_")


def test_without_side_information_there_is_nothing_to_judge(tastes):
    assert guarded_fit(als(), tastes()).report is None
    assert guarded_fit(als(), tastes(facts=True), item_features=[]).report is None
    found = guarded_fit(make_model("popularity"), tastes(facts=True))
    assert found.report is None
    assert found.model.popularity_.sum() == tastes().matrix.nnz
    with pytest.raises(ParameterError, match="popularity does not use item features"):
        guarded_fit(make_model("popularity"), tastes(facts=True), item_features=["tokens"])


def test_too_little_data_is_not_judged(tastes):
    dataset = tastes(facts=False)
    few = dataset.with_interactions(dataset.interactions.take(dataset.interactions.user_codes < 40))
    found = guarded_fit(als(), few)
    assert found.report.rows == {}
    assert found.report.weights == {TOKENS: 1.0}
    assert "item tokens: used; too little is held out to judge" in str(found.report)
    one = dataset.with_interactions(dataset.interactions.take(np.arange(1)))
    assert guarded_fit(als(), one).report.weights == {TOKENS: 1.0}


def test_time_that_is_up_leaves_the_rest_in_use(tastes):
    dataset = tastes(facts=False, columns=False)
    none = guarded_fit(als(), dataset, seconds=0, clock=Ticks()).report
    assert none.rows == {}
    assert set(none.weights.values()) == {1.0}
    assert str(none) == "item tokens and item columns: used; no time was left to judge"
    some = guarded_fit(als(), dataset, seconds=8, clock=Ticks()).report
    assert sorted(some.weights.values()) == [0.0, 1.0]
    assert str(some).endswith("\nitem columns: used; no time was left to judge")


def test_a_model_that_needs_features_keeps_them(tastes):
    found = guarded_fit(make_model("content"), tastes(facts=True))
    assert found.report.weights == {TOKENS: 1.0}
    assert found.report.rows["without item tokens"] == {"warm": 0.0, "cold": 0.0, "overall": 0.0}


def test_nothing_given_is_changed_and_the_same_gives_the_same(tastes):
    dataset, model = tastes(facts=False, columns=True), als()
    first = guarded_fit(model, dataset, random_state=3)
    again = guarded_fit(als(), dataset, random_state=3)
    assert first.model is model
    assert first.report.rows == again.report.rows
    assert model.get_params() == als().get_params()


class FakeBench:
    """A bench whose figures are given: by weight of the one block, 0.1 where it is shuffled."""

    def __init__(self, cut, figures) -> None:
        self.cut, self.figures = cut, figures
        self.blocks, self.model, self.log = [TOKENS], als(), {}

    def measure(self, weights, dealt=None):
        warm, cold, overall = (0.1,) * 3 if dealt else self.figures[weights[TOKENS]]
        users = np.arange(60)
        return {
            view: Gains(np.full(60, value), users, users)
            for view, value in (("warm", warm), ("cold", cold), ("overall", overall))
        }


@pytest.mark.parametrize(
    ("figures", "weight"),
    [
        ({1: (0.2, 0.2, 0.2), 0: (0.1, 0.0, 0.1)}, 1.0),  # helps everywhere
        ({1: (0.2, 0.0, 0.2), 0: (0.1, 0.0, 0.1)}, 1.0),  # helps known items
        ({1: (0.2, 0.2, 0.2), 0: (0.2, 0.0, 0.1)}, 1.0),  # helps new items
        ({1: (0.2, 0.1, 0.2), 0: (0.2, 0.0, 0.1)}, 0.0),  # no better than shuffled
        ({1: (0.1, 0.1, 0.1), 0: (0.2, 0.0, 0.1)}, 0.0),  # hurts, and helps nothing
        ({1: (0.1, 0.2, 0.2), 0: (0.2, 0.0, 0.1), 0.5: (0.2, 0.2, 0.2)}, 0.5),
        ({1: (0.1, 0.2, 0.2), 0: (0.2, 0.0, 0.1), 0.5: (0.1, 0.2, 0.2), 0.25: (0.2,) * 3}, 0.25),
        # helps new items and hurts known ones at any weight: mixed lists decide
        ({0: (0.2, 0.0, 0.1), **dict.fromkeys((1, 0.5, 0.25), (0.1, 0.2, 0.2))}, 1.0),
        ({0: (0.2, 0.0, 0.3), **dict.fromkeys((1, 0.5, 0.25), (0.1, 0.2, 0.2))}, 0.0),
    ],
)
def test_the_rule(tastes, figures, weight):
    report = judge(FakeBench(ValidationCut.of(tastes()), figures))
    assert report.weights == {TOKENS: weight}
    state = {0.0: "switched off", 1.0: "used"}.get(weight, f"used at weight {weight}")
    assert str(report).splitlines()[-1].startswith(f"item tokens: {state}; ")
