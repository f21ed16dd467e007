"""Trials: one setting each, measured step by step, and given up where others did better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hybridrec.evaluation.tuning.ranges import Point

State: TypeAlias = Literal["unfinished", "complete", "stopped", "failed"]

REDUCTION = 3  # the best third of those who came to a step go on


@dataclass(frozen=True)
class Trial:
    """One setting and what was measured of it.

    Attributes
    ----------
    number : int
        From 0, which is the default setting.
    point : mapping
        The values of what is searched.
    values : tuple of float
        The metric after every step; the last step, if it came to it, is the full measurement.
    seconds : float
        Time of all steps.
    state : {"unfinished", "complete", "stopped", "failed"}
        "stopped": given up after a step.
    error : str
        Why it failed.
    """

    number: int
    point: Point
    values: tuple[float, ...] = ()
    seconds: float = 0.0
    state: State = "unfinished"
    error: str = ""

    @property
    def value(self) -> float | None:
        """The metric, None unless the trial is complete."""
        return self.values[-1] if self.state == "complete" else None


def goes_on(trial: Trial, others: Sequence[Trial], *, lower: bool) -> bool:
    """Tell whether a trial is among the best third of the trials that came to its last step.

    Asynchronous successive halving (Li et al., "A System for Massively Parallel Hyperparameter
    Tuning", MLSys 2020), without going back to trials that were stopped.

    Parameters
    ----------
    trial : Trial
        With one value or more.
    others : sequence of Trial
        Those before it.
    lower : bool
        Whether lower values are better.
    """
    step = len(trial.values) - 1
    reached = [one.values[step] for one in others if len(one.values) > step]
    own = trial.values[step]
    better = sum(one < own if lower else one > own for one in reached)
    return better < math.ceil((len(reached) + 1) / REDUCTION)


def best_of(trials: Sequence[Trial], *, lower: bool) -> list[Trial]:
    """Return the complete trials, the best first, the earlier one of equals."""
    sign = 1 if lower else -1
    complete = [one for one in trials if one.state == "complete"]
    return sorted(complete, key=lambda one: sign * one.values[-1])
