from __future__ import annotations

import pandas as pd
import pytest

import hybridrec
from hybridrec.online import Event, EventLog


def test_a_user_leaves_the_model_and_the_file(done, refused, films, files):
    before = pd.read_csv("events.csv")
    count = int((before["user"] == 3).sum())
    told = done(*("forget", films, "--user", 3, "--interactions", "events.csv", "-o", "rest.csv"))
    assert f"events.csv: {count} rows removed, the others written to rest.csv" in told
    assert f"1 user with {count} interactions removed; a trace stays" in told
    assert 3 not in hybridrec.load(films).users_
    assert "unknown user id 3" in refused("recommend", films, "--user", 3)
    rest = pd.read_csv("rest.csv")
    expected = before[before["user"] != 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, expected)
    assert not list(files.glob(".*"))


def test_how_far_it_goes_is_told(done, films):
    assert "2 users with" in done("forget", films, "--user", 3, "--user", 4, "--item-side", "refit")
    told = done("forget", films, "--user", 5, "--item-side", "half-step")
    assert "items solved once more; a trace stays" in told
    done("fit", "events.csv", "--model", "private-als", "-o", "private")
    assert "the item side was private from the start" in done("forget", "private", "--user", 3)


def test_a_file_may_know_more_users_than_the_model(done, films, files):
    (files / "more.csv").write_text("user,item\nanna,a\n3,b\n")
    told = done("forget", films, "--user", "anna", "--interactions", "more.csv", "-o", "rest.csv")
    assert "more.csv: 1 rows removed" in told
    assert "knows none of them, and stays as it is" in told
    assert (files / "rest.csv").read_text() == "user,item\n3,b\n"


def test_a_user_leaves_the_log(done, films, files):
    with EventLog(files / "log.sqlite") as log:
        log.append([Event(3, "a"), Event("3", "b"), Event(4, "a")])
    assert "log.sqlite: 2 events removed" in done(
        "forget", films, "--user", 3, "--log", "log.sqlite"
    )
    with EventLog(files / "log.sqlite") as log:
        assert [event.user for _, event in log.all()] == [4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", 99], "unknown user '99': nothing was removed"),
        (["--user", "²"], "unknown user '²': nothing was removed"),
        (["--user", "--5"], "unknown user '--5': nothing was removed"),
        (["--user", 2**63], f"unknown user '{2**63}': nothing was removed"),
        (["--user", 3, "-o", "rest.csv"], "--interactions FILE and -o OUT go together"),
        (["--user", 3, "--interactions", "events.csv"], "go together"),
        (
            ["--user", 3, "--interactions", "events.csv", "-o", "facts.tsv"],
            "cannot tell the format",
        ),
        (["--user", 3, "--interactions", "events.csv", "-o", "items.csv"], "already exists"),
        ([], "--user"),
        (["--user", 3, "--log", "events.csv"], "feedback log"),
        (["--user", 3, "--item-side", "all"], "--item-side"),
        (["--user", 3, "--interactions", "facts.tsv", "-o", "rest.csv"], "looks like the user"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_removed(arguments, message, refused, films):
    assert message in refused("forget", films, *arguments)
