"""Blocks from workers -> one array, which is on disk where it is large."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

IN_MEMORY = 256 << 20  # bytes


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return an array to fill: in memory, or mapped to a file that goes when the array goes."""
    size = int(np.prod(shape, dtype=np.float64) * np.dtype(dtype).itemsize)
    if size <= IN_MEMORY:
        return np.empty(shape, dtype=dtype)
    with tempfile.TemporaryFile(prefix="hybridrec-") as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def spooled(blocks: Iterable[np.ndarray], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return blocks one below the other, of which one is in memory at a time."""
    out, start = empty(shape, dtype), 0
    for block in blocks:
        out[start : start + len(block)] = block
        start += len(block)
    return out


def spooled_rows(blocks: Iterable[csr_matrix], shape: tuple[int, int], nnz: int) -> csr_matrix:
    """Return the rows of sparse blocks as one matrix, of which one block is in memory at a time."""
    from scipy.sparse import csr_matrix

    index = np.int32 if max(nnz, *shape) <= np.iinfo(np.int32).max else np.int64
    data, indices = empty((nnz,), np.float32), empty((nnz,), index)
    starts = np.zeros(shape[0] + 1, dtype=index)
    row = at = 0
    for block in blocks:
        part = slice(at, at + block.nnz)
        data[part], indices[part] = block.data, block.indices
        starts[row + 1 : row + 1 + block.shape[0]] = block.indptr[1:].astype(index) + at
        row, at = row + block.shape[0], at + block.nnz
    return csr_matrix((data, indices, starts), shape=shape, copy=False)
