from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, UnknownIdError
from hybridrec.evaluation.runs import lists_of_run
from hybridrec.evaluation.splits import Split


@pytest.fixture
def split() -> Split:
    """User 1 knows a, is tested on b; user 2 knows b, is tested on c; user 3 is not tested."""
    rows = Interactions.from_frame(
        pd.DataFrame({"user": [1, 1, 2, 2, 3, 3], "item": list("abbcda")})
    )
    return Split("mine", {}, Dataset.build(rows.take([0, 2, 4, 5])), rows.take([1, 3]))


def run(rows: list[tuple], order: str = "score") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user", "item", order])


def ids(lists: np.ndarray, split: Split) -> list[list[str]]:
    return [[split.train.items.ids[code] for code in row if code >= 0] for row in lists]


def test_highest_score_first(split):
    lists, notes = lists_of_run(
        run([(1, "b", 0.1), (1, "c", 0.7), (2, "a", -1), (1, "d", 0.3)]), split, 3
    )
    assert ids(lists, split) == [["c", "d", "b"], ["a"]]
    assert lists.tolist()[1][1:] == [-1, -1]
    assert notes == ()


def test_rank_goes_before_score(split):
    frame = run([(1, "b", 2), (1, "c", 1), (2, "a", 0)], "rank").assign(score=[9.0, 1.0, 1.0])
    assert ids(lists_of_run(frame, split, 3)[0], split) == [["c", "b"], ["a"]]


def test_equal_scores_follow_the_hash_of_the_item(split):
    frame = run([(1, item, 1.0) for item in ("b", "c", "d", "new")])
    lists, _ = lists_of_run(frame, split, 4)
    known = [code for code in lists[0] if code < 4]
    assert known == sorted(known, key=lambda code: split.train.items.tie_order[code])
    reverse, _ = lists_of_run(frame[::-1], split, 4)
    assert reverse.tolist() == lists.tolist()


def test_ties_are_reported(split):
    rows = [
        (1, "c", 1.0),
        (1, "d", 1.0),
        (1, "b", 0.5),
        (2, "a", 1.0),
        (2, "c", 0.5),
        (2, "d", 0.5),
    ]
    for width, share in ((1, "50.0%"), (2, "100.0%")):
        _, (note,) = lists_of_run(run(rows), split, width)
        assert note.startswith(f"{share} of lists rest on the order of equal scores")
    scores = [score - row / 100 for row, (*_, score) in enumerate(rows)]
    assert lists_of_run(run(rows).assign(score=scores), split, 2)[1] == ()


def test_rows_in_any_order(split):
    frame = run([(1, "b", 0.1), (1, "c", 0.7), (1, "d", 0.3), (2, "a", 0.2), (2, "d", 0.4)])
    expected, _ = lists_of_run(frame, split, 2)
    for order in ([3, 4, 0, 1, 2], [0, 3, 1, 4, 2]):
        assert lists_of_run(frame.iloc[order], split, 2)[0].tolist() == expected.tolist()


@settings(deadline=None, max_examples=40)
@given(
    rows=st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 12)),
        st.sampled_from([-np.inf, 0.0, 1.0, 2.0]),
        max_size=40,
    ),
    order=st.randoms(),
    num_threads=st.sampled_from([1, 2]),
)
def test_numbers_and_texts_give_the_same(rows, order, num_threads):
    """Numbers from 0 up are coded in a way of their own; the items 10 and 12 are unknown."""
    known = pd.DataFrame({"user": np.arange(6), "item": [9, 7, 5, 3, 1, 11]})
    held = pd.DataFrame({"user": [0, 2, 3, 5], "item": [0, 4, 6, 8]})
    rows[0, 7] = 1.0  # at least one item is known
    shuffled = order.sample(sorted(rows), len(rows))
    frame = run([(*pair, rows[pair]) for pair in shuffled])
    found = []
    for kind in (int, str):
        both = pd.concat([known, held]).astype({"user": kind, "item": kind})
        data = Interactions.from_frame(both)
        made = Split("", {}, Dataset.build(data.take(np.arange(6))), data.take(np.arange(6, 10)))
        source = frame.astype({"user": kind, "item": kind})
        lists, notes = lists_of_run(source, made, 3, num_threads=num_threads)
        names = np.append(made.train.items.ids.astype(int), [-1])
        unknown = lists >= len(made.train.items)
        listed = np.where(unknown, 99, names[np.where(unknown, -1, lists)])
        found.append((listed.tolist(), [note.split(":")[0] for note in notes]))
    assert found[0] == found[1]


def test_seen_items_are_removed_before_ranking(split):
    lists, notes = lists_of_run(run([(1, "a", 9.0), (1, "b", 1.0)]), split, 1)
    assert ids(lists, split) == [["b"], []]
    assert notes == ("1 rows removed: the user is known to have the item",)


def test_items_that_are_no_candidates_are_removed(split):
    narrow = Split(
        "mine", {}, split.train, split.test, candidates=np.array([False, True, True, False])
    )
    lists, notes = lists_of_run(run([(1, "d", 9.0), (1, "b", 1.0)]), narrow, 1)
    assert ids(lists, split) == [["b"], []]
    assert notes == ("1 rows removed: the item is no candidate of the split",)


