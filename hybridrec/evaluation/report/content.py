"""What a report holds, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.tables import Tested

if TYPE_CHECKING:
    from hybridrec.evaluation.groups.found import GroupReport
    from hybridrec.evaluation.knowledge import FeatureComparison
    from hybridrec.evaluation.protocols.published import PublishedRow
    from hybridrec.evaluation.relations import RelationContributions
    from hybridrec.evaluation.replay import Replay
    from hybridrec.evaluation.report.pictures import Picture
    from hybridrec.evaluation.trade_offs import TradeOffs

LEVEL = 0.05
HEADLINES = 2  # metrics that the summary and most figures are about
BEYOND_ACCURACY = frozenset(
    {
        *("coverage", "gini", "arp", "novelty", "serendipity", "diversity"),
        *("miscalibration", "exposure-fairness"),
    }
)


@dataclass(frozen=True, eq=False)
class Report:
    """The results of an evaluation, and what a reader needs to judge and to repeat them.

    `hybridrec.evaluation.report.to_html` and its siblings write it. A part without data is left
    out.

    Attributes
    ----------
    comparison : Comparison
        What the tables show.
    curves : Comparison, optional
        The same models at many cut-offs, for the curves and for the trade-off of accuracy with
        coverage and novelty, if these are among its metrics; by default ``comparison``.
    title : str
    about : mapping of str to str
        Data set, split, versions, machine, date.
    commands : sequence of str
        What to type to get the same numbers.
    knowledge : FeatureComparison, optional
        A model with its features, without them, and with them shuffled.
    relations : RelationContributions, optional
        What each relation of the knowledge graph adds.
    published : sequence of PublishedRow
        Results of others under the same protocol.
    notes : sequence of str
        Beside those of the evaluations, which are always given.
    pictures : mapping of str to Picture
        Of the knowledge graph, such as an `EntityMap` or a `WalkPicture`, by their captions.
    trade_offs : TradeOffs, optional
        What re-ranking brings and costs.
    groups : GroupReport, optional
        Which users are served worse, and which items are shown less.
    replay : Replay, optional
        Where ``comparison`` is of strategies over windows of time: what it comes from.
    """

    comparison: Comparison
    curves: Comparison | None = None
    title: str = "Evaluation"
    about: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ()
    knowledge: FeatureComparison | None = None
    relations: RelationContributions | None = None
    published: Sequence[PublishedRow] = ()
    notes: Sequence[str] = ()
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    trade_offs: TradeOffs | None = None
    groups: GroupReport | None = None
    replay: Replay | None = None

    @property
    def models(self) -> list[str]:
        """Names of the models, in the order of all tables and figures."""
        return list(self.comparison.by_model)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the tables show, as (metric, k)."""
        return self.comparison.evaluations[0].columns

    @property
    def user_columns(self) -> tuple[Column, ...]:
        """Those `columns` that have a value per user."""
        return self.comparison.evaluations[0].user_columns

    @property
    def headlines(self) -> tuple[Column, ...]:
        """The first metrics of accuracy that were asked for, at their largest cut-off."""
        found: dict[str, Column] = {}
        for metric, k in self.columns:
            if metric not in BEYOND_ACCURACY:
                best = found.get(metric, (metric, k))[1]
                found[metric] = (metric, k if best is None or k is None else max(best, k))
        return tuple(found.values())[:HEADLINES] or self.columns[:1]

    @cached_property
    def tests(self) -> Mapping[str, Tested]:
        """For each slice the columns of `Comparison.significance`, of all models and metrics.

        Empty where there is nothing to test.
        """
        return _tests(self.comparison)

    @cached_property
    def knowledge_tests(self) -> Mapping[str, Tested]:
        """The same for ``knowledge``."""
        return {} if self.knowledge is None else _tests(self.knowledge)

    @cached_property
    def verdict(self) -> str | None:
        """Whether the features help, in a sentence; None if that was not asked."""
        return None if self.knowledge is None else self.knowledge.verdict()

    @property
    def all_notes(self) -> list[str]:
        """What the reader should know of the numbers: the evaluations' notes, and ``notes``."""
        several = len(self.comparison.seeds) > 1
        own = [
            f"{one.model}{f', seed {one.seed}' if several else ''}: {note}"
            for one in self.comparison.evaluations
            for note in one.notes
        ]
        return list(dict.fromkeys([*self.notes, *own]))


def _tests(comparison: Comparison) -> Mapping[str, Tested]:
    """Test all pairs of models in all columns, slice by slice."""
    columns = comparison.evaluations[0].user_columns
    if len(comparison.by_model) < 2 or not columns:
        return {}
    return {on: comparison.tested(columns, on) for on in comparison.slices}
