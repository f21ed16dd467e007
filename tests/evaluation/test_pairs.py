from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation import labelled_pairs, random_split
from hybridrec.evaluation.pairs import DEFAULT_PAIR_METRICS, evaluate_pairs
from hybridrec.models.bias import BiasBaseline
from hybridrec.models.popularity import Popularity


@pytest.fixture
def dataset() -> Dataset:
    """Clicks that follow the popularity of the items, and as many negatives."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 60, 1500), (40 * rng.random(1500) ** 2).astype(int)
    label = (rng.random(1500) < 1 / (1 + items / 8)).astype(float)
    frame = pd.DataFrame({"user": users, "item": items, "weight": label})
    return Dataset.build(Interactions.from_frame(frame.drop_duplicates(["user", "item"])))


@pytest.fixture
def split(dataset):
    return labelled_pairs(dataset, random_state=1)


def scores_of(split, part) -> pd.DataFrame:
    """The popularity of every pair of a part as a run."""
    popularity = split.train.matrix.getnnz(axis=0).astype(float)
    return pd.DataFrame(
        {
            "user": part.users.ids[part.user_codes],
            "item": part.items.ids[part.item_codes],
            "score": popularity[part.item_codes],
            "label": part.weights > 0,
        }
    )


def test_the_model_and_its_run_agree_with_scikit_learn(split):
    found = evaluate_pairs(Popularity().fit(split.train), split)
    rows, validation = scores_of(split, split.test), scores_of(split, split.validation)
    assert found.columns == tuple((metric, None) for metric in DEFAULT_PAIR_METRICS)
    assert found.seed == 1
    warm = rows["score"] > 0  # nothing is known of the others
    scores = rows["score"].where(warm, -1)
    assert found.mean("auc", None) == pytest.approx(roc_auc_score(rows["label"], scores))
    run = pd.concat([rows, validation]).drop(columns="label")
    same = evaluate_pairs(run[run["score"] > 0], split)
    for metric in DEFAULT_PAIR_METRICS:
        assert same.mean(metric, None) == pytest.approx(found.mean(metric, None))
    assert found.slices["all"].users.tolist() == sorted(rows["user"].unique())


def test_the_threshold_of_f1_is_that_of_the_validation_pairs(split):
    rows, validation = scores_of(split, split.test), scores_of(split, split.validation)
    best = max(
        validation["score"].unique(),
        key=lambda one: f1_score(validation["label"], validation["score"] >= one),
    )
    found = evaluate_pairs(pd.concat([rows, validation]), split, metrics="f1")
    assert found.mean("f1", None) == pytest.approx(f1_score(rows["label"], rows["score"] >= best))


def test_probabilities_do_not_depend_on_the_scale_of_scores(split):
    rows = pd.concat([scores_of(split, split.test), scores_of(split, split.validation)])
    found = evaluate_pairs(rows, split)
    bent = evaluate_pairs(rows.assign(score=np.exp(rows["score"] / 5) - 100), split)
    for metric in DEFAULT_PAIR_METRICS:
        assert bent.mean(metric, None) == pytest.approx(found.mean(metric, None))
    assert found.mean("log-loss", None) < np.log(2) < 1
    assert 0.6 < found.mean("accuracy", None) < 1


def test_a_run_of_probabilities_needs_no_validation_pairs(split):
    rows = scores_of(split, split.test)
    rows["score"] /= rows["score"].max() + 1
    found = evaluate_pairs(rows, split)
    assert found.mean("log-loss", None) == pytest.approx(log_loss(rows["label"], rows["score"]))
    assert found.mean("f1", None) == pytest.approx(f1_score(rows["label"], rows["score"] >= 0.5))
    with pytest.raises(ParameterError, match="need scores of validation pairs"):
        evaluate_pairs(rows.assign(score=rows["score"] * 10), split)
    evaluate_pairs(rows.assign(score=rows["score"] * 10), split, metrics=["auc", "gauc"])


def test_missing_pairs_come_last_and_are_told(split):
    rows = scores_of(split, split.test)
    stranger = pd.DataFrame({"user": [10**6], "item": [0], "score": [1.0]})
    found = evaluate_pairs(pd.concat([rows[5:], stranger]), split, metrics="auc")
    assert found.notes == (
        "1 rows name users or items that the split does not have",
        f"5 of {len(rows)} pairs have no score and come last",
    )
    scores = rows["score"].where(np.arange(len(rows)) >= 5, -1)
    assert found.mean("auc", None) == pytest.approx(roc_auc_score(rows["label"], scores))


def test_slices(dataset):
    rows = dataset.interactions
    train = rows.item_codes >= 10  # the ten most popular items are cold
    train &= rows.user_codes >= 5
    other = labelled_pairs(dataset, random_state=1)
    split = type(other)("mine", {}, dataset.with_interactions(rows.take(train)), rows.take(~train))
    found = evaluate_pairs(Popularity().fit(split.train), split, metrics="auc")
    assert set(found.slices) == {"all", "warm", "cold", "users:known"}
    assert found.mean("auc", None, "cold") == 0.5  # the model knows nothing of them
    assert found.slices["warm"].users.tolist() == [0, 1, 2, 3, 4]
    assert found.slices["users:known"].users.min() == 5


def test_ratings(dataset):
    rng = np.random.default_rng(1)
    rows = dataset.interactions
    frame = rows.to_frame().assign(weight=rng.integers(1, 6, len(rows)).astype(float))
    split = random_split(Dataset.build(Interactions.from_frame(frame)), random_state=0)
    model = BiasBaseline().fit(split.train)
    found = evaluate_pairs(model, split, metrics=["rmse", "mae"])
    users, items = split.test.user_codes, split.test.item_codes
    errors = model.scorer_.chosen(users, items[:, None])[:, 0] - split.test.weights
    assert found.mean("rmse", None) == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert found.mean("mae", None) == pytest.approx(np.abs(errors).mean())


def test_what_makes_no_sense_is_refused(split, dataset):
    model = Popularity().fit(split.train)
    with pytest.raises(ParameterError, match="unknown metric of pairs 'rmsee'; did you mean"):
        evaluate_pairs(model, split, metrics="rmsee")
    with pytest.raises(ParameterError, match="'rmse' judge ratings, the other metrics labels"):
        evaluate_pairs(model, split, metrics=["rmse", "auc"])
    positives = dataset.with_interactions(
        dataset.interactions.take(dataset.interactions.weights > 0)
    )
    cut = random_split(positives)
    with pytest.raises(ParameterError, match="holds no negatives"):
        evaluate_pairs(Popularity().fit(cut.train), cut)
    with pytest.raises(DataError, match="give a column 'score'"):
        evaluate_pairs(pd.DataFrame({"user": [1], "item": [2], "rank": [1]}), split)
    with pytest.raises(ParameterError, match="was fitted on"):
        evaluate_pairs(Popularity().fit(dataset), split)


def test_ids_are_compared_as_text_where_one_side_has_text(split):
    rows = pd.concat([scores_of(split, split.test), scores_of(split, split.validation)])
    as_text = rows.assign(user=rows["user"].astype(str), item=rows["item"].astype(str))
    found, same = evaluate_pairs(rows, split), evaluate_pairs(as_text, split)
    assert [same.mean(*one) for one in same.columns] == [found.mean(*one) for one in found.columns]
    with pytest.raises(DataError, match="no row names a user and an item of the split"):
        evaluate_pairs(rows.assign(item=rows["item"] + 1000), split)


def test_validation_pairs_of_one_label(split):
    positive = split.validation.take(split.validation.weights > 0)
    one_sided = replace(split, validation=positive)
    model = Popularity().fit(split.train)
    with pytest.raises(ParameterError, match="all validation pairs have the same label"):
        evaluate_pairs(model, one_sided)
    evaluate_pairs(model, one_sided, metrics=["auc", "f1"])


def test_a_rating_that_is_not_predicted_is_the_mean(split):
    rows = pd.DataFrame({"user": [0], "item": [0], "score": [1.0]})
    found = evaluate_pairs(rows, split, metrics="rmse")
    mean = split.train.interactions.weights.mean()
    truth = split.test.weights.astype(float)
    known = (split.test.user_codes == 0) & (split.test.item_codes == 0)
    errors = np.where(known, 1.0, mean) - truth
    assert found.mean("rmse", None) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-6)
    assert "are predicted as the mean" in found.notes[0]
