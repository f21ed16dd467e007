"""One cluster of two processes for all tests, and a small log in partitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.distributed import blocks


@pytest.fixture(scope="session")
def cluster() -> Iterator[hd.Cluster]:
    """Two workers, each a process, and few blocks: small data in many blocks is all overhead."""
    with pytest.MonkeyPatch.context() as patch, hd.connect("local:2") as cluster:
        patch.setattr(blocks, "LEAST", 4)
        yield cluster


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """Events of users with numbers as ids and items with texts, some repeated, some weigh 0."""
    return events()


def events(n: int = 6000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    items = (rng.random(n) ** 3 * 120).astype(int)
    return pd.DataFrame(
        {
            "user": rng.integers(0, 200, n) * 7,
            "item": np.char.add("film ", items.astype(str)).astype(object),
            "rating": rng.integers(0, 6, n) * 1.0,
            "timestamp": rng.integers(10**9, 10**9 + 400, n),
        }
    )


def write_parts(frame: pd.DataFrame, folder: Path, count: int = 5) -> Path:
    """Write a frame as partitions whose names are in the order of its rows."""
    folder.mkdir()
    for at, rows in enumerate(np.array_split(np.arange(len(frame)), count)):
        frame.iloc[rows].to_parquet(folder / f"part-{at}.parquet")
    return folder


@pytest.fixture(scope="session")
def folder(frame, tmp_path_factory) -> Path:
    """The events as five partitions."""
    return write_parts(frame, tmp_path_factory.mktemp("log") / "events")


@pytest.fixture(scope="session")
def item_table() -> pd.DataFrame:
    """Tables of items, some of which nobody has."""
    ids = [f"film {at}" for at in range(130)]
    return pd.DataFrame(
        {"item": ids, "kind": [f"k{at % 7}" for at in range(130)], "year": range(1900, 2030)}
    )


@pytest.fixture(scope="session")
def local(frame, item_table) -> hr.Dataset:
    """The same data, cleaned, in this process."""
    cleaned, _ = hr.clean(hr.Interactions.from_frame(frame), min_weight=2)
    return hr.Dataset.build(cleaned, item_table=item_table)


@pytest.fixture(scope="session")
def sharded(cluster, folder, item_table) -> hd.ShardedDataset:
    """The same data in shards."""
    return hd.read_sharded(
        cluster, folder, cleaning={"min_weight": 2}, item_table=item_table, keep_times=True
    )
