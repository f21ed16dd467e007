"""What an evaluation measures: metrics, cut-offs, slices, candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.options import COUNT, Command, gathered
from hybridrec.dataset.readers import read_interactions
from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.evaluation import Comparison, Evaluation, evaluate, evaluate_pairs
from hybridrec.evaluation.metrics import METRIC_NAMES, PAIR_METRICS, Context
from hybridrec.evaluation.pairs import DEFAULT_PAIR_METRICS, judges_pairs
from hybridrec.features.columns import TableColumns
from hybridrec.features.pipeline import FeaturePipeline

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation import Split
    from hybridrec.evaluation.protocols import Protocol

_K = (10, 20)
_METRICS = ("recall", "ndcg", "coverage")
# For figures: where curves are drawn, and what accuracy is traded for.
_CURVE = (1, 2, 3, 5, 10, 15, 20, 30, 50)
_TRADED = ("coverage", "novelty")


@dataclass(frozen=True)
class MeasureOptions:
    """What was given for the options of `measure_options`."""

    k: tuple[int, ...]
    metrics: tuple[str, ...]
    slices: tuple[str, ...]
    candidates: str | None
    categories: str | None
    groups: str | None


_OPTIONS = (
    click.option(
        "-k",
        type=COUNT,
        multiple=True,
        help=f"Cut-off. Repeatable.  [default: {', '.join(map(str, _K))}]",
    ),
    click.option(
        "--metric",
        "metrics",
        type=click.Choice(METRIC_NAMES),
        multiple=True,
        help=f"What is measured. Repeatable.  [default: {', '.join(_METRICS)}; of labelled pairs"
        f" {', '.join(DEFAULT_PAIR_METRICS)}]",
    ),
    click.option(
        "--slice",
        "slices",
        metavar="NAME",
        multiple=True,
        help="Show parts of the test too: items:popularity, users:activity, or a column of the"
        " item or user table such as items:genres. Repeatable.",
    ),
    click.option(
        "--candidates",
        metavar="N|FILE",
        help="Rank N random items beside each user's test items (biased, see the warning), or"
        " those of a file of user and item; by default all unseen ones.",
    ),
    click.option(
        "--categories", metavar="COLUMN", help="Of the item table, for the metric miscalibration."
    ),
    click.option(
        "--groups", metavar="COLUMN", help="Of the item table, for the metric exposure-fairness."
    ),
)


def measure_options(command: Command) -> Command:
    """Give a command the options of what is measured, as one `MeasureOptions` ``measuring``."""
    return gathered(command, "measuring", MeasureOptions, _OPTIONS)


@dataclass(frozen=True)
class Measure:
    """What is measured of every model and run.

    Attributes
    ----------
    options : MeasureOptions
        With metrics, and cut-offs unless pairs are scored.
    candidates : int, data frame or None
    of_pairs : bool
        Whether scores of labelled or rated pairs are judged, or else lists.
    for_figures : bool
        Whether to measure at more cut-offs too, and what accuracy is traded for.
    threads : int
    """

    options: MeasureOptions
    candidates: Any
    of_pairs: bool
    for_figures: bool
    threads: int

    @classmethod
    def resolve(
        cls,
        options: MeasureOptions,
        split: Split,
        protocol: Protocol | None,
        *,
        for_figures: bool,
        threads: int,
    ) -> Measure:
        """Fill in what was not asked for, by the protocol and the first split.

        Raises
        ------
        ParameterError
            If options do not go with pairs.
        """
        of_pairs = judges_pairs(split, options.metrics)
        metrics: tuple[str, ...] = DEFAULT_PAIR_METRICS if of_pairs else _METRICS
        cutoffs: tuple[int, ...] = _K
        if protocol is not None:
            metrics, cutoffs = protocol.metrics, protocol.k
        if of_pairs:
            _check_of_pairs(options)
            cutoffs = ()
        filled = replace(options, metrics=options.metrics or metrics, k=options.k or cutoffs)
        candidates = _candidates(options.candidates)
        return cls(filled, candidates, of_pairs, for_figures and not of_pairs, threads)

    def __call__(
        self, source: Any, split: Split, context: Context, name: str, seed: int
    ) -> Evaluation:
        """Measure a fitted model or a run; the context is that of the split."""
        asked = self.options
        if self.of_pairs:
            return evaluate_pairs(source, split, metrics=asked.metrics, name=name, seed=seed)
        metrics, cutoffs = asked.metrics, asked.k
        if self.for_figures:
            metrics, cutoffs = (*metrics, *_TRADED), (*cutoffs, *_CURVE)
        return evaluate(
            source,
            split,
            metrics=metrics,
            k=cutoffs,
            slices=asked.slices,
            candidates=self.candidates,
            context=context,
            num_threads=self.threads,
            name=name,
            seed=seed,
        )

    def asked(self, comparison: Comparison) -> Comparison:
        """Return what was asked for, without what only figures need."""
        return comparison.at(self.options.k, self.options.metrics)

    def context(self, train: Dataset) -> Context:
        """Return what the metrics need to know of the items of a split."""
        asked, known = self.options, Context()
        if "diversity" in asked.metrics:
            known = replace(known, features=FeaturePipeline().fit(train).matrix())
        if asked.categories is not None:
            column = TableColumns({asked.categories: "list"})
            column.fit(train, None)
            known = replace(known, categories=column.transform(train, None))
        if asked.groups is not None:
            known = replace(known, groups=_groups(train, asked.groups))
        return known


def _groups(train: Dataset, column: str) -> np.ndarray:
    """Return a code for each value of a column of the item table, -1 where there is none."""
    import pandas as pd

    table = train.item_table
    if table is None or column not in table.columns:
        known = () if table is None else table.columns
        raise ParameterError(
            f"the item table has no column {column!r}{did_you_mean(column, known)}"
        )
    codes: np.ndarray = pd.factorize(table[column])[0]
    return codes


def _candidates(text: str | None) -> Any:
    """Return a number of candidates, or the rows of the file that has them."""
    if text is None or text.isdecimal():
        return text and int(text)
    return read_interactions(text).to_frame()


def _check_of_pairs(options: MeasureOptions) -> None:
    """Refuse what only lists have."""
    for name in ("k", "slices", "candidates", "categories", "groups"):
        if getattr(options, name):
            flag = {"k": "-k", "slices": "--slice"}.get(name, f"--{name}")
            raise ParameterError(f"{flag} is for lists; here scores of given pairs are judged")
    unknown = [one for one in options.metrics if one not in PAIR_METRICS]
    if unknown:
        raise ParameterError(
            f"{first_few(unknown)} judge lists; scores of given pairs are judged by"
            f" {', '.join(PAIR_METRICS)}"
        )
