"""A split <-> a folder, in the form that loads fastest; see `export` for files to share."""

from __future__ import annotations

import os
from pathlib import Path

from hybridrec.errors import DataError, ModelFolderError
from hybridrec.evaluation.splits.export import EXPORTED, read_export
from hybridrec.evaluation.splits.parts import SplitParts, put_together, take_apart
from hybridrec.evaluation.splits.split import Split
from hybridrec.store.folder import Folder, read_folder, write_folder
from hybridrec.store.manifest import read_manifest

SAVED = "split"


def save_split(split: Split, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write a split and its data set to a folder, whole or not at all.

    Kept are name and parameters, ids, the rows of every part, candidates, knowledge graph and
    tables; context columns of the interactions are not.

    Raises
    ------
    OutputError, DataError
        See `hybridrec.store.write_folder`.
    """
    parts = take_apart(split)
    write_folder(
        path,
        manifest={"kind": SAVED, **parts.about},
        arrays={
            f"{table}/{column}": values
            for table, columns in parts.rows.items()
            for column, values in columns.items()
        },
        tables={
            **{f"ids/{name}": {"id": ids} for name, ids in parts.ids.items()},
            **{f"tables/{side}": columns for side, columns in parts.tables.items() if columns},
        },
        overwrite=overwrite,
    )


def load_split(path: str | os.PathLike[str]) -> Split:
    """Load a split that was saved (`Split.save`) or exported (`export_split`).

    Raises
    ------
    ModelFolderError
        If the folder is missing, not a split, incomplete, altered or of a newer format, was
        exported without its test, or does not give the split with the fingerprint it names.
    """
    kind = read_manifest(Path(path)).get("kind")
    if kind not in (SAVED, EXPORTED):
        raise ModelFolderError(f"{os.fspath(path)} holds no split, but something else of hybridrec")
    try:
        parts = read_export(Path(path)) if kind == EXPORTED else _parts(read_folder(path))
        return put_together(parts)
    except ModelFolderError:
        raise
    except (KeyError, TypeError, IndexError, AttributeError, DataError) as error:
        raise ModelFolderError(
            f"{os.fspath(path)} is no complete split ({type(error).__name__}: {error});"
            " save it again"
        ) from error


def _parts(folder: Folder) -> SplitParts:
    parts = SplitParts(folder.manifest, {}, {}, {})
    for name, values in folder.arrays.items():
        table, column = name.split("/")
        parts.rows.setdefault(table, {})[column] = values
    for name, columns in folder.tables.items():
        kind, what = name.split("/")
        if kind == "ids":
            parts.ids[what] = columns["id"]
        else:
            parts.tables[what] = columns
    return parts
