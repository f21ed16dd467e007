"""What a worker makes once for all tasks of a half-iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MADE: dict[str, Any] = {}  # of this worker: the last of them alone


def once(token: str, make: Callable[[], Any]) -> Any:
    """Return what was made for this token, or make it, and let go of all else."""
    if token not in _MADE:
        _MADE.clear()
        _MADE[token] = make()
    return _MADE[token]


def forget() -> None:
    """Let go of what was made last."""
    _MADE.clear()
