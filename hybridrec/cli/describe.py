"""What a data set holds, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.cli.tables import Alignment, print_table
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.named import relation_labels
from hybridrec.features.tokens import item_facts

if TYPE_CHECKING:
    from rich.console import Console

SHOWN_RELATIONS = 20


def labels_of(dataset: str | None) -> Mapping[Any, str]:
    """Return readable names of the relations of a named data set, none for files."""
    return {} if dataset is None else relation_labels(dataset)


def show_knowledge(screen: Console, dataset: Dataset, labels: Mapping[Any, str]) -> None:
    """Print what the knowledge graph of a data set holds, relation by relation.

    Parameters
    ----------
    screen : Console
    dataset : Dataset
        With a knowledge graph.
    labels : mapping of relation to str
        Readable names, as far as there are any.
    """
    graph = dataset.knowledge
    assert graph is not None
    counts = {name: count for name, count in graph.relation_counts().items() if count}
    facts = item_facts(dataset, graph)
    items = _distinct(facts.relations // 2, facts.rows, len(graph.relations))
    values = _distinct(facts.relations // 2, facts.entities, len(graph.relations))
    title = (
        f"{len(graph):,} facts, {len(graph.entities):,} entities;"
        f" {len(np.unique(facts.rows)):,} of {len(dataset.items):,} items have facts"
    )
    columns: dict[str, Alignment] = {
        "relation": "wrap", "facts": "right", "items": "right", "values": "right", "": "wrap",
    }  # fmt: skip
    rows = []
    for relation, count in counts.items():
        code = graph.relations.codes([relation])[0]
        note = "known only after release" if relation in graph.after_release else ""
        name = str(labels.get(relation, relation))
        rows.append([name, f"{count:,}", f"{items[code]:,}", f"{values[code]:,}", note])
    print_table(screen, columns, rows[:SHOWN_RELATIONS], title)
    if len(rows) > SHOWN_RELATIONS:
        screen.print(f"and {len(rows) - SHOWN_RELATIONS} more relations")


def _distinct(groups: np.ndarray, values: np.ndarray, n_groups: int) -> np.ndarray:
    """Count the distinct values of each group."""
    pairs = np.unique(np.stack([groups, values]), axis=1)
    counts: np.ndarray = np.bincount(pairs[0], minlength=n_groups)
    return counts
