from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import labelled_pairs


def labelled(rows: int = 500, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"user": rng.integers(0, 40, rows), "item": rng.integers(0, 30, rows)})
    frame = frame.drop_duplicates().reset_index(drop=True)
    return Dataset.build(frame.assign(label=rng.integers(0, 2, len(frame))))


def positives(rows: int = 200, **columns: float) -> Dataset:
    data = labelled(rows).interactions.to_frame()
    data = data[data["weight"] > 0].reset_index(drop=True)
    return Dataset.build(data.assign(timestamp=1e9 + np.arange(len(data)), **columns))


def test_all_labelled_rows_are_dealt_6_2_2():
    data = labelled()
    split = labelled_pairs(data)
    total = len(data.interactions)
    assert len(split.test) == int(total * 0.2 + 0.5)
    assert len(split.validation) == pytest.approx(total * 0.2, abs=1)
    assert sum(map(len, split.parts.values())) == total
    for part in split.parts.values():  # labels are mixed in every part
        assert 0.3 < part.weights.mean() < 0.7
    assert len(split.test_pairs.labels) == len(split.test)
    order = np.lexsort((split.test.item_codes, split.test.user_codes))
    assert (split.test_pairs.labels == (split.test.weights > 0)[order]).all()


def test_shares():
    split = labelled_pairs(labelled(), validation_fraction=0.1, test_fraction=0.5)
    total = sum(map(len, split.parts.values()))
    assert len(split.test) == pytest.approx(0.5 * total, abs=1)
    assert len(split.validation) == pytest.approx(0.1 * total, abs=1)


def test_rows_of_a_pair_stay_together(random_dataset):
    split = labelled_pairs(random_dataset())
    pairs = [
        set(zip(part.user_codes.tolist(), part.item_codes.tolist(), strict=True))
        for part in split.parts.values()
    ]
    assert sum(map(len, pairs)) == len(set.union(*pairs))
    assert split.test_pairs.labels.any()
    assert not split.test_pairs.labels.all()


@pytest.mark.parametrize("negatives", [1, 3])
def test_negatives_are_sampled(negatives):
    data = positives()
    split = labelled_pairs(data, negatives=negatives, random_state=3)
    parts = [part.to_frame() for part in split.parts.values()]
    rows = pd.concat(parts, ignore_index=True)
    assert not rows.duplicated(["user", "item"]).any()
    real = data.interactions.to_frame()
    assert len(rows[rows["weight"] > 0]) == len(real)
    sampled = rows[rows["weight"] == 0]
    wanted = negatives * real.groupby("user").size()
    possible = len(set(real["item"])) - real.groupby("user").size()
    expected = np.minimum(wanted, possible)
    assert (sampled.groupby("user").size() == expected).all()
    assert set(sampled["item"]) <= set(real["item"])
    # each has the time of a positive of its user
    assert set(zip(sampled["user"], sampled["timestamp"], strict=True)) <= set(
        zip(real["user"], real["timestamp"], strict=True)
    )
    assert len(data.interactions) == len(real)


def test_sampled_negatives_are_uniform_over_unknown_items():
    # one user knows i0 to i3 of ten items, others know all: every unknown item must turn up
    rows = [("u", f"i{one}") for one in range(3)] + [("v", f"i{one}") for one in range(10)]
    data = Dataset.build(pd.DataFrame(rows, columns=["user", "item"]))
    drawn = np.zeros(10)
    for seed in range(200):
        split = labelled_pairs(data, negatives=1, random_state=seed)
        rows = pd.concat([part.to_frame() for part in split.parts.values()])
        own = rows[(rows["user"] == "u") & (rows["weight"] == 0)]
        assert len(own) == 3
        drawn[data.items.codes(own["item"].to_numpy())] += 1
    assert (drawn[:3] == 0).all()
    assert drawn[3:].min() > 200 * 3 / 7 * 0.7
    assert drawn[3:].max() < 200 * 3 / 7 * 1.3


def test_a_user_who_knows_all_has_no_negatives():
    rows = [("u", one) for one in "abcd"] + [("v", one) for one in "ab"]
    data = Dataset.build(pd.DataFrame(rows, columns=["user", "item"]))
    split = labelled_pairs(data, negatives=5)
    rows = pd.concat([part.to_frame() for part in split.parts.values()])
    assert set(zip(rows["user"], rows["item"], strict=True)) == {
        (user, item) for user in "uv" for item in "abcd"
    }


def test_refusals():
    with pytest.raises(DataError, match=r"needs rows of weight 0 .* negatives=1"):
        labelled_pairs(positives())
    with pytest.raises(ParameterError, match="must leave something to learn from"):
        labelled_pairs(labelled(), validation_fraction=0.5, test_fraction=0.5)
    with pytest.raises(ParameterError, match="negatives must be a whole number"):
        labelled_pairs(labelled(), negatives=-1)
    for wrong in (0, 1, None):
        with pytest.raises(ParameterError, match="validation_fraction"):
            labelled_pairs(labelled(), validation_fraction=wrong)
        with pytest.raises(ParameterError, match="test_fraction"):
            labelled_pairs(labelled(), test_fraction=wrong)
