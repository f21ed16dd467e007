"""How unlike each other the items of a list are: intra-list diversity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement, csr_of, ratio

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_USERS = 4096  # sums of item features held at a time


def diversity(judged: Judgement) -> np.ndarray:
    """ILD@k = mean of 1 - cosine of the features over the pairs of items among the first k.

    Per user, float64 (n_users, n_k). Items of which nothing is known are left out; 0 with fewer
    than two others. Needs ``features``. Ziegler et al., "Improving recommendation lists through
    topic diversification" (WWW 2005); Smyth & McClave (ICCBR 2001).

    Differs from
    ------------
    RecTools : the caller gives the distance (Hamming); no value where features are missing.
    implicit : none.
    LensKit : 1 - "ILS", where unknown items count as unlike all others; 1 for a single item.
    RecBole : none.
    ranx : none.
    """
    unit = _unit_rows(csr_of(judged.context.need("features")))
    described = (np.diff(unit.indptr) > 0).astype(np.float64)
    values = np.empty((len(judged.lists), len(judged.cutoffs)))
    for at, k in enumerate(judged.cutoffs):
        shown = judged.shown(k)
        for start in range(0, shown.shape[0], _USERS):
            part = shown[start : start + _USERS]
            sums = part @ unit
            squares, count = _squares(sums), part @ described
            # |sum of n unit vectors|^2 = n + twice the sum of the cosines of all pairs
            alike = ratio(squares - count, count * (count - 1))
            values[start : start + _USERS, at] = np.where(count > 1, 1.0 - alike, 0.0)
    return np.maximum(values, 0.0)  # rounding


def _unit_rows(matrix: csr_matrix) -> csr_matrix:
    from scipy.sparse import diags

    lengths = np.sqrt(_squares(matrix))
    return csr_of(diags(1.0 / np.where(lengths > 0, lengths, 1.0)) @ matrix)


def _squares(matrix: csr_matrix) -> np.ndarray:
    return np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
