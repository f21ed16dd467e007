"""Metrics of how little the lists follow popularity: novelty, popularity, serendipity.

The popularity of an item is the number of its users in the training data. An item that is unknown
to the data set takes its place in a list but has no popularity. Values are per user, float64
(n_users, n_k), and 0 for an empty list; read them beside the number of covered users.
"""

from __future__ import annotations

import numpy as np

from hybridrec.evaluation.metrics.judgement import Judgement


def novelty(judged: Judgement) -> np.ndarray:
    """Novelty@k = mean over the first k of -log2(popularity / training users), in bits.

    The self-information of meeting a user of the item. An item without training users is taken to
    have one. Needs ``train``. Zhou et al., "Solving the apparent diversity-accuracy dilemma"
    (PNAS 2010).

    Differs from
    ------------
    RecTools : the same ("MeanInvUserFreq"), without the users who have no list.
    implicit : none.
    LensKit : none; "MeanPopRank" is the mean quantile of popularity.
    RecBole : none.
    ranx : none.
    """
    share = np.maximum(judged.context.popularity, 1) / max(judged.context.n_users, 1)
    return judged.mean_of(-np.log2(share))


def average_popularity(judged: Judgement) -> np.ndarray:
    """ARP@k = mean popularity of the first k: average recommendation popularity.

    Needs ``train``. Abdollahpouri et al., "Managing popularity bias" (FLAIRS 2019).

    Differs from
    ------------
    RecTools : counts rows, not users; without the users who have no list.
    implicit : none.
    LensKit : none; "MeanPopRank" is the mean quantile of popularity.
    RecBole : counts rows, not users.
    ranx : none.
    """
    return judged.mean_of(judged.context.popularity)


def serendipity(judged: Judgement) -> np.ndarray:
    """Serendipity@k = hits@k that the user's k most popular items do not hold / k.

    Those are the most popular candidates the user does not have, equally popular ones in the order
    of ``tie``: what a list without any personal touch would show. Needs ``train``, ``seen`` and
    ``tie``. Ge et al., "Beyond accuracy" (RecSys 2010), with popularity as the primitive model.

    Differs from
    ------------
    RecTools : weighs each hit by how far its rank is before its popularity rank.
    implicit : none.
    LensKit : none.
    RecBole : none.
    ranx : none.
    """
    from hybridrec.kernels.metrics import popular_places, stored_pairs

    seen = judged.context.need("seen")
    places = popular_places(
        judged.lists, judged.users, seen.indptr, seen.indices, _popular_ranks(judged)
    )
    rows = np.repeat(np.arange(len(places)), places.shape[1])
    hits = stored_pairs(judged.test.indptr, judged.test.indices, rows, judged.lists.ravel())
    hits = hits.reshape(places.shape)
    surprises = [(hits & (places > k))[:, :k].sum(axis=1) / k for k in judged.cutoffs]
    return np.column_stack(surprises)


def _popular_ranks(judged: Judgement) -> np.ndarray:
    """Return the rank of every candidate by popularity, int32, and a last one for other items."""
    candidates = np.flatnonzero(judged.candidates)
    order = np.lexsort(
        (judged.context.need("tie")[candidates], -judged.context.popularity[candidates])
    )
    ranks = np.full(len(judged.candidates), len(judged.candidates) + 1, dtype=np.int32)
    ranks[candidates[order]] = np.arange(1, len(candidates) + 1)
    return ranks
