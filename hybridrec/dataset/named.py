"""Data sets by name: those installed with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import make_frame
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.store.tables import read_table

BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True)
class DatasetInfo:
    """What a named data set holds, and on which terms.

    Attributes
    ----------
    name, title : str
    licence : str
        One line; the texts lie beside the data, in ``folder``.
    non_commercial : bool
        Whether the data must not be used commercially, whatever the licence of the code.
    citation : str
        What to cite when publishing results.
    n_interactions, n_users, n_items, n_linked_items : int
        Linked items are those with facts from a source other than the item table.
    n_triples, n_entities, n_relations : int
    """

    name: str
    title: str
    licence: str
    non_commercial: bool
    citation: str
    n_interactions: int
    n_users: int
    n_items: int
    n_linked_items: int
    n_triples: int
    n_entities: int
    n_relations: int

    @property
    def folder(self) -> Path:
        """Where the data and its licence texts are."""
        return BUNDLED / self.name


def dataset_names() -> list[str]:
    """Return the names `load_dataset` knows, sorted."""
    return sorted(about.parent.name for about in BUNDLED.glob("*/about.json"))


def describe_dataset(name: str) -> DatasetInfo:
    """Return what a named data set holds and on which terms, without loading it.

    Raises
    ------
    ParameterError
        If there is no such data set; suggests the nearest name and lists all.
    """
    return DatasetInfo(**json.loads((_folder(name) / "about.json").read_text(encoding="utf-8")))


def relation_labels(name: str) -> dict[str, str]:
    """Return a readable label for each relation of a named data set, such as "directed by".

    Raises
    ------
    ParameterError
        If there is no such data set.
    """
    relations = read_table(_folder(name) / "relations.parquet")
    return dict(zip(relations["relation"], relations["label"], strict=True))


def load_dataset(name: str = "movielens-small") -> Dataset:
    """Load a data set that is installed with the package.

    Parameters
    ----------
    name : str, default "movielens-small"
        One of `dataset_names`. "movielens-small" has 100,004 ratings (as weights, 0.5 to 5) of
        9,066 films by 671 users, an item table with title, year and genres, and a knowledge
        graph of the sources "freebase" (1,333 films) and "movielens" (genre and decade of all
        films), whose award relations are marked ``after_release``. It is for non-commercial use;
        see `describe_dataset`.

    Returns
    -------
    Dataset

    Raises
    ------
    ParameterError
        If there is no such data set; suggests the nearest name and lists all.

    References
    ----------
    F. M. Harper and J. A. Konstan, "The MovieLens Datasets: History and Context", 2015.
    """
    folder = _folder(name)
    interactions = Interactions.from_frame(make_frame(read_table(folder / "interactions.parquet")))
    items = make_frame(read_table(folder / "items.parquet"))
    return Dataset.build(interactions, _read_knowledge(folder), item_table=items, name=name)


def _read_knowledge(folder: Path) -> KnowledgeGraph:
    """Return the triples as one graph that knows the source of each."""
    triples = make_frame(read_table(folder / "triples.parquet"))
    relations = make_frame(read_table(folder / "relations.parquet"))
    link = read_table(folder / "link.parquet")
    graphs = [
        KnowledgeGraph.from_frame(
            triples[triples["relation"].isin(group["relation"])],
            link=make_frame(link),
            after_release=group["relation"][group["after_release"].astype(bool)],
            name=str(source),
        )
        for source, group in relations.groupby("source")
    ]
    return reduce(KnowledgeGraph.merge, graphs)


def _folder(name: str) -> Path:
    names = dataset_names()
    if name not in names:
        raise ParameterError(
            f"unknown data set {name!r}{did_you_mean(name, names)} (there are {first_few(names)})"
        )
    return BUNDLED / name
