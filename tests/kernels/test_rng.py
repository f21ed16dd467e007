from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from hybridrec.kernels.rng import bounded, mix, stream_key, uniform

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
KEYS = st.integers(0, MASK)


def mix_twin(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def key_twin(seed: int, unit: int) -> int:
    return mix_twin(mix_twin((seed + GOLDEN) & MASK) ^ (unit * GOLDEN & MASK))


def uniform_twin(key: int, counter: int) -> float:
    return (mix_twin((key + (counter + 1) * GOLDEN) & MASK) >> 11) * 2.0**-53


def test_first_numbers_are_those_of_the_published_splitmix64():
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [uniform(np.uint64(0), i) for i in range(3)] == [(x >> 11) / 2**53 for x in published]


@given(KEYS)
def test_mix_equals_twin(x):
    assert int(mix(np.uint64(x))) == mix_twin(x)


@given(KEYS, st.integers(0, 2**63 - 1))
def test_key_and_uniform_equal_twin(seed, number):
    assert int(stream_key(np.uint64(seed), number)) == key_twin(seed, number)
    assert uniform(np.uint64(seed), number) == uniform_twin(seed, number)


@given(KEYS, st.integers(0, 2**40), st.integers(1, 2**31))
def test_bounded_stays_below_its_bound(key, counter, size):
    value = bounded(np.uint64(key), counter, size)
    assert value == int(uniform_twin(key, counter) * size)
    assert 0 <= value < size


def test_largest_uniform_never_rounds_up_to_the_bound():
    largest = 1.0 - 2.0**-53
    sizes = np.concatenate([np.arange(1, 5000), 2 ** np.arange(1, 32), 2 ** np.arange(2, 32) - 1])
    assert (np.floor(largest * sizes.astype(np.float64)) < sizes).all()


def test_units_have_different_keys():
    keys = {int(stream_key(np.uint64(5), unit)) for unit in range(20_000)}
    assert len(keys) == 20_000


@pytest.mark.parametrize("along", ["counter", "unit"])
def test_numbers_are_even_along_a_stream_and_across_streams(along):
    if along == "counter":
        key = np.uint64(stream_key(np.uint64(1), 2))
        values = [uniform(key, i) for i in range(20_000)]
    else:
        values = [uniform(np.uint64(stream_key(np.uint64(1), i)), 0) for i in range(20_000)]
    assert chisquare(np.histogram(values, bins=50, range=(0, 1))[0]).pvalue > 1e-3
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.03
