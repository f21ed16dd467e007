"""Kernels of exact top-k over factors: candidates from tiles of rounded scores.

Scores from a matrix product are rounded. So every row keeps as candidates all items whose rounded
score is less than twice the possible error below the k-th best one; the best of these by exact
scores are the best of all. Only few scores reach this bar, and the others cost one comparison in
a vector of many.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hybridrec.kernels.lanes import LANES, first_set, reaching

LOWEST = np.finfo(np.float32).min
TOO_MANY = -1  # size of a row whose candidates do not fit: its scores nearly tie
_HALVINGS = 24  # at most, to find a bar


@njit(cache=True, nogil=True)
def place_seen(
    indptr: np.ndarray, indices: np.ndarray, place: np.ndarray, width: int, n_tiles: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group the entries of CSR rows by the tile in which they stand.

    Parameters
    ----------
    indptr, indices : ndarray
    place : ndarray of int32, shape (n_items,)
        Column of each item among the columns of all tiles, -1 for none.
    width : int
        Columns of a tile.
    n_tiles : int

    Returns
    -------
    starts : ndarray of int64, shape (n_tiles + 1,)
    rows, columns : ndarray of int32
        ``starts[t]:starts[t + 1]`` are those of tile t; columns count from its first.
    """
    starts = np.zeros(n_tiles + 2, dtype=np.int64)
    for entry in range(indptr[0], indptr[-1]):
        if place[indices[entry]] >= 0:
            starts[place[indices[entry]] // width + 2] += 1
    starts = np.cumsum(starts)
    rows = np.empty(starts[-1], dtype=np.int32)
    columns = np.empty(starts[-1], dtype=np.int32)
    for row in range(len(indptr) - 1):
        for entry in range(indptr[row], indptr[row + 1]):
            column = place[indices[entry]]
            if column >= 0:
                tile = column // width
                rows[starts[tile + 1]], columns[starts[tile + 1]] = row, column - tile * width
                starts[tile + 1] += 1
    return starts[:-1], rows, columns


@njit(cache=True, nogil=True)
def _count_reaching(scores: np.ndarray, bar: np.float32) -> int:
    count = np.int32(0)
    for place in range(len(scores)):
        count += np.int32(scores[place] >= bar)
    return int(count)


@njit(cache=True, nogil=True)
def _bar_for(scores: np.ndarray, k: int) -> np.float32:
    """Return a number that at least k of some scores reach, and not many more."""
    low, high = np.float32(scores.min()), np.float32(scores.max())
    for _ in range(_HALVINGS):
        middle = np.float32(0.5 * (np.float64(low) + np.float64(high)))
        count = _count_reaching(scores, middle)
        if count >= k:
            low = middle
            if 8 * count <= 9 * k:
                break
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def shrink(
    items: np.ndarray, scores: np.ndarray, size: int, k: int, error: float
) -> tuple[int, np.float32]:
    """Drop candidates that cannot be among the best k; return how many stay, and the bar."""
    low = np.float32(_bar_for(scores[:size], k) - 2 * error)
    kept = 0
    for place in range(size):
        item, score = items[place], scores[place]
        items[kept], scores[kept] = item, score
        kept += score >= low
    if 4 * kept > k + 3 * len(items):
        return TOO_MANY, np.float32(np.inf)
    return kept, low


@njit(cache=True, nogil=True)
def _scan(
    row: np.ndarray,
    order: np.ndarray,
    may: np.ndarray,
    k: int,
    error: float,
    low: np.float32,
    items: np.ndarray,
    scores: np.ndarray,
    size: int,
) -> tuple[int, np.float32]:
    """Add what reaches the bar in one row of a tile; return how many there are, and the bar."""
    for start in range(0, len(order), LANES):
        found = reaching(row, start, low)
        while found:
            place = start + first_set(found)
            found &= found - np.uint64(1)
            if place < len(order) and row[place] >= low and may[order[place]]:
                items[size], scores[size] = order[place], row[place]
                size += 1
                if size == len(items):
                    size, low = shrink(items, scores, size, k, error)
                    if size == TOO_MANY:
                        return size, low
    return size, low


@njit(cache=True, nogil=True)
def scan_tile(
    tile: np.ndarray,
    live: np.ndarray,
    order: np.ndarray,
    allowed: np.ndarray,
    seen_rows: np.ndarray,
    seen_columns: np.ndarray,
    k: int,
    error: np.ndarray,
    low: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """Add what one tile of rounded scores holds to the candidates of its rows.

    Parameters
    ----------
    tile : ndarray of float32, shape (live rows, width or more), overwritten
    live : ndarray of int, shape (live rows,)
        To which rows of a block of users, and of the arrays below, the rows of the tile belong.
    order : ndarray of int32, shape (width,)
        Items of the columns.
    allowed : ndarray of bool, shape (n_items,)
    seen_rows, seen_columns : ndarray of int32
        Entries of this tile that must not come out, by row of the block.
    k : int
    error : ndarray of float64, shape (rows,)
        How far a score can be from the exact one.
    low : ndarray of float32, shape (rows,), in and out
        What a score must reach to be a candidate.
    items, scores : ndarray of int32 and of float32, shape (rows, more than k), in and out
        Candidates.
    sizes : ndarray of int64, shape (rows,), in and out
        How many candidates there are; -1 where they do not fit.
    """
    line_of = np.full(len(sizes), -1, dtype=np.int64)
    for line in range(len(live)):
        line_of[live[line]] = line
    for entry in range(len(seen_rows)):
        line = line_of[seen_rows[entry]]
        if line >= 0:
            tile[line, seen_columns[entry]] = -np.inf
    for line in range(len(live)):
        row = live[line]
        if sizes[row] != TOO_MANY:
            sizes[row], low[row] = _scan(
                tile[line], order, allowed, k, error[row], low[row], items[row], scores[row],
                sizes[row],
            )  # fmt: skip


@njit(cache=True, nogil=True, fastmath={"contract"})
def _products(user: np.ndarray, tile: np.ndarray, row: np.ndarray) -> None:
    """Write a user's scores of the items of a tile, four factors at a time."""
    n_factors, width = tile.shape
    row[:] = 0.0
    whole = n_factors - n_factors % 4
    for f in range(0, whole, 4):
        a, b, c, d = user[f], user[f + 1], user[f + 2], user[f + 3]
        tile_a, tile_b, tile_c, tile_d = tile[f], tile[f + 1], tile[f + 2], tile[f + 3]
        for place in range(width):
            row[place] += (a * tile_a[place] + b * tile_b[place]) + (
                c * tile_c[place] + d * tile_d[place]
            )
    for f in range(whole, n_factors):
        for place in range(width):
            row[place] += user[f] * tile[f, place]


@njit(cache=True, nogil=True)
def scan_few(
    users: np.ndarray,
    lengths: np.ndarray,
    tiles: np.ndarray,
    longest: np.ndarray,
    top_bias: np.ndarray,
    order: np.ndarray,
    exclude_indptr: np.ndarray,
    exclude_indices: np.ndarray,
    allowed: np.ndarray,
    k: int,
    error: np.ndarray,
    low: np.ndarray,
    items: np.ndarray,
    scores: np.ndarray,
    sizes: np.ndarray,
) -> None:
    """Find the candidates of a few users, each alone, without a matrix product.

    Parameters
    ----------
    users, lengths : ndarray of float32, shape (rows, f), and of float64, shape (rows,)
        Factors, and their lengths without the factor that is the bias.
    tiles : ndarray of float32, shape (n_tiles, f, width)
        Factors of items as columns.
    longest, top_bias : ndarray of float64, shape (n_tiles,)
        What no item of a tile or a later one exceeds.
    order, exclude_indptr, exclude_indices, allowed, k, error, low, items, scores, sizes
        As in `scan_tile` and `hybridrec.kernels.topk.select_top`; ``order`` is of all tiles.
    """
    width = tiles.shape[2]
    row_scores = np.empty(width, dtype=np.float32)
    may = allowed.copy()
    for row in range(len(users)):
        excluded = exclude_indices[exclude_indptr[row] : exclude_indptr[row + 1]]
        for item in excluded:
            may[item] = False
        for tile in range(len(tiles)):
            if lengths[row] * longest[tile] + top_bias[tile] < low[row]:
                break
            _products(users[row], tiles[tile], row_scores)
            sizes[row], low[row] = _scan(
                row_scores, order[tile * width : (tile + 1) * width], may, k, error[row],
                low[row], items[row], scores[row], sizes[row],
            )  # fmt: skip
        for item in excluded:
            may[item] = allowed[item]
