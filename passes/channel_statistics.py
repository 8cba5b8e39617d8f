"""Mean and scale of each pixel over its channels as functions on buffers, for a layer norm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, scf
from torch_mlir.dialects import math as math_dialect

from pattern_mlir.passes.kernel_functions import FunctionBuilder

STRIP = 8
"""Vectors whose sums are under way at a time."""

CHUNK = 16
"""Channels that are added up before their sum joins the total: one long f32 sum loses bits."""


@dataclass(frozen=True)
class StatisticsKernel:
    """Mean, and 1 / sqrt(variance + epsilon), of each pixel over the channels.

    Attributes:
        images, channels: of the input.
        lanes: of a vector.
        plane: vectors of a plane, its halo included, whose statistics nobody reads.
        epsilon: of the layer norm.
    """

    images: int
    lanes: int
    channels: int
    plane: int
    epsilon: float

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "channel_statistics"

    @property
    def layout(self) -> str:
        """The result's layout in words: that of the input."""
        return ""

    @property
    def tile(self) -> str:
        """Vectors whose sums are under way."""
        return f"1x{min(STRIP, self.plane)}"

    @property
    def strips(self) -> int:
        """Runs of vectors that a plane is cut into."""
        return -(-self.plane // STRIP)

    @property
    def units(self) -> int:
        """Strips of all images, which threads share."""
        return self.images * self.strips


class StatisticsBuilder(FunctionBuilder):
    """Builds the function of a `StatisticsKernel` at the current insertion point."""

    def __init__(self, kernel: StatisticsKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of input and result: a plane of means, a plane of scales."""
        kernel = self._kernel
        return [
            ir.MemRefType.get([kernel.images, planes, kernel.plane, kernel.lanes], self.f32)
            for planes in (kernel.channels, 2)
        ]

    def build(self) -> None:
        """Build the loop over strips; the last one of a plane may be shorter."""
        kernel = self._kernel
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            x, y, low, high = self.entry.arguments
            units = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(units.body):
                unit, strips = units.induction_variable, self.constant(kernel.strips)
                image, strip = arith.divui(unit, strips), arith.remui(unit, strips)
                start = arith.muli(strip, self.constant(STRIP))
                rest = kernel.plane % STRIP
                if rest:
                    last = self.constant(kernel.strips - 1)
                    is_last = arith.cmpi(arith.CmpIPredicate.eq, strip, last)
                    either = scf.IfOp(is_last, has_else=True)
                    for block, width in ((either.then_block, rest), (either.else_block, STRIP)):
                        with ir.InsertionPoint(block):
                            self._strip(x, y, image, start, width)
                            scf.yield_([])
                else:
                    self._strip(x, y, image, start, STRIP)
                scf.yield_([])
            func.return_([])

    def _strip(self, x: Any, y: Any, image: Any, start: Any, width: int) -> None:
        """Build the statistics of ``width`` vectors from ``start`` on."""
        places = [arith.addi(start, self.constant(i)) for i in range(width)]
        zero = self.constant(0)
        count = self.splat(float(self._kernel.channels))

        def load(channel: Any, place: Any) -> Any:
            return self.load_vector(x, [image, channel, place, zero], aligned=True)

        firsts = [load(zero, place) for place in places]

        def difference(channel: Any, i: int) -> Any:
            return arith.subf(load(channel, places[i]), firsts[i])

        # Sums of differences: those of equal numbers are 0, however many there are.
        means = [
            arith.addf(first, arith.divf(total, count))
            for first, total in zip(firsts, self._summed(width, difference), strict=True)
        ]

        def square(channel: Any, i: int) -> Any:
            centred = arith.subf(load(channel, places[i]), means[i])
            return arith.mulf(centred, centred)

        for i, total in enumerate(self._summed(width, square)):
            variance = arith.divf(total, count)
            deviation = math_dialect.sqrt(arith.addf(variance, self.splat(self._kernel.epsilon)))
            scale = arith.divf(self.splat(1.0), deviation)
            for plane, value in enumerate((means[i], scale)):
                indices = [image, self.constant(plane), places[i], zero]
                self.store_vector(value, y, indices, aligned=True)

    def _summed(self, width: int, make: Callable[[Any, int], Any]) -> list[Any]:
        """Build the sums over all channels of what ``make`` builds of a channel, chunk by chunk."""
        channels, zeros = self.constant(self._kernel.channels), [self.splat(0.0)] * width
        chunks = scf.ForOp(self.constant(0), channels, self.constant(CHUNK), zeros)
        with ir.InsertionPoint(chunks.body):
            first = chunks.induction_variable
            last = arith.minui(arith.addi(first, self.constant(CHUNK)), channels)
            inner = scf.ForOp(first, last, self.constant(1), zeros)
            with ir.InsertionPoint(inner.body):
                terms = [make(inner.induction_variable, i) for i in range(width)]
                scf.yield_(list(map(arith.addf, inner.inner_iter_args, terms)))
            scf.yield_(list(map(arith.addf, chunks.inner_iter_args, inner.results)))
        return list(chunks.results)
