"""Clusters: how one is reached, what is refused, and how tasks are given to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.dataset.columns import BadRowsError
from hybridrec.distributed.versions import compare, versions
from hybridrec.errors import ClusterError, DataError, ParameterError


def test_results_are_reduced_in_one_order(cluster):
    parts = cluster.map(_listed, list(range(70)))
    assert cluster.result(cluster.reduce(_nested, parts)) == [
        [[*range(64)][at : at + 8] for at in range(0, 64, 8)],
        [[64, 65, 66, 67, 68, 69]],
    ]


def _listed(number):
    return number


def _nested(parts):
    return parts


def test_results_are_taken_apart_and_streamed(cluster):
    pairs = cluster.map(_pair, [1, 2, 3])
    ones, tens = cluster.split(pairs, range(2))
    assert list(cluster.stream(ones)) == [1, 2, 3]
    assert cluster.result(tens) == [10, 20, 30]
    assert cluster.map(_pair, []) == []


def _pair(number):
    return number, 10 * number


def test_chains_end_in_order_and_tell_what_fails(cluster):
    def chain(length, start):
        task = cluster.one(_added, start, 0)
        yield task
        for _ in range(length):
            task = cluster.one(_added, task, 1)
            yield task

    lengths = [5, 0, 3, 1, 0, 0, 9, 2, 4]
    ends = list(cluster.abreast(chain(one, 100 * at) for at, one in enumerate(lengths)))
    assert ends == [100 * at + one for at, one in enumerate(lengths)]
    assert list(cluster.abreast([])) == []
    with pytest.raises(TypeError):
        list(cluster.abreast([chain(2, 0), chain(2, "text")]))


def _added(one, other):
    return one + other


def test_memory_is_that_of_the_smallest_worker(cluster):
    limits = cluster.client.run(lambda dask_worker: dask_worker.memory_manager.memory_limit)
    assert cluster.memory == min(limits.values()) > 1e8


def test_work_is_spread_and_done_on_one_thread(cluster):
    told = cluster.result(cluster.map(_place, list(range(6))))
    assert len({pid for pid, _ in told}) == 2
    assert {count for _, count in told} == {1}


def _place(_):
    import numba

    time.sleep(0.1)
    return os.getpid(), numba.get_num_threads()


def test_workers_know_how_large_our_objects_are(cluster):
    """Or they would never put them on disk."""
    made = cluster.map(_large, [1, 2])
    cluster.wait(made)
    sizes = cluster.client.run_on_scheduler(
        lambda dask_scheduler: [dask_scheduler.tasks[one.key].nbytes for one in made]
    )
    assert min(sizes) > 4 * 8e5


def _large(_):
    ids = hr.dataset.idmap.IdMap(np.arange(100_000))
    codes = np.zeros(100_000)
    return hr.Interactions(ids, ids, codes, codes, codes)


def test_errors_come_back_as_they_are(cluster):
    with pytest.raises(DataError, match="bad: rows 3") as raised:
        cluster.result(cluster.map(_fail, [1]))
    assert type(raised.value) is DataError
    with pytest.raises(ZeroDivisionError):
        cluster.wait(cluster.map(_divide, [0]))


def _fail(_):
    raise BadRowsError("bad", np.array([3]))


def _divide(number):
    return 1 / number


@pytest.mark.parametrize(
    ("address", "options", "message"),
    [
        ("local", {}, "a cluster is local:N"),
        ("local:0", {}, "a local cluster is local:N"),
        ("local:x", {}, "a local cluster is local:N"),
        ("http://x", {}, "a cluster is local:N"),
        ("tcp://x:1", {"memory_limit": "4GB"}, "is set where they are started"),
        ("local:1", {"memory_limit": "much"}, "a size such as 4GB, got 'much'"),
        ("tls://x:1", {}, "tls:// needs certificates"),
        ("local:1", {"tls": hd.Tls("a", "b", "c")}, "only tls:// takes them"),
        ("tls://x:1", {"tls": hd.Tls("a", "b", "c")}, "no certificate or key a"),
    ],
)
def test_what_makes_no_sense_is_refused(address, options, message):
    with pytest.raises(ParameterError, match=message), hd.connect(address, **options):
        pass


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr("hybridrec.distributed.cluster.TIMEOUT", 1)
    refused = pytest.raises(ClusterError, match=r"cannot use the cluster at tcp://127\.0\.0\.1:9")
    with refused, hd.connect("tcp://127.0.0.1:9"):
        pass


def test_versions_that_differ_are_named():
    here = versions()
    compare(here, {"tcp://a": here})
    for name, there in (("numpy", "0.1"), ("python", "2.7"), ("hybridrec", "9.9")):
        with pytest.raises(ClusterError, match=f"worker tcp://b runs {name} {there}, this process"):
            compare(here, {"tcp://a": here, "tcp://b": here | {name: there}})


# ---- a cluster of processes that talk over TLS --------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> hd.Tls:
    """A certificate that is its own authority, for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    paths = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    named = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *paths, *named], check=True, capture_output=True)
    return hd.Tls(folder / "cert.pem", folder / "cert.pem", folder / "key.pem")


