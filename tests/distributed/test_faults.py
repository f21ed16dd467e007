"""Workers that die or sleep, runs that are cut off: the result stays what it is, bit for bit.

All processes here are real ones, and so are the signals.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from threading import Timer

import numpy as np
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.distributed.checkpoint import Journal
from hybridrec.errors import ClusterError, OutputError, ParameterError

PARAMS = {"factors": 8, "iterations": 3}
KILLED = """
import os, signal, sys
from hybridrec import distributed as hd
from hybridrec.distributed import blocks
from hybridrec.distributed.checkpoint import Journal
from hybridrec import HybridALS

write = Journal.write
def dying(self, side):
    write(self, side)
    if self.step == 3:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    Journal.write, blocks.LEAST = dying, 4
    with hd.connect("local:1") as cluster:
        data = hd.read_sharded(cluster, sys.argv[1], cleaning={"min_weight": 2})
        hd.fit(HybridALS(factors=8, iterations=3), data, checkpoint=sys.argv[2])
"""


@pytest.fixture(scope="module")
def data(cluster, folder):
    return hd.read_sharded(cluster, folder, cleaning={"min_weight": 2})


@pytest.fixture(scope="module")
def expected(data):
    return hd.fit(hr.HybridALS(**PARAMS), data)


def assert_same_bits(found, expected):
    for name in ("user_factors", "item_factors"):
        ours, theirs = getattr(found.scorer_, name), getattr(expected.scorer_, name)
        np.testing.assert_array_equal(ours, theirs)
    assert (found.history_ != expected.history_).nnz == 0


def after_step(monkeypatch, number, act):
    """Do something once, when so many half-iterations are done."""
    write = Journal.write

    def acting(self, side):
        write(self, side)
        if self.step == number:
            act()

    monkeypatch.setattr(Journal, "write", acting)


def test_a_worker_is_killed_in_the_middle_of_a_fit(cluster, data, expected, monkeypatch):
    pids = cluster.client.run(os.getpid)
    victim = next(iter(pids.values()))
    after_step(monkeypatch, 3, lambda: os.kill(victim, signal.SIGKILL))
    assert_same_bits(hd.fit(hr.HybridALS(**PARAMS), data), expected)
    cluster.client.wait_for_workers(2, timeout=60)  # the nanny starts another one
    assert victim not in cluster.client.run(os.getpid).values()


def test_a_worker_is_slow(cluster, data, expected, monkeypatch):
    sleeper = next(iter(cluster.client.run(os.getpid).values()))

    def stop():
        os.kill(sleeper, signal.SIGSTOP)
        Timer(2.0, os.kill, (sleeper, signal.SIGCONT)).start()

    after_step(monkeypatch, 2, stop)
    assert_same_bits(hd.fit(hr.HybridALS(**PARAMS), data), expected)


def test_a_worker_is_killed_while_lists_are_written(cluster, expected, tmp_path, monkeypatch):
    import pandas as pd

    victim = next(iter(cluster.client.run(os.getpid).values()))
    result, calls = hd.Cluster.result, []

    def killing(self, future):
        if not calls:
            os.kill(victim, signal.SIGKILL)
        calls.append(future)
        return result(self, future)

    monkeypatch.setattr(hd.Cluster, "result", killing)
    hd.recommend(cluster, expected, tmp_path / "lists", 5, block=20)
    monkeypatch.undo()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "lists"), expected.recommend(k=5))
    cluster.client.wait_for_workers(2, timeout=60)


def test_client_and_scheduler_are_killed_and_the_checkpoint_goes_on(
    data, expected, folder, tmp_path, monkeypatch
):
    script, state = tmp_path / "killed.py", tmp_path / "state"
    script.write_text(KILLED)
    ended = subprocess.run([sys.executable, script, folder, state], check=False, timeout=300)
    assert ended.returncode == -signal.SIGKILL
    assert json.loads((state / "state.json").read_text())["step"] == 3
    steps = []
    write = Journal.write
    monkeypatch.setattr(Journal, "write", lambda self, side: (write(self, side), steps.append(1)))
    assert_same_bits(hd.fit(hr.HybridALS(**PARAMS), data, checkpoint=state), expected)
    assert len(steps) == 3  # of six half-iterations
    assert len(list(state.iterdir())) == 3  # one state a side, and what says so
    assert_same_bits(hd.fit(hr.HybridALS(**PARAMS), data, checkpoint=state), expected)
    assert len(steps) == 3  # nothing was left to do


def test_a_checkpoint_with_features(sharded, tmp_path, monkeypatch):
    expected = hd.fit(hr.HybridALS(**PARAMS), sharded)
    after_step(monkeypatch, 4, _stop)
    with pytest.raises(KeyboardInterrupt):
        hd.fit(hr.HybridALS(**PARAMS), sharded, checkpoint=tmp_path)
    monkeypatch.undo()
    found = hd.fit(hr.HybridALS(**PARAMS), sharded, checkpoint=tmp_path)
    assert_same_bits(found, expected)
    np.testing.assert_array_equal(found.item_weights_, expected.item_weights_)


def _stop():
    raise KeyboardInterrupt


def test_a_checkpoint_of_another_fit_is_refused(data, tmp_path):
    hd.fit(hr.HybridALS(factors=4, iterations=1), data, checkpoint=tmp_path / "state")
    with pytest.raises(ParameterError, match="factors is 4 there and 5 here; name another folder"):
        hd.fit(hr.HybridALS(factors=5, iterations=1), data, checkpoint=tmp_path / "state")
    (tmp_path / "state" / "state.json").write_text("{")
    with pytest.raises(ParameterError, match="is not a checkpoint of hybridrec"):
        hd.fit(hr.HybridALS(factors=4, iterations=1), data, checkpoint=tmp_path / "state")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot use the checkpoint"):
        hd.fit(hr.HybridALS(factors=4, iterations=1), data, checkpoint=tmp_path / "file")


def test_a_damaged_checkpoint_is_named(data, tmp_path):
    hd.fit(hr.HybridALS(factors=4, iterations=1), data, checkpoint=tmp_path)
    next(tmp_path.glob("items-*/*.npy")).write_bytes(b"short")
    with pytest.raises(OutputError, match=r"the checkpoint lacks .*npy, or it is damaged"):
        hd.fit(hr.HybridALS(factors=4, iterations=1), data, checkpoint=tmp_path)


def test_workers_that_die_over_and_over_are_told_of(cluster, data, expected):
    """And all shards, which were lost with them, are made again."""
    future = cluster.one(_die)
    with pytest.raises(ClusterError, match="was lost with its worker 4 times, most often for want"):
        cluster.result(future)
    for pid in cluster.client.run(os.getpid).values():
        os.kill(pid, signal.SIGKILL)
    assert_same_bits(hd.fit(hr.HybridALS(**PARAMS), data), expected)
    cluster.client.wait_for_workers(2, timeout=60)


def _die():
    os.kill(os.getpid(), signal.SIGKILL)
