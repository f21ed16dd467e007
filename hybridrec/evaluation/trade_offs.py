"""What re-ranking costs: accuracy against the aim of a re-ranker, weight by weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import make_frame
from hybridrec.errors import ParameterError
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.measured import Column, Evaluation
from hybridrec.evaluation.metrics import METRICS, Context
from hybridrec.evaluation.splits.split import Split
from hybridrec.ranking.catalogue import Catalogue
from hybridrec.ranking.rerank import (
    Calibrated,
    FairExposure,
    PopularityDamping,
    Reranker,
    parse_reranker,
)
from hybridrec.ranking.rerank.diverse import Diverse
from hybridrec.ranking.texts import value_text

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Aim:
    """What a re-ranker wants beside accuracy.

    Attributes
    ----------
    metric : str
        What measures it.
    by : str
        The feature block, or the column or kind of groups, that it is about; "" for the best
        block the model has, and where there is nothing to choose.
    """

    metric: str
    by: str = ""


@dataclass(frozen=True, eq=False)
class TradeOff:
    """A model with one re-ranker, over its weights.

    Attributes
    ----------
    model : str
    reranker : str
        As texts write it, without its weight, such as "mmr" or "mmr:block=tokens".
    chosen : float
        The weight it was given with.
    aim : Aim
    evaluations : mapping of float to tuple of Evaluation
        By weight, ascending from 0, the model's own order; one for each seed.
    """

    model: str
    reranker: str
    chosen: float
    aim: Aim
    evaluations: Mapping[float, tuple[Evaluation, ...]]

    def means(self, metric: str, k: int) -> np.ndarray:
        """Return the means over users, float64 (seeds, weights)."""
        found = [[one.mean(metric, k) for one in same] for same in self.evaluations.values()]
        return np.array(found).T


@dataclass(frozen=True, eq=False)
class TradeOffs:
    """The result of `trade_off`.

    Attributes
    ----------
    metric : str
        Of accuracy.
    k : int
    curves : tuple of TradeOff
        One for each model and re-ranker.
    """

    metric: str
    k: int
    curves: tuple[TradeOff, ...]

    @classmethod
    def over(cls, parts: Iterable[TradeOffs]) -> TradeOffs:
        """Join the trade-offs of several models, and of several splits, one per seed."""
        parts = list(parts)
        if len({(one.metric, one.k) for one in parts}) != 1:
            raise ParameterError("only trade-offs of one metric at one cut-off can be joined")
        joined: dict[tuple[str, str], TradeOff] = {}
        for curve in (curve for part in parts for curve in part.curves):
            key = (curve.model, curve.reranker)
            joined[key] = _joined(joined[key], curve) if key in joined else curve
        return cls(parts[0].metric, parts[0].k, tuple(joined.values()))

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was measured, as (metric, k): accuracy, and all aims."""
        metrics = (self.metric, *(curve.aim.metric for curve in self.curves))
        return tuple((metric, self.k) for metric in dict.fromkeys(metrics))

    @property
    def frame(self) -> Any:
        """Means over seeds, a row a weight: a frame of the library of the split's interactions.

        Columns ``model, rerank, weight, chosen, accuracy, aim, value``.
        """
        rows = [row for curve in self.curves for row in self._rows(curve)]
        names = ("model", "rerank", "weight", "chosen", "accuracy", "aim", "value")
        (first, *_), *_ = self.curves[0].evaluations.values()
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        return make_frame(columns, first.backend)

    def summary(self, confidence: float | None = None) -> list[dict[str, Any]]:
        """Return the rows of every `Evaluation.summary`, with ``rerank`` and ``weight`` added."""
        return [
            {**row, "rerank": curve.reranker, "weight": weight}
            for curve in self.curves
            for weight, evaluations in curve.evaluations.items()
            for one in evaluations
            for row in one.summary(confidence)
        ]

    def _rows(self, curve: TradeOff) -> Iterable[tuple[Any, ...]]:
        accuracy = curve.means(self.metric, self.k).mean(axis=0).tolist()
        values = curve.means(curve.aim.metric, self.k).mean(axis=0).tolist()
        for weight, one, value in zip(curve.evaluations, accuracy, values, strict=True):
            chosen = weight == curve.chosen
            yield curve.model, curve.reranker, weight, chosen, one, curve.aim.metric, value


