"""Replay: a model lives through a data set in the order of time, and is tested on what comes next.

Prequential evaluation (Gama, Sebastião & Rodrigues, "On evaluating stream learning algorithms",
Machine Learning 2013; for recommenders Vinagre, Jorge & Gama 2014): every window of events is
first a test, then something to learn from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybridrec.dataset.cleaning import clean
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import make_frame
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.recency import SECONDS_PER_DAY
from hybridrec.errors import DataError, ParameterError, did_you_mean
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.measured import Evaluation
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.splits.pairs import check_count, check_fraction
from hybridrec.evaluation.splits.split import Split
from hybridrec.models.update import update_model

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

Fit: TypeAlias = "Callable[[Dataset], Recommender]"
Advise: TypeAlias = "Callable[[Recommender, Interactions], bool]"

STRATEGIES = ("static", "update", "refit", "advised")
PARTS = ("returning", "new users", "recent items")
LEAST_ROWS = 2  # in a window, on either side


@dataclass(frozen=True)
class Window:
    """A stretch of time.

    Attributes
    ----------
    number : int
        From 1.
    start, end : float
        Times of its first and last event.
    events : int
    unheard : int
        Events with an item that nobody had before, which no list can hold but by features: they
        are learned from, and not tested.
    """

    number: int
    start: float
    end: float
    events: int
    unheard: int


@dataclass(frozen=True)
class Step:
    """What a strategy did after the test on a window.

    Attributes
    ----------
    window : int
    strategy : str
    refit : bool
        Whether it fitted again; else it folded the events in, or did nothing.
    seconds : float
        Of the CPU.
    """

    window: int
    strategy: str
    refit: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class Replay:
    """The result of `replay`.

    Attributes
    ----------
    windows : tuple of Window
    steps : tuple of Step
        One for every window and strategy.
    fit_seconds : float
        Of the CPU, for the first fit.
    parts : dict of str to Comparison
        The strategies side by side, the number of the window as seed: "returning" is over users
        who had something before the window, "new users" over the others, "recent items" over
        returning users and the items that came after the first fit. A part without tests is left
        out.
    """

    windows: tuple[Window, ...]
    steps: tuple[Step, ...]
    fit_seconds: float
    parts: dict[str, Comparison]

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies as they were named."""
        return tuple(dict.fromkeys(step.strategy for step in self.steps))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for every part, window, strategy and metric."""
        steps = {(step.window, step.strategy): step for step in self.steps}
        windows = {window.number: window for window in self.windows}
        for part, found in self.parts.items():
            for one in found.evaluations:
                assert one.seed is not None
                window, step = windows[one.seed], steps[one.seed, one.model]
                for metric, k in one.user_columns:
                    yield {
                        "part": part,
                        "window": window.number,
                        "start": window.start,
                        "end": window.end,
                        "events": window.events,
                        "strategy": one.model,
                        "metric": metric,
                        "k": k,
                        "value": one.mean(metric, k),
                        "n_users": len(one.slices["all"].users),
                        "refit": step.refit,
                        "seconds": step.seconds,
                    }

    @property
    def frame(self) -> Any:
        """The `rows` as a data frame of the library of the interactions."""
        rows = list(self.rows())
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return make_frame(columns, self.parts["returning"].evaluations[0].backend)

    def cost(self, strategy: str) -> tuple[int, float]:
        """Return how often a strategy fitted again, and the seconds of all its learning."""
        own = [step for step in self.steps if step.strategy == strategy]
        return sum(step.refit for step in own), sum(step.seconds for step in own)


def replay(
    dataset: Dataset,
    fit: Fit,
    *,
    strategies: Sequence[str] = ("static", "update", "refit"),
    windows: int = 10,
    days: float | None = None,
    first: float = 0.5,
    advise: Advise | None = None,
    metrics: Sequence[str] = ("ndcg", "recall"),
    k: int | Sequence[int] = 10,
    num_threads: int = 0,
) -> Replay:
    """Test a model on every window of time, then let it learn from the window.

    All strategies begin with the same fit on the first events. Then every window is a test for
    lists made before it; of a repeated pair of user and item, only the first row counts. What a
    user had before the window never stands in a list, whether the strategy has learned it or not.

    Parameters
    ----------
    dataset : Dataset
        With timestamps.
    fit : callable
        From a `Dataset` to a fitted model.
    strategies : sequence of str
        "static" never learns again; "update" folds every window in; "refit" fits again after
        every window, "refit:3" after every third, and folds the others in; "advised" fits again
        when ``advise`` says so.
    windows : int, default 10
        With as many events each as the times allow.
    days : float, optional
        Length of all windows instead; their number follows.
    first : float, default 0.5
        Share of the events before the first window.
    advise : callable, optional
        From a model and the events it has not learned from to whether to fit again.
    metrics, k, num_threads
        As in `hybridrec.evaluation.evaluate`; metrics with a value per user.

    Raises
    ------
    ParameterError
        If a parameter makes no sense.
    DataError
        If there are no timestamps, or too few different ones.
    """
    plans = [_plan(name, advise) for name in dict.fromkeys(strategies)]
    if not plans:
        raise ParameterError(f"replay needs a strategy: {', '.join(STRATEGIES)}")
    dataset = _in_time(dataset)
    edges = _edges(dataset.interactions, windows, days, first)
    rows = dataset.interactions
    start = time.process_time()
    model = fit(dataset.with_interactions(rows.take(np.arange(edges[0]))))
    fit_seconds = time.process_time() - start
    models = {plan.name: copied(model) for plan in plans}
    asked: dict[str, Any] = {"metrics": metrics, "k": k, "num_threads": num_threads}
    early = np.bincount(rows.item_codes[: edges[0]], minlength=len(rows.items)) > 0
    found: list[Window] = []
    steps: list[Step] = []
    evaluations: dict[str, list[Evaluation]] = {part: [] for part in PARTS}
    for number, (begin, end) in enumerate(pairwise(edges), 1):
        past = dataset.with_interactions(rows.take(np.arange(begin)))
        news = rows.take(np.arange(begin, end))
        splits, unheard = _tests(past, news, early, number)
        for part, split in splits.items():
            evaluations[part] += [
                evaluate(_served(models[name], split), split, name=name, seed=number, **asked)
                for name in models
            ]
        assert news.timestamps is not None
        span = float(news.timestamps[0]), float(news.timestamps[-1])
        found.append(Window(number, *span, end - begin, unheard))
        for plan in plans:
            start = time.process_time()
            again = plan.fits_again(number, models[plan.name], news)
            if again:
                grown = rows.take(np.arange(end))
                models[plan.name] = fit(dataset.with_interactions(grown))
            elif plan.name != "static":
                update_model(models[plan.name], news, duplicates="first")
            steps.append(Step(number, plan.name, again, time.process_time() - start))
    parts = {part: Comparison(some) for part, some in evaluations.items() if some}
    if "returning" not in parts:
        raise DataError(
            "replay: no user of a window had anything before it; give more events before the"
            " first window, or longer windows"
        )
    return Replay(tuple(found), tuple(steps), fit_seconds, parts)


@dataclass(frozen=True)
class _Plan:
    """When a strategy fits again."""

    name: str
    every: int
    advise: Advise | None

    def fits_again(self, window: int, model: Recommender, news: Interactions) -> bool:
        if self.advise is not None:
            return bool(self.advise(model, news))
        return self.every > 0 and window % self.every == 0


def _plan(name: str, advise: Advise | None) -> _Plan:
    kind, colon, number = name.partition(":")
    if kind not in STRATEGIES or (colon and kind != "refit"):
        raise ParameterError(
            f"unknown strategy {name!r}{did_you_mean(kind, STRATEGIES)} (there are static, update,"
            " refit, refit:3 for every third window, and advised)"
        )
    if kind == "advised":
        if advise is None:
            raise ParameterError(
                "the strategy 'advised' needs advise=, such as"
                " lambda model, events: should_refit(model, events).refit"
            )
        return _Plan(name, 0, advise)
    if colon and not (number.isdecimal() and int(number) > 0):
        raise ParameterError(f"{name!r}: after refit: stands the number of windows, such as 3")
    return _Plan(name, int(number or 1) if kind == "refit" else 0, None)


def _in_time(dataset: Dataset) -> Dataset:
    """Return the data set with the first row of every pair, in the order of time."""
    if dataset.interactions.timestamps is None:
        raise DataError("replay needs interactions with a timestamp column")
    rows, _ = clean(dataset.interactions, duplicates="first")
    assert rows.timestamps is not None
    return dataset.with_interactions(rows.take(np.argsort(rows.timestamps, kind="stable")))


def _edges(rows: Interactions, windows: int, days: float | None, first: float) -> list[int]:
    """Return where windows begin, and where the last one ends; rows of a time stay together."""
    check_fraction("first", first)
    times = rows.timestamps
    assert times is not None
    begin = int(np.searchsorted(times, times[int(len(times) * first)]))
    if days is None:
        check_count("windows", windows, 1)
        wanted = np.linspace(begin, len(times), windows + 1)[1:-1].astype(int)
        inner = np.searchsorted(times, times[wanted]) if windows > 1 else wanted
    else:
        if isinstance(days, bool) or not 0 < days < np.inf:
            raise ParameterError(f"days must be a positive number, got {days!r}")
        moments = np.arange(times[begin], times[-1], days * SECONDS_PER_DAY)[1:]
        inner = np.searchsorted(times, moments)
    edges = [begin, *np.asarray(inner).tolist(), len(times)]
    kept = [edges[0]]
    for edge in edges[1:]:
        if edge - kept[-1] >= LEAST_ROWS:
            kept.append(edge)
    kept[-1] = len(times) if len(kept) > 1 else kept[-1]
    if begin < LEAST_ROWS or len(kept) < 2 or (days is None and len(kept) != windows + 1):
        raise DataError(
            f"replay: {len(np.unique(times))} different times do not make"
            f" {'windows' if days else f'{windows} windows'} after {first:g} of the events;"
            " ask for fewer or longer ones"
        )
    return kept


def _tests(
    past: Dataset, news: Interactions, early: np.ndarray, number: int
) -> tuple[dict[str, Split], int]:
    """Return what is asked of a window, and the number of events with an item nobody had."""
    had = np.diff(past.matrix.indptr) > 0
    heard = past.matrix.getnnz(axis=0) > 0
    returning, known = had[news.user_codes], heard[news.item_codes]
    chosen = (returning & known, ~returning & known, returning & known & ~early[news.item_codes])
    splits = {
        part: Split("replay", {"window": number}, past, news.take(rows))
        for part, rows in zip(PARTS, chosen, strict=True)
        if rows.any()
    }
    return splits, int(np.count_nonzero(~known))


def _served(model: Recommender, split: Split) -> Recommender:
    """Return a model that lists nothing its users are known to have, learned or not."""
    served = copy(model)
    served.hidden_ = split.seen
    return served


def copied(model: Recommender) -> Recommender:
    """Return a model that can be updated while the other stays: parts are never changed."""
    one = copy(model)
    vars(one).pop("_kept", None)
    one.members_ = tuple(copied(member) for member in model.members_)
    return one
