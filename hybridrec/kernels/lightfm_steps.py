"""Steps of Adagrad and Adadelta on rows of factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

ONE = np.float32(1.0)
# Sums may be reordered and roots be found by reciprocals, once, at compile time.
FLOAT_MATH = {"reassoc", "contract", "nsz", "arcp", "afn"}


class Rows(NamedTuple):
    """The rows of users, of items or of features, all float32 of one shape or empty.

    Attributes
    ----------
    values : ndarray
    squares : ndarray
        Adagrad: sum of squared gradients so far. Adadelta: their running mean.
    moves : ndarray
        Adadelta: running mean of squared steps. Empty for Adagrad.
    gradients : ndarray
        Where gradients are added up for the features; empty without features.
    """

    values: np.ndarray
    squares: np.ndarray
    moves: np.ndarray
    gradients: np.ndarray


class Pace(NamedTuple):
    """How far a step goes: the learning rate of Adagrad, ``rho`` and ``epsilon`` of Adadelta."""

    rate: float
    rho: float
    epsilon: float


@njit(cache=True, nogil=True, error_model="numpy")
def step_all(rows: Rows, pace: Pace, change: np.ndarray) -> None:
    """Take one step of every row along its gradient, and say how far it went.

    Unlike in `step`, the squares count the present gradient before it is followed: it is the
    sum over a batch, and may be large.

    Parameters
    ----------
    rows : Rows
        Changed in place.
    pace : Pace
    change : ndarray of float32, out
        New values less old ones.
    """
    values, squares, moves, gradients = rows
    for row in range(values.shape[0]):
        if moves.size:
            change[row] = values[row]
            _adadelta(values, squares, moves, row, gradients[row], ONE, pace)
            change[row] = values[row] - change[row]
        else:
            _adagrad_of_batch(values, squares, row, gradients[row], pace.rate, change[row])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FLOAT_MATH)
def _adagrad_of_batch(
    values: np.ndarray,
    squares: np.ndarray,
    row: int,
    gradient: np.ndarray,
    learning_rate: float,
    change: np.ndarray,
) -> None:
    rate = np.float32(learning_rate)
    for d in range(gradient.size):
        squares[row, d] += gradient[d] * gradient[d]
        change[d] = -rate * gradient[d] / np.sqrt(squares[row, d])
        values[row, d] += change[d]


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def step(
    values: np.ndarray,
    squares: np.ndarray,
    moves: np.ndarray,
    gradients: np.ndarray,
    row: int,
    direction: np.ndarray,
    scale: np.float32,
    pace: Pace,
) -> np.float32:
    """Step against the gradient ``scale * direction``; return the sum of learning rates."""
    if gradients.size:
        _add(gradients, row, direction, scale)
    if moves.size:
        return _adadelta(values, squares, moves, row, direction, scale, pace)
    return _adagrad(values, squares, row, direction, scale, pace.rate)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FLOAT_MATH)
def _adagrad(
    values: np.ndarray,
    squares: np.ndarray,
    row: int,
    direction: np.ndarray,
    scale: np.float32,
    learning_rate: float,
) -> np.float32:
    """Duchi, Hazan & Singer 2011."""
    total, rate = np.float32(0.0), np.float32(learning_rate)
    for d in range(direction.size):
        slope = scale * direction[d]
        local = rate / np.sqrt(squares[row, d])
        values[row, d] -= local * slope
        squares[row, d] += slope * slope
        total += local
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FLOAT_MATH)
def _adadelta(
    values: np.ndarray,
    squares: np.ndarray,
    moves: np.ndarray,
    row: int,
    direction: np.ndarray,
    scale: np.float32,
    pace: Pace,
) -> np.float32:
    """Zeiler 2012."""
    total, keep, tiny = np.float32(0.0), np.float32(pace.rho), np.float32(pace.epsilon)
    for d in range(direction.size):
        slope = scale * direction[d]
        squares[row, d] = keep * squares[row, d] + (ONE - keep) * slope * slope
        local = np.sqrt((moves[row, d] + tiny) / (squares[row, d] + tiny))
        move = local * slope
        moves[row, d] = keep * moves[row, d] + (ONE - keep) * move * move
        values[row, d] -= move
        total += local
    return total


@njit(cache=True, nogil=True, fastmath=FLOAT_MATH)
def _add(rows: np.ndarray, row: int, one: np.ndarray, scale: np.float32) -> None:
    for d in range(one.size):
        rows[row, d] += scale * one[d]
