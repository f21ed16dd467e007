from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import ParameterError
from hybridrec.evaluation import PROTOCOLS, evaluate, evaluate_pairs, protocol
from hybridrec.models.popularity import Popularity


@pytest.fixture
def labelled() -> Dataset:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": rng.integers(0, 40, 900), "item": rng.integers(0, 30, 900)})
    frame["weight"] = rng.integers(0, 2, 900).astype(float)
    return Dataset.build(Interactions.from_frame(frame.drop_duplicates(["user", "item"])))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_cuts_by_seed_and_measures(labelled, name):
    chosen = protocol(name)
    split = chosen.cut(labelled, 3)
    assert split.seed == 3
    assert chosen.cut(labelled, 3).fingerprint == split.fingerprint
    assert chosen.cut(labelled, 4).fingerprint != split.fingerprint
    model = Popularity().fit(split.train)
    found = chosen.measure(model, split, name="pop", seed=9)
    assert (found.model, found.seed) == ("pop", 9)
    ks = chosen.k or (None,)
    assert found.columns == tuple((metric, k) for metric in chosen.metrics for k in ks)
    if chosen.scores_pairs:
        plain = evaluate_pairs(model, split, metrics=chosen.metrics)
    else:
        plain = evaluate(model, split, metrics=chosen.metrics, k=chosen.k)
    assert [found.mean(*one) for one in found.columns] == [
        plain.mean(*one) for one in plain.columns
    ]


def test_click_through_is_six_to_two_to_two(labelled):
    split = protocol("kgcn-ctr").cut(labelled, 0)
    n = len(labelled.interactions)
    sizes = [len(split.train.interactions), len(split.validation), len(split.test)]
    assert sizes == pytest.approx([0.6 * n, 0.2 * n, 0.2 * n], abs=1)


def test_parts_that_come_with_the_data_are_used(labelled):
    rows = labelled.interactions
    part = np.where(np.arange(len(rows)) % 4 == 0, "test", "train")
    frame = rows.to_frame().assign(part=part)
    dataset = Dataset.build(Interactions.from_frame(frame, context=["part"]))
    split = protocol("full-ranking").cut(dataset, 0)
    assert split.name == "predefined"
    assert len(split.test) == (part == "test").sum()


def test_unknown_protocol():
    with pytest.raises(ParameterError, match=r"unknown protocol 'kgcn'; did you mean 'kgcn-ctr'"):
        protocol("kgcn")
