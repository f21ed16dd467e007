"""Factors of the other side: all of them, or those that are named, give the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec.distributed import exchange
from hybridrec.distributed.checkpoint import Journal
from hybridrec.distributed.exchange import ByName, needs_names, parts_for

PARAMS = {"factors": 8, "iterations": 3}


def by_name(monkeypatch, n_parts: int) -> list[int]:
    """Have rows sent by their names, in so many parts; return where that is noted."""
    noted = []
    refitted = ByName.refitted

    def noting(self, *given):
        noted.append(self.n_parts)
        return refitted(self, *given)

    monkeypatch.setattr(exchange, "WHOLE", 0.0)
    monkeypatch.setattr(exchange, "TOGETHER", 1)  # so that shards go in several groups
    monkeypatch.setattr(exchange, "parts_for", lambda *_: n_parts)
    monkeypatch.setattr(ByName, "refitted", noting)
    return noted


@pytest.mark.parametrize(
    ("n_parts", "case"),
    [
        (1, {}),
        (3, {}),
        (3, {"item_features": ()}),
        (3, {"solver": "cg"}),
        (60, {"iterations": 1}),  # more than a shard has rows
    ],
)
def test_the_same_bits(sharded, monkeypatch, n_parts, case):
    features = {name: case[name] for name in case if name == "item_features"}
    params = PARAMS | {name: case[name] for name in case if name != "item_features"}
    expected = hd.fit(hr.HybridALS(**params), sharded, **features)
    noted = by_name(monkeypatch, n_parts)
    found = hd.fit(hr.HybridALS(**params), sharded, **features)
    assert noted == [n_parts] * 2 * params["iterations"]
    for name in ("user_factors", "item_factors"):
        ours, theirs = getattr(found.scorer_, name), getattr(expected.scorer_, name)
        np.testing.assert_array_equal(ours, theirs)


def test_a_checkpoint_of_either_way_goes_on_with_the_other(sharded, monkeypatch, tmp_path):
    expected = hd.fit(hr.HybridALS(**PARAMS), sharded)
    write = Journal.write

    def dying(self, side):
        write(self, side)
        if self.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        hd.fit(hr.HybridALS(**PARAMS), sharded, checkpoint=tmp_path)
    monkeypatch.undo()
    by_name(monkeypatch, 2)
    found = hd.fit(hr.HybridALS(**PARAMS), sharded, checkpoint=tmp_path)
    np.testing.assert_array_equal(found.scorer_.item_factors, expected.scorer_.item_factors)


def test_which_way_and_how_many_rounds():
    assert not needs_names(1e6, 64, 4e9)  # 256 MB, and as much joined
    assert needs_names(1e7, 64, 4e9)
    assert not needs_names(1e12, 64, np.inf)
    assert parts_for(1e5, 64, 4e9) == 1
    assert parts_for(1e8, 128, 4e9) == np.ceil(2 * 1e8 * 512 / 1e9)
    assert parts_for(1e8, 128, np.inf) == 1
