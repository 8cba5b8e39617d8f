"""Softmax and layer norm as loop nests: over rows, the last dimension, or channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch_mlir.dialects import math as math_dialect
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import shape_of
from pattern_mlir.passes.linalg_builders import Loops, Scalar, filled, nest

NAMES = "abcdefgh"
"""Loops over the dimensions of a tensor."""


def softmax(op: Any) -> Any:
    """Build a `pattern.softmax`."""
    x = op.input
    largest = _reduced(x, -np.inf, Scalar.maximum)
    exponentials = _with_rows(x, largest, lambda v, most: (v - most).apply(math_dialect.exp))
    return _with_rows(exponentials, _reduced(exponentials, 0, Scalar.__add__), Scalar.__truediv__)


def layer_norm(op: Any) -> Any:
    """Build a `pattern.layer_norm`."""
    x, axis, epsilon = op.input, op.axis, op.epsilon_value
    size = shape_of(x)[axis]
    loops = Loops(NAMES[: len(shape_of(x))])
    firsts = [0 if i == axis else at for i, at in enumerate(loops.counters())]
    operands = [(x, loops.counters()), (x, firsts)]
    # A sum of differences: that of equal numbers is 0, however many there are.
    total = nest(
        loops,
        operands,
        (
            filled(_without(shape_of(x), axis), x.type.element_type, 0),
            _without(loops.counters(), axis),
        ),
        lambda value, first, total: total + (value - first),
    )
    centred = nest(
        loops,
        [*operands, (total, _without(loops.counters(), axis))],
        (tensor.empty(shape_of(x), x.type.element_type), loops.counters()),
        lambda value, first, total, _: value - first - total / size,
    )
    squares = _with_rows(centred, None, lambda v: v * v)
    sums = _reduced(squares, 0, Scalar.__add__, axis)
    scaled = _with_rows(
        centred,
        sums,
        lambda v, total: v / (total / size + epsilon).apply(math_dialect.sqrt),
        axis,
    )
    along = [loops.counters()[axis]]
    return nest(
        loops,
        [(scaled, loops.counters()), (op.weight, along), (op.bias, along)],
        (tensor.empty(shape_of(x), x.type.element_type), loops.counters()),
        lambda value, weight, bias, _: value * weight + bias,
    )


def _reduced(
    x: Any, start: float, combine: Callable[[Scalar, Scalar], Scalar], axis: int = -1
) -> Any:
    """Build a number for each row of ``x`` along ``axis``."""
    loops = Loops(NAMES[: len(shape_of(x))])
    first = filled(_without(shape_of(x), axis), x.type.element_type, start)
    return nest(
        loops,
        [(x, loops.counters())],
        (first, _without(loops.counters(), axis)),
        lambda value, total: combine(total, value),
    )


def _with_rows(x: Any, rows: Any, body: Callable[..., Scalar], axis: int = -1) -> Any:
    """Build ``body`` of each element of ``x`` and its row's number, if there are ``rows``."""
    loops = Loops(NAMES[: len(shape_of(x))])
    numbers = [] if rows is None else [(rows, _without(loops.counters(), axis))]
    return nest(
        loops,
        [(x, loops.counters()), *numbers],
        (tensor.empty(shape_of(x), x.type.element_type), loops.counters()),
        lambda *scalars: body(*scalars[:-1]),
    )


def _without(items: Sequence[Any], axis: int) -> list[Any]:
    """Return ``items``, one a dimension, but for that of ``axis``."""
    return [item for i, item in enumerate(items) if i != axis % len(items)]
