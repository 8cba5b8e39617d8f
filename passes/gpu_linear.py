"""Linear layers on a GPU: a filter an invocation, weights side by side for all of a workgroup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith

from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder, Number, Storage

INVOCATIONS = 64
"""Filters of a workgroup."""

ROW = 4
"""Words that a load of weights brings."""

CHUNK = 64
"""Loads of weights after which sums join the total: long sums in f32 lose too much."""

PUSHES = ("filters", "all filters", "first filter", "rows of weights", "inputs")
"""Push constants: filters of this dispatch; of the layer; the first one; loads a filter; inputs."""


@dataclass(frozen=True)
class LinearKernel:
    """A linear layer but for its sizes: equal ones share a function.

    Attributes:
        half_weights: whether weights are f16.
        aligned: whether a row of the input can be read as vectors of 4.
        bias: whether there is one.
        activation: an `ActivationAttr`, or None.
    """

    half_weights: bool
    aligned: bool
    bias: bool
    activation: Any = None

    @property
    def inputs(self) -> int:
        """Inputs for a load of weights."""
        return 2 * ROW if self.half_weights else ROW


def pack_linear(kernel: LinearKernel, weight: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Return the weights [F, K] as words [K / inputs, F, 4]; missing ones are 0."""
    filters, inputs = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -inputs % kernel.inputs)))
    typed = padded.astype(np.float16 if kernel.half_weights else np.float32)
    words = np.ascontiguousarray(typed).view(np.uint32).reshape(filters, -1, ROW)
    return np.ascontiguousarray(words.transpose(1, 0, 2))


def build_linear(kernel: LinearKernel) -> KernelBuilder:
    """Build the kernel on input, weights, result and bias: workgroups are filters, rows."""
    rows = ir.VectorType.get([ROW], ir.IntegerType.get_signless(32))
    plain = Storage(1, False, False)
    source = Storage(ROW, False, False) if kernel.aligned else plain
    storages: list[Any] = [source, rows, plain, *([plain] if kernel.bias else [])]
    build = KernelBuilder(storages, INVOCATIONS, len(PUSHES))
    with build.body():
        _build(kernel, build)
    return build


def _build(kernel: LinearKernel, build: KernelBuilder) -> None:
    filters, all_filters, first, loads, inputs = (
        build.push_constant(position) for position in range(len(PUSHES))
    )
    number = build.add(build.multiply(build.group("x"), INVOCATIONS), build.invocation())
    row = build.group("y")
    start = build.multiply(row, inputs)

    def products(position: Any, sums: list[Any]) -> list[Any]:
        words = build.elements(build.load(1, build.add(build.multiply(position, filters), number)))
        weights = [build.as_real(word) for word in words]
        if kernel.half_weights:
            weights = [value for word in words for value in build.unpack(word)]
        values = _inputs(kernel, build, start, build.multiply(position, kernel.inputs), inputs)
        for index, (weight, value) in enumerate(zip(weights, values, strict=True)):
            lane = index % ROW
            sums[lane] = build.multiply_add(weight, value, sums[lane])
        return sums

    def chunk(position: Any, totals: list[Any]) -> list[Any]:
        end = build.minimum(build.add(position, CHUNK), loads)
        own = build.loop(position, end, 1, [build.real(0.0)] * ROW, products)
        return [arith.addf(total, value) for total, value in zip(totals, own, strict=True)]

    with build.where(build.below(number, filters)):
        a, b, c, d = build.loop(0, loads, CHUNK, [build.real(0.0)] * ROW, chunk)
        total = arith.addf(arith.addf(a, b), arith.addf(c, d))
        filter_ = build.add(first, number)
        if kernel.bias:
            total = arith.addf(total, build.load(3, filter_))
        value = build.activated(kernel.activation, total)
        build.store(value, 2, build.add(build.multiply(row, all_filters), filter_))


def _inputs(
    kernel: LinearKernel, build: KernelBuilder, start: Number, position: Number, count: Any
) -> list[Any]:
    """Build the inputs from ``position`` on; past the last one the last one, times weights of 0."""
    if kernel.aligned:
        # Rows of inputs are a multiple of what a load of weights needs.
        base, _ = build.split(build.add(start, position), ROW)
        return [
            value
            for index in range(kernel.inputs // ROW)
            for value in build.elements(build.load(0, build.add(base, index)))
        ]
    last = build.add(count, -1)
    return [
        build.load(0, build.add(start, build.minimum(build.add(position, index), last)))
        for index in range(kernel.inputs)
    ]
