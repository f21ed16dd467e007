"""The service against requests made from its own description, good and bad."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from hybridrec.online.event_log import EventLog
from hybridrec.service.app import App
from hybridrec.service.live import LiveRecommender
from hybridrec.service.settings import Settings
from tests.service.serving import BEARER, TOKEN

# A request of the right form may name users, items and columns that there are not.
NOT_MEANT = [schemathesis.checks.positive_data_acceptance]
# It does not count 413 among the answers that refuse.
NOT_OF_LARGE_BODIES = schemathesis.checks.negative_data_rejection

OPERATIONS = [
    ("GET", "/recommend"),
    ("POST", "/recommend"),
    ("POST", "/recommend/batch"),
    ("GET", "/similar"),
    ("GET", "/explain"),
    ("POST", "/explain"),
    ("GET", "/items/{item}"),
    ("GET", "/items"),
    ("GET", "/users"),
    ("GET", "/users/{user}"),
    ("GET", "/models"),
    ("POST", "/feedback"),
    ("POST", "/reload"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
]


@pytest.fixture(scope="module")
def described(folders, tmp_path_factory):
    """Return the description of a service with a token, so that all of it is reached."""
    path = tmp_path_factory.mktemp("feedback") / "feedback.sqlite"
    with EventLog(path) as log:
        models = {
            name: LiveRecommender(folders[name], log=log) for name in ("hybrid-als", "rp3-beta")
        }
        app = App(models, Settings(token=TOKEN, max_batch=5))
        yield schemathesis.openapi.from_asgi("/openapi.json", app)
        app.service.close()


def test_all_that_is_described_is_tried(described):
    there = {(one.ok().method.upper(), one.ok().path) for one in described.get_all_operations()}
    assert there == set(OPERATIONS)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_makes_the_service_fail(described, method, path, mode):
    """No 5xx, and every answer is as the description says."""
    operation = described[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def check(case):
        answer = case.call(headers=BEARER)
        excluded = NOT_MEANT if answer.status_code != 413 else [*NOT_MEANT, NOT_OF_LARGE_BODIES]
        case.validate_response(answer, excluded_checks=excluded)

    try:
        check()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # an operation without input cannot get wrong input
