"""Statistics of per-user values: bootstrap intervals, paired tests, Holm's correction.

Values come as an array with a row per user. Random weights of the rows are drawn in blocks and
applied to all columns by one matrix product, so many columns cost little more than one. Each
block is a random stream of its own: a result depends on ``random_state`` alone, at any number of
threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.runtime import random_stream, threads

DRAWS = 10_000
TESTS = ("randomisation", "t-test", "wilcoxon")
METHODS = ("bca", "percentile")

_BLOCK_ROWS = 256
_BLOCK_CELLS = 1 << 22  # weights held at once by a thread
_COUNTS, _SIGNS = 1, 2  # streams
# Sums in another order differ by rounding: sums this near, in standard errors, count as equal.
_ROUNDING = 1e-5

Weights = Callable[[np.random.Generator, int, int, np.ndarray], np.ndarray]


class PairedTests(NamedTuple):
    """How models differ, pair by pair; arrays of shape (n_pairs, n_columns).

    Attributes
    ----------
    difference, standard_error : ndarray of float64
        Mean over users of the first model's value less the second's, and its standard error.
    larger, equal, smaller : ndarray of int64
        Users whose value of the first model is larger, equal or smaller.
    p_value : ndarray of float64
        Before any correction.
    """

    difference: np.ndarray
    standard_error: np.ndarray
    larger: np.ndarray
    equal: np.ndarray
    smaller: np.ndarray
    p_value: np.ndarray


def standard_error(values: np.ndarray) -> np.ndarray:
    """Return ``sd / sqrt(n)`` of every column, with the sample standard deviation.

    NaN for fewer than two rows.
    """
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    error: np.ndarray = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return error


def bootstrap_interval(
    values: np.ndarray,
    *,
    confidence: float = 0.95,
    method: str = "bca",
    draws: int = DRAWS,
    random_state: int = 0,
    num_threads: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of a bootstrap confidence interval of the mean of every column.

    Users are drawn with replacement, as many as there are; all columns see the same draws.

    Parameters
    ----------
    values : ndarray of float64, shape (n_users, n_columns)
    confidence : float, default 0.95
    method : {"bca", "percentile"}, default "bca"
        "percentile" takes quantiles of the resampled means; "bca" shifts them for bias and
        skewness, which matters for few users and values that are mostly 0.
    draws : int, default 10_000
    random_state : int, default 0
    num_threads : int, default 0

    Returns
    -------
    low, high : ndarray of float64, shape (n_columns,)
        NaN for fewer than two users; both the mean where all values are equal.

    Raises
    ------
    ParameterError
        If a parameter has another value.

    References
    ----------
    Efron, "Better bootstrap confidence intervals", JASA 1987. The acceleration is that of the
    jackknife, as in ``scipy.stats.bootstrap``, which for a mean has a closed form.
    """
    _check_confidence(confidence)
    _check_draws(draws)
    _check_name("method", method, METHODS)
    mean = values.mean(axis=0) if len(values) else np.zeros(values.shape[1])
    if len(values) < 2:
        nothing = np.full(len(mean), np.nan)
        return nothing, nothing.copy()
    moved = resampled_means(values, draws, random_state, num_threads) - mean
    tails = (1 - confidence) / 2 * np.array([1, -1]) + [0, 1]
    levels = np.tile(tails[:, None], len(mean))
    if method == "bca":
        levels = _bca_levels(tails, moved, values - mean)
    bounds = [np.quantile(moved[:, one], levels[:, one]) for one in range(len(mean))]
    low, high = mean + np.array(bounds).reshape(-1, 2).T
    return low, high


