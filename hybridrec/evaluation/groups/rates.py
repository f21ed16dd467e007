"""Rates, sums over users over other sums: their intervals, and the difference of two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hybridrec.evaluation.significance import resampled_means


class Difference(NamedTuple):
    """How rates differ; arrays of shape (n_columns,), NaN where one of them has no user.

    Attributes
    ----------
    difference, standard_error : ndarray of float64
    p_value : ndarray of float64
        Of a two-sided test, before any correction.
    """

    difference: np.ndarray
    standard_error: np.ndarray
    p_value: np.ndarray


def rates(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return ``above / below``, NaN where the divisor is 0."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    found: np.ndarray = np.divide(above, below, out=np.full(shape, np.nan), where=below > 0)
    return found


def shares(sums: np.ndarray) -> np.ndarray:
    """Return sums of groups, the last axis, as shares of all of them; NaN where all are 0."""
    return rates(sums, sums.sum(axis=-1, keepdims=True))


def resampled(sums: Mapping[str, np.ndarray], *, draws: int) -> dict[str, np.ndarray]:
    """Return means over users drawn with replacement, each (draws, n_columns).

    All of the arrays, (n_users, n_columns) each, see the same users.
    """
    ends = np.cumsum([one.shape[1] for one in sums.values()])[:-1]
    means = resampled_means(np.hstack(list(sums.values())), draws, 0, 0)
    return dict(zip(sums, np.split(means, ends, axis=1), strict=True))


def interval(drawn: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the percentile interval of resampled rates, (draws, n_columns)."""
    tails = (1 - confidence) / 2
    defined = ~np.isnan(drawn).all(axis=0)
    bounds = np.full((2, drawn.shape[1]), np.nan)
    bounds[:, defined] = np.nanquantile(drawn[:, defined], [tails, 1 - tails], axis=0)
    return bounds[0], bounds[1]


def difference(
    above: np.ndarray, below: np.ndarray, other_above: np.ndarray, other_below: np.ndarray
) -> Difference:
    """Test whether two rates differ, in every column of arrays (n_users, n_columns).

    A rate is linear in what users add, up to terms that vanish: user u moves ``A / B`` by
    ``(a_u - A / B b_u) / B``. The variance of the difference is the sum of the squared moves of
    all users, so that users who count in both rates are paired, and a user tested on several
    splits is one user. Where each user counts once, in one of two groups, this is Welch's
    t-test, and where each counts in both, the paired t-test. The degrees of freedom are those of
    the smaller group, which is on the safe side.

    References
    ----------
    Cochran, "Sampling techniques", 1977, chapter 6; Welch, "The generalization of 'Student's'
    problem when several different population variances are involved", 1947.
    """
    from scipy.special import stdtr

    rate, moves, users = _moves(above, below)
    other, other_moves, other_users = _moves(other_above, other_below)
    found = rate - other
    error = np.sqrt(((moves - other_moves) ** 2).sum(axis=0))
    fewest = np.minimum(users, other_users)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stdtr(np.maximum(fewest - 1, 1), -np.abs(found) / error)
    alike = (error == 0) & (found == 0)
    p_value = np.where(alike, 1.0, p_value)
    unknown = fewest < 2
    return Difference(found, np.where(unknown, np.nan, error), np.where(unknown, np.nan, p_value))


def _moves(above: np.ndarray, below: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rates, by how much each user moves them, and how many users each rests on.

    Moves are stretched by ``n / (n - 1)`` in variance, as sample variances are.
    """
    total = below.sum(axis=0)
    rate = rates(above.sum(axis=0), total)
    users = np.count_nonzero(below, axis=0)
    stretch = np.sqrt(users / np.maximum(users - 1, 1))
    moves = np.where(total > 0, (above - rate * below) * stretch, 0.0) / np.where(
        total > 0, total, 1
    )
    return rate, moves, users
