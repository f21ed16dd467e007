"""``hybridrec embed``: a knowledge graph -> one vector an entity."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np

from hybridrec.cli.cluster import ClusterOptions, cluster_options
from hybridrec.cli.options import (
    EXISTING_FILE,
    Command,
    OutputOptions,
    column_option,
    drop_option,
    examples,
    output_options,
    threads_option,
)
from hybridrec.cli.output import (
    check_output,
    open_output,
    resolve_format,
    say,
    staged_file,
    working,
    write_text,
)
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.named import load_dataset, relation_labels
from hybridrec.dataset.readers import read_knowledge
from hybridrec.errors import DataError, MissingExtraError, ParameterError
from hybridrec.graph import Graph, hold_out_links, node_embeddings
from hybridrec.store.word2vec import check_word2vec_ids, word2vec_lines

_FORMATS = ("parquet", "csv", "word2vec")
_WORD2VEC_SUFFIXES = (".txt", ".vec")
_NOT_OFFERED = ("graph", "num_threads", "progress")
_HELP = {
    "method": "node2vec, ppmi-svd, prone or fast-rp, the fastest.",
    "dimensions": "Length of a vector.",
    "p": "Large: walks avoid going back at once.",
    "q": "Small: walks go far.",
    "num_walks": "Walks from each entity.",
    "walk_length": "Entities in a walk.",
    "window": "Entities up to this far apart in a walk are alike.",
    "negatives": "Noise entities per pair.",
    "epochs": "Passes over the walks.",
    "learning_rate": "At the start.",
    "hogwild": "Train on all threads without locks: no two runs are the same.",
    "shift": "ppmi-svd: pairs count from so many times chance on.",
    "transitions": "ppmi-svd: auto, exact, or counted on walks.",
    "order": "prone: terms of the series.",
    "mu": "prone: centre of the band of the filter.",
    "theta": "prone: width of the band.",
    "weights": "fast-rp: of one step, two steps, and so on.",
    "degree_power": "fast-rp: below 0, hubs count less.",
    "random_state": "The same gives the same.",
}
Embed = Callable[[KnowledgeGraph], np.ndarray]


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of "0,0.5,1"; the name is what the help shows."""
    return tuple(float(one) for one in text.split(","))


_TYPES: Mapping[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    "tuple[float, ...]": numbers,
}


def _method_options(command: Command) -> Command:
    """Give a command the parameters of `node_embeddings` as options, None where not given."""
    for parameter in reversed([*inspect.signature(node_embeddings).parameters.values()]):
        if parameter.name not in _NOT_OFFERED and parameter.annotation in _TYPES:
            command = _option(parameter)(command)
    return command


def _option(parameter: inspect.Parameter) -> Callable[[Command], Command]:
    kind, default = _TYPES[parameter.annotation], parameter.default
    name = parameter.name.replace("_", "-")
    flag = f"--{name}" if len(name) > 1 else f"-{name}"
    if kind is bool:
        flag = f"{flag}/--no-{name}"
    shown = ",".join(f"{one:g}" for one in default) if kind is numbers else default
    text = f"{_HELP.get(parameter.name, '')}  [default: {shown}]".strip()
    return click.option(flag, parameter.name, type=kind, default=None, help=text)


@click.command(
    "embed",
    epilog=examples(
        "hybridrec embed --kg triples.tsv --dimensions 32 -o vectors.parquet",
        "hybridrec embed --dataset movielens-small --map genres.svg --colour movielens.genre"
        " -o vectors.txt",
    ),
)
@click.option("--kg", type=EXISTING_FILE, help="Triples: head, relation, tail.")
@click.option("--dataset", metavar="NAME", help='A data set by name; see "hybridrec datasets".')
@column_option("head", "triples' heads")
@column_option("relation", "triples' relations")
@column_option("tail", "triples' tails")
@drop_option
@_method_options
@threads_option
@click.option(
    "--check/--no-check",
    default=True,
    show_default=True,
    help="Say how well vectors tell held-out links: a second training on the other links.",
)
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path),
    metavar="FILE.svg",
    help="Draw the vectors of the heads of a relation, coloured by its tails.",
)
@click.option("--colour", "--color", "colour", metavar="RELATION", help="For --map.")
@output_options(*_FORMATS)
@cluster_options
def command(
    kg: Path | None,
    dataset: str | None,
    head: str | None,
    relation: str | None,
    tail: str | None,
    drop_relation: tuple[str, ...],
    threads: int,
    check: bool,
    map_file: Path | None,
    colour: str | None,
    out: OutputOptions,
    on: ClusterOptions,
    **parameters: Any,
) -> None:
    """Turn a knowledge graph into vectors.

    One row an entity: the column "entity", then the numbers in columns d0, d1, ...; in Python
    pandas.read_parquet("vectors.parquet").set_index("entity") is the matrix. A file that ends in
    .txt or .vec is in the text format of word2vec, which gensim reads.

    The quality is told on standard error: a tenth of the links is held out, vectors are trained
    on the others, and AUC is how often a held-out link is closer than a pair without a link, of
    the same relation and degrees; 0.5 is chance. The file holds vectors of the whole graph.
    """
    if out.format is None and out.output and out.output.suffix.lower() in _WORD2VEC_SUFFIXES:
        out = replace(out, format="word2vec")
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    _check_map(map_file, colour, out, parameters["dimensions"])
    graph = _knowledge(kg, dataset, {"head": head, "relation": relation, "tail": tail})
    graph = graph.without_relations(graph.relations.parse(drop_relation))
    _check_graph(graph, form, colour)
    given = {name: value for name, value in parameters.items() if value is not None}
    with _embedder(on, given, threads) as embed:
        vectors = embed(graph)
        _say_unlinked(graph)
        if check:
            _say_quality(graph, embed, given.get("random_state", 0))
    picture = None if colour is None else _map(graph, vectors, colour, dataset)
    _write(out, form, graph.entities.ids, vectors)
    if picture is not None:
        write_text(OutputOptions("svg", map_file, out.overwrite), picture)


