"""What is judged of a fitted model: its lists, and where its scores place the test items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.errors import NotFittedError, ParameterError
from hybridrec.evaluation.metrics import Placement, place_tests, tie_notes, tied_share
from hybridrec.evaluation.splits.split import Split
from hybridrec.models.frames import POPULAR

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender
    from hybridrec.ranking.scorer import Scorer

# Users whose lists are asked for at once: bounds the memory of scores and history rows.
BLOCK = 8192


class Serving(NamedTuple):
    """Test users whom a model serves in the same way.

    Attributes
    ----------
    members : ndarray of int
        Their positions among the test users.
    scorer : Scorer
    rows : ndarray of int
        Their rows of the scorer.
    """

    members: np.ndarray
    scorer: Scorer
    rows: np.ndarray


def check_fitted_on_train(model: Recommender, split: Split) -> None:
    """Refuse a model whose codes mean other ids, or that has seen what it is tested on.

    Raises
    ------
    NotFittedError, ParameterError
    """
    if not hasattr(model, "users_"):
        raise NotFittedError(f"{model.model_name} is not fitted yet; fit it on split.train")
    if model.users_ != split.train.users or model.items_ != split.train.items:
        raise ParameterError(
            f"{model.model_name} was fitted on other users or items than the split has; fit it"
            " on split.train"
        )
    shared = model.history_.multiply(split.test.matrix).nnz
    if shared:
        raise ParameterError(
            f"{model.model_name} was fitted on {shared} held-out interactions; fit it on"
            " split.train"
        )


def lists_of_model(
    model: Recommender, split: Split, width: int, num_threads: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the lists of the test users, int32 (test users, width), and notes on them."""
    users, deepest = split.test_users, min(width + 1, len(split.train.items))
    lists = np.full((len(users), width), -1, dtype=np.int32)
    tied = 0.0
    for members, history in _with_histories(split):
        for start in range(0, len(members), BLOCK):
            block = members[start : start + BLOCK]
            found = model.recommend_codes(
                users[block],
                deepest,
                history=None if history is None else history[start : start + BLOCK],
                items=split.candidates,
                num_threads=num_threads,
            )
            lists[block] = found.items[:, :width]
            tied += tied_share(found.scores, (width,))[0] * len(block)
    return lists, tie_notes(tied / max(len(users), 1))


def lists_among(
    model: Recommender, split: Split, width: int, candidates: csr_matrix
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the lists of the test users, each of whom has candidates of their own, and notes.

    Parameters
    ----------
    model : Recommender
    split : Split
    width : int
    candidates : csr_matrix, shape (test users, n_items)
        Stored entries may be in the user's list.

    Returns
    -------
    lists : ndarray of int32, shape (test users, width)
        Ends with -1 where there are fewer.
    notes : tuple of str
        How many lists rest on ties.
    """
    from scipy.sparse import csr_matrix

    from hybridrec.kernels.metrics import lists_of_rows

    tied = 0.0
    lists = np.full((candidates.shape[0], width), -1, dtype=np.int32)
    tie = split.train.items.tie_order
    for members, scorer, rows in servings(model, split):
        for start in range(0, len(members), BLOCK):
            block = slice(start, start + BLOCK)
            own = candidates[members[block]]
            owners = np.repeat(np.arange(own.shape[0], dtype=np.int32), np.diff(own.indptr))
            asked = np.where(model.scorable_[own.indices], own.indices, -1).astype(np.int32)
            scores = scorer.chosen(rows[block][owners], asked[:, None])[:, 0].astype(np.float64)
            found = scores > -np.inf
            longer = lists_of_rows(
                *(owners[found], asked[found], -scores[found], tie, own.shape[0], width + 1)
            )
            lists[members[block]] = longer[:, :width]
            of_items = csr_matrix((scores, own.indices, own.indptr), shape=own.shape)
            listed = of_items[np.arange(len(longer))[:, None], longer].toarray()
            share = tied_share(np.where(longer >= 0, listed, -np.inf), (width,))[0]
            tied += share * len(longer)
    return lists, tie_notes(tied / max(len(lists), 1))


def placement_of_model(model: Recommender, split: Split, num_threads: int) -> Placement:
    """Find where the test items of the test users stand among all candidates."""
    users = split.test_users
    test, seen = split.test_matrix, split.seen[users]
    ranks, above, tied = np.zeros((3, test.nnz), dtype=np.int32)
    negatives = np.zeros(len(users), dtype=np.int32)
    for members, scorer, rows in servings(model, split):
        own = test[members]
        placed = place_tests(
            scorer,
            rows,
            own,
            seen=seen[members],
            candidates=split.candidates,
            scorable=model.scorable_,
            tie=split.train.items.tie_order,
            num_threads=num_threads,
        )
        entries = np.repeat(np.isin(np.arange(len(users)), members), np.diff(test.indptr))
        ranks[entries], above[entries], tied[entries] = placed.ranks, placed.above, placed.tied
        negatives[members] = placed.negatives
    return Placement(test, ranks, above, tied, negatives)


def servings(model: Recommender, split: Split) -> Iterator[Serving]:
    """Yield the test users the model knows something of, and those who get what is popular."""
    for members, history in _with_histories(split):
        scorer, rows, sources = model.scorer_for(split.test_users[members], history)
        known = sources != POPULAR
        if known.any():
            yield Serving(members[known], scorer, rows[known])
        if not known.all():
            nowhere = np.zeros(np.count_nonzero(~known), dtype=np.int64)
            yield Serving(members[~known], model.popular_scorer, nowhere)


def _with_histories(split: Split) -> list[tuple[np.ndarray, csr_matrix | None]]:
    """Return positions of test users, and their support.

    Users without any are served as the model knows them, perhaps by their features.
    """
    every = np.arange(len(split.test_users))
    if split.support is None:
        return [(every, None)]
    support = split.support.matrix[split.test_users]
    given = np.diff(support.indptr) > 0
    parts = [(every[given], support[given]), (every[~given], None)]
    return [(members, history) for members, history in parts if len(members)]
