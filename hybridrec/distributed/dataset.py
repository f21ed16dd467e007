"""A log in partitions -> id maps, and interactions in shards by user and by item."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.cleaning import CleaningReport
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.distributed import blocks
from hybridrec.distributed.blocks import Rows, Shard, block_starts
from hybridrec.distributed.cleaning import Cleaning, Core, cleaned, core_of
from hybridrec.distributed.ids import Coded, about, added, check_alike, coded, rows_apart
from hybridrec.distributed.partitions import Log, partitions_of, read_partition
from hybridrec.distributed.shuffle import shuffle
from hybridrec.errors import DataError, ParameterError, did_you_mean

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Cluster, Future


OPTIONS = ("user", "item", "weight", "timestamp", "event", "event_weights", "delimiter")


@dataclass(frozen=True, eq=False)
class ShardedDataset:
    """A data set whose interactions stay on the workers of a cluster.

    Make one with `read_sharded`. Id maps, tables and the knowledge graph are on this process, as
    in every model; interactions are in shards, which workers put on disk where memory is short.

    Attributes
    ----------
    cluster : Cluster
    described : Dataset
        Ids, tables and knowledge, without any row of interactions.
    by_user : sequence of Future of Shard
        The rows of the users of each block over all items.
    user_starts : ndarray of int64, shape (blocks + 1,)
        The first code of each block of users; the last entry is their number.
    user_counts, item_counts : ndarray of int64
        Interactions of every user and item.
    weight : float
        Sum of all weights.
    report : CleaningReport or None
    """

    cluster: Cluster
    described: Dataset
    by_user: Sequence[Future]
    user_starts: np.ndarray
    user_counts: np.ndarray
    item_counts: np.ndarray
    weight: float
    report: CleaningReport | None = None

    @property
    def users(self) -> IdMap:
        """All known users."""
        return self.described.users

    @property
    def items(self) -> IdMap:
        """All known items, with or without interactions."""
        return self.described.items

    @property
    def nnz(self) -> int:
        """Number of interactions."""
        return int(self.user_counts.sum())

    @cached_property
    def rows(self) -> list[Future]:
        """The matrix of every block of users, (users of the block, items)."""
        return self.cluster.map(_matrix, self.by_user)

    @cached_property
    def item_starts(self) -> np.ndarray:
        """The first code of each block of items; the last entry is their number."""
        return block_starts(self.item_counts)

    @cached_property
    def columns(self) -> list[Future]:
        """The matrix of every block of items, (items of the block, users); made by a shuffle."""
        pieces = self.cluster.map(blocks.items_apart, self.rows, starts=self.item_starts)
        n_blocks = len(self.item_starts) - 1
        made = shuffle(self.cluster, pieces, n_blocks, blocks.users_together)
        self.cluster.wait(made)
        return made

    def stream(self) -> Iterator[csr_matrix]:
        """Yield the matrix of every block of users, one of them on this process at a time."""
        yield from self.cluster.stream(self.rows)

    def with_shards(self, shards: Sequence[Future]) -> ShardedDataset:
        """Return the data set with other interactions of the same users and items."""
        return of_shards(self.cluster, self.described, shards, self.user_starts)


def read_sharded(
    cluster: Cluster,
    interactions: str | os.PathLike[str],
    *,
    knowledge: Any = None,
    item_table: Any = None,
    user_table: Any = None,
    cleaning: Mapping[str, Any] | None = None,
    storage: Mapping[str, Any] | None = None,
    keep_times: bool = False,
    **columns: Any,
) -> ShardedDataset:
    """Read a log in partitions, clean it, and put it in shards on the workers.

    Codes are those of a local reader: ids sorted, numbers as numbers and texts as texts. Rows
    count as in the order of the names of their files.

    Parameters
    ----------
    cluster : Cluster
    interactions : path or URL
        A folder of Parquet files or one such file, local or at any URL of fsspec (``s3://...``);
        the workers read it, so all of them must see it. Another local file of interactions is
        read by one worker, whole.
    knowledge : KnowledgeGraph, optional
    item_table, user_table : data frame, optional
        One row an id. These two and the graph stay on this process.
    cleaning : mapping, optional
        ``duplicates``, ``min_weight``, ``min_user_interactions``, ``min_item_interactions`` of
        `hybridrec.clean`, with the same defaults.
    storage : mapping, optional
        Options of the file system, such as credentials.
    keep_times : bool, default False
        Whether to keep timestamps beside the shards, for splits by time.
    **columns
        Column options of `hybridrec.read_interactions`.

    Raises
    ------
    DataError
        If a partition cannot be read or used; names it.
    """
    for name in columns:
        if name not in OPTIONS:
            guess = did_you_mean(name, OPTIONS)
            raise ParameterError(f"unknown option {name!r}{guess} (there are {', '.join(OPTIONS)})")
    asked = Cleaning(**(cleaning or {}))
    log = Log(os.fspath(interactions), columns, storage or {})
    partitions = partitions_of(log)
    parts = cluster.map(read_partition, partitions, log=log)
    told = cluster.result(cluster.map(about, parts))
    check_alike(partitions, told)
    of_users, of_items = (coded(cluster, parts, told, role) for role in ("users", "items"))
    kept, starts = _brought_together(cluster, parts, of_users, of_items, asked)
    ids = IdMap(of_users.ids, "user"), IdMap(of_items.ids, "item")
    del parts, of_users, of_items  # or workers would keep what they have read
    core = core_of(cluster, kept, starts, len(ids[1]), asked)
    del kept
    if not core.user_counts.sum():
        raise DataError(f"cleaning leaves no interaction; rows dropped: {core.dropped}")
    stay = core.users_stay, core.items_stay
    users, items = (_those(one, chosen) for one, chosen in zip(ids, stay, strict=True))
    report = CleaningReport(
        rows_before=sum(one.rows for one in told),
        rows_after=int(core.user_counts.sum()),
        dropped=core.dropped,
        users_before=len(ids[0]),
        users_after=len(users),
        items_before=len(ids[1]),
        items_after=len(items),
    )
    described = Dataset.build(
        _nothing(users, items),
        knowledge,
        item_table=item_table,
        user_table=user_table,
        item=columns.get("item") if item_table is not None else None,
        user=columns.get("user") if user_table is not None else None,
        name=log.url.rstrip("/").rsplit("/", 1)[-1].split(".")[0],
    )
    shards, starts = _shards(cluster, core, described, starts, keep_times)
    return replace(of_shards(cluster, described, shards, starts), report=report)


def of_shards(
    cluster: Cluster, described: Dataset, shards: Sequence[Future], starts: np.ndarray
) -> ShardedDataset:
    """Return a data set of shards by user, counted."""
    counted = cluster.result(cluster.map(_counted, shards))
    of_items = cluster.result(cluster.reduce(added, cluster.map(_item_counts, shards)))
    return ShardedDataset(
        cluster,
        described,
        shards,
        starts,
        np.concatenate([counts for counts, _ in counted]),
        of_items,
        sum(weight for _, weight in counted),
    )


def _brought_together(
    cluster: Cluster, parts: Sequence[Future], users: Coded, items: Coded, asked: Cleaning
) -> tuple[list[Future], np.ndarray]:
    """Bring rows together by user, those that count; return also where blocks of users start."""
    starts = block_starts(users.rows)
    apart = cluster.map(rows_apart, parts, users.codes, items.codes, starts=starts)
    about = {"n_items": len(items.ids), "asked": asked}
    kept = shuffle(cluster, apart, len(starts) - 1, cleaned, starts[:-1].tolist(), **about)
    cluster.wait(kept)
    return kept, starts


def _shards(
    cluster: Cluster, core: Core, described: Dataset, starts: np.ndarray, keep_times: bool
) -> tuple[list[Future], np.ndarray]:
    """Return the shards of all blocks in the codes of the ids that stay, and where these start."""
    before = np.concatenate([[0], np.cumsum(core.users_stay)])
    fresh = before[starts]
    fresh[-1] = len(described.users)  # those of the table alone are in the last block
    shards = cluster.map(
        _shard,
        *(core.rows, blocks.in_blocks(core.users_stay, starts), np.diff(fresh).tolist()),
        items_stay=cluster.share(core.items_stay),
        n_items=len(described.items),
        keep_times=keep_times,
    )
    cluster.wait(shards)
    return shards, fresh


def _shard(
    rows: Rows,
    users_stay: np.ndarray,
    n_users: int,
    items_stay: np.ndarray,
    n_items: int,
    keep_times: bool,
) -> Shard:
    """Return the shard of a block in the codes of the ids that stay."""
    user, item = (np.cumsum(stay, dtype=np.int32) - 1 for stay in (users_stay, items_stay))
    times = rows.times if keep_times else None
    fresh = Rows(user[rows.users], item[rows.items], rows.weights, times)
    return blocks.shard_of(fresh, (n_users, n_items))


def _nothing(users: IdMap, items: IdMap) -> Interactions:
    """Return interactions of these users and items without a row."""
    none = np.zeros(0, dtype=np.int32)
    return Interactions(users, items, none, none, none.astype(np.float32))


def _those(ids: IdMap, stay: np.ndarray) -> IdMap:
    return ids if stay.all() else IdMap(ids.ids[stay], ids.name)


def _matrix(shard: Shard) -> csr_matrix:
    return shard.matrix


def _counted(shard: Shard) -> tuple[np.ndarray, float]:
    """Return the interactions of every user of a shard, and the sum of their weights."""
    counts = np.diff(shard.matrix.indptr).astype(np.int64)
    return counts, float(shard.matrix.data.sum(dtype=np.float64))


def _item_counts(shard: Shard) -> np.ndarray:
    return np.bincount(shard.matrix.indices, minlength=shard.matrix.shape[1])
