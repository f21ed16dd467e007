"""Lists in the contexts of the held-out interactions, against values by hand."""

import numpy as np
import pandas as pd
import pytest

from hybridrec import Contextual, Dataset, Interactions, Popularity
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation import Split, compare_in_context


@pytest.fixture
def split():
    # train: a is popular on the tv, b on the phone; c is known to few
    train = pd.DataFrame(
        [
            *(("u1", "x", "tv"), ("u2", "x", "tv"), ("u3", "a", "tv"), ("u4", "a", "tv")),
            *(("u5", "b", "phone"), ("u6", "b", "phone"), ("u7", "b", "phone"), ("u8", "c", "tv")),
        ],
        columns=["user", "item", "device"],
    )
    test = pd.DataFrame(
        [("u1", "a", "tv"), ("u1", "b", "phone"), ("u1", "c", "phone"), ("u2", "a", "tv")],
        columns=["user", "item", "device"],
    )
    rows = Interactions.from_frame(pd.concat([train, test]), context=["device"])
    first = np.arange(len(rows)) < len(train)
    return Split("by hand", {}, Dataset(rows.take(first)), rows.take(~first))


def test_by_hand(split):
    models = {
        "general": Popularity().fit(split.train),
        "context": Contextual(base="popularity", strength=5, shrinkage=0.1).fit(split.train),
    }
    found = compare_in_context(
        models, split, ["device"], metrics=["hit-rate", "recall"], k=1, num_threads=1
    )
    evaluation = found.by_model["context"][0]
    assert evaluation.slices["all"].users.tolist() == ["u1", "u2"]
    # the general list of both is b, a, c: b is a hit of u1 on the phone alone
    assert found.by_model["general"][0].values("hit-rate", 1).tolist() == [0.5, 0.0]
    assert found.by_model["general"][0].values("recall", 1).tolist() == [0.25, 0.0]
    # in context u1 gets a on the tv and b (of b and c) on the phone
    assert evaluation.values("hit-rate", 1).tolist() == [1.0, 1.0]
    assert evaluation.values("recall", 1).tolist() == [0.75, 1.0]
    assert found.significance("hit-rate", 1)["difference"].abs().tolist() == [0.75]


def test_what_makes_no_sense(split):
    models = {"general": Popularity().fit(split.train)}
    with pytest.raises(ParameterError, match="at least one model"):
        compare_in_context({}, split, ["device"])
    with pytest.raises(ParameterError, match="at least one context column"):
        compare_in_context(models, split, [])
    with pytest.raises(DataError, match="no context column 'devise'"):
        compare_in_context(models, split, ["devise"])
    with pytest.raises(ParameterError, match="coverage has no value per list"):
        compare_in_context(models, split, ["device"], metrics=["coverage"])
    other = {"context": Contextual(base="popularity", context=["device"]).fit(split.train)}
    rows = split.test
    renamed = Split(
        "renamed",
        {},
        split.train,
        Interactions(
            rows.users, rows.items, rows.user_codes, rows.item_codes, rows.weights,
            context={"place": rows.context["device"]},
        ),
    )  # fmt: skip
    with pytest.raises(ParameterError, match="no context 'place' here"):
        compare_in_context(other, renamed, ["place"])
