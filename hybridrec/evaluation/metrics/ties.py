"""How much of the lists rests on the order of equal scores."""

from __future__ import annotations

import numpy as np

_TOLD = 0.01  # the share from which on it is worth a note


def tied_share(scores: np.ndarray, cutoffs: tuple[int, ...]) -> np.ndarray:
    """Return the share of users whose first k depend on how ties are broken, float64 (n_k,).

    A list does if two of its first k items score the same, or if the item after them scores the
    same as the last of them. Equal scores are ordered by ``IdMap.tie_order`` everywhere, a hash of
    the item's id. Where this share is large, so is what another order would have changed.

    Parameters
    ----------
    scores : ndarray of float, shape (n_users, width)
        Scores of the lists, best first, minus infinity after the end; one more column than the
        last cut-off, unless no list goes on.
    cutoffs : tuple of int
        The values of k, ascending.
    """
    same = (scores[:, 1:] == scores[:, :-1]) & (scores[:, 1:] > -np.inf)
    by_rank = np.pad(np.logical_or.accumulate(same, axis=1), ((0, 0), (1, 0)))
    shares: np.ndarray = by_rank[:, np.minimum(cutoffs, scores.shape[1] - 1)].mean(axis=0)
    return shares


def tie_notes(share: float) -> tuple[str, ...]:
    """Return a note on how many lists depend on how ties are broken, none if hardly any does."""
    if share < _TOLD:
        return ()
    return (f"{share:.1%} of lists rest on the order of equal scores (by a hash of the item id)",)
