"""Kernels of placement against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hybridrec.kernels.metrics import rank_statistics
from hybridrec.kernels.placement import count_above, ranks_of_tests, statistics_of_ranks

N_ITEMS, N_FACTORS = 9, 3

few_values = st.sampled_from([-1.0, 0.0, 0.25, 1.0])
cases = st.tuples(
    arrays(np.float32, (2, N_FACTORS), elements=few_values),
    arrays(np.float32, (N_ITEMS, N_FACTORS), elements=few_values),
    st.lists(st.sets(st.integers(0, N_ITEMS - 1), max_size=4), min_size=2, max_size=2),
    st.lists(st.sets(st.integers(0, N_ITEMS - 1), max_size=4), min_size=2, max_size=2),
    st.permutations(range(N_ITEMS)),
    st.sampled_from([0.0, 0.3, 5.0]),
    st.integers(1, N_ITEMS),
)


def rows(values: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *map(len, values)]).astype(np.int32)
    return indptr, np.array([one for row in values for one in row], dtype=np.int32)


@settings(deadline=None, max_examples=80)
@given(cases, st.integers(0, 2**32 - 1))
def test_count_above_equals_its_twin(case, seed):
    users, items, tests, seen, order, error, width = case
    tie = np.array(order, dtype=np.int32)
    exact = users.astype(np.float64) @ items.T.astype(np.float64)
    rounded = exact + np.random.default_rng(seed).uniform(-error, error, exact.shape)
    test_indptr, test_items = rows([sorted(one) for one in tests])
    known_indptr, known = rows([sorted(t | s) for t, s in zip(tests, seen, strict=True)])
    owner = np.repeat([0, 1], np.diff(test_indptr))
    scores = exact[owner, test_items].astype(np.float32)
    above, tied, ahead = np.zeros((3, len(scores)), dtype=np.int32)
    for first in range(0, N_ITEMS, width):
        part = slice(first, first + width)
        order = np.random.default_rng(seed).permutation(2)
        count_above(
            *(np.ascontiguousarray(rounded[order, part], dtype=np.float32), first, order),
            *(np.full(2, error), exact[order, part].max(axis=1)),
            *(users, items[part], tie[part], known_indptr, known),
            *(test_indptr, scores, tie[test_items], above, tied, ahead),
        )
    for at, (user, item) in enumerate(zip(owner, test_items, strict=True)):
        others = sorted(set(range(N_ITEMS)) - tests[user] - seen[user])
        same = [other for other in others if exact[user, other] == exact[user, item]]
        assert above[at] == sum(exact[user, other] > exact[user, item] for other in others)
        assert tied[at] == len(same)
        assert ahead[at] == sum(tie[other] < tie[item] for other in same)


def test_an_item_without_a_score_ties_only_with_its_like():
    tile = np.array([[-np.inf, 3.0, -np.inf, -2.0]], dtype=np.float32)
    none, one = np.zeros((1, 0), dtype=np.float32), np.zeros((4, 0), dtype=np.float32)
    above, tied, ahead = np.zeros((3, 1), dtype=np.int32)
    indptr = np.array([0, 1], dtype=np.int32)
    tie = np.arange(4, dtype=np.int32)
    count_above(
        *(tile, 0, np.arange(1), np.zeros(1), np.full(1, -np.inf), none, one, tie),
        *(indptr, np.array([2], dtype=np.int32)),
        *(indptr, np.array([-np.inf], dtype=np.float32), tie[2:3], above, tied, ahead),
    )
    assert (above[0], tied[0], ahead[0]) == (2, 1, 1)


def test_ranks_count_the_other_test_items():
    scores = np.array([1.0, 2.0, 1.0, -np.inf, 5.0], dtype=np.float32)
    tie = np.array([3, 1, 2, 0, 4], dtype=np.int32)
    above = np.array([4, 1, 4, 9, 0], dtype=np.int32)
    ahead = np.array([2, 0, 1, 0, 0], dtype=np.int32)
    ranks = ranks_of_tests(np.array([0, 4, 5]), scores, tie, above, ahead)
    # item 0: 4 above, 2 of the same ahead, and two test items: one higher, one tied and before it
    assert ranks.tolist() == [9, 2, 7, 0, 1]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.permutations(range(12)), st.sets(st.integers(0, 11), max_size=6)),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 12),
)
def test_statistics_of_ranks_are_those_of_the_lists(users, missing):
    """The same sums whether they come from lists or from the ranks of the test items in them."""
    lists = np.array([order for order, _ in users], dtype=np.int32)
    ranks = [
        [0 if item < missing else order.index(item) + 1 for item in sorted(test)]
        for order, test in users
    ]
    found = [{item for item in test if item >= missing} for _, test in users]
    cutoffs, discounts = np.array([1, 3, 8, 50]), 1 / np.log2(np.arange(2, 52))
    expected = rank_statistics(lists, *rows([sorted(one) for one in found]), cutoffs, discounts)
    indptr, flat = rows(ranks)
    for ours, theirs in zip(
        statistics_of_ranks(flat, indptr, cutoffs, discounts), expected, strict=True
    ):
        assert np.array_equal(ours, theirs)
