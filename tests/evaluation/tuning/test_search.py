from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import MissingExtraError, ParameterError
from hybridrec.evaluation import (
    cold_items,
    evaluate,
    evaluate_pairs,
    labelled_pairs,
    random_split,
)
from hybridrec.evaluation.tuning import tune, validation_split
from hybridrec.evaluation.tuning.measure import Measurement
from hybridrec.models.registry import make_model

SPACE = {"factors": (2, 12), "regularization": (1.0, 50.0, "log"), "alpha": (1.0, 20.0, "log")}
SAMPLERS = ("random", "optuna")


def _settings(result) -> list:
    return [(one.number, dict(one.point), one.values, one.state) for one in result.history]


def _als(split, **options):
    params = {"iterations": 3}
    return tune("als", split, **{"k": 5, "space": SPACE, "params": params, **options})


def _peak(point) -> float:
    return 1 - abs(math.log(point["alpha"] / 4)) / 10


def test_only_the_best_third_of_those_so_far_is_measured_to_the_end(formula, split):
    formula(_peak)
    found = tune("als", split, trials=40, sampler="random")
    firsts = [one.values[0] for one in found.history]
    for at, one in enumerate(found.history):
        place = sum(value > one.values[0] for value in firsts[:at])
        assert (one.state == "complete") == (place < -(-(at + 1) // 3))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_best_setting_is_found(formula, split, sampler):
    asked = formula(_peak)
    found = tune("als", split, trials=40, sampler=sampler, params={"factors": 5})
    assert asked[0] == {"factors": 5, "regularization": 40.0, "alpha": 10.0}  # the defaults
    assert found.default_value == _peak({"alpha": 10.0})
    assert found.value == max(_peak(point) for point in asked)
    assert 3 < found.params["alpha"] < 5.3
    assert found.params["factors"] == 5
    states = [one.state for one in found.history]
    assert len(states) == 40
    assert states.count("stopped") > 15
    assert states.count("complete") >= 3
    assert len(asked) == 40 + states.count("complete")  # those measured to the end


def test_lower_is_better_for_some_metrics(formula, split):
    formula(_peak)
    found = tune("als", split, metric="arp", trials=10)
    assert found.value == min(one.value for one in found.ranking)
    assert found.value < found.default_value


def test_what_is_chosen_is_no_worse_than_the_defaults(split):
    found = _als(split, trials=6)
    assert found.value >= found.default_value
    assert found.history[0].point == {"factors": 64, "regularization": 40.0, "alpha": 10.0}
    assert found.value == found.best.values[-1]
    assert found.params == {"iterations": 3, **found.best.point}
    assert found.features is None


def test_features_are_chosen_by_what_they_are_good_for(dataset):
    split = cold_items(dataset, random_state=1)
    space = {"features": ["columns", "tokens+columns"], "factors": [4]}
    fixed = {"iterations": 3, "regularization": 1.0, "alpha": 10.0, "frequency_exponent": 0.5}
    fixed |= {"prior_share": 0.3, "feature_regularization": 1.0, "user_shrinkage": 3.0}
    found = tune("hybrid-als", split, space=space, params=fixed, k=3, trials=50)
    assert found.features == ("tokens", "columns")
    assert len(found.history) == 3  # the defaults and all that the space holds


@pytest.mark.parametrize("make", [random_split, cold_items])
def test_the_test_is_never_looked_at(dataset, make):
    split = make(dataset, random_state=0)
    unseen = np.ones(split.train.matrix.shape, dtype=bool)
    unseen[split.train.interactions.user_codes, split.train.interactions.item_codes] = False
    if split.candidates is not None:
        unseen[:, ~split.candidates] = False
    users, items = np.nonzero(unseen)
    rows = split.test.take(np.zeros(len(users), dtype=np.int64))
    poison = replace(rows, user_codes=users.astype(np.int32), item_codes=items.astype(np.int32))
    poisoned = replace(split, test=poison)
    assert len(poisoned.test) > 2 * len(split.test)
    options = {"trials": 5, "space": {"factors": (2, 6)}, "params": {"iterations": 3}, "k": 5}
    one, other = (tune("hybrid-als", data, **options) for data in (split, poisoned))
    assert _settings(one) == _settings(other)
    assert one.as_dict() == other.as_dict()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_that_goes_on_ends_as_one_in_one_go(split, sampler, tmp_path):
    whole = _als(split, trials=14, sampler=sampler)
    parts = None
    for trials in (1, 3, 4, 12, 14, 14):
        parts = _als(split, trials=trials, sampler=sampler, storage=tmp_path / "search.db")
    assert _settings(parts) == _settings(whole)
    assert parts.as_dict() == whole.as_dict()
    assert _settings(_als(split, trials=14, sampler=sampler, random_state=1)) != _settings(whole)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("last", [1, 4, 15, 18])
def test_an_error_from_outside_leaves_a_search_to_go_on(
    split, sampler, last, tmp_path, monkeypatch
):
    whole = _als(split, trials=14, sampler=sampler)
    steps = []
    value = Measurement.value

    def interrupted(self, point, before):
        steps.append(point)
        if len(steps) == last:
            raise KeyboardInterrupt
        return value(self, point, before)

    with monkeypatch.context() as patch:
        patch.setattr(Measurement, "value", interrupted)
        with pytest.raises(KeyboardInterrupt):
            _als(split, trials=14, sampler=sampler, storage=tmp_path / "search.db")
    found = _als(split, trials=14, sampler=sampler, storage=tmp_path / "search.db")
    assert _settings(found) == _settings(whole)


KILLED = """
import sys
import pandas as pd
from hybridrec.evaluation import random_split
from hybridrec.evaluation.tuning import tune
from hybridrec.evaluation.tuning.measure import Measurement
from hybridrec.dataset.dataset import Dataset
value = Measurement.value
def told(self, point, before):
    print("step", flush=True)
    return value(self, point, before)
Measurement.value = told
split = random_split(Dataset.build(pd.read_csv("rows.csv")), random_state=0)
tune("als", split, trials=400, params={"iterations": 3}, storage="search.db", sampler="random")
"""


def test_a_killed_process_leaves_a_search_to_go_on(tmp_path, dataset):
    rows = dataset.interactions
    frame = pd.DataFrame({"user": rows.user_codes, "item": rows.item_codes})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(17):  # steps; the last of these is under way
        assert process.stdout.readline() == "step\n"
    process.kill()
    process.wait()
    process.stdout.close()

    split = random_split(Dataset.build(pd.read_csv(tmp_path / "rows.csv")), random_state=0)
    options = {"params": {"iterations": 3}, "sampler": "random"}
    (tmp_path / "copy.db").write_bytes((tmp_path / "search.db").read_bytes())
    seen = tune("als", split, trials=1, storage=tmp_path / "copy.db", **options)
    assert 8 <= len(seen.history) <= 400
    total = len(seen.history) + 3
    found = tune("als", split, trials=total, storage=tmp_path / "search.db", **options)
    assert [one.number for one in found.history] == list(range(total))
    assert _settings(found) == _settings(tune("als", split, trials=total, **options))


def test_time_ends_a_search_between_steps(formula, split, monkeypatch, tmp_path):
    asked = formula(_peak)
    clock = iter(range(10_000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    found = tune("als", split, trials=50, seconds=30, storage=tmp_path / "search.db")
    assert 2 <= len(found.history) < 50
    assert found.as_dict()["trials"] < 50
    asked.clear()
    tune("als", split, trials=50, seconds=1, storage=tmp_path / "search.db")
    assert asked == []  # there is a result already
    monkeypatch.undo()
    formula(_peak)
    on = tune("als", split, trials=20, storage=tmp_path / "search.db")
    assert _settings(on) == _settings(tune("als", split, trials=20))


def test_the_defaults_are_measured_however_little_time_there_is(formula, split):
    formula(_peak)
    found = tune("als", split, seconds=1e-9)
    assert [one.state for one in found.history] == ["complete"]


def test_a_setting_that_fails_is_passed_over(formula, split):
    formula(lambda point: math.nan if point["alpha"] > 6 else _peak(point))
    found = tune("als", split, trials=30)
    assert found.default_value is None
    assert found.params["alpha"] <= 6
    failed = [one for one in found.history if one.state == "failed"]
    assert {one.error for one in failed} == {"no such setting"}
    assert len(found.history) == 30


def test_labelled_pairs_are_tuned_on_their_validation_part(random_dataset):
    split = labelled_pairs(random_dataset())
    found = tune("als", split, metric="auc", trials=4, params={"iterations": 3}, space=SPACE)
    validation = split.on_validation()
    (measured,) = found.validation
    assert measured.fingerprint == validation.fingerprint
    model = found.fit(validation.train, random_state=0)
    assert evaluate_pairs(model, validation, metrics=["auc"]).mean("auc", None) == found.value
    assert found.as_dict()["k"] is None


def test_ratings_are_tuned_for_the_least_error(random_dataset):
    found = tune("bias-baseline", random_split(random_dataset()), metric="rmse", trials=8)
    assert found.value == min(one.values[-1] for one in found.ranking)
    assert found.value < found.default_value


def test_if_all_fail_the_first_error_is_told(split):
    space = {"factors": [2, 3], "regularization": [1.0]}
    message = r"all 3 trials failed; the first: alpha must be a positive number, got -1"
    with pytest.raises(ParameterError, match=message):
        tune("als", split, space=space, params={"alpha": -1.0}, trials=5)


def test_several_splits_count_alike(dataset):
    splits = [random_split(dataset, random_state=seed) for seed in range(3)]
    found = tune("item-knn", splits, k=5, trials=8, space={"neighbors": (2, 12)})
    states = [one.state for one in found.history]
    assert {"complete", "stopped"} == set(states)
    for one in found.ranking:
        model = make_model("item-knn", **one.point)
        values = [
            evaluate(model.fit(part.train), part, metrics=["ndcg"], k=5).mean("ndcg", 5)
            for part in found.validation
        ]
        assert one.values == (values[0], np.mean(values))
    assert [one["params"]["random_state"] for one in found.as_dict()["split"]] == [0, 1, 2]


def test_another_search_in_the_storage_is_refused(split, dataset, tmp_path):
    storage = tmp_path / "search.db"
    _als(split, trials=1, storage=storage)
    before = storage.read_bytes()
    other = random_split(dataset, by="user", random_state=9)
    for changes, told in (
        ({"metric": "recall"}, "metric is ndcg there, recall here"),
        ({"k": 9}, "k is 5 there, 9 here"),
        ({"on": "cold"}, "on is all there, cold here"),
        ({"space": {"factors": [1, 2]}}, "the space of factors is 2..12 there, 1,2 here"),
        ({"params": {"iterations": 4}}, "the fixed iterations is 3 there, 4 here"),
        ({"random_state": 1}, "random_state is 0 there, 1 here"),
        ({"sampler": "random"}, "sampler is optuna there, random here"),
        ({"split": other}, "the validation split is"),
    ):
        options = {"split": split, "trials": 2, "storage": storage} | changes
        with pytest.raises(ParameterError, match="holds another search") as refused:
            _als(**options)
        assert told in str(refused.value)
    assert storage.read_bytes() == before
    with pytest.raises(ParameterError, match="model is als there, bpr here"):
        tune("bpr", split, k=5, storage=storage)


def test_other_side_information_is_another_search(dataset, tmp_path):
    options = {"k": 5, "trials": 1, "storage": tmp_path / "search.db"}
    options |= {"features": ["columns"], "params": {"iterations": 2}, "space": {"factors": [2, 3]}}
    split = random_split(dataset)
    tune("hybrid-als", split, **options)
    bare = random_split(dataset.with_knowledge(None))
    with pytest.raises(ParameterError, match="side information is 24 facts, item kind there"):
        tune("hybrid-als", bare, **options)


def test_the_sampler_of_the_storage_is_taken_up(split, tmp_path, monkeypatch):
    storage = tmp_path / "search.db"
    _als(split, trials=2, sampler="random", storage=storage)
    assert len(_als(split, trials=3, storage=storage).history) == 3
    monkeypatch.setitem(sys.modules, "optuna", None)
    _als(split, trials=2, storage=tmp_path / "other.db")
    with pytest.raises(MissingExtraError, match=r"hybridrec\[tune\]"):
        _als(split, trials=2, sampler="optuna")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials must be a whole number of at least 1"),
        ({"seconds": 0}, "seconds must be a positive number"),
        ({"metric": "ndgc"}, "did you mean 'ndcg'"),
        ({"k": 0}, "k must be"),
        ({"random_state": -1}, "random_state must be"),
        ({"sampler": "tpe"}, "sampler must be one of"),
        ({"features": ["tokens"]}, "als does not use features"),
        ({"params": {"factor": 3}}, "did you mean 'factors'"),
        ({"data": []}, "at least one split"),
        ({"model": "asl"}, "unknown model 'asl'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_fit(options, message, split, formula):
    asked = formula(_peak)
    with pytest.raises(ParameterError, match=message):
        tune(**{"model": "als", "data": split, **options})
    assert asked == []


def test_validation_is_what_was_measured_on(split):
    found = _als(split, trials=1)
    assert found.validation[0].fingerprint == validation_split(split).fingerprint
    assert found.as_dict()["fingerprint"] == found.validation[0].fingerprint
