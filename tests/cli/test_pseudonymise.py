from __future__ import annotations

import pandas as pd
import pytest

from hybridrec.privacy import Pseudonyms

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def key(files):
    path = files / "key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return path


def test_users_get_pseudonyms_and_all_else_stays(run, key, files):
    pseudonyms = Pseudonyms(KEY.encode())
    result = run("pseudonymise", "events.csv", "--key-file", key, "-o", "shared.csv")
    assert result.code == 0
    assert result.out == f"key check value {pseudonyms.check}\n"
    assert "Warning" not in result.err
    before, after = pd.read_csv("events.csv"), pd.read_csv("shared.csv")
    assert after["user"].tolist() == pseudonyms.of(before["user"]).tolist()
    pd.testing.assert_frame_equal(after.drop(columns="user"), before.drop(columns="user"))
    assert KEY not in (files / "shared.csv").read_text()


def test_items_parquet_and_the_environment(done, files, monkeypatch):
    monkeypatch.setenv("HYBRIDREC_PSEUDONYM_KEY", KEY)
    done("pseudonymise", "events.csv", "--items", "-o", "shared.parquet")
    found = pd.read_parquet("shared.parquet")
    expected = Pseudonyms(KEY.encode()).of(pd.read_csv("events.csv")["item"], "item")
    assert found["item"].tolist() == expected.tolist()
    done("fit", "shared.parquet", "--model", "item-knn", "-o", "m")


def test_missing_cells_stay_empty(done, key, files):
    (files / "people.csv").write_text("name,user,age\nx,1,4.5\n,2,\n")
    done("pseudonymise", "people.csv", "--key-file", key, "-o", "out.csv")
    lines = (files / "out.csv").read_text().splitlines()
    assert lines[1].startswith("x,")
    assert lines[1].endswith(",4.5")
    assert lines[2].startswith(",")
    assert lines[2].endswith(",")


def test_times_and_lists_of_parquet_stay(done, key, files):
    times = pd.to_datetime(["2020-01-01 10:00", None])
    frame = pd.DataFrame({"user": ["x", "y"], "when": times, "seen": [True, False]})
    frame.to_parquet("in.parquet")
    done("pseudonymise", "in.parquet", "--key-file", key, "-o", "out.parquet")
    found = pd.read_parquet("out.parquet")
    assert found["when"].tolist()[0] == times[0]
    assert found["when"].isna().tolist() == [False, True]
    assert found["seen"].tolist() == [True, False]
    done("pseudonymise", "in.parquet", "--key-file", key, "-o", "out.csv")
    lines = (files / "out.csv").read_text().splitlines()
    assert lines[1].endswith(",2020-01-01 10:00:00,True")
    assert lines[2].endswith(",,False")


def test_a_key_that_others_may_read_is_told(run, key):
    key.chmod(0o640)
    result = run("pseudonymise", "events.csv", "--key-file", key, "-o", "shared.csv")
    assert "Warning: others may read the key" in result.err


def test_bad_input_is_refused(refused, done, key, files, monkeypatch):
    monkeypatch.delenv("HYBRIDREC_PSEUDONYM_KEY", raising=False)
    command = ["pseudonymise", "events.csv", "-o", "shared.csv"]
    assert "HYBRIDREC_PSEUDONYM_KEY holds no key" in refused(*command)
    weak = files / "weak"
    weak.write_text("password")
    weak.chmod(0o600)
    assert "at least 32 random characters" in refused(*command, "--key-file", weak)
    named = [*command, "--key-file", key]
    assert "wrong key: its check value is" in refused(*named, "--key-check", "000000")
    assert "no column 'nobody'" in refused(*named, "--user", "nobody")
    done(*named)
    assert "already exists" in refused(*named)
    twice = ["pseudonymise", "shared.csv", "--key-file", key, "-o", "twice.csv"]
    assert "are pseudonyms already" in refused(*twice)
