"""``hybridrec embed``: a knowledge graph -> one vector an entity."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click
import numpy as np

from hybridrec.cli.options import (
    EXISTING_FILE,
    Decorator,
    OutputOptions,
    column_option,
    drop_option,
    examples,
    output_options,
    threads_option,
)
from hybridrec.cli.output import check_output, open_output, resolve_format
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.named import load_dataset
from hybridrec.dataset.readers import read_knowledge
from hybridrec.errors import ParameterError
from hybridrec.graph import Graph, node_embeddings

_FORMATS = ("parquet", "csv")
_DEFAULTS = {
    parameter.name: parameter.default
    for parameter in inspect.signature(node_embeddings).parameters.values()
}


def _parameter(name: str, text: str, flag: str | None = None) -> Decorator:
    """Return the option of a parameter of `node_embeddings`, with its type and default."""
    flags = flag or f"--{name.replace('_', '-')}"
    return click.option(flags, name, default=_DEFAULTS[name], show_default=True, help=text)


@click.command(
    "embed",
    epilog=examples(
        "hybridrec embed --kg triples.tsv --dimensions 32 -o vectors.parquet",
    ),
)
@click.option("--kg", type=EXISTING_FILE, help="Triples: head, relation, tail.")
@click.option("--dataset", metavar="NAME", help='A data set by name; see "hybridrec datasets".')
@column_option("head", "triples' heads")
@column_option("relation", "triples' relations")
@column_option("tail", "triples' tails")
@drop_option
@_parameter("method", "How the vectors are made.")
@_parameter("dimensions", "Length of a vector.")
@_parameter("p", "Large: walks avoid going back at once.", "-p")
@_parameter("q", "Small: walks go far.", "-q")
@_parameter("num_walks", "Walks from each entity.")
@_parameter("walk_length", "Entities in a walk.")
@_parameter("window", "Entities up to this far apart in a walk are alike.")
@_parameter("negatives", "Noise entities per position.")
@_parameter("epochs", "Passes over the walks.")
@_parameter("learning_rate", "At the start.")
@_parameter("random_state", "The same gives the same.")
@threads_option
@output_options(*_FORMATS)
def command(
    kg: Path | None,
    dataset: str | None,
    head: str | None,
    relation: str | None,
    tail: str | None,
    drop_relation: tuple[str, ...],
    threads: int,
    out: OutputOptions,
    **parameters: Any,
) -> None:
    """Turn a knowledge graph into vectors.

    One row an entity: the column "entity", then the numbers in columns d0, d1, ...; in Python
    pandas.read_parquet("vectors.parquet").set_index("entity") is the matrix.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    columns = {"head": head, "relation": relation, "tail": tail}
    graph = _knowledge(kg, dataset, columns)
    graph = graph.without_relations(graph.relations.parse(drop_relation))
    vectors = node_embeddings(
        Graph.from_knowledge(graph), num_threads=threads, progress=True, **parameters
    )
    with open_output(out, form) as write:
        named = {f"d{at}": np.ascontiguousarray(one) for at, one in enumerate(vectors.T)}
        write({"entity": graph.entities.ids, **named})


def _knowledge(
    path: Path | None, dataset: str | None, columns: dict[str, str | None]
) -> KnowledgeGraph:
    if (path is None) == (dataset is None):
        raise ParameterError("give either --kg FILE or --dataset NAME")
    if path is not None:
        return read_knowledge(path, **columns)
    found = load_dataset(str(dataset)).knowledge
    if found is None:
        raise ParameterError(f"{dataset!r} has no knowledge graph")
    return found
