"""Files of vectors by id: NumPy arrays, and tables of a list column or of number columns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from hybridrec.dataset.columns import Source
from hybridrec.dataset.frames import find_column
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.dataset.vectors import Vectors
from hybridrec.errors import DataError, first_few

_NUMPY = (".npy", ".npz")
_PANDAS_INDEX = "__index_level_"  # how pandas calls a column for rows that were taken from others


def read_vectors(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    side: str = "item",
    ids: str | os.PathLike[str] | None = None,
    column: str | None = None,
) -> Vectors:
    """Read one vector an item (or user) from a file.

    Parameters
    ----------
    path : path
        - ``NAME.npy``: an array (rows, width); the ids are in ``ids``, or beside it in
          ``NAME.ids.npy`` or ``NAME.ids.txt`` (one a line, in the order of the rows);
        - ``.npz``: an array ``ids`` and another one, as ``numpy.savez(path, ids=..., vectors=...)``
          writes;
        - Parquet, JSON lines, CSV and the like: a column of ids and one of lists, or a column of
          ids and columns of numbers.
    name : str, optional
        By default that of the file.
    side : {"item", "user"}, default "item"
    ids : path, optional
        Only for ``.npy``.
    column : str, optional
        Of the ids in a table; recognised by default, also where it is not there.

    Raises
    ------
    DataError
        If the file cannot be used, the ids do not belong to it, vectors differ in length, or a
        number is missing; names the file, the row and its id.
    """
    path = Path(path)
    name = path.name.split(".")[0] if name is None else name
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.suffix.lower() in _NUMPY:
        found = _from_npz(path) if path.suffix.lower() == ".npz" else _from_npy(path, ids)
    else:
        found = _from_table(open_file(path, "vectors"), side, column)
    return Vectors.of(name, *found, side, where=str(path))


def _from_npy(path: Path, ids: str | os.PathLike[str] | None) -> tuple[Any, Any]:
    matrix = _array(_loaded(path), path)
    beside = [path.with_suffix(".ids.npy"), path.with_suffix(".ids.txt")]
    file = Path(ids) if ids is not None else next((one for one in beside if one.is_file()), None)
    if file is None:
        raise DataError(
            f"{path} has no ids; write them in the order of its rows, one a line, to {beside[1]}"
        )
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    listed = _loaded(file) if file.suffix.lower() == ".npy" else _lines(file)
    if len(listed) != len(matrix):
        raise DataError(f"{file} has {len(listed):,} ids for the {len(matrix):,} rows of {path}")
    return listed, matrix


def _from_npz(path: Path) -> tuple[Any, Any]:
    with _loaded(path) as arrays:
        others = [one for one in arrays.files if one != "ids"]
        if "ids" not in arrays.files or len(others) != 1:
            raise DataError(
                f"{path} must hold an array 'ids' and one of vectors, it holds"
                f" {first_few(arrays.files)}; numpy.savez(path, ids=..., vectors=...) writes one"
            )
        return arrays["ids"], _array(arrays[others[0]], path)


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"{path} is no NumPy array of numbers or text: {error}") from error


def _array(values: np.ndarray, path: Path) -> np.ndarray:
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise DataError(
            f"{path} must hold numbers in rows and columns, it is {values.dtype} of shape"
            f" {values.shape}"
        )
    return values


def _lines(path: Path) -> np.ndarray:
    """Return ids, one a line; integers if all of them are written as integers."""
    try:
        texts = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no UTF-8 text: {error}") from error
    empty = [number for number, text in enumerate(texts, 1) if not text.strip()]
    if empty:
        raise DataError(f"{path}:{empty[0]}: no id on this line")
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    if numbers and [str(one) for one in numbers] == texts:
        return np.array(numbers)
    return np.array(texts, dtype=object)


def _from_table(source: Source, side: str, column: str | None) -> tuple[Any, Any]:
    names = [name for name in source.names if not name.startswith(_PANDAS_INDEX)]
    given = column if column in names else None
    by_entity = find_column(names, "entity", None, where=source.where, required=False)
    named = find_column(names, side, given, where=source.where, required=by_entity is None)
    id_column = str(named or by_entity)  # as "hybridrec embed" calls it
    rest = [name for name in names if name != id_column]
    if not rest:
        raise DataError(f"{source.where} has no column besides {id_column!r}")
    with source.read(names) as columns:
        ids = columns.ids(id_column, side, distinct=True)
        values = {name: columns.values(name) for name in rest}
    if len(rest) == 1 and values[rest[0]].dtype == object:
        return ids, [None if _missing(cell) else cell for cell in values[rest[0]].tolist()]
    texts = [name for name in rest if values[name].dtype.kind not in "fiub"]
    if texts:
        raise DataError(
            f"{source.where}: besides {id_column!r} there must be one column of lists, or numbers"
            f" only; {first_few(texts)} are neither"
        )
    return ids, np.stack([values[name].astype(np.float64) for name in rest], axis=1)


def _missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and np.isnan(cell))
