"""What the service answers: lists, explanations, what there is."""

from __future__ import annotations

import pytest

from hybridrec.ranking.rules import Rules
from hybridrec.service import gathering
from hybridrec.service.live import LiveRecommender
from tests.service.serving import Client, client_of


@pytest.fixture(scope="module")
def models(folders):
    return {name: LiveRecommender(folders[name]) for name in ("hybrid-als", "rp3-beta")}


@pytest.fixture(scope="module")
def live(models):
    return models["hybrid-als"]


@pytest.fixture(scope="module")
def client(models):
    client = client_of(models)
    yield client
    client.close()


def ids(answer):
    return [entry["item"] for entry in answer["items"]]


def as_entries(live, found):
    return [
        {
            "item": one.item,
            "title": live.title(one.item),
            "score": one.score,
            "rank": one.rank,
            "source": one.source,
        }
        for one in found
    ]


def test_a_list_is_that_of_the_model_with_titles_and_version(client, live):
    answer = client.json("/recommend?user=3&k=4")
    assert answer == {
        "model": "hybrid-als",
        "version": live.version,
        "user": 3,
        "items": as_entries(live, live.recommend(3, k=4)),
    }
    assert len(answer["items"]) == 4


def test_ten_items_from_the_first_model_if_nothing_else_is_said(client, live):
    assert ids(client.json("/recommend?user=3")) == [one.item for one in live.recommend(3, k=10)]


@pytest.mark.parametrize(
    "query",
    ["user=3", "user=0&k=1", "user=7&k=200", "user=7&k=3&model=rp3-beta", "user=7&model=rp3-beta"],
)
def test_the_way_around_the_framework_gives_the_same_bytes(client, query):
    framework = Client(client.app.api)
    short, long = client.get(f"/recommend?{query}"), framework.get(f"/recommend?{query}")
    framework.close()
    assert (short.status_code, short.content) == (200, long.content)
    assert short.headers["content-type"] == long.headers["content-type"] == "application/json"


@pytest.mark.parametrize("query", ["k=3&user=3", "user=%33&k=3", "user=3&k=03"])
def test_queries_in_other_forms_mean_the_same(client, query):
    assert client.json(f"/recommend?{query}") == client.json("/recommend?user=3&k=3")


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("user=4711", 404, "4711 was never seen"),
        ("user=anna", 404, "user ids are integers here, got 'anna'"),
        ("user=99999999999999999999", 404, "user ids are integers here"),
        ("user=3&k=3&where=year", 422, "no parameter 'where' at this address"),
        ("user=3&k=201", 422, "at most 200"),
        ("user=3&k=0", 422, "k: "),
        ("user=3&k=x", 422, "k: "),
        ("user=", 422, "user: "),
        ("", 422, "user: "),
        ("user=3&model=rp3-bet", 404, "did you mean 'rp3-beta'"),
        ("user=" + "9" * 201, 422, "user: "),
    ],
)
def test_what_cannot_be_answered_is_said(client, query, status, message):
    assert message in client.refused(status, "GET", f"/recommend?{query}")


def test_requests_that_come_at_once_get_their_own_answers(client):
    users = [0, 1, 4711, 2, 2, 3]
    urls = [f"/recommend?user={user}&k={3 + user % 2}" for user in users]
    alone = [client.get(url) for url in urls]
    together = client.at_once(*urls)
    assert [one.status_code for one in together] == [200, 200, 404, 200, 200, 200]
    assert [one.content for one in together] == [one.content for one in alone]


def test_a_crowd_is_served_in_parts(client, monkeypatch):
    urls = [f"/recommend?user={user}&k=2" for user in range(7)]
    alone = [client.json(url) for url in urls]
    monkeypatch.setattr(gathering, "MOST", 3)
    assert [one.json() for one in client.at_once(*urls)] == alone


