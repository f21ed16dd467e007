"""What a model does for groups of users and of items, user by user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.evaluation.evaluate import judged_lists, source_name
from hybridrec.evaluation.groups.found import GroupReport
from hybridrec.evaluation.groups.grouping import DEFAULT_GROUPS, Grouping, group_by
from hybridrec.evaluation.groups.measured import Measured, Sizes
from hybridrec.evaluation.metrics import LOWER_IS_BETTER, METRICS, Context, Judgement
from hybridrec.evaluation.metrics.judgement import ratio
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.evaluation.splits.split import Split

FOUND = "recall"  # how well the held-out interactions with a group of items are found


def group_report(
    sources: Mapping[str, Any],
    split: Split,
    groups: Sequence[str] = DEFAULT_GROUPS,
    *,
    metric: str = "ndcg",
    k: int = 10,
    candidates: int | Any = None,
    context: Context | None = None,
    num_threads: int = 0,
    seed: int | None = None,
) -> GroupReport:
    """Tell which users are served worse, and which items are shown less, than others.

    For each group of users: the accuracy of the lists of its users, and how far that is from the
    accuracy of all other users (Ekstrand et al., "All the cool kids, how do they fit in?", FAT*
    2018). For each group of items: its share of the exposure in all lists, where rank r is worth
    ``1 / log2(r + 1)``, against its share of the held-out interactions, as exposure should be in
    proportion to merit (Singh & Joachims, "Fairness of exposure in rankings", KDD 2018; Biega,
    Gummadi & Weikum, "Equity of attention", SIGIR 2018: of attention summed over lists, not
    within each); and recall, the share of each user's held-out interactions with items of the
    group that the lists find, against that of the others ("equal opportunity"). Accuracy by NDCG
    would favour groups with many held-out items a user.

    For several splits, join the reports with `GroupReport.over`.

    Parameters
    ----------
    sources : mapping of str to Recommender, data frame or path
        By the name they have in the results, as in `hybridrec.evaluation.compare`.
    split : Split
    groups : sequence of str, default ("users:activity", "items:popularity")
        Also any column of the user or item table, such as "items:genres"; see
        `hybridrec.evaluation.groups.grouping`.
    metric : str, default "ndcg"
        Of the accuracy for users; for items it is always recall.
    k : int, default 10
        Length of the lists.
    candidates, context, num_threads, seed
        As in `hybridrec.evaluation.evaluate`.

    Raises
    ------
    ParameterError
        If there is no source, a grouping or metric is unknown, or a metric has no value per user;
        otherwise as in `hybridrec.evaluation.evaluate`.
    """
    if not sources:
        raise ParameterError("group_report needs at least one model or run")
    options: dict[str, Any] = {"metric": metric, "k": k, "candidates": candidates}
    options |= {"context": context, "num_threads": num_threads, "seed": seed}
    return GroupReport.over(
        measure_groups(source, split, groups, name=name, **options)
        for name, source in sources.items()
    )


def measure_groups(
    source: Any,
    split: Split,
    groups: Sequence[str] = DEFAULT_GROUPS,
    *,
    metric: str = "ndcg",
    k: int = 10,
    candidates: int | Any = None,
    context: Context | None = None,
    num_threads: int = 0,
    seed: int | None = None,
    name: str | None = None,
) -> GroupReport:
    """Return `group_report` of one model or run."""
    if metric not in METRICS:
        raise ParameterError(f"unknown metric {metric!r}{did_you_mean(metric, METRICS)}")
    if metric in LOWER_IS_BETTER:
        raise ParameterError(f"{metric} is no accuracy; groups compare one such as recall or ndcg")
    groupings = group_by(groups, split)
    judged, _ = judged_lists(
        source, split, (check_k(k),), candidates, context or Context(), num_threads, seed
    )
    values = METRICS[metric](judged)
    if values.ndim == 1:
        raise ParameterError(
            f"{metric} has one value for all users together; groups need one for every user"
        )
    ids = split.train.users.ids[judged.users]
    used_seed = split.seed if seed is None else seed
    return GroupReport(
        tuple(
            Measured(
                name or source_name(source),
                used_seed,
                one.name,
                one.labels,
                FOUND if one.of_items else metric,
                k,
                _sizes(one, split, judged),
                ids,
                _of_items(one, judged) if one.of_items else _of_users(one, judged, values[:, 0]),
            )
            for one in groupings
        ),
        split.test.backend,
    )


@dataclass(frozen=True)
class _Lists:
    """The lists of a judgement and the truth, both users x items."""

    exposure: csr_matrix
    hits: csr_matrix
    test: csr_matrix

    @classmethod
    def of(cls, judged: Judgement) -> _Lists:
        (k,) = judged.cutoffs
        shown, test = judged.shown(k), judged.test.astype(np.float64)
        test.data[:] = 1.0
        exposure = shown.copy()
        known = judged.known[:, :k]
        worth = np.broadcast_to(judged.discounts[: known.shape[1]], known.shape)
        exposure.data = worth[known]
        return cls(exposure, shown.multiply(test).tocsr(), test)


def _of_users(grouping: Grouping, judged: Judgement, values: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each user adds to the accuracy of their groups, and to that of the rest."""
    inside = grouping.members[judged.users]
    return {
        "value": values[:, None] * inside,
        "counted": inside.astype(np.float64),
        "rest value": values[:, None] * ~inside,
        "rest counted": (~inside).astype(np.float64),
    }


def _of_items(grouping: Grouping, judged: Judgement) -> dict[str, np.ndarray]:
    """Return what each user adds to exposure, merit and recall of each group of items."""
    lists = _Lists.of(judged)
    members, shares = grouping.members.astype(np.float64), grouping.shares
    hits, tests = lists.hits @ members, lists.test @ members
    other_hits, other_tests = lists.hits @ (1 - members), lists.test @ (1 - members)
    return {
        "value": ratio(hits, tests),
        "counted": (tests > 0).astype(np.float64),
        "rest value": ratio(other_hits, other_tests),
        "rest counted": (other_tests > 0).astype(np.float64),
        "exposure": lists.exposure @ shares,
        "merit": lists.test @ shares,
    }


def _sizes(grouping: Grouping, split: Split, judged: Judgement) -> Sizes:
    """Return how large the groups are; of items, only those that may be recommended count."""
    members, shares = grouping.members, grouping.shares
    if grouping.of_items:
        members = members & judged.candidates[:, None]
        shares = shares * judged.candidates[:, None]
    rows = split.train.matrix.getnnz(axis=0 if grouping.of_items else 1)
    weights = rows @ grouping.shares
    return Sizes(members.sum(axis=0), shares.sum(axis=0) / shares.sum(), weights / weights.sum())
