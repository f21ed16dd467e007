"""Read a pickled pandas data frame as bare numpy arrays, without running anything it names.

Only plain arrays can come out, so neither a changed file nor another version of pandas than the
one that wrote it can do harm. It knows the block layout of the one file that
``build_movielens_small.py`` reads, and is no general reader.
"""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np


def read_pickled_frame(stream: IO[bytes]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns of the pickled frame, name to array."""
    frame = _ArraysOnly(stream).load()
    blocks, (names, _rows) = frame.state["_mgr"].parts
    columns: np.ndarray[Any, Any] = names.parts[1]["data"]
    table: dict[str, np.ndarray[Any, Any]] = {}
    for block in blocks:  # a block holds all columns of one type, and where they stand
        values, placement, _ndim = block.parts
        table.update(zip(columns[placement], values, strict=True))
    return {name: table[name] for name in columns}


class _Part:
    """Stand-in for a pandas object: keeps what the pickle says about it, does nothing."""

    state: dict[str, Any]

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


def _array_from_buffer(
    buffer: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any
) -> np.ndarray[Any, Any]:
    """Rebuild a numeric array as numpy's private ``_frombuffer`` does."""
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


_ALLOWED = {
    ("builtins", "slice"): slice,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): np.ndarray.__new__,
    ("numpy.core.numeric", "_frombuffer"): _array_from_buffer,
}


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that resolves every name to an array builder or to a stand-in."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] == "pandas":
            return _Part
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"a data frame has no use for {module}.{name}")
        return _ALLOWED[module, name]
