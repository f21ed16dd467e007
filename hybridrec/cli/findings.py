"""What side information does for a model, and each relation of the knowledge graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrec.cli.measures import MeasureOptions
from hybridrec.cli.output import working
from hybridrec.errors import ParameterError
from hybridrec.evaluation import (
    FeatureComparison,
    RelationContributions,
    compare_features,
    relation_contributions,
)
from hybridrec.models.spec import ModelSpec

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.evaluation import Split


@dataclass(frozen=True)
class Findings:
    """What was found out about a model's side information, where it was asked for.

    Attributes
    ----------
    label : str
        Of the model.
    features : FeatureComparison or None
    relations : RelationContributions or None
    """

    label: str
    features: FeatureComparison | None = None
    relations: RelationContributions | None = None


def featured(specs: Sequence[ModelSpec]) -> ModelSpec:
    """Return the first model that uses features.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for spec in specs:
        if spec.kind.uses_item_features:
            return spec
    raise ParameterError(
        "--compare-features and --compare-relations need a model that uses features, such as"
        " hybrid-als"
    )


def find_out(
    spec: ModelSpec | None,
    splits: Mapping[int, Split],
    asked: MeasureOptions,
    *,
    features: bool,
    relations: bool,
    threads: int,
) -> Findings | None:
    """Compare a model that uses features with itself without them.

    Parameters
    ----------
    spec : ModelSpec or None
        None if nothing is asked for.
    splits : mapping of int to Split
        By seed.
    asked : MeasureOptions
        The first metric at the largest cut-off is what relations are judged by.
    features, relations : bool
        What is asked for.
    threads : int
    """
    if spec is None:
        return None
    with working(f"{spec.label} with and without its features"):
        compared = None
        if features:
            compared = compare_features(
                spec.maker(threads),
                splits.__getitem__,
                item_features=spec.blocks,
                seeds=list(splits),
                metrics=asked.metrics,
                k=asked.k,
                num_threads=threads,
            )
        contributions = None
        if relations:
            contributions = relation_contributions(
                spec.maker(threads),
                splits.__getitem__,
                item_features=spec.blocks,
                metric=asked.metrics[0],
                k=max(asked.k),
                seeds=list(splits),
                num_threads=threads,
            )
    return Findings(spec.label, compared, contributions)


def show_findings(screen: Console, found: Findings) -> None:
    """Print what was found."""
    if found.features is not None:
        screen.print(f"{found.label}: {found.features.verdict()}")
        screen.print()
    if found.relations is not None:
        screen.print(str(found.relations))
        screen.print()
