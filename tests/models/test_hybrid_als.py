"""HybridALS: its objective, its twin in numpy, its cold items."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models import prior
from hybridrec.models.factors import fold_in_rows
from hybridrec.models.hybrid_als import SOLVERS, HybridALS
from hybridrec.models.storage import load
from hybridrec.runtime import random_stream


@pytest.fixture
def sided(ratings):
    """Return data with features on both sides, two cold items and one cold user."""
    users = pd.DataFrame({"user": range(41), "job": [f"j{one % 3}" for one in range(41)]})
    table = pd.DataFrame({"item": range(62), "group": [f"g{one % 2}" for one in range(62)]})
    table["block"] = [f"b{one % 7}" for one in range(62)]
    return Dataset.build(ratings, item_table=table, user_table=users)


def penalty(factors, count, features, model):
    """Return what one side adds to the objective; W is the best one for the factors."""
    strength = model.regularization * count**model.frequency_exponent
    square = np.square(factors).sum(axis=1)
    if features is None:
        return strength @ square
    F = features.toarray().astype(np.float64)
    gram = F.T @ F + model.feature_regularization * np.eye(F.shape[1])
    W = np.linalg.solve(gram, F.T @ factors)
    fit = np.square(factors - F @ W).sum() + model.feature_regularization * np.square(W).sum()
    share = model.prior_share
    return (1 - share) * strength @ square + share * model.regularization * fit


def objective(model, data, moved=(0.0, 0.0)):
    """Return the objective of the docstring, over users and items that have interactions.

    Their factors may be moved; W is always the best one.
    """
    dense = data.matrix.toarray().astype(np.float64)
    users, items = dense.any(axis=1), dense.any(axis=0)
    dense = dense[users][:, items] / data.matrix.data.mean(dtype=np.float64)
    X = model.scorer_.user_factors[users] + moved[0]
    Y = model.scorer_.item_factors[items] + moved[1]
    confidence = np.where(dense > 0, dense, (dense > 0).mean() ** 0.5 / model.alpha)
    total = (confidence * np.square((dense > 0) - X @ Y.T)).sum()
    shrinkage = model.user_shrinkage / (dense > 0).sum(axis=1)
    if model.user_shrinkage:
        mean = np.average(X, axis=0, weights=shrinkage)
        total += shrinkage @ np.square(X - mean).sum(axis=1)
    for factors, warm, axis, pipeline in (
        (X, users, 1, model.user_pipeline_),
        (Y, items, 0, model.item_pipeline_),
    ):
        features = None if pipeline is None else pipeline.transform(data).matrix()[warm]
        total += penalty(factors, (dense > 0).sum(axis=axis), features, model)
    return total


def fitted_for(data, iterations, features, **more):
    none = None if features else []
    params = {"factors": 5, "regularization": 0.7, "prior_share": 0.4, "alpha": 2.0, **more}
    model = HybridALS(iterations=iterations, **params)
    return model.fit(data, item_features=none, user_features=none)


@pytest.mark.parametrize("shrinkage", [0.0, 3.0])
@pytest.mark.parametrize("features", [False, True])
def test_every_iteration_lowers_the_objective(sided, features, shrinkage):
    values = [
        objective(fitted_for(sided, n, features, user_shrinkage=shrinkage), sided)
        for n in (1, 2, 3, 5, 8, 30, 31)
    ]
    assert (np.diff(values) < 1e-6 * values[0]).all()
    assert values[-1] < 0.95 * values[0]
    assert values[-2] - values[-1] < 1e-3 * values[0]  # it comes to rest


@pytest.mark.parametrize("features", [False, True])
def test_it_comes_to_rest_where_the_objective_is_flat(sided, features):
    """A small step in any direction raises it, and as much as the step back."""
    model, rng = fitted_for(sided, 200, features), np.random.default_rng(0)
    rest = objective(model, sided)
    for _ in range(5):
        step = 0.01 * rng.normal(size=(40, 5)), 0.01 * rng.normal(size=(60, 5))
        ahead, back = (
            objective(model, sided, [sign * one for one in step]) - rest for sign in (1, -1)
        )
        assert ahead > 0
        assert abs(ahead - back) < 0.05 * (ahead + back)


def test_conjugate_gradients_of_the_prior_reach_the_same_objective(sided, monkeypatch):
    exact = objective(fitted_for(sided, 10, True), sided)
    monkeypatch.setattr(prior, "WIDTH", 0)
    assert objective(fitted_for(sided, 10, True), sided) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("features", [False, True])
def test_conjugate_gradients_of_the_rows_reach_the_same_objective(sided, features):
    exact, fast = (
        objective(fitted_for(sided, 30, features, solver=solver), sided) for solver in SOLVERS
    )
    assert fast == pytest.approx(exact, rel=1e-3)


def ials_twin(data, model):
    """Return user and item factors of iALS, from dense matrices, in float64."""
    dense = data.matrix.toarray().astype(np.float64)
    warm = dense.any(axis=0)
    dense = dense[:, warm] / data.matrix.data.mean(dtype=np.float64)
    unobserved = (dense > 0).mean() ** 0.5 / model.alpha
    start = random_stream(model.random_state).normal(0.0, 0.1, (warm.sum(), model.factors))
    items = start.astype(np.float32).astype(np.float64)

    def solve(rows, others, shrinkage=0.0, mean=0.0):
        out = []
        for row in rows:
            c, n = np.where(row > 0, row, unobserved), (row > 0).sum()
            ridge = model.regularization * n**model.frequency_exponent
            A = (others * c[:, None]).T @ others + (ridge + shrinkage / n) * np.eye(model.factors)
            out.append(np.linalg.solve(A, others.T @ row + shrinkage / n * mean))
        return np.array(out)

    mean, count = np.zeros(model.factors), (dense > 0).sum(axis=1)
    for _ in range(model.iterations):
        users = solve(dense, items, model.user_shrinkage, mean)
        mean = np.average(users, axis=0, weights=1 / count)
        items = solve(dense.T, users)
    return users, items


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_without_features_it_is_ials(ratings, exponent):
    data = Dataset.build(ratings, item_table=pd.DataFrame({"item": range(62)}))
    model = HybridALS(
        factors=4, iterations=5, regularization=0.5, frequency_exponent=exponent, random_state=2
    ).fit(data)
    users, items = ials_twin(data, model)
    np.testing.assert_allclose(model.scorer_.user_factors, users, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model.scorer_.item_factors[:60], items, rtol=1e-3, atol=1e-4)
    assert not model.scorer_.item_factors[60:].any()
    assert not model.scorable_[60:].any()


def test_without_a_pull_features_change_no_warm_factor(sided):
    """A share of 0 leaves the prior to the items without interactions."""
    params = {"factors": 4, "iterations": 3, "prior_share": 0.0}
    with_features = HybridALS(**params).fit(sided)
    without = HybridALS(**params).fit(sided, item_features=[], user_features=[])
    np.testing.assert_array_equal(
        with_features.scorer_.item_factors[:60], without.scorer_.item_factors[:60]
    )
    assert with_features.scorer_.item_factors[60:].any()


class TestCold:
    @pytest.fixture
    def model(self, sided):
        return HybridALS(factors=5, iterations=4).fit(sided)

    def test_cold_items_are_their_calibrated_prior(self, model, sided):
        features = model.item_pipeline_.transform(sided).matrix()[60:]
        raw = features @ model.item_weights_
        expected = model._item_map.apply(raw)
        np.testing.assert_allclose(model.scorer_.item_factors[60:], expected, rtol=1e-5)
        assert not np.allclose(raw, expected, rtol=0.01)

    def test_cold_users_are_their_prior_too(self, model):
        assert model.scorer_.user_factors[40].any()
        lists = model.recommend([40], k=3)
        assert set(lists["source"]) == {"features"}

    def test_cold_items_take_no_part_in_training(self, sided, ratings):
        """The same warm items as where the cold ones do not exist."""
        table = sided.item_table.iloc[:60].assign(item=range(60))
        users = sided.user_table.iloc[:40].assign(user=range(40))
        less = Dataset.build(ratings, item_table=table, user_table=users)
        params = {"factors": 5, "iterations": 4, "prior_share": 0.0}
        one, other = HybridALS(**params).fit(sided), HybridALS(**params).fit(less)
        np.testing.assert_array_equal(
            one.scorer_.item_factors[:60], other.scorer_.item_factors[:60]
        )

    def test_added_items_are_as_if_they_had_been_there(self, model):
        twin = pd.DataFrame({"item": [100], "group": ["g0"], "block": ["b4"]})  # as item 60
        model.add_items(twin)
        np.testing.assert_allclose(
            model.scorer_.item_factors[-1], model.scorer_.item_factors[60], rtol=1e-5
        )

    def test_items_without_any_known_feature_are_not_scorable(self, model):
        model.add_items(pd.DataFrame({"item": [100], "group": ["unheard"]}))
        assert not model.scorable_[-1]
        assert 100 not in set(model.recommend(k=100)["item"])


class TestFoldIn:
    def test_a_known_user_is_folded_in_as_trained(self, ratings):
        """At rest, one more solve of the users changes nothing."""
        model = HybridALS(factors=4, iterations=60).fit(ratings)
        found = model._fold_in(model.history_).user_factors
        np.testing.assert_allclose(found, model.scorer_.user_factors, rtol=0.02, atol=2e-3)

    @pytest.mark.parametrize("solver", SOLVERS)
    def test_a_known_user_keeps_the_pull_of_the_features(self, sided, solver, tmp_path):
        """At rest too; a stranger with the same history has no such pull."""
        params = {"factors": 4, "iterations": 150, "prior_share": 0.8, "solver": solver}
        model = HybridALS(**params).fit(sided)
        model.save(tmp_path / "model")
        for one in (model, load(tmp_path / "model")):
            known, _, _ = one.scorer_for(np.arange(40), one.history_[:40])
            trained = model.scorer_.user_factors[:40]
            np.testing.assert_allclose(known.user_factors, trained, rtol=0.02, atol=2e-3)
        strange, _, _ = model.scorer_for(np.full(40, -1), model.history_[:40])
        assert np.abs(strange.user_factors - trained).max() > 0.05

    def test_known_users_and_strangers_in_one_call(self, sided):
        model = HybridALS(factors=4, iterations=3).fit(sided)
        codes, history = np.array([3, -1, 5]), model.history_[[3, 4, 5]]
        found = model.scorer_for(codes, history)[0].user_factors
        alone = [
            model.scorer_for(codes[[one]], history[[one]])[0].user_factors[0] for one in range(3)
        ]
        np.testing.assert_array_equal(found, alone)

    def test_not_having_a_cold_item_tells_nothing(self, sided):
        """A catalogue with any number of cold items gives the same user."""
        model = HybridALS(factors=5, iterations=4).fit(sided)
        before = model._fold_in(model.history_[:3]).user_factors
        more = pd.DataFrame({"item": range(100, 200), "group": "g0", "block": "b1"})
        model.add_items(more)
        after = model._fold_in(model.history_[:3]).user_factors
        np.testing.assert_allclose(after, before, rtol=1e-5)

    def test_having_a_cold_item_tells_what_its_features_say(self, sided):
        model = HybridALS(factors=5, iterations=6).fit(sided)
        history = pd.DataFrame({"user": ["x", "y"], "item": [60, 61]})  # groups 0 and 1
        lists = model.recommend(history=history, k=20)
        assert set(lists["source"]) <= {"fold-in", "features"}
        groups = {user: rows["item"].mod(2).mean() for user, rows in lists.groupby("user")}
        assert groups["x"] < groups["y"] - 0.1

    def test_who_has_little_is_taken_for_the_mean_user(self, ratings):
        model = HybridALS(factors=4, iterations=5, user_shrinkage=1e6).fit(ratings)
        one = csr_matrix(np.eye(1, 60, dtype=np.float32))
        found = model._fold_in(one).user_factors[0]
        np.testing.assert_allclose(found, model.mean_user_, rtol=1e-3, atol=1e-5)
        many = csr_matrix(np.ones((1, 60), dtype=np.float32))
        model.user_shrinkage = 3.0
        apart = [
            np.abs(model._fold_in(x).user_factors - model.mean_user_).max() for x in (one, many)
        ]
        assert apart[0] < apart[1]


class TestPseudoUsers:
    def test_they_are_users_who_have_the_items_of_a_feature(self, sided):
        """As if two more users had rated, with the confidence of the feature values."""
        groups = np.eye(2)[np.arange(62) % 2].astype(np.float32)
        block = FeatureBlock("group", groups, np.array(["g0", "g1"]))
        params = {"factors": 3, "iterations": 4, "frequency_exponent": 0.0, "prior_share": 0.0}
        params["user_shrinkage"] = 0.0
        model = HybridALS(pseudo_users=2.5, **params).fit(
            sided, item_features=Features([block]), user_features=[]
        )
        dense = sided.matrix.toarray()[:40, :60] / sided.matrix.data.mean(dtype=np.float64)
        unobserved = (dense > 0).mean() ** 0.5
        grown = csr_matrix(np.vstack([dense, 2.5 * groups[:60].T]).astype(np.float32))
        items = random_stream(0).normal(0.0, 0.1, (60, 3)).astype(np.float32)
        for _ in range(4):
            users = fold_in_rows(grown, items, unobserved=unobserved, ridge=1.0)
            items = fold_in_rows(grown.T.tocsr(), users, unobserved=unobserved, ridge=1.0)
        np.testing.assert_allclose(model.scorer_.item_factors[:60], items, rtol=1e-3, atol=1e-4)
        assert len(model.scorer_.user_factors) == 41
        np.testing.assert_allclose(
            model.scorer_.user_factors[:40], users[:40], rtol=1e-3, atol=1e-4
        )

    def test_beside_features_of_users(self, sided):
        model = HybridALS(factors=3, iterations=3, pseudo_users=1.0).fit(sided)
        assert model.scorer_.user_factors.shape == (41, 3)
        assert set(model.recommend([40], k=3)["source"]) == {"features"}

    def test_features_that_are_no_links(self, sided):
        values = np.linspace(-1, 1, 62, dtype=np.float32)[:, None]
        features = Features([FeatureBlock("price", values, np.array(["price"]))])
        with pytest.raises(ParameterError, match="cannot have a negative interest"):
            HybridALS(pseudo_users=1.0).fit(sided, item_features=features)

    def test_without_features_they_are_nobody(self, ratings):
        one, other = (
            HybridALS(factors=3, iterations=2, pseudo_users=value).fit(ratings) for value in (0, 1)
        )
        np.testing.assert_array_equal(one.scorer_.item_factors, other.scorer_.item_factors)


@pytest.mark.parametrize("solver", SOLVERS)
def test_threads_change_no_bit(sided, solver):
    params = {"factors": 5, "iterations": 3, "solver": solver}
    one, two = (HybridALS(num_threads=count, **params).fit(sided) for count in (1, 2))
    np.testing.assert_array_equal(one.scorer_.item_factors, two.scorer_.item_factors)
    np.testing.assert_array_equal(one.scorer_.user_factors, two.scorer_.user_factors)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factors": 1.5}, "factors must be a whole number"),
        ({"iterations": 0}, "iterations must be a whole number"),
        ({"alpha": 0}, "alpha must be a positive number"),
        ({"feature_regularization": 0}, "feature_regularization must be a positive number"),
        ({"calibration": 0}, "calibration must be a positive number"),
        ({"regularization": -0.1}, "regularization must be a number of at least 0"),
        ({"frequency_exponent": float("nan")}, "frequency_exponent must be a number"),
        ({"prior_share": 1.1}, "prior_share must be between 0 and 1"),
        ({"pseudo_users": -1}, "pseudo_users must be a number of at least 0"),
        ({"solver": "lu"}, "solver must be one of cholesky, cg, got 'lu'"),
        ({"prior_share": -0.1}, "prior_share must be a number of at least 0"),
        ({"random_state": -1}, "random_state must be at least 0"),
        ({"num_threads": -1}, "num_threads must be"),
    ],
)
def test_bad_parameters(params, message, ratings):
    with pytest.raises(ParameterError, match=message):
        HybridALS(**params).fit(ratings)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_any_ridge_numbers_stay_finite(sided, share):
    model = HybridALS(factors=3, iterations=3, regularization=0.0, prior_share=share).fit(sided)
    assert np.isfinite(model.scorer_.item_factors).all()
