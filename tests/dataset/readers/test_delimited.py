from __future__ import annotations

import csv
import io
import json
import math
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.readers import read_interactions, read_items
from hybridrec.errors import DataError, ParameterError

HEAD = "user,item,weight\n"

# Any text that UTF-8 holds, with what delimited files stumble over made likely. The letter in
# front keeps it from looking like a number or a missing value.
TEXTS = st.text(
    st.one_of(
        st.sampled_from(list("\"',;|\t\n\r \\#é語")),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=6,
).map(lambda text: "x" + text)
IDS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=3),
    st.lists(TEXTS, min_size=1, max_size=3),
)


@st.composite
def tables(draw) -> pd.DataFrame:
    users, items = draw(IDS), draw(IDS)
    rows = draw(st.integers(1, 12))

    def column(values):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    return pd.DataFrame(
        {
            "user": column(st.sampled_from(users)),
            "item": column(st.sampled_from(items)),
            "weight": column(st.floats(0, 1e6, width=32)),
            "time": column(st.integers(1, 10**10)),
            "note": column(TEXTS),
        },
        dtype=object,
    )


def write_delimited(table: pd.DataFrame, path: Path, **dialect) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, **dialect)
    writer.writerow(table.columns)
    writer.writerows(table.itertuples(index=False))
    path.write_bytes(text.getvalue().encode())


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    table.infer_objects().to_parquet(path, index=False)


def write_json_lines(table: pd.DataFrame, path: Path) -> None:
    path.write_text(
        "".join(json.dumps(row) + "\n" for row in table.to_dict("records")), encoding="utf-8"
    )


WRITERS = {
    "csv": lambda table, path: write_delimited(table, path, lineterminator="\n"),
    "csv-crlf": lambda table, path: write_delimited(table, path, lineterminator="\r\n"),
    "tsv": lambda table, path: write_delimited(table, path, delimiter="\t", lineterminator="\n"),
    "ssv": lambda table, path: write_delimited(table, path, delimiter=";", lineterminator="\n"),
    "parquet": write_parquet,
    "jsonl": write_json_lines,
}


@pytest.mark.parametrize("form", WRITERS)
@given(table=tables())
@settings(max_examples=20, deadline=None)
def test_what_is_written_is_read_back(form, table):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table.{form}"
        WRITERS[form](table, path)
        read = read_interactions(path, context=["note"])
    assert read.users.ids[read.user_codes].tolist() == table["user"].tolist()
    assert read.items.ids[read.item_codes].tolist() == table["item"].tolist()
    assert read.weights.tolist() == table["weight"].tolist()
    assert read.timestamps.tolist() == table["time"].tolist()
    assert read.context["note"].tolist() == table["note"].tolist()
    assert read.users.ids.tolist() == sorted(set(table["user"]))
    assert read.user_codes.dtype == read.item_codes.dtype == np.int32
    assert read.weights.dtype == np.float32


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz", "r.data", "r"])
def test_content_counts_not_the_name(save, name):
    read = read_interactions(save(name, HEAD + "b,x,2\na,y,3\n"))
    assert read.users.ids.tolist() == ["a", "b"]
    assert read.to_frame()["item"].tolist() == ["x", "y"]
    assert read.weights.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + HEAD + "1,2,3\n4,5,6\n",
        (HEAD + "1,2,3\n4,5,6\n").replace("\n", "\r\n"),
        HEAD + "1,2,3\n4,5,6",
        HEAD + "1,2,3\n\n\n4,5,6\n\n",
        '"user","item","weight"\n"1","2","3"\n"4","5","6"\n',
        "user , item,weight \n1,2,3\n4,5,6\n",
        "user;item;weight\n1;2;3\n4;5;6\n",
        "user|item|weight\n1|2|3\n4|5|6\n",
        "user\titem\tweight\n1\t2\t3\n4\t5\t6\n",
    ],
)
def test_spellings_of_the_same_table(save, content):
    read = read_interactions(save("r.csv", content))
    assert read.users.ids.tolist() == [1, 4]
    assert read.items.ids.tolist() == [2, 5]
    assert read.weights.tolist() == [3, 6]