def paired_tests(
    values: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    *,
    test: str = "randomisation",
    draws: int = DRAWS,
    random_state: int = 0,
    num_threads: int = 0,
) -> PairedTests:
    """Test pairs of models for a difference of their means, two-sided, in every column.

    Parameters
    ----------
    values : ndarray of float64, shape (n_users, n_models, n_columns)
    pairs : sequence of (int, int)
        The models of each pair.
    test : {"randomisation", "t-test", "wilcoxon"}, default "randomisation"
        "randomisation" (Fisher's sign-flip test): if two models do not differ, each user's
        values could as well be swapped; ``p = (1 + draws that differ at least as much) /
        (1 + draws)``, so p is never 0. "t-test" is Student's paired one; "wilcoxon" that of
        signed ranks, over the users whose values differ.
    draws, random_state, num_threads
        Of the randomisation test.

    Returns
    -------
    PairedTests
        p is 1 where no user's values differ, and NaN for a t-test of fewer than two users.

    Raises
    ------
    ParameterError
        If a parameter has another value.

    References
    ----------
    Smucker, Allan & Carterette, "A comparison of statistical significance tests for information
    retrieval evaluation", CIKM 2007. The 1 is that of Phipson & Smyth, "Permutation p-values
    should never be zero", 2010; ranx leaves it out.
    """
    _check_name("test", test, TESTS)
    flipped = np.empty((0, *values.shape[1:]))
    if test == "randomisation":
        _check_draws(draws)
        flipped = _flipped_sums(values, draws, random_state, num_threads)
    found = []
    for first, second in pairs:
        differences = values[:, first] - values[:, second]
        if test == "randomisation":
            p_value = _randomisation(differences, flipped[:, first] - flipped[:, second])
        else:
            p_value = (_t_test if test == "t-test" else _wilcoxon)(differences)
        found.append((*_description(differences), p_value))
    return PairedTests(*map(np.array, zip(*found, strict=True)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for their number, so that any false rejection has the chance of one.

    Step-down: the smallest of m is multiplied by m, the next by m - 1, and so on; none becomes
    smaller than one before it, or larger than 1. NaN is no test and stays.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order = np.argsort(p_values)  # NaN last
    factors = np.count_nonzero(~np.isnan(p_values)) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def resampled_means(
    values: np.ndarray, draws: int, random_state: int, num_threads: int
) -> np.ndarray:
    """Return the means of users drawn with replacement, float64 (draws, n_columns).

    All columns see the same draws, so that functions of several means can be resampled. Of users
    with nothing but zeros, often most of them, it is enough to know how many were not drawn.
    Single precision does for the others, as their values are taken around 0.
    """
    filled = values.any(axis=1, keepdims=True)
    centre = values.sum(axis=0) / max(1, np.count_nonzero(filled))
    around = np.hstack([np.where(filled, values - centre, 0), filled]).astype(np.float32)
    sums = _weighted_sums(_counts, _COUNTS, around, draws, random_state, num_threads)
    means: np.ndarray = (sums[:, :-1] + sums[:, -1:].astype(np.float64) * centre) / len(values)
    return means


def _flipped_sums(
    values: np.ndarray, draws: int, random_state: int, num_threads: int
) -> np.ndarray:
    """Return sums over users with random signs, float64 (draws, n_models, n_columns).

    They are less those of the first model: users whom no model serves differently are zeros.
    """
    less_first = (values - values[:, :1]).reshape(len(values), math.prod(values.shape[1:]))
    sums = _weighted_sums(_signs, _SIGNS, less_first, draws, random_state, num_threads)
    return sums.reshape(draws, *values.shape[1:])


def _weighted_sums(
    draw: Weights,
    kind: int,
    values: np.ndarray,
    draws: int,
    random_state: int,
    num_threads: int,
) -> np.ndarray:
    """Return ``weights @ values`` for random rows of weights, shape (draws, n_columns).

    Weights are drawn for all users, but only those of users with any value are multiplied.
    """
    filled = np.flatnonzero(values.any(axis=1))
    kept = values[filled]
    size = min(_BLOCK_ROWS, max(1, _BLOCK_CELLS // len(values)))
    sums = np.empty((draws, values.shape[1]), dtype=values.dtype)

    def work(start: int) -> None:
        rows = min(size, draws - start)
        weights = draw(random_stream(random_state, kind, start), rows, len(values), filled)
        sums[start : start + rows] = weights.astype(values.dtype, copy=False) @ kept

    with threads(num_threads) as count, ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(0, draws, size)))
    return sums


def _counts(stream: np.random.Generator, rows: int, n: int, wanted: np.ndarray) -> np.ndarray:
    """Draw ``n`` of ``n`` users with replacement for each row: how often the wanted ones came."""
    counts = np.empty((rows, len(wanted)), dtype=np.float32)
    for row in range(rows):
        counts[row] = np.bincount(stream.integers(0, n, size=n), minlength=n)[wanted]
    return counts


def _signs(stream: np.random.Generator, rows: int, n: int, wanted: np.ndarray) -> np.ndarray:
    """Draw a sign for each of ``n`` users in each row, int8; return those of the wanted ones."""
    width = (n + 7) // 8
    packed = np.frombuffer(stream.bytes(rows * width), dtype=np.uint8).reshape(rows, width)
    bits = np.unpackbits(packed, axis=1, count=n).view(np.int8)[:, wanted]
    return 2 * bits - 1


def _bca_levels(tails: np.ndarray, moved: np.ndarray, centred: np.ndarray) -> np.ndarray:
    """Return the quantiles to take of every column of resampled means, shape (2, n_columns)."""
    from scipy.special import ndtr, ndtri

    squares = (centred**2).sum(axis=0)
    equal = _ROUNDING * np.sqrt(squares) / len(centred)
    below = ((moved < -equal).mean(axis=0) + (moved <= equal).mean(axis=0)) / 2
    bias = ndtri(np.clip(below, 0.5 / len(moved), 1 - 0.5 / len(moved)))
    scale = np.where(squares > 0, 6 * squares**1.5, 1)
    acceleration = (centred**3).sum(axis=0) / scale
    shifted = bias + ndtri(tails)[:, None]
    levels: np.ndarray = ndtr(bias + shifted / (1 - acceleration * shifted))
    return levels


def _description(differences: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return mean, standard error, and how many are larger than 0, equal to it and smaller.

    Differences below 1e-12 of the largest are equal: they are rounding.
    """
    least = 1e-12 * np.abs(differences).max(axis=0, initial=0.0)
    larger, smaller = (differences > least).sum(axis=0), (differences < -least).sum(axis=0)
    equal = len(differences) - larger - smaller
    return differences.mean(axis=0), standard_error(differences), larger, equal, smaller


def _randomisation(differences: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """Compare the sums of the differences with those after flipping signs, (draws, n_columns)."""
    equal = _ROUNDING * np.linalg.norm(differences, axis=0)
    as_large = np.abs(flipped) >= np.abs(differences.sum(axis=0)) - equal
    p_value: np.ndarray = (1 + np.count_nonzero(as_large, axis=0)) / (1 + len(flipped))
    return p_value


def _t_test(differences: np.ndarray) -> np.ndarray:
    from scipy.special import stdtr

    error = standard_error(differences)
    with np.errstate(divide="ignore", invalid="ignore"):  # the same difference for everyone
        t = np.abs(differences.mean(axis=0)) / error
    p_value: np.ndarray = 2 * stdtr(len(differences) - 1, -t)
    return np.where(differences.any(axis=0), p_value, 1.0)


def _wilcoxon(differences: np.ndarray) -> np.ndarray:
    from scipy.stats import wilcoxon

    return np.array([wilcoxon(one).pvalue if one.any() else 1.0 for one in differences.T])


def _check_confidence(confidence: float) -> None:
    if isinstance(confidence, bool) or not 0 < confidence < 1:
        raise ParameterError(f"confidence must be between 0 and 1, got {confidence!r}")


def _check_draws(draws: int) -> None:
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
        raise ParameterError(f"draws must be a whole number of at least 1, got {draws!r}")


def _check_name(role: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ParameterError(
            f"unknown {role} {name!r}{did_you_mean(name, known)} (there are {', '.join(known)})"
        )
