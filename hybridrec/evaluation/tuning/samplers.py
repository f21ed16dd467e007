"""Which setting to try next: at random, or by what the trials so far have shown."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from hybridrec.errors import MissingExtraError, ParameterError, did_you_mean
from hybridrec.evaluation.tuning.ranges import Domain, Point, Range, Space, contains
from hybridrec.evaluation.tuning.trials import Trial
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    import numpy as np

SamplerName: TypeAlias = Literal["auto", "random", "optuna"]

_STREAM = zlib.crc32(b"tuning")
_LARGEST_SEED = 2**32
_DRAWS = 1000  # after so many repeats, so be it
_FIRST = 10  # trials after the defaults, before there is something to learn from


class Sampler(Protocol):
    """Chooses settings; knows nothing but what it is told, so that a search can be taken up."""

    def suggest(self, number: int, trials: Sequence[Trial]) -> Point:
        """Return the setting of a trial, given all trials before it; one that is new."""
        ...


class RandomSampler:
    """Random search (Bergstra & Bengio 2012) from the defaults, without repeats.

    A setting differs from the defaults in one to all parameters, every number being as likely.
    Defaults are good already: settings that differ in all of many parameters hardly ever come up
    to them.

    Parameters
    ----------
    space : mapping of str to Domain
    default : mapping of str to value
        A value beyond the space is not used.
    random_state : int
    """

    def __init__(self, space: Space, default: Point, random_state: int) -> None:
        self._space, self._default, self._random_state = space, default, random_state

    def suggest(self, number: int, trials: Sequence[Trial]) -> Point:
        """Draw from the random stream of the trial until the setting is new."""
        tried = [trial.point for trial in trials]
        stream = random_stream(self._random_state, _STREAM, number)
        for _ in range(_DRAWS):
            point = self._drawn(stream)
            if point not in tried:
                break
        return point

    def _drawn(self, stream: np.random.Generator) -> Point:
        n = len(self._space)
        changed = stream.permutation(n) < stream.integers(1, n + 1)
        values = stream.random(n)
        return {
            name: domain.at(float(values[at]))
            if changed[at] or self._default[name] not in domain
            else self._default[name]
            for at, (name, domain) in enumerate(self._space.items())
        }


class OptunaSampler:
    """Tree-structured Parzen estimator (Bergstra et al. 2011), as optuna has it.

    The first ten suggestions are those of `RandomSampler`.

    Every suggestion comes from a new study that is told all trials before: the same trials and
    ``random_state`` give the same suggestion, whether they ran just now or were read from a file.

    Parameters
    ----------
    space, default, random_state
        As in `RandomSampler`.
    lower : bool
        Whether lower values of the metric are better.
    """

    def __init__(self, space: Space, default: Point, random_state: int, *, lower: bool) -> None:
        _optuna()
        self._at_random = RandomSampler(space, default, random_state)
        self._space, self._random_state, self._lower = space, random_state, lower

    def suggest(self, number: int, trials: Sequence[Trial]) -> Point:
        """Ask a study for a setting; where it repeats one, draw at random."""
        if number > _FIRST:
            point = self._learnt(number, trials)
            if all(trial.point != point for trial in trials):
                return point
        return self._at_random.suggest(number, trials)

    def _learnt(self, number: int, trials: Sequence[Trial]) -> Point:
        optuna = _optuna()
        seed = int(random_stream(self._random_state, _STREAM, number).integers(_LARGEST_SEED))
        distributions = {name: _distribution(one) for name, one in self._space.items()}
        with _quiet(optuna):
            study = optuna.create_study(
                sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=1),
                direction="minimize" if self._lower else "maximize",
            )
            study.add_trials(self._told(trials, distributions))
            found = study.ask(distributions).params
        return {name: _plain(domain, found[name]) for name, domain in self._space.items()}

    def _told(self, trials: Sequence[Trial], distributions: dict[str, Any]) -> list[Any]:
        """Return trials as optuna knows them; defaults beyond the space mean nothing to it.

        A trial that failed is one that was given up before it showed anything.
        """
        of_optuna = _optuna().trial
        states = of_optuna.TrialState
        return [
            of_optuna.create_trial(
                state=states.COMPLETE if trial.state == "complete" else states.PRUNED,
                value=trial.value,
                params=dict(trial.point),
                distributions=distributions,
                intermediate_values={}
                if trial.state == "failed"
                else dict(enumerate(trial.values)),
            )
            for trial in trials
            if contains(self._space, trial.point)
        ]


def make_sampler(
    name: str, space: Space, default: Point, random_state: int, *, lower: bool
) -> Sampler:
    """Return a sampler by name.

    Raises
    ------
    MissingExtraError
        If optuna is asked for and not installed.
    """
    if name == "optuna":
        return OptunaSampler(space, default, random_state, lower=lower)
    return RandomSampler(space, default, random_state)


def resolve_sampler(name: str, before: str | None) -> str:
    """Return "random" or "optuna": for "auto" as ``before``, if so, else optuna if it is there.

    Raises
    ------
    ParameterError
        If there is no such sampler.
    """
    known = ("auto", "random", "optuna")
    if name not in known:
        raise ParameterError(
            f"sampler must be one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}"
        )
    if name != "auto":
        return name
    if before is not None:
        return before
    try:
        _optuna()
    except MissingExtraError:
        return "random"
    return "optuna"


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError("optuna", "tune", error) from error
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Keep optuna from telling about every study; the settings of the host are put back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _distribution(domain: Domain) -> Any:
    kinds = _optuna().distributions
    if not isinstance(domain, Range):
        return kinds.CategoricalDistribution(domain.values)
    kind = kinds.IntDistribution if domain.whole else kinds.FloatDistribution
    return kind(domain.low, domain.high, log=domain.log)


def _plain(domain: Domain, value: Any) -> Any:
    return domain.nearest(value) if isinstance(domain, Range) else value