def test_delimiter_and_columns_can_be_named(save):
    path = save("r.csv", "who:what:kind:n\n1:a:buy:2\n2:b:view:4\n")
    read = read_interactions(
        path, user="who", item="what", weight="n", event="kind", delimiter=":",
        event_weights={"buy": 5, "view": 0.5}, context=["n"],
    )  # fmt: skip
    assert read.weights.tolist() == [10, 2]
    assert read.context["kind"].tolist() == ["buy", "view"]
    assert read.context["n"].tolist() == [2, 4]
    tabbed = save("t.csv", "user\titem,x\n1\t2\n")
    assert read_interactions(tabbed, item="item,x", delimiter="\\t").items.ids.tolist() == [2]
    with pytest.raises(ParameterError, match="delimiter must be one character, got '::'"):
        read_interactions(path, delimiter="::")


@pytest.mark.parametrize(
    ("texts", "ids"),
    [
        (["10", "9", "-1", "0"], [-1, 0, 9, 10]),
        (["10", "007"], ["007", "10"]),
        (["10", "+9"], ["+9", "10"]),
        (["10", "9.0"], ["10", "9.0"]),
        (["10", "1e3"], ["10", "1e3"]),
        (["10", "a"], ["10", "a"]),
        (["10", "9223372036854775808"], ["10", "9223372036854775808"]),
        (["nan", "NULL"], ["NULL", "nan"]),
        (["Zoé", "Ångström", "a", "B", "語"], ["B", "Zoé", "a", "Ångström", "語"]),
    ],
)
def test_ids_are_integers_only_if_written_as_integers(save, texts, ids):
    read = read_interactions(save("r.csv", "user,item\n" + "".join(f"{t},1\n" for t in texts)))
    assert read.users.ids.tolist() == ids
    assert read.users.ids[read.user_codes].astype(str).tolist() == texts


def test_columns_of_a_table_are_numbers_where_all_values_are(save):
    path = save(
        "items.csv",
        "item,title,year,score,zip,gap\n2,Heat,1995,1.5,01234,1\n1,,1994,2,99999,\n",
    )
    table = read_items(path)
    assert table["item"].tolist() == [2, 1]
    assert table["title"].isna().tolist() == [False, True]
    assert table["year"].dtype == np.int64
    assert table["score"].tolist() == [1.5, 2.0]
    assert table["zip"].tolist() == ["01234", "99999"]
    assert table["gap"].iloc[0] == 1
    assert math.isnan(table["gap"].iloc[1])


def test_lines_are_counted_as_an_editor_does(save):
    start = 'user,item,"we\night"\n"a\nb",1,1\n\n"c",2,2\n'
    with pytest.raises(DataError, match=r"r\.csv:7: too few fields, 3 expected: 'd,3'"):
        read_interactions(save("r.csv", start + "d,3\n"))
    with pytest.raises(DataError, match=r"r\.csv:7: item id missing: 'd,,\"x\\ny\"'"):
        read_interactions(save("r.csv", start + 'd,,"x\ny"\n'))
    with pytest.raises(DataError, match=r"r\.csv\.gz:7: item id missing"):
        read_interactions(save("r.csv.gz", (start + "d,,1\n").replace("\n", "\r\n")))


@given(table=tables(), row=st.integers(0, 11))
@settings(max_examples=25, deadline=None)
def test_the_line_of_a_bad_row_is_right_whatever_stands_before_it(table, row):
    row %= len(table)
    table["user"] = table["user"].astype(str)
    table.loc[row, "user"] = ""
    table["weight"] = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.csv"
        write_delimited(table, path, lineterminator="\n")
        write_delimited(table[:row], before := Path(folder) / "before.csv", lineterminator="\n")
        line = before.read_bytes().count(b"\n") + 1
        with pytest.raises(DataError, match=rf"r\.csv:{line}: user id missing: "):
            read_interactions(path)


