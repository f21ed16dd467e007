"""How far two distributions are apart."""

from __future__ import annotations

import numpy as np


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon distance of rows of shares, float64 (rows,), from 0 to 1.

    As in scipy, but 0, not NaN, where rounding makes the divergence of equal shares negative.
    """
    middle = (_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2).clip(0.0, 1.0)
    distances: np.ndarray = np.sqrt(middle)
    return distances


def _entropy(p: np.ndarray) -> np.ndarray:
    from scipy.special import entr

    bits: np.ndarray = entr(p).sum(axis=-1) / np.log(2)
    return bits
