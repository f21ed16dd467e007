"""Maximal marginal relevance: no item that is like one shown before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hybridrec.ranking.rerank.diverse import Diverse


@dataclass(frozen=True)
class MMR(Diverse):
    """Maximal marginal relevance.

    The next item is the candidate i with the largest ``(1 - weight) z(i) - weight max cos(i, j)``
    over the items j chosen before (0 for the first); ``z`` are the user's standardised scores.
    Carbonell & Goldstein, "The use of MMR, diversity-based reranking" (SIGIR 1998).

    Parameters
    ----------
    block : str, optional
        See `Diverse`.
    weight : float, default 0.7
        From 0, the model's own order, to 1.
    candidates : int, default 100
    """

    name: ClassVar[str] = "mmr"

    weight: float = 0.7

    def _select(self, relevance: np.ndarray, cosines: np.ndarray, order: np.ndarray) -> None:
        from hybridrec.kernels.rerank import mmr_order

        mmr_order(relevance, cosines, float(self.weight), order)
