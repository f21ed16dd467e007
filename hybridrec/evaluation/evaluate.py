"""Evaluate fitted models and foreign runs on a split, and compare them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import NotFittedError, ParameterError, did_you_mean, first_few
from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.metrics import DEFAULT_METRICS, METRICS, Context, Judgement
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.runs import lists_of_run
from hybridrec.evaluation.slices import Part, cut
from hybridrec.evaluation.splits.split import Split
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

# Users whose lists are asked for at once: bounds the memory of scores and history rows.
_BLOCK = 8192


def evaluate(
    source: Any,
    split: Split,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    k: int | Sequence[int] = (10, 20),
    slices: Sequence[str] = (),
    context: Context | None = None,
    num_threads: int = 0,
    name: str | None = None,
    seed: int | None = None,
) -> Evaluation:
    """Measure the lists of a model or a run against the held-out interactions of a split.

    Every test user counts: a user without a list counts 0. Items the user is known to have
    (training rows, support) are never in a list, and only candidates of the split are. Where the
    test has both warm items (with training rows) and cold ones (without), every metric is also
    given on either slice: from the same lists, with only the slice's test items and catalogue,
    over the users who have test items in it. Further slices of items do the same; those of users
    keep only these users.

    Parameters
    ----------
    source : Recommender, data frame or path
        A model fitted on ``split.train``, or a run of any system: a frame (pandas, polars, ...)
        with columns for user, item, and ``rank`` or ``score``, or a file of it; see
        `hybridrec.evaluation.runs.lists_of_run`.
    split : Split
    metrics : sequence of str, optional
        Names from `hybridrec.evaluation.metrics.METRICS`; by default those of accuracy, and
        coverage.
    k : int or sequence of int, default (10, 20)
        Cut-offs.
    slices : sequence of str, optional
        Such as "items:popularity", "users:activity", "items:genres" (any column of the item or
        user table); see `hybridrec.evaluation.slices`. Parts without a test row are left out.
    context : Context, optional
        Features, categories and groups of the items, for the metrics that need them. What the
        split knows is filled in.
    num_threads : int, default 0
        Threads of the model, 0 for all this process may use.
    name : str, optional
        Name in the results; by default that of the model's class, or "run".
    seed : int, optional
        Number of the repeat in the results; by default the ``random_state`` of the split.

    Raises
    ------
    ParameterError
        If a metric or slice is unknown, a cut-off is below 1, or the model was fitted on other
        ids or on held-out interactions.
    NotFittedError
        If the model was not fitted.
    DataError, UnknownIdError
        If a run cannot be used.
    """
    checked = _checked_metrics(metrics)
    cutoffs = _checked_cutoffs(k)
    width = min(cutoffs[-1], len(split.train.items))
    parts, cut_notes = cut(slices, split)
    is_model = hasattr(source, "recommend_codes")
    if is_model:
        lists, notes = _lists_of_model(source, split, width, num_threads)
    else:
        lists, notes = lists_of_run(source, split, width)
    return Evaluation(
        name or (source.model_name if is_model else "run"),
        split.seed if seed is None else seed,
        cutoffs,
        {
            on: _slice(judged, checked, split.train.users)
            for on, judged in _judgements(lists, split, cutoffs, parts, context or Context())
        },
        notes + cut_notes,
        split.test.backend,
    )


def compare(
    sources: Mapping[str, Any],
    split: Split,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    k: int | Sequence[int] = (10, 20),
    slices: Sequence[str] = (),
    context: Context | None = None,
    num_threads: int = 0,
    seed: int | None = None,
) -> Comparison:
    """Evaluate several models and runs on the same split.

    For several splits, compare on each and join with `Comparison.over`.

    Parameters
    ----------
    sources : mapping of str to Recommender, data frame or path
        By the name they have in the results.
    split, metrics, k, slices, context, num_threads, seed
        As in `evaluate`.

    Raises
    ------
    ParameterError
        If there is nothing to compare; otherwise as in `evaluate`.
    """
    if not sources:
        raise ParameterError("compare needs at least one model or run")
    asked: dict[str, Any] = {"metrics": metrics, "k": k, "slices": slices, "context": context}
    return Comparison(
        [
            evaluate(source, split, name=name, seed=seed, num_threads=num_threads, **asked)
            for name, source in sources.items()
        ]
    )


def _lists_of_model(
    model: Recommender, split: Split, width: int, num_threads: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    _check_fitted_on_train(model, split)
    users = split.test_users
    lists = np.full((len(users), width), -1, dtype=np.int32)
    for start in range(0, len(users), _BLOCK):
        block = users[start : start + _BLOCK]
        history = None if split.support is None else split.support.matrix[block]
        lists[start : start + len(block)] = model.recommend_codes(
            block, width, history=history, items=split.candidates, num_threads=num_threads
        )[0]
    return lists, ()


def _check_fitted_on_train(model: Recommender, split: Split) -> None:
    """Refuse a model whose codes mean other ids, or that has seen what it is tested on."""
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


def _judgements(
    lists: np.ndarray,
    split: Split,
    cutoffs: tuple[int, ...],
    parts: Sequence[Part],
    context: Context,
) -> Iterator[tuple[str, Judgement]]:
    """Judge all test items, warm and cold ones apart if there are both, and the parts asked for."""
    users, n_items = split.test_users, len(split.train.items)
    catalogue = np.ones(n_items, dtype=bool) if split.candidates is None else split.candidates
    context = replace(
        context, train=split.train.matrix, seen=split.seen, tie=split.train.items.tie_order
    )
    everything = Judgement(users, lists, split.test.matrix[users], cutoffs, catalogue, context)
    yield "all", everything
    warm = split.train.matrix.getnnz(axis=0) > 0
    warm_tests = warm[everything.test.indices]
    if warm_tests.any() and not warm_tests.all():
        yield "warm", everything.on(warm)
        yield "cold", everything.on(~warm)
    for part in parts:
        if part.of_items:
            judged = everything.on(part.members)
        else:
            judged = _of_users(everything, part.members[users])
        if len(judged.users):
            yield part.name, judged


def _of_users(judged: Judgement, chosen: np.ndarray) -> Judgement:
    """Return the judgement of some of the users, a mask over those judged."""
    return replace(
        judged,
        users=judged.users[chosen],
        lists=judged.lists[chosen],
        test=judged.test[chosen],
    )


def _slice(judged: Judgement, names: Sequence[str], users: IdMap) -> Slice:
    return Slice(
        users.ids[judged.users],
        int((judged.lists[:, 0] >= 0).sum()),
        {metric: METRICS[metric](judged) for metric in names},
    )


def _checked_metrics(metrics: Sequence[str]) -> tuple[str, ...]:
    names = (metrics,) if isinstance(metrics, str) else tuple(dict.fromkeys(metrics))
    for one in names:
        if one not in METRICS:
            raise ParameterError(
                f"unknown metric {one!r}{did_you_mean(one, METRICS)}"
                f" (metrics: {first_few(METRICS, 20)})"
            )
    if not names:
        raise ParameterError("metrics must name at least one metric")
    return names


def _checked_cutoffs(k: int | Sequence[int]) -> tuple[int, ...]:
    cutoffs = {check_k(one) for one in (k if isinstance(k, Iterable) else [k])}
    if not cutoffs:
        raise ParameterError("k must be one or more whole numbers of at least 1, got none")
    return tuple(sorted(cutoffs))
