"""The bytes of our objects, by which workers decide what goes to their disks."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

PACKAGE = __name__.partition(".")[0]


@cache
def tell_sizes() -> None:
    """Tell Dask what objects of this package hold; it takes those that it does not know for tiny.

    Called on every worker before its first task; all other objects keep the size they had.
    """
    from dask.sizeof import sizeof

    def size(one: Any) -> int:
        total = sys.getsizeof(one)
        if type(one).__module__.partition(".")[0] == PACKAGE:
            total += sum(sizeof(part) for part in getattr(one, "__dict__", {}).values())
        return total

    sizeof.register(object)(size)
