"""What re-ranking does to the models of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from hybridrec.cli.measures import Measure
from hybridrec.cli.scores import show_table
from hybridrec.cli.tables import print_title
from hybridrec.errors import ParameterError
from hybridrec.evaluation.metrics import METRICS
from hybridrec.evaluation.report.charts import by_aim
from hybridrec.evaluation.report.content import BEYOND_ACCURACY
from hybridrec.evaluation.report.tabulated import trade_off_table
from hybridrec.evaluation.trade_offs import TradeOffs, labelled, trade_off
from hybridrec.ranking.rerank import RERANKERS, Reranker, parse_reranker
from hybridrec.ranking.rules.groups import item_groups

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.evaluation import Split
    from hybridrec.models.spec import ModelSpec

_ACCURACY = "ndcg"  # if no metric of accuracy is asked for

reranks_option = click.option(
    "--rerank",
    "reranks",
    metavar="NAME[:PARAMETER=VALUE,...]",
    multiple=True,
    help="Also measure the models with another order of their best items, weight by weight:"
    f" {', '.join(RERANKERS)}; such as calibrated:column=genres. Repeatable.",
)


def parse_reranks(texts: Sequence[str], specs: Sequence[ModelSpec]) -> list[Reranker]:
    """Read re-rankers, before any work.

    Raises
    ------
    ParameterError
        If one makes no sense, is given twice, or there is no model to re-rank.
    """
    rerankers = [parse_reranker(text) for text in texts]
    if rerankers and not specs:
        raise ParameterError("--rerank needs a --model; the lists of a --run are what they are")
    if rerankers:
        labelled(rerankers)
    return rerankers


def check_reranks(rerankers: Sequence[Reranker], measure: Measure, split: Split) -> None:
    """Refuse, before any fit, what could not be measured.

    Raises
    ------
    ParameterError
    """
    if rerankers and measure.of_pairs:
        raise ParameterError("--rerank is for lists; here scores of given pairs are judged")
    if rerankers and measure.candidates is not None:
        raise ParameterError("--rerank orders the best of all items; leave out --candidates")
    for one in rerankers:
        column = getattr(one, "column", None)
        if column is not None:
            item_groups(split.train.item_table, column)


def traded(
    rerankers: Sequence[Reranker], model: Any, split: Split, measure: Measure, name: str, seed: int
) -> list[TradeOffs]:
    """Return what re-rankers do to a fitted model: nothing, or one.

    Accuracy is the first metric of it that was asked for, at the largest cut-off.
    """
    if not rerankers:
        return []
    asked = [one for one in measure.options.metrics if one in METRICS]
    accuracy = next((one for one in asked if one not in BEYOND_ACCURACY), _ACCURACY)
    found = trade_off(
        model,
        split,
        rerankers,
        k=max(measure.options.k),
        metric=accuracy,
        num_threads=measure.threads,
        name=name,
        seed=seed,
    )
    return [found]


def show_trade_offs(screen: Console, found: TradeOffs) -> None:
    """Print a table for each model and aim."""
    for title, curves in by_aim(found).items():
        print_title(screen, title)
        show_table(screen, trade_off_table(found, title, curves))
        screen.print()
