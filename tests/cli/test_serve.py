"""``hybridrec serve``: what it refuses before it serves; serving itself is in tests/service."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys

import pandas as pd

import hybridrec
from hybridrec.online.event_log import EventLog


def test_help_says_how_to_turn_writing_on(done):
    text = done("serve", "--help")
    assert "HYBRIDREC_TOKEN" in text
    assert "--feedback FILE" in text


def test_what_is_no_model_is_refused(refused, files):
    assert "missing" in refused("serve", files / "missing")


def test_an_empty_token_is_refused(refused, model, monkeypatch):
    monkeypatch.setenv("HYBRIDREC_TOKEN", " ")
    assert "HYBRIDREC_TOKEN is empty" in refused("serve", model, "--port", 0)


def test_names_must_differ(refused, model, files):
    shutil.copytree(model, files / "films")
    assert "would both be called films" in refused("serve", model, files / "films")


def test_a_port_in_use_is_refused(refused, model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = refused("serve", model, "--port", port)
    assert f"port {port}" in message
    assert "--port" in message


def test_a_host_that_is_not_ours_is_refused(refused, model):
    assert "--host" in refused("serve", model, "--host", "no.such.host.invalid")


def test_a_log_that_is_none_is_refused(refused, model):
    assert "manifest.json" in refused(
        "serve", model, "--port", 0, "--feedback", model / "manifest.json"
    )


def test_models_with_ids_of_other_types_share_no_log(refused, model, files, tmp_path_factory):
    rows = pd.DataFrame({"user": ["a", "a", "b"], "item": ["x", "y", "x"]})
    data = hybridrec.Interactions.from_frame(rows)
    hybridrec.Popularity().fit(data).save(files / "books")
    log = tmp_path_factory.mktemp("log") / "feedback.sqlite"
    EventLog(log).close()
    message = refused("serve", model, files / "books", "--port", 0, "--feedback", log)
    assert "ids of different types" in message


def test_without_the_extra_the_pip_line_is_told(model):
    code = "import sys; sys.modules['uvicorn'] = None\n"
    code += f"sys.argv = ['hybridrec', 'serve', {str(model)!r}]\n"
    code += "from hybridrec.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'hybridrec[serve]'" in done.stderr
    assert "Traceback" not in done.stderr