def test_a_failure_of_the_model_reaches_all_who_wait(folders, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret")

    client = client_of({"als": LiveRecommender(folders["als"])})
    monkeypatch.setattr(gathering, "answer", broken)
    answers = client.at_once("/recommend?user=1", "/recommend?user=2")
    client.close()
    assert [one.status_code for one in answers] == [500, 500]
    assert "secret" not in answers[0].text
    assert "Traceback" not in answers[0].text


def test_a_history_is_folded_in_and_unknown_items_are_passed_over(client, live):
    history = [{"item": 1, "weight": 5.0}, {"item": 2}, {"item": 4711}]
    answer = client.json("/recommend", {"history": history, "k": 5})
    assert answer["user"] is None
    assert answer["items"] == as_entries(live, live.recommend(history={1: 5.0, 2: 1.0}, k=5))
    assert {entry["source"] for entry in answer["items"]} == {"fold-in"}


def test_an_empty_history_gets_popular_items(client, live):
    answer = client.json("/recommend", {"history": [], "k": 3})
    assert ids(answer) == [one.item for one in live.recommend(history=[], k=3)]


def test_a_new_user_by_features(client, live):
    features = {"taste": "odd", "age": 30}
    answer = client.json("/recommend", {"features": features, "k": 3})
    assert answer["items"] == as_entries(live, live.recommend(features=features, k=3))


def test_somebody_must_be_named(client):
    message = client.refused(422, "POST", "/recommend", json={"k": 3})
    assert "user, history or features" in message


def test_rules_in_json(client, live):
    where = [{"column": "year", "operator": ">=", "value": 2020}]
    rules = {"where": where, "deny": [41], "quota": {"group": 2}, "pin": {"2": 33}}
    answer = client.json("/recommend", {"user": 3, "k": 6, "rules": rules})
    direct = live.recommend(3, k=6, rules=Rules.from_json(rules))
    assert ids(answer) == [one.item for one in direct]
    assert answer["items"][1]["source"] == "pinned"
    assert 41 not in ids(answer)
    assert len(answer["items"]) <= 4


def test_rules_may_name_items_that_are_newer_than_the_model(client):
    rules = {"allow": [1, 2, 41, 4711], "deny": [4712, 41]}
    assert set(ids(client.json("/recommend", {"user": 0, "rules": rules}))) <= {1, 2}
    rules = {"user_deny": [{"user": 3, "items": [4711]}]}
    direct = client.json("/recommend?user=3")
    assert ids(client.json("/recommend", {"user": 3, "rules": rules})) == ids(direct)


def test_rules_that_leave_nothing_give_an_empty_list(client):
    rules = {"where": [{"column": "year", "operator": ">", "value": 3000}]}
    assert client.json("/recommend", {"user": 3, "rules": rules})["items"] == []


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"where": "year >= 1990"}, "rules.where"),
        ({"where": [{"column": "yeer", "operator": "==", "value": 1}]}, "yeer"),
        ({"where": [{"column": "year", "operator": "; drop", "value": 1}]}, "operator"),
        ({"denny": [1]}, "denny"),
        ({"quota": {"group": -1}}, "quota"),
        ({"pin": {"1": 4711}}, "pin: unknown item id 4711"),
        ({"deny": ["anna"]}, "item ids are integers here"),
        ({"deny": list(range(10_001))}, "deny"),
        ({"where": [{"column": "year", "operator": "present"}] * 51}, "where"),
    ],
)
def test_rules_that_make_no_sense(client, rules, message):
    body = {"user": 3, "rules": rules}
    assert message in client.refused(422, "POST", "/recommend", json=body)


def test_lists_are_made_diverse(client, live):
    rerank = {"name": "mmr", "weight": 0.9}
    answer = client.json("/recommend", {"user": 3, "k": 5, "rerank": rerank})
    assert ids(answer) == [one.item for one in live.recommend(3, k=5, rerank="mmr:weight=0.9")]
    message = client.refused(422, "POST", "/recommend", json={"user": 3, "rerank": {"name": "mr"}})
    assert "did you mean 'mmr'" in message


def test_reasons_sum_to_the_score(client):
    answer = client.json("/recommend", {"user": 3, "k": 2, "explain": True})
    for entry in answer["items"]:
        explanation = entry["explanation"]
        assert sum(part["value"] for part in explanation["parts"]) == pytest.approx(
            entry["score"], abs=1e-4
        )
        assert (explanation["user"], explanation["item"]) == (3, entry["item"])
        assert entry["reason"] is None or isinstance(entry["reason"], str)


@pytest.mark.parametrize("body", [{"user": 3, "k": 51}, {"features": {"taste": "odd"}}])
def test_not_everything_is_explained(client, body):
    message = client.refused(422, "POST", "/recommend", json={**body, "explain": True})
    assert "explain" in message


