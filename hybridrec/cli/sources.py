"""Side information from several files: knowledge graphs, vectors by id, types of columns."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

from hybridrec.cli.options import DataOptions, named_file
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.readers import read_knowledge, read_vectors
from hybridrec.dataset.vectors import coverage_notes
from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.ranking.texts import split_pairs

_TRIPLE = ("head", "relation", "tail")


def knowledge_of(options: DataOptions) -> Any:
    """Return what `read_dataset` takes as ``knowledge`` and ``link``.

    Several graphs are merged; each keeps its name. One file alone is left to be read.

    Raises
    ------
    ParameterError
        If two graphs have one name, or a link is of none of them.
    DataError
        If a file cannot be used.
    """
    files = [named_file(text) for text in options.kg]
    links = [named_file(text) for text in options.link]
    if len(links) <= 1 and all(name is None for name, _ in links):
        link = links[0][1] if links else None
        if not files or (len(files) == 1 and files[0][0] is None):
            return {"knowledge": files[0][1] if files else None, "link": link}
    named = {name or path.name.split(".")[0]: path for name, path in files}
    if len(named) < len(files):
        raise ParameterError(
            f"two of --kg {', '.join(options.kg)} have one name; name them: --kg NAME=FILE"
        )
    columns = {role: getattr(options, role) for role in _TRIPLE}
    graphs = [
        read_knowledge(path, link=link, name=name, **columns)
        for (name, path), link in zip(named.items(), _links(named, links), strict=True)
    ]
    return {"knowledge": reduce(KnowledgeGraph.merge, graphs), "link": None}


def _links(named: dict[str, Path], links: list[tuple[str | None, Path]]) -> list[Path | None]:
    """Return the link of every graph: its own, else the one that is for all."""
    own = {name: path for name, path in links if name is not None}
    for name in own:
        if name not in named:
            raise ParameterError(
                f"--link {name}=... is of no --kg{did_you_mean(name, named)} (there are"
                f" {first_few(named)})"
            )
    shared = [path for name, path in links if name is None]
    if len(shared) > 1:
        raise ParameterError("several --link files: say which --kg each is for, as NAME=FILE")
    for_all = shared[0] if shared else None
    return [own.get(name, for_all) for name in named]


def with_sources(dataset: Dataset, options: DataOptions) -> Dataset:
    """Return a data set with the vectors and the types of columns that options name.

    Raises
    ------
    ParameterError, DataError
        If a file, name, column or type makes no sense.
    """
    for side, texts in (("item", options.vectors), ("user", options.user_vectors)):
        for text in texts:
            name, path = named_file(text)
            id_column = options.item if side == "item" else options.user
            found = read_vectors(path, name=name, side=side, column=id_column)
            dataset = dataset.with_vectors(found)
    if options.column_type:
        dataset = dataset.with_column_types(split_pairs(options.column_type, "column type"))
    return dataset


def notes_on(dataset: Dataset) -> list[str]:
    """Say which items (users) have no vector."""
    return list(coverage_notes(dataset.vectors, {"item": dataset.items, "user": dataset.users}))
