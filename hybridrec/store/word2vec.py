"""Vectors <-> the text format of word2vec, which gensim and many other tools read."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from hybridrec.errors import DataError, OutputError, first_few

_NUMBER = "%.9g"  # nine digits give back every float32
_WORD = re.compile(r"[^\s\ud800-\udfff]+", re.ASCII)  # half a surrogate pair has no UTF-8 form


def check_word2vec_ids(ids: Any) -> None:
    """Refuse ids that the format, which has no quotes, cannot hold.

    Raises
    ------
    DataError
        If an id is empty, holds white space, or is there twice; names the first ones.
    """
    texts = [str(one) for one in ids]
    bad = [text for text in texts if not _WORD.fullmatch(text)]
    if bad:
        raise DataError(
            f"the word2vec format holds no id with white space in it, and no empty one: there are"
            f" {first_few(bad)}; rename them or choose another format"
        )
    again = [text for text, count in Counter(texts).items() if count > 1]
    if again:
        raise DataError(f"an id can have one vector only; there several times: {first_few(again)}")


def word2vec_lines(ids: Any, vectors: np.ndarray) -> Iterator[str]:
    """Return the lines of a file; arguments and errors as in `write_word2vec`."""
    if vectors.ndim != 2 or vectors.shape[1] == 0 or len(ids) != len(vectors):
        raise DataError(f"{len(ids)} ids do not fit vectors of shape {vectors.shape}")
    check_word2vec_ids(ids)
    with np.errstate(over="ignore"):
        numbers = np.asarray(vectors, np.float32)
    bad = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
    if bad.size:
        raise DataError(
            f"vectors hold NaN or infinite values, at ids {first_few(ids[at] for at in bad)}"
        )
    return _lines(ids, numbers)


def write_word2vec(path: str | os.PathLike[str], ids: Any, vectors: np.ndarray) -> None:
    """Write vectors as text: a line "rows dimensions", then a line "id number number ..." each.

    This is the text format of word2vec (Mikolov et al., 2013); gensim reads it with
    ``KeyedVectors.load_word2vec_format(path)``.

    Parameters
    ----------
    path : str or path
        An existing file is replaced.
    ids : sequence of int or str
        (rows,), distinct, without white space.
    vectors : ndarray
        Finite numbers (rows, dimensions); written as float32.

    Raises
    ------
    DataError
        If ids or vectors do not fit each other or the format; nothing is written then.
    OutputError
        If the file cannot be written.
    """
    lines = word2vec_lines(ids, vectors)
    try:
        with Path(path).open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(lines)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def read_word2vec(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read vectors in the text format of word2vec.

    Parameters
    ----------
    path : str or path
        UTF-8. Between numbers there may be several spaces or tabs.

    Returns
    -------
    ids : ndarray
        (rows,), int64 if all ids are whole numbers as Python writes them, else str objects.
    vectors : ndarray
        float32 (rows, dimensions).

    Raises
    ------
    DataError
        If the file is missing, cut off, or not in that format; names the line.
    """
    try:
        with Path(path).open("rb") as stream:
            return _read(os.fspath(path), stream)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def _lines(ids: Any, vectors: np.ndarray) -> Iterator[str]:
    rows, dimensions = vectors.shape
    yield f"{rows} {dimensions}\n"
    form = " ".join(["%s", *[_NUMBER] * dimensions]) + "\n"
    for one, vector in zip(ids, vectors, strict=True):
        yield form % (one, *vector.tolist())


def _read(path: str, stream: IO[bytes]) -> tuple[np.ndarray, np.ndarray]:
    rows, dimensions = _header(path, stream.readline())
    ids: dict[str, int] = {}
    vectors = []
    # Lines end in "\n" alone, as in gensim: an id may hold what Unicode calls a line break.
    for number, line in enumerate(stream, 2):
        where = f"{path}, line {number}"
        fields = line.split()
        if not fields:
            continue
        if len(fields) != dimensions + 1:
            raise DataError(
                f"{where}: expected an id and {dimensions} numbers, got {len(fields)} fields"
            )
        one = _decoded(where, fields[0])
        if ids.setdefault(one, number) != number:
            raise DataError(f"{where}: id {one!r} is in line {ids[one]} already")
        vectors.append(_numbers(where, fields[1:]))
    if len(vectors) != rows:
        state = "is cut off" if len(vectors) < rows else "does not fit its first line"
        raise DataError(f"{path} {state}: it has {len(vectors)} vectors of {rows}")
    matrix = np.array(vectors, np.float32).reshape(rows, dimensions)
    return _as_ids(list(ids)), matrix


def _header(path: str, line: bytes) -> tuple[int, int]:
    """Return the number of rows and of dimensions."""
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields) or int(fields[1]) < 1:
        raise DataError(
            f"{path}, line 1: expected the number of vectors and that of dimensions, got"
            f" {line[:60].decode(errors='replace').strip()!r}"
        )
    return int(fields[0]), int(fields[1])


def _decoded(where: str, field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: the id is not UTF-8: {error}") from None


def _numbers(where: str, fields: list[bytes]) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(fields).astype(np.float32)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    if not np.isfinite(numbers).all():
        bad = fields[int(np.flatnonzero(~np.isfinite(numbers))[0])]
        raise DataError(f"{where}: {bad.decode()} is no finite float32")
    return numbers


def _as_ids(texts: list[str]) -> np.ndarray:
    """Return ids as integers, if all of them are, or as text."""
    try:
        numbers = np.array([int(text) for text in texts], np.int64)
    except (ValueError, OverflowError):
        return np.array(texts, dtype=object)
    if [str(number) for number in numbers.tolist()] != texts:
        return np.array(texts, dtype=object)
    return numbers
