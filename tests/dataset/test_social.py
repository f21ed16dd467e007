from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.readers import read_dataset
from hybridrec.dataset.social import SocialGraph
from hybridrec.errors import DataError
from hybridrec.evaluation.splits import export_split, load_split, random_split

ROWS = pd.DataFrame({"user": [1, 2, 3, 3], "item": [7, 7, 8, 7]})


def edges(**columns):
    return SocialGraph.from_frame(pd.DataFrame(columns))


def test_what_says_nothing_is_dropped_and_counted():
    graph = edges(user=[1, 2, 2, 9, 3], friend=[2, 2, 3, 8, 1], weight=[1.0, 1, 0, 1, 2])
    assert graph.dropped == {"own friend": 1, "weight 0": 1}
    data = Dataset.build(ROWS, social=graph)
    assert data.social.dropped == {"own friend": 1, "weight 0": 1, "unknown user": 1}
    assert data.social.users.ids.tolist() == [1, 2, 3]
    assert str(data.social) == (
        "2 social edges of 3 users, 1 dropped (own friend), 1 dropped (weight 0),"
        " 1 dropped (unknown user)"
    )


def test_matrix_by_hand():
    """Of repeats the largest counts; undirected, an edge counts from both ends."""
    graph = edges(user=[1, 1, 2, 3], friend=[2, 2, 1, 1], weight=[1.0, 3, 2, 5])
    directed = [[0, 3, 0], [2, 0, 0], [5, 0, 0]]
    np.testing.assert_array_equal(graph.matrix(directed=True).toarray(), directed)
    np.testing.assert_array_equal(graph.matrix().toarray(), [[0, 3, 5], [3, 0, 0], [5, 0, 0]])


@pytest.mark.parametrize(
    "names",
    [("user", "friend"), ("source_id", "target_id"), ("user_id", "friendID"), ("from", "to")],
)
def test_columns_are_recognised(names):
    graph = SocialGraph.from_frame(pd.DataFrame(dict(zip(names, ([1, 2], [2, 3]), strict=True))))
    assert graph.users.ids[graph.sources].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("edges.csv", "user,friend\n1,2\n3,1\n"),
        ("trustnetwork.txt", "1\t2\n3\t1\n"),
        ("rows.net", "source_id:token\ttarget_id:token\n1\t2\n3\t1\n"),
    ],
)
def test_files(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    data = read_dataset(ROWS, social=tmp_path / name)
    assert len(data.social) == 2


def test_a_folder_of_recbole(tmp_path):
    (tmp_path / "x.inter").write_text("user_id:token\titem_id:token\n1\t7\n2\t8\n")
    (tmp_path / "x.net").write_text("source_id:token\ttarget_id:token\n1\t2\n")
    assert len(read_dataset(tmp_path).social) == 1


def test_ids_become_text_where_users_are():
    rows = pd.DataFrame({"user": ["1", "2", "x"], "item": [1, 1, 1]})
    data = Dataset.build(rows, social=edges(user=[1], friend=[2]))
    assert data.social.users.ids.tolist() == ["1", "2"]


def test_splits_keep_them_also_on_disk(tmp_path):
    many = pd.DataFrame({"user": np.repeat(range(9), 5), "item": list(range(5)) * 9})
    graph = edges(user=[0, 1, 2, 30], friend=[1, 2, 8, 1], weight=[1.0, 2, 3, 1])
    split = random_split(Dataset.build(many, social=graph))
    split.save(tmp_path / "saved")
    export_split(split, tmp_path / "exported")
    for name in ("saved", "exported"):
        found = load_split(tmp_path / name).train.social
        assert found.dropped == {"unknown user": 1}
        np.testing.assert_array_equal(found.users.ids, split.train.social.users.ids)
        assert (found.matrix() != split.train.social.matrix()).nnz == 0


def test_edges_of_nobody_known_are_refused():
    with pytest.raises(DataError, match=r"no social edge joins two known users: they are like 1"):
        Dataset.build(ROWS, social=edges(user=[11], friend=[12]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"user": [1]}, "no column looks like the friend"),
        ({"a": [1], "friend": [1]}, "no column looks like the follower"),
        ({"user": [1], "friend": ["x"]}, "give all as text or all as integers"),
        ({"user": [1], "friend": [2], "weight": [-1.0]}, "weight"),
        ({"user": [1, None], "friend": [2, 3]}, "user ids must be"),
    ],
)
def test_bad_edges(columns, message):
    with pytest.raises(DataError, match=message):
        edges(**columns)
