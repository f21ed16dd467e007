"""What a search found, and the file that ``hybridrec fit --params`` reads."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import make_frame
from hybridrec.errors import OutputError
from hybridrec.evaluation.splits import Split
from hybridrec.evaluation.tuning.measure import common_params
from hybridrec.evaluation.tuning.objective import Objective
from hybridrec.evaluation.tuning.ranges import Point
from hybridrec.evaluation.tuning.side import Blocks, blocks_of, user_blocks
from hybridrec.evaluation.tuning.spaces import FEATURES
from hybridrec.evaluation.tuning.trials import Trial, best_of
from hybridrec.models.registry import make_model

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.models.base import Recommender


@dataclass(frozen=True, eq=False)
class TuningResult:
    """The outcome of `hybridrec.evaluation.tuning.tune`.

    Attributes
    ----------
    model : str
        A key of `hybridrec.models.registry.MODELS`.
    objective : Objective
        The metric, cut-off and slice.
    fixed : mapping
        Parameters that were not searched, and "features" if they were not.
    history : tuple of Trial
        In the order they ran; the first is the default setting.
    splits : tuple of Split
        Those given; their tests were not looked at.
    validation : tuple of Split
        Those measured on: their tests are the validation parts.
    """

    model: str
    objective: Objective
    fixed: Point
    history: tuple[Trial, ...]
    splits: tuple[Split, ...] = field(repr=False)
    validation: tuple[Split, ...] = field(repr=False)

    @cached_property
    def ranking(self) -> tuple[Trial, ...]:
        """The complete trials, the best first."""
        return tuple(best_of(self.history, lower=self.objective.lower))

    @property
    def best(self) -> Trial:
        """The trial that was chosen."""
        return self.ranking[0]

    @property
    def value(self) -> float:
        """Its metric on the validation: too good as an estimate, since it was chosen by it."""
        return self.best.values[-1]

    @property
    def default_value(self) -> float | None:
        """The metric of the defaults on the validation, None if they cannot be fitted."""
        return self.history[0].value

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that were chosen or fixed; the others are the defaults."""
        chosen = {**self.fixed, **self.best.point}
        chosen.pop(FEATURES, None)
        return chosen

    @property
    def features(self) -> Blocks:
        """The feature blocks that were chosen or fixed, None for what the data offers."""
        text = {**self.fixed, **self.best.point}.get(FEATURES)
        return None if text is None else blocks_of(str(text))

    @property
    def trials(self) -> Any:
        """A frame with a row a trial: ``trial``, ``value``, ``state``, what was searched, ....

        Of the library the interactions came from. ``value`` is NaN unless the trial is complete;
        ``seconds`` and ``error`` come last.
        """
        values = [np.nan if one.value is None else one.value for one in self.history]
        searched = {
            name: np.array([one.point[name] for one in self.history])
            for name in self.history[0].point
        }
        return make_frame(
            {
                "trial": np.array([one.number for one in self.history]),
                "value": np.array(values),
                "state": np.array([one.state for one in self.history], dtype=object),
                **searched,
                "seconds": np.array([one.seconds for one in self.history]),
                "error": np.array([one.error for one in self.history], dtype=object),
            },
            self.splits[0].test.backend,
        )

    def fit(
        self, dataset: Dataset, *, random_state: int | None = None, num_threads: int = 0
    ) -> Recommender:
        """Fit the model with what was chosen, such as on ``split.train`` or on all data.

        Parameters
        ----------
        dataset : Dataset
        random_state : int, optional
            By default that of the model.
        num_threads : int, default 0
            0 leaves the model its default.
        """
        common = common_params(self.model, random_state, num_threads)
        model = make_model(self.model, **{**common, **self.params})
        of_users = user_blocks(self.features, dataset) if model.uses_user_features else None
        return model.fit(dataset, item_features=self.features, user_features=of_users)

    def as_dict(self) -> dict[str, Any]:
        """Return what the file holds."""
        return {
            "model": self.model,
            "params": self.params,
            "features": None if self.features is None else list(self.features),
            "metric": self.objective.metric,
            "k": self.objective.cutoff,
            "on": self.objective.on,
            "value": self.value,
            "default_value": self.default_value,
            "trials": sum(one.state != "unfinished" for one in self.history),
            "split": [_description(split) for split in self.splits],
            "fingerprint": fingerprint_of(self.validation),
            "hybridrec": version("hybridrec"),
        }

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write what was chosen to a JSON file; ``hybridrec fit --params`` reads it.

        Raises
        ------
        OutputError
            If the file exists (unless ``overwrite``) or cannot be written.
        """
        text = json.dumps(self.as_dict(), indent=2) + "\n"
        try:
            with Path(path).open("w" if overwrite else "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as error:
            raise OutputError(
                f"{path} already exists; choose another name, or overwrite"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def fingerprint_of(splits: tuple[Split, ...]) -> str:
    """Return the fingerprint of a split, or one for several."""
    if len(splits) == 1:
        return splits[0].fingerprint
    return hashlib.sha256(" ".join(one.fingerprint for one in splits).encode()).hexdigest()


def _description(split: Split) -> Mapping[str, Any]:
    return {"name": split.name, "params": dict(split.params)}
