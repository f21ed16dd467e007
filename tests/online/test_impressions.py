from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from hybridrec.errors import DataError, ParameterError
from hybridrec.online import Event, EventLog, EventLogError
from hybridrec.online.impressions import Impression, ImpressionLog, Shown


def shown(*items, at=1000.0, user=1):
    entries = tuple(Shown(item, 0.5, 0.25, 0.3) for item in items)
    return Impression(user, "epsilon-greedy", entries, at)


@pytest.fixture
def log(tmp_path):
    with ImpressionLog(tmp_path / "shown.sqlite") as log:
        yield log


def rewards(log):
    return [[one.reward for one in each.shown] for _, each in log.all()]


def test_lists_come_back_as_they_were(log):
    first, second = shown("a", 1, "1"), replace(shown("b"), timestamp=None, user="1")
    assert log.next_number() == 1
    assert log.append([first, second]) == [1, 2]
    assert log.next_number() == 3
    found = dict(log.all())
    assert found[1] == first
    assert found[2].user == "1"
    assert found[2].timestamp > 1e9
    assert list(dict(log.all(after=1))) == [2]
    with ImpressionLog(log.path) as again:
        assert again.count() == 2


def test_many_lists_come_in_pages(log, monkeypatch):
    monkeypatch.setattr("hybridrec.online.impressions.PAGE", 3)
    log.append([shown(one, at=float(one)) for one in range(8)])
    assert [each.shown[0].item for _, each in log.all()] == list(range(8))


def test_rewards_are_told(log):
    log.append([shown("a", "b", "c"), shown("a")])
    log.reward(1, {"b": 2})
    assert rewards(log) == [[0, 2, 0], [None]]
    log.reward(1, {"a": 1}, others=None)
    assert rewards(log) == [[1, 2, 0], [None]]
    with pytest.raises(DataError, match="item 'x' was not in list 1"):
        log.reward(1, {"x": 1})
    with pytest.raises(DataError, match="there is no list 9"):
        log.reward(9, {"a": 1})
    assert rewards(log) == [[1, 2, 0], [None]]


def test_feedback_is_credited_to_the_last_list_before_it(log, tmp_path):
    log.append(
        [
            *(shown("a", "b", at=100.0), shown("a", "b", at=200.0), shown("a", at=300.0)),
            *(shown("a", at=150.0, user=2), shown("c", at=190.0)),
        ]
    )
    with EventLog(tmp_path / "feedback.sqlite") as events:
        events.append(
            [
                Event(1, "a", timestamp=250.0),
                Event(1, "b", weight=-1, timestamp=260.0),  # no more of it
                Event(1, "z", timestamp=260.0),  # found elsewhere
                Event(2, "a", timestamp=140.0),  # before it was shown
                Event(1, "c", timestamp=900.0),  # too late
            ]
        )
        assert log.credit((event for _, event in events.all()), within=120) == 2
        assert rewards(log) == [[0, 0], [1, 0], [0], [0], [0]]
        assert log.credit((event for _, event in events.all()), within=120) == 2
        assert rewards(log) == [[0, 0], [1, 0], [0], [0], [0]]
    with pytest.raises(ParameterError, match="within must be a positive number"):
        log.credit([], within=0)


def test_a_user_is_forgotten(log):
    log.append([shown("hidden-item", user="anna-77"), shown("b", user=2)])
    assert log.forget(["anna-77", 9]) == 1
    assert [each.user for _, each in log.all()] == [2]
    content = b"".join(path.read_bytes() for path in log.path.parent.glob("shown.sqlite*"))
    assert b"anna-77" not in content
    assert b"hidden-item" not in content


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (shown(), "is empty; there is nothing to log"),
        (shown("a", "a"), "has an item twice"),
        (shown(1.5), "the item must be text or a 64-bit integer"),
        (shown("a", user=None), "the user must be text"),
        (replace(shown("a"), policy=""), "needs the name of the policy"),
        (replace(shown("a"), shown=(Shown("a", 0.0, 0.0, 0.5),)), "must be above 0"),
        (replace(shown("a"), shown=(Shown("a", 0.0, 0.5, 1.5),)), "at most 1, got 0.5 and 1.5"),
        (replace(shown("a"), shown=(Shown("a", float("nan"), 0.5, 0.5),)), "finite"),
    ],
)
def test_a_wrong_list_is_refused_with_all_beside_it(log, wrong, message):
    with pytest.raises(DataError, match=message):
        log.append([shown("b"), wrong])
    assert log.count() == 0


def test_other_files_are_refused(tmp_path):
    with pytest.raises(EventLogError, match="is not a folder; make it first"):
        ImpressionLog(tmp_path / "nowhere" / "log")
    with pytest.raises(EventLogError, match="is not a file"):
        ImpressionLog(tmp_path)
    EventLog(tmp_path / "events").close()
    with pytest.raises(EventLogError, match="is not a log of impressions but"):
        ImpressionLog(tmp_path / "events")
    (tmp_path / "text").write_text("something else, and long enough to be looked at" * 20)
    with pytest.raises(EventLogError, match="cannot open"):
        ImpressionLog(tmp_path / "text")
    ImpressionLog(tmp_path / "newer").close()
    with sqlite3.connect(tmp_path / "newer") as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(EventLogError, match="has the format 9"):
        ImpressionLog(tmp_path / "newer")
