from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.errors import ModelFolderError, NotFittedError, ParameterError
from hybridrec.evaluation import compare, group_report, random_split
from hybridrec.evaluation.selection import GuardReport
from hybridrec.evaluation.selection.front import FitResult
from hybridrec.models.texts import attach_texts, texts_of
from hybridrec.privacy import PrivateALS, forget


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    likes = rng.random((60, 40)) < np.where(np.add.outer(range(60), range(40)) % 2, 0.4, 0.05)
    rows = pd.DataFrame(np.argwhere(likes), columns=["user", "item"])
    rows["timestamp"] = 86400 * (365 + np.arange(len(rows)))
    items = pd.DataFrame({"item": range(42), "kind": ["even", "odd"] * 21})
    users = pd.DataFrame({"user": range(60), "gender": ["f", "m"] * 30, "note": "| *x*"})
    facts = pd.DataFrame({"head": range(42), "relation": "is", "tail": ["a", "b"] * 21})
    knowledge = hr.KnowledgeGraph.from_frame(facts, after_release=["is"], name="facts")
    return hr.Dataset.build(rows, knowledge, item_table=items, user_table=users, name="mine")


@pytest.fixture
def model(data):
    return hr.HybridALS(factors=4, iterations=3, random_state=7).fit(data)


def test_it_tells_what_the_model_is(model, data):
    card = hr.model_card(model, data)
    now, fit = card.content["now"], card.content["fit"]
    assert now["model"]["name"] == "hybrid-als"
    assert now["model"]["params"]["random_state"] == 7
    assert (now["users"], now["items"], now["interactions"]) == (60, 42, data.matrix.nnz)
    assert now["knowledge"]["relations"] == {"is": 42}
    assert now["knowledge"]["linked_items"] == 42
    assert now["user_columns"] == ["gender", "note"]
    assert [one["block"] for one in now["item_features"]] == ["tokens", "columns"]
    assert now["items_without_users"] == int((model.popularity_ == 0).sum())
    assert fit["data"]["first"] == "1971-01-01"
    assert fit["measured"] == []
    text = card.to_markdown()
    assert "Not measured. Run `hybridrec evaluate`" in text
    assert "Columns of the user table that the model uses: gender, note." in text
    assert "known only after release" in text
    assert "_Not filled in._" in text
    assert str(card) == text


def test_lists_are_those_of_the_model(model):
    lists = hr.model_card(model).content["now"]["lists"]
    shown = model.recommend(k=10)
    popularity = dict(zip(model.items_.ids, model.popularity_, strict=True))
    means = shown.assign(users=shown["item"].map(popularity)).groupby("user")["users"].mean()
    assert lists["users"] == 60
    assert lists["average_popularity"] == pytest.approx(means.mean(), rel=1e-5)
    assert lists["coverage"] == pytest.approx(shown["item"].nunique() / 42)


def test_what_the_fit_measured_is_on_it(model, data):
    rows = {"with all": {"warm": 0.25, "cold": 0.5}, "without item tokens": {"warm": 0.125}}
    guard = GuardReport("hybrid-als", rows, (), {}, True, 50, ("item columns: not judged",))
    found = FitResult(model, None, guard)
    card = hr.model_card(found, data)
    text = card.to_markdown()
    for label, means in found.guard.rows.items():
        (measured,) = card.content["fit"]["measured"]
        assert measured["rows"][label] == means
        assert label in text
    assert "| with all | 0.2500 | 0.5000 |" in text
    assert "| without item tokens | 0.1250 |  |" in text
    assert "- item columns: not judged" in text
    assert "held-out interactions of 50 users" in text
    assert "then fitted on all of the data" in text
    with pytest.raises(ParameterError, match="give data, too"):
        hr.model_card(found)
    assert hr.model_card(found.model).content["fit"] is None  # nothing is kept unasked


