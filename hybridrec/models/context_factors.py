"""Factors of contexts, in closed form for item factors that are fixed."""

from __future__ import annotations

import numpy as np

from hybridrec.models.context_effects import Lifts, Observed
from hybridrec.ranking.scorer import FactorScorer


def context_factors(scorer: FactorScorer, observed: Observed, shrinkage: float) -> np.ndarray:
    import os
    kind = os.environ.get("CF", "A")
    n_items = scorer.n_items
    Y = scorer.item_factors.astype(np.float64); X = scorer.user_factors.astype(np.float64)
    counts = observed.counts(n_items)
    starts = observed.starts
    V, d = starts[-1], Y.shape[1]
    out = np.zeros((V, d))
    if kind == "B":
        lifts = Lifts(counts, starts, 1.0)
        pop = np.asarray(counts[starts[0]:starts[1]].sum(axis=0)).ravel()
        typical = float(np.sqrt((Y.var(axis=0) * (X**2).mean(axis=0)).sum()))
        for v in range(V):
            nc = counts[v].sum(); E = pop * nc / pop.sum()
            H = (Y * E[:, None]).T @ Y + shrinkage * np.mean((Y**2).sum(1)) / d * np.eye(d)
            out[v] = np.linalg.solve(H, (Y * E[:, None]).T @ lifts.of(v)) * typical
        return out.astype(np.float32)
    G = Y.T @ Y
    values = observed.values
    n_u = np.bincount(observed.users, minlength=len(X)).astype(float)
    dens = len(observed.users) / (np.count_nonzero(n_u) * n_items)
    w0 = dens ** .5
    for v in range(V):
        col = int(np.searchsorted(starts, v, side="right")) - 1
        r = values[:, col] == v
        u, i = observed.users[r], observed.items[r]
        res = 1 - (X[u] * Y[i]).sum(1) - scorer.item_bias[i]
        share = np.bincount(u, minlength=len(X)) / np.maximum(n_u, 1)
        # unobserved with own weight so that whole sums balance
        g = Y[i].T @ res - w0 * G @ (share @ X)
        H = Y[i].T @ Y[i] + w0 * share.sum() * G + shrinkage * np.trace(G) / n_items / d * np.eye(d)
        out[v] = np.linalg.solve(H, g)
    if kind == "A0":
        for c in range(len(starts) - 1):
            sl = slice(starts[c], starts[c + 1])
            n = np.asarray(counts[sl].sum(axis=1)).ravel()
            out[sl] -= (n / n.sum()) @ out[sl]
    return out.astype(np.float32)
