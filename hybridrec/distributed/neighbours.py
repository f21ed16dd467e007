"""Weights between items on a cluster: of each item, those of its best neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.blocks import own
from hybridrec.models.item_item import nearest_to
from hybridrec.ranking.scorer import HistoryScorer

if TYPE_CHECKING:
    from distributed import Future
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Cluster
    from hybridrec.ranking.scorer import Scores

PAIRS = 1 << 24  # of items in a block of products, at most: 200 MB if all of them meet
LEAST, MOST = 8, 256  # blocks of items

Finish = Callable[["csr_matrix", int], "csr_matrix"]


def item_blocks(n_items: int) -> np.ndarray:
    """Return where blocks of items start; the last entry is their number."""
    blocks = min(max(ceil(n_items * n_items / PAIRS), LEAST), MOST, max(n_items, 1))
    return np.linspace(0, n_items, blocks + 1).astype(np.int64)


def nearest_of(cluster: Cluster, scorer: Scores, neighbors: int) -> csr_matrix:
    """Return the best neighbours of all items by a scorer that every worker gets whole.

    The same as `hybridrec.models.item_item.nearest_items`, bit for bit.
    """
    starts = item_blocks(scorer.n_items)
    blocks = cluster.map(
        _nearest_in,
        *(starts[:-1].tolist(), starts[1:].tolist()),
        scorer=cluster.share(scorer),
        neighbors=neighbors,
    )
    return stacked(cluster.stream(blocks))


def nearest_by_products(
    cluster: Cluster,
    left: Sequence[Future],
    right: Sequence[Future],
    n_items: int,
    neighbors: int,
    *,
    finish: Finish | None = None,
    with_itself: bool = False,
) -> csr_matrix:
    """Return the best neighbours of all items by the products of their columns.

    No worker has more than a few blocks: the product of a block of items over each block of users
    is made where these users are, and the products are added up as a tree.

    Parameters
    ----------
    cluster : Cluster
    left, right : sequence of Future of csr_matrix
        Blocks of users x items: ``sum left' right`` is what items are to each other.
    n_items, neighbors : int
    finish : callable, optional
        Makes weights of the products of a block, given its first item.
    with_itself : bool, default False
        Whether an item takes one of its own places, and is then left out.
    """
    starts, blocks = item_blocks(n_items), []
    for begin, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        parts = cluster.map(_products, left, right, begin=begin, end=end)
        total = cluster.reduce(added_matrices, parts)
        about = {"first": begin, "neighbors": neighbors, "with_itself": with_itself}
        blocks.append(cluster.one(_best, total, finish=finish, **about))
    return stacked(cluster.stream(blocks))


def stacked(blocks: Iterable[csr_matrix]) -> csr_matrix:
    """Return blocks of weights one below the other."""
    from scipy.sparse import vstack

    return vstack(list(blocks), format="csr", dtype=np.float32)


def _nearest_in(begin: int, end: int, scorer: Scores, neighbors: int) -> csr_matrix:
    from scipy.sparse import issparse

    for part in vars(scorer).values():
        if issparse(part):
            own(part)
    return nearest_to(scorer, np.arange(begin, end), neighbors, num_threads=1)


def _products(left: csr_matrix, right: csr_matrix, begin: int, end: int) -> csr_matrix:
    """Return what some items are to all, over the users of a block: float64."""
    product: csr_matrix = (left[:, begin:end].T.tocsr() @ right).tocsr()
    return product


def added_matrices(parts: list[csr_matrix]) -> csr_matrix:
    """Return the sum of sparse matrices, in their order."""
    total = parts[0]
    for one in parts[1:]:
        total = total + one
    return total


def _best(
    products: csr_matrix, first: int, neighbors: int, with_itself: bool, finish: Finish | None
) -> csr_matrix:
    from scipy.sparse import identity

    weights = products if finish is None else finish(products, first)
    weights = weights.astype(np.float32)
    weights.sort_indices()
    n = weights.shape[0]
    rows = HistoryScorer(identity(n, dtype=np.float32, format="csr"), weights, over_items=False)
    items = np.arange(first, first + n)
    if not with_itself:
        return nearest_to(rows, items, neighbors, num_threads=1, first=first)
    return _without_itself(rows, items, neighbors)


def _without_itself(rows: HistoryScorer, items: np.ndarray, neighbors: int) -> csr_matrix:
    """Return the best of all but the item, which however had a place among one more of them."""
    from scipy.sparse import csr_matrix

    from hybridrec.ranking.topk import top_k

    best, scores = top_k(rows, np.arange(len(items)), neighbors + 1, num_threads=1)
    kept = (best >= 0) & (best != items[:, None]) & (scores != 0)
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    weights = csr_matrix((scores[kept], best[kept], indptr), shape=(len(items), rows.n_items))
    weights.sort_indices()
    return weights
