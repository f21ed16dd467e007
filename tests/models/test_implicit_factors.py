"""ALS, BPR and LogisticMF: the lists are those of the package inside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.cpu.lmf import LogisticMatrixFactorization

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.models.implicit_factors import ALS, BPR, LogisticMF


def scaled(matrix):
    """Weights over their mean: what the models hand to the package."""
    return matrix / float(matrix.data.mean(dtype=np.float64))


def assert_same_lists(model, package, matrix, k=10):
    """Compare lists; items whose scores agree to float32 may change places."""
    users = np.arange(matrix.shape[0])
    ids, theirs = package.recommend(users, matrix, N=k, filter_already_liked_items=True)
    lists = model.recommend_codes(users, k)
    for user in users:
        row = model.scorer_.block(np.array([user]))[0]
        offset = np.median(theirs[user] - row[ids[user]])  # of a user bias, which ranks nothing
        np.testing.assert_allclose(theirs[user] - offset, row[ids[user]], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(lists.scores[user], row[ids[user]], rtol=1e-3, atol=1e-4)
    assert np.mean(lists.items == ids) > 0.99


@pytest.fixture
def dataset(ratings):
    """Return interactions alone: the package would also recommend items that nobody has."""
    return Dataset.build(ratings)


@pytest.fixture(scope="module")
def params():
    return {"factors": 8, "random_state": 5, "num_threads": 1}


class TestALS:
    def test_lists_of_the_package(self, dataset, params):
        model = ALS(regularization=3.0, alpha=4.0, iterations=6, **params).fit(dataset)
        package = AlternatingLeastSquares(regularization=3.0, alpha=4.0, iterations=6, **params)
        package.fit(scaled(dataset.matrix), show_progress=False)
        assert_same_lists(model, package, scaled(dataset.matrix))

    def test_the_unit_of_the_weights_does_not_matter(self, ratings, params):
        one = ALS(iterations=4, **params).fit(ratings)
        other = ALS(iterations=4, **params).fit(ratings.assign(weight=ratings["weight"] * 8))
        np.testing.assert_allclose(
            one.scorer_.user_factors, other.scorer_.user_factors, rtol=1e-3, atol=1e-5
        )

    def test_weights_matter(self, ratings, params):
        one = ALS(iterations=4, **params).fit(ratings)
        other = ALS(iterations=4, **params).fit(ratings.assign(weight=1.0))
        assert not np.allclose(one.scorer_.user_factors, other.scorer_.user_factors, rtol=0.01)

    def test_folding_a_known_user_in_gives_the_user_of_the_package(self, dataset, params):
        model = ALS(regularization=3.0, alpha=4.0, iterations=6, **params).fit(dataset)
        package = AlternatingLeastSquares(regularization=3.0, alpha=4.0, iterations=6, **params)
        package.fit(scaled(dataset.matrix), show_progress=False)
        expected = package.recalculate_user(np.arange(40), scaled(dataset.matrix))
        found = model._fold_in(dataset.matrix).user_factors
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)

    def test_folding_items_in_is_the_last_half_step_of_training(self, dataset, params):
        """Items are solved last, so the same equations give the same items again."""
        model = ALS(regularization=3.0, iterations=50, **params).fit(dataset)
        warm = np.flatnonzero(model.popularity_ > 0)
        rows, bias = model._fold_in_items(dataset.matrix.T.tocsr()[warm])
        np.testing.assert_allclose(rows, model.scorer_.item_factors[warm], rtol=0.05, atol=5e-3)
        assert not bias.any()


class TestBPR:
    def test_lists_of_the_package(self, dataset, params):
        model = BPR(learning_rate=0.1, regularization=0.02, iterations=30, **params).fit(dataset)
        package = BayesianPersonalizedRanking(
            learning_rate=0.1, regularization=0.02, iterations=30, **params
        )
        package.fit(scaled(dataset.matrix), show_progress=False)
        assert model.scorer_.user_factors.shape[1] == 8
        assert np.abs(model.scorer_.item_bias).max() > 0
        assert_same_lists(model, package, scaled(dataset.matrix))


class TestLogisticMF:
    def test_lists_of_the_package(self, dataset, params):
        model = LogisticMF(learning_rate=0.5, regularization=0.3, iterations=20, **params)
        model.fit(dataset)
        package = LogisticMatrixFactorization(
            learning_rate=0.5, regularization=0.3, iterations=20, neg_prop=30, **params
        )
        package.fit(scaled(dataset.matrix), show_progress=False)
        assert model.scorer_.user_factors.shape[1] == 8
        assert np.abs(model.scorer_.item_bias).max() > 0
        assert_same_lists(model, package, scaled(dataset.matrix))


@pytest.mark.parametrize("kind", [BPR, LogisticMF])
def test_a_folded_user_is_as_long_as_the_trained_ones(kind, dataset):
    model = kind(factors=4, iterations=20).fit(dataset)
    folded = model._fold_in(dataset.matrix[:5])
    usual = np.median(np.linalg.norm(model.scorer_.user_factors, axis=1))
    np.testing.assert_allclose(np.linalg.norm(folded.user_factors, axis=1), usual, rtol=1e-4)
    np.testing.assert_array_equal(folded.item_bias, model.scorer_.item_bias)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (ALS(factors=0), "factors"),
        (ALS(factors=2.5), "factors"),
        (ALS(iterations=0), "iterations"),
        (ALS(regularization=-1), "regularization"),
        (ALS(alpha=0), "alpha"),
        (ALS(random_state=-1), "random_state"),
        (ALS(num_threads=-2), "num_threads"),
        (BPR(learning_rate=0), "learning_rate"),
        (LogisticMF(negatives=0), "negatives"),
        (LogisticMF(learning_rate=float("nan")), "learning_rate"),
    ],
)
def test_bad_parameters(model, name, dataset):
    with pytest.raises(ParameterError, match=f"^{name} must be"):
        model.fit(dataset)


def test_a_fit_that_fails_leaves_the_first_as_it_was(ratings):
    model = ALS(factors=3, iterations=2).fit(ratings)
    history = pd.DataFrame({"user": [99], "item": [1]})
    before = model.recommend(history=history)
    with pytest.raises(ParameterError, match="alpha"):
        model.set_params(alpha=0).fit(ratings.assign(weight=100.0))
    model.set_params(alpha=10.0)
    pd.testing.assert_frame_equal(model.recommend(history=history), before)


@pytest.mark.parametrize("kind", [ALS, BPR, LogisticMF])
def test_numbers_of_numpy_are_numbers(kind, dataset):
    model = kind(factors=np.int64(3), iterations=np.int32(2), regularization=np.float32(0.5))
    assert model.fit(dataset).scorer_.user_factors.shape[1] == 3


@pytest.mark.parametrize("kind", [ALS, BPR, LogisticMF])
def test_one_user_and_one_item(kind):
    model = kind(factors=2, iterations=2).fit(pd.DataFrame({"user": ["u"], "item": ["i"]}))
    assert model.recommend().empty
    assert np.isfinite(model.score(pd.DataFrame({"user": ["u"], "item": ["i"]}))["score"]).all()
