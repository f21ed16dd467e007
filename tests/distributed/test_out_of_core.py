"""Where the memory of the only worker is short, shards go to disk, and the fit is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec import distributed as hd

ROWS, LIMIT = 3_000_000, 640 << 20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_shards_go_to_disk_before_memory_ends(tmp_path):
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(0, 20_000, ROWS))
    columns = {"user": users, "item": rng.integers(0, 40_000, ROWS)}
    (tmp_path / "log").mkdir()
    for at, rows in enumerate(np.array_split(np.arange(ROWS), 6)):
        part = pd.DataFrame({name: one[rows] for name, one in columns.items()})
        part.to_parquet(tmp_path / "log" / f"part-{at}.parquet")
    params = {"factors": 4, "iterations": 1}
    local, _ = hr.clean(hr.Interactions.from_frame(pd.DataFrame(columns)))
    expected = hr.HybridALS(**params).fit(local)  # first: the worker is not to compile kernels
    with hd.connect("local:1", memory_limit=f"{LIMIT}B") as cluster:
        data = hd.read_sharded(cluster, tmp_path / "log")
        found = hd.fit(hr.HybridALS(**params), data)
        (spilled,) = cluster.client.run(_spilled).values()
        (peak,) = cluster.client.run(_peak).values()
    assert spilled > 0  # or the limit was none
    assert peak < LIMIT
    some = np.arange(0, 20_000, 997)
    ours, theirs = (one.scorer_.block(some) for one in (found, expected))
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def _spilled(dask_worker) -> int:
    return dask_worker.data.spilled_total.disk


def _peak() -> int:
    """Return the most memory since the program began; getrusage counts that of its parent, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10