def test_a_batch_holds_the_single_answers_in_their_order(client):
    requests = [{"user": 3, "k": 2}, {"history": [{"item": 1}], "k": 3}, {"user": 2, "k": 1}]
    batch = client.json("/recommend/batch", {"requests": requests, "model": "rp3-beta"})
    single = [client.json("/recommend", {**one, "model": "rp3-beta"}) for one in requests]
    assert [one["items"] for one in batch["answers"]] == [one["items"] for one in single]
    assert [one["user"] for one in batch["answers"]] == [3, None, 2]


def test_a_batch_has_a_limit(folders):
    client = client_of({"als": LiveRecommender(folders["als"])}, max_batch=2)
    message = client.refused(422, "POST", "/recommend/batch", json={"requests": [{"user": 1}] * 3})
    client.close()
    assert "at most 2 at once, got 3" in message


def test_similar_items(client, live):
    answer = client.json("/similar?item=5&k=3")
    assert (answer["item"], answer["title"]) == (5, live.title(5))
    assert answer["items"] == as_entries(live, live.similar(5, 3))
    assert "unknown item" in client.refused(404, "GET", "/similar?item=4711")


def test_an_explanation_for_a_user_and_for_a_history(client, live):
    answer = client.json("/explain?user=3&item=5")
    assert (answer["user"], answer["item"], answer["title"]) == (3, 5, live.title(5))
    assert sum(part["value"] for part in answer["parts"]) == pytest.approx(
        answer["score"], abs=1e-4
    )
    assert answer == client.json("/explain", {"user": 3, "item": 5})
    new = client.json("/explain", {"history": [{"item": 1}], "item": 5})
    assert new["user"] is None
    assert {part.get("item") for part in new["parts"]} <= {1, None}
    assert "never seen" in client.refused(404, "GET", "/explain?user=4711&item=5")
    assert "unknown item" in client.refused(404, "GET", "/explain?user=3&item=4711")


def test_the_row_of_an_item(client, live):
    answer = client.json("/items/3")
    assert answer["title"] == live.title(3)
    assert answer["columns"] == {"group": "odd", "title": live.title(3), "year": None}
    assert answer["users"] == int(live.model.popularity_[3])
    assert "unknown item" in client.refused(404, "GET", "/items/..%2F..%2Fetc%2Fpasswd")


def test_items_and_users_are_found(client, live):
    found = client.json("/items?query=thing+7&limit=5")["items"]
    assert found == [{"item": 7, "title": live.title(7), "users": found[0]["users"]}]
    assert len(client.json("/items?limit=5")["items"]) == 5
    assert [one["user"] for one in client.json("/users?query=12")["users"]] == [12]
    assert "limit" in client.refused(422, "GET", "/users?limit=0")
    assert "query" in client.refused(422, "GET", "/items?query=" + "x" * 201)


def test_the_history_of_a_user(client, live):
    answer = client.json("/users/3")
    assert answer["fitted"] is True
    assert [(one["item"], one["weight"]) for one in answer["items"]] == live.history(3)
    assert answer["items"][0]["title"] == live.title(answer["items"][0]["item"])
    assert "unknown user" in client.refused(404, "GET", "/users/4711")


def test_models_tell_what_can_be_asked_of_them(client, live):
    answer = client.json("/models")
    assert [one["name"] for one in answer["models"]] == ["hybrid-als", "rp3-beta"]
    assert (answer["max_k"], answer["feedback"]) == (200, False)
    first = answer["models"][0]
    assert (first["users"], first["items"], first["version"]) == (41, 62, live.version)
    columns = {one["name"]: one for one in first["columns"]}
    assert sorted(columns["group"]["values"]) == ["even", "odd"]
    assert (columns["year"]["smallest"], columns["year"]["largest"]) == (1990, 2051)
    rerankers = {one["name"]: one["parameters"] for one in first["rerankers"]}
    assert "weight" in rerankers["mmr"]


def test_without_the_page_nothing_can_be_browsed(folders):
    client = client_of({"als": LiveRecommender(folders["als"])}, page=False)
    for path in ("/", "/page/page.js", "/items?query=a", "/users", "/users/3"):
        assert client.get(path).status_code == 404, path
    for path in ("/items/3", "/models", "/recommend?user=3"):
        assert client.get(path).status_code == 200, path
    client.close()
