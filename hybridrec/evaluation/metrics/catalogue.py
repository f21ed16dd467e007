"""Metrics of what the lists show of the catalogue, over all users together: coverage."""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement


def coverage(judged: Judgement) -> np.ndarray:
    """Coverage@k = distinct items among the first k of all lists / catalogue, float64 (n_k,).

    The catalogue is every item that could have been recommended, whether or not anyone ever
    interacted with it. Items outside it do not count. 0 for an empty catalogue.

    Differs from
        RecTools, which gives the count unless ``normalize=True`` and takes the catalogue the
        caller names. RecBole agrees for the catalogue of all items.
    """
    ranks = judged.best_ranks[judged.candidates, None]
    shown = (ranks > 0) & (ranks <= np.array(judged.cutoffs))
    counts: np.ndarray = shown.sum(axis=0)
    return counts / max(len(ranks), 1)
