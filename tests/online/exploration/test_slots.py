from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from hybridrec.online.exploration.slots import examination, fill_slots, slot_probabilities
from hybridrec.runtime import random_stream


def enumerated(count: int, k: int, epsilon: float) -> np.ndarray:
    """Go through everything that can happen: which slots are given up, and who gets them."""
    table = np.zeros((count, k))
    full = min(count, k)
    for given_up in product((False, True), repeat=full):
        chance = np.prod([epsilon if up else 1 - epsilon for up in given_up])
        slots = [slot for slot in range(full) if given_up[slot]]
        kept = [slot for slot in range(full) if not given_up[slot]]
        free = [*slots, *range(full, count)]
        fillings = list(permutations(free, len(slots)))
        for filling in fillings:
            for slot, item in [*zip(slots, filling, strict=True), *zip(kept, kept, strict=True)]:
                table[item, slot] += chance / len(fillings)
    return table


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("count", "k"), [(6, 3), (3, 3), (2, 4), (7, 1), (5, 2), (1, 2), (0, 2)])
def test_probabilities_are_those_of_everything_that_can_happen(count, k, epsilon):
    np.testing.assert_allclose(
        slot_probabilities(count, k, epsilon), enumerated(count, k, epsilon), atol=1e-12
    )


def test_a_hand_computed_table():
    """Two slots, three items, epsilon 1/2.

    A slot is given up alone (1/4) or with the other (1/4). Alone, its item or the third get it.
    Both: each of three items, 1/3 each. Item 1 at slot 1: 1/2 + 1/8 + 1/12.
    """
    expected = np.array([[17, 2], [2, 17], [5, 5]]) / 24
    np.testing.assert_allclose(slot_probabilities(3, 2, 0.5), expected)


def test_lists_come_as_often_as_they_should():
    n, counts = 5000, np.array([6, 4, 2])
    streams = [random_stream(7, one) for one in range(3 * n)]
    filled = fill_slots(np.tile(counts, n), 3, 0.4, streams)
    for row, count in enumerate(counts):
        own = filled[row::3]
        assert (np.sort(own, axis=1)[:, 1:] != np.sort(own, axis=1)[:, :-1]).all() or count < 3
        found = [[(own[:, slot] == item).mean() for slot in range(3)] for item in range(count)]
        np.testing.assert_allclose(found, slot_probabilities(count, 3, 0.4), atol=0.03)
        assert ((own < 0) == (np.arange(3) >= count)).all()


def test_no_epsilon_is_the_order():
    filled = fill_slots(np.array([5, 2]), 3, 0.0, [random_stream(0, one) for one in range(2)])
    np.testing.assert_array_equal(filled, [[0, 1, 2], [0, 1, -1]])


def test_nobody_asks():
    assert fill_slots(np.zeros(0, dtype=int), 3, 0.5, []).shape == (0, 3)


def test_looks_are_the_discount_of_ndcg():
    np.testing.assert_allclose(examination(3), [1, 1 / np.log2(3), 0.5])
