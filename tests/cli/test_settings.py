from __future__ import annotations

import pytest

from hybridrec.cli.settings import SplitSpec
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.evaluation import random_split


def test_a_split_takes_typed_parameters_and_the_seed(dataset):
    split = SplitSpec.parse("random:test_fraction=0.5,by=user").apply(dataset, 4)
    assert (
        split.fingerprint
        == random_split(dataset, test_fraction=0.5, by="user", random_state=4).fingerprint
    )
    timeless = SplitSpec.parse("leave-last-n:n=2")
    assert (timeless.params, timeless.seeded) == ({"n": 2}, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cold-item", "did you mean 'cold-items'"),
        ("random:fraction=0.5", "no parameter 'fraction'"),
        ("random:random_state=3", "no parameter 'random_state'"),
        ("leave-last-n:n=x", "n must be a whole number"),
    ],
)
def test_bad_splits_are_refused(text, message):
    with pytest.raises(ParameterError, match=message):
        SplitSpec.parse(text)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    import pandas as pd

    rows = [(user, item) for user in range(6) for item in range(6) if (user + item) % 3]
    return Dataset.build(pd.DataFrame(rows, columns=["user", "item"]))
