from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.service.search import SearchIndex, words_of

TITLES = ["Toy Story", "Amélie (Le fabuleux destin)", "STORY of O", "Ünder-story", "История", ""]


@pytest.fixture(scope="module")
def index():
    return SearchIndex(TITLES, np.array([3, 9, 5, 1, 2, 7]))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("story", [2, 0, 3]),  # by importance
        ("STO toy", [0]),  # every word, in any order
        ("amelie", [1]),  # without accents, on either side
        ("AMÉLIE le", [1]),
        ("under", [3]),
        ("ист", [4]),
        ("tory", []),  # only the beginnings of words
        ("story zzz", []),
        (".*", [1, 5, 2, 0, 4, 3]),  # no pattern: nothing but marks, like an empty query
        ("(fab", [1]),
        ("", [1, 5, 2, 0, 4, 3]),
    ],
)
def test_words_are_found_by_their_beginnings(index, query, found):
    assert index.find(query, 10).tolist() == found


def test_the_most_important_come_first_and_no_more_than_asked_for(index):
    assert index.find("s", 2).tolist() == [2, 0]
    assert index.find("", 0).tolist() == []


def test_words_have_no_case_accents_or_marks():
    assert words_of("L'Été  à PARIS-2: Straße\x00ﬁn") == [
        *("l", "ete", "a", "paris", "2", "strasse", "fin"),
    ]


@given(st.lists(st.text(), min_size=1, max_size=20), st.text())
def test_it_finds_what_a_plain_search_finds(texts, query):
    index = SearchIndex(texts, np.zeros(len(texts)))
    wanted = words_of(query)[:8]
    expected = [
        number
        for number, text in enumerate(texts)
        if all(any(word.startswith(one) for word in words_of(text)) for one in wanted)
    ]
    assert index.find(query, len(texts)).tolist() == expected


@given(st.lists(st.text(min_size=1), min_size=1, max_size=10))
def test_every_text_is_found_by_its_own_words(texts):
    index = SearchIndex(texts, np.arange(len(texts)))
    for number, text in enumerate(texts):
        assert number in index.find(text, len(texts))


def test_the_end_of_a_long_query_is_not_looked_at(index):
    found = index.find("s", 9).tolist()
    assert index.find("s" + " " * 300 + "zzz", 9).tolist() == found != []
