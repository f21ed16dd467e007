from __future__ import annotations

import json

import pytest

import hybridrec
from hybridrec.online import Event, EventLog


@pytest.fixture
def films(films, files):
    (files / "new.csv").write_text("user,item\n1,b\n1,x\n77,a\n77,c\n")
    return films


@pytest.fixture
def log(files):
    with EventLog(files / "log.sqlite") as log:
        log.append([Event(1, "b"), Event(77, "a"), Event(77, "c"), Event(2, "d", -1)])
    return files / "log.sqlite"


def test_a_file(done, films, files):
    told = done("update", films, "new.csv", "-o", "newer")
    assert "4 events: 2 users folded in (1 new), 1 new item, 1 item placed" in told
    assert "No refit yet: 4 new pairs are too few" in told
    assert "77" in done("recommend", "newer", "--user", 77)
    assert 77 not in hybridrec.load(films).users_
    assert not list(files.glob(".*"))


def test_a_file_twice_counts_once(done, films):
    done("update", films, "new.csv", "--in-place")
    before = hybridrec.load(films)
    assert "0 users folded in (0 new)" in done("update", films, "new.csv", "--in-place")
    assert (hybridrec.load(films).history_ != before.history_).nnz == 0


def test_weights_as_asked_for(done, films, files):
    (files / "rated.csv").write_text("user,item,weight\n1,a,2\n3,b,5\n")
    done("update", films, "rated.csv", "--duplicates", "sum", "--min-weight", 2, "-o", "summed")
    assert hybridrec.load(files / "summed").history_[0, 0] in (0.0, 3.0, 2.0)
    told = done("update", films, "rated.csv", "--min-weight", 3, "-o", "fewer")
    assert "1 event: 1 user folded in" in told


def test_a_log_is_taken_up_where_it_was_left(done, films, log):
    told = done("update", films, log, "--in-place")
    assert "4 events: 3 users folded in (1 new), 1 pair hidden" in told
    assert "No event since the last update" in done("update", films, log, "--in-place")
    with EventLog(log) as events:
        events.append([Event(3, "b")])
    assert "1 event: 1 user folded in (0 new)" in done("update", films, log, "--in-place")
    lists = json.loads(done("recommend", films, "--user", 2, "-k", 20, "--format", "json"))
    assert "d" not in [one["item"] for one in lists]


def test_ids_of_another_type_in_a_log_are_named(run, films, log):
    with EventLog(log) as events:
        events.append([Event("anna", "a")])
    result = run("update", films, log, "-o", "newer")
    assert result.code == 0
    assert "Left out: events with ids of another type than the model's: 'anna'" in result.err


def test_refit(done, films, log):
    told = done("update", films, log, "--in-place", "--refit")
    assert "Fitted again on" in told
    model = hybridrec.load(films)
    assert not model.record_.folded.any()
    assert "No event since the last update" in done("update", films, log, "--in-place")


def test_status(done, films, log):
    text = done("status", films, log)
    assert "growth" in text
    assert "too few to tell anything" in text
    before = json.loads(done("status", films, "--format", "json"))
    assert before["refit"] is False
    names = [one["name"] for one in before["measures"]]
    assert names == [
        "growth", "new users", "folded users", "untrained items", "waiting items",
        "popularity shift", "agreement", "age",
    ]  # fmt: skip
    done("update", films, log, "--in-place")
    done("status", films, "-o", "status.json")
    done("status", films, "--format", "table", "-o", "status.txt")
    after = json.loads((films.parent / "status.json").read_text())
    assert after["measures"][0]["value"] > 0
    assert "growth: " in (films.parent / "status.txt").read_text()


def test_bad_input_is_refused_and_nothing_is_written(refused, films, files, log):
    (files / "text.csv").write_text("user,item\n1,a\nanna,b\n")
    (files / "empty.csv").write_text("user,item\n")
    (files / "nothing.csv").write_text("")
    (files / "other.sqlite").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    for arguments, message in (
        (["new.csv"], "-o FOLDER, or --in-place"),
        (["new.csv", "-o", "newer", "--in-place"], "-o FOLDER, or --in-place"),
        (["new.csv", "-o", "films"], "already exists"),
        (["nofile.csv", "--in-place"], "nofile.csv"),
        (["text.csv", "--in-place"], "the model are integers, like 1, 2, 3 and 5 more; these are"
         " not: 'anna'"),
        (["empty.csv", "--in-place"], "empty.csv"),
        (["nothing.csv", "--in-place"], "nothing.csv"),
        (["facts.tsv", "--in-place"], "looks like the user"),
        (["new.csv", "--in-place", "--min-weight", 9], "all 4 events weigh less than 9"),
        (["other.sqlite", "--in-place"], "other.sqlite"),
        ([log, "--in-place", "--user", "user"], "--user is for files of interactions"),
    ):  # fmt: skip
        assert message in refused("update", films, *arguments), arguments


def test_a_damaged_log(run, films, files, log):
    before = hybridrec.load(films).record_
    (files / "cut.sqlite").write_bytes(log.read_bytes()[:5000])
    result = run("update", films, "cut.sqlite", "--in-place")
    assert result.code == 2
    assert result.err.startswith("Error: cannot ")
    assert "feedback log" in result.err
    assert hybridrec.load(films).record_.fitted_at == before.fitted_at


def test_replay(done, refused, files):
    rows = [f"{u},{i},{3600 * ((7 * i + u) % 24) + u}" for u in range(20) for i in range(12)]
    (files / "long.csv").write_text("\n".join(["user,item,time", *rows]) + "\n")
    asked = ("replay", "long.csv", "--model", "item-knn", "--windows", 3)
    text = done(*asked)
    for name in ("static", "update", "advised", "refit", "window by window"):
        assert name in text
    content = json.loads(
        done(*asked, "--strategy", "update", "--strategy", "refit:2", "--format", "json")
    )
    assert {row["strategy"] for row in content["rows"]} == {"update", "refit:2"}
    assert content["significance"]
    for name in ("page.html", "page.md", "curves.svg"):
        done(*asked, "-o", name)
    assert (files / "curves.svg").read_text().startswith("<svg")
    assert "Over time" in (files / "page.md").read_text()
    assert "unknown strategy 'refits'" in refused(*asked, "--strategy", "refits")
    (files / "timeless.csv").write_text("user,item\n1,1\n2,1\n")
    assert "timestamp" in refused("replay", "timeless.csv", "--model", "item-knn")
