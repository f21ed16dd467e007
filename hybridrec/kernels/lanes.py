"""Many scores against one bar in a few vector instructions."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

tools: Any = cgutils  # without types
LANES = 64  # scores compared at a time


def _reaching(_typing_context: Any, row: Any, start: Any, bar: Any) -> Any:
    """Compare ``row[start:start + LANES]`` with a bar; bit j is set where score j is not below it.

    The row is a contiguous float32 array with so many scores; a NaN reaches nothing. Compilers
    do not find vector instructions for this as a loop: it has no float sum and an early end.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, given[0])
        index = context.cast(builder, given[1], signature.args[1], types.intp)
        place = tools.get_item_pointer(context, builder, kind, array, [index])
        vector = ir.VectorType(ir.FloatType(), LANES)
        scores = builder.load(builder.bitcast(place, vector.as_pointer()))
        scores.align = 4
        number = ir.IntType(32)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), given[2], number(0))
        order = ir.Constant(ir.VectorType(number, LANES), [0] * LANES)
        bars = builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), order)
        return builder.bitcast(builder.fcmp_ordered(">=", scores, bars), ir.IntType(64))

    return types.uint64(row, start, types.float32), generate


def _first_set(_typing_context: Any, bits: Any) -> Any:
    """Return the number of the lowest set bit; 64 without any."""

    def generate(_context: Any, builder: Any, _signature: Any, given: Any) -> Any:
        return builder.cttz(given[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


reaching: Any = intrinsic(_reaching)
first_set: Any = intrinsic(_first_set)