def test_unknown_items_take_a_place_and_are_reported(split):
    lists, notes = lists_of_run(run([(1, "x", 9.0), (1, "b", 1.0), (1, "y", 0.5)]), split, 2)
    assert lists[0].tolist()[1] == 1
    assert lists[0, 0] >= len(split.train.items)
    assert len(notes) == 1
    assert notes[0].startswith("2 rows name unknown items")
    assert "'x', 'y'" in notes[0]


def test_minus_infinity_is_not_recommended(split):
    lists, _ = lists_of_run(run([(1, "c", -np.inf), (1, "b", 1.0)]), split, 2)
    assert ids(lists, split) == [["b"], []]


def test_users_who_are_not_tested_are_passed_over(split):
    lists, notes = lists_of_run(run([(3, "b", 1.0), (1, "b", 1.0)]), split, 2)
    assert ids(lists, split) == [["b"], []]
    assert notes == ()


def test_a_run_without_rows(split):
    lists, notes = lists_of_run(run([]), split, 2)
    assert (lists == -1).all()
    assert notes == ()


def test_polars_gives_the_same(split):
    frame = run([(1, "b", 0.1), (1, "c", 0.7), (2, "a", 0.2)])
    expected, _ = lists_of_run(frame, split, 3)
    lists, _ = lists_of_run(pl.DataFrame(frame.to_dict("list")), split, 3)
    assert lists.tolist() == expected.tolist()


def test_the_run_is_not_changed(split):
    frame = run([(1, "b", 0.1), (1, "a", 0.7)])
    before = frame.copy()
    lists_of_run(frame, split, 3)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (run([(1, "b", 1.0), (2, "a", 1.0), (1, "b", 2.0)]), "run: the items of .*: rows 2"),
        (run([(3, "b", 1.0), (1, "b", 1.0), (3, "b", 2.0)]), "run: the items of .*: rows 2"),
        (run([(1, "b", 1), (1, "c", 1)], "rank"), "run: the ranks of a user .*: rows 1"),
        (run([(1, "b", 1.5), (2, "b", 2), (1, "c", 1.5)], "rank"), "run: the ranks .*: rows 2"),
        (run([(1, "b", 1.0), (1, "c", np.nan)]), "run: column 'score' holds no number: rows 1"),
        (run([(1, "b", 1), (1, "c", np.nan)], "rank"), "column 'rank' holds no number: rows 1"),
        (run([(1, "b", 1), (1, "c", np.inf)]), "column 'score' holds no number: rows 1"),
        (run([(1, "b", "high")]), "column 'score' holds no number: rows 0 hold 'high'"),
        (run([(None, "b", 1.0)]), "run: user id missing: rows 0"),
        (run([(1, "b", 1.0)], "points"), "no column 'rank' or 'score'"),
        (run([(1, "X", 1.0), (2, "Y", 1.0)]), "no item is known; the run has items like 'X'"),
        (run([(1, 7, 1.0)]), "no item is known; the run has items like 7"),
        (run([(1, "b", 1.0)]).rename(columns={"item": "what"}), "run: no column looks like"),
        ([("b", 1.0)], "expected a data frame"),
    ],
)
def test_refusals(split, frame, message):
    with pytest.raises(DataError, match=message):
        lists_of_run(frame, split, 2)


def test_ids_are_compared_as_text_where_types_differ(split):
    frame = run([("1", "b", 0.1), ("2", "a", 0.2)])
    lists, _ = lists_of_run(frame, split, 2)
    assert ids(lists, split) == [["b"], ["a"]]
    rows = Interactions.from_frame(pd.DataFrame({"user": ["u", "u"], "item": ["7", "07"]}))
    texts = Split("mine", {}, Dataset.build(rows.take([0])), rows.take([1]))
    frame = run([("u", 7, 1.0), ("u", 8, 2.0)])
    lists, notes = lists_of_run(frame, texts, 2)
    assert lists.tolist() == [[2, -1]]
    assert notes[0].startswith("1 rows removed: the user is known")
    assert "'8'" in notes[1]


def test_a_file_is_a_run(split, tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("user,item,score\n1,b,0.1\n1,c,0.7\n2,a,-1\n")
    expected, _ = lists_of_run(run([(1, "b", 0.1), (1, "c", 0.7), (2, "a", -1)]), split, 3)
    lists, _ = lists_of_run(path, split, 3)
    assert lists.tolist() == expected.tolist()
    path.write_text("user,item,score\n9,b,0.1\n")
    with pytest.raises(UnknownIdError, match=r"run\.csv: unknown user id 9"):
        lists_of_run(str(path), split, 3)


def test_unknown_users_are_named(split):
    frame = run([(user, "b", 1.0) for user in (1, 10, 11, 12, 13, 14, 15)])
    with pytest.raises(UnknownIdError, match="run: unknown user ids 10, 11, 12, 13, 14 and 1 more"):
        lists_of_run(frame, split, 2)
