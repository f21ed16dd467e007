"""What the service refuses, and how: sizes, times, broken requests; headers and figures."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from hybridrec.service.core import Pool
from hybridrec.service.errors import ApiError
from hybridrec.service.guard import SECURITY_HEADERS
from hybridrec.service.live import LiveRecommender
from tests.service.serving import client_of

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def models(folders):
    return {"hybrid-als": LiveRecommender(folders["hybrid-als"])}


@pytest.fixture(scope="module")
def client(models):
    client = client_of(models, max_body=2000, body_seconds=0.2, request_seconds=0.5)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/recommend/", 404, "not_found"),
        ("GET", "/page/../app.py", 404, "not_found"),
        ("GET", "/page/%2e%2e%2fapp.py", 404, "not_found"),
        ("DELETE", "/recommend", 405, "method_not_allowed"),
        ("GET", "/feedback", 405, "method_not_allowed"),
        ("BREW", "/recommend", 405, "method_not_allowed"),
        ("GET", "/recommend", 422, "invalid"),
        ("POST", "/feedback", 403, "forbidden"),
    ],
)
def test_every_error_is_json_of_one_form(client, method, url, status, code):
    answer = client.request(method, url, json={"events": [{"user": 1, "item": 1}]})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["code"] == code
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "not JSON"),
        (b"", 422, "JSON object"),
        (b"[" * 900 + b"]" * 900, 422, "JSON object"),
        (b"[" * 1900, 400, ""),
        (b'{"user": NaN}', 422, "user"),
        (b'{"user": 3, "k": 1e400}', 422, "k: "),
        (b'{"user": 3, "k": true}', 422, "k: "),
        (b'{"user": "\\ud800"}', 422, "user"),
        (b'{"user": 1' + b"0" * 1000 + b"}", 422, "user"),
        (b'{"history": [{"item": 1, "weight": Infinity}]}', 422, "weight"),
        (b'{"history": {"1": 2}}', 422, "history"),
        (b"\xff\xfe", 400, ""),
    ],
)
def test_bodies_that_are_no_request(client, body, status, message):
    answer = client.request("POST", "/recommend", content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]
    assert client.get("/recommend?user=3").status_code == 200


def test_a_body_has_a_limit_told_or_not(client):
    body = json.dumps({"history": [{"item": 1}] * 200}).encode()
    for content in (body, iter([body[:1500], body[1500:]])):  # the second comes in chunks
        answer = client.request("POST", "/recommend", content=_sent(content), headers=JSON)
        assert answer.status_code == 413, answer.text
        assert "2000 bytes" in answer.json()["error"]["message"]
        assert answer.headers["connection"] == "close"


def _sent(content):
    if isinstance(content, bytes):
        return content

    async def parts():
        for one in content:
            yield one

    return parts()


def test_a_slow_body_is_cut(client):
    async def slow():
        yield b"{"
        await asyncio.sleep(60)

    answer = client.request("POST", "/recommend", content=slow(), headers=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (408, "timeout")


def test_a_slow_request_is_cut(client, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(LiveRecommender, "explain", lambda *_, **__: go_on.wait(20))
    answer = client.get("/explain?user=3&item=5")
    go_on.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert client.get("/recommend?user=3").status_code == 200


def test_a_pool_refuses_what_it_cannot_do_soon():
    async def too_many():
        pool, go_on = Pool(1, waiting=1), threading.Event()
        under_way = [asyncio.ensure_future(pool.run(go_on.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as refused:
            await pool.run(go_on.wait)
        go_on.set()
        assert await asyncio.gather(*under_way) == [True, True]
        assert await pool.run(int, "3") == 3
        pool.close()
        return refused.value

    error = asyncio.run(too_many())
    assert (error.status_code, error.headers) == (503, {"Retry-After": "1"})


@pytest.mark.parametrize("url", ["/recommend?user=3", "/recommend?user=x", "/models", "/nothing"])
def test_every_answer_has_headers_that_keep_browsers_safe(client, url):
    headers = client.get(url).headers
    for name, value in SECURITY_HEADERS:
        assert headers[name.decode()] == value.decode()
    assert "access-control-allow-origin" not in headers


def test_texts_are_sent_as_json_and_not_as_html(client):
    answer = client.get("/recommend?user=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.headers["content-type"] == "application/json"
    assert answer.status_code == 404


def test_an_unexpected_error_tells_nothing(models, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a secret")

    client = client_of(models)
    monkeypatch.setattr(LiveRecommender, "items", broken)
    answer = client.get("/items?query=a")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
    figures = client.get("/metrics").text
    assert 'hybridrec_errors_total{route="/items"} 1.0' in figures
    client.close()


def test_figures_count_by_route_and_hold_no_ids(models):
    client = client_of(models)
    client.get("/recommend?user=37")
    client.get("/recommend?user=%337")  # by the framework
    client.get("/users/37")
    client.get("/nothing/37")
    client.request("BREW", "/recommend")
    figures = client.get("/metrics").text
    count = "hybridrec_requests_total"
    assert f'{count}{{method="GET",route="/recommend",status="200"}} 2.0' in figures
    assert f'{count}{{method="GET",route="/users/{{user:path}}",status="200"}} 1.0' in figures
    assert f'{count}{{method="GET",route="none",status="404"}} 1.0' in figures
    assert f'{count}{{method="other",route="/recommend",status="405"}} 1.0' in figures
    assert 'hybridrec_request_seconds_count{route="/recommend"} 3.0' in figures
    version = models["hybrid-als"].version
    assert f'hybridrec_model_info{{model="hybrid-als",version="{version}"}} 1.0' in figures
    labels = [line.rpartition(" ")[0] for line in figures.replace(version, "").splitlines()]
    assert not any("37" in one for one in labels)
    client.close()


def test_ready_until_the_end_begins(models):
    client = client_of(models)
    assert client.json("/ready") == {"status": "ok"}
    client.app.service.stopping = True
    assert "shutting down" in client.refused(503, "GET", "/ready")
    assert client.json("/health") == {"status": "ok"}
    client.close()


def test_the_description_names_limits_and_answers(client):
    described = client.json("/openapi.json")
    schemas = described["components"]["schemas"]
    assert schemas["RecommendRequest"]["properties"]["k"]["maximum"] == 200
    assert schemas["RecommendRequest"]["examples"]
    listing = described["paths"]["/recommend"]["get"]
    assert {"200", "404", "422"} <= set(listing["responses"])
    parameters = {one["name"]: one for one in listing["parameters"]}
    assert parameters["k"]["schema"]["maximum"] == 200
    reply = listing["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert set(schemas[reply.rpartition("/")[2]]["required"]) == {
        "model", "version", "user", "items",
    }  # fmt: skip
    used = json.dumps(described)
    assert "HTTPValidationError" not in used
