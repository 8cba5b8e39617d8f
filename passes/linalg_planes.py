"""Pools and resizing as loop nests: what works on each plane of [N, C, H, W] by itself.

Windows are rectangles, so each pool and each resize is done along one axis, then along the other:
fewer operations, and sums over large windows lose less than one long f32 sum would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, linalg, tensor

from pattern_mlir.dialects import integers, shape_of, tensor_like
from pattern_mlir.passes.linalg_builders import (
    Loops,
    Scalar,
    collapsed,
    computed_type,
    constant,
    elementwise,
    expanded,
    filled,
    nest,
    padded,
)

Combine = Callable[[Scalar, Scalar], Scalar]
ROWS, COLUMNS = 2, 3
"""Axes of a tensor [N, C, H, W]."""


def padded_for_windows(
    x: Any,
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
    number: float,
) -> Any:
    """Build ``x`` with ``number`` round its planes, as far as ``size`` = [OH, OW] windows reach.

    ``padding`` = [top, left, bottom, right]; a far edge that no window reads is left out, and one
    that windows reach over (`ceil_mode`) is added.
    """
    plane = shape_of(x)[2:]
    ends = [(size[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
    far = [max(0, ends[i] - padding[i] - plane[i]) for i in (0, 1)]
    return padded(x, padding[:2], far, number)


def max_pool(
    x: Any,
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
) -> Any:
    """Build the maximum over windows; NaN wins."""
    x = padded_for_windows(x, size, kernel, strides, padding, dilations, -np.inf)
    for i, axis in enumerate((ROWS, COLUMNS)):
        x = _slid(x, axis, size[i], kernel[i], strides[i], dilations[i], -np.inf, Scalar.maximum)
    return x


def average_pool(op: Any) -> Any:
    """Build the mean over the windows of a `pattern.average_pool`."""
    size, kernel, strides, padding, dilations = op.windows()
    x = padded_for_windows(op.input, size, kernel, strides, padding, dilations, 0)
    for i, axis in enumerate((ROWS, COLUMNS)):
        x = _slid(x, axis, size[i], kernel[i], strides[i], dilations[i], 0, Scalar.__add__)
    return _stored(_divided(x, op.divisors()), op)


def adaptive_average_pool(op: Any) -> Any:
    """Build the mean over the windows of a `pattern.adaptive_average_pool`."""
    x, counts = op.input, []
    for i, axis in enumerate((ROWS, COLUMNS)):
        bounds, size = op.bounds(i), shape_of(x)[axis]
        step, rest = divmod(size, len(bounds))
        if rest == 0:
            x = _slid(x, axis, len(bounds), step, step, 1, 0, Scalar.__add__)
        else:
            x = _summed_between(x, axis, bounds)
        counts.append(np.array([last - first for first, last in bounds]))
    return _stored(_divided(x, np.outer(counts[0], counts[1])), op)


def _stored(x: Any, op: Any) -> Any:
    """Build ``x`` in the element type of the result of ``op``."""
    type_ = op.result.type.element_type
    return x if type_ == x.type.element_type else elementwise([x], lambda value: value, type_)


def _slid(
    x: Any,
    axis: int,
    size: int,
    kernel: int,
    stride: int,
    dilation: int,
    start: float,
    combine: Combine,
) -> Any:
    """Build ``combine`` over a window that slides along ``axis`` to ``size`` positions.

    Sums of f16 are f32; a maximum is what it was.
    """
    if kernel == 1 and stride == 1:
        return x
    loops = Loops("nchkw")
    source = loops.at("nchw")
    source[axis] = source[axis] * stride + loops["k"] * dilation
    shape, element_type = shape_of(x), x.type.element_type
    element_type = element_type if combine is Scalar.maximum else computed_type(element_type)
    shape[axis] = size
    # No element of the window is read: its shape tells how far the loop k runs.
    window = tensor.empty([kernel], element_type)
    return nest(
        loops,
        [(x, source), (window, loops.at("k"))],
        (filled(shape, element_type, start), loops.at("nchw")),
        lambda value, _, result: combine(result, value),
    )


def _summed_between(x: Any, axis: int, bounds: Sequence[tuple[int, int]]) -> Any:
    """Build the sums over [first, last) along ``axis`` for each of the ``bounds``."""
    longest = max(last - first for first, last in bounds)
    positions = np.full((len(bounds), longest), -1)
    for row, (first, last) in zip(positions, bounds, strict=True):
        row[: last - first] = range(first, last)
    loops = Loops("nchkw")
    counters = loops.at("nchw")
    shape, element_type = shape_of(x), computed_type(x.type.element_type)
    shape[axis] = len(bounds)

    def body(position: Scalar, total: Scalar) -> Scalar:
        first = arith.constant(position.value.type, 0)
        inside = arith.cmpi(arith.CmpIPredicate.sge, position.value, first)
        value = _read(x, axis, (0, 1, 2, 4), arith.maxsi(position.value, first))
        return total + Scalar(arith.select(inside, value.value, total.constant(0).value))

    return nest(
        loops,
        [(constant(positions), [counters[axis], loops["k"]])],
        (filled(shape, element_type, 0), counters),
        body,
    )


def _divided(x: Any, divisors: npt.NDArray[Any]) -> Any:
    """Build x / divisors [OH, OW] in the place of ``x``."""
    loops = Loops("nchw")
    output = (x, loops.at("nchw"))
    first = float(divisors.flat[0])
    if first == 1 and (divisors == 1).all():
        return x
    if (divisors == first).all():
        return nest(loops, [], output, lambda value: value / first)
    table = constant(divisors, x.type.element_type)
    return nest(loops, [(table, loops.at("hw"))], output, lambda divisor, value: value / divisor)


def upsample(op: Any) -> Any:
    """Build a `pattern.upsample`: columns first, so that long rows are mixed as a whole."""
    x = op.input
    for i, axis in ((1, COLUMNS), (0, ROWS)):
        low, high, weights = op.weights(i)
        if ir.StringAttr(op.attributes["mode"]).value == "nearest":
            x = taken(x, axis, low)
        else:
            x = _mixed(x, axis, low, high, weights)
    return x


def taken(x: Any, axis: int, positions: npt.NDArray[np.int64]) -> Any:
    """Build ``x`` at ``positions`` along ``axis``, in their order."""

    def body(position: Scalar, _: Scalar) -> Scalar:
        return _read(x, axis, range(4), position.value)

    return _resized(x, axis, [constant(positions)], body)


def select_channels(op: Any) -> Any:
    """Build a `pattern.select_channels`: a view where channels follow each other."""
    channels = integers(op.channels)
    images, _, *plane = shape_of(op.input)
    first, count = channels[0], len(channels)
    if channels != list(range(first, first + count)):
        return taken(op.input, 1, np.array(channels))
    shape = [images, count, *plane]
    result = tensor_like(op.input, shape)
    offsets = [0, first, 0, 0]
    return tensor.extract_slice(result, op.input, [], [], [], offsets, shape, [1] * 4)


def pixel_shuffle(op: Any) -> Any:
    """Build a `pattern.pixel_shuffle`: each phase of the result is copied as a whole."""
    images, channels, height, width = shape_of(op.input)
    rows, columns = integers(op.factor)
    phases = expanded(
        op.input, [[images], [channels // (rows * columns), rows, columns], [height], [width]]
    )
    loops = Loops("ncyixj")
    shape = [images, channels // (rows * columns), height, rows, width, columns]
    result = tensor.empty(shape, op.input.type.element_type)
    whole = nest(
        loops,
        [(phases, loops.at("ncijyx"))],
        (result, loops.at("ncyixj")),
        lambda value, _: value,
    )
    whole = collapsed(whole, [1, 1, 2, 2])
    size = shape_of(op.result)
    if shape_of(whole) == size:
        return whole
    result = tensor_like(op.input, size)
    return tensor.extract_slice(result, whole, [], [], [], [0] * 4, size, [1] * 4)


def _mixed(x: Any, axis: int, low: Any, high: Any, weights: Any) -> Any:
    """Build x[low] * (1 - weights) + x[high] * weights along ``axis``."""

    def body(first: Scalar, second: Scalar, weight: Scalar, _: Scalar) -> Scalar:
        near, far = (_read(x, axis, range(4), position.value) for position in (first, second))
        return near * (weight.constant(1) - weight) + far * weight

    weight_type = computed_type(x.type.element_type)
    tables = [constant(low), constant(high), constant(weights, weight_type)]
    return _resized(x, axis, tables, body)


def _resized(x: Any, axis: int, tables: Sequence[Any], body: Callable[..., Scalar]) -> Any:
    """Build ``body`` at each entry of the ``tables`` along ``axis``."""
    loops = Loops("nchw")
    counters = loops.at("nchw")
    shape = shape_of(x)
    shape[axis] = shape_of(tables[0])[0]
    inputs = [(table, [counters[axis]]) for table in tables]
    return nest(loops, inputs, (tensor.empty(shape, x.type.element_type), counters), body)


def _read(x: Any, axis: int, loops: Sequence[int], position: Any) -> Scalar:
    """Build the element of ``x`` at ``position`` (i64) along ``axis``, else where ``loops`` are."""
    indices = [linalg.IndexOp(loop).result for loop in loops]
    indices[axis] = arith.index_cast(ir.IndexType.get(), position)
    return Scalar(tensor.extract(x, indices)).widened()
