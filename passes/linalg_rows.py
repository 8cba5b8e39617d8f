"""Softmax and layer norm as loop nests: over rows, the last dimension."""

from __future__ import annotations

from collections.abc import Callable
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
    x, size, epsilon = op.input, shape_of(op.input)[-1], op.epsilon_value
    centred = _with_rows(x, _reduced(x, 0, Scalar.__add__), lambda v, total: v - total / size)
    squares = _with_rows(centred, None, lambda v: v * v)
    sums = _reduced(squares, 0, Scalar.__add__)
    scaled = _with_rows(
        centred,
        sums,
        lambda v, total: v / (total / size + epsilon).apply(math_dialect.sqrt),
    )
    loops = Loops(NAMES[: len(shape_of(x))])
    last = loops.counters()[-1:]
    return nest(
        loops,
        [(scaled, loops.counters()), (op.weight, last), (op.bias, last)],
        (tensor.empty(shape_of(x), x.type.element_type), loops.counters()),
        lambda value, weight, bias, _: value * weight + bias,
    )


def _reduced(x: Any, start: float, combine: Callable[[Scalar, Scalar], Scalar]) -> Any:
    """Build a number a row of ``x``."""
    *rows, _ = shape_of(x)
    loops = Loops(NAMES[: len(rows) + 1])
    first = filled(rows, x.type.element_type, start)
    return nest(
        loops,
        [(x, loops.counters())],
        (first, loops.counters()[:-1]),
        lambda value, total: combine(total, value),
    )


def _with_rows(x: Any, rows: Any, body: Callable[..., Scalar]) -> Any:
    """Build ``body`` of each element of ``x`` and its row's number, if there are ``rows``."""
    loops = Loops(NAMES[: len(shape_of(x))])
    numbers = [] if rows is None else [(rows, loops.counters()[:-1])]
    return nest(
        loops,
        [(x, loops.counters()), *numbers],
        (tensor.empty(shape_of(x), x.type.element_type), loops.counters()),
        lambda *scalars: body(*scalars[:-1]),
    )
