from __future__ import annotations

import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError
from hybridrec.ranking.catalogue import Catalogue

GENRES = [["War", "Love"], ["War"], None, ["Love"]]


def eye(_block):
    return np.eye(4, dtype=np.float32)


def catalogue(popularity=(4, 2, 2, 0), make=eye):
    table = pd.DataFrame({"genres": GENRES})
    popularity = np.array(popularity, dtype=np.float32)
    return Catalogue(IdMap(np.arange(len(popularity)), "item"), popularity, table, make)


def test_groups_of_a_column():
    groups = catalogue().groups("genres")
    assert list(groups.names) == ["Love", "War"]
    np.testing.assert_array_equal(
        groups.members.toarray(), [[True, True], [False, True], [False, False], [True, False]]
    )
    shares = catalogue().shares("genres").toarray()
    np.testing.assert_array_equal(shares, [[0.5, 0.5], [0, 1], [0, 0], [1, 0]])


def test_merits_count_pairs_once():
    # 4 pairs in halves, 2 of War; the 2 of an item without a genre do not count
    np.testing.assert_allclose(catalogue().merits("genres"), [2 / 6, 4 / 6])
    assert (catalogue(popularity=(0, 0, 0, 0)).merits("genres") == 0).all()


@pytest.mark.parametrize(
    ("popularity", "expected"),
    [
        ((10, 5, 5, 5, 3, 1, 1, 0), "hmmmtttt"),
        ((1, 1, 1), "hhh"),  # equally popular ones go together
        ((5, 1), "ht"),
        ((0, 0), "hh"),
    ],
)
def test_thirds_of_popularity(popularity, expected):
    popularity = np.array(popularity, dtype=np.float32)
    ids = IdMap(np.arange(len(popularity)), "item")
    groups = Catalogue(ids, popularity, None, eye).groups()
    assert list(groups.names) == ["head", "middle", "tail"]
    found = "".join("hmt"[one] for one in groups.members.toarray().argmax(axis=1))
    assert found == expected


def test_no_table_and_no_such_column():
    with pytest.raises(ParameterError, match="no column 'genre'; did you mean 'genres'"):
        catalogue().groups("genre")
    without = Catalogue(IdMap(np.arange(4), "item"), np.ones(4), None, eye)
    with pytest.raises(ParameterError, match="needs an item table"):
        without.groups("genres")


def test_things_are_made_once_though_threads_ask_at_once():
    asked = []

    def make(block):
        asked.append(block)
        time.sleep(0.05)
        return np.eye(4, dtype=np.float32)

    one = catalogue(make=make)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(one.vectors, ["a", "a", None, "a"]))
    assert sorted(asked, key=str) == [None, "a"] or asked == ["a", None]
    assert found[0] is found[1] is found[3]
    assert one.vectors("a") is found[0]
    assert one.groups("genres") is one.groups("genres")


def test_it_can_be_copied_and_pickled():
    one = catalogue()
    one.shares("genres")
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        np.testing.assert_array_equal(other.vectors(), one.vectors())
