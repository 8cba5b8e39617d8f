"""Means over windows of any sizes as functions on buffers: rows are added up first, in vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf

from pattern_mlir.cost import LINE
from pattern_mlir.dialects import AdaptiveAveragePoolOp
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel

Bounds = npt.NDArray[np.int32]
"""The pixels [first, last) of each window along an axis, [windows, 2]."""


WINDOW_CYCLES = 8.0
"""A window's share beside the rows that it shares with its neighbours."""


@dataclass(frozen=True)
class WindowMeanKernel(PlaneKernel):
    """Means over windows of plain planes, but for their tables.

    Attributes:
        plane, result_plane: height and width of input and result.
        element: the type that both are stored in; sums are in f32.
    """

    plane: Pair
    result_plane: Pair
    element: str = "f32"

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "window_mean"

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""


def windows(pool: Any) -> tuple[Bounds, Bounds, npt.NDArray[np.float32]]:
    """Return a pool's windows along rows and columns, and what each sum is divided by."""
    if isinstance(pool, AdaptiveAveragePoolOp):
        rows, columns = (np.array(pool.bounds(axis), np.int32) for axis in (0, 1))
        return (
            rows,
            columns,
            np.outer(*(own[:, 1] - own[:, 0] for own in (rows, columns))).astype(np.float32),
        )
    size, kernel, strides, padding, _ = pool.windows()
    found = []
    for axis, pixels in enumerate(pool.input.type.shape[2:]):
        first = np.arange(size[axis]) * strides[axis] - padding[axis]
        last = np.minimum(first + kernel[axis], pixels)
        found.append(np.stack([np.maximum(first, 0), last], axis=1).astype(np.int32))
    return found[0], found[1], pool.divisors().astype(np.float32)


class WindowMeanBuilder(FunctionBuilder):
    """Builds the function of a `WindowMeanKernel` at the current insertion point."""

    def __init__(self, kernel: WindowMeanKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(min(kernel.lanes, kernel.plane[1]))
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of input, bounds of rows and of columns, divisors and result."""
        kernel, i32 = self._kernel, ir.IntegerType.get_signless(32)
        element = self.element(kernel.element)
        return [
            ir.MemRefType.get([kernel.planes, *kernel.plane], element),
            ir.MemRefType.get([kernel.result_plane[0], 2], i32),
            ir.MemRefType.get([kernel.result_plane[1], 2], i32),
            ir.MemRefType.get([*kernel.result_plane], self.f32),
            ir.MemRefType.get([kernel.planes, *kernel.result_plane], element),
        ]

    def build(self) -> None:
        """Build the loops over planes and rows of the result."""
        kernel = self._kernel
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            x, rows, columns, divisors, y, low, high = self.entry.arguments
            line = ir.MemRefType.get([kernel.plane[1]], self.f32)
            sums = memref.AllocaOp(line, [], [], alignment=LINE).result
            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                plane = planes.induction_variable
                lines = self._loop(kernel.result_plane[0])
                with ir.InsertionPoint(lines.body):
                    row = lines.induction_variable
                    self._add_rows(x, sums, plane, self._bounds(rows, row))
                    pixels = self._loop(kernel.result_plane[1])
                    with ir.InsertionPoint(pixels.body):
                        column = pixels.induction_variable
                        total = self._added(sums, self._bounds(columns, column))
                        divisor = memref.load(divisors, [row, column])
                        self.store_scalar(arith.divf(total, divisor), y, [plane, row, column])
                        scf.yield_([])
                    scf.yield_([])
                scf.yield_([])
            func.return_([])

    def _loop(self, count: int) -> Any:
        return scf.ForOp(self.constant(0), self.constant(count), self.constant(1))

    def _bounds(self, table: Any, window: Any) -> list[Any]:
        places = ([window, self.constant(end)] for end in (0, 1))
        return [arith.index_cast(self.index, memref.load(table, place)) for place in places]

    def _add_rows(self, x: Any, sums: Any, plane: Any, bounds: list[Any]) -> None:
        """Build the sum of each column over rows; the last vector repeats some columns."""
        width, lanes = self._kernel.plane[1], self.vector.shape[0]
        vectors = self._loop(-(-width // lanes))
        with ir.InsertionPoint(vectors.body):
            at = arith.muli(vectors.induction_variable, self.constant(lanes))
            at = arith.minui(at, self.constant(width - lanes))
            loop = scf.ForOp(*bounds, self.constant(1), [self.splat(0.0)])
            with ir.InsertionPoint(loop.body):
                value = self.load_vector(x, [plane, loop.induction_variable, at])
                scf.yield_([arith.addf(loop.inner_iter_args[0], value)])
            self.store_vector(loop.results[0], sums, [at])
            scf.yield_([])

    def _added(self, sums: Any, bounds: list[Any]) -> Any:
        """Build the sum of some columns' sums."""
        zero = arith.constant(self.f32, 0.0)
        loop = scf.ForOp(*bounds, self.constant(1), [zero])
        with ir.InsertionPoint(loop.body):
            value = memref.load(sums, [loop.induction_variable])
            scf.yield_([arith.addf(loop.inner_iter_args[0], value)])
        return loop.results[0]
