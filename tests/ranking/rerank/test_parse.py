from __future__ import annotations

import pytest

from hybridrec.errors import ParameterError
from hybridrec.ranking.rerank import (
    DPP,
    MMR,
    RERANKERS,
    Calibrated,
    FairExposure,
    PopularityDamping,
    parse_reranker,
    reranker_from_json,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mmr", MMR()),
        ("mmr:weight=0.3,block=tokens", MMR(block="tokens", weight=0.3)),
        ("dpp:candidates=50", DPP(candidates=50)),
        ("calibrated:column=genres", Calibrated("genres")),
        ("popularity-damping:strength=2", PopularityDamping(2.0)),
        ("fair-exposure:column=1980", FairExposure("1980")),
        ("fair-exposure", FairExposure()),
    ],
)
def test_texts(text, expected):
    assert parse_reranker(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mrm", "unknown re-ranking 'mrm'; did you mean 'mmr'"),
        ("mmr:weigth=1", "mmr has no parameter 'weigth'; did you mean 'weight'"),
        ("mmr:weight=2", "weight must be a number from 0 to 1, got 2.0"),
        ("mmr:weight=much", "weight must be a number, got 'much'"),
        ("mmr:weight=nan", "weight must be a number from 0 to 1"),
        ("mmr:candidates=0", "candidates must be a whole number from 1 to 1000, got 0"),
        ("calibrated", "calibrated needs a column of the item table, such as"),
        ("popularity-damping:strength=-1", "strength must be a number of at least 0, got -1.0"),
        ("mmr:weight", "must look like name=value"),
    ],
)
def test_bad_texts(text, message):
    with pytest.raises(ParameterError, match=message):
        parse_reranker(text)


def test_json():
    assert reranker_from_json({"name": "mmr", "weight": 1}) == MMR(weight=1)
    assert reranker_from_json({"name": "fair-exposure", "column": None}) == FairExposure()
    given = {"name": "calibrated", "column": "genres", "candidates": 20}
    assert reranker_from_json(given) == Calibrated("genres", candidates=20)


@pytest.mark.parametrize(
    "given",
    [
        *(None, [], "mmr", {}, {"name": 3}, {"name": "mrm"}, {"name": "calibrated"}),
        *({"name": "mmr", "weight": one} for one in ("0.3", True, None, [1], float("nan"), 1e400)),
        *({"name": "mmr", "candidates": one} for one in (1001, 2.0, "5", True, 10**30)),
        *({"name": "mmr", "block": one} for one in (3, "", ["tokens"])),
        *({"name": "calibrated", "column": one} for one in (None, 3, "")),
        {"name": "mmr", "name_": 1},
        {"name": "popularity-damping", "strength": float("inf")},
    ],
)
def test_bad_json(given):
    with pytest.raises(ParameterError):
        reranker_from_json(given)


def test_every_one_has_a_strength_that_can_be_nothing():
    for name, kind in RERANKERS.items():
        assert kind.name == name
        text = f"{name}:{kind.counted_by}=0" + (",column=x" if name == "calibrated" else "")
        assert getattr(parse_reranker(text), kind.counted_by) == 0
