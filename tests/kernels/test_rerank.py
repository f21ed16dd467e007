from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from hybridrec.features.blocks import scale_rows
from hybridrec.kernels.rerank import (
    OWN,
    ROUNDING,
    SMOOTHING,
    calibrated_order,
    dense_cosines,
    dpp_order,
    exposure_order,
    mmr_order,
    relevances,
    sparse_cosines,
)

NONE = -np.inf


# ---- plain twins, for one user ------------------------------------------------------------------


def chosen_greedily(relevance, gain):
    """Return positions in the order of the largest ``gain(chosen, position)``, -1 after the end."""
    chosen = []
    left = [one for one in range(len(relevance)) if relevance[one] > NONE]
    while left:
        best = left[0]
        for one in left:
            if gain(chosen, one) > gain(chosen, best) + ROUNDING:
                best = one
        chosen.append(best)
        left.remove(best)
    return np.array(chosen + [-1] * (len(relevance) - len(chosen)))


def plain_cosines(vectors):
    """Return cosines of rows; a row of zeros is the mean of the others and a part of its own."""
    known = vectors.any(axis=1)
    mean = vectors[known].mean(axis=0) if known.any() else np.zeros(vectors.shape[1])
    own = np.eye(len(vectors)) * np.sqrt(max(1 - mean @ mean, 0)) * ~known[:, None]
    whole = np.hstack([np.where(known[:, None], vectors, mean), own])
    return whole @ whole.T


def plain_divergence(p, shares):
    """Return KL of the mix of some items' categories from p, smoothed."""
    q = shares.sum(axis=0)
    q = q / q.sum() if q.sum() > 0 else q
    has = p > 0
    return float((p[has] * np.log(p[has] / ((1 - SMOOTHING) * q + SMOOTHING * p)[has])).sum())


def plain_owed(target, shares, chosen, one):
    """Return the exposure that the groups of a candidate are owed at the next rank."""
    worth = 1 / np.log2(np.arange(len(chosen) + 1) + 2)
    shown = worth[:-1] @ shares[chosen] if chosen else np.zeros(len(target))
    return float(shares[one] @ (target * (shown.sum() + worth[-1]) - shown))


# ---- random users -------------------------------------------------------------------------------


