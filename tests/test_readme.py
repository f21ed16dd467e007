"""The README's tours run as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_python_tour(tmp_path):
    tour = "\n".join(blocks("python"))
    done = subprocess.run(
        [sys.executable, "-c", tour], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "hybrid, no knowledge" in done.stdout


def test_command_line_tour(tmp_path):
    first, *others = [block for block in blocks("sh") if "python3 -m venv" not in block]
    first = first.split("# your own files")[0]  # the rest names files that are not here
    commands = "\n".join([first, *others])
    here = f"{sys.executable} -m hybridrec.cli.main "
    commands = re.sub("^hybridrec ", here, commands, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hybrid-als:features=columns" in done.stdout


@pytest.mark.parametrize("name", ["main", "tests"])
def test_ci_finds_the_commands(name):
    assert re.search(rf"<!-- ci: {name} -->\n```sh\npython3 -m venv [^\n]+\n```", README)


def test_top_level():
    """The house of the README is the house that stands."""
    allowed = {"hybridrec", "tests", "data", "bench", "setup.py", "README.md"}
    allowed |= {"pyproject.toml", "LICENSE", "CHANGELOG.md", "build", "hybridrec.egg-info"}
    found = {one.name for one in ROOT.iterdir() if not one.name.startswith(".")}
    assert found <= allowed
    for folder in re.findall(r"`hybridrec/(\w+)`", README):
        assert (ROOT / "hybridrec" / folder / "__init__.py").exists()
