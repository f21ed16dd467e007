"""The caller's ids (int or str) and the dense int32 codes used inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.columns import BadRowsError
from hybridrec.errors import DataError, ParameterError, UnknownIdError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN_POLICIES = ("raise", "skip")
_TOO_LARGE = "ids above 2^63 do not fit; give them as text"


def as_ids(values: Any, name: str = "id") -> np.ndarray:
    """Return ids as an int64 array or an object array of str.

    Whole floats (as pandas makes of integers with gaps elsewhere) are taken as integers.

    Raises
    ------
    DataError
        If an id is missing, or the ids are neither integers nor text; names the first rows.
    """
    # Of a mixed list numpy would make text, "nan" included.
    plain = isinstance(values, list | tuple) and len(values) > 0
    array = np.asarray(values, dtype=object if plain else None)
    if array.ndim != 1:
        raise DataError(f"{name} ids must be one-dimensional, got shape {array.shape}")
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"{name} {_TOO_LARGE}")
    if array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "f":
        return _whole_floats(array, name)
    if array.dtype.kind in "UT":
        return array.astype(object)
    if array.dtype.kind == "O":
        return _object_ids(array, name)
    raise DataError(f"{name} ids must be integers or text, got {array.dtype}")


def _whole_floats(array: np.ndarray, name: str) -> np.ndarray:
    bad = np.flatnonzero(~(np.abs(array) < 2.0**63) | (array != np.floor(array)))
    if bad.size:
        raise BadRowsError(f"{name} ids must be integers or text", bad, array[bad])
    return array.astype(np.int64)


def _object_ids(array: np.ndarray, name: str) -> np.ndarray:
    import pandas as pd

    missing = np.flatnonzero(pd.isna(array))
    if missing.size:
        raise BadRowsError(f"{name} id missing", missing)
    kind = pd.api.types.infer_dtype(array, skipna=False)
    if kind == "integer":
        try:
            return array.astype(np.int64)
        except OverflowError:
            raise DataError(f"{name} {_TOO_LARGE}") from None
    if kind in ("string", "empty"):
        return array
    if kind == "floating":
        return _whole_floats(array.astype(np.float64), name)
    raise DataError(
        f"{name} ids must be all integers or all text, got {kind}: {first_few(array)};"
        " convert the column to text"
    )


def _is_int64(text: str) -> bool:
    try:
        return -(2**63) <= int(text) < 2**63
    except ValueError:
        return False


class IdMap:
    """A list of distinct ids; the code of an id is its position.

    Parameters
    ----------
    ids : sequence of int or str
        Distinct ids in code order.
    name : str, default "id"
        What the ids are ("user", "item", ...), for messages.

    Attributes
    ----------
    ids : ndarray
        int64, or object array of str.

    Raises
    ------
    DataError
        If ids repeat, are missing, or mix integers and text.
    """

    def __init__(self, ids: Sequence[Any] | np.ndarray, name: str = "id") -> None:
        self.ids = as_ids(ids, name)
        self.name = name
        if not self._index.is_unique:
            repeated = np.flatnonzero(self._index.duplicated(keep=False))
            distinct = self._index[repeated].unique()
            raise BadRowsError(f"duplicate {name} ids {first_few(distinct)}", repeated)

    @classmethod
    def from_values(cls, values: Any, name: str = "id") -> tuple[IdMap, np.ndarray]:
        """Map a column of ids: distinct ids in sorted order, and the int32 code of every row."""
        return cls._factorized(as_ids(values, name), name)

    @classmethod
    def covering(cls, values: Any, name: str = "id") -> tuple[IdMap, np.ndarray]:
        """Map a column of ids like `from_values`, but perhaps with ids that no row has.

        Numbers from 0 up, below the number of rows, are their own codes: nothing is hashed or
        copied, and codes are int64 that may not be written to.
        """
        ids = as_ids(values, name)
        # As unsigned numbers, those below 0 are the largest.
        if ids.dtype != object and len(ids) and ids.view(np.uint64).max() < len(ids):
            return cls(np.arange(ids.max() + 1), name), ids
        return cls._factorized(ids, name)

    @classmethod
    def _factorized(cls, ids: np.ndarray, name: str) -> tuple[IdMap, np.ndarray]:
        import pandas as pd

        codes, distinct = pd.factorize(ids, sort=True)
        return cls(np.asarray(distinct), name), codes.astype(np.int32)

    @cached_property
    def _index(self) -> pd.Index:
        import pandas as pd

        return pd.Index(self.ids, dtype=self.ids.dtype)

    @property
    def is_text(self) -> bool:
        """Whether the ids are text rather than integers."""
        return self.ids.dtype == object

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, one: object) -> bool:
        return one in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and np.array_equal(self.ids, other.ids)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"IdMap({len(self)} {self.name} ids: {first_few(self.ids, 3)})"

    def codes(self, values: Any, *, unknown: str = "raise") -> np.ndarray:
        """Return the int32 codes of ids.

        Parameters
        ----------
        values : sequence of int or str
            Ids, in any order, repeats allowed.
        unknown : {"raise", "skip"}, default "raise"
            "skip" gives unknown ids the code -1.

        Raises
        ------
        UnknownIdError
            If an id is not in the map and ``unknown`` is "raise"; names the first five.
        """
        if unknown not in UNKNOWN_POLICIES:
            raise ParameterError(f"unknown must be 'raise' or 'skip', got {unknown!r}")
        wanted = as_ids(values, self.name)
        if len(wanted) and (wanted.dtype == object) != self.is_text:
            codes = np.full(len(wanted), -1, dtype=np.int32)
        else:
            codes = self._looked_up(wanted)
        if unknown == "raise" and (codes < 0).any():
            self._raise_unknown(wanted[codes < 0])
        return codes

    def _looked_up(self, wanted: np.ndarray) -> np.ndarray:
        """Return the codes of ids of this map's type, -1 for unknown ones."""
        if len(self._table) == 0 or len(wanted) == 0:  # nothing is a column of any type
            hashed: np.ndarray = self._index.get_indexer(wanted).astype(np.int32)
            return hashed
        # As unsigned numbers, ids below 0 are beyond the table too: at its end.
        place = np.minimum(wanted.view(np.uint64), np.uint64(len(self._table) - 1))
        codes: np.ndarray = self._table[place.view(np.int64)]
        return codes

    @cached_property
    def _table(self) -> np.ndarray:
        """The code of every number up to the largest id, then -1; empty if few numbers are ids."""
        if self.is_text or not len(self) or self.ids.min() < 0 or self.ids.max() >= 4 * len(self):
            return np.empty(0, dtype=np.int32)
        table = np.full(int(self.ids.max()) + 2, -1, dtype=np.int32)
        table[self.ids] = np.arange(len(self), dtype=np.int32)
        return table

    def _raise_unknown(self, missing: np.ndarray) -> None:
        distinct = list(dict.fromkeys(missing.tolist()))
        message = f"unknown {self.name} {'id' if len(distinct) == 1 else 'ids'}"
        message += f" {first_few(distinct)}"
        if len(self) and (missing.dtype == object) != self.is_text:
            message += f" (ids here are {'text' if self.is_text else 'integers'}, like"
            message += f" {first_few(self.ids, 3)})"
        elif len(self) <= 200_000:  # the nearest spelling is not worth a scan of millions
            message += did_you_mean(distinct[0], self.ids)
        raise UnknownIdError(message)

    def parse(self, texts: Iterable[str]) -> np.ndarray:
        """Turn texts (from a command line or a URL) into ids of this map's type, unchecked."""
        listed = list(texts)
        if self.is_text:
            return np.array(listed, dtype=object)
        wrong = [text for text in listed if not _is_int64(text)]
        if wrong:
            raise UnknownIdError(
                f"unknown {self.name} {first_few(wrong)}: ids here are integers,"
                f" like {first_few(self.ids, 3)}"
            )
        return np.array([int(text) for text in listed], dtype=np.int64)

    def extend(self, values: Any) -> IdMap:
        """Return a map with the new ids among ``values`` appended; existing codes stay."""
        import pandas as pd

        wanted = as_ids(values, self.name)
        if len(wanted) == 0:
            return self
        if len(self) and (wanted.dtype == object) != self.is_text:
            raise DataError(
                f"{self.name} ids are {'text' if self.is_text else 'integers'} here, cannot add"
                f" {first_few(wanted)}"
            )
        fresh = pd.unique(wanted[self._index.get_indexer(wanted) < 0])
        if len(fresh) == 0:
            return self
        return IdMap(np.concatenate([self.ids, fresh]) if len(self) else fresh, self.name)

    @cached_property
    def tie_order(self) -> np.ndarray:
        """Rank of every id in a fixed pseudo-random order, int32: how equal scores are ordered.

        The order is that of a hash of the id's text, so it depends neither on the item's
        position (positions often follow popularity) nor on the other ids' codes.
        """
        import pandas as pd

        texts = np.array([str(one) for one in self.ids.tolist()], dtype=object)
        hashed = pd.util.hash_array(texts, categorize=False)
        rank = np.empty(len(self), dtype=np.int32)
        rank[np.lexsort((np.arange(len(self)), hashed))] = np.arange(len(self), dtype=np.int32)
        return rank
