from __future__ import annotations

import json

import pandas as pd
import pytest

import hybridrec

KEYS = ["user", "item", "score", "rank", "source"]


def test_json_is_what_the_model_recommends(done, model):
    rows = json.loads(
        done("recommend", model, "--user", 1, "--user", 2, "-k", 3, "--format", "json")
    )
    assert all(list(row) == KEYS for row in rows)
    expected = hybridrec.load(model).recommend([1, 2], k=3)
    assert pd.DataFrame(rows)[["user", "item", "rank", "source"]].to_dict("list") == expected[
        ["user", "item", "rank", "source"]
    ].to_dict("list")
    assert [row["score"] for row in rows] == pytest.approx(expected["score"].tolist(), rel=1e-6)


def test_tables_show_titles_and_csv_too(done, model):
    table = done("recommend", model, "--user", 1, "-k", 2)
    assert table.splitlines()[0] == "user 1"
    assert table.splitlines()[1].split() == ["rank", "item", "title", "score", "source"]
    assert "Film a [x]" in table
    csv = done("recommend", model, "--user", 1, "-k", 2, "--format", "csv")
    assert csv.splitlines()[0] == "user,item,title,score,rank,source"


def test_every_format_holds_the_same_lists(done, model, files):
    for form in ("csv", "parquet"):
        done("recommend", model, "--all", "-o", f"lists.{form}")
    rows = json.loads(done("recommend", model, "--all", "--format", "json"))
    frames = [pd.read_csv("lists.csv")[KEYS], pd.read_parquet("lists.parquet"), pd.DataFrame(rows)]
    for frame in frames:
        same = ["user", "item", "rank", "source"]
        assert frame[same].to_dict("list") == frames[0][same].to_dict("list")
        assert frame["score"].to_numpy() == pytest.approx(frames[0]["score"].to_numpy())
    assert sorted(frames[0]["user"].unique()) == list(range(1, 9))


def test_blocks_of_users_change_nothing(done, model, monkeypatch):
    whole = done("recommend", model, "--all", "--format", "json")
    monkeypatch.setattr("hybridrec.cli.recommend._BLOCK", 3)
    assert done("recommend", model, "--all", "--format", "json") == whole


@pytest.mark.parametrize(
    "text", ["1\n2\n\n 2 \n", "user\n1\n2\n", "n,userId\n5,1\n6,2\n", "\ufeff1\n2\n"]
)
def test_users_of_a_file_one_a_line_or_in_a_column(text, done, model, files):
    (files / "users.txt").write_text(text, encoding="utf-8")
    found = json.loads(done("recommend", model, "--users", "users.txt", "--format", "json"))
    assert list(dict.fromkeys(row["user"] for row in found)) == [1, 2]


def test_rules_hold(done, model, files):
    (files / "allow.txt").write_text("a\nb\nnew\n")
    (files / "deny.csv").write_text("item,why\na,old\n")

    def items(*rules):
        rows = json.loads(done("recommend", model, "--user", 1, *rules, "--format", "json"))
        return {row["item"] for row in rows}

    assert items() == {"a", "b", "d", "f", "h", "new"}
    assert items("--allow", "allow.txt") == {"a", "b", "new"}
    assert items("--allow", "allow.txt", "--deny", "deny.csv") == {"b", "new"}
    assert items("--where", "year > 2004") == {"f", "h", "new"}
    assert items("--where", "year > 3000") == set()


def rows_of(done, model, *arguments):
    return json.loads(done("recommend", model, *arguments, "--format", "json"))


def test_conditions_quotas_and_pins(done, model):
    rows = rows_of(done, model, "--user", 1, "--where", "year > 2004", "--where", "year < 2008")
    assert {row["item"] for row in rows} == {"f", "h"}
    rows = rows_of(done, model, "--user", 1, "--quota", "year=0", "--quota", "title=3")
    assert rows == []
    rows = rows_of(done, model, "--all", "-k", 3, "--pin", "1=a", "--pin", "3=new")
    placed = {(row["user"], row["rank"]): row["item"] for row in rows if row["source"] == "pinned"}
    assert placed[1, 1] == "a"
    assert placed[1, 3] == "new"
    assert (3, 1) not in placed, "user 3 has a"


def test_rules_may_leave_nothing(done, model):
    asked = ("recommend", model, "--all", "--where", "false")
    assert done(*asked) == ""
    assert json.loads(done(*asked, "--format", "json")) == []


