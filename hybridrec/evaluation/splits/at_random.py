"""Random hold-out of interactions, over all of them or user by user."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.splits.pairs import (
    Pairs,
    check_fraction,
    check_way,
    share_of,
    split_stream,
)
from hybridrec.evaluation.splits.split import Split


def random_split(
    dataset: Dataset,
    *,
    test_fraction: float = 0.2,
    by: Literal["global", "user"] = "global",
    random_state: int = 0,
) -> Split:
    """Hold out a random share of the distinct (user, item) pairs.

    Parameters
    ----------
    dataset : Dataset
    test_fraction : float, default 0.2
        Share of the pairs, between 0 and 1.
    by : {"global", "user"}, default "global"
        "global" draws from all pairs alike; a user may end up without training rows. "user"
        takes the share of each user's pairs, rounded half up, and leaves at least one for
        training; users whose share is 0 are counted as skipped.
    random_state : int, default 0

    Raises
    ------
    ParameterError
        If a parameter has another value.
    DataError
        If there are too few interactions to hold any out.
    """
    check_fraction("test_fraction", test_fraction)
    check_way(by)
    pairs = Pairs.of(dataset.interactions)
    draw = split_stream("random", random_state).random(len(pairs))
    skipped = 0
    if by == "user":
        owned = pairs.per_user
        counts = np.minimum((owned * test_fraction + 0.5).astype(np.int64), owned - 1)
        chosen = pairs.first_of_each_user(counts, draw)
        skipped = int(((owned > 0) & (counts <= 0)).sum())
    else:
        chosen = np.zeros(len(pairs), dtype=bool)
        chosen[np.argsort(draw)[: share_of(len(pairs), test_fraction, "interactions")]] = True
    test = pairs.rows(chosen)
    return Split(
        "random",
        {"test_fraction": test_fraction, "by": by, "random_state": int(random_state)},
        dataset.with_interactions(dataset.interactions.take(~test)),
        dataset.interactions.take(test),
        skipped_users=skipped,
    )
