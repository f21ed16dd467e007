from __future__ import annotations

import numpy as np

from hybridrec.ranking.explanation import Explanation, Part, Path, PathStep, Shares, joined


def test_json():
    step = PathStep("e", None, "r", "forward")
    told = Explanation(
        user=1,
        item=2,
        score=3.0,
        parts=(Part("history", "Toy Story", 2.0, 7), Part("bias", "popularity", 1.0)),
        paths=(Path(7, (step,), "same r as Toy Story", 0.5),),
    )
    assert told.to_json() == {
        "user": 1,
        "item": 2,
        "score": 3.0,
        "parts": [
            {"kind": "history", "name": "Toy Story", "value": 2.0, "item": 7},
            {"kind": "bias", "name": "popularity", "value": 1.0},
        ],
        "features": [],
        "paths": [
            {
                "text": "same r as Toy Story",
                "weight": 0.5,
                "item": 7,
                "steps": [{"entity": "e", "label": None, "relation": "r", "direction": "forward"}],
            }
        ],
    }


def test_shares():
    shares = Shares(np.array([4, 2, 9]), np.array([1.0, -3.0, 0.0]), {"a": 0.5})
    assert shares.strongest(5).tolist() == [1, 0]
    assert shares.strongest(1).tolist() == [1]
    assert shares.completed(0.0, "rest").bias == {"a": 0.5, "rest": 1.5}
    assert shares.completed(0.0, "a").bias == {"a": 2.0}
    twice = joined([shares, shares.scaled(2.0), Shares.nothing(b=1.0)])
    assert twice.codes.tolist() == [2, 4, 9]
    assert twice.values.tolist() == [-9.0, 3.0, 0.0]
    assert twice.bias == {"a": 1.5, "b": 1.0}
