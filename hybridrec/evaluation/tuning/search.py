"""The search for parameters: trial after trial, each given up as soon as it falls behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hybridrec.errors import ParameterError
from hybridrec.evaluation.splits import Split
from hybridrec.evaluation.tuning.measure import FitError, Measurement
from hybridrec.evaluation.tuning.objective import Objective
from hybridrec.evaluation.tuning.ranges import Point, Space, as_value, contains
from hybridrec.evaluation.tuning.result import TuningResult, fingerprint_of
from hybridrec.evaluation.tuning.samplers import (
    Sampler,
    SamplerName,
    make_sampler,
    resolve_sampler,
)
from hybridrec.evaluation.tuning.side import blocks_text, side_text
from hybridrec.evaluation.tuning.spaces import FEATURES, default_point, search_space
from hybridrec.evaluation.tuning.storage import TrialStore
from hybridrec.evaluation.tuning.trials import Trial, best_of, goes_on
from hybridrec.evaluation.tuning.validation import validation_split
from hybridrec.evaluation.tuning.view import View
from hybridrec.models.checks import positive, whole
from hybridrec.models.registry import model_class
from hybridrec.runtime import check_random_state


def tune(
    model: str,
    data: Split | Sequence[Split],
    *,
    metric: str = "ndcg",
    k: int = 20,
    on: str = "all",
    space: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    features: Sequence[str] | None = None,
    trials: int = 50,
    seconds: float | None = None,
    storage: str | os.PathLike[str] | None = None,
    random_state: int = 0,
    sampler: SamplerName = "auto",
    num_threads: int = 0,
    progress: bool = False,
) -> TuningResult:
    """Search for the parameters and feature blocks of a model that validate best.

    The test of a split is never looked at: models are fitted and measured on its training and
    validation rows only; a split without validation rows has its training rows split again, see
    `hybridrec.evaluation.tuning.validation.validation_split`. The first trial is the default
    setting, so what is chosen validates no worse.

    Trials are measured in steps, first with a third of the iterations, and given up unless they
    are among the best third of those that came so far
    (`hybridrec.evaluation.tuning.trials.goes_on`). A setting that a model refuses, or cannot be
    fitted with, is noted and passed over.

    Parameters
    ----------
    model : str
        A name in `hybridrec.models.registry.MODELS`.
    data : Split or sequence of Split
        With several splits, the mean over them counts, and only settings that do well on the
        first come to the others. Each has its own validation part; where these hold test rows of
        the others, as with the folds of a cross-validation, keep another test apart.
    metric : str, default "ndcg"
        Any metric of `hybridrec.evaluation.evaluate`, or of `evaluate_pairs` for labelled pairs
        and ratings; where lower is better, the lowest is best.
    k : int, default 20
        Cut-off.
    on : str, default "all"
        Slice of the validation that counts, such as "cold".
    space : mapping, optional
        What to search in place of the defaults in `DEFAULT_SPACES`: a list of values, or a tuple
        ``(low, high)`` or ``(low, high, "log")``, such as
        ``{"factors": [32, 64], "alpha": (1.0, 100.0, "log"), "features": [["tokens"], []]}``.
    params : mapping, optional
        Parameters that are fixed.
    features : sequence of str, optional
        Feature blocks that are fixed, none if empty. By default those that the data offers, and
        sets of some of them, are tried; walk embeddings only where ``space`` lists them.
    trials : int, default 50
        How many settings to try, those in the storage included; fewer if there are no more.
    seconds : float, optional
        Time after which no further step begins, once a trial is complete.
    storage : path, optional
        A file that trials are written to as they run. The same search goes on where it ended,
        with the outcome it would have had without the interruption.
    random_state : int, default 0
        Of the settings that are tried and of the models. The same gives the same trials, unless
        time ends them; of models that vary with many threads, see there.
    sampler : {"auto", "random", "optuna"}, default "auto"
        Random search, or optuna's TPE, which learns from the trials before; "auto" is optuna if
        it is installed (``pip install 'hybridrec[tune]'``).
    num_threads : int, default 0
        Of the models; 0 leaves them their defaults, which is all threads for most.
    progress : bool, default False
        Show on a terminal how it goes.

    Returns
    -------
    TuningResult
        ``params``, ``features``, ``value``; ``fit`` and ``save``.

    Raises
    ------
    ParameterError
        If a name, value or space makes no sense, the model has nothing to tune, the storage
        holds another search, or all trials fail.
    MissingExtraError
        If optuna is asked for, or a model needs a package, and it is not installed.

    Examples
    --------
    >>> split = cold_items(dataset, random_state=0)
    >>> found = tune("hybrid-als", split, trials=40, storage="search.db")
    >>> evaluate(found.fit(split.train), split)
    """
    started = time.monotonic()
    whole(trials=trials)
    if seconds is not None:
        positive(seconds=seconds)
    check_random_state(random_state)
    objective = Objective(metric, k, on)
    splits = (data,) if isinstance(data, Split) else tuple(data)
    if not splits:
        raise ParameterError("tune needs at least one split")
    fixed = _fixed(model, params, features)
    validation = tuple(validation_split(split) for split in splits)
    searched = search_space(model, validation, space, fixed)
    default = default_point(model, validation, searched)
    about = {
        "model": model,
        **asdict(objective),
        "random_state": random_state,
        "the validation split": fingerprint_of(validation),
        "the side information": side_text(model_class(model), validation[0].train),
        **{f"the fixed {name}": value for name, value in fixed.items()},
        **{f"the space of {name}": str(domain) for name, domain in searched.items()},
    }
    with TrialStore(None if storage is None else Path(storage)) as store:
        chosen = resolve_sampler(sampler, store.about.get("sampler"))
        store.claim({**about, "sampler": chosen})
        search = _Search(
            store,
            searched,
            default,
            fixed,
            make_sampler(chosen, searched, default, random_state, lower=objective.lower),
            Measurement(
                *(model, validation, objective), random_state=random_state, num_threads=num_threads
            ),
            objective.lower,
            None if seconds is None else started + seconds,
        )
        view = View(f"{model}, {objective}", store, trials, search.deadline, objective.lower)
        with view.shown(progress) as changed:
            search.run(trials, changed)
        history = tuple(store.trials)
    if not best_of(history, lower=objective.lower):
        raise ParameterError(f"all {len(history)} trials failed; the first: {history[0].error}")
    return TuningResult(model, objective, fixed, history, splits, validation)


@dataclass(frozen=True)
class _Search:
    """A search that may have been under way before."""

    store: TrialStore
    space: Space
    default: Point
    fixed: Point
    sampler: Sampler
    measurement: Measurement
    lower: bool
    deadline: float | None

    def run(self, trials: int, changed: Callable[[], None]) -> None:
        """Finish the trial that was interrupted, and run further ones."""
        for trial in self.store.trials:
            if trial.state == "unfinished":
                self._finish(trial, changed)
        while len(self.store.trials) < trials and not self._time_is_up() and not self._exhausted():
            done = self.store.trials
            point = self.sampler.suggest(len(done), done) if done else self.default
            self._finish(self.store.begin(point), changed)

    def _finish(self, trial: Trial, changed: Callable[[], None]) -> None:
        """Measure a trial until it is complete, stopped or failed, or time is up."""
        while trial.state == "unfinished":
            changed()
            if len(trial.values) == self.measurement.n_steps:
                trial = self.store.change(trial, state="complete")
            elif trial.values and not self._goes_on(trial):
                trial = self.store.change(trial, state="stopped")
            elif self._time_is_up():
                return
            else:
                trial = self._step(trial)
        changed()

    def _goes_on(self, trial: Trial) -> bool:
        return goes_on(trial, self.store.trials[: trial.number], lower=self.lower)

    def _step(self, trial: Trial) -> Trial:
        start = time.monotonic()
        changes: dict[str, Any]
        try:
            value = self.measurement.value({**self.fixed, **trial.point}, trial.values)
            changes = {"values": (*trial.values, value)}
        except FitError as error:
            changes = {"state": "failed", "error": str(error)}
        seconds = trial.seconds + time.monotonic() - start
        return self.store.change(trial, seconds=seconds, **changes)

    def _time_is_up(self) -> bool:
        """Tell whether to stop: not before there is something to return."""
        if self.deadline is None or time.monotonic() < self.deadline:
            return False
        return any(trial.state == "complete" for trial in self.store.trials)

    def _exhausted(self) -> bool:
        """Tell whether every setting of the space was tried."""
        size = 1.0
        for domain in self.space.values():
            size *= domain.size
        return size <= sum(contains(self.space, trial.point) for trial in self.store.trials)


def _fixed(
    model: str, params: Mapping[str, Any] | None, features: Sequence[str] | None
) -> dict[str, Any]:
    """Return what is not searched; feature blocks as one text."""
    fixed = {name: as_value(value) for name, value in (params or {}).items()}
    if features is None:
        return fixed
    if not model_class(model).uses_item_features:
        raise ParameterError(f"{model} does not use features")
    return {**fixed, FEATURES: blocks_text(features)}
