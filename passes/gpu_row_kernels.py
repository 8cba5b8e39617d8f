"""Kernels on a GPU over rows along a dimension: softmax and layer norm, a row an invocation."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch_mlir.dialects import arith, math

from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder, Number, Storage

INVOCATIONS = 64
"""Rows of a workgroup."""

CHUNK = 64
"""Elements whose sum joins the total: long sums in f32 lose too much."""

PUSHES = ("rows", "elements", "step")
"""Push constants: how many rows, of how many elements, and how far these are from each other."""


class RowKind(enum.Enum):
    """What a kernel makes of each row."""

    SOFTMAX = "softmax"
    LAYER_NORM = "layer_norm"


@dataclass(frozen=True)
class RowKernel:
    """A kernel on rows of plain tensors; equal ones share a function.

    Attributes:
        kind: what it computes.
        epsilon: of a layer norm.
    """

    kind: RowKind
    epsilon: float = 0.0

    @property
    def buffers(self) -> int:
        """Input, weight and bias of a layer norm, result."""
        return 4 if self.kind is RowKind.LAYER_NORM else 2


def build_row_kernel(kernel: RowKernel) -> KernelBuilder:
    """Build the kernel; its buffers are the input, weight and bias if any, then the result."""
    build = KernelBuilder([Storage(1, False, False)] * kernel.buffers, INVOCATIONS, len(PUSHES))
    with build.body():
        rows, elements, step = (build.push_constant(position) for position in range(len(PUSHES)))
        row = build.add(build.multiply(build.group("x"), INVOCATIONS), build.invocation())
        with build.where(build.below(row, rows)):
            # Rows whose elements are apart lie side by side, as many as the distance.
            outer, inner = arith.divui(row, step), arith.remui(row, step)
            first = build.multiply(build.multiply(outer, elements), step)
            own = _Row(build, kernel, build.add(first, inner), elements, step)
            own.softmax() if kernel.kind is RowKind.SOFTMAX else own.layer_norm()
    return build


class _Row:
    """The row of an invocation while its kernel is built."""

    def __init__(
        self, build: KernelBuilder, kernel: RowKernel, start: Number, elements: Any, step: Any
    ) -> None:
        self.build = build
        self.kernel = kernel
        self.start = start
        self.elements = elements
        self.step = step
        self.result = kernel.buffers - 1

    def softmax(self) -> None:
        """Build exp of what is less than the largest, stored, then over the sum of them."""
        build = self.build

        def larger(position: Any, values: list[Any]) -> list[Any]:
            return [arith.maximumf(values[0], self._load(0, position))]

        lowest = [build.real(float("-inf"))]
        (largest,) = build.loop(0, self.elements, 1, lowest, larger)

        def exponential(position: Any) -> Any:
            value = math.exp(arith.subf(self._load(0, position), largest))
            self._store(position, value)
            return value

        total = self._sum(exponential)

        def share(position: Any) -> Any:
            return arith.divf(self._load(self.result, position), total)

        self._each(share)

    def layer_norm(self) -> None:
        """Build mean and variance, then each element scaled and shifted."""
        build = self.build
        words = arith.index_cast(build.i32, self.elements)
        count = arith.sitofp(build.f32, words)
        first = self._load(0, 0)

        def difference(position: Any) -> Any:
            return arith.subf(self._load(0, position), first)

        # Sums of differences: those of equal numbers are 0, however many there are.
        mean = arith.divf(self._sum(difference), count)

        def centred(position: Any) -> Any:
            return arith.subf(difference(position), mean)

        def square(position: Any) -> Any:
            value = centred(position)
            return arith.mulf(value, value)

        variance = arith.divf(self._sum(square), count)
        deviation = math.sqrt(arith.addf(variance, build.real(self.kernel.epsilon)))

        def scaled(position: Any) -> Any:
            value = arith.divf(centred(position), deviation)
            return build.multiply_add(value, build.load(1, position), build.load(2, position))

        self._each(scaled)

    def _load(self, buffer: int, position: Any) -> Any:
        return self.build.load(buffer, self._address(position))

    def _address(self, position: Any) -> Number:
        return self.build.add(self.start, self.build.multiply(position, self.step))

    def _store(self, position: Any, value: Any) -> None:
        self.build.store(value, self.result, self._address(position))

    def _each(self, element: Callable[[Any], Any]) -> None:
        """Build the store of each ``element``."""

        def body(position: Any, _: list[Any]) -> list[Any]:
            self._store(position, element(position))
            return []

        self.build.loop(0, self.elements, 1, [], body)

    def _sum(self, term: Callable[[Any], Any]) -> Any:
        """Build the sum of all terms, in chunks."""
        build = self.build

        def add(position: Any, total: list[Any]) -> list[Any]:
            return [arith.addf(total[0], term(position))]

        def chunk(position: Any, total: list[Any]) -> list[Any]:
            end = build.minimum(build.add(position, CHUNK), self.elements)
            (own,) = build.loop(position, end, 1, [build.real(0.0)], add)
            return [arith.addf(total[0], own)]

        return build.loop(0, self.elements, CHUNK, [build.real(0.0)], chunk)[0]
