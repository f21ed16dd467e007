"""Asking for memory before it is needed, so that waiting for it overlaps with work."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

tools: Any = cgutils  # without types
LINE = 16  # float32 numbers in a cache line


def _prefetch(_typing_context: Any, rows: Any, row: Any, column: Any) -> Any:
    """Ask for the cache line of ``rows[row, column]``."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, given[0])
        indices = [
            context.cast(builder, value, one, types.intp)
            for value, one in zip(given[1:], signature.args[1:], strict=True)
        ]
        place = tools.get_item_pointer(context, builder, kind, array, indices)
        address = builder.bitcast(place, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        function = tools.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0")
        builder.call(function, [address, number(0), number(3), number(1)])  # read, keep, data
        return context.get_dummy_value()

    return types.void(rows, row, column), generate


_ask: Any = intrinsic(_prefetch)


@njit(cache=True, nogil=True, forceinline=True)
def prefetch_row(rows: Any, row: int) -> None:
    """Ask for a row of a float32 table."""
    for column in range(0, rows.shape[1], LINE):
        _ask(rows, row, column)
