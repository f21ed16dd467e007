"""Evaluate fitted models and foreign runs on a split, and compare them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.evaluation.candidates import candidates_of_users
from hybridrec.evaluation.measured import Column, Evaluation, Slice
from hybridrec.evaluation.metrics import (
    DEFAULT_METRICS,
    METRICS,
    PLACEMENT_METRICS,
    Context,
    Judgement,
    Placement,
)
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.runs import lists_of_run
from hybridrec.evaluation.slices import Part, cut
from hybridrec.evaluation.sources import (
    check_fitted_on_train,
    lists_among,
    lists_of_model,
    placement_of_model,
)
from hybridrec.evaluation.splits.split import Split
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST_UNKNOWN = 0.01  # share of test users without a row, from which on the others are told apart


class _Judged(NamedTuple):
    """The lists of some users and, where it is asked for, the places of all their test items."""

    lists: Judgement
    placed: Placement | None

    def on(self, part: Part) -> _Judged:
        """Return what is judged of some items, or of some users."""
        placed = self.placed
        if part.of_items:
            lists = self.lists.on(part.members)
            return _Judged(lists, None if placed is None else placed.on(part.members))
        chosen = part.members[self.lists.users]
        return _Judged(self.lists.of(chosen), None if placed is None else placed.of(chosen))


def evaluate(
    source: Any,
    split: Split,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    k: int | Sequence[int] = (10, 20),
    slices: Sequence[str] = (),
    candidates: int | Any = None,
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
    over the users who have test items in it. Where a hundredth or more of the test users have no
    training row and no support, "users:known" holds the others. Further slices of items or users
    do the same.

    Parameters
    ----------
    source : Recommender, data frame or path
        A model fitted on ``split.train``, or a run of any system: a frame (pandas, polars, ...)
        with columns for user, item, and ``rank`` or ``score``, or a file of it; see
        `hybridrec.evaluation.runs.lists_of_run`.
    split : Split
    metrics : sequence of str, optional
        Names from `hybridrec.evaluation.metrics.METRICS`; by default those of accuracy, and
        coverage. Of a model also "auc" and "gauc", over all candidates.
    k : int or sequence of int, default (10, 20)
        Cut-offs.
    slices : sequence of str, optional
        Such as "items:popularity", "users:activity", "items:genres" (any column of the item or
        user table); see `hybridrec.evaluation.slices`. Parts without a test row are left out.
    candidates : int, data frame or path, optional
        What is ranked for each user beside their test items; by default all items they do not
        have. A number draws so many of these at random (which biases metrics, and warns so), a
        frame or file of user and item gives them. Lists are cut to them; test items are always
        candidates.
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
    checked = checked_metrics(metrics)
    cutoffs = checked_cutoffs(k)
    parts, cut_notes = cut(slices, split)
    places = any(one in PLACEMENT_METRICS for one in checked)
    if places:
        _check_places_all(hasattr(source, "recommend_codes"), candidates)
    lists, notes = judged_lists(
        source, split, cutoffs, candidates, context or Context(), num_threads, seed
    )
    placed = placement_of_model(source, split, num_threads) if places else None
    judged = _Judged(lists, placed)
    return Evaluation(
        name or source_name(source),
        split.seed if seed is None else seed,
        _slices(judged, [*_warm_and_cold(split), *_known_users(split), *parts], checked, split),
        (*notes, *cut_notes),
        split.test.backend,
    )


def compare(
    sources: Mapping[str, Any],
    split: Split,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    k: int | Sequence[int] = (10, 20),
    slices: Sequence[str] = (),
    candidates: int | Any = None,
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
    split, metrics, k, slices, candidates, context, num_threads, seed
        As in `evaluate`.

    Raises
    ------
    ParameterError
        If there is nothing to compare; otherwise as in `evaluate`.
    """
    if not sources:
        raise ParameterError("compare needs at least one model or run")
    asked: dict[str, Any] = {
        "metrics": metrics,
        "k": k,
        "slices": slices,
        "candidates": candidates,
        "context": context,
    }
    return Comparison(
        [
            evaluate(source, split, name=name, seed=seed, num_threads=num_threads, **asked)
            for name, source in sources.items()
        ]
    )


