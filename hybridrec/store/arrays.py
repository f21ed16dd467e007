"""Named arrays and CSR matrices <-> one safetensors file, memory-mapped on reading.

The format is eight bytes with the length of a JSON header, the header (type, shape and place of
each tensor), and the tensors' bytes: https://github.com/huggingface/safetensors#format. The
library writes it; reading is done here, because the library copies every tensor it hands to
numpy, while worker processes that map one file share its memory.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybridrec.errors import DataError, ModelFolderError, OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Stored: TypeAlias = "NDArray[Any] | csr_matrix[Any]"

_DTYPES = {
    "BOOL": np.dtype("?"),
    **{f"I{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
_WRITABLE = frozenset(dtype.name for dtype in _DTYPES.values())
_METADATA = "__metadata__"  # the one header entry that is no tensor
_CSR_PARTS = ("data", "indices", "indptr")
_UNREADABLE = (  # what opening a file and following a header that is not ours can raise
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write arrays and sparse matrices to a safetensors file; an existing file is replaced.

    Parameters
    ----------
    path : str or path
        The file to write.
    arrays : mapping of str to array or scipy.sparse CSR matrix
        Bool, integer and float arrays of any shape. A CSR matrix ``W`` becomes the tensors
        ``W.data``, ``W.indices`` and ``W.indptr``, entries in the order they have; its shape is
        kept in the file's metadata.

    Raises
    ------
    DataError
        If a name or a type cannot be stored.
    OutputError
        If the file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file
    from scipy.sparse import issparse

    tensors: dict[str, NDArray[Any]] = {}
    shapes: dict[str, list[int]] = {}
    for name, value in arrays.items():
        if not isinstance(name, str) or name in ("", _METADATA):
            raise DataError(f"{name!r} cannot be the name of an array")
        parts = {name: value}
        if issparse(value):
            parts = _csr_parts(name, value)
            shapes[name] = [int(size) for size in value.shape]
        for key, part in parts.items():
            if key in tensors:
                raise DataError(f"two arrays would be stored as {key!r}; rename one")
            tensors[key] = _tensor(key, part)
    metadata = {"csr": json.dumps(shapes)} if shapes else None
    try:
        save_file(tensors, os.fspath(path), metadata=metadata)
    except (SafetensorError, OSError) as error:
        raise OutputError(f"cannot write {os.fspath(path)}: {error}") from error


def read_arrays(path: str | os.PathLike[str]) -> dict[str, Stored]:
    """Map a file of :func:`write_arrays` into memory; nothing is copied.

    Returns
    -------
    dict of str to array or csr_matrix
        Read-only views on the file.

    Raises
    ------
    ModelFolderError
        If the file is missing, or its header and bytes do not fit together exactly.
    """
    try:
        mapped = np.memmap(path, dtype=np.uint8, mode="r")
        arrays, shapes = _parsed(mapped)
        for name, shape in shapes.items():
            arrays[name] = _csr([arrays.pop(f"{name}.{part}") for part in _CSR_PARTS], shape)
    except _UNREADABLE as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelFolderError(f"{os.fspath(path)} cannot be read as arrays: {reason}") from error
    return arrays


def _tensor(name: str, value: Any) -> NDArray[Any]:
    """Return one array in C order, or say why it cannot be stored."""
    tensor = np.asarray(value, order="C")  # the library writes strided memory as it lies
    if tensor.dtype.name not in _WRITABLE:
        raise DataError(
            f"array {name!r} has type {tensor.dtype}; only bool, integers and floats up to"
            " 64 bits can be stored"
        )
    return tensor


def _csr_parts(name: str, matrix: Any) -> dict[str, NDArray[Any]]:
    """Split a CSR matrix into tensors."""
    if matrix.format != "csr" or matrix.ndim != 2:
        raise DataError(f"sparse array {name!r} must be a CSR matrix: convert it with .tocsr()")
    largest = max(matrix.nnz, *matrix.shape)
    # The width scipy chooses for these sizes: with another it would copy when reading.
    index = np.int32 if largest <= np.iinfo(np.int32).max else np.int64
    return {
        f"{name}.data": matrix.data,
        f"{name}.indices": matrix.indices.astype(index, copy=False),
        f"{name}.indptr": matrix.indptr.astype(index, copy=False),
    }


def _parsed(mapped: NDArray[np.uint8]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return views on all tensors of a mapped file, and the shapes of its CSR matrices."""
    start = 8 + int.from_bytes(mapped[:8].tobytes(), "little")
    if start > len(mapped):
        raise ValueError("the file ends inside its header")
    header = json.loads(mapped[8:start].tobytes())
    metadata = header.pop(_METADATA, {})

    arrays: dict[str, Any] = {}
    end = start
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape = _DTYPES[entry["dtype"]], tuple(_sizes(entry["shape"]))
        begin, end = end, end + dtype.itemsize * math.prod(shape)
        if _sizes(entry["data_offsets"]) != [begin - start, end - start]:
            raise ValueError(f"the bytes of {name!r} do not fit its type, shape and neighbours")
        if end > len(mapped):
            raise ValueError(f"the file ends inside {name!r}")
        arrays[name] = np.ndarray(shape, dtype, buffer=mapped, offset=begin)
    if end != len(mapped):
        raise ValueError("the file goes on after its last array")
    return arrays, json.loads(metadata.get("csr", "{}"))


def _sizes(numbers: Any) -> list[int]:
    """Return a JSON list of whole numbers of at least 0, or refuse it."""
    if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 for n in numbers):
        raise ValueError(f"{numbers!r} is no list of sizes")
    return numbers


def _csr(parts: list[Any], shape: Any) -> csr_matrix[Any]:
    """Build a CSR matrix on mapped arrays, all its indices checked."""
    from scipy.sparse import csr_matrix

    data, indices, indptr = parts
    rows, columns = _sizes(shape)
    if not data.ndim == indices.ndim == indptr.ndim == 1:
        raise ValueError("the parts of a sparse matrix must have one dimension")
    if indices.dtype != indptr.dtype or indices.dtype not in (np.int32, np.int64):
        raise ValueError("the indices of a sparse matrix must be int32 or int64")
    if not len(indptr) - 1 == rows or not len(data) == len(indices) == indptr[-1]:
        raise ValueError("the parts of a sparse matrix have lengths that do not fit together")
    if indptr[0] != 0 or (indptr[1:] < indptr[:-1]).any():  # a difference could wrap around
        raise ValueError("the row starts of a sparse matrix must begin at 0 and never fall")
    if len(indices) and not (indices.min() >= 0 and indices.max() < columns):
        raise ValueError("a sparse matrix has an entry outside its columns")
    return csr_matrix((data, indices, indptr), shape=(rows, columns), copy=False)
