"""Feedback and reload over HTTP: who may, what is kept, what the next list knows."""

from __future__ import annotations

import shutil

import pytest

import hybridrec
from hybridrec.online.event_log import EventLog, EventLogError
from hybridrec.service.live import LiveRecommender
from tests.service.serving import BEARER, TOKEN, client_of


@pytest.fixture
def log(tmp_path):
    with EventLog(tmp_path / "feedback.sqlite") as log:
        yield log


@pytest.fixture
def client(folders, log):
    models = {name: LiveRecommender(folders[name], log=log) for name in ("hybrid-als", "rp3-beta")}
    client = client_of(models, token=TOKEN, max_batch=3)
    yield client
    client.close()


def told(client, *events, key=None, **more):
    headers = BEARER if key is None else {**BEARER, "Idempotency-Key": key}
    answer = client.post("/feedback", {"events": list(events), **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_feedback_is_stored_and_the_next_list_knows_of_it(client, log):
    first = client.json("/recommend?user=3&k=1")["items"][0]["item"]
    event = {"user": 3, "item": first, "weight": 2.0, "kind": "buy", "timestamp": 1e9}
    assert told(client, event) == {"stored": True, "ids": [1]}
    stored = log.of_user(3)[0]
    assert (stored.item, stored.weight, stored.kind, stored.timestamp) == (first, 2.0, "buy", 1e9)
    for model in ("hybrid-als", "rp3-beta"):
        answer = client.json(f"/recommend?user=3&k=60&model={model}")
        assert first not in [entry["item"] for entry in answer["items"]]
    assert first in [one["item"] for one in client.json("/users/3")["items"]]


def test_a_user_known_by_feedback_alone_is_served(client):
    assert client.get("/recommend?user=4711").status_code == 404
    told(client, {"user": 4711, "item": 1}, {"user": 4711, "item": 3})
    answer = client.json("/recommend?user=4711&k=3")
    assert {entry["source"] for entry in answer["items"]} == {"fold-in"}
    history = [{"item": 1}, {"item": 3}]
    assert answer["items"] == client.json("/recommend", {"history": history, "k": 3})["items"]
    assert client.json("/users/4711")["fitted"] is False
    assert client.json("/explain?user=4711&item=5")["user"] == 4711


def test_the_same_key_stores_nothing_twice(client, log):
    event = {"user": 3, "item": 5}
    assert told(client, event, key="a") == {"stored": True, "ids": [1]}
    assert told(client, event, key="a") == {"stored": False, "ids": [1]}
    assert told(client, event, key=None) == {"stored": True, "ids": [2]}
    answer = client.post("/feedback", {"events": [event], "key": "a"}, headers=BEARER)
    assert answer.json() == {"stored": False, "ids": [1]}
    other = {"events": [{"user": 3, "item": 6}]}
    message = client.refused(
        422, "POST", "/feedback", json=other, headers={**BEARER, "Idempotency-Key": "a"}
    )
    assert "used for other events" in message
    assert log.count() == 2
    assert "hybridrec_feedback_events_total 2.0" in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/feedback", "/reload"])
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer no"}, {"Authorization": f"Basic {TOKEN}"}]
)
def test_nobody_writes_without_the_token(client, log, path, headers):
    answer = client.post(path, {"events": [{"user": 3, "item": 5}]}, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert TOKEN not in answer.text
    assert log.count() == 0


def test_without_a_token_or_a_log_writing_is_off(folders, log):
    models = {"als": LiveRecommender(folders["als"], log=log)}
    body = {"events": [{"user": 3, "item": 5}]}
    client = client_of(models)
    for path in ("/feedback", "/reload"):
        assert "HYBRIDREC_TOKEN" in client.refused(403, "POST", path, json=body, headers=BEARER)
    client.close()
    client = client_of({"als": LiveRecommender(folders["als"])}, token=TOKEN)
    assert "--feedback" in client.refused(403, "POST", "/feedback", json=body, headers=BEARER)
    client.close()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"user": 3}, "events.0.item"),
        ({"user": 3, "item": True}, "events.0.item"),
        ({"user": 3, "item": 2**63}, "events.0.item"),
        ({"user": "", "item": 5}, "events.0.user"),
        ({"user": "anna", "item": 5}, "integers"),
        ({"user": 3, "item": 5, "weight": "much"}, "events.0.weight"),
        ({"user": 3, "item": 5, "timestamp": -1}, "events.0.timestamp"),
        ({"user": 3, "item": 5, "kind": "x" * 201}, "events.0.kind"),
        ({"user": 3, "item": 5, "wieght": 1}, "wieght"),
    ],
)
def test_events_that_make_no_sense(client, log, event, message):
    body = {"events": [{"user": 1, "item": 1}, event]}
    if message.startswith("events.0"):
        body["events"].reverse()
    assert message in client.refused(422, "POST", "/feedback", json=body, headers=BEARER)
    assert log.count() == 0


def test_feedback_has_a_limit(client, log):
    body = {"events": [{"user": 3, "item": 5}] * 4}
    assert "at most 3" in client.refused(422, "POST", "/feedback", json=body, headers=BEARER)
    headers = {**BEARER, "Idempotency-Key": "x" * 256}
    body = {"events": [{"user": 3, "item": 5}]}
    assert client.post("/feedback", body, headers=headers).status_code == 422
    assert log.count() == 0


def test_a_log_that_cannot_be_written_gives_503_and_the_service_goes_on(
    client, monkeypatch, caplog
):
    def full(*_):
        raise EventLogError("cannot write to the feedback log: database or disk is full")

    body = {"events": [{"user": 3, "item": 5}]}
    with monkeypatch.context() as patch:
        patch.setattr(EventLog, "append", full)
        message = client.refused(503, "POST", "/feedback", json=body, headers=BEARER)
        assert "feedback cannot be used now" in message
    assert "disk is full" in caplog.text
    assert client.get("/recommend?user=3").status_code == 200
    assert told(client, *body["events"])["stored"] is True


def test_a_new_version_is_served_after_reload(folders, world, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(folders["als"], folder)
    client = client_of({"films": LiveRecommender(folder)}, token=TOKEN)
    old = client.json("/recommend?user=3")
    hybridrec.ALS(factors=4, iterations=2, num_threads=1).fit(world).save(folder, overwrite=True)
    assert client.json("/recommend?user=3") == old
    answer = client.post("/reload", headers=BEARER).json()
    new = client.json("/recommend?user=3")
    assert answer == {"models": [{"name": "films", "version": new["version"]}]}
    assert new["version"] != old["version"]
    figures = client.get("/metrics").text
    assert f'hybridrec_model_info{{model="films",version="{new["version"]}"}} 1.0' in figures
    assert old["version"] not in figures
    client.close()


def test_a_broken_folder_is_said_and_the_old_model_goes_on(folders, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(folders["als"], folder)
    models = {"films": LiveRecommender(folder), "other": LiveRecommender(folders["rp3-beta"])}
    client = client_of(models, token=TOKEN)
    old = client.json("/recommend?user=3")
    (folder / "manifest.json").write_text("{")
    message = client.refused(409, "POST", "/reload", headers=BEARER)
    assert message.startswith("films is served as it was: ")
    assert "other" not in message
    assert client.json("/recommend?user=3") == old
    assert client.json("/ready") == {"status": "ok"}
    client.close()
