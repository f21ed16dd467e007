from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Dataset, Interactions, Stack, load
from hybridrec.errors import DataError, ParameterError
from hybridrec.models import stack as module
from hybridrec.testing.contract import checkerboard, parity_items, parity_knowledge

MEMBERS = ("item-knn", "popularity")


@pytest.fixture
def dataset() -> Dataset:
    return Dataset.build(checkerboard(), parity_knowledge(), item_table=parity_items())


def test_no_pair_is_scored_by_a_model_that_has_seen_it(dataset, monkeypatch):
    fitted, scored = [], []
    real_fit, real_features = module.fit_member, module.features_of_pairs
    monkeypatch.setattr(
        module, "fit_member", lambda *given: fitted.append(given[2]) or real_fit(*given)
    )
    monkeypatch.setattr(
        module,
        "features_of_pairs",
        lambda *given: scored.append((fitted[-2:], given[1:])) or real_features(*given),
    )
    model = Stack(members=MEMBERS, folds=3).fit(dataset)
    assert len(fitted) == 6
    assert sum(len(users) for _, (users, _) in scored) == len(model.labelled_.users)
    for matrices, (users, items) in scored:
        for matrix in matrices:
            assert not np.asarray(matrix[users, items]).any()


def test_the_popularity_of_a_pair_does_not_count_the_pair():
    rows = [(user, item) for user in range(20) for item in range(3)]
    rows += [(user, 3 + user) for user in range(20)]  # items of one user each
    frame = pd.DataFrame(rows, columns=["user", "item"])
    model = Stack(members=("popularity",), folds=4).fit(frame)
    pairs = model.labelled_
    lonely = pairs.labels & (pairs.items >= 3)
    assert (
        pairs.features[lonely, 0] < 0.5
    ).all()  # nobody else has the item: no better than the rest


def test_labels_decide_between_members():
    """One group likes what is popular, the labels say so; unpopular items are the negatives."""
    rng = np.random.default_rng(0)
    shares = np.linspace(0.02, 0.9, 40)
    frame = pd.DataFrame(
        [
            (user, item, float(rng.random() < shares[item]))
            for user in range(60)
            for item in rng.permutation(40)[:25]
        ],
        columns=["user", "item", "weight"],
    )
    model = Stack(members=("popularity",)).fit(frame)
    pairs = pd.DataFrame({"user": 0, "item": np.arange(40)})
    scores = model.score(pairs)["score"].to_numpy()
    counts = model.popularity_[model.items_.codes(pairs["item"].to_numpy())]
    known = counts > 0
    assert np.isfinite(scores).all()
    assert (scores[~known] <= scores[known].min()).all()
    assert np.corrcoef(scores[known], shares[known])[0, 1] > 0.7
    assert (np.diff(scores[known][np.argsort(counts[known])]) >= 0).all()


def test_negatives_reach_the_trees_but_not_the_members(dataset):
    rows = checkerboard().assign(weight=1.0)
    odd = pd.DataFrame(
        [(f"u{user}", f"i{(user + 1) % 30}", 0.0) for user in range(30)], columns=rows.columns
    )
    known = Interactions.from_frame(pd.concat([rows, odd])).with_items(dataset.items)
    model = Stack(members=MEMBERS).fit(dataset.with_interactions(known))
    assert (~model.labelled_.labels).sum() == 30
    assert model.history_.nnz == len(rows)
    assert model.members_[0].history_.nnz == len(rows)


def test_a_loaded_stack_scores_the_same(dataset, tmp_path):
    model = Stack(members=("content", "item-knn"), iterations=20).fit(dataset)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(
        loaded.scorer_.block(np.arange(30)), model.scorer_.block(np.arange(30))
    )
    assert not hasattr(loaded, "labelled_")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"folds": 1}, "folds must be at least 2"),
        ({"folds": 2.5}, "folds must be a whole number"),
        ({"iterations": 0}, "iterations must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be a positive number"),
        ({"members": ("item-nkn",)}, "did you mean 'item-knn'"),
    ],
)
def test_what_makes_no_sense_is_refused(dataset, params, message):
    with pytest.raises(ParameterError, match=message):
        Stack(**params).fit(dataset)


def test_too_little_data():
    with pytest.raises(DataError, match="cannot deal"):
        Stack(members=MEMBERS).fit(pd.DataFrame({"user": [1, 2], "item": [1, 2]}))
