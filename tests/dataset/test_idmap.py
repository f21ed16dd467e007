from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.errors import DataError, ParameterError, UnknownIdError

ID_LISTS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1)),
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3), min_size=1
    ),
)


@given(ID_LISTS)
def test_codes_and_ids_are_inverse(values):
    ids, codes = IdMap.from_values(values, "user")
    assert ids.ids.tolist() == sorted(set(values))
    assert ids.ids[codes].tolist() == values
    assert codes.dtype == np.int32
    np.testing.assert_array_equal(ids.codes(values), codes)
    assert ids == IdMap(sorted(set(values)), "other name")
    assert len(ids) == len(set(values))
    assert all(one in ids for one in values)


@given(
    st.lists(st.integers(0, 30), unique=True, min_size=1),
    st.lists(st.one_of(st.integers(-3, 40), st.sampled_from([-(2**63), 2**63 - 1]))),
)
def test_numbers_are_looked_up_like_texts(ids, wanted):
    numbers, texts = IdMap(ids), IdMap([str(one) for one in ids])
    expected = texts.codes([str(one) for one in wanted], unknown="skip")
    codes = numbers.codes(wanted, unknown="skip")
    assert codes.tolist() == expected.tolist()
    assert codes.dtype == np.int32


@given(st.one_of(ID_LISTS, st.lists(st.integers(0, 20), min_size=10)))
def test_a_covering_map_has_all_ids_in_order(values):
    ids, codes = IdMap.covering(values, "user")
    assert ids.ids[codes].tolist() == values
    assert ids.ids.tolist() == sorted(set(ids.ids.tolist()))
    assert ids.name == "user"
    assert len(ids) <= max(len(values), 1)


def test_small_numbers_are_their_own_codes():
    ids, codes = IdMap.covering([4, 0, 2, 4, 4])
    assert ids.ids.tolist() == [0, 1, 2, 3, 4]
    assert codes.tolist() == [4, 0, 2, 4, 4]
    ids, codes = IdMap.covering([4, 0, 2])
    assert ids.ids.tolist() == [0, 2, 4]
    assert codes.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        (np.array([1, 2], dtype=np.uint8), [1, 2]),
        (np.array([1.0, 2.0]), [1, 2]),
        (np.array([1, np.int32(2)], dtype=object), [1, 2]),
        (np.array([1.0, 2.0], dtype=object), [1, 2]),
        (np.array(["a", "b"]), ["a", "b"]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
        (pd.Series([1, 2], dtype="Int64"), [1, 2]),
        ([], []),
    ],
)
def test_ids_of_any_type(values, ids):
    found = as_ids(values)
    assert found.tolist() == ids
    assert found.dtype in (np.int64, object)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, None], r"user id missing: rows 1"),
        (["a", float("nan")], r"user id missing: rows 1"),
        (pd.Series([1, None], dtype="Int64"), r"user id.*: rows 1"),
        (np.array([1.0, np.nan, 2.5]), r"must be integers or text: rows 1, 2 hold nan, 2\.5"),
        ([1.0, 1e300], r"must be integers or text: rows 1 hold 1e\+300"),
        ([1, "a"], r"all integers or all text, got mixed-integer: 1, 'a'; convert the column"),
        (np.array([True, False]), "must be integers or text, got bool"),
        (
            np.array([2**64 - 1, 1], dtype=np.uint64),
            r"ids above 2\^63 do not fit; give them as text",
        ),
        ([2**70, 1], r"ids above 2\^63 do not fit; give them as text"),
        ([[1, 2]], "must be one-dimensional"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "must be integers or text, got datetime"),
    ],
)
def test_bad_ids(values, message):
    with pytest.raises(DataError, match=message):
        as_ids(values, "user")


def test_repeated_ids():
    with pytest.raises(DataError, match=r"duplicate item ids 'b', 'a': rows 0, 1, 2, 4"):
        IdMap(["b", "a", "b", "c", "a"], "item")


def test_unknown_ids_are_named_with_a_suggestion():
    ids = IdMap(["alice", "bob"], "user")
    with pytest.raises(UnknownIdError, match="unknown user id 'alise'; did you mean 'alice'"):
        ids.codes(["bob", "alise", "alise"])
    with pytest.raises(UnknownIdError, match=r"unknown user ids 'p', 'q', 'r', 's', 't' and 2 mo"):
        ids.codes(list("pqrstuv"))
    with pytest.raises(UnknownIdError, match=r"unknown user id 7 \(ids here are text, like 'ali"):
        ids.codes([7])
    assert ids.codes(["bob", "eve"], unknown="skip").tolist() == [1, -1]
    assert ids.codes([7, 8], unknown="skip").tolist() == [-1, -1]
    assert ids.codes([]).tolist() == []
    with pytest.raises(ParameterError, match="unknown must be 'raise' or 'skip', got 'ignore'"):
        ids.codes(["bob"], unknown="ignore")


def test_texts_become_ids_of_the_type_of_the_map():
    assert IdMap([1, 2]).parse(["2", "77"]).tolist() == [2, 77]
    assert IdMap(["1", "x"]).parse(["2"]).tolist() == ["2"]
    for wrong in ("x", "²", "9" * 30):
        with pytest.raises(UnknownIdError, match=f"unknown user '{wrong}': ids here are integers"):
            IdMap([1, 2], "user").parse(["1", wrong])


def test_new_ids_come_after_the_present_ones():
    ids = IdMap([5, 3])
    longer = ids.extend([9, 3, 1, 9])
    assert longer.ids.tolist() == [5, 3, 9, 1]
    assert ids.ids.tolist() == [5, 3]
    assert ids.extend([3]) is ids
    assert ids.extend([]) is ids
    assert IdMap([]).extend(["a"]).ids.tolist() == ["a"]
    with pytest.raises(DataError, match="ids are integers here, cannot add 'a'"):
        ids.extend(["a"])


@given(st.lists(st.text(max_size=3), unique=True, min_size=1), st.randoms())
def test_the_order_of_ties_depends_on_the_ids_alone(ids, random):
    order = IdMap(ids).tie_order
    assert sorted(order.tolist()) == list(range(len(ids)))
    shuffled = random.sample(ids, len(ids))
    by_rank = [ids[code] for code in np.argsort(order)]
    assert [shuffled[code] for code in np.argsort(IdMap(shuffled).tie_order)] == by_rank
    fewer = ids[: len(ids) // 2]
    assert [fewer[code] for code in np.argsort(IdMap(fewer).tie_order)] == [
        one for one in by_rank if one in fewer
    ]
