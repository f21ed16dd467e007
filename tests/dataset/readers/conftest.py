"""Small files to read."""

from __future__ import annotations

import gzip

import pytest


@pytest.fixture
def save(tmp_path):
    """Write a file (packed if its name says so) and return its path."""

    def write(name: str, content: str | bytes):
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write
