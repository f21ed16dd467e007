"""Areas under ROC curves over all candidates: AUC and GAUC.

A placement comes from `hybridrec.evaluation.metrics.placement.place_tests`; labelled pairs have
their own AUC in `hybridrec.evaluation.metrics.pairs`.
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.placement import Placement


def auc(placed: Placement) -> np.ndarray:
    """AUC = share of the pairs (test item, negative) in which the test item scores higher.

    Per user, float64 (n_users,), over all candidates; a pair of equal scores counts one half. 0.5
    for a user without test items or without negatives. All candidates weigh the same, so AUC says
    little about the top of a list. The mean over users is the AUC of Rendle et al. (BPR, UAI
    2009); of one user, that of Hanley & McNeil (Radiology 1982).

    Differs from
    ------------
    RecTools : only partial AUC of the first negatives (pAUC, pAp).
    implicit : AUC@k, which takes half of the items below the list to stand above each miss.
    LensKit : none.
    RecBole : GAUC for full ranking; its AUC is for labelled pairs.
    ranx : none. LightFM counts a pair of equal scores as lost.
    """
    counts = np.diff(placed.test.indptr)
    users = np.repeat(np.arange(len(counts)), counts)
    lost = np.bincount(users, weights=placed.above + placed.tied / 2, minlength=len(counts))
    pairs = counts * placed.negatives.astype(np.int64)
    half = np.full(len(counts), 0.5)
    shares: np.ndarray = 1.0 - np.divide(lost, pairs, out=half, where=pairs > 0)
    return shares


def gauc(placed: Placement) -> np.ndarray:
    """GAUC = sum over users of |test| AUC / sum over users of |test|.

    One number for all users, float64 of shape (), over all candidates. 0.5 without test items.
    Zhu et al., "Optimized cost per click in Taobao display advertising" (KDD 2017).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : none.
    RecBole : the same, without the users who have no negatives.
    ranx : none.
    """
    counts = np.diff(placed.test.indptr)
    if counts.sum() == 0:
        return np.array(0.5)
    return np.array(np.average(auc(placed), weights=counts))