class Users:
    """Random candidates of some users among items with vectors and shares of groups."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        n, m, self.n_items, self.width = 3, 9, 30, 6
        self.items = np.array([rng.permutation(30)[:m] for _ in range(n)], dtype=np.int32)
        for row, length in enumerate(rng.integers(0, m + 1, size=n)):
            self.items[row, length:] = -1
        self.scores = np.sort(rng.normal(size=(n, m)).astype(np.float32).round(1))[:, ::-1]
        self.scores = np.where(self.items < 0, NONE, self.scores).astype(np.float32)
        self.relevance = np.empty(self.scores.shape)
        relevances(self.items, self.scores, self.relevance)
        vectors = rng.random((30, self.width)) * (rng.random((30, self.width)) < 0.4)
        self.vectors = scale_rows(vectors)
        groups = rng.random((30, 4)) < 0.3
        self.shares = groups / np.maximum(groups.sum(axis=1, keepdims=True), 1)
        self.history = csr_matrix(rng.random((n, 30)) < rng.choice([0.0, 0.2]), dtype=np.float32)
        self.target = rng.dirichlet(np.ones(4))
        self.weight = float(rng.choice([0.0, 0.1, 0.5, 0.9, 1.0]))

    @property
    def order(self):
        return np.full(self.items.shape, -7, dtype=np.intp)

    def cosines(self):
        cosines = np.empty((*self.items.shape, self.items.shape[1]), dtype=np.float32)
        dense_cosines(self.vectors, self.items, cosines)
        return cosines


seeds = given(st.integers(0, 10**6).map(Users))
few = settings(deadline=None, max_examples=60)


@few
@seeds
def test_scores_are_standardised_over_the_candidates(users):
    for items, scores, found in zip(users.items, users.scores, users.relevance, strict=True):
        there = items >= 0
        assert np.isneginf(found[~there]).all()
        if np.ptp(scores[there]) > 0 if there.any() else False:
            own = scores[there].astype(np.float64)
            np.testing.assert_allclose(found[there], (own - own.mean()) / own.std(), atol=1e-9)
        else:
            assert (found[there] == 0).all()


@few
@seeds
def test_cosines_sparse_and_dense(users):
    dense = users.cosines()
    sparse = np.empty_like(dense)
    vectors = csr_matrix(users.vectors)
    sparse_cosines(vectors.indptr, vectors.indices, vectors.data, users.width, users.items, sparse)
    for row, items in enumerate(users.items):
        there = np.flatnonzero(items >= 0)
        expected = plain_cosines(users.vectors[items[there]].astype(np.float64))
        np.testing.assert_allclose(dense[row][np.ix_(there, there)], expected, atol=1e-6)
        np.testing.assert_allclose(sparse[row][np.ix_(there, there)], expected, atol=1e-6)


@few
@seeds
def test_mmr_is_its_plain_twin(users):
    order, cosines = users.order, users.cosines()
    mmr_order(users.relevance, cosines, users.weight, order)
    for found, relevance, alike in zip(order, users.relevance, cosines, strict=True):

        def gain(chosen, one, relevance=relevance, alike=alike):
            nearest = max((float(alike[one, other]) for other in chosen), default=0.0)
            return (1 - users.weight) * relevance[one] - users.weight * nearest

        np.testing.assert_array_equal(found, chosen_greedily(relevance, gain))


@few
@seeds
def test_dpp_is_its_plain_twin(users):
    order, cosines = users.order, users.cosines()
    dpp_order(users.relevance, cosines, users.weight, order)
    for found, relevance, alike in zip(order, users.relevance, cosines, strict=True):
        kernel = (1 - OWN) * alike.astype(np.float64) + OWN * np.eye(len(alike))

        def log_det(chosen, kernel=kernel):
            return np.linalg.slogdet(kernel[np.ix_(chosen, chosen)])[1] if chosen else 0.0

        def gain(chosen, one, relevance=relevance, log_det=log_det):
            volume = log_det([*chosen, one]) - log_det(chosen)
            return (1 - users.weight) * relevance[one] + users.weight * volume

        value, ours = [], []
        for step in range(
            int((relevance > NONE).sum())
        ):  # twins may differ in a tie: compare gains
            before = list(found[:step])
            left = [one for one in range(len(found)) if relevance[one] > NONE and one not in before]
            value.append(max(gain(before, one) for one in left))
            ours.append(gain(before, found[step]))
        np.testing.assert_allclose(ours, value, atol=1e-4)


@few
@seeds
def test_calibrated_is_its_plain_twin(users):
    order, shares = users.order, csr_matrix(users.shares)
    history = users.history
    calibrated_order(
        *(users.relevance, users.items, history.indptr, history.indices, history.data),
        *(shares.indptr, shares.indices, shares.data, 4, users.weight, order),
    )
    for row, (found, relevance) in enumerate(zip(order, users.relevance, strict=True)):
        p = history[row].toarray()[0] @ users.shares
        p = p / p.sum() if p.sum() > 0 else p
        own = users.shares[users.items[row]]

        def gain(chosen, one, relevance=relevance, p=p, own=own):
            divergence = plain_divergence(p, own[[*chosen, one]])
            return (1 - users.weight) * relevance[one] - users.weight * divergence

        np.testing.assert_array_equal(found, chosen_greedily(relevance, gain))


@few
@seeds
def test_exposure_is_its_plain_twin(users):
    order, shares = users.order, csr_matrix(users.shares)
    exposure_order(
        *(users.relevance, users.items, shares.indptr, shares.indices, shares.data),
        *(users.target, users.weight, order),
    )
    for row, (found, relevance) in enumerate(zip(order, users.relevance, strict=True)):
        own = users.shares[users.items[row]]

        def gain(chosen, one, relevance=relevance, own=own):
            owed = plain_owed(users.target, own, chosen, one)
            return (1 - users.weight) * relevance[one] + users.weight * owed

        np.testing.assert_array_equal(found, chosen_greedily(relevance, gain))


def test_dpp_by_hand():
    """Equal scores; b is the same as a, c has a cosine of 1/2 with both, d none with any."""
    a, c = [1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0]
    vectors = np.array([a, a, c, [0.0, 0.0, 1.0]], dtype=np.float32)
    cosines = np.empty((1, 4, 4), dtype=np.float32)
    dense_cosines(vectors, np.arange(4, dtype=np.int32)[None], cosines)
    order = np.empty((1, 4), dtype=np.intp)
    dpp_order(np.zeros((1, 4)), cosines, 1.0, order)
    # after a, what is left of the squared lengths is .02 of b, .755 of c, and all of d
    np.testing.assert_array_equal(order[0], [0, 3, 2, 1])


def test_what_is_known_of_an_item_does_not_depend_on_places_without_one():
    vectors = np.eye(3, dtype=np.float32)
    vectors[1] = 0
    short = np.empty((1, 3, 3), dtype=np.float32)
    long = np.empty((1, 5, 5), dtype=np.float32)
    dense_cosines(vectors, np.array([[0, 1, 2]], dtype=np.int32), short)
    dense_cosines(vectors, np.array([[0, 1, 2, -1, -1]], dtype=np.int32), long)
    np.testing.assert_array_equal(short, long[:, :3, :3])
    # the unknown one has a cosine of (1 + 0) / 2 with each of the others
    np.testing.assert_allclose(short[0, 1], [0.5, 1.0, 0.5])


@pytest.mark.parametrize("size", [0, 1])
def test_nobody_and_nothing(size):
    relevance, cosines = np.empty((size, 0)), np.empty((size, 0, 0), dtype=np.float32)
    items, order = np.empty((size, 0), dtype=np.int32), np.empty((size, 0), dtype=np.intp)
    relevances(items, items.astype(np.float32), relevance)
    dense_cosines(np.ones((2, 1), dtype=np.float32), items, cosines)
    mmr_order(relevance, cosines, 0.5, order)
    dpp_order(relevance, cosines, 0.5, order)
