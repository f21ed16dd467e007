"""Model selection: a search for parameters on validation data, never on the test."""

from __future__ import annotations

from hybridrec.evaluation.tuning.ranges import Choice, Range
from hybridrec.evaluation.tuning.result import TuningResult
from hybridrec.evaluation.tuning.search import tune
from hybridrec.evaluation.tuning.spaces import DEFAULT_SPACES
from hybridrec.evaluation.tuning.trials import Trial
from hybridrec.evaluation.tuning.validation import validation_split

__all__ = [
    "DEFAULT_SPACES",
    "Choice",
    "Range",
    "Trial",
    "TuningResult",
    "tune",
    "validation_split",
]