def judged_lists(
    source: Any,
    split: Split,
    cutoffs: tuple[int, ...],
    candidates: int | Any,
    context: Context,
    num_threads: int,
    seed: int | None,
) -> tuple[Judgement, tuple[str, ...]]:
    """Return the lists of a model or run beside the truth, and notes; see `evaluate`."""
    if hasattr(source, "recommend_codes"):
        check_fitted_on_train(source, split)
    width = min(cutoffs[-1], len(split.train.items))
    among, among_notes = candidates_of_users(candidates, split, seed)
    lists, notes = _lists(source, split, width, among, num_threads)
    return _judgement(lists, split, cutoffs, context), (*notes, *among_notes)


def source_name(source: Any) -> str:
    """Return what a model or a run is called, unless it is named."""
    return str(source.model_name) if hasattr(source, "recommend_codes") else "run"


def _lists(
    source: Any, split: Split, width: int, among: csr_matrix | None, num_threads: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the lists of the test users, and notes on them."""
    if not hasattr(source, "recommend_codes"):
        return lists_of_run(source, split, width, among=among, num_threads=num_threads)
    if among is None:
        return lists_of_model(source, split, width, num_threads)
    return lists_among(source, split, width, among)


def _judgement(
    lists: np.ndarray, split: Split, cutoffs: tuple[int, ...], context: Context
) -> Judgement:
    users = split.test_users
    catalogue = split.candidates
    if catalogue is None:
        catalogue = np.ones(len(split.train.items), dtype=bool)
    context = replace(
        context, train=split.train.matrix, seen=split.seen, tie=split.train.items.tie_order
    )
    return Judgement(users, lists, split.test_matrix, cutoffs, catalogue, context)


def _warm_and_cold(split: Split) -> list[Part]:
    """Return the items with training rows and those without, if the test has both."""
    warm = split.warm_items
    tested = warm[split.test_matrix.indices]
    if tested.all() or not tested.any():
        return []
    return [Part("warm", True, warm), Part("cold", True, ~warm)]


def _known_users(split: Split) -> list[Part]:
    """Return the users with a training row or support, if enough others are tested too."""
    known = np.diff(split.seen.indptr) > 0
    unknown = np.count_nonzero(~known[split.test_users])
    if unknown < LEAST_UNKNOWN * len(split.test_users) or unknown == len(split.test_users):
        return []
    return [Part("users:known", False, known)]


def _slices(
    everything: _Judged, parts: Sequence[Part], metrics: Sequence[str], split: Split
) -> dict[str, Slice]:
    """Return the values on all of the test and on its parts, but for those without a user."""
    judged = {"all": everything} | {part.name: everything.on(part) for part in parts}
    ids = split.train.users.ids
    return {
        name: Slice(
            ids[one.lists.users],
            int((one.lists.lists[:, 0] >= 0).sum()),
            dict(item for metric in metrics for item in _values(metric, one)),
        )
        for name, one in judged.items()
        if len(one.lists.users)
    }


def _values(metric: str, judged: _Judged) -> Iterable[tuple[Column, np.ndarray]]:
    """Return the values of a metric by column."""
    if metric in PLACEMENT_METRICS:
        assert judged.placed is not None
        return [((metric, None), PLACEMENT_METRICS[metric](judged.placed))]
    values = METRICS[metric](judged.lists)
    return [((metric, k), values[..., at]) for at, k in enumerate(judged.lists.cutoffs)]


def _check_places_all(is_model: bool, candidates: Any) -> None:
    listed = " and ".join(PLACEMENT_METRICS)
    if not is_model:
        raise ParameterError(f"{listed} need scores of all candidates; a run has only its lists")
    if candidates is not None:
        raise ParameterError(f"{listed} are over all candidates; leave out candidates=")


def checked_metrics(metrics: Sequence[str]) -> tuple[str, ...]:
    """Return the names of metrics, all known and each once."""
    names = (metrics,) if isinstance(metrics, str) else tuple(dict.fromkeys(metrics))
    known = (*METRICS, *PLACEMENT_METRICS)
    for one in names:
        if one not in known:
            raise ParameterError(
                f"unknown metric {one!r}{did_you_mean(one, known)}"
                f" (metrics: {first_few(known, 20)})"
            )
    if not names:
        raise ParameterError("metrics must name at least one metric")
    return names


def checked_cutoffs(k: int | Sequence[int]) -> tuple[int, ...]:
    """Return cut-offs, ascending and each once."""
    cutoffs = {check_k(one) for one in (k if isinstance(k, Iterable) else [k])}
    if not cutoffs:
        raise ParameterError("k must be one or more whole numbers of at least 1, got none")
    return tuple(sorted(cutoffs))
