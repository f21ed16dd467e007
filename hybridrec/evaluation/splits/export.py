"""A split as plain files that any other system can train on.

::

    manifest.json                    name, parameters and fingerprint of the split; sha256 of files
    train.csv, test.csv              user, item, weight, and timestamp where known;
    validation.csv, support.csv      where the split has them
    test_users.csv                   whom to recommend to
    candidates.csv                   what may be recommended, where not every item may be
    social.csv                       user, friend, weight: edges between users
    users.csv, items.csv             all ids, with or without rows
    triples.csv, link.csv            head, relation, tail, source (its number); item, entity
    entities.csv, relations.csv      all ids of the knowledge graph
    tables/items.parquet, ...        the item and user tables

Text is UTF-8, fields are separated by commas, the first line names the columns.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hybridrec.dataset.columns import Columns
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.dataset.readers.source import FileSource
from hybridrec.errors import DataError, ModelFolderError, first_few
from hybridrec.evaluation.splits.parts import IDS_OF, INTERACTIONS, SplitParts, take_apart
from hybridrec.evaluation.splits.split import Split
from hybridrec.store.folder import new_folder
from hybridrec.store.manifest import read_manifest, verify_files, write_manifest
from hybridrec.store.tables import read_table, write_table

EXPORTED = "exported split"

# Lists of ids that are a file, and the name of its column.
_LISTS = {"users": "user", "items": "item", "entities": "entity", "relations": "relation"}
# Tables of codes that are a file with the ids in their place.
_ROWS = (*INTERACTIONS, "candidates", "social", "triples", "link")
# Columns that have another name in their file: these items need not be those of the split.
_LINKED = {("link", "item"): "linked_item"}
_DTYPES = {"weight": np.float32, "timestamp": np.float64, "source": np.int16}


def export_split(
    split: Split, path: str | os.PathLike[str], *, test: bool = True, overwrite: bool = False
) -> None:
    """Write a split as CSV files (see above), whole or not at all; `load_split` reads them back.

    Whatever system learns from ``train.csv`` and writes lists for ``test_users.csv``, as a table
    of user, item, and rank or score, is evaluated like our own models.

    Parameters
    ----------
    split : Split
    path : path
        The folder to make; its parent must exist.
    test : bool, default True
        Whether to write ``test.csv``. Without it nobody can look at the answers; what others
        make of the files is then evaluated with the split itself.
    overwrite : bool, default False
        Replace a folder that hybridrec wrote, with all that is in it, or an empty one.

    Raises
    ------
    DataError
        If an id is empty or has a line break.
    OutputError
        If ``path`` exists and may not be replaced, or cannot be written.
    """
    parts = take_apart(split)
    for name, ids in parts.ids.items():
        _check_texts(name, ids)
    files = {name: _with_ids(name, parts) for name in parts.rows}
    files |= {name: {_LISTS[name]: parts.ids[name]} for name in _LISTS if name in parts.ids}
    files["test_users"] = {"user": split.train.users.ids[split.test_users]}
    if not test:
        del files["test"]
    about = {
        "kind": EXPORTED,
        **parts.about,
        "text_ids": [name for name, ids in parts.ids.items() if ids.dtype == object],
        "rows": {name: len(next(iter(columns.values()))) for name, columns in files.items()},
    }
    with new_folder(path, overwrite=overwrite) as folder:
        for name, columns in files.items():
            _write_csv(folder / f"{name}.csv", columns)
        for side, columns in parts.tables.items():
            if columns:
                (folder / "tables").mkdir(exist_ok=True)
                write_table(folder / "tables" / f"{side}.parquet", columns)
        write_manifest(folder, about)


def read_export(folder: Path) -> SplitParts:
    """Verify the files of an exported split and read them.

    Raises
    ------
    ModelFolderError
        If a file is missing or was altered, or the test was not exported.
    """
    about = read_manifest(folder)
    if "test" not in about["rows"]:
        raise ModelFolderError(
            f"{folder} was exported without its test; use the split it was exported from"
        )
    verify_files(folder, about)
    reader = _Reader(folder, about)
    ids = {name: reader.ids(name, column) for name, column in _LISTS.items() if name in reader}
    if "link" in reader:
        ids["linked_items"] = reader.ids("link", "item", of="linked_items")
    maps = {name: IdMap(values, name) for name, values in ids.items()}
    return SplitParts(
        about,
        ids,
        {name: reader.rows(name, maps) for name in _ROWS if name in reader},
        {
            side: read_table(folder / "tables" / f"{side}.parquet")
            for side in ("items", "users")
            if f"tables/{side}.parquet" in about["files"]
        },
    )


class _Reader:
    """The CSV files of a folder, as their manifest describes them."""

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self._folder, self._lengths = folder, about["rows"]
        self._text_ids = frozenset(about["text_ids"])

    def __contains__(self, name: str) -> bool:
        return name in self._lengths

    def ids(self, name: str, column: str, *, of: str | None = None) -> np.ndarray:
        """Return a column of ids of the list ``of``, by default the one the file is named for."""
        if self._lengths[name] == 0:
            return self._typed(np.empty(0, dtype=np.int64), of or name)
        with self._source(name).read([column]) as columns:
            return self._typed(columns.ids(column, column), of or name)

    def rows(self, name: str, maps: Mapping[str, IdMap]) -> dict[str, np.ndarray]:
        """Return a table with codes in the place of ids."""
        source = self._source(name)
        roles = {_LINKED.get((name, column), column): column for column in source.names}
        if self._lengths[name] == 0:
            return {role: np.empty(0, dtype=_DTYPES.get(role, np.int32)) for role in roles}
        with source.read(source.names) as columns:
            return {
                role: self._values(columns, column, role, maps) for role, column in roles.items()
            }

    def _source(self, name: str) -> FileSource:
        return open_file(self._folder / f"{name}.csv", "interactions", delimiter=",")

    def _values(
        self, columns: Columns, column: str, role: str, maps: Mapping[str, IdMap]
    ) -> np.ndarray:
        if role not in IDS_OF:
            return columns.values(column).astype(_DTYPES[role])
        found, codes = columns.coded_ids(column, column)
        ids = self._typed(found.ids, IDS_OF[role])
        values: np.ndarray = maps[IDS_OF[role]].codes(ids)[codes]
        return values

    def _typed(self, ids: np.ndarray, name: str) -> np.ndarray:
        """Return ids in the type they had: a file does not tell the text "7" from the number."""
        if name in self._text_ids and ids.dtype != object:
            return ids.astype(str).astype(object)
        return ids


def _with_ids(name: str, parts: SplitParts) -> dict[str, np.ndarray]:
    """Return a table with ids in the place of codes, and whole numbers as such."""
    readable = {_LINKED[key]: key[1] for key in _LINKED}
    return {
        readable.get(role, role): parts.ids[IDS_OF[role]][values]
        if role in IDS_OF
        else _whole(values)
        for role, values in parts.rows[name].items()
    }


def _whole(values: np.ndarray) -> np.ndarray:
    """Return numbers as integers if they are: shorter to write, and the same to read."""
    whole = (values == np.floor(values)) & (np.abs(values) < 2**53)
    whole &= (values != 0) | ~np.signbit(values)  # -0.0 is another number to a fingerprint
    return values.astype(np.int64) if whole.all() else values


def _check_texts(name: str, ids: np.ndarray) -> None:
    """Refuse ids that a line of CSV cannot hold."""
    if ids.dtype == object:
        bad = [one for one in ids if not one or "\n" in one or "\r" in one or "\0" in one]
        if bad:
            raise DataError(
                f"{name} cannot be written as CSV, ids are empty or have line breaks:"
                f" {first_few(bad)}; save the split instead of exporting it"
            )


def _write_csv(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    import pandas as pd

    pd.DataFrame(dict(columns)).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
