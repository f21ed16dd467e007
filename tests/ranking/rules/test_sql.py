"""Conditions as SQL text, and what a hostile one cannot do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError
from hybridrec.ranking.rules import Rules, sql

ITEMS = IdMap(["a", "b", "c", "d"], "item")


@pytest.fixture
def table():
    genres = [["drama", "war"], ["drama"], None, []]
    return pd.DataFrame(
        {
            "year": [1990.0, 2000.0, np.nan, 2010.0],
            "title": ["x", None, "it's", "y"],
            "genre": pd.Series(genres, dtype=object),
            "free": pd.Series([True, None, False, True], dtype=object),
            "released": pd.to_datetime(["1990-05-01", None, None, "2010-01-01"]),
            "Year": [1, 2, 3, 4],
        }
    )


def passing(table, **rules):
    return "".join(ITEMS.ids[Rules(**rules).compile(ITEMS, table).allowed])


class TestWhere:
    @pytest.mark.parametrize(
        ("where", "items"),
        [
            ("year >= 2000", "bd"),
            ("year < 2000 or title = 'y'", "ad"),
            ("title = 'it''s'", "c"),
            ("list_contains(genre, 'drama')", "ab"),
            ("len(genre) = 0", "d"),
            ("free", "ad"),
            ("released >= DATE '2000-01-01'", "d"),
            ("released >= '2000-01-01'", "d"),
            ("year(released) = 1990", "a"),
            ("true", "abcd"),
            ("year > 1995 -- and no more", "bd"),
            ("\nyear\n>\n1995\n", "bd"),
            ("year = (select max(year) from item)", "d"),
            ("YEAR > 1995", "bd"),
        ],
    )
    def test_conditions(self, table, where, items):
        assert passing(table, where=where) == items

    @pytest.mark.parametrize(
        ("where", "items"),
        [
            ("year <> 1990", "bd"),
            ("not (year = 1990)", "bd"),
            ("not free", "c"),
            ("year is null", "c"),
            ("coalesce(year, 0) <> 1990", "bcd"),
            ("year = null", ""),
            ("null", ""),
        ],
    )
    def test_what_is_unknown_does_not_pass(self, table, where, items):
        assert passing(table, where=where) == items

    def test_all_rules_must_hold(self, table):
        assert passing(table, where="year >= 1990", allow=["a", "b", "c"], deny=["a"]) == "b"

    def test_rows_of_any_index(self, table):
        table.index = [9, 9, 1, 0]
        assert passing(table, where="year >= 2000") == "bd"

    def test_the_table_is_not_changed(self, table):
        before = table.copy(deep=True)
        passing(table, where="year >= 2000")
        pd.testing.assert_frame_equal(table, before)

    def test_types_that_only_late_rows_show(self):
        n = 5000
        genre, free = (np.empty(n, dtype=object) for _ in range(2))
        genre[:] = [[] for _ in range(n)]
        genre[n - 2], free[n - 3] = ["drama"], True
        items, table = IdMap(np.arange(n)), pd.DataFrame({"genre": genre, "free": free})
        where = "list_contains(genre, 'drama') or free"
        assert np.flatnonzero(Rules(where=where).compile(items, table).allowed).tolist() == [
            n - 3,
            n - 2,
        ]

    def test_several_conditions_all_hold(self, table):
        assert passing(table, where=["year >= 1990", "title = 'y'"]) == "d"
        assert passing(table, where=["true", "true"]) == "abcd"
        with pytest.raises(ParameterError, match="'yaer > 1' cannot be evaluated"):
            passing(table, where=["year >= 1990", "yaer > 1"])

    def test_columns_that_are_no_utf8(self, table):
        table["title"] = pd.Series(["\ud800"] * 4, dtype=object)
        assert passing(table, where="year > 1995") == "bd"
        with pytest.raises(ParameterError, match="cannot be evaluated"):
            passing(table, where="title = 'x'")

    def test_needs_a_table(self):
        with pytest.raises(ParameterError, match="needs an item table"):
            passing(None, where="year > 1")
        with pytest.raises(ParameterError, match="needs an item table"):
            passing(pd.DataFrame(index=range(4)), where="year > 1")

    def test_message_names_the_condition_the_reason_and_the_columns(self, table):
        with pytest.raises(ParameterError, match=r"'yaer > 1' .*yaer.* \(columns: 'year', 'title'"):
            passing(table, where="yaer > 1")


SECRET = "secret,1\n"


class TestHostileWhere:
    @pytest.mark.parametrize(
        "where",
        [
            "",
            ")",
            "year >",
            "year > 1)",
            "(year > 1",
            "year",
            "title",
            "'text'",
            "year > 1 /* open",
            "year = ?",
            "year = $1",
            "true; select true",
            "true; drop table item",
            "true), false); drop table item; select ((true",
            "true), false) union all select rowid from item where coalesce((true",
            "drop table item",
            "insert into item select * from item",
            "year > 1 order by year",
            "year > 1 limit 1",
            "count(*) > 1",
            "max(year) > 1",
            "row_number() over () = 1",
            "unnest([1, 2]) = 1",
            "unnest(genre) = 'drama'",
            "title = '\ud800'",
            "no_such_function(year)",
            "load_extension('httpfs')",
            "install httpfs",
        ],
    )
    def test_is_no_condition_on_one_item(self, table, where):
        try:
            mask = Rules(where=where).compile(ITEMS, table).allowed
        except ParameterError:
            return
        assert "union" in where, "must be refused"
        assert mask.shape == (4,), "a union may at worst choose items, as any condition may"

    @pytest.mark.parametrize(
        "where",
        [
            "(select count(*) from read_csv('{file}')) > 0",
            "(select count(*) from read_text('{file}')) > 0",
            "(select count(*) from read_blob('{file}')) > 0",
            "(select count(*) from glob('{folder}/*')) > 0",
            "exists (from '{file}')",
            "exists (from read_csv('https://localhost/x.csv'))",
            "true; copy item to '{folder}/out.csv'",
            "true; attach '{folder}/out.db'",
            "true; set enable_external_access = true",
            "(select 1 from query('copy item to ''{folder}/out.csv''')) = 1",
            "getenv('HOME') <> ''",
        ],
    )
    def test_reaches_no_file(self, table, tmp_path, where):
        file = tmp_path / "secret.csv"
        file.write_text(SECRET)
        with pytest.raises(ParameterError):
            passing(table, where=where.format(file=file, folder=tmp_path))
        assert [one.name for one in tmp_path.iterdir()] == ["secret.csv"]
        assert file.read_text() == SECRET

    @pytest.mark.parametrize("name", ["rows", "table", "hidden", "items", "GLOBAL"])
    def test_reaches_no_variable(self, table, name):
        hidden = pd.DataFrame({"password": ["x"]})
        assert len(hidden) == 1
        with pytest.raises(ParameterError, match="cannot be evaluated"):
            passing(table, where=f"exists (from {name})")


GLOBAL = pd.DataFrame({"password": ["x"]})


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("year >= 1990", ["year"]),
        ('YEAR >= 1990 AND "odd ""name" = \'x\'', ["year", 'odd "name']),
        ("item.year >= 1990", ["year", 'odd "name', "title"]),
        ("columns('y.*') >= 1990", ["year", 'odd "name', "title"]),
        ("#1 >= 1990", ["year", 'odd "name', "title"]),
        ("true", ["year", 'odd "name', "title"]),
    ],
)
def test_no_more_columns_are_copied_than_a_condition_can_read(condition, columns, monkeypatch):
    table = pd.DataFrame({"year": [1990, 2000], 'odd "name': ["x", "x"], "title": ["a", "b"]})
    copied = []

    def noting(table):
        copied.append(list(table.columns))
        return database(table)

    database = sql._database
    monkeypatch.setattr(sql, "_database", noting)
    (found,) = sql.passing([condition], table)
    assert copied == [columns]
    assert found.all()
