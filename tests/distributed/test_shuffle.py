"""Everything meets everything, directly and by way of meeting points."""

from __future__ import annotations

import pytest

from hybridrec.distributed import shuffle as module
from hybridrec.distributed.shuffle import shuffle, shuffle_tasks


@pytest.mark.parametrize("direct", [1000, 0])
@pytest.mark.parametrize(("lists", "number"), [(7, 5), (1, 6), (6, 1), (2, 2)])
def test_all_pieces_arrive_in_order(cluster, monkeypatch, lists, number, direct):
    monkeypatch.setattr(module, "DIRECT", direct)
    given = cluster.map(_list, list(range(lists)), number=number)
    found = shuffle(cluster, given, number, _arrived, list(range(number)), word="at")
    assert cluster.result(found) == [
        ([f"{one}-{place}" for one in range(lists)], f"at {place}") for place in range(number)
    ]


def _list(one, number):
    return [f"{one}-{place}" for place in range(number)]


def _arrived(pieces, place, word):
    return pieces, f"{word} {place}"


@pytest.mark.parametrize(("lists", "number"), [(10, 7), (130, 140), (400, 50)])
def test_tasks_are_as_many_as_told(lists, number):
    counted = _Counting()
    shuffle(counted, list(range(lists)), number, _arrived)
    assert counted.tasks == pytest.approx(shuffle_tasks(lists, number), rel=0.01)


class _Counting:
    """A cluster that only counts its tasks."""

    tasks = 0

    def map(self, function, *columns, **common):
        self.tasks += len(columns[0])
        return list(range(len(columns[0])))

    def split(self, pieces, places):
        places = list(places)
        self.tasks += len(pieces) * len(places)
        return [list(pieces) for _ in places]
