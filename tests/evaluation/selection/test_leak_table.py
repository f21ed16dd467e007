from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection import compare_leaks
from hybridrec.evaluation.splits import cold_items

SMALL = {"factors": 4, "iterations": 3, "num_threads": 1}


def films() -> Dataset:
    """Films that users like for their fame alone; "won" tells it, "made by" nothing."""
    rng = np.random.default_rng(0)
    fame = rng.integers(1, 10, 100)
    rows = np.argwhere(rng.random((80, 100)) < 0.08 * fame)
    facts = [(f"f{item}", "won", f"award {n}") for item in range(100) for n in range(fame[item])]
    facts += [(f"f{item}", "made by", f"studio {rng.integers(8)}") for item in range(100)]
    frame = pd.DataFrame({"user": rows[:, 0], "item": [f"f{item}" for item in rows[:, 1]]})
    return Dataset.build(frame, KnowledgeGraph.from_triples(*zip(*facts, strict=True)))


def test_what_awards_buy_is_told():
    found = compare_leaks(
        "hybrid-als",
        lambda seed: cold_items(films(), random_state=seed),
        params=SMALL,
        seeds=(0, 1),
        k=5,
    )
    ndcg = {name: found.mean(name, "ndcg", 5) for name in found.by_model}
    assert list(ndcg) == ["all relations", "without leaks", "no relations"]
    assert ndcg["all relations"] > ndcg["without leaks"] + 0.05
    assert ndcg["no relations"] == 0.0


def test_relations_and_blocks_can_be_named():
    split = cold_items(films(), random_state=0)
    asked = {"params": SMALL, "seeds": (0,), "metrics": ["ndcg"]}
    one = compare_leaks("hybrid-als", split, relations=["won"], **asked)
    other = compare_leaks("hybrid-als", split, item_features=["tokens"], **asked)
    for name in one.by_model:
        assert one.mean(name, "ndcg", 20) == other.mean(name, "ndcg", 20)


def test_what_makes_no_sense_is_refused():
    split = cold_items(films(), random_state=0)
    with pytest.raises(ParameterError, match="at least one seed"):
        compare_leaks("hybrid-als", split, seeds=())
    with pytest.raises(ParameterError, match="unknown relation 'wno'; did you mean 'won'"):
        compare_leaks("hybrid-als", split, relations=["wno"])
    plain = films()
    tame = plain.with_knowledge(plain.knowledge.without_relations(["won"]))
    with pytest.raises(ParameterError, match="no relation tells popularity"):
        compare_leaks("hybrid-als", cold_items(tame, random_state=0))
    with pytest.raises(ParameterError, match="no knowledge graph"):
        compare_leaks("hybrid-als", cold_items(plain.with_knowledge(None)), relations=["won"])
