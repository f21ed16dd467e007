"""The choice of a model: some are tried on held-out interactions, within a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, HybridRecError, ParameterError, first_few
from hybridrec.evaluation.selection.cut import OVERALL, WARM, ValidationCut
from hybridrec.evaluation.selection.gains import Gains
from hybridrec.evaluation.selection.presets import PRESETS, Preset, Shape
from hybridrec.features.tokens import item_facts
from hybridrec.models.checks import positive
from hybridrec.models.registry import model_class

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.selection.bench import Clock
    from hybridrec.models.base import Recommender
    from hybridrec.models.side import FeatureInput

_FEW_NEW = 0.01  # share of the catalogue


@dataclass(frozen=True)
class Tried:
    """A preset and how it did.

    Attributes
    ----------
    preset : Preset
    means : mapping of str to float
        NDCG@20 by view; empty if it was not tried.
    seconds : float
        Of its fit; expected ones if it was not tried.
    why : str
        Why it was not tried, or failed.
    skipped : bool
        Whether there was no time for it.
    """

    preset: Preset
    means: Mapping[str, float]
    seconds: float
    why: str = ""
    skipped: bool = False


@dataclass(frozen=True)
class Choice:
    """The model that was chosen, and the others.

    Attributes
    ----------
    tried : tuple of Tried
        The best first, which is chosen; those that were not tried last.
    view : str
        What decided: "overall" where the catalogue has new items, else "warm".
    reason : str
        Why this view.
    n_users : int
        How many users were measured.
    seconds : float
    """

    tried: tuple[Tried, ...]
    view: str
    reason: str
    n_users: int
    seconds: float

    @property
    def preset(self) -> Preset:
        """The model that was chosen, and its parameters."""
        return self.tried[0].preset

    def make(self, random_state: int = 0, num_threads: int = 0) -> Recommender:
        """Return the chosen model, unfitted."""
        return self.preset.make(random_state, num_threads)

    @property
    def timed(self) -> bool:
        """Whether time kept some from being tried: on another machine another may be chosen."""
        return any(one.skipped for one in self.tried)

    @property
    def verdict(self) -> str:
        """What was chosen and why, in a sentence or two."""
        best, *others = [one for one in self.tried if one.means]
        text = f"Chosen: {best.preset.label}, {self.view} {best.means[self.view]:.4f}"
        if others:
            text += f"; next {others[0].preset.label}, {others[0].means[self.view]:.4f}"
        text += f". {self.reason}."
        return text

    @property
    def lines(self) -> tuple[str, ...]:
        """What was not tried, and the verdict."""
        left = [f"{one.preset.label}: {one.why}" for one in self.tried if not one.means]
        timed = ("Time decided what was tried: with more of it the choice may differ.",)
        return (*left, self.verdict, *(timed if self.timed else ()))

    @property
    def title(self) -> str:
        """What the table shows."""
        return f"NDCG@20 on held-out interactions of {self.n_users:,} users ({self.seconds:.1f} s)"

    def __str__(self) -> str:
        measured = [one for one in self.tried if one.means]
        width = max(len(one.preset.label) for one in measured)
        head = "".join(f"{view:>11}" for view in measured[0].means)
        rows = [
            f"{one.preset.label:<{width}}"
            + "".join(f"{mean:11.4f}" for mean in one.means.values())
            + f"{one.seconds:11.1f}"
            for one in measured
        ]
        return "\n".join([self.title, f"{'':<{width}}{head}    seconds", *rows, *self.lines])


def choose_model(
    dataset: Dataset,
    *,
    item_features: FeatureInput = None,
    user_features: FeatureInput = None,
    seconds: float = 300.0,
    presets: Sequence[Preset] = PRESETS,
    cut: ValidationCut | None = None,
    random_state: int = 0,
    num_threads: int = 0,
    clock: Clock = time.monotonic,
) -> Choice:
    """Try some models on held-out interactions and return which is best.

    The candidates are the `presets` that suit the size of the data, the fastest first. What
    counts is NDCG@20: where one item in a hundred or more of the catalogue is new (no
    interactions, but side information), of one list of known and held-out items, else of known
    items alone.

    Parameters
    ----------
    dataset : Dataset
        Nothing else is looked at.
    item_features, user_features
        As in `Recommender.fit`; if some are given, only models that use them are tried.
    seconds : float, default 300
        A model is tried if fitting it here and again on all data is expected to end in time,
        after what is known of those before; the first is tried in any case.
    presets : sequence of Preset
        By default `hybridrec.evaluation.selection.presets.PRESETS`.
    cut : ValidationCut, optional
        By default `ValidationCut.of` the data with ``random_state``.
    random_state : int, default 0
        Of what is held out and of the models; the same gives the same, unless time decides.
    num_threads : int, default 0
    clock : callable
        Returns seconds.

    Raises
    ------
    DataError
        If there is too little data to hold any out.
    ParameterError
        If no model can be fitted.
    """
    positive(seconds=seconds)
    started = clock()
    cut = cut or _cut(dataset, random_state)
    given = {"item_features": item_features, "user_features": user_features}
    trial = _Trial(cut, given, random_state, num_threads, clock)
    shape = Shape.of(cut.train)
    candidates = [one for one in presets if one.suits(shape) and _takes(one.model, given)]
    tried: list[Tried] = []
    for preset in sorted(candidates, key=lambda one: one.seconds(shape)):
        expected = preset.seconds(shape) * _slower(tried, shape)
        left = seconds - (clock() - started)
        if tried and 2 * expected > left:
            why = f"not tried: about {expected:.0f} s a fit, {max(left, 0):.0f} s left"
            tried.append(Tried(preset, {}, expected, why, skipped=True))
        else:
            tried.append(trial(preset))
    view, reason = _deciding(dataset, cut, item_features)
    ranked = sorted(tried, key=lambda one: -one.means.get(view, -1.0))
    if not ranked or not ranked[0].means:
        why = first_few(f"{one.preset.label}: {one.why}" for one in tried) or "no candidate"
        raise ParameterError(f"no model can be fitted on this data ({why})")
    n_users = len(cut.views[view].test_users)
    return Choice(tuple(ranked), view, reason, n_users, clock() - started)


def _cut(dataset: Dataset, random_state: int) -> ValidationCut:
    try:
        return ValidationCut.of(dataset, random_state=random_state)
    except DataError as error:
        raise DataError(f"too little data to choose a model on ({error}); name one") from error


def features_for(model: type[Recommender], given: Mapping[str, FeatureInput]) -> dict[str, Any]:
    """Return the side information that a model is fitted with: none where it uses none."""
    uses = {"item_features": model.uses_item_features, "user_features": model.uses_user_features}
    return {name: features if uses[name] else None for name, features in given.items()}


@dataclass(frozen=True)
class _Trial:
    """Fits a preset on a cut and measures it."""

    cut: ValidationCut
    given: Mapping[str, FeatureInput]
    random_state: int
    num_threads: int
    clock: Clock

    def __call__(self, preset: Preset) -> Tried:
        start = self.clock()
        model = preset.make(self.random_state, self.num_threads)
        try:
            fitted = model.fit(self.cut.train, **features_for(type(model), self.given))
        except HybridRecError as error:
            return Tried(preset, {}, self.clock() - start, f"cannot be fitted: {error}")
        seconds = self.clock() - start
        means = {
            view: Gains.of(fitted, split, self.num_threads).mean
            for view, split in self.cut.views.items()
        }
        return Tried(preset, means, seconds)


def _takes(model: str, given: Mapping[str, FeatureInput]) -> bool:
    """Tell whether a model uses all side information that was given."""
    used = features_for(model_class(model), given)
    return all(left_open(features) or used[name] is features for name, features in given.items())


def left_open(features: FeatureInput) -> bool:
    """Tell whether no side information is named: it is left to the data, or is to be none."""
    return features is None or (isinstance(features, Sequence) and len(features) == 0)


def _slower(tried: Sequence[Tried], shape: Shape) -> float:
    """Return how much longer fits take here than was expected.

    The least of those before tells: first fits may compile kernels or read packages.
    """
    found = [one.seconds / one.preset.seconds(shape) for one in tried if one.means]
    return min(found, default=1.0)


def _deciding(dataset: Dataset, cut: ValidationCut, item_features: FeatureInput) -> tuple[str, str]:
    """Return the view that decides, and why."""
    new = int((_described(dataset) & (dataset.matrix.getnnz(axis=0) == 0)).sum())
    asked_for_none = item_features is not None and left_open(item_features)
    if WARM in cut.views and (asked_for_none or new < _FEW_NEW * len(dataset.items)):
        return WARM, "Known items decide: few are new and described"
    return OVERALL, (
        f"Lists of known and new items decide: {new:,} of {len(dataset.items):,} items are new and"
        " described"
    )


def _described(dataset: Dataset) -> np.ndarray:
    """Return which items have side information, bool (n_items,)."""
    described = np.zeros(len(dataset.items), dtype=bool)
    if dataset.knowledge is not None:
        described[item_facts(dataset, dataset.knowledge).rows] = True
    if dataset.item_table is not None:
        described |= dataset.item_table.notna().any(axis=1).to_numpy()
    return described
