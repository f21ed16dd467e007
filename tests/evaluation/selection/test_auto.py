from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.selection import PRESETS, Preset, choose_model
from hybridrec.evaluation.selection import auto as module
from hybridrec.evaluation.selection.presets import Shape
from hybridrec.models.registry import MODELS, make_model

ALS = Preset("hybrid-als", lambda _shape: 10.0, "here", {"factors": 8, "iterations": 5})
POPULAR = Preset("popularity", lambda _shape: 1.0, "here")
KNN = Preset("item-knn", lambda _shape: 2.0, "here")


class Clock:
    """Stands still, but for what models are made to take."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def slow(monkeypatch):
    """Make fits take as long as is said, on a clock that is returned."""

    def slow(**seconds: float) -> Clock:
        clock = Clock()
        make = Preset.make

        def made(preset, *args):
            clock.now += seconds[preset.model.replace("-", "_")]
            return make(preset, *args)

        monkeypatch.setattr(Preset, "make", made)
        return clock

    return slow


def test_the_obviously_better_model_is_chosen(tastes):
    found = choose_model(tastes(), presets=[ALS, POPULAR])
    assert found.preset is ALS
    assert [one.preset for one in found.tried] == [ALS, POPULAR]
    assert found.view == "warm"
    assert not found.timed
    assert found.verdict.startswith("Chosen: hybrid-als:factors=8,iterations=5, warm 0.")
    assert "; next popularity, 0." in found.verdict
    assert (
        found.make(3, 1).get_params()
        == (
            make_model("hybrid-als", factors=8, iterations=5, random_state=3, num_threads=1)
        ).get_params()
    )


def test_where_new_items_wait_lists_with_them_decide(tastes):
    dataset = tastes(facts=True, new=6)
    found = choose_model(dataset, presets=[KNN, ALS])
    assert found.view == "overall"
    assert found.preset is ALS
    assert (
        "Lists of known and new items decide: 6 of 120 items are new and described."
        in found.verdict
    )
    assert choose_model(dataset, presets=[KNN], item_features=[]).view == "warm"
    assert choose_model(tastes(columns=True, new=6), presets=[KNN]).view == "overall"
    assert choose_model(tastes(facts=True), presets=[KNN]).view == "warm"


def test_only_models_that_use_what_is_given_are_tried(tastes):
    found = choose_model(tastes(facts=True), presets=[KNN, ALS], item_features=["tokens"])
    assert [one.preset for one in found.tried] == [ALS]
    with pytest.raises(ParameterError, match=r"no model can be fitted .*no candidate"):
        choose_model(tastes(facts=True), presets=[KNN], item_features=["tokens"])


def test_the_budget_is_kept(tastes, slow):
    clock = slow(popularity=1.0, item_knn=2.0, hybrid_als=10.0)
    found = choose_model(tastes(), presets=[ALS, KNN, POPULAR], seconds=22.0, clock=clock)
    assert found.seconds == 3.0  # popularity and item-knn; two more fits of 10 do not fit in 19
    assert found.preset is KNN
    assert found.timed
    last = found.tried[-1]
    assert (last.preset, last.means, last.skipped) == (ALS, {}, True)
    assert last.why == "not tried: about 10 s a fit, 19 s left"
    assert found.lines[0] == f"{ALS.label}: {last.why}"
    assert found.lines[-1].startswith("Time decided what was tried")


def test_with_time_enough_all_are_tried(tastes, slow):
    clock = slow(popularity=1.0, item_knn=2.0, hybrid_als=10.0)
    found = choose_model(tastes(), presets=[ALS, KNN, POPULAR], seconds=23.0, clock=clock)
    assert (found.seconds, found.timed, found.preset) == (13.0, False, ALS)


def test_a_slow_machine_is_noticed(tastes, slow):
    clock = slow(popularity=3.0, item_knn=6.0, hybrid_als=30.0)
    found = choose_model(tastes(), presets=[ALS, KNN, POPULAR], seconds=60.0, clock=clock)
    assert found.tried[-1].why == "not tried: about 30 s a fit, 51 s left"


def test_the_first_is_tried_in_any_case(tastes, slow):
    clock = slow(popularity=5.0)
    found = choose_model(tastes(), presets=[POPULAR], seconds=0.1, clock=clock)
    assert found.preset is POPULAR


def test_a_model_that_cannot_be_fitted_is_passed_over(tastes):
    needy = Preset("content", lambda _shape: 0.1, "here")
    found = choose_model(tastes(), presets=[needy, POPULAR])
    assert found.preset is POPULAR
    assert found.tried[-1].why.startswith("cannot be fitted: content needs item features")
    assert not found.timed
    with pytest.raises(ParameterError, match=r"no model can be fitted .*content needs"):
        choose_model(tastes(), presets=[needy])


def test_only_the_given_rows_are_seen(tastes, monkeypatch):
    dataset = tastes()
    half = dataset.interactions.take(np.arange(len(dataset.interactions)) % 2 == 0)
    given = half.matrix
    seen = []

    def gains(model, split, num_threads):
        seen.append((model.history_, split))
        return original(model, split, num_threads)

    original = module.Gains.of
    monkeypatch.setattr(module.Gains, "of", gains)
    choose_model(dataset.with_interactions(half), presets=[ALS, POPULAR])
    for history, split in seen:
        assert (history > given).nnz == 0
        assert (split.test.matrix > given).nnz == 0
        assert history.multiply(split.test.matrix).nnz == 0
    assert len(seen) == 6


def test_the_same_gives_the_same(tastes):
    one, other = (choose_model(tastes(), presets=[ALS, KNN], random_state=4) for _ in range(2))
    assert [tried.means for tried in one.tried] == [tried.means for tried in other.tried]
    assert str(one).splitlines()[2].startswith("hybrid-als:factors=8,iterations=5")


def test_too_little_data_is_refused(tastes):
    dataset = tastes()
    with pytest.raises(DataError, match="too little data to choose a model on"):
        choose_model(dataset.with_interactions(dataset.interactions.take(np.arange(1))))


SHAPE = Shape(users=1000, items=500, catalogue=600, pairs=20_000, walks=10**6, facts=5000)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.label)
def test_a_preset_can_be_made_and_says_where_it_was_found(preset):
    assert preset.model in MODELS
    made = preset.make(1, 1)
    assert made.model_name == preset.model
    assert made.get_params().items() >= preset.params.items()
    assert 0 < preset.seconds(SHAPE) < 100
    assert preset.found


def test_the_size_of_the_data_tells_what_to_try():
    def labels(shape: Shape) -> set[str]:
        return {preset.label for preset in PRESETS if preset.suits(shape)}

    everything = {preset.label for preset in PRESETS}
    assert len(everything) == len(PRESETS)
    assert labels(SHAPE) == everything
    assert labels(replace(SHAPE, catalogue=10**5)) == everything - {"ease"}


def test_the_shape_of_a_data_set(tastes):
    dataset = tastes(facts=True, new=6)
    shape = Shape.of(dataset)
    matrix = dataset.matrix.toarray() > 0
    assert (shape.users, shape.items, shape.catalogue) == (150, 114, 120)
    assert (shape.pairs, shape.facts) == (matrix.sum(), 120)
    assert shape.walks == (matrix.sum(axis=1) ** 2).sum()
