"""What papers print for the named protocols: numbers with their sources and their differences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hybridrec.dataset.dataset import Dataset

_FILE = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class PublishedRow:
    """One printed number.

    Attributes
    ----------
    protocol : str
        Such as "kgcn-ctr".
    dataset : str
        A name that `recognise` gives.
    model : str
        As its paper calls it.
    metric : str
        As hybridrec calls it.
    k : int or None
        The cut-off; None for metrics without one.
    value : float
    source : str
        The model's paper, and where the number was printed if elsewhere.
    note : str
        How the source splits and scores, as far as its code tells, and what else keeps the
        number from being strictly comparable; one statement a line.
    """

    protocol: str
    dataset: str
    model: str
    metric: str
    k: int | None
    value: float
    source: str
    note: str


def published_rows(protocol: str, dataset: str | None = None) -> tuple[PublishedRow, ...]:
    """Return the printed numbers of a protocol, table by table, in the order of the tables.

    Parameters
    ----------
    protocol : str
    dataset : str, optional
        Only those of this data set; by default of all.

    Returns
    -------
    tuple of PublishedRow
        Empty where none is known.
    """
    return tuple(
        row
        for table in _content()["tables"]
        if table["protocol"] == protocol and dataset in (None, table["dataset"])
        for row in _rows(table)
    )


def recognise(dataset: Dataset) -> str | None:
    """Return the name under which numbers on a data set were published, None if it is unknown.

    A data set is known by how many users, items and rows it has, whatever its name: as
    ``hybridrec.read_dataset`` reads the published files, without cleaning. KGAT's files are
    known with and without the rows of their test.
    """
    users, items, rows = len(dataset.users), len(dataset.items), len(dataset.interactions)
    for name, known in _content()["datasets"].items():
        if (known["users"], known["items"]) == (users, items) and rows in known["rows"]:
            return str(name)
    return None


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return content


def _rows(table: Mapping[str, Any]) -> Iterator[PublishedRow]:
    protocol, dataset, k = table["protocol"], table["dataset"], table["k"]
    for model, values in table["values"].items():
        source, note = _cited(model, table["source"]), _note(model, table)
        for metric, value in zip(table["metrics"], values, strict=True):
            yield PublishedRow(protocol, dataset, model, metric, k, value, source, note)


def _cited(model: str, printed_in: str) -> str:
    """Write the model's paper and, if the number is from elsewhere, where it was printed."""
    paper = _content()["models"][model]
    sources = _content()["sources"]
    authors, printed = sources[paper]["authors"], _named(sources[printed_in])
    if paper == printed_in:
        return f"{authors}, {printed}"
    return f"{authors}, {_named(sources[paper], place=False)}, as printed in {printed}"


def _named(source: Mapping[str, Any], *, place: bool = True) -> str:
    published = source["venue"] if source["year"] is None else f"{source['venue']} {source['year']}"
    where = [source["where"]] if place and source["where"] else []
    return ", ".join([source["name"], published, *where])


def _note(model: str, table: Mapping[str, Any]) -> str:
    """Join what is known of the number, of where it was printed and of the model's own code."""
    known = _content()
    own = [table["notes"][model]] if model in table["notes"] else []
    keys = dict.fromkeys([table["source"], known["models"][model]])
    codes = [known["sources"][key]["code"] for key in keys]
    return "\n".join(own + [code[table["protocol"]] for code in codes if table["protocol"] in code])
