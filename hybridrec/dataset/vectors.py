"""Vectors of items or users that were made elsewhere: of images, sounds, texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridrec.dataset.columns import BadRowsError
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, ParameterError, first_few

_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True, eq=False)
class Vectors:
    """One vector for each of some ids. Build with `Vectors.of` or `hybridrec.read_vectors`.

    Attributes
    ----------
    name : str
        Such as "image".
    ids : IdMap
    matrix : ndarray of float32, shape (len(ids), width)
    side : {"item", "user"}
    """

    name: str
    ids: IdMap
    matrix: np.ndarray
    side: str = "item"

    @classmethod
    def of(
        cls, name: str, ids: Any, matrix: Any, side: str = "item", *, where: str | None = None
    ) -> Vectors:
        """Check ids and vectors.

        Parameters
        ----------
        name : str
            Letters, digits, "_" and "-".
        ids : sequence of int or str
        matrix : array or sequence of vectors
            One an id; where a vector is None, the id is left out.
        side : {"item", "user"}, default "item"
        where : str, optional
            The file, for messages.

        Raises
        ------
        DataError
            If there are not as many vectors as ids, an id repeats, vectors differ in length, or a
            number is missing, infinite or none; names row and id.
        ParameterError
            If the name or side makes no sense.
        """
        if not _NAME.fullmatch(name):
            raise ParameterError(
                f"the name of vectors has letters, digits, '_' and '-' only, got {name!r}"
            )
        if side not in ("item", "user"):
            raise ParameterError(f"side must be 'item' or 'user', got {side!r}")
        where = where or f"vectors {name!r}"
        known = _distinct(ids, side, where)
        if len(known) != len(matrix):
            raise DataError(f"{where}: {len(known):,} ids for {len(matrix):,} vectors")
        present, numbers = as_matrix(matrix, known.ids, where, side)
        if len(present) == 0:
            raise DataError(f"{where} holds no vector")
        if len(present) < len(known):
            known = IdMap(known.ids[present], side)
        return cls(name, known, numbers, side)

    def rows(self, wanted: IdMap) -> np.ndarray:
        """Return the row of every id of a map, int32, -1 where it has no vector.

        Integers and the same numbers as text are one id.
        """
        known, ids = self.ids, wanted.ids
        if known.is_text != wanted.is_text:
            ids = ids.astype(str).astype(object)
            known = known if known.is_text else IdMap(known.ids.astype(str).astype(object))
        return known.codes(ids, unknown="skip")


def as_matrix(
    vectors: Any, ids: np.ndarray, where: str, side: str = "item"
) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows have a vector (are not None), and these vectors, float32.

    Raises
    ------
    DataError
        If they differ in length, or a number is missing, infinite or none.
    """

    def refuse(row: int, problem: str) -> DataError:
        return DataError(f"{where}: row {row} ({side} {first_few([ids[row]])}) {problem}")

    if isinstance(vectors, np.ndarray) and vectors.ndim == 2 and vectors.dtype.kind in "fiub":
        present, listed = np.arange(len(vectors)), vectors
    else:
        present = np.array([at for at, one in enumerate(vectors) if one is not None], dtype=int)
        rows = []
        for at in present.tolist():
            try:
                rows.append(np.asarray(vectors[at], dtype=np.float64))
            except (TypeError, ValueError):
                raise refuse(at, f"holds no numbers: {vectors[at]!r:.60}") from None
            if rows[-1].ndim != 1 or len(rows[-1]) != len(rows[0]):
                numbers = f"{len(rows[0])} numbers" if rows[0].ndim == 1 else "one number"
                raise refuse(
                    at, f"is of shape {rows[-1].shape}, the first vector has {numbers}; all must"
                    " be vectors of one length",
                )  # fmt: skip
        listed = np.array(rows)
    if listed.ndim != 2 or listed.shape[1] == 0:
        raise DataError(f"{where}: the vectors have no numbers")
    with np.errstate(over="ignore"):  # becomes infinite, and is refused below
        matrix = np.ascontiguousarray(listed, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if bad.size:
        more = f" (and {bad.size - 1} more rows)" if bad.size > 1 else ""
        raise refuse(int(present[bad[0]]), f"holds NaN or infinite numbers{more}")
    return present, matrix


def check_vectors(vectors: Sequence[Vectors], ids: Mapping[str, IdMap]) -> None:
    """Refuse vectors of which two have a name, or that are about none of the ids.

    Raises
    ------
    ParameterError, DataError
    """
    names = [(one.side, one.name) for one in vectors]
    for side, name in names:
        if names.count((side, name)) > 1:
            raise ParameterError(f"two sets of vectors of {side}s are called {name!r}; rename one")
    for one in vectors:
        known = ids[one.side]
        if len(known) and (one.rows(known) < 0).all():
            raise DataError(
                f"vectors {one.name!r}: none of the {len(one.ids):,} ids is one of the {one.side}s"
                f" here: they look like {first_few(one.ids.ids, 3)}, {one.side}s like"
                f" {first_few(known.ids, 3)}"
            )


def coverage_notes(vectors: Sequence[Vectors], ids: Mapping[str, IdMap]) -> Iterator[str]:
    """Say who has no vector, and which vectors are of nobody known; nothing where all is well."""
    for one in vectors:
        known = ids[one.side]
        rows = one.rows(known)
        lacking = known.ids[rows < 0]
        if len(lacking):
            yield (
                f"{one.name}: {len(lacking):,} of {len(known):,} {one.side}s have no vector"
                f" ({first_few(lacking, 3)})"
            )
        strangers = np.delete(one.ids.ids, rows[rows >= 0])
        if len(strangers):
            yield (
                f"{one.name}: {len(strangers):,} of {len(one.ids):,} vectors are of {one.side}s"
                f" that are not in the data ({first_few(strangers, 3)})"
            )


def _distinct(ids: Any, side: str, where: str) -> IdMap:
    try:
        return IdMap(ids, side)
    except BadRowsError as error:
        raise DataError(f"{where}: {error}") from error
