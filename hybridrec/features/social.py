"""The friends of a user as features."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError
from hybridrec.runtime import random_stream, threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

START = 0x50C1A1  # of the iterations towards the singular vectors
DENSE = 64  # up to so many users a dense decomposition is made


class SocialEdges:
    """Users described by whom they know.

    With A the edges and I the user as a friend of their own, rows are those of
    ``(A + I) D^-1/2``, as in a graph convolution (Kipf & Welling 2017): a friend of many tells
    less. Friends have each other's columns, so a user without interactions is placed by the
    tastes of friends. A user may be described who was not in the fit, by friends who were.

    Parameters
    ----------
    dimensions : int, default 0
        0 keeps a sparse column for every friend. Else the rows are reduced to so many
        singular vectors of ``D^-1/2 (A + I) D^-1/2``, which joins circles of friends and makes
        features dense.
    directed : bool, default False
        Whether only those whom a user names are friends, not those who name the user.
    """

    name = "social"
    side = "user"

    def __init__(self, dimensions: int = 0, *, directed: bool = False) -> None:
        if isinstance(dimensions, bool) or not isinstance(dimensions, int) or dimensions < 0:
            raise ParameterError(
                f"dimensions must be a whole number of at least 0, got {dimensions!r}"
            )
        self.dimensions, self.directed = dimensions, directed

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn who can be a friend, and how much each tells."""
        from scipy.sparse import diags

        graph = dataset.social
        if graph is None or not len(graph):
            raise ParameterError("the feature block 'social' needs social edges")
        links = _with_self(graph.matrix(directed=self.directed))
        shares = np.asarray(links.sum(axis=0)).ravel() ** -0.5
        self.friends_, self.columns_ = graph.users, np.arange(len(graph.users), dtype=np.int32)
        self.shares_, self.vectors_ = shares.astype(np.float32), None
        if self.dimensions:
            out = np.asarray(links.sum(axis=1)).ravel() ** -0.5
            self.vectors_ = _leading(diags(out) @ links @ diags(shares), self.dimensions)

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> csr_matrix | np.ndarray:
        """Return a row for every user of a dataset, empty for those without friends."""
        from scipy.sparse import csr_matrix

        n, graph = len(dataset.users), dataset.social
        if graph is None:
            return self._reduced(csr_matrix((n, len(self.shares_)), dtype=np.float32))
        links = _with_self(graph.matrix(directed=self.directed)).tocoo()
        rows = dataset.users.codes(graph.users.ids, unknown="skip")[links.row]
        columns = self._columns_of(graph.users.ids)[links.col]
        return self._reduced(self._scaled(rows, columns, links.data, n))

    def rows_of(self, friends: Sequence[Sequence[Any]]) -> csr_matrix | np.ndarray:
        """Return the rows of new users by the ids of their friends; unknown ones tell nothing."""
        rows = np.repeat(np.arange(len(friends)), [len(own) for own in friends])
        listed = [one for own in friends for one in own]
        columns = self._columns_of(listed) if listed else np.zeros(0, dtype=np.int32)
        return self._reduced(self._scaled(rows, columns, np.ones(len(rows)), len(friends)))

    def without(self, users: Sequence[Any] | np.ndarray) -> SocialEdges:
        """Return the block without the ids of some users; their columns stay, without a name."""
        left = copy(self)
        kept = np.ones(len(self.friends_), dtype=bool)
        gone = self.friends_.codes(users, unknown="skip")
        kept[gone[gone >= 0]] = False
        left.friends_ = IdMap(self.friends_.ids[kept], "user")
        left.columns_ = self.columns_[kept]
        return left

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return "friend=ID" for every column, or numbers for those of singular vectors."""
        if self.vectors_ is not None:
            return np.array([f"circle {one}" for one in range(self.vectors_.shape[1])], object)
        names = np.full(len(self.shares_), "friend who left", dtype=object)
        names[self.columns_] = [f"friend={one}" for one in self.friends_.ids]
        return names

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return configuration (JSON) and arrays."""
        config = {
            "dimensions": self.dimensions,
            "directed": self.directed,
            "friends": self.friends_.ids.tolist(),
        }
        arrays = {"columns": self.columns_, "shares": self.shares_}
        return config, arrays if self.vectors_ is None else arrays | {"vectors": self.vectors_}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> SocialEdges:
        """Rebuild a fitted block."""
        block = cls(config["dimensions"], directed=config["directed"])
        block.friends_ = IdMap(config["friends"], "user")
        block.columns_, block.shares_ = arrays["columns"], arrays["shares"]
        block.vectors_ = arrays.get("vectors")
        return block

    def _columns_of(self, ids: Any) -> np.ndarray:
        """Return the column of each id, -1 for those who were no friends in the fit."""
        codes = self.friends_.codes(ids, unknown="skip")
        columns: np.ndarray = np.append(self.columns_, np.int32(-1))[codes]
        return columns

    def _scaled(
        self, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray, n: int
    ) -> csr_matrix:
        from scipy.sparse import csr_matrix

        kept = (rows >= 0) & (columns >= 0)
        values = weights[kept].astype(np.float32) * self.shares_[columns[kept]]
        return csr_matrix((values, (rows[kept], columns[kept])), (n, len(self.shares_)))

    def _reduced(self, rows: csr_matrix) -> csr_matrix | np.ndarray:
        if self.vectors_ is None:
            rows.sort_indices()
            return rows
        reduced: np.ndarray = np.asarray(rows @ self.vectors_, dtype=np.float32)
        return reduced


def _with_self(matrix: csr_matrix) -> csr_matrix:
    from scipy.sparse import identity

    return (matrix + identity(matrix.shape[0], format="csr")).tocsr()


def _leading(matrix: csr_matrix, dimensions: int) -> np.ndarray:
    """Return the right vectors of the largest singular values, float32 (users, dimensions)."""
    from scipy.sparse.linalg import svds

    size, wanted = matrix.shape[0], min(dimensions, matrix.shape[0])
    with threads():
        if wanted >= size - 1 or size <= DENSE:
            _, values, vectors = np.linalg.svd(matrix.toarray())
        else:
            start = random_stream(0, START).normal(size=size)
            _, values, vectors = svds(matrix, k=wanted, v0=start, return_singular_vectors="vh")
    first = np.argsort(-values)[:wanted]
    return np.ascontiguousarray(vectors[first].T, dtype=np.float32)
