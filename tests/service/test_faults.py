"""Faults, with processes of their own: kills, broken folders, full disks, slow clients, the end."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

import hybridrec
from hybridrec.online.event_log import EventLog
from tests.service.serving import BEARER, Served, answer_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals and limits of Linux")
HEAD = b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def folder(folders, tmp_path):
    """Return a model folder that may be broken."""
    return shutil.copytree(folders["als"], tmp_path / "films")


def test_what_was_acknowledged_survives_a_kill_and_nothing_is_there_twice(folder, tmp_path):
    path = tmp_path / "feedback.sqlite"
    sent, acknowledged, numbers = [], [], count()
    with Served(folder, "--feedback", path) as served:

        def load():
            while True:
                number = next(numbers)
                sent.append(number)
                try:
                    answer = served.feedback(number, number % 62, key=f"key {number}")
                except httpx.HTTPError:
                    return
                assert answer.json()["stored"] is True
                acknowledged.append(number)

        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(load) for _ in range(8)]
            while len(acknowledged) < 200:
                assert not any(one.done() for one in running)
            served.process.send_signal(signal.SIGKILL)
        for one in running:
            one.result()
    with Served(folder, "--feedback", path) as served:
        with EventLog(path) as log:
            stored = [event.user for _, event in log.all()]
        assert len(stored) == len(set(stored))
        assert set(acknowledged) <= set(stored) <= set(sent)
        for number in sent[-20:]:  # in doubt, a client sends again
            again = served.feedback(number, number % 62, key=f"key {number}").json()
            assert again["stored"] is (number not in stored)
        with EventLog(path) as log:
            assert sorted(event.user for _, event in log.all()) == sorted({*stored, *sent[-20:]})
        assert served.get(f"/recommend?user={acknowledged[-1]}").status_code == 200


def test_reload_by_signal_drops_no_request_and_survives_a_broken_folder(folder, world):
    manifest = folder / "manifest.json"
    good = manifest.read_text()
    with Served(folder) as served:
        old = served.get("/recommend?user=3").json()
        manifest.write_text(good[:100])
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("films is served as it was")
        assert served.get("/recommend?user=3").json() == old
        manifest.write_text(good)
        hybridrec.ALS(factors=4, iterations=2, num_threads=1).fit(world).save(
            folder, overwrite=True
        )
        answers, ended = [], threading.Event()

        def load():
            with httpx.Client(base_url=served.url, timeout=20) as client:
                while not ended.is_set():
                    answers.append(client.get("/recommend?user=3"))

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(load) for _ in range(4)]
            served.process.send_signal(signal.SIGHUP)
            served.wait_for("films is served as version")
            new = served.get("/recommend?user=3").json()
            ended.set()
        for one in running:
            one.result()
        assert new["version"] != old["version"]
        assert {one.status_code for one in answers} == {200}
        assert all(one.json() in (old, new) for one in answers)


def test_a_full_disk_is_503_and_the_service_goes_on(folder, tmp_path):
    import resource

    path = tmp_path / "feedback.sqlite"
    with Served(folder, "--feedback", path) as served:
        for number in range(20):  # what has been written is more than what reading may write
            assert served.feedback(1, number).status_code == 200
        written = tmp_path / "feedback.sqlite-wal"
        unlimited = resource.RLIM_INFINITY
        full = (written.stat().st_size, unlimited)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, full)
        refused = served.feedback(2, 2, key="again")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        assert served.get("/recommend?user=1").status_code == 200
        assert served.get("/ready").status_code == 200
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        assert served.feedback(2, 2, key="again").json() == {"stored": True, "ids": [21]}


def test_a_thousand_slow_clients_leave_others_served_and_are_cut(folder):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2500:
        pytest.skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    slow = []
    try:
        with Served(folder, limit="ulimit -S -n 200") as served:
            for number in range(1000):
                connection = served.connect()
                slow.append(connection)
                if number % 2:
                    connection.sendall(HEAD[:20])
                else:
                    connection.sendall(HEAD + b'Content-Length: 500\r\n\r\n{"user"')
            for user in range(40):
                assert served.get(f"/recommend?user={user}").status_code == 200
            for connection in (slow[0], slow[1], slow[-2], slow[-1]):
                status, answer = answer_of(connection)
                assert (status, answer["error"]["code"]) == (408, "timeout")
                assert connection.recv(1) == b""
    finally:
        for connection in slow:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_end_waits_for_what_runs(folder, tmp_path):
    path = tmp_path / "feedback.sqlite"
    body = json.dumps({"user": 3, "k": 2}).encode()
    with Served(folder, "--feedback", path) as served:
        idle, busy = served.connect(), served.connect()
        busy.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
        assert served.feedback(3, 5).status_code == 200
        served.process.send_signal(signal.SIGTERM)
        while served.is_open():
            pass
        assert idle.recv(1) == b""
        busy.sendall(body[5:])
        status, answer = answer_of(busy)
        assert status == 200
        assert len(answer["items"]) == 2
        assert busy.recv(1) == b""
        assert served.end() == 0
        assert served.said[-1].startswith("Try: curl")  # and nothing went wrong after that
    with EventLog(path) as log:
        assert log.count() == 1
    assert not path.with_name("feedback.sqlite-wal").exists()  # it was closed in good order


def test_ctrl_c_ends_it_too(folder):
    with Served(folder) as served:
        assert served.end(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
        (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /recommend?user=\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", 413),
        (HEAD + b"Content-Length: -5\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    ],
)
def test_what_is_hardly_http_gets_an_error_in_json(served, sent, status):
    with served.connect() as connection:
        connection.sendall(sent)
        found, answer = answer_of(connection)
        assert found == status
        assert set(answer) == {"error"}
    assert served.get("/health").status_code == 200


def test_the_rest_of_a_body_that_nobody_reads_closes_the_connection(served):
    with served.connect() as connection:
        connection.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n{")
        assert answer_of(connection)[0] == 413
        assert connection.recv(1) == b""
    with served.connect() as connection:
        connection.sendall(
            b"GET /recommend?user=3 HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{"
        )
        assert answer_of(connection)[0] == 200
        assert connection.recv(1) == b""


@pytest.fixture(scope="module")
def served(folders):
    with Served(folders["als"]) as served:
        yield served


def test_requests_one_after_the_other_share_a_connection(served):
    with served.connect() as connection:
        request = b"GET /recommend?user=3&k=1 HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request * 3)
        with connection.makefile("rb") as file:
            for _ in range(3):
                assert file.readline() == b"HTTP/1.1 200 OK\r\n"
                lines = list(iter(file.readline, b"\r\n"))
                length = next(one for one in lines if one.startswith(b"content-length"))
                assert json.loads(file.read(int(length.split()[1])))["user"] == 3


def test_a_port_in_use_is_one_line(folders):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match="was not said") as told:
            Served(folders["als"], "--port", port)
    assert "Error: cannot serve on 127.0.0.1 port" in str(told.value)
    assert BEARER["Authorization"] not in str(told.value)
