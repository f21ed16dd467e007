"""Whether groups of items (their providers) get the exposure they earn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement, csr_of, ratio

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def exposure_fairness(judged: Judgement) -> np.ndarray:
    """Exposure fairness@k = 1 - half the sum over groups of |exposure share - merit share|.

    For all users together, float64 (n_k,). The exposure of a group is the sum of 1 / log2(rank +
    1) over its items among the first k of all lists, its merit the number of its test items. 1:
    every group is shown in proportion to what users turn out to want; 0: only groups without any
    test item are shown, or nothing is. An item of several groups counts for each by its share in
    it, one without a group not at all. Needs ``groups``. Singh & Joachims, "Fairness of exposure
    in rankings" (KDD 2018); the distance between shares is that of attention-weighted rank
    fairness (Sapiezynski et al., WWW 2019; compared with others by Raj & Ekstrand, SIGIR 2022).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none; "ExposureGini" is between items.
    RecBole : none.
    ranx : none.
    """
    exposure, merit = group_shares(judged)
    distance = np.abs(exposure - merit).sum(axis=1) / 2
    return np.where(exposure.sum(axis=1) * merit.sum() > 0, 1.0 - distance, 0.0)


def group_shares(judged: Judgement) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of the groups in exposure and in merit, as `exposure_fairness` has them.

    Returns
    -------
    exposure : ndarray of float64, shape (n_k, n_groups)
    merit : ndarray of float64, shape (n_groups,)
        Each sums to 1 over the groups, or is all 0.
    """
    members = _members(judged.context.need("groups"))

    def shares(items: np.ndarray, weights: np.ndarray) -> np.ndarray:
        sums = np.bincount(items, weights=weights, minlength=members.shape[0]) @ members
        return ratio(sums, sums.sum())

    exposure = []
    for k in judged.cutoffs:
        known = judged.known[:, :k]
        worth = np.broadcast_to(judged.discounts[: known.shape[1]], known.shape)
        exposure.append(shares(judged.lists[:, :k][known], worth[known]))
    tests = judged.test.indices
    return np.array(exposure), shares(tests, np.ones(len(tests)))


def _members(groups: csr_matrix | np.ndarray) -> csr_matrix:
    """Return what share of each item belongs to each group, float64 (n_items, n_groups)."""
    from scipy.sparse import csr_matrix

    if groups.ndim == 2:
        return csr_of(groups)
    (grouped,) = np.nonzero(groups >= 0)
    shape = (len(groups), int(groups.max(initial=-1)) + 1)
    return csr_matrix((np.ones(len(grouped)), (grouped, groups[grouped])), shape=shape)
