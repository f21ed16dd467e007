"""One call from data to a fitted model: the model chosen, its side information guarded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection.auto import Choice, choose_model, features_for, left_open
from hybridrec.evaluation.selection.guard import guarded_fit
from hybridrec.evaluation.tuning.measure import common_params
from hybridrec.models.base import Recommender
from hybridrec.models.checks import positive
from hybridrec.models.registry import make_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hybridrec.evaluation.selection.bench import Clock
    from hybridrec.evaluation.selection.report import GuardReport
    from hybridrec.models.side import FeatureInput

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class FitResult:
    """A fitted model, and what was found on the way; ``print`` shows the latter.

    Attributes
    ----------
    model : Recommender
        Fitted on all data.
    choice : Choice or None
        The models that were tried, where one was to be chosen.
    guard : GuardReport or None
        What the side information does, where there is any and the model uses it.
    """

    model: Recommender
    choice: Choice | None = None
    guard: GuardReport | None = None

    def __str__(self) -> str:
        parts = [str(part) for part in (self.choice, self.guard) if part is not None]
        return "\n\n".join([*parts, repr(self.model)])


def fit(
    data: Dataset | Any,
    model: str | Recommender = AUTO,
    *,
    params: Mapping[str, Any] | None = None,
    item_features: FeatureInput = None,
    user_features: FeatureInput = None,
    guard: bool = True,
    seconds: float = 300.0,
    random_state: int = 0,
    num_threads: int = 0,
    clock: Clock = time.monotonic,
) -> FitResult:
    """Choose a model, find out which side information helps it, and fit it on all data.

    Parameters
    ----------
    data : Dataset, Interactions or data frame
    model : str or Recommender, default "auto"
        A name in `hybridrec.models.registry.MODELS`, an unfitted model, or "auto": the best of
        some on held-out interactions, see `choose_model`.
    params : mapping, optional
        Parameters of a model given by name.
    item_features, user_features : FeaturePipeline, Features or sequence of str, optional
        Side information. By default what the data offers, as far as it helps; what is named
        here is used whether it helps or not.
    guard : bool, default True
        Whether to find out what the side information does, see `guarded_fit`.
    seconds : float, default 300
        For choosing and judging together; the fit on all data comes after it.
    random_state : int, default 0
        Of the models and of what is held out.
    num_threads : int, default 0
        0 leaves the models their default, all.
    clock : callable
        Returns seconds.

    Returns
    -------
    FitResult

    Raises
    ------
    ParameterError
        If a name or value makes no sense.
    DataError
        If there is too little data to fit on, or for "auto" to hold any out.

    Examples
    --------
    >>> found = hybridrec.fit(hybridrec.load_dataset("movielens-small"))
    >>> print(found)
    >>> found.model.recommend(users=[1, 2], k=10)
    """
    positive(seconds=seconds)
    if params and not (isinstance(model, str) and model != AUTO):
        raise ParameterError("params belong to a model given by name")
    dataset = data if isinstance(data, Dataset) else Dataset.build(data)
    started, choice = clock(), None
    given: dict[str, Any] = {"item_features": item_features, "user_features": user_features}
    common: dict[str, Any] = {"random_state": random_state, "num_threads": num_threads}
    if isinstance(model, Recommender):
        made = model
    elif model == AUTO:
        choice = choose_model(dataset, **given, **common, seconds=seconds, clock=clock)
        made = choice.make(random_state, num_threads)
        given = features_for(type(made), given)
    else:
        made = make_model(model, **{**common_params(model, **common), **(params or {})})
    if not guard:
        return FitResult(made.fit(dataset, **given), choice)
    found = guarded_fit(
        made,
        dataset,
        **given,
        **common,
        switch=all(left_open(one) for one in given.values()),
        seconds=max(seconds - (clock() - started), 0.0),
        clock=clock,
    )
    return FitResult(found.model, choice, found.report)
