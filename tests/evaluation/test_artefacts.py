from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Dataset, Popularity, Stack, load
from hybridrec.errors import ParameterError
from hybridrec.evaluation.artefacts import audit_artefacts
from hybridrec.evaluation.splits import labelled_pairs


@pytest.fixture(scope="module")
def split():
    """Labels by chance, as many negatives as positives per user; ids by popularity."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(150):
        items = rng.permutation(60)[:16]
        liked = np.argsort(items + rng.normal(0, 30, 16))[:8]
        labels = np.zeros(16)
        labels[liked] = 1
        rows += list(zip([user] * 16, items, labels, strict=True))
    frame = pd.DataFrame(rows, columns=["user", "item", "weight"])
    return labelled_pairs(Dataset.build(frame), random_state=1)


@pytest.fixture(scope="module")
def model(split):
    return Stack(members=("popularity",), iterations=30).fit(split.train)


def test_the_audit_finds_what_the_sampling_tells(split, model):
    audit = audit_artefacts(model, split)
    found = {one.name: one for one in audit.artefacts}
    assert set(found) == {"user balance", "item id", "popularity"}
    assert found["user balance"].alone > 0.55
    assert found["user balance"].together > audit.stack + 0.02
    assert found["item id"].alone > 0.6
    assert "user balance" in str(audit)
    assert f"{audit.stack:.4f}" in str(audit)


def test_the_stack_of_the_audit_is_the_model(split, model):
    pairs = split.test_pairs
    scores = model.scorer_.chosen(pairs.users, pairs.items[:, None])[:, 0]
    positive, negative = scores[pairs.labels], scores[~pairs.labels]
    above = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert audit_artefacts(model, split).stack == pytest.approx(above, abs=1e-4)


def test_what_cannot_be_audited(split, model, tmp_path):
    model.save(tmp_path / "model")
    with pytest.raises(ParameterError, match="fit it again"):
        audit_artefacts(load(tmp_path / "model"), split)
    with pytest.raises(ParameterError, match="pairs a stack learned from"):
        audit_artefacts(Popularity().fit(split.train), split)
