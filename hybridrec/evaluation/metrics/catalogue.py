"""Metrics of what the lists show of the catalogue, over all users together: coverage, Gini.

The catalogue is every item that could have been recommended, whether or not anyone ever
interacted with it. Items outside it do not count. Values are for all users, float64 (n_k,).
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement


def coverage(judged: Judgement) -> np.ndarray:
    """Coverage@k = distinct items among the first k of all lists / catalogue.

    0 for an empty catalogue. Ge et al., "Beyond accuracy" (RecSys 2010).

    Differs from
    ------------
    RecTools : the count unless ``normalize=True``; the caller names the catalogue.
    implicit : none.
    LensKit : the count of items ("UniqueItemCount").
    RecBole : counts its padding item in the catalogue.
    ranx : none.
    """
    ranks = judged.best_ranks[judged.candidates, None]
    shown = (ranks > 0) & (ranks <= np.array(judged.cutoffs))
    counts: np.ndarray = shown.sum(axis=0)
    return counts / max(len(ranks), 1)


def gini(judged: Judgement) -> np.ndarray:
    """Gini@k = sum over i of (2 i - n - 1) c(i) / (n sum of c).

    ``c(1) <= ... <= c(n)`` are the numbers of lists that show each of the n catalogue items among
    their first k, zeros included: 0 if all are shown as often, near 1 if few take all places. 0
    if nothing is shown. Every place counts the same. Fleder & Hosanagar (Management Science 2009).

    Differs from
    ------------
    RecTools : none.
    implicit : none.
    LensKit : the same ("ListGini"); "ExposureGini" weighs places.
    RecBole : counts its padding item in the catalogue.
    ranx : none.
    """
    return np.array([_gini(judged.exposure(k)[judged.candidates]) for k in judged.cutoffs])


def _gini(counts: np.ndarray) -> float:
    total = counts.sum()
    if total == 0:
        return 0.0
    weights = 2 * np.arange(1, len(counts) + 1) - len(counts) - 1
    return float(weights @ np.sort(counts) / (len(counts) * total))