def trade_off(
    model: Recommender,
    split: Split,
    rerankers: Reranker | str | Sequence[Reranker | str],
    *,
    weights: Sequence[float] = WEIGHTS,
    k: int = 10,
    metric: str = "ndcg",
    num_threads: int = 0,
    name: str | None = None,
    seed: int | None = None,
) -> TradeOffs:
    """Measure accuracy and the aim of re-rankers at several weights.

    The aims are measured by intra-list diversity (`MMR`, `DPP`, by the vectors they use
    themselves), miscalibration (`Calibrated`), mean popularity (`PopularityDamping`) and exposure
    fairness (`FairExposure`); see `hybridrec.evaluation.metrics`.

    All is measured on the test of ``split``. To choose a weight, give a validation split
    (`hybridrec.evaluation.tuning.validation.validation_split`) and a model fitted on its training
    rows; what is chosen on the test itself looks better than it is.

    Parameters
    ----------
    model : Recommender
        Fitted on ``split.train``.
    split : Split
    rerankers : Reranker, str or sequence of these
        Texts as `hybridrec.ranking.rerank.parse_reranker` reads them. Their own weights are
        measured too, and marked as chosen.
    weights : sequence of float, default 0, 0.1, ... 0.9
        0, the model's own order, is always measured.
    k : int, default 10
    metric : str, default "ndcg"
        Of accuracy.
    num_threads : int, default 0
    name : str, optional
        Of the model in the results.
    seed : int, optional
        Number of the repeat in the results, by default the ``random_state`` of the split.

    Raises
    ------
    ParameterError
        If the metric is not one of lists, a re-ranker is given twice, a weight is out of its
        range, or the items do not have what an aim is about; otherwise as in
        `hybridrec.evaluation.evaluate`.
    """
    if metric not in METRICS:
        raise ParameterError(f"metric must be one of lists ({', '.join(METRICS)}), got {metric!r}")
    given = [rerankers] if isinstance(rerankers, (Reranker, str)) else rerankers
    made = [parse_reranker(one) if isinstance(one, str) else one for one in given]
    curves = []
    for label, reranker in labelled(made).items():
        aim, context = _aim(reranker, model.catalogue)
        chosen = float(getattr(reranker, reranker.counted_by))
        evaluations = {}
        for weight in sorted({0.0, chosen, *map(float, weights)}):
            changed: dict[str, Any] = {reranker.counted_by: weight}
            measured = evaluate(
                _Reranked(model, replace(reranker, **changed)),
                split,
                metrics=(metric, aim.metric),
                k=k,
                context=context,
                num_threads=num_threads,
                name=name,
                seed=seed,
            )
            evaluations[weight] = (measured,)
        curves.append(TradeOff(measured.model, label, chosen, aim, evaluations))
    return TradeOffs(metric, k, tuple(curves))


def labelled(rerankers: Sequence[Reranker]) -> Mapping[str, Reranker]:
    """Return re-rankers by what texts call them, without their weights.

    Raises
    ------
    ParameterError
        If there is none, or if two differ in their weights only.
    """
    found: dict[str, Reranker] = {}
    for one in rerankers:
        params = [
            f"{field.name}={value_text(getattr(one, field.name))}"
            for field in fields(one)
            if field.name != one.counted_by and getattr(one, field.name) != field.default
        ]
        label = f"{one.name}:{','.join(params)}" if params else one.name
        if label in found:
            raise ParameterError(f"{label} is given twice; all its weights are measured anyway")
        found[label] = one
    if not found:
        raise ParameterError("a trade-off needs at least one re-ranker")
    return found


class _Reranked:
    """A fitted model whose lists are ordered anew."""

    def __init__(self, model: Recommender, reranker: Reranker) -> None:
        self._model, self._reranker = model, reranker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def recommend_codes(self, user_codes: np.ndarray, k: int, **options: Any) -> Any:
        return self._model.recommend_codes(user_codes, k, rerank=self._reranker, **options)


def _aim(reranker: Reranker, catalogue: Catalogue) -> tuple[Aim, Context]:
    """Return what measures the aim of a re-ranker, and what the metric needs to know."""
    if isinstance(reranker, Diverse):
        features = catalogue.vectors(reranker.block)
        return Aim("diversity", reranker.block or ""), Context(features=features)
    if isinstance(reranker, Calibrated):
        categories = catalogue.shares(reranker.column)
        return Aim("miscalibration", reranker.column), Context(categories=categories)
    if isinstance(reranker, FairExposure):
        groups = catalogue.shares(reranker.column)
        return Aim("exposure-fairness", reranker.column or "popularity"), Context(groups=groups)
    if isinstance(reranker, PopularityDamping):
        return Aim("arp"), Context()
    raise ParameterError(f"no metric is known of what {reranker.name} aims at")


def _joined(one: TradeOff, other: TradeOff) -> TradeOff:
    if list(one.evaluations) != list(other.evaluations):
        raise ParameterError(f"{one.reranker} was not measured at the same weights everywhere")
    pairs = zip(one.evaluations.items(), other.evaluations.values(), strict=True)
    return replace(one, evaluations={weight: (*some, *more) for (weight, some), more in pairs})
