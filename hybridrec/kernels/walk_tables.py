"""What walks look up: where an edge leads, how much it counts, and whether there is one.

All of it is linear in the edges: alias tables for weighted rows (Walker 1977; built as in Vose,
"A linear algorithm for generating random numbers with a given distribution", 1991), and a Bloom
filter that answers most questions after an edge that is not there (Bloom 1970; one word a
question, as in Putze, Sanders & Singler, "Cache-, hash- and space-efficient Bloom filters", 2007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from hybridrec.kernels.rng import mix

FILTER_BITS = 16  # an edge; with two of them set, one question in fifty is answered wrongly
UNIT = 2.0**32  # thresholds of alias tables are multiples of 1 / UNIT

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SIX = np.uint64(6)
_PLACE = np.uint64(63)
_ONE = np.uint64(1)


class Tables(NamedTuple):
    """A graph as kernels take it; what a kind of walk does not need is an empty array.

    Attributes
    ----------
    indptr, indices : ndarray
        int64 (nodes + 1,) and int32 (edges,), the CSR graph, rows ascending.
    weights : ndarray
        float32 (edges,), empty for an unweighted graph.
    alias : ndarray
        uint64 (edges,) from `alias_tables`, empty for an unweighted graph.
    means : ndarray
        float64 (nodes,) from `row_means`.
    loose : ndarray
        float32 (nodes,), the weight below which an edge at a node is loose, for node2vec+ alone.
    filter : ndarray
        uint64 (words,) from `edge_filter`; an empty one knows nothing.
    symmetric : bool
        Every edge is in both rows, with one weight.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    alias: np.ndarray
    means: np.ndarray
    loose: np.ndarray
    filter: np.ndarray
    symmetric: bool


@njit(cache=True, nogil=True)
def alias_tables(indptr: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return an alias table for each row, uint64 (edges,).

    The upper half of an entry is the share of its slot that stays with it, in 2**-32ths; the
    rest goes to the edge of the row that the lower half numbers.
    """
    alias = np.empty(weights.size, np.uint64)
    widest = 0
    for node in range(indptr.size - 1):
        widest = max(widest, indptr[node + 1] - indptr[node])
    share, queue = np.empty(widest, np.float64), np.empty(widest, np.int64)
    for node in range(indptr.size - 1):
        low, high = indptr[node], indptr[node + 1]
        _fill_alias(weights[low:high], share, queue, alias[low:high])
    return alias


@njit(cache=True, nogil=True)
def _fill_alias(
    weights: np.ndarray, share: np.ndarray, queue: np.ndarray, alias: np.ndarray
) -> None:
    """Fill the alias table of one row; ``share`` and ``queue`` are for work."""
    size = weights.size
    total = 0.0
    for edge in range(size):
        total += weights[edge]
    small, large = 0, size  # the queue holds small slots from the left, large from the right
    for edge in range(size):
        share[edge] = weights[edge] * (size / total)
        if share[edge] < 1.0:
            queue[small] = edge
            small += 1
        else:
            large -= 1
            queue[large] = edge
    while small > 0 and large < size:
        small -= 1
        edge, donor = queue[small], queue[large]
        alias[edge] = _entry(share[edge], donor)
        share[donor] -= 1.0 - share[edge]
        if share[donor] < 1.0:
            queue[small] = donor
            small += 1
            large += 1
    for place in range(small):  # what rounding left over
        alias[queue[place]] = _entry(1.0, queue[place])
    for place in range(large, size):
        alias[queue[place]] = _entry(1.0, queue[place])


@njit(cache=True, nogil=True)
def _entry(share: float, other: int) -> np.uint64:
    """Return an entry of an alias table."""
    threshold = np.uint64(min(max(share, 0.0) * UNIT, UNIT - 1.0))
    return (threshold << _HALF) | np.uint64(other)


@njit(cache=True, nogil=True)
def toss(entry: np.uint64, slot: int, u: float) -> int:
    """Return the edge of the row that ``u`` in [0, 1) chooses in a slot of its alias table."""
    return slot if u * UNIT < np.float64(entry >> _HALF) else int(entry & _LOW)


@njit(cache=True, nogil=True)
def edge_filter(indptr: np.ndarray, indices: np.ndarray, symmetric: bool) -> np.ndarray:
    """Return a Bloom filter of the edges, uint64 (words,), `FILTER_BITS` an edge."""
    words = np.zeros(indices.size * FILTER_BITS // (128 if symmetric else 64) + 1, np.uint64)
    for source in range(indptr.size - 1):
        for edge in range(indptr[source], indptr[source + 1]):
            if not symmetric or source <= indices[edge]:
                hashed = edge_hash(source, indices[edge], symmetric)
                words[word_of(hashed, words.size)] |= _bits(hashed)
    return words


@njit(cache=True, nogil=True)
def may_have(words: np.ndarray, hashed: np.uint64) -> bool:
    """Return False only if there is no edge of that hash."""
    if words.size == 0:
        return True
    return holds(words[word_of(hashed, words.size)], hashed)


@njit(cache=True, nogil=True)
def holds(word: np.uint64, hashed: np.uint64) -> bool:
    """Return whether a word of the filter has the bits of an edge."""
    bits = _bits(hashed)
    return bool((word & bits) == bits)


@njit(cache=True, nogil=True)
def edge_hash(source: int, target: int, symmetric: bool) -> np.uint64:
    """Return 64 bits for an edge, the same both ways in a symmetric graph."""
    if symmetric and source > target:
        source, target = target, source
    return mix((np.uint64(source) << _HALF) | np.uint64(target))


@njit(cache=True, nogil=True)
def word_of(hashed: np.uint64, count: int) -> np.uint64:
    """Return the word of an edge, by the upper half of its hash."""
    return ((hashed >> _HALF) * np.uint64(count)) >> _HALF


@njit(cache=True, nogil=True)
def _bits(hashed: np.uint64) -> np.uint64:
    """Return the two bits of an edge within its word, by the lower half of its hash."""
    return (_ONE << (hashed & _PLACE)) | (_ONE << ((hashed >> _SIX) & _PLACE))


@njit(cache=True, nogil=True)
def find(indptr: np.ndarray, indices: np.ndarray, source: int, target: int) -> int:
    """Return the edge from ``source`` to ``target``, -1 where none is: search a sorted row."""
    low, size = indptr[source], indptr[source + 1] - indptr[source]
    if size == 0:
        return -1
    while size > 1:  # without branches that are hard to predict
        half = size >> 1
        low += half if indices[low + half] <= target else 0
        size -= half
    return int(low) if indices[low] == target else -1


@njit(cache=True, nogil=True)
def row_means(indptr: np.ndarray, weights: np.ndarray, deviations: float) -> np.ndarray:
    """Return the mean weight of each row plus some of its standard deviations, float64 (nodes,).

    0 for a row without edges.
    """
    means = np.zeros(indptr.size - 1)
    for node in range(means.size):
        row = weights[indptr[node] : indptr[node + 1]]
        total = spread = 0.0
        for weight in row:
            total += weight
        mean = total / max(row.size, 1)
        if deviations != 0.0:
            for weight in row:
                spread += (weight - mean) ** 2
        means[node] = mean + deviations * np.sqrt(spread / max(row.size, 1))
    return means
