"""Determinantal point process: a list whose items span as much as they can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hybridrec.ranking.rerank.diverse import Diverse


@dataclass(frozen=True)
class DPP(Diverse):
    """Greedy most probable list of a determinantal point process.

    The next item is the candidate i with the largest ``(1 - weight) z(i) + weight (log det S(R + i)
    - log det S(R))``, where R are the items chosen before, ``S = .99 cosines + .01 I`` (which lets
    every item have something of its own, so that equals are not shut out), and ``z`` are the user's
    standardised scores. The determinants come from a Cholesky decomposition that grows with the
    list. Chen, Zhang & Zhou, "Fast greedy MAP inference for determinantal point process"
    (NeurIPS 2018).

    Parameters
    ----------
    block : str, optional
        See `Diverse`.
    weight : float, default 0.6
        From 0, the model's own order, to 1.
    candidates : int, default 100
    """

    name: ClassVar[str] = "dpp"

    weight: float = 0.6

    def _select(self, relevance: np.ndarray, cosines: np.ndarray, order: np.ndarray) -> None:
        from hybridrec.kernels.rerank import dpp_order

        dpp_order(relevance, cosines, float(self.weight), order)
