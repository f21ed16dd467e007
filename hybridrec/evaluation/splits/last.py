"""Leave-last-n: the newest items of every user are held out."""

from __future__ import annotations

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError
from hybridrec.evaluation.splits.pairs import Pairs, check_count
from hybridrec.evaluation.splits.split import Split


def leave_last_n(dataset: Dataset, *, n: int = 1) -> Split:
    """Hold out the last ``n`` distinct items of every user, by timestamp.

    An item's time is that of the user's last interaction with it, and all of the user's
    interactions with it are held out: no training row of a user is newer than a test row's
    last. Equal times are ordered by the fixed hash order of the item ids, never by position.

    Parameters
    ----------
    dataset : Dataset
        With timestamps.
    n : int, default 1
        Users with ``n`` items or fewer stay in training whole and are counted as skipped.

    Raises
    ------
    ParameterError
        If ``n`` is not a whole number of at least 1.
    DataError
        If there are no timestamps, or no user has more than ``n`` items.
    """
    check_count("n", n, 1)
    interactions = dataset.interactions
    if interactions.timestamps is None:
        raise DataError("leave-last-n needs interactions with a timestamp column")
    pairs = Pairs.of(interactions)
    known = pairs.of_row >= 0
    latest = np.full(len(pairs), -np.inf)
    np.maximum.at(latest, pairs.of_row[known], interactions.timestamps[known])
    owned = pairs.per_user
    counts = np.where(owned > n, n, 0)
    tie = dataset.items.tie_order[pairs.items]
    test = pairs.rows(pairs.first_of_each_user(counts, -latest, tie))
    return Split(
        "leave-last-n",
        {"n": int(n)},
        dataset.with_interactions(interactions.take(~test)),
        interactions.take(test),
        skipped_users=int(((owned > 0) & (owned <= n)).sum()),
    )
