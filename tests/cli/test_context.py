"""Contexts on the command line: fit, recommend, explain."""

import json

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": rng.integers(0, 60, 1200)})
    frame["device"] = np.where(rng.random(len(frame)) < 0.5, "tv", "phone")
    frame["item"] = (20 * rng.beta(1, 2, len(frame))).astype(int) + 20 * (frame.device == "phone")
    frame["timestamp"] = 86_400 * np.arange(len(frame)) + np.where(frame.device == "tv", 72_000, 0)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path


@pytest.fixture
def model(files, done):
    done(
        *("fit", files / "rows.csv", "--model", "contextual", "--set", "base=item-knn"),
        *("--context", "device", "--context", "daypart", "--timezone", "+01:00"),
        *("-o", files / "model"),
    )
    return files / "model"


def items(done, model, *options):
    answer = done("recommend", model, "--user", 1, "-k", 4, "--format", "json", *options)
    return [row["item"] for row in json.loads(answer)]


def test_lists_depend_on_the_context(done, model):
    tv = items(done, model, "--context", "device=tv")
    phone = items(done, model, "--context", "device=phone", "--context", "daypart=night")
    assert np.mean(tv) < np.mean(phone)
    explained = done(
        *("explain", model, "--user", 1, "--item", phone[0], "--format", "json"),
        *("--context", "device=phone"),
    )
    told = json.loads(explained)
    assert sum(part["value"] for part in told["parts"]) == pytest.approx(told["score"], abs=1e-5)


def test_a_value_never_seen_is_told(run, done, model):
    found = run(
        "recommend", model, "--user", 1, "-k", 4, "--format", "json", "--context", "device=x"
    )
    assert found.code == 0
    assert "no interaction of the fit had the context device=x: it changes nothing" in found.err
    assert [row["item"] for row in json.loads(found.out)] == items(done, model)


def test_contexts_that_make_no_sense(refused, model, files):
    ask = ("recommend", model, "--user", 1, "--context")
    assert "no context 'devise' here; did you mean 'device'" in refused(*ask, "devise=tv")
    assert "context 'tv' must look like name=value" in refused(*ask, "tv")
    fit = ("fit", files / "rows.csv", "--model", "contextual", "-o", files / "other")
    assert "no column 'devise'" in refused(*fit, "--context", "devise")
    assert "unknown timezone" in refused(*fit, "--context", "hour", "--timezone", "nowhere")
