"""Item-item neighbours on a cluster: products over the users of each block, added up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.distributed.ids import added
from hybridrec.distributed.neighbours import nearest_by_products
from hybridrec.distributed.rp3_beta import item_sums
from hybridrec.models.item_knn import ItemKNN
from hybridrec.ranking.scorer import HistoryScorer, Scorer

if TYPE_CHECKING:
    from distributed import Future
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.dataset import ShardedDataset
    from hybridrec.distributed.fit import Training

K1, B = 1.2, 0.75  # of BM25, implicit's


def train(model: ItemKNN, training: Training) -> Scorer:
    """Train an `ItemKNN`, with the weights that implicit gives rows and items."""
    model._check_parameters()
    data = training.data
    n_items, finish = len(data.items), None
    if model.similarity == "jaccard":
        rows = data.cluster.map(_present, data.rows)
        finish = partial(_jaccard, counts=data.item_counts.astype(np.float64))
    else:
        rows = _weighted(data, model.similarity)
    similar = nearest_by_products(
        *(data.cluster, rows, rows, n_items, model.neighbors),
        finish=finish,
        with_itself=model.similarity != "jaccard",
    )
    return HistoryScorer(training.history, similar, over_items=True)


def _weighted(data: ShardedDataset, similarity: str) -> list[Future]:
    cluster, n_items = data.cluster, len(data.items)
    if similarity == "bm25":
        sums = cluster.reduce(added, cluster.map(item_sums, data.rows))
        return cluster.map(_bm25, data.rows, sums=sums, n_items=n_items)
    rows = data.rows
    if similarity == "tfidf":
        rows = cluster.map(_tfidf, rows, n_items=n_items)
    squares = cluster.reduce(added, cluster.map(_squares, rows))
    return cluster.map(_of_length_one, rows, squares=squares)


def _rarity(rows: csr_matrix, n_items: int) -> np.ndarray:
    """Return for every entry how little its user has: float64 (entries,)."""
    counts = np.diff(rows.indptr)
    rarity: np.ndarray = np.repeat(np.log(float(n_items)) - np.log1p(counts), counts)
    return rarity


def _tfidf(rows: csr_matrix, n_items: int) -> csr_matrix:
    weighted = rows.astype(np.float64)
    weighted.data = np.sqrt(weighted.data) * _rarity(rows, n_items)
    return weighted


def _bm25(rows: csr_matrix, sums: np.ndarray, n_items: int) -> csr_matrix:
    weighted = rows.astype(np.float64)
    length = (1.0 - B) + B * sums / sums.mean()
    data = weighted.data
    weighted.data = data * (K1 + 1.0) / (K1 * length[rows.indices] + data)
    weighted.data *= _rarity(rows, n_items)
    return weighted


def _squares(rows: csr_matrix) -> np.ndarray:
    squares: np.ndarray = np.bincount(
        rows.indices, rows.data.astype(np.float64) ** 2, minlength=rows.shape[1]
    )
    return squares


def _of_length_one(rows: csr_matrix, squares: np.ndarray) -> csr_matrix:
    scaled = rows.astype(np.float64)
    lengths = np.sqrt(squares[rows.indices])
    np.divide(scaled.data, lengths, out=scaled.data, where=lengths > 0)
    return scaled


def _present(rows: csr_matrix) -> csr_matrix:
    return rows.astype(bool).astype(np.float64)


def _jaccard(both: csr_matrix, first: int, counts: np.ndarray) -> csr_matrix:
    """Return the users of both items over those of either."""
    similar = both.copy()
    own = np.repeat(counts[first : first + both.shape[0]], np.diff(both.indptr))
    similar.data = both.data / (own + counts[both.indices] - both.data)
    return similar