def started(kind, tls, *options, env=None):
    """Start a scheduler or worker as a command does."""
    given = ["--tls-ca-file", tls.ca, "--tls-cert", tls.cert, "--tls-key", tls.key, *options]
    module = f"distributed.cli.dask_{kind}"
    log = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", module, "--no-dashboard", *map(str, given)],
        stdout=log,
        stderr=log,
        cwd=tls.ca.parent,  # where no other metadata of the package is found first
        env={**os.environ, **(env or {})},
    )


def test_tls_and_a_worker_of_another_version(certificates, folder, tmp_path):
    """Over TCP with certificates: a fit; a client without them; a worker that does not fit in."""
    address, running = f"tls://127.0.0.1:{_free_port()}", []
    options = ["--nthreads", "1", "--nworkers", "1", "--host", "tls://127.0.0.1"]
    try:
        running.append(
            started("scheduler", certificates, "--host", "tls://127.0.0.1", "--port", address[-5:])
        )
        running.append(started("worker", certificates, address, *options))
        with hd.connect(address, tls=certificates) as cluster:
            model = hd.fit(hr.Popularity(), hd.read_sharded(cluster, folder))
            assert model.popularity_.max() > 0
            assert all(one.startswith("tls://") for one in cluster.workers)
        other = tmp_path / "hybridrec-9.9.9.dist-info"
        other.mkdir()
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: hybridrec\nVersion: 9.9.9\n")
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        running.append(started("worker", certificates, address, *options, env={"PYTHONPATH": path}))
        with pytest.raises(ClusterError, match=r"runs hybridrec 9\.9\.9, this process hybridrec"):
            _connect_again(address, certificates)
    finally:
        for one in running:
            one.kill()
            one.wait()


def _connect_again(address, certificates):
    """Connect until the second worker is there."""
    for _ in range(120):
        with hd.connect(address, tls=certificates):
            time.sleep(0.5)


def _free_port() -> int:
    import socket

    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        if port > 9999:  # five digits
            return port


def test_workers_with_several_threads_are_refused(cluster, monkeypatch):
    from hybridrec.distributed.cluster import _check_threads

    _check_threads(cluster.client)
    monkeypatch.setattr(cluster.client, "ncores", lambda: {"tcp://a": 1, "tcp://b": 4})
    with pytest.raises(ClusterError, match="worker tcp://b has 4 threads; start workers with"):
        _check_threads(cluster.client)


def test_tasks_that_carry_data_are_given_out_bit_by_bit(cluster):
    made = []

    def submitted():
        for number in range(30):
            made.append(number)
            yield cluster.one(_listed, number)

    for number in cluster.in_turn(submitted()):
        assert len(made) - number <= 3 * 2 + 1
    assert number == 29
