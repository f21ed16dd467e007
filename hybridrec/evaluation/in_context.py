"""Evaluate lists in the contexts of the held-out interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.dataset.context import context_columns
from hybridrec.errors import ParameterError
from hybridrec.evaluation.evaluate import checked_cutoffs, checked_metrics
from hybridrec.evaluation.measured import Column, Evaluation, Slice
from hybridrec.evaluation.metrics import METRICS, Context, Judgement
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.sources import check_fitted_on_train

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.evaluation.splits.split import Split
    from hybridrec.models.base import Recommender

DEFAULT = ("ndcg", "recall", "precision", "hit-rate", "mrr")


class _Lists(NamedTuple):
    """One list for each user and context of the test, users ascending."""

    users: np.ndarray
    contexts: Sequence[Mapping[str, str]]
    of_list: np.ndarray
    """Position in ``contexts`` of every list."""
    test: csr_matrix


def compare_in_context(
    models: Mapping[str, Recommender],
    split: Split,
    context: Sequence[str],
    *,
    timezone: str = "UTC",
    metrics: Sequence[str] = DEFAULT,
    k: int | Sequence[int] = (10, 20),
    num_threads: int = 0,
) -> Comparison:
    """Compare models on the lists that users get in the contexts of their held-out interactions.

    Every user has a list for every context (combination of values) of their test items; these
    items are its hits, and their other test items are misses, as they belong to other contexts. A
    user's value is the mean over their contexts, so users count alike. A model that knows no
    context gives its one list each time.

    Parameters
    ----------
    models : mapping of str to Recommender
        By the name they have in the results; fitted on ``split.train``.
    split : Split
    context : sequence of str
        Columns of the test, or what its timestamps tell; see
        `hybridrec.dataset.context.context_columns`.
    timezone : str, default "UTC"
        For these.
    metrics : sequence of str, optional
        Those with a value per user.
    k : int or sequence of int, default (10, 20)
    num_threads : int, default 0

    Raises
    ------
    ParameterError
        If there is nothing to compare, a metric is unknown or has one value for all users, the
        split has users to fold in, or a model knows contexts, but not these.
    DataError
        If there is no such context column.
    """
    if not models:
        raise ParameterError("compare_in_context needs at least one model")
    if not context:
        raise ParameterError("compare_in_context needs at least one context column")
    if split.support is not None:
        raise ParameterError("compare_in_context is for users whom the models know")
    asked, cutoffs = checked_metrics(metrics), checked_cutoffs(k)
    lists = _lists_of(split, context, timezone)
    return Comparison(
        [
            _evaluated(name, model, split, lists, asked, cutoffs, num_threads)
            for name, model in models.items()
        ]
    )


def _lists_of(split: Split, context: Sequence[str], timezone: str) -> _Lists:
    from scipy.sparse import csr_matrix

    test = split.test.take(split.test.weights > 0)
    columns = context_columns(test, context, timezone)
    keys = np.column_stack([test.user_codes, *(one.codes for one in columns)])
    lists, place = np.unique(keys, axis=0, return_inverse=True)
    ones = np.ones(len(keys), dtype=np.float32)
    shape = (len(lists), len(split.train.items))
    hits = csr_matrix((ones, (place.ravel(), test.item_codes)), shape=shape)
    hits.sum_duplicates()
    different, of_list = np.unique(lists[:, 1:], axis=0, return_inverse=True)
    contexts: list[Mapping[str, str]] = [
        {
            one.name: one.values[code]
            for one, code in zip(columns, codes.tolist(), strict=True)
            if code >= 0
        }
        for codes in different
    ]
    return _Lists(lists[:, 0].astype(np.int32), contexts, of_list.ravel(), hits)


def _evaluated(
    name: str,
    model: Recommender,
    split: Split,
    lists: _Lists,
    metrics: Sequence[str],
    cutoffs: tuple[int, ...],
    num_threads: int,
) -> Evaluation:
    """Return the values of a model, per user."""
    check_fitted_on_train(model, split)
    items = np.full((len(lists.users), min(cutoffs[-1], len(model.items_))), -1, dtype=np.int32)
    for number, context in enumerate(lists.contexts):
        own = np.flatnonzero(lists.of_list == number)
        under = model.in_context(context) if model.context_values else model
        found = under.recommend_codes(
            lists.users[own], cutoffs[-1], items=split.candidates, num_threads=num_threads
        )
        items[own] = found.items
    catalogue = split.candidates
    if catalogue is None:
        catalogue = np.ones(len(model.items_), dtype=bool)
    known = Context(train=split.train.matrix, seen=split.seen, tie=split.train.items.tie_order)
    judged = Judgement(lists.users, items, lists.test, cutoffs, catalogue, known)
    users, place = np.unique(lists.users, return_inverse=True)
    values: dict[Column, np.ndarray] = {}
    for metric in metrics:
        if metric not in METRICS or METRICS[metric](judged).ndim < 2:
            raise ParameterError(f"{metric} has no value per list: it cannot be told by context")
        for at, k in enumerate(cutoffs):
            summed = np.bincount(place, weights=METRICS[metric](judged)[:, at])
            values[metric, k] = summed / np.bincount(place)
    covered = len(np.unique(lists.users[items[:, 0] >= 0]))
    found_of_users = Slice(split.train.users.ids[users], covered, values)
    return Evaluation(name, split.seed, {"all": found_of_users}, (), split.test.backend)