def test_results_and_groups_and_notes(data):
    split = random_split(data, random_state=0)
    model = hr.ItemKNN().fit(split.train)
    results = compare({"item-knn": model}, split, k=5)
    groups = group_report({"item-knn": model}, split, ["users:gender", "items:popularity"])
    card = hr.model_card(model, split.train, results=results, groups=groups, notes="For *tests*.")
    text = card.to_markdown()
    assert f"{results.mean('item-knn', 'ndcg', 5):.4f}" in text
    assert "For *tests*." in text
    assert "_Not filled in._" not in text
    assert "users:gender:" in text
    assert "exposure ratio" in text
    assert "then fitted on all" not in text
    json.loads(card.to_json())
    alone = hr.model_card(model, results=results).content["fit"]
    assert (alone["data"], alone["created"], len(alone["measured"])) == (None, None, 1)


def test_it_goes_with_the_model_and_follows_its_changes(model, data, tmp_path):
    card = hr.model_card(model, data, notes="Mine.")
    card.attach(model)
    model.save(tmp_path / "m")
    again = hr.load(tmp_path / "m")
    assert (tmp_path / "m" / "card.md").read_text() == card.to_markdown()
    assert hr.model_card(again).to_markdown() == card.to_markdown()
    again.update(pd.DataFrame({"user": [99], "item": [3]}))
    later = hr.model_card(again)
    assert later.changed
    assert not card.changed
    text = later.to_markdown()
    assert "Now holds 61 users" in text
    assert "At the fit: 60 users" in text
    assert "Changed since the fit" in text
    assert "Mine." in text


def test_measurements_of_other_data_say_so(model, data):
    split = random_split(data, random_state=0)
    results = compare({"als": hr.ALS(factors=4).fit(split.train)}, split, k=5)
    card = hr.model_card(model, data, results=results)
    card.attach(model)
    before = card.content["now"]["fingerprint"]
    model.update(pd.DataFrame({"user": [99], "item": [3]}))
    assert f"when the data had the fingerprint {before}" in hr.model_card(model).to_markdown()


@pytest.mark.parametrize("item_side", ["keep", "refit"])
def test_a_forgotten_user_leaves_the_card(data, item_side):
    model = hr.ALS(factors=4).fit(data)
    hr.model_card(model, data).attach(model)
    left = hr.model_card(forget(model, [1], item_side=item_side))
    assert left.content["now"]["users"] == 59
    assert left.changed


def test_a_private_model_to_give_away_has_no_counts_of_the_fit(data):
    model = PrivateALS(epsilon=100, factors=2, random_state=0).fit(data)
    hr.model_card(model, data).attach(model)
    away = forget(model, model.users_.ids)
    assert texts_of(away) == {}
    assert "knows no user" in hr.model_card(away).to_markdown()


def test_a_page_shows_html_and_does_not_run_it(model, data):
    page = hr.model_card(model, data, notes="<script>alert(1)</script> **bold**").to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<strong>bold</strong>" in page
    assert page.count("<table>") == 3
    assert re.search(r"<title>Model card: hybrid-als</title>", page)


def test_bundled_data_tell_their_terms():
    data = hr.load_dataset("movielens-small")
    card = hr.model_card(hr.Popularity().fit(data), data)
    assert "non-commercial use only" in card.to_markdown()
    assert card.content["fit"]["data"]["licence"]


def test_bad_questions_are_refused(model, data):
    with pytest.raises(NotFittedError):
        hr.model_card(hr.ALS())
    with pytest.raises(ParameterError, match="give data, too"):
        hr.model_card(model, cleaning=hr.clean(data.interactions)[1])
    with pytest.raises(ParameterError, match="other users or items"):
        hr.model_card(model, hr.load_dataset())


def test_a_record_of_another_kind_is_refused(model):
    for text in ("[]", "{}", "no JSON"):
        attach_texts(model, {"card.json": text})
        with pytest.raises(ModelFolderError, match=r"card\.json of the model is no model card"):
            hr.model_card(model)
    attach_texts(model, {"card.json": '{"format": "hybridrec model card", "format_version": 9}'})
    with pytest.raises(ModelFolderError, match="another format"):
        hr.model_card(model)
