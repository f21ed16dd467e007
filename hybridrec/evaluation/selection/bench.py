"""One model fitted with parts of its side information, and measured on a validation cut."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection.gains import Gains
from hybridrec.evaluation.selection.sides import Block
from hybridrec.evaluation.tuning.measure import EFFORT, SHORT

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.selection.cut import ValidationCut
    from hybridrec.evaluation.selection.sides import Side, Weights
    from hybridrec.models.base import Recommender
    from hybridrec.models.side import FeatureInput

Clock = Callable[[], float]
Measured = dict[str, Gains]

_FEWEST = 5  # iterations


class OutOfTimeError(Exception):
    """The next fit would take more time than is left."""


@dataclass(eq=False)
class Bench:
    """Fits a model with some of its side information and measures it, each setting once.

    Parameters
    ----------
    model : Recommender
        Its parameters count; it stays unfitted.
    cut : ValidationCut or None
        None where there is nothing to measure on.
    sides : list of Side
    random_state : int
        Of the shuffling.
    num_threads : int
    seconds : float or None
        In which fits are to end; the slowest so far tells how long one takes.
    clock : callable
    """

    model: Recommender
    cut: ValidationCut | None
    sides: list[Side]
    random_state: int = 0
    num_threads: int = 0
    seconds: float | None = None
    clock: Clock = time.monotonic
    log: dict[str, Measured] = field(default_factory=dict)
    _slowest: float = 0.0

    def __post_init__(self) -> None:
        self._deadline = None if self.seconds is None else self.clock() + self.seconds

    @property
    def blocks(self) -> list[Block]:
        """All blocks, those of most features first: of two that say the same, these can go."""
        widths = {
            Block(side.name, block.name): block.matrix.shape[1]
            for side in self.sides
            for block in side.features.blocks
        }
        return sorted(widths, key=lambda block: -widths[block])

    def measure(self, weights: Weights, dealt: Block | None = None) -> Measured:
        """Return what is gained with some weights, and perhaps with a block shuffled.

        Raises
        ------
        OutOfTimeError
            If it is not known yet and time is up.
        """
        label = _label(weights, dealt)
        if label not in self.log:
            start = self.clock()
            if self._deadline is not None and start + self._slowest >= self._deadline:
                raise OutOfTimeError
            self.log[label] = self._measured(weights, dealt)
            self._slowest = max(self._slowest, self.clock() - start)
        return self.log[label]

    def _measured(self, weights: Weights, dealt: Block | None) -> Measured:
        assert self.cut is not None
        fitted = self._fitted(self.cut.train, weights, dealt)
        return {
            view: Gains.of(fitted, split, self.num_threads)
            for view, split in self.cut.views.items()
        }

    def _fitted(self, train: Dataset, weights: Weights, dealt: Block | None) -> Recommender | None:
        """Return a fitted model, None if it cannot do without any side information."""
        given: dict[str, FeatureInput] = {
            f"{side.name}_features": side.weighed(weights, dealt, self.random_state)
            for side in self.sides
        }
        try:
            return shorter(self.model).fit(train, **given)
        except ParameterError:
            if any(weights.values()):
                raise
            return None


def shorter(model: Recommender) -> Recommender:
    """Return an unfitted model of the same parameters, but with a third of the iterations.

    Of iterations or epochs five or more are left, where there are as many: what side information
    does shows by then.
    """
    params = model.get_params()
    for name in EFFORT:
        if name in params:
            params[name] = min(params[name], max(_FEWEST, math.ceil(params[name] * SHORT)))
    return type(model)().set_params(**params)


def _label(weights: Weights, dealt: Block | None) -> str:
    """Say what is different from the model with all its side information."""
    parts = [] if dealt is None else [f"{dealt} shuffled"]
    parts += [f"{block} x {weight:g}" for block, weight in weights.items() if weight not in (0, 1)]
    off = [str(block) for block, weight in weights.items() if weight == 0]
    if len(off) == len(weights) > 1:
        parts.append("without any")
    elif off:
        parts.append(f"without {' and '.join(off)}")
    return ", ".join(parts) or "with all"
