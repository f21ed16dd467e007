"""Who is a friend of whom, or follows or trusts whom: edges between users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import as_source, find_column
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, first_few

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, eq=False)
class SocialGraph:
    """Weighted edges from users to users, by their ids.

    Build one with `from_frame`; the constructor takes columns that are already coded. A data set
    keeps the edges between users that it knows, see `among`.

    Attributes
    ----------
    users : IdMap
        All users with an edge.
    sources, targets : ndarray of int32, shape (edges,)
        Codes: ``source`` names ``target`` as a friend.
    weights : ndarray of float32, shape (edges,)
        Above 0; ones if none were given.
    dropped : mapping of str to int
        Edges left out, by the reason.
    """

    users: IdMap
    sources: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    dropped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_frame(
        cls,
        data: Any,
        *,
        user: str | None = None,
        friend: str | None = None,
        weight: str | None = None,
    ) -> SocialGraph:
        """Take edges from any data frame.

        Users who are their own friends, and edges of weight 0, are dropped and counted.

        Parameters
        ----------
        data : data frame or Source
            One row an edge; not changed.
        user, friend, weight : str, optional
            Columns, recognised by name if not given ("user", "friend", "source_id", ...).

        Raises
        ------
        DataError
            If a column or an id is missing, a weight is NaN, infinite or negative, or users are
            integers in one column and text in the other.
        """
        source = as_source(data, "social edges")
        names, where = source.names, source.where
        one = user or find_column(names, "user", None, where=where, required=False)
        one = str(find_column(names, "follower", one, where=where))
        other = str(find_column(names, "friend", friend, where=where))
        heavy = find_column(names, "weight", weight, where=where, required=False)
        with source.read(list(dict.fromkeys(filter(None, [one, other, heavy])))) as columns:
            ids = [columns.ids(one, "user"), columns.ids(other, "friend")]
            weights = np.ones(len(columns), dtype=np.float32)
            if heavy is not None:
                weights = columns.weights(heavy)
        if len(weights) and ids[0].dtype != ids[1].dtype:
            raise DataError(
                f"{where}: column {one!r} has ids like {first_few(ids[0], 2)}, {other!r} like"
                f" {first_few(ids[1], 2)}; give all as text or all as integers"
            )
        users, codes = IdMap.from_values(np.concatenate(ids), "user")
        graph = cls(users, codes[: len(weights)], codes[len(weights) :], weights)
        graph = graph._keep(graph.sources != graph.targets, "own friend")
        return graph._keep(graph.weights > 0, "weight 0")

    def __len__(self) -> int:
        return len(self.sources)

    def __repr__(self) -> str:
        return f"SocialGraph({len(self)} edges, {len(self.users)} users)"

    def among(self, users: IdMap) -> SocialGraph:
        """Return the edges between known users; the others are counted.

        Raises
        ------
        DataError
            If there are edges, and none is between known users.
        """
        codes = users.codes(_typed(self.users.ids, users), unknown="skip")
        known = (codes[self.sources] >= 0) & (codes[self.targets] >= 0)
        if len(self) and not known.any():
            raise DataError(
                f"no social edge joins two known users: they are like {first_few(users.ids, 3)},"
                f" edges join users like {first_few(self.users.ids, 3)}"
            )
        kept = self._keep(known, "unknown user")
        ids, ends = IdMap.from_values(
            _typed(self.users.ids, users)[np.concatenate([kept.sources, kept.targets])], "user"
        )
        return replace(kept, users=ids, sources=ends[: len(kept)], targets=ends[len(kept) :])

    def without(self, users: Sequence[Any] | np.ndarray) -> SocialGraph:
        """Return the edges that some users have no part in; their ids are gone too."""
        gone = self.users.codes(users, unknown="skip")
        left = np.setdiff1d(np.arange(len(self.users)), gone)
        codes = np.full(len(self.users), -1, dtype=np.int32)
        codes[left] = np.arange(len(left), dtype=np.int32)
        kept = (codes[self.sources] >= 0) & (codes[self.targets] >= 0)
        return SocialGraph(
            IdMap(self.users.ids[left], "user"),
            codes[self.sources[kept]],
            codes[self.targets[kept]],
            self.weights[kept],
            self.dropped,
        )

    def matrix(self, *, directed: bool = False) -> csr_matrix:
        """Return the weights of the edges, CSR float64 (users, users); the largest of repeats.

        Undirected, an edge counts from both its ends.
        """
        from scipy.sparse import coo_matrix

        n = len(self.users)
        order = np.lexsort((self.weights, self.targets, self.sources))
        ends = self.sources[order], self.targets[order]
        last = np.append((np.diff(ends[0]) != 0) | (np.diff(ends[1]) != 0), True)[: len(order)]
        pairs = ends[0][last], ends[1][last]
        matrix = coo_matrix((self.weights[order][last].astype(np.float64), pairs), (n, n)).tocsr()
        return matrix if directed else matrix.maximum(matrix.T).tocsr()

    def __str__(self) -> str:
        told = "".join(f", {count:,} dropped ({why})" for why, count in self.dropped.items())
        return f"{len(self):,} social edges of {len(self.users):,} users{told}"

    def _keep(self, rows: np.ndarray, otherwise: str) -> SocialGraph:
        """Return the edges at ``rows`` (a mask), the others counted as dropped."""
        count = int(np.count_nonzero(~rows))
        if not count:
            return self
        dropped = {**self.dropped, otherwise: self.dropped.get(otherwise, 0) + count}
        columns = (self.sources[rows], self.targets[rows], self.weights[rows])
        return SocialGraph(self.users, *columns, dropped)


def _typed(ids: np.ndarray, known: IdMap) -> np.ndarray:
    """Return ids as text where the known ones are."""
    if len(known) and known.is_text and ids.dtype != object:
        return ids.astype(str).astype(object)
    return ids