@contextmanager
def _embedder(on: ClusterOptions, given: dict[str, Any], threads: int) -> Iterator[Embed]:
    """Yield what makes vectors of a graph, here or on a cluster."""
    if not on.given:
        more = {**given, "num_threads": threads, "progress": True}
        yield lambda part: node_embeddings(Graph.from_knowledge(part), **more)
        return
    from hybridrec.distributed import node_embeddings as on_cluster

    for name in given:
        if name not in inspect.signature(on_cluster).parameters:
            raise ParameterError(f"--{name.replace('_', '-')} is not for --cluster")
    with on.connect() as cluster:
        yield lambda part: on_cluster(cluster, Graph.from_knowledge(part), **given)


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


def _check_graph(graph: KnowledgeGraph, form: str, colour: str | None) -> None:
    """Refuse, before the training, what would fail after it."""
    if not (graph.head != graph.tail).any():
        raise DataError("no triple joins two entities: there is nothing to learn from")
    if form == "word2vec":
        check_word2vec_ids(graph.entities.ids)
    if colour is not None:
        from hybridrec.evaluation.report.entity_map import heads_of

        heads_of(graph, graph.relations.parse([colour])[0])


def _check_map(
    path: Path | None, colour: str | None, out: OutputOptions, dimensions: int | None
) -> None:
    """Refuse a picture that could not be drawn or written."""
    if (path is None) != (colour is None):
        raise ParameterError("a map needs both --map FILE.svg and --colour RELATION")
    if path is None:
        return
    if path.suffix.lower() != ".svg":
        raise ParameterError(f"a map is an SVG file: name it {path.with_suffix('.svg')}")
    if dimensions == 1:
        raise ParameterError("a map needs vectors of at least 2 dimensions")
    if out.output is not None and out.output.resolve() == path.resolve():
        raise ParameterError(f"the vectors and the map cannot both be {path}")
    check_output(path, overwrite=out.overwrite)
    if find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib", "plot")


def _say_quality(graph: KnowledgeGraph, embed: Embed, random_state: int) -> None:
    """Train on a part of the links and say how well the vectors tell the others."""
    held = hold_out_links(graph, random_state=random_state)
    if not len(held):
        say("Link prediction: not checked, for no link can be held out of so small a graph")
        return
    if sys.stderr.isatty():
        say("Again without a tenth of the links, to check the vectors (--no-check skips this)")
    auc = held.auc(embed(held.rest))
    say(
        f"Link prediction AUC {auc:.3f} ({len(held):,} held-out links against pairs of the same"
        " relation and degrees; vectors of the remaining graph)"
    )


def _say_unlinked(graph: KnowledgeGraph) -> None:
    """Say how many entities have no vector of their own."""
    size = len(graph.entities)
    zeros = size - np.union1d(graph.head, graph.tail).size
    if zeros:
        say(f"{zeros:,} of {size:,} entities have no link; their vectors are all 0")


def _map(graph: KnowledgeGraph, vectors: np.ndarray, colour: str, dataset: str | None) -> str:
    """Return the picture of the vectors."""
    from hybridrec.evaluation.report.entity_map import EntityMap

    labels = {} if dataset is None else relation_labels(dataset)
    relation = graph.relations.parse([colour])[0]
    with working("Drawing the map"):
        return EntityMap.of(graph, vectors, relation, title=labels.get(colour)).svg()


def _write(out: OutputOptions, form: str, ids: np.ndarray, vectors: np.ndarray) -> None:
    """Write the vectors to standard output, or to a file that appears whole."""
    if form == "word2vec":
        lines = word2vec_lines(ids, vectors)
        if out.output is None:
            sys.stdout.writelines(lines)
            return
        with (
            staged_file(out.output, out.overwrite) as path,
            path.open("w", encoding="utf-8", newline="\n") as stream,
        ):
            stream.writelines(lines)
        say(f"Saved to {out.output}")
        return
    with open_output(out, form) as write:
        named = {f"d{at}": np.ascontiguousarray(one) for at, one in enumerate(vectors.T)}
        write({"entity": ids, **named})