def test_lines_that_end_in_a_carriage_return(save):
    assert len(read_interactions(save("r.csv", "user,item\r1,2\r3,4\r"))) == 2
    with pytest.raises(DataError, match=r"r\.csv: user id missing: rows 1 \(rows count from 0\)"):
        read_interactions(save("r.csv", "user,item\r1,2\r,4\r"))


BAD = {
    "too few fields": ("1,2,3\n4,5\n", r"r\.csv:3: too few fields, 3 expected: '4,5'$"),
    "too many fields": ("1,2,3\n4,5,6,7\n", r"r\.csv:3: too many fields, 3 expected: '4,5,6,7'$"),
    "open quote": ('"1,2,3\n4,5,6\n', r"r\.csv:2: a quote is not closed"),
    "text after quote": ('"1"x,2,3\n', r"r\.csv:2: a quote is not closed, or not at the end"),
    "no number": ("1,2,3\n1,3,many\n", r"r\.csv:3: column 'weight' holds no number: '1,3,many'$"),
    "no weight": ("1,2,3\n1,3,\n", r"r\.csv:3: column 'weight': weights must be finite"),
    "NaN": ("1,2,NaN\n", r"r\.csv:2: column 'weight': weights must be finite and at least 0"),
    "infinite": ("1,2,inf\n", r"r\.csv:2: column 'weight': weights must be finite"),
    "too large": ("1,2,1e99\n", r"r\.csv:2: column 'weight': weights must be finite"),
    "negative": ("1,2,3\n1,3,-0.5\n", r"r\.csv:3: .*at least 0: '1,3,-0\.5'$"),
    "no user": (",2,3\n", r"r\.csv:2: user id missing: ',2,3'$"),
    "quoted nothing": ('1,"",3\n', r"r\.csv:2: item id missing: '1,\"\",3'$"),
    "no rows": ("", r"r\.csv has no rows below the column names"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_named(save, case):
    rows, message = BAD[case]
    with pytest.raises(DataError, match=message):
        read_interactions(save("r.csv", HEAD + rows))


def test_the_first_five_bad_rows_are_shown_and_all_are_counted(save):
    rows = "".join(f"{user},1,{'x' if user % 3 else 1}\n" for user in range(30))
    with pytest.raises(DataError) as caught:
        read_interactions(save("r.csv", HEAD + rows))
    first, *shown, last = str(caught.value).splitlines()
    assert first.endswith("r.csv: column 'weight' holds no number (20 rows)")
    assert [line.rsplit(":", 2)[1:] for line in shown] == [
        [str(user + 2), f" '{user},1,x'"] for user in (1, 2, 4, 5, 7)
    ]
    assert last == "  and 15 more"


def test_lines_bad_in_different_ways_are_listed_with_their_problem(save):
    rows = "1,2,3\n" * 4 + "1,2\n" + "1,2,3,4\n" + "5,6\n" * 6
    with pytest.raises(DataError) as caught:
        read_interactions(save("r.csv", HEAD + rows))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("r.csv: 8 bad rows")
    assert "r.csv:6: too few fields, 3 expected: '1,2'" in lines[1]
    assert "r.csv:7: too many fields, 3 expected: '1,2,3,4'" in lines[2]
    assert lines[-1] == "  and 3 more"


def test_long_lines_are_cut_in_messages(save):
    with pytest.raises(DataError) as caught:
        read_interactions(save("r.csv", HEAD + "1," + "y" * 5000 + "\n"))
    assert len(str(caught.value)) < 400
    assert "yyy...'" in str(caught.value)


def test_wrong_encoding_says_how_to_convert(save):
    latin = (HEAD + "1,café,3\n").encode("latin-1")
    with pytest.raises(DataError, match=r"r\.csv:2: not UTF-8 text; convert .*iconv.*'1,caf.,3'"):
        read_interactions(save("r.csv", latin))
    late = (HEAD + "1,2,3\n" * 200_000 + "1,café,3\n").encode("latin-1")
    with pytest.raises(DataError, match=r"r\.csv:200002: not UTF-8 text; convert .*iconv"):
        read_interactions(save("r.csv", late))
    with pytest.raises(DataError, match="UTF-16 text; convert it: iconv -f UTF-16"):
        read_interactions(save("r.csv", HEAD.encode("utf-16")))


def test_mixed_line_ends_are_read_or_named(save):
    """DuckDB before 2.0 takes them."""
    path = save("r.csv", HEAD + "1,2,3\r\n4,5,6\n")
    if duckdb.__version__ < "2":
        assert read_interactions(path).weights.tolist() == [3, 6]
    else:
        with pytest.raises(DataError, match=r"mixes line ends \(CRLF and LF\)"):
            read_interactions(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user,item,item\n1,2,3\n", r"r\.csv:1: repeated column names: 'item'"),
        ("1,2,3.5\n4,5,6\n", r"r\.csv:1: the first line must hold the column names, not numbers"),
        (",,\n1,2,3\n", r"r\.csv:1: the first line must hold the column names, it is empty"),
        ("\nuser,item\n1,2\n", r"r\.csv:1: the first line must hold the column names"),
        ('"user,item\n' + "1,2\n" * 99_999, r"r\.csv:1: no column names can be read: field larger"),
        ("usr,itm\n1,2\n", r"r\.csv: no column looks like the user \(columns: 'usr', 'itm'\)"),
        ("uid,name\n1,2\n", r"r\.csv: no column looks like the item"),
    ],
)
def test_bad_headers(save, content, message):
    with pytest.raises(DataError, match=message):
        read_interactions(save("r.csv", content))


def test_a_missing_column_gets_a_suggestion(save):
    path = save("r.csv", HEAD + "1,2,3\n")
    with pytest.raises(
        DataError, match=r"no column 'wieght' for the weight; did you mean 'weight'"
    ):
        read_interactions(path, weight="wieght")
    with pytest.raises(DataError, match="no column 'device' for the context"):
        read_interactions(path, context=["device"])


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["1500000000", "1500000000000"], r"mixes units of time.*convert"),
        (["2020-01-01", "2020-13-01"], r"r\.csv:3: column 'time' holds no time that can be read"),
        (["5", "6", "soon"], r"r\.csv:4: column 'time' holds no time: '1,2,soon'"),
        (["5", ""], r"r\.csv:3: column 'time' holds no time: '1,2,'"),
        (["2020-01-01", ""], r"r\.csv:3: column 'time' holds no time that can be read"),
    ],
)
def test_bad_times(save, times, message):
    content = "user,item,time\n" + "".join(f"1,2,{time}\n" for time in times)
    with pytest.raises(DataError, match=message):
        read_interactions(save("r.csv", content))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2020-01-01", 1577836800.0),
        ("2020-01-01T00:00:00Z", 1577836800.0),
        ("2020-01-01 01:00:00.25+01:00", 1577836800.25),
        ("1577836800", 1577836800.0),
        ("1577836800.5", 1577836800.5),
        ("1577836800000", 1577836800.0),
    ],
)
def test_times_in_any_usual_form(save, text, seconds):
    read = read_interactions(save("r.csv", f"user,item,ts\n1,2,{text}\n1,3,{text}\n"))
    assert read.timestamps.tolist() == [seconds, seconds]


def test_a_name_with_glob_signs_is_that_file_alone(save):
    save("r1.csv", HEAD + "1,2,3\n4,5,6\n")
    starred = save("r[1].csv", HEAD + "7,8,9\n")
    assert read_interactions(starred).users.ids.tolist() == [7]


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path):
    folder = tmp_path / "user=9"
    folder.mkdir()
    (folder / "it's.csv").write_text(HEAD + "7,8,9\n")
    assert read_interactions(folder / "it's.csv").users.ids.tolist() == [7]
