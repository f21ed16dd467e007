"""People with several ids: who is whom, and whom the table does not know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec import Dataset, Interactions
from hybridrec.dataset.links import UserLinks, with_links
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.errors import DataError

ROWS = pd.DataFrame(
    {
        "user": [1, 1, 2, 7, 9],
        "item": ["film1", "book1", "film2", "book2", "book3"],
        "domain": ["film", "book", "film", "book", "book"],
    }
)
BY_DOMAIN = pd.DataFrame(
    {
        "Domain": ["film", "film", "book", "book"],
        "user": [1, 2, 7, 8],
        "global id": ["ann", "bob", "ann", "eve"],
    }
)


@pytest.fixture
def rows():
    return Interactions.from_frame(ROWS, context=["domain"])


def people(rows):
    return list(zip(rows.users.ids[rows.user_codes], rows.items.ids[rows.item_codes], strict=True))


def test_ids_of_domains_become_people(rows):
    joined, report = UserLinks.from_frame(BY_DOMAIN).join(rows, "domain")
    assert people(joined) == [
        *(("ann", "film1"), ("book:1", "book1"), ("bob", "film2")),
        *(("ann", "book2"), ("book:9", "book3")),
    ]
    assert (report.linked, report.persons, report.unlinked, report.unused) == (3, 2, 2, 1)
    assert str(report).startswith("3 linked user ids are 2 people; 2 users are not linked, 1 ")
    assert people(rows)[0] == (1, "film1")


def test_numbers_stay_numbers_where_all_are_linked():
    links = BY_DOMAIN.assign(**{"global id": [10, 11, 10, 12]})
    rows = Interactions.from_frame(ROWS.iloc[[0, 2, 3]], context=["domain"])
    joined, _ = UserLinks.from_frame(links).join(rows, "domain")
    assert joined.users.ids.tolist() == [10, 11]


def test_pairs_are_joined_over_chains(rows):
    links = UserLinks.from_frame(pd.DataFrame({"a": [7, 2, 5], "b": [1, 9, 2]}))
    joined, report = links.join(rows)
    # 7 = 1, and 2 = 9 = 5; the first mentioned of each names the person
    assert [one for one, _ in people(joined)] == [7, 7, 2, 7, 2]
    assert (report.linked, report.persons, report.unlinked, report.unused) == (4, 2, 0, 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_who_is_linked_over_any_chain_is_one(pairs):
    links = UserLinks.from_frame(pd.DataFrame(pairs, columns=["a", "b"]))
    rows = Interactions.from_frame(pd.DataFrame({"user": range(10), "item": 0}))
    joined, _ = links.join(rows)
    reach = np.eye(10, dtype=bool)
    for one, other in pairs:
        reach[one, other] = reach[other, one] = True
    for _ in range(10):
        reach = reach @ reach
    person = joined.users.ids[joined.user_codes]
    np.testing.assert_array_equal(person[:, None] == person, reach)


def test_the_tables_of_a_dataset_follow(rows):
    users = pd.DataFrame({"user": [1, 7, 2], "age": [None, 30.0, 40.0], "city": ["A", "B", None]})
    items = pd.DataFrame({"item": ["film1", "film9"], "year": [1999, 2000]})
    data = Dataset.build(rows, item_table=items, user_table=users)
    pairs = UserLinks.from_frame(pd.DataFrame({"a": [1], "b": [7]}))
    joined, _ = with_links(data, pairs)
    table = joined.user_table.set_index(joined.users.ids)
    assert table.loc[1].tolist() == [30.0, "A"]
    assert 7 not in joined.users
    assert "film9" in joined.items
    assert len(joined.interactions) == len(rows)


def test_files_are_read(rows, tmp_path):
    BY_DOMAIN.to_csv(tmp_path / "links.csv", index=False)
    links = UserLinks.from_frame(open_file(tmp_path / "links.csv", "user links"))
    assert links.join(rows, "domain")[1].persons == 2


def test_ids_as_text_meet_numbers_in_the_table():
    rows = Interactions.from_frame(pd.DataFrame({"user": ["1", "b"], "item": [1, 2]}))
    joined, report = UserLinks.from_frame(pd.DataFrame({"a": [1], "b": [3]})).join(rows)
    assert (joined.users.ids.tolist(), report.unused) == (["1", "b"], 1)


def test_bad_links(rows):
    twice = pd.concat([BY_DOMAIN, BY_DOMAIN.iloc[:1].assign(**{"global id": "eve"})])
    with pytest.raises(DataError, match="user 1 of scenario 'film' is linked twice, to 'ann' and"):
        UserLinks.from_frame(twice)
    again = pd.concat([BY_DOMAIN, BY_DOMAIN.iloc[:1]])
    assert UserLinks.from_frame(again).join(rows, "domain")[1].unused == 1
    with pytest.raises(DataError, match="two columns of ids; there are 'Domain', 'user', 'x'"):
        UserLinks.from_frame(BY_DOMAIN.rename(columns={"global id": "x"}))
    with pytest.raises(DataError, match="one column of ids is text, the other integers"):
        UserLinks.from_frame(pd.DataFrame({"a": [1], "b": ["x"]}))
    with pytest.raises(DataError, match="name the column of the interactions"):
        UserLinks.from_frame(BY_DOMAIN).join(rows)
    with pytest.raises(DataError, match=r"is of scenario 'films'; did you mean 'film'"):
        UserLinks.from_frame(BY_DOMAIN.assign(Domain="films")).join(rows, "domain")
    with pytest.raises(DataError, match="none of the linked ids is a user here: they are 70"):
        UserLinks.from_frame(pd.DataFrame({"a": [70], "b": [80]})).join(rows)
    with pytest.raises(DataError, match="none of the linked ids"):
        UserLinks.from_frame(BY_DOMAIN.assign(user=range(50, 54))).join(rows, "domain")
    with pytest.raises(DataError, match="id missing"):
        UserLinks.from_frame(pd.DataFrame({"a": ["x", None], "b": ["y", "z"]}))
