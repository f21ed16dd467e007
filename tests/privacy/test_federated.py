"""Parties that keep their users train what a central fit trains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.errors import DataError, ParameterError, UnknownIdError
from hybridrec.privacy import FederatedALS, Party, federated_fit
from hybridrec.privacy.federated import first_round, next_round
from hybridrec.testing import RecommenderContract
from hybridrec.testing.contract import checkerboard


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(5)
    user, item = rng.integers(0, 60, 900), rng.zipf(1.4, 900) % 40
    weight = rng.integers(1, 6, 900)
    rows = pd.DataFrame({"user": user, "item": item, "weight": weight})
    return rows.drop_duplicates(["user", "item"])


@pytest.fixture(scope="module")
def data(frame):
    return hr.Dataset.build(frame, item_table=pd.DataFrame({"item": [*range(40), 99]}))


def parties_of(frame, data, count=3):
    return [Party(frame[frame["user"] % count == one], data.items) for one in range(count)]


PARAMS = {"factors": 6, "iterations": 8, "num_threads": 1}


@pytest.mark.parametrize("params", [{}, {"user_shrinkage": 0.0, "frequency_exponent": 1.0}])
def test_item_factors_are_those_of_a_central_fit(frame, data, params):
    model = hr.HybridALS(**PARAMS, **params)
    side = federated_fit(parties_of(frame, data), model)
    central = hr.HybridALS(**PARAMS, **params).fit(data, item_features=[])
    np.testing.assert_allclose(side.item_factors, central.scorer_.item_factors, atol=1e-5)
    np.testing.assert_allclose(side.mean_user, central.mean_user_, atol=1e-5)
    np.testing.assert_array_equal(side.counts, central.popularity_)
    assert not side.item_factors[data.items.codes([99])].any()


def test_parties_recommend_as_the_central_model(frame, data):
    parties = parties_of(frame, data)
    side = federated_fit(parties, hr.HybridALS(**PARAMS))
    central = hr.HybridALS(**PARAMS).fit(data, item_features=[])
    for number, party in enumerate(parties):
        model = party.model(side)
        assert (model.users_.ids % 3 == number).all()
        lists, expected = model.recommend(k=5), central.recommend(model.users_.ids, k=5)
        assert lists["item"].tolist() == expected["item"].tolist()
        np.testing.assert_allclose(lists["score"], expected["score"], atol=1e-4)
        stranger = pd.DataFrame({"user": ["x", "x"], "item": [1, 2]})
        np.testing.assert_allclose(
            model.recommend(history=stranger, k=5)["score"],
            central.recommend(history=stranger, k=5)["score"],
            atol=1e-4,
        )


def test_statistics_by_numpy(frame, data):
    """The messages of a party with one round behind it, against sums written out."""
    party = parties_of(frame, data, count=2)[1]
    side = first_round([party.summary()], hr.HybridALS(**PARAMS))
    told = party.statistics(side)
    users = party.model(side).scorer_.user_factors.astype(np.float64)
    own = hr.Dataset.build(frame[frame["user"] % 2 == 1]).interactions
    users = users[np.argsort(np.argsort(own.users.ids))]
    matrix = np.zeros((len(own.users), 41))
    matrix[own.user_codes, data.items.codes(own.items.ids)[own.item_codes]] = own.weights
    items = np.flatnonzero(matrix.any(axis=0))
    above = np.triu_indices(6)
    for row, item in enumerate(items):
        has = np.flatnonzero(matrix[:, item])
        confidence = matrix[has, item] / side.mean_weight
        normal = (users[has].T * (confidence - side.unobserved)) @ users[has]
        np.testing.assert_allclose(told.normal[row], normal[above], atol=1e-5)
        np.testing.assert_allclose(told.right[row], confidence @ users[has], atol=1e-5)
    np.testing.assert_allclose(told.gram, (users.T @ users)[above], atol=1e-5)
    share = 1 / (matrix > 0).sum(axis=1)
    np.testing.assert_allclose(told.centre, [*(share @ users), share.sum()], atol=1e-5)
    expected = (21 + len(items) * (21 + 6) + 7) * 8
    assert told.nbytes == expected
    assert side.nbytes == (41 + 1) * 6 * 4


def test_the_message_of_two_is_the_sum_of_theirs(frame, data):
    halves, whole = parties_of(frame, data, 2), parties_of(frame, data, 1)
    model = hr.HybridALS(**PARAMS)
    sides = [first_round([one.summary() for one in some], model) for some in (halves, whole)]
    np.testing.assert_array_equal(sides[0].item_factors, sides[1].item_factors)
    told = [[one.statistics(sides[0]) for one in some] for some in (halves, whole)]
    for left, right, both in zip(*told[0], told[1][0], strict=True):
        np.testing.assert_allclose(left + right, both, atol=1e-9)
    moved = [next_round(side, one) for side, one in zip(sides, told, strict=True)]
    np.testing.assert_allclose(moved[0].item_factors, moved[1].item_factors, atol=1e-6)


def test_popularity_is_that_of_all_parties_also_after_loading(frame, data, tmp_path):
    parties = parties_of(frame, data)
    model = parties[0].model(federated_fit(parties, hr.HybridALS(**PARAMS)))
    model.save(tmp_path / "m")
    loaded = hr.load(tmp_path / "m", models=[FederatedALS])
    np.testing.assert_array_equal(loaded.popularity_, data.matrix.getnnz(axis=0))
    pd.testing.assert_frame_equal(loaded.recommend(k=4), model.recommend(k=4))


def test_what_cannot_be_done_is_refused(frame, data):
    parties = parties_of(frame, data)
    for params in ({"solver": "cg"}, {"pseudo_users": 1.0}):
        with pytest.raises(ParameterError, match="needs solver='cholesky' and pseudo_users=0"):
            federated_fit(parties, hr.HybridALS(**params))
    with pytest.raises(ParameterError, match="factors must be"):
        federated_fit(parties, hr.HybridALS(factors=0))
    with pytest.raises(DataError, match="the same list of items"):
        federated_fit([*parties, Party(frame[:3], range(200))])
    with pytest.raises(DataError, match="the same list of items"):
        federated_fit([])
    with pytest.raises(UnknownIdError):
        Party(frame, [1, 2])
    with pytest.raises(DataError, match="no interaction"):
        Party(frame[:0].assign(user=0), range(40))
    side = federated_fit(parties[:2], hr.HybridALS(**PARAMS))
    with pytest.raises(DataError, match="took part in no round"):
        parties[2].model(side)


class TestFederatedALS(RecommenderContract):
    """A federation of one is a model like all others."""

    def make(self, **params):
        return FederatedALS(factors=4, **params)


def test_a_federation_of_one_is_hybrid_als():
    lists = [
        kind(factors=4).fit(checkerboard()).recommend(k=5) for kind in (FederatedALS, hr.HybridALS)
    ]
    assert lists[0]["item"].tolist() == lists[1]["item"].tolist()
    np.testing.assert_allclose(lists[0]["score"], lists[1]["score"], atol=1e-4)
