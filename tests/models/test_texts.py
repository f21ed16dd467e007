from __future__ import annotations

from copy import copy

import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.errors import ModelFolderError
from hybridrec.models.texts import attach_texts, texts_of

ROWS = pd.DataFrame([(u, i) for u in range(6) for i in range(u % 3, 6)], columns=["user", "item"])
TEXTS = {"card.md": "# Für alle\n", "card.json": '{"a": 1}'}


@pytest.fixture
def model():
    model = hr.ItemKNN().fit(ROWS)
    attach_texts(model, TEXTS)
    return model


def test_texts_survive_the_folder(model, tmp_path):
    model.save(tmp_path / "m")
    assert (tmp_path / "m" / "card.md").read_text(encoding="utf-8") == "# Für alle\n"
    again = hr.load(tmp_path / "m")
    assert texts_of(again) == TEXTS
    again.save(tmp_path / "again")
    assert texts_of(hr.load(tmp_path / "again")) == TEXTS


def test_a_model_without_texts_has_none(tmp_path):
    hr.ItemKNN().fit(ROWS).save(tmp_path / "m")
    assert texts_of(hr.load(tmp_path / "m")) == {}


def test_the_folder_is_checked_with_its_texts(model, tmp_path):
    model.save(tmp_path / "m")
    (tmp_path / "m" / "card.md").write_text("# Harmless")
    with pytest.raises(ModelFolderError, match=r"card\.md was cut short or altered"):
        hr.load(tmp_path / "m")


def test_what_is_no_longer_true_is_not_saved(model, tmp_path):
    changed = copy(model).update(pd.DataFrame({"user": [77], "item": [3]}))
    changed.save(tmp_path / "m")
    assert list(texts_of(hr.load(tmp_path / "m"))) == ["card.json"]
    assert not (tmp_path / "m" / "card.md").exists()


def test_a_fresh_fit_has_no_texts(model):
    assert texts_of(model.fit(ROWS)) == {}
