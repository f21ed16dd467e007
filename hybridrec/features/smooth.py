"""Knowledge-graph tokens smoothed by walks: an item has what items like it have."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.tokens import KnowledgeTokens
from hybridrec.graph.checks import check_number, check_whole
from hybridrec.runtime import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

_ROWS = 64  # made dense at a time by a thread


class SmoothTokens:
    """Where walks with restart from an item's tokens are, as sparse features.

    A walk begins at one of the item's tokens (see `KnowledgeTokens`), a rare one more likely;
    it goes on to an item with that token and to a token of that item, or ends, with probability
    ``restart`` before every round trip. The value of a token is the square root of the share of
    walks that end there, so the product of two items is the Bhattacharyya coefficient of their
    walks: a kernel of Personalized PageRank. It knows items as alike that share no fact, but
    facts of the same third items.

    Parameters
    ----------
    restart : float, default 0.3
        Between 0 and 1.
    steps : int, default 2
        Most round trips of a walk.
    width : int, default 50
        Only so many of the likeliest items and tokens are walked on from, and kept.
    """

    name = "smooth-tokens"
    side = "item"

    def __init__(self, restart: float = 0.3, *, steps: int = 2, width: int = 50) -> None:
        if not 0 < check_number("restart", restart) < 1:
            raise ParameterError(f"restart must be between 0 and 1, got {restart!r}")
        self.restart = float(restart)
        self.steps, self.width = check_whole("steps", steps, 1), check_whole("width", width, 1)

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn the tokens of a dataset's items, over which new items are smoothed, too."""
        if base is None:
            raise ParameterError(f"the feature block {self.name!r} needs a knowledge graph")
        self.tokens_ = KnowledgeTokens()
        self.tokens_.fit(dataset, base)
        self.owned_ = self.tokens_.transform(dataset, base)

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> csr_matrix:
        """Return the smoothed tokens of a dataset's items, CSR float32 (n_items, tokens)."""
        from hybridrec.graph.reach import shares

        here = shares(self.tokens_.transform(dataset, base))
        to_items, to_tokens = shares(self.owned_.T.tocsr()), shares(self.owned_)
        ended, left = self.restart * here, 1.0 - self.restart
        for step in range(self.steps):
            items = largest_products(here, to_items, self.width)
            here = largest_products(items, to_tokens, self.width)
            ends = self.restart if step + 1 < self.steps else 1.0
            ended = ended + left * ends * here
            left *= 1.0 - ends
        return ended.sqrt().astype(np.float32)

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the names of the tokens, as in `KnowledgeTokens`."""
        return self.tokens_.feature_names(base)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters and arrays from which `restore` makes the same block."""
        config, arrays = self.tokens_.state()
        own = {name: getattr(self, name) for name in ("restart", "steps", "width")}
        owned = {name: getattr(self.owned_, name) for name in ("data", "indices", "indptr")}
        return {**own, "tokens": config}, {**arrays, **owned}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> SmoothTokens:
        """Rebuild a fitted block."""
        from scipy.sparse import csr_matrix

        config = dict(config)
        tokens = KnowledgeTokens.restore(config.pop("tokens"), arrays)
        block = cls(**config)
        block.tokens_ = tokens
        parts = tuple(arrays[name] for name in ("data", "indices", "indptr"))
        shape = (len(arrays["indptr"]) - 1, len(arrays["keys"]))
        block.owned_ = csr_matrix(parts, shape=shape)
        return block


def largest_products(left: csr_matrix, right: csr_matrix, width: int) -> csr_matrix:
    """Return a product of sparse matrices, of each row the ``width`` largest entries.

    Of equal entries the first are kept. Rows are made dense a few at a time.
    """
    from scipy.sparse import csr_matrix

    from hybridrec.kernels.topk import select_top, sparse_block

    shape = (left.shape[0], right.shape[1])
    columns = np.full((shape[0], min(width, shape[1])), -1, dtype=np.int32)
    values = np.empty(columns.shape, dtype=np.float32)
    nothing = (np.zeros(_ROWS + 1, dtype=np.int32), np.empty(0, dtype=np.int32))
    every, order = np.ones(shape[1], dtype=bool), np.arange(shape[1], dtype=np.int32)
    factors = (left.indptr, left.indices, left.data, right.indptr, right.indices, right.data)

    def fill(first: int) -> None:
        part = slice(first, min(first + _ROWS, shape[0]))
        rows = np.arange(part.start, part.stop)
        block = np.empty((len(rows), shape[1]), dtype=np.float32)
        sparse_block(*factors, rows, block)
        select_top(block, *nothing, every, order, columns[part], values[part])

    with threads() as count, ThreadPoolExecutor(count) as pool:
        list(pool.map(fill, range(0, shape[0], _ROWS)))
    kept = columns >= 0
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    product = csr_matrix((values[kept].astype(np.float64), columns[kept], indptr), shape=shape)
    product.sort_indices()
    return product
