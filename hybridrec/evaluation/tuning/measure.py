"""The measurement of a setting in steps: a short one first, the full one last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybridrec.errors import HybridRecError, MissingExtraError
from hybridrec.evaluation.splits import Split
from hybridrec.evaluation.tuning.objective import Objective
from hybridrec.evaluation.tuning.ranges import Point
from hybridrec.evaluation.tuning.side import OFFERED, SideInformation, blocks_of
from hybridrec.evaluation.tuning.spaces import FEATURES
from hybridrec.models.base import Recommender
from hybridrec.models.registry import make_model, model_class

EFFORT = ("iterations", "epochs")  # parameters that a short fit has less of
SHORT = 1 / 3


class FitError(Exception):
    """A model cannot be fitted with some setting."""


class Measurement:
    """Measures settings of a model on validation splits.

    The steps are: a fit with a third of the iterations, where the model has any, on the first
    split; a full fit on it; and, if there are more splits, full fits on the others.

    Parameters
    ----------
    model : str
    splits : sequence of Split
        Their tests are measured on.
    objective : Objective
    random_state : int
        Of the models that have one.
    num_threads : int
        0 leaves the models their defaults.
    """

    def __init__(
        self,
        model: str,
        splits: Sequence[Split],
        objective: Objective,
        *,
        random_state: int,
        num_threads: int,
    ) -> None:
        self._model, self._splits, self._objective = model, splits, objective
        self._common = common_params(model, random_state, num_threads)
        self._num_threads = num_threads
        self._side = [SideInformation(split.train) for split in splits]
        known = model_class(model).parameter_defaults()
        self._effort = next((name for name in EFFORT if name in known), None)

    @property
    def n_steps(self) -> int:
        """How many steps there are."""
        return (self._effort is not None) + 1 + (len(self._splits) > 1)

    def value(self, point: Point, before: Sequence[float]) -> float:
        """Return the objective of a setting after its next step.

        Parameters
        ----------
        point : mapping
            Parameters of the model, and "features".
        before : sequence of float
            The values of the steps before.

        Raises
        ------
        FitError
            If the model cannot be fitted so, or the value is no number.
        """
        full = 0 if self._effort is None else 1
        if len(before) < full:
            found = self._on_split(0, point, SHORT)
        elif len(before) == full:
            found = self._on_split(0, point)
        else:
            others = range(1, len(self._splits))
            found = float(np.mean([before[-1], *(self._on_split(one, point) for one in others)]))
        if not math.isfinite(found):
            raise FitError(f"{self._objective} is {found}")
        return found

    def _on_split(self, number: int, point: Point, share: float = 1.0) -> float:
        model = self._fitted(number, point, share)
        return self._objective.value(model, self._splits[number], self._num_threads)

    def _fitted(self, number: int, point: Point, share: float) -> Recommender:
        """Fit a model on a split with a share of its iterations."""
        params: dict[str, Any] = {**self._common, **point}
        blocks = blocks_of(params.pop(FEATURES, OFFERED))
        given: dict[str, Any] = {}
        try:
            model = make_model(self._model, **params)
            if model.uses_item_features:
                given["item_features"] = self._side[number].of_items(blocks)
            if model.uses_user_features:
                given["user_features"] = self._side[number].of_users(blocks)
            if self._effort is not None and share < 1:
                whole = model.get_params()[self._effort]
                model.set_params(**{self._effort: max(1, math.ceil(whole * share))})
            return model.fit(self._splits[number].train, **given)
        except MissingExtraError:
            raise
        except HybridRecError as error:
            raise FitError(str(error)) from error
        except Exception as error:  # of whatever a model has inside
            raise FitError(f"{type(error).__name__}: {error}") from error


def common_params(model: str, random_state: int | None, num_threads: int) -> dict[str, Any]:
    """Return the seed and threads as far as a model has such parameters and they are given."""
    known = model_class(model).parameter_defaults()
    given = {"random_state": random_state, "num_threads": num_threads or None}
    return {name: value for name, value in given.items() if name in known and value is not None}
