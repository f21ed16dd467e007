"""Cross-validation: every interaction is tested once."""

from __future__ import annotations

from typing import Literal

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError
from hybridrec.evaluation.splits.pairs import Pairs, check_count, check_way, split_stream
from hybridrec.evaluation.splits.split import Split


def k_fold(
    dataset: Dataset,
    *,
    folds: int = 5,
    by: Literal["global", "user"] = "global",
    random_state: int = 0,
) -> list[Split]:
    """Deal the distinct (user, item) pairs into folds at random; each fold is one test.

    Parameters
    ----------
    dataset : Dataset
    folds : int, default 5
    by : {"global", "user"}, default "global"
        "global" deals all pairs alike; a user may end up without training rows. "user" deals
        each user's pairs, so that they are spread evenly; users with a single pair stay in
        training and are counted as skipped.
    random_state : int, default 0

    Returns
    -------
    list of Split
        ``params["fold"]`` counts from 1.

    Raises
    ------
    ParameterError
        If a parameter has another value.
    DataError
        If there are fewer interactions than folds.
    """
    check_count("folds", folds, 2)
    check_way(by)
    pairs = Pairs.of(dataset.interactions)
    if len(pairs) < folds:
        raise DataError(f"cannot deal {len(pairs)} interactions into {folds} folds")
    stream = split_stream("k-fold", random_state)
    place = np.empty(len(pairs), dtype=np.int64)
    place[np.argsort(stream.random(len(pairs)))] = np.arange(len(pairs))
    skipped = np.zeros(pairs.n_users, dtype=bool)
    if by == "user":
        # Each user's first pair goes to a random fold: else all small users would share one.
        place = pairs.places(place) + stream.integers(folds, size=pairs.n_users)[pairs.users]
        skipped = pairs.per_user == 1
    fold_of = np.where(skipped[pairs.users], -1, place % folds)
    interactions = dataset.interactions
    splits = []
    for fold in range(folds):
        test = pairs.rows(fold_of == fold)
        params = {"folds": int(folds), "by": by, "random_state": int(random_state)}
        splits.append(
            Split(
                "k-fold",
                params | {"fold": fold + 1},
                dataset.with_interactions(interactions.take(~test)),
                interactions.take(test),
                skipped_users=int(skipped.sum()),
            )
        )
    return splits
