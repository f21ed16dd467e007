"""The kernel does what plain numpy does, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from hybridrec.kernels.lightfm import BPR, KOS, LOGISTIC, WARP, Samples, learn
from hybridrec.kernels.lightfm_steps import Pace, Rows, step_all
from hybridrec.kernels.rng import bounded, stream_key

FACTORS, WIDTH, PACE = 5, 16, Pace(0.1, 0.9, 1e-6)
NOTHING = np.zeros((0, 0), dtype=np.float32)


def random_samples(rng, n_users=7, n_items=12):
    owned = rng.random((n_users, n_items)) < 0.4
    owned[np.arange(n_users), np.arange(n_users)] = True
    users, items = (codes.astype(np.int32) for codes in np.nonzero(owned))
    indptr = np.concatenate([[0], owned.sum(axis=1).cumsum()])
    weights = rng.uniform(0.5, 2.0, len(users)).astype(np.float32)
    pool = np.flatnonzero(owned.any(axis=0)).astype(np.int32)
    return Samples(users, items, weights, indptr, items, pool)


def random_rows(rng, n, adadelta, constant, gradients=True):
    values = np.zeros((n, WIDTH), dtype=np.float32)
    values[:, :FACTORS] = rng.normal(size=(n, FACTORS)) * 0.3
    values[:, FACTORS] = constant
    squares = np.full((n, WIDTH), 0.0 if adadelta else 1.0, dtype=np.float32)
    moves = np.zeros((n, WIDTH), dtype=np.float32) if adadelta else NOTHING
    added = np.zeros((n, WIDTH), dtype=np.float32) if gradients else NOTHING
    return Rows(values, squares, moves, added)


class Twin:
    """The same in float64, one line a formula."""

    def __init__(self, samples, users, items, loss, max_sampled):
        self.samples, self.loss, self.max_sampled = samples, loss, max_sampled
        self.users, self.items = (
            [table.astype(np.float64) for table in side] for side in (users, items)
        )

    def own(self, user):
        return self.samples.indices[self.samples.indptr[user] : self.samples.indptr[user + 1]]

    def learn(self, batch, seed, done):
        for at, sample in enumerate(batch):
            key = np.uint64(stream_key(seed, done + at))
            user = self.samples.users[sample]
            positive = self.positive(sample, user, key)
            scores = self.items[0] @ self.users[0][user]
            negative, up, down = self.compare(scores, user, positive, key)
            if negative is None:
                continue
            up, down = (min(one * self.samples.weights[sample], 10.0) for one in (up, down))
            row = self.users[0][user].copy()
            change = down * self.items[0][negative] - up * self.items[0][positive]
            change[FACTORS] = 0.0
            self.step(self.items, positive, -up * row)
            self.step(self.users, user, change)
            self.step(self.items, negative, down * row)

    def positive(self, sample, user, key):
        if self.loss != KOS:
            return self.samples.items[sample]
        own, stream = self.own(user), np.uint64(stream_key(key, 0))
        count = min(10, len(own))
        drawn = [own[bounded(stream, n, len(own))] for n in range(count)]
        scores = self.items[0][drawn] @ self.users[0][user]
        return drawn[np.argsort(-scores, kind="stable")[min(5, count) - 1]]

    def compare(self, scores, user, positive, key):
        source = self.samples.items if self.loss == BPR else self.samples.pool
        warp = self.loss in (WARP, KOS)
        for tried in range(self.max_sampled if warp else 100):
            item = source[bounded(key, tried, len(source))]
            if item in self.own(user):
                continue
            if not warp:
                if self.loss == BPR:
                    slope = 1 / (1 + np.exp(scores[positive] - scores[item]))
                    return item, slope, slope
                return item, 1 / (1 + np.exp(scores[positive])), 1 / (1 + np.exp(-scores[item]))
            if scores[item] > scores[positive] - 1:
                weight = np.log(max(1, (len(source) - 1) // (tried + 1)))
                return item, weight, weight
        return None, 0, 0

    def step(self, side, row, slope):
        values, squares, moves, gradients = side
        if gradients.size:
            gradients[row] += slope
        if moves.size:
            squares[row] = 0.9 * squares[row] + 0.1 * slope**2
            move = np.sqrt((moves[row] + 1e-6) / (squares[row] + 1e-6)) * slope
            moves[row] = 0.9 * moves[row] + 0.1 * move**2
            values[row] -= move
        else:
            values[row] -= 0.1 * slope / np.sqrt(squares[row])
            squares[row] += slope**2


@pytest.mark.parametrize("adadelta", [False, True])
@pytest.mark.parametrize("loss", [WARP, KOS, BPR, LOGISTIC])
def test_as_plain_numpy(loss, adadelta):
    rng = np.random.default_rng(loss)
    samples = random_samples(rng)
    users = random_rows(rng, 7, adadelta, 1.0, gradients=False)
    items = random_rows(rng, 12, adadelta, 0.2)
    twin = Twin(samples, users, items, loss, max_sampled=4)
    for epoch in range(3):
        batch = rng.permutation(len(samples.users))
        learn(batch, np.uint64(epoch), 5, samples, loss, 4, PACE, users, items, FACTORS)
        twin.learn(batch, np.uint64(epoch), 5)
    for ours, theirs in ((users, twin.users), (items, twin.items)):
        for table, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(table, expected, rtol=2e-3, atol=2e-5)
    assert (users.values[:, FACTORS] == 1).all()
    assert not users.values[:, FACTORS + 1 :].any()
    assert not items.values[:, FACTORS + 1 :].any()


def test_items_of_the_user_are_no_negatives():
    samples = Samples(
        users=np.zeros(2, np.int32),
        items=np.array([0, 1], np.int32),
        weights=np.ones(2, np.float32),
        indptr=np.array([0, 2]),
        indices=np.array([0, 1], np.int32),
        pool=np.array([0, 1], np.int32),
    )
    for loss in (WARP, KOS, BPR, LOGISTIC):
        rng = np.random.default_rng(0)
        users, items = random_rows(rng, 1, False, 1.0), random_rows(rng, 2, False, 0.0)
        before = items.values.copy()
        rates = learn(np.arange(2), np.uint64(0), 0, samples, loss, 10, PACE, users, items, FACTORS)
        assert rates == 0
        np.testing.assert_array_equal(items.values, before)


def test_rates_are_those_of_adagrad():
    """At the first sample all squares are 1, so every local rate is the learning rate."""
    rng = np.random.default_rng(1)
    samples = random_samples(rng)
    users, items = random_rows(rng, 7, False, 1.0), random_rows(rng, 12, False, 0.0)
    rates = learn(np.array([0]), np.uint64(0), 0, samples, BPR, 1, PACE, users, items, FACTORS)
    assert rates == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize("adadelta", [False, True])
def test_step_of_a_batch(adadelta):
    rng = np.random.default_rng(2)
    rows = random_rows(rng, 4, adadelta, 0.0)
    rows.gradients[:] = rng.normal(size=rows.gradients.shape)
    old, gradients = rows.values.copy(), rows.gradients.astype(np.float64)
    change = np.empty_like(old)
    step_all(rows, PACE, change)
    if adadelta:
        expected = -np.sqrt(1e-6 / (0.1 * gradients**2 + 1e-6)) * gradients
    else:
        expected = -0.1 * gradients / np.sqrt(1 + gradients**2)
    np.testing.assert_allclose(change, expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(rows.values, old + expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(rows.gradients, gradients.astype(np.float32))
