"""The definitions of RecTools and LensKit in plain Python, as their sources have them.

Both libraries are too large to install for a test. RecTools 0.17 (41a5a63), LensKit 2026.3
(3bd1c17). Ours must be equal, or differ by what the "Differs from" notes tell.
"""

from __future__ import annotations

from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.evaluation.metrics import METRICS

N_ITEMS = 12

users_of = st.lists(
    st.tuples(
        st.lists(st.integers(0, N_ITEMS - 1), unique=True, max_size=7),
        st.sets(st.integers(0, N_ITEMS - 1), min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=6,
)
cutoffs = st.sampled_from([1, 2, 5, 20])


def hit_ranks(one, test, k):
    return [rank for rank, item in enumerate(one[:k], start=1) if item in test]


def summed_precisions(ranks):
    return sum(found / rank for found, rank in enumerate(ranks, start=1))


# ---- RecTools: rectools/metrics/{classification,ranking,novelty,popularity,diversity}.py ---------


def rectools_f1(ranks, test, k):
    p, r = len(ranks) / k, len(ranks) / len(test)
    return 2 * p * r / (p + r) if ranks else 0


RECTOOLS = {
    "precision": lambda ranks, _test, k: len(ranks) / k,
    "recall": lambda ranks, test, _k: len(ranks) / len(test),
    "f1": rectools_f1,
    "hit-rate": lambda ranks, _test, _k: float(bool(ranks)),
    "mrr": lambda ranks, _test, _k: 1 / ranks[0] if ranks else 0,
    # with its option to divide by what is achievable
    "ndcg": lambda ranks, test, k: (
        sum(1 / log2(rank + 1) for rank in ranks)
        / sum(1 / log2(rank + 1) for rank in range(1, min(k, len(test)) + 1))
    ),
}


@settings(deadline=None, max_examples=60)
@given(users=users_of, k=cutoffs)
def test_accuracy_equals_rectools(judge, users, k):
    lists, tests = zip(*users, strict=True)
    judged = judge(lists, tests, (k,), n_items=N_ITEMS)
    for name, twin in RECTOOLS.items():
        expected = [twin(hit_ranks(one, test, k), test, k) for one, test in users]
        assert METRICS[name](judged)[:, 0] == pytest.approx(np.array(expected)), name


@settings(deadline=None, max_examples=60)
@given(users=users_of, k=cutoffs)
def test_where_rectools_divides_by_more(judge, users, k):
    lists, tests = zip(*users, strict=True)
    judged = judge(lists, tests, (k,), n_items=N_ITEMS)
    all_gains = sum(1 / log2(rank + 1) for rank in range(1, k + 1))
    for user, (one, test) in enumerate(users):
        ranks, best = hit_ranks(one, test, k), min(k, len(test))
        theirs = sum(1 / log2(rank + 1) for rank in ranks) / all_gains
        achievable = sum(1 / log2(rank + 1) for rank in range(1, best + 1))
        ours = METRICS["ndcg"](judged)[user, 0]
        assert ours == pytest.approx(theirs * all_gains / achievable)
        theirs = summed_precisions(ranks) / len(test)
        assert METRICS["map"](judged)[user, 0] == pytest.approx(theirs * len(test) / best)


@settings(deadline=None, max_examples=60)
@given(
    users=users_of,
    train=st.lists(
        st.sets(st.integers(0, N_ITEMS - 1), min_size=1, max_size=6), min_size=1, max_size=6
    ),
    k=cutoffs,
)
def test_popularity_equals_rectools(judge, users, train, k):
    lists, tests = zip(*users, strict=True)
    judged = judge(lists, tests, (k,), n_items=N_ITEMS, train=train)
    counts = [sum(item in one for one in train) for item in range(N_ITEMS)]
    miuf = [-log2(max(count, 1) / len(train)) for count in counts]
    for name, values in (("novelty", miuf), ("arp", counts)):
        expected = [np.mean([values[item] for item in one[:k]]) if one else 0 for one in lists]
        assert METRICS[name](judged)[:, 0] == pytest.approx(np.array(expected)), name
    shown = {item for one in lists for item in one[:k]}
    assert METRICS["coverage"](judged)[0] == len(shown) / N_ITEMS  # normalize=True


# ---- LensKit: src/lenskit/metrics/ranking/*.py ---------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(users=users_of, k=cutoffs)
def test_accuracy_against_lenskit(judge, users, k):
    lists, tests = zip(*users, strict=True)
    judged = judge(lists, tests, (k,), n_items=N_ITEMS)
    ours = {name: METRICS[name](judged)[:, 0] for name in METRICS if name in RECTOOLS | {"map": 0}}
    for user, (one, test) in enumerate(users):
        ranks, length = hit_ranks(one, test, k), len(one[:k])
        assert ours["hit-rate"][user] == bool(ranks)
        assert ours["mrr"][user] == (1 / ranks[0] if ranks else 0)
        recall = len(ranks) / min(len(test), k)
        assert ours["recall"][user] == pytest.approx(recall * min(len(test), k) / len(test))
        if length == 0:  # no value there, 0 here
            assert ours["precision"][user] == ours["map"][user] == 0
            continue
        precision = len(ranks) / length
        assert ours["precision"][user] == pytest.approx(precision * length / k)
        mean_precision = summed_precisions(ranks) / min(len(test), length)
        factor = min(len(test), length) / min(len(test), k)
        assert ours["map"][user] == pytest.approx(mean_precision * factor)
        # its discount is max(log2(rank), 1): the gains differ from rank 2 on, not at rank 1
        if k == 1:
            assert ours["ndcg"][user] == bool(ranks)


@settings(deadline=None, max_examples=60)
@given(users=users_of, k=cutoffs, seed=st.integers(0, 2**32 - 1))
def test_lists_equal_lenskit(judge, users, k, seed):
    vectors = np.random.default_rng(seed).standard_normal((N_ITEMS, 3))
    lists, tests = zip(*users, strict=True)
    judged = judge(lists, tests, (k,), n_items=N_ITEMS, features=vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for user, one in enumerate(lists):
        pairs = list(combinations(one[:k], 2))
        similarity = np.mean([unit[a] @ unit[b] for a, b in pairs]) if pairs else 1  # ILS
        assert METRICS["diversity"](judged)[user, 0] == pytest.approx(1 - similarity)
    counts = np.sort([sum(item in one[:k] for one in lists) for item in range(N_ITEMS)])
    if counts.sum():  # ListGini
        weights = 2 * np.arange(1, N_ITEMS + 1) - N_ITEMS - 1
        expected = (counts * weights).sum() / (N_ITEMS * counts.sum())
        assert METRICS["gini"](judged)[0] == pytest.approx(expected)
