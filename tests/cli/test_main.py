from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import metadata

import pytest

from hybridrec.cli import main as module
from hybridrec.errors import DataError

HEAVY = ("pandas", "scipy", "numba", "duckdb", "sklearn", "implicit", "rich", "hybridrec.models")


def test_help_lists_the_commands_and_imports_none():
    code = (
        "import sys\nfrom hybridrec.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        f"finally:\n    print([one for one in {HEAVY} if one in sys.modules], file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stderr == "[]\n"
    for name, line in module.COMMANDS.items():
        assert name in found.stdout
        assert line in found.stdout
    assert "_HYBRIDREC_COMPLETE=bash_source" in found.stdout


@pytest.mark.parametrize("name", module.COMMANDS)
def test_every_command_explains_itself_as_the_table_says(name, done):
    command = module.cli.get_command(None, name)
    assert command.name == name
    assert module.COMMANDS[name] == command.help.splitlines()[0]
    assert f"Usage: hybridrec {name}" in done(name, "--help")


@pytest.mark.parametrize("name", ["fit", "recommend", "similar", "evaluate", "embed"])
def test_examples_stand_on_lines_of_their_own(name, done):
    example = done(name, "--help").split("\n  Example:\n")[1]
    assert example.startswith(f"    hybridrec {name} ")


def test_no_command_shows_the_help(done):
    assert done() == done("--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recomend"], "did you mean 'recommend'"),
        (["zzz"], "there are demo, fit"),
        (["fit", "--modle", "als"], "--model"),
        (["--hlep"], "--help"),
        (["similar", "m"], "--item"),
    ],
)
def test_unknown_names_get_the_nearest_one(arguments, message, refused):
    error = refused(*arguments)
    assert message in error
    assert "--help'" in error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataError("a.csv: 2 bad rows\n  a.csv:3: 'x'"), "a.csv: 2 bad rows; a.csv:3: 'x'"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "a.csv"), "a.csv: Permission denied"),
        (MemoryError("12 GB"), "out of memory 12 GB"),
    ],
)
def test_an_error_becomes_one_line(error, message, refused, monkeypatch):
    monkeypatch.setattr("hybridrec.cli.datasets.dataset_names", _raising(error))
    assert refused("datasets") == f"Error: {message}\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_ctrl_c_says_so(error, run, monkeypatch):
    monkeypatch.setattr("hybridrec.cli.datasets.dataset_names", _raising(error))
    result = run("datasets")
    assert result.code == 130
    assert result.err.strip() == "Interrupted; nothing was written"


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("hybridrec.cli.datasets.dataset_names", _raising(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        module.main(["datasets"])


def test_a_signal_during_writing_leaves_no_file(run, model, files, monkeypatch):
    def interrupted(columns, *_):
        signal.raise_signal(signal.SIGINT)  # in this thread, so before anything is written
        return columns

    monkeypatch.setattr("hybridrec.cli.recommend.with_titles", interrupted)
    before = sorted(files.iterdir())
    outer = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may have it ignored
    try:
        assert run("recommend", model, "--all", "-o", "lists.csv").code == 130
    finally:
        signal.signal(signal.SIGINT, outer)
    assert sorted(files.iterdir()) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_real_pipes_and_a_full_disk():
    command = [sys.executable, "-m", "hybridrec.cli.main", "datasets"]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (found.returncode, found.stderr) == (2, "Error: No space left on device\n")
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    found = subprocess.run(
        command, stdout=reader.stdin, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (1, "")


def test_the_version_is_that_of_the_package(done):
    try:
        version = metadata.version("hybridrec")
    except metadata.PackageNotFoundError:
        pytest.skip("hybridrec is not installed")
    assert done("--version") == f"hybridrec {version}\n"


def test_commands_and_options_complete_in_the_shell():
    def complete(words: str) -> str:
        environment = os.environ | {
            "_HYBRIDREC_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        command = [sys.executable, "-m", "hybridrec.cli.main"]
        found = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        return found.stdout

    assert "plain,recommend" in complete("hybridrec rec")
    assert "plain,--min-weight" in complete("hybridrec fit --min-w")


def _raising(error: BaseException):
    def function():
        raise error

    return function
