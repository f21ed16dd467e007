from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridrec.errors import DataError, ParameterError
from hybridrec.online import Event, EventLog, EventLogError, event_log

IDS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(codec="utf-8"), min_size=1))
EVENTS = st.builds(
    Event,
    IDS,
    IDS,
    st.floats(-1e9, 1e9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def log(path):
    with EventLog(path) as opened:
        yield opened


# ---- what is stored ---------------------------------------------------------------------------


@given(st.lists(EVENTS, min_size=1, max_size=5))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_events_come_back_as_they_were(log, events):
    before = log.count()
    receipt = log.append(events)
    assert receipt == (True, tuple(range(before + 1, before + 1 + len(events))))
    assert list(log.all(after=before)) == list(zip(receipt.ids, events, strict=True))
    assert log.count() == before + len(events)


def test_text_and_integers_are_kept_apart(log):
    log.append([Event(1, 5), Event("1", "5"), Event(1, "5")])
    assert [event.item for event in log.of_user(1)] == [5, "5"]
    assert [event.item for event in log.of_user("1")] == ["5"]
    assert log.weights_of(1) == {5: 1.0, "5": 1.0}
    assert log.of_user("nobody") == []


def test_users_are_asked_for_by_ids_of_any_integer_type(log):
    log.append([Event(np.int64(1), 5)])
    assert log.weights_of(np.int64(1)) == {5: 1.0}
    assert len(log.of_user(np.int32(1))) == 1
    assert log.forget([np.int64(1)]) == 1


@pytest.mark.parametrize("user", [True, 1.0, 2**63, "\ud800", None, [1], b"x"])
def test_what_is_no_id_finds_nobody(log, user):
    log.append([Event(1, 5)])
    for ask in (log.of_user, log.weights_of, lambda one: log.forget([one])):
        with pytest.raises(DataError, match="user must be"):
            ask(user)
    assert log.count() == 1


def test_weights_of_an_item_are_added_up(log):
    log.append([Event(1, 5, 2.0), Event(1, 6, 1.0), Event(2, 5, 9.0)])
    log.append([Event(1, 5, -2.5)])
    assert log.weights_of(1) == {5: -0.5, 6: 1.0}


def test_the_time_of_arrival_fills_in(log):
    before = time.time()
    log.append([Event(1, 5), Event(1, 6, timestamp=3.0)])
    first, second = log.of_user(1)
    assert before <= first.timestamp <= time.time()
    assert second.timestamp == 3.0


def test_forgotten_users_leave_nothing_in_the_file(log, path):
    secret = "somebody-with-a-rare-name"
    log.append([Event(secret, 1), Event("other", 2), Event(secret, 3)], key="first")
    log.append([Event("third", 4)])
    assert log.weights_of(secret)  # a reader is open
    assert log.forget([secret, "nobody"]) == 2
    assert [event.user for _, event in log.all()] == ["other", "third"]
    for file in path.parent.iterdir():
        assert secret.encode() not in file.read_bytes()
    assert log.append([Event("other", 5)]).stored


def test_forgetting_waits_for_no_reader_in_silence(log, path):
    log.append([Event("me", 1)])
    with sqlite3.connect(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM events").fetchall()
        log.append([Event("you", 1)])
        with pytest.raises(EventLogError, match="forget again"):
            log.forget(["me"])
    reader.close()
    assert log.forget(["me"]) == 0
    assert log.count() == 1


def test_all_reads_on_where_another_reader_stopped(log, monkeypatch):
    monkeypatch.setattr(event_log, "PAGE", 2)
    log.append([Event(1, item) for item in range(5)])
    assert [number for number, _ in log.all()] == [1, 2, 3, 4, 5]
    assert [event.item for _, event in log.all(after=3)] == [3, 4]


def test_an_append_stores_all_or_nothing(log):
    with pytest.raises(DataError):
        log.append([Event(1, 5), Event(1, None)])
    with pytest.raises(ParameterError, match="no events"):
        log.append([])
    assert log.count() == 0


# ---- keys -------------------------------------------------------------------------------------


def test_a_key_stores_its_events_once(log, path):
    events = [Event(1, 5), Event(1, 5)]
    first = log.append(events, "order 7")
    assert first == (True, (1, 2))
    assert log.append(events, "order 7") == (False, (1, 2))
    with EventLog(path) as other:
        assert other.append(events, "order 7") == (False, (1, 2))
    assert log.append(events, "order 8") == (True, (3, 4))
    assert log.append(events) == (True, (5, 6))
    assert log.append(events) == (True, (7, 8))


@pytest.mark.parametrize("others", [[Event(1, 6)], [Event(1, 5), Event(1, 5)], [Event(1, 5, 2.0)]])
def test_a_key_belongs_to_its_events(log, others):
    log.append([Event(1, 5)], "order 7")
    with pytest.raises(ParameterError, match="order 7"):
        log.append(others, "order 7")
    assert log.count() == 1


def test_a_key_sent_by_many_threads_at_once_stores_once(log):
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: log.append([Event(1, 5)], "one"), range(64)))
    assert sum(receipt.stored for receipt in receipts) == 1
    assert {receipt.ids for receipt in receipts} == {(1,)}
    assert log.count() == 1


def test_a_wrong_key_does_not_harm_those_who_write_beside(log):
    """Both are in one transaction: the lock is held until both wait."""
    log.append([Event(1, 5)], "taken")
    with ThreadPoolExecutor(2) as pool:
        with log._turn:
            wrong = pool.submit(log.append, [Event(1, 6)], "taken")
            right = pool.submit(log.append, [Event(1, 7)], "free")
            while len(log._waiting) < 2:
                time.sleep(0.001)
        assert right.result().stored
        with pytest.raises(ParameterError):
            wrong.result()
    assert log.weights_of(1) == {5: 1.0, 7: 1.0}


# ---- many at once -----------------------------------------------------------------------------


def test_threads_share_a_log(log):
    with ThreadPoolExecutor(16) as pool:
        receipts = list(
            pool.map(lambda one: log.append([Event(one % 7, one)], str(one)), range(300))
        )
    assert sorted(number for receipt in receipts for number in receipt.ids) == list(range(1, 301))
    stored = {event.item for _, event in log.all()}
    assert stored == set(range(300))


WRITER = """
import sys
from hybridrec.online import Event, EventLog
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with EventLog(path) as log:
    for number in range(count):
        key = f"{name}-{number}"
        receipt = log.append([Event(name, number), Event(name, number)], key)
        print(key, *receipt.ids, flush=True)
"""


def _writer(path, name, count):
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_share_a_log_that_none_had_made(path):
    writers = [_writer(path, name, 40) for name in "abcd"]
    printed = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    with EventLog(path) as log:
        assert log.count() == 4 * 40 * 2
        for name, words in zip("abcd", printed, strict=True):
            ours = {str(number) for number, event in log.all() if event.user == name}
            assert ours == {word for word in words if not word.startswith(name)}


# ---- faults -----------------------------------------------------------------------------------


def test_what_was_acknowledged_is_there_after_kill_9(path):
    """Killed three times while it writes; then every key is sent again."""
    acknowledged = {}
    for _ in range(3):
        writer = _writer(path, "a", 100_000)
        lines = [writer.stdout.readline() for _ in range(len(acknowledged) + 50)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.read().splitlines()
        writer.wait(timeout=10)
        for line in lines:
            key, *ids = line.split()
            if len(ids) == 2:  # the last line may be cut short by the kill
                assert acknowledged.setdefault(key, ids) == ids
    with EventLog(path) as log:
        stored = {str(number): event for number, event in log.all()}
        for key, ids in acknowledged.items():
            assert [stored[one].item for one in ids] == [int(key.split("-")[1])] * 2
        before = log.count()
        for key, ids in acknowledged.items():
            number = int(key.split("-")[1])
            receipt = log.append([Event("a", number), Event("a", number)], key)
            assert receipt == (False, tuple(map(int, ids)))
        assert log.count() == before
        assert before % 2 == 0
        assert set(log.weights_of("a").values()) == {2.0}


FULL = """
import resource, sys
from hybridrec.online import Event, EventLog, EventLogError
log = EventLog(sys.argv[1])
log.append([Event(1, 1)], "before")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
refused = stored = 0
for number in range(60):
    try:
        log.append([Event(2, number, kind="x" * 1000)], f"key {number}")
        stored += 1
    except EventLogError as error:
        refused += 1
        assert sys.argv[1] in str(error), error
print(stored, refused, log.count())
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
again = [log.append([Event(2, number, kind="x" * 1000)], f"key {number}").stored
         for number in range(60)]
print(again.count(True), again.count(False), log.count())
"""


def test_a_full_disk_is_told_and_got_over(path):
    """The disk is as full as the largest file that the process may write."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    (stored, refused, count), (again, known, at_last) = (
        map(int, line.split()) for line in done.stdout.splitlines()
    )
    assert refused > 0
    assert stored > 0
    assert stored + refused == 60
    assert count == stored + 1  # readable all the time, and nothing of the refused
    assert (again, known, at_last) == (refused, stored, 61)


def test_a_database_at_its_limit_goes_on_when_there_is_space(log):
    log.append([Event(1, 1)], "first")
    pages = log._writer.execute("PRAGMA page_count").fetchone()[0]
    log._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(EventLogError, match="full"):
        log.append([Event(1, 2, kind="x" * 100_000)], "second")
    assert log.count() == 1
    assert log.append([Event(1, 2, kind="x" * 100_000)], "second").stored  # a new connection


def test_a_locked_log_is_told_and_got_over(path, monkeypatch):
    monkeypatch.setattr(event_log, "BUSY_SECONDS", 0.05)
    with EventLog(path) as log:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EventLogError, match="locked"):
            log.append([Event(1, 1)])
        assert log.count() == 0  # readers do not wait
        other.execute("ROLLBACK")
        other.close()
        assert log.append([Event(1, 1)]).stored


def test_a_broken_off_write_answers_all_who_waited(log, monkeypatch):
    def broken(_batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(log, "_commit", broken)
    with ThreadPoolExecutor(1) as pool:
        with log._turn:
            waiting = pool.submit(log.append, [Event(1, 1)])
            while not log._waiting:
                time.sleep(0.001)
            with pytest.raises(KeyboardInterrupt):
                log._write_waiting()
        with pytest.raises(EventLogError, match="broken off"):
            waiting.result(timeout=10)
    monkeypatch.undo()
    assert log.append([Event(1, 1)]).ids == (1,)


def test_a_damaged_file_is_told(path):
    with EventLog(path) as log:
        log.append([Event(1, number) for number in range(500)])
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with EventLog(path) as log, pytest.raises(EventLogError, match="malformed"):
        list(log.all())
    path.write_bytes(b"no database at all, but text" * 100)
    with pytest.raises(EventLogError, match="not a database"):
        EventLog(path)


def test_another_programs_database_is_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    before = path.read_bytes()
    with pytest.raises(EventLogError, match="another program"):
        EventLog(path)
    assert path.read_bytes() == before


def test_a_newer_format_is_refused(path):
    EventLog(path).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 2")
    with pytest.raises(EventLogError, match="format 2"):
        EventLog(path)


def test_paths_are_checked(tmp_path):
    with pytest.raises(EventLogError, match="not a folder"):
        EventLog(tmp_path / "missing" / "log.sqlite")
    with pytest.raises(EventLogError, match="not a file"):
        EventLog(tmp_path)
    odd = tmp_path / "a?b#c%20 d.sqlite"
    with EventLog(odd) as log:
        log.append([Event(1, 1)])
    assert odd.is_file()
    assert {one.name for one in tmp_path.iterdir()} == {odd.name}  # the journal went in


def test_a_file_that_went_away_is_told(path):
    with EventLog(path) as log:
        log.append([Event(1, 1)])
        log._writer.close()
        log._writer = None
        for one in path.parent.iterdir():
            one.unlink()
        with pytest.raises(EventLogError, match="unable to open"):
            log.append([Event(1, 2)])
        assert not path.exists()


def test_a_closed_log_says_so(path):
    log = EventLog(path)
    log.append([Event(1, 1)])
    log.count()
    log.close()
    log.close()
    for use in (log.count, lambda: log.append([Event(1, 1)])):
        with pytest.raises(EventLogError, match="closed"):
            use()


def test_readers_and_writers_at_once(log):
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append(len(log.of_user(1)))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for one in readers:
        one.start()
    for number in range(100):
        log.append([Event(1, number), Event(1, number)])
        assert len(log.of_user(1)) == 2 * (number + 1)  # what was acknowledged is seen
    stop.set()
    for one in readers:
        one.join()
    assert all(count % 2 == 0 for count in seen)  # never half of an append
