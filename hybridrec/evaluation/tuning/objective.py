"""What a search wants: the best value of one metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.measured import column_name
from hybridrec.evaluation.metrics import LOWER_IS_BETTER, METRIC_NAMES, METRICS
from hybridrec.evaluation.pairs import evaluate_pairs, judges_pairs
from hybridrec.ranking.topk import check_k

if TYPE_CHECKING:
    from hybridrec.evaluation.splits import Split
    from hybridrec.models.base import Recommender

_ALWAYS_CUT = ("all", "warm", "cold")  # slices that need not be asked for


@dataclass(frozen=True)
class Objective:
    """A metric, its cut-off and the slice it is measured on.

    Of lists, see `hybridrec.evaluation.evaluate`; where the split is of labelled pairs, or the
    metric of ratings, of scores, see `hybridrec.evaluation.evaluate_pairs`.

    Raises
    ------
    ParameterError
        If there is no such metric, or the cut-off is below 1.
    """

    metric: str
    k: int
    on: str

    def __post_init__(self) -> None:
        if self.metric not in METRIC_NAMES:
            raise ParameterError(
                f"unknown metric {self.metric!r}{did_you_mean(self.metric, METRIC_NAMES)}"
                f" (there are {', '.join(METRIC_NAMES)})"
            )
        check_k(self.k)

    @property
    def lower(self) -> bool:
        """Whether lower values are better."""
        return self.metric in LOWER_IS_BETTER

    @property
    def cutoff(self) -> int | None:
        """The cut-off, None for a metric without any."""
        return self.k if self.metric in METRICS else None

    def __str__(self) -> str:
        slice_name = "" if self.on == "all" else f" on {self.on}"
        return column_name(self.metric, self.cutoff) + slice_name

    def value(self, model: Recommender, split: Split, num_threads: int) -> float:
        """Measure a fitted model."""
        if judges_pairs(split, [self.metric]):
            found = evaluate_pairs(model, split, metrics=[self.metric])
        else:
            slices = () if self.on in _ALWAYS_CUT else (self.on.partition("=")[0],)
            asked: dict[str, Any] = {"metrics": [self.metric], "k": self.k, "slices": slices}
            found = evaluate(model, split, num_threads=num_threads, **asked)
        (column,) = found.columns
        return found.mean(*column, self.on)
