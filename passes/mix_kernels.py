"""Bilinear resizing as functions on buffers: along an axis, two elements are mixed into each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel


@dataclass(frozen=True)
class MixKernel(PlaneKernel):
    """A resizing along one axis but for its tables.

    Result i is source[low[i]] * (1 - weight[i]) + source[high[i]] * weight[i].

    Attributes:
        rows, columns: of a plane of the source.
        size: of the result along the axis.
        along_rows: whether rows are mixed, else columns.
        value_type: elements of source and result.
    """

    rows: int
    columns: int
    size: int
    along_rows: bool
    value_type: str = "f32"

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "mix"

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""

    @property
    def result_plane(self) -> tuple[int, int]:
        """Rows and columns of the result."""
        return (self.size, self.columns) if self.along_rows else (self.rows, self.size)


class MixBuilder(FunctionBuilder):
    """Builds the function of a `MixKernel` at the current insertion point."""

    def __init__(self, kernel: MixKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(min(kernel.lanes, kernel.result_plane[1]))
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of source, low, high, weights and result."""
        kernel, i32 = self._kernel, ir.IntegerType.get_signless(32)
        values = self.element(kernel.value_type)
        return [
            ir.MemRefType.get([kernel.planes, kernel.rows, kernel.columns], values),
            ir.MemRefType.get([kernel.size], i32),
            ir.MemRefType.get([kernel.size], i32),
            ir.MemRefType.get([kernel.size], self.f32),
            ir.MemRefType.get([kernel.planes, *kernel.result_plane], values),
        ]

    def build(self) -> None:
        """Build the loops over planes, rows and vectors; the last vector repeats some elements."""
        kernel, (rows, columns) = self._kernel, self._kernel.result_plane
        lanes = self.vector.shape[0]
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                lines = scf.ForOp(self.constant(0), self.constant(rows), self.constant(1))
                with ir.InsertionPoint(lines.body):
                    plane, row = planes.induction_variable, lines.induction_variable
                    make = self._across(buffers, row) if kernel.along_rows else self._within
                    count = -(-columns // lanes)
                    vectors = scf.ForOp(self.constant(0), self.constant(count), self.constant(1))
                    with ir.InsertionPoint(vectors.body):
                        start = arith.muli(vectors.induction_variable, self.constant(lanes))
                        at = arith.minui(start, self.constant(columns - lanes))
                        value = make(buffers, plane, row, at)
                        self.store_vector(value, buffers[-1], [plane, row, at])
                        scf.yield_([])
                    scf.yield_([])
                scf.yield_([])
            func.return_([])

    def _across(self, buffers: list[Any], row: Any) -> Any:
        """Build what is equal in a row of the result; return the builder of its vectors."""
        _, low, high, weights, _ = buffers
        sources = [arith.index_cast(self.index, memref.load(table, [row])) for table in (low, high)]
        weight = vector.broadcast(self.vector, memref.load(weights, [row]))

        def make(buffers: list[Any], plane: Any, row: Any, at: Any) -> Any:
            near, far = (self.load_vector(buffers[0], [plane, own, at]) for own in sources)
            return self._mixed(near, far, weight)

        return make

    def _within(self, buffers: list[Any], plane: Any, row: Any, at: Any) -> Any:
        source, low, high, weights, _ = buffers
        lanes = self.vector.shape[0]
        numbers = ir.VectorType.get([lanes], ir.IntegerType.get_signless(32))
        i1 = ir.IntegerType.get_signless(1)
        mask_type = ir.VectorType.get([lanes], i1)
        all_lanes = arith.constant(
            mask_type, ir.DenseElementsAttr.get_splat(mask_type, ir.IntegerAttr.get(i1, 1))
        )
        origin = [plane, row, self.constant(0)]
        near, far = (
            self.gather(
                source,
                origin,
                vector.load(numbers, table, [at], alignment=4),
                all_lanes,
                self.splat(0.0),
            )
            for table in (low, high)
        )
        return self._mixed(near, far, self.load_vector(weights, [at]))

    def _mixed(self, near: Any, far: Any, weight: Any) -> Any:
        rest = arith.subf(self.splat(1.0), weight)
        return arith.addf(arith.mulf(near, rest), arith.mulf(far, weight))
