"""Walks with restart over a graph in blocks of users, of which workers have a few at a time.

Where the walks from some items are is an array that goes through all blocks, as a chain of tasks:
each adds what comes by way of its users. So the sums run in the order of one machine, and have
its bits, however many blocks there are. Workers are busy because many chains are on their way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.distributed import blocks
from hybridrec.distributed.cluster import AHEAD
from hybridrec.distributed.neighbours import stacked
from hybridrec.distributed.shuffle import shuffle
from hybridrec.graph.reach import (
    Links,
    Reached,
    arrays_of,
    ends,
    links_of_features,
    links_of_users,
    row_totals,
)
from hybridrec.models.item_item import nearest_to
from hybridrec.models.pairs import one_item_each

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.distributed.dataset import ShardedDataset

GROUPS = 8  # of lanes in a chain, at most: the more, the fewer tasks
BYTES = 16 << 20  # of the array of a chain, unless one group takes more


@dataclass(frozen=True, eq=False)
class BlockWalks:
    """What `hybridrec.graph.reach.RestartWalks` is, in blocks on the workers of a cluster.

    Attributes
    ----------
    cluster : Cluster
    links : sequence of Future of Links
        Of each block of users, in order; at last, if there are any, of the features.
    n_items : int
    restart : float
    steps : int
    """

    cluster: Cluster
    links: Sequence[Future]
    n_items: int
    restart: float
    steps: int

    @classmethod
    def over(
        cls,
        data: ShardedDataset,
        features: csr_matrix | None,
        away: np.ndarray,
        restart: float,
        steps: int,
    ) -> BlockWalks:
        """Put users and features beside the items; see `RestartWalks.over`."""
        cluster = data.cluster
        common = {"totals": _item_totals(data), "away": cluster.share(away)}
        links = cluster.map(links_of_users, data.rows, **common)
        if features is not None:
            links.append(cluster.share(links_of_features(features, away)))
        return cls(cluster, links, len(data.items), restart, steps)

    def nearest(self, neighbors: int) -> csr_matrix:
        """Return the best neighbours of all items.

        The same as `hybridrec.models.item_item.nearest_items`, bit for bit.
        """
        return stacked(self.cluster.abreast(self._nearest(neighbors)))

    def visits(self, starts: np.ndarray) -> np.ndarray:
        """Return where walks of any starts are, float64; see `RestartWalks.visits`."""
        from scipy.sparse import csr_matrix

        chain = self._chain(csr_matrix(starts, dtype=np.float64), _rows, len(starts))
        visits: np.ndarray = next(self.cluster.abreast([chain]))
        return visits

    def _nearest(self, neighbors: int) -> Iterator[Iterator[Future]]:
        """Yield the chains of all items, in blocks."""
        width = self._starts_of_a_chain()
        for begin in range(0, self.n_items, width):
            items = np.arange(begin, min(begin + width, self.n_items))
            yield self._chain(one_item_each(items, self.n_items), _best, items, neighbors)

    def _starts_of_a_chain(self) -> int:
        """Return from how many items a chain walks: all workers should have chains to work on."""
        from hybridrec.kernels.reach import LANES

        fit = BYTES // (4 * LANES * self.n_items)
        busy = ceil(self.n_items / LANES / (AHEAD * self.cluster.n_workers))
        return LANES * max(1, min(GROUPS, fit, busy))

    def _chain(
        self, starts: csr_matrix, finish: Callable[..., Any], *arguments: Any
    ) -> Iterator[Future]:
        """Yield the tasks of walks from some starts, in whose precision they are.

        The last is ``finish(lanes, *arguments)``: of where they end.
        """
        one = self.cluster.one
        here = one(_begun, starts)
        first, *later = ends(self.restart, self.steps, starts.dtype.type)
        total = one(_ended, here, first)
        for share in later:
            after = None
            for links in self.links:
                after = one(_gone, links, here, after)
                yield after
            here = after
            total = one(_ended, here, share, total)
        yield one(finish, total, *arguments)


def _item_totals(data: ShardedDataset) -> Future:
    """Return the weight of every item, summed up by item as on one machine."""
    pieces = data.cluster.map(blocks.items_apart, data.rows, starts=data.item_starts)
    totals = shuffle(data.cluster, pieces, len(data.item_starts) - 1, _totals)
    return data.cluster.one(np.concatenate, totals)


def _totals(pieces: Sequence[csr_matrix]) -> np.ndarray:
    return row_totals(blocks.users_together(pieces))


def _begun(starts: csr_matrix) -> np.ndarray:
    """Lay out starts, (n, n_items), as kernels walk them: (groups, n_items, lanes)."""
    from hybridrec.kernels.reach import LANES

    n, n_items = starts.shape
    here = np.zeros((ceil(n / LANES), n_items, LANES), dtype=starts.dtype)
    entries = starts.tocoo()
    group, lane = np.divmod(entries.row, LANES)
    here[group, entries.col, lane] = entries.data
    return here


def _rows(lanes: np.ndarray, n: int) -> np.ndarray:
    """Take the first lanes out of their groups, (n, n_items)."""
    rows: np.ndarray = lanes.swapaxes(1, 2).reshape(-1, lanes.shape[1])[:n]
    return rows


def _gone(links: Links, here: np.ndarray, after: np.ndarray | None) -> np.ndarray:
    """Return where walks come to that went by way of these links or of those before."""
    from hybridrec.kernels.reach import add_round_trip

    there, back = (arrays_of(blocks.own(side)) for side in links)
    here = np.require(here, requirements="W")  # as of `own`
    after = np.zeros_like(here) if after is None else after.copy()  # a task may run twice
    add_round_trip(here, there, back, after)
    return after


def _ended(here: np.ndarray, share: np.floating, total: np.ndarray | None = None) -> np.ndarray:
    """Return where walks are, or ended before, when a share of all ends here."""
    ended: np.ndarray = share * here
    return ended if total is None else total + ended


def _best(walked: np.ndarray, items: np.ndarray, neighbors: int) -> csr_matrix:
    reached = Reached(_rows(walked, len(items)))
    return nearest_to(reached, items, neighbors, num_threads=1, first=int(items[0]))
