"""What a model makes once and keeps beside what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def kept(owner: Any, name: str, made_of: tuple[Any, ...], make: Callable[[], T]) -> T:
    """Return what is made once and kept until something it is made of is another object.

    Never saved. Two threads may make it at once; either result serves.
    """
    store = owner.__dict__.setdefault("_kept", {})
    found = store.get(name)
    if found is None or any(a is not b for a, b in zip(found[0], made_of, strict=True)):
        found = store[name] = (made_of, make())
    value: T = found[1]
    return value
