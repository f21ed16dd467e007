"""Counter-based random numbers for kernels: splitmix64 at any position of any stream.

A stream is a 64-bit key; its number ``counter`` is a pure function of both, so nothing has to be
carried along, and a result depends neither on the order of the work nor on the threads.

The generator is splitmix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014): a counter times the golden gamma, finalised by a 64-bit mix.
"""

from __future__ import annotations

import numpy as np
from numba import njit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_UNIT = 2.0**-53


@njit(cache=True, nogil=True)
def mix(x: np.uint64) -> np.uint64:
    """Scramble 64 bits (the bijective finaliser of splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def stream_key(seed: np.uint64, unit: int) -> np.uint64:
    """Return the key of the stream of one unit of work; nest the call for units of two numbers.

    For one seed, different units always get different keys.
    """
    return mix(mix(seed + GOLDEN) ^ (np.uint64(unit) * GOLDEN))


@njit(cache=True, nogil=True)
def uniform(key: np.uint64, counter: int) -> float:
    """Return number ``counter`` of a stream: float64 in [0, 1), a multiple of 2**-53."""
    bits = mix(key + (np.uint64(counter) + np.uint64(1)) * GOLDEN)
    return np.float64(bits >> np.uint64(11)) * _UNIT


@njit(cache=True, nogil=True)
def bounded(key: np.uint64, counter: int, size: int) -> int:
    """Return number ``counter`` of a stream as an integer in [0, size), ``size`` at most 2**31.

    No value is more likely than another by more than a part in 2**22; the product cannot round
    up to ``size``.
    """
    return int(uniform(key, counter) * size)
