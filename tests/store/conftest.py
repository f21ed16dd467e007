from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hybridrec.store import write_folder

sys.path.insert(0, str(Path(__file__).parent))  # for folders.py, which child processes import too


@pytest.fixture
def saved(tmp_path):
    """A folder "model" with save number 1, alone in its parent."""
    from folders import content

    write_folder(tmp_path / "model", **content(1))
    return tmp_path / "model"