def test_items_denied_to_users(done, model, files):
    denied = {(1, "a"), (1, "b")}
    (files / "denied.csv").write_text("user,item,why\n1,a,sold\n1,b,\n2,c,\n99,d,gone\n")
    plain = rows_of(done, model, "--user", 1, "--user", 3)
    rows = rows_of(done, model, "--user", 1, "--user", 3, "--deny-for", "denied.csv")
    key = [(row["user"], row["item"]) for row in plain if (row["user"], row["item"]) not in denied]
    assert [(row["user"], row["item"]) for row in rows] == key
    assert len(rows) == len(plain) - 2
    (files / "history.csv").write_text("user,item\nx,a\nx,c\n")
    (files / "denied.tsv").write_text("item\tuser\nb\tx\n")
    rows = rows_of(done, model, "--history", "history.csv", "--deny-for", "denied.tsv")
    assert "b" not in {row["item"] for row in rows}


def test_rerank(done, model):
    plain = rows_of(done, model, "--user", 1)
    rows = rows_of(done, model, "--user", 1, "--rerank", "mmr:weight=0")
    assert rows == plain
    rows = rows_of(done, model, "--user", 1, "--rerank", "mmr:weight=0.9,block=tokens")
    assert {row["item"] for row in rows} == {row["item"] for row in plain}


def test_a_pinned_item_without_a_score(done, files):
    done("fit", "events.csv", "--items", "items.csv", "--model", "popularity", "-o", "m")
    arguments = ("recommend", "m", "--user", 1, "-k", 1, "--pin", "1=new")
    (row,) = json.loads(done(*arguments, "--format", "json"))
    assert row == {"user": 1, "item": "new", "score": None, "rank": 1, "source": "pinned"}
    csv = done(*arguments, "--format", "csv")
    assert csv.splitlines()[1] == "1,new,Film new [x],,1,pinned"
    assert "nan" not in done(*arguments)


class TestAudit:
    RULES = ("--where", "year > 2004", "--deny", "deny.txt", "--pin", "2=c", "--pin", "1=b")

    @pytest.fixture(autouse=True)
    def denied(self, files):
        (files / "deny.txt").write_text("h\n")

    def test_takes_the_place_of_the_lists(self, run, model):
        result = run("recommend", model, "--user", 1, *self.RULES, "--audit", "--format", "json")
        assert result.code == 0
        assert result.err.splitlines() == [
            "deny: drops 1 of 9 items",
            "where year > 2004: drops 5 of 9 items",
        ]
        rows = json.loads(result.out)
        assert all(list(row) == ["user", "item", "rank", "score", "rule", "detail"] for row in rows)
        told = {row["item"]: (row["rule"], row["detail"]) for row in rows}
        assert told["h"] == ("deny", "")
        assert told["a"] == ("where", "year > 2004")
        assert told["b"] == ("pin", "where year > 2004")
        assert told["c"] == ("pin", "already seen")
        assert told["f"] == ("", "")
        assert rows[-1]["score"] is None

    def test_in_every_format(self, done, model):
        arguments = ("recommend", model, "--user", 1, *self.RULES, "--audit")
        rows = json.loads(done(*arguments, "--format", "json"))
        done(*arguments, "-o", "audit.parquet")
        assert len(pd.read_parquet("audit.parquet")) == len(rows)
        table = done(*arguments)
        assert table.splitlines()[1].split() == [
            *("rank", "item", "title", "score", "rule", "detail"),
        ]
        assert "already seen" in table
        assert table.rstrip().splitlines()[-1].split()[:2] == ["-", "c"]

    def test_blocks_of_users_change_nothing(self, done, model, monkeypatch):
        arguments = ("recommend", model, "--all", *self.RULES, "--audit", "--format", "json")
        whole = done(*arguments)
        monkeypatch.setattr("hybridrec.cli.recommend._BLOCK", 3)
        assert done(*arguments) == whole


def test_new_users_come_with_a_history(done, model, files):
    (files / "history.csv").write_text("user,item\nx,a\nx,c\ny,b\n")
    rows = json.loads(done("recommend", model, "--history", "history.csv", "--format", "json"))
    assert {row["user"] for row in rows} == {"x", "y"}
    assert {row["source"] for row in rows} == {"fold-in", "features"}
    assert not {"a", "c"} & {row["item"] for row in rows if row["user"] == "x"}
    (only,) = json.loads(
        done(
            *("recommend", model, "--history", "history.csv", "--user", "y"),
            *("-k", 1, "--format", "json"),
        )
    )
    assert (only["user"], only["item"]) == ("y", "h") or only["item"] in "dfh"


