"""The mean of each plane in lane blocks as functions on buffers: a number a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, scf, vector

from pattern_mlir.layouts import LaneLayout, Pair
from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel

SUMS = 4
"""Sums that are under way at a time."""


@dataclass(frozen=True)
class MeanKernel(PlaneKernel):
    """The mean of planes in lane blocks.

    Attributes:
        source: layout of the input.
        plane: height and width, in pixels.
        element: the type that both are stored in; sums are in f32.
    """

    source: LaneLayout
    plane: Pair
    element: str = "f32"

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "mean"

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""


class MeanBuilder(FunctionBuilder):
    """Builds the function of a `MeanKernel` at the current insertion point."""

    def __init__(self, kernel: MeanKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.source.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of input and result."""
        source, planes = self._kernel.source, self._kernel.planes
        element = self.element(self._kernel.element)
        return [
            ir.MemRefType.get([planes, source.plane * source.lanes], element),
            ir.MemRefType.get([planes], element),
        ]

    def build(self) -> None:
        """Build the loop over planes: vectors are added up, then their lanes."""
        kernel = self._kernel
        rows, columns = kernel.plane
        kind, any_order = ir.Attribute.parse("#vector.kind<add>"), arith.FastMathFlags.reassoc
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            source, result, low, high = self.entry.arguments
            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                plane = planes.induction_variable
                sums = [self.splat(0.0)] * SUMS
                for down, right in product(*self._runs()):
                    sums = self._added(source, plane, down, right, sums)
                total = sums[0]
                for other in sums[1:]:
                    total = arith.addf(total, other)
                total = vector.ReductionOp(self.f32, kind, total, fastmath=any_order).result
                size = arith.constant(self.f32, float(rows * columns))
                self.store_scalar(arith.divf(total, size), result, [plane])
                scf.yield_([])
            func.return_([])

    def _runs(self) -> tuple[list[range], list[range]]:
        """Return the rows, and the columns, of a block in runs whose lanes all lie alike."""
        layout, plane = self._kernel.source, self._kernel.plane

        def runs(size: int, lanes: Callable[[int], Any]) -> list[range]:
            groups = [list(group) for _, group in groupby(range(size), lanes)]
            return [range(group[0], group[-1] + 1) for group in groups]

        return (
            runs(layout.block[0], lambda y: layout.inside(y, 0, plane)),
            runs(layout.block[1], lambda x: layout.inside(0, x, plane)),
        )

    def _added(
        self, source: Any, plane: Any, rows: range, columns: range, sums: list[Any]
    ) -> list[Any]:
        """Build ``sums`` with the vectors of a rectangle; lanes outside the plane count as 0."""
        layout = self._kernel.source
        inside = layout.inside(rows[0], columns[0], self._kernel.plane)
        if not any(inside):
            return sums
        loop = scf.ForOp(
            self.constant(rows[0]), self.constant(rows[-1] + 1), self.constant(1), sums
        )
        with ir.InsertionPoint(loop.body):
            values = list(loop.inner_iter_args)
            pitch = self.constant(layout.pitch * layout.lanes)
            start = arith.muli(loop.induction_variable, pitch)
            for x in columns:
                place = layout.start(0, 0) + layout.offset(0, x)
                at = arith.addi(start, self.constant(place))
                value = self.load_vector(source, [plane, at])
                if not all(inside):
                    value = arith.select(self._mask(inside), value, self.splat(0.0))
                values[x % SUMS] = arith.addf(values[x % SUMS], value)
            scf.yield_(values)
        return list(loop.results)

    def _mask(self, lanes: tuple[bool, ...]) -> Any:
        i1 = ir.IntegerType.get_signless(1)
        type_ = ir.VectorType.get([len(lanes)], i1)
        values = [ir.IntegerAttr.get(i1, int(lane)) for lane in lanes]
        return arith.constant(type_, ir.DenseElementsAttr.get(values, type_))
