"""Contexts over HTTP and in a running program."""

import numpy as np
import pandas as pd
import pytest

from hybridrec import Contextual, Interactions
from hybridrec.errors import ParameterError
from hybridrec.service.live import LiveRecommender
from tests.service.serving import client_of


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": rng.integers(0, 60, 1200)})
    frame["device"] = np.where(rng.random(len(frame)) < 0.5, "tv", "phone")
    frame["item"] = (20 * rng.beta(1, 2, len(frame))).astype(int) + 20 * (frame.device == "phone")
    rows = Interactions.from_frame(frame.drop_duplicates(["user", "item"]), context=["device"])
    path = tmp_path_factory.mktemp("context") / "model"
    Contextual(base="item-knn").fit(rows).save(path)
    return LiveRecommender(path)


@pytest.fixture(scope="module")
def client(live, folders):
    client = client_of({"context": live, "als": LiveRecommender(folders["als"])})
    yield client
    client.close()


def found(answer):
    return [(one["item"], one["score"]) for one in answer["items"]]


def test_a_list_in_a_context_is_that_of_the_model(client, live):
    for device in ("tv", "phone"):
        context = {"device": device}
        answer = client.json("/recommend", {"user": 3, "k": 5, "context": context})
        own = live.model.recommend([3], k=5, context=context)
        assert [one for one, _ in found(answer)] == own["item"].tolist()
        assert "unknown_context" not in answer
        alone = live.recommend(3, k=5, context=context)
        assert [(one.item, one.score) for one in alone] == found(answer)
    plain = client.json("/recommend", {"user": 3, "k": 5})
    assert found(plain) == found(client.json("/recommend?user=3&k=5"))


def test_batches_mix_contexts(client):
    asked = [
        {"user": 3, "k": 5, "context": {"device": "tv"}},
        {"user": 3, "k": 5},
        {"history": [{"item": 1}, {"item": 25}], "k": 5, "context": {"device": "phone"}},
    ]
    answers = client.json("/recommend/batch", {"requests": asked})["answers"]
    for one, answer in zip(asked, answers, strict=True):
        assert found(answer) == found(client.json("/recommend", one))


def test_a_value_never_seen_is_told(client, live):
    asked = {"user": 3, "k": 5, "context": {"device": "watch"}}
    answer = client.json("/recommend", asked)
    assert answer["unknown_context"] == ["device"]
    assert found(answer) == found(client.json("/recommend?user=3&k=5"))
    assert "unknown_context" in client.json("/recommend/batch", {"requests": [asked]})["answers"][0]
    with pytest.warns(UserWarning, match="device=watch"):
        live.recommend(3, context={"device": "watch"})


def test_explanations_in_a_context(client):
    asked = {"user": 3, "k": 2, "context": {"device": "tv"}}
    first = client.json("/recommend", {**asked, "explain": True})["items"][0]
    del asked["k"]
    told = client.json("/explain", {**asked, "item": first["item"]})
    for one in (first["explanation"], told):
        assert one["score"] == pytest.approx(first["score"])
        assert "the context" in {part["name"] for part in one["parts"]}


def test_contexts_that_make_no_sense(client, live):
    body = {"user": 3, "context": {"devise": "tv"}}
    assert "no context 'devise' here" in client.refused(422, "POST", "/recommend", json=body)
    body = {"user": 3, "context": {"device": ["tv"]}}
    assert client.refused(422, "POST", "/recommend", json=body)
    body = {"user": 3, "context": {"device": "tv"}, "model": "als"}
    assert "als knows no context" in client.refused(422, "POST", "/recommend", json=body)
    with pytest.raises(ParameterError, match="no context 'devise'"):
        live.recommend(3, context={"devise": "tv"})


def test_models_tell_their_contexts(client):
    context, als = client.json("/models")["models"]
    assert (context["context"], als["context"]) == ({"device": ["phone", "tv"]}, {})