def test_numbers_in_a_history_match_ids_that_are_text(done, files):
    (files / "mixed.csv").write_text("user,item\nu,1\nu,x\nv,1\nv,2\nw,x\nw,2\n")
    done("fit", "mixed.csv", "--model", "popularity", "-o", "m")
    (files / "history.csv").write_text("user,item\n7,1\n")
    rows = json.loads(done("recommend", "m", "--history", "history.csv", "--format", "json"))
    assert {row["item"] for row in rows} == {"2", "x"}


def test_models_fitted_on_other_frames_serve_as_well(done, files):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"user": [1, 1, 2], "item": [1, 2, 1]})
    hybridrec.Popularity().fit(frame).save(files / "m")
    (row,) = json.loads(done("recommend", "m", "--user", 2, "--format", "json"))
    assert row["item"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say for whom"),
        (["--user", 1, "--all"], "only one of --user, --users and --all"),
        (["--user", 99], "unknown user id 99"),
        (["--user", "x"], "ids here are integers"),
        (["--user", 1, "-k", 0], "-k"),
        (["--user", 1, "--where", "yaer > 3"], "yaer"),
        (["--user", 1, "--deny", "unknown.txt"], "unknown item"),
        (["--user", 1, "--where", "true; drop table item"], "cannot be evaluated: Parser Error"),
        (["--user", 1, "--where", "year > 1", "--where", "year >"], "'year >' cannot be evalua"),
        (["--user", 1, "--quota", "yaer=3"], "no column 'yaer'; did you mean 'year'"),
        (["--user", 1, "--quota", "year"], "--quota 'year' must look like genre=3"),
        (["--user", 1, "--quota", "year=-1"], "--quota of 'year' must be a whole number"),
        (["--user", 1, "--quota", "year=x"], "--quota of 'year' must be a whole number, got 'x'"),
        (["--user", 1, "--pin", "a"], "--pin 'a' must look like 1=ITEM"),
        (["--user", 1, "--pin", "0=a"], "rank of a pin must be a whole number of at least 1"),
        (["--user", 1, "--pin", "x=a"], "the rank of --pin must be a whole number, got 'x'"),
        (["--user", 1, "--pin", f"{'9' * 5000}=a"], "the rank of --pin must be a whole number"),
        (["--user", 1, "--quota", f"year={'9' * 5000}"], "--quota of 'year' must be a whole"),
        (["--user", 1, "--pin", "1=a", "--pin", "1=b"], "--pin names rank 1 twice"),
        (["--user", 1, "--pin", "1=a", "--pin", "2=a"], "item 'a' is pinned twice"),
        (["--user", 1, "--pin", "1=zzz"], "pin: unknown item id 'zzz'"),
        (["--user", 1, "--deny-for", "unknown.txt"], "no column looks like the user"),
        (["--user", 1, "--deny-for", "foreign.csv"], "unknown user 'x': ids here are integers"),
        (["--user", 1, "--deny-for", "gone.csv"], "user_deny: unknown item id 'zzz'"),
        (["--user", 1, "--rerank", "mmrr"], "mmr"),
        (["--user", 1, "--rerank", "calibrated:column=yaer"], "did you mean 'year'"),
        (["--user", 1, "--audit", "--where", "yaer > 3"], "yaer"),
        (["--users", "unknown.txt"], "ids here are integers"),
        (["--users", "empty.txt"], "empty.txt holds no user id"),
        (["--users", "latin.txt"], "not UTF-8"),
        (["--users", "facts.tsv"], "no column looks like the user"),
        (["--history", "items.csv"], "no column looks like the user"),
        (["--history", "foreign.csv"], "unknown item id 'zzz'"),
        (["--all", "--format", "parquet"], "add -o FILE"),
        (["--all", "-o", "lists.txt"], "add --format"),
        (["--all", "-o", "events.csv"], "already exists"),
        (["--all", "-o", "no/lists.csv"], "make it first"),
        (["--all", "--where", "year >", "-o", "lists.csv"], "cannot be evaluated"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, model, files):
    (files / "unknown.txt").write_text("zzz\n")
    (files / "empty.txt").write_text("\n")
    (files / "latin.txt").write_bytes(b"caf\xe9\n")
    (files / "foreign.csv").write_text("user,item\nx,zzz\n")
    (files / "gone.csv").write_text("user,item\n1,zzz\n")
    assert message in refused("recommend", model, *arguments)


def test_no_model_no_lists(refused, files):
    assert "does not exist" in refused("recommend", "nothing", "--all")
    assert "events.csv" in refused("recommend", "events.csv", "--all")


def test_an_altered_model_is_refused(refused, done, files):
    done("fit", "events.csv", "--model", "popularity", "-o", "m")
    with (files / "m" / "arrays.safetensors").open("r+b") as file:
        file.truncate(50)
    assert "arrays.safetensors" in refused("recommend", "m", "--all")
