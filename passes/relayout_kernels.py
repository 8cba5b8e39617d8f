"""Changes of layout as functions on buffers: every element is fetched from where a table says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel


@dataclass(frozen=True)
class RelayoutKernel(PlaneKernel):
    """A change of layout: of planes that are alike, one after the other.

    Attributes:
        source_size, target_size: elements of a plane before and after.
        fill: what elements hold that come from nowhere.
        layout: of the result in words.
        source_type, target_type: elements before and after.
    """

    source_size: int
    target_size: int
    fill: float
    layout: str
    source_type: str = "f32"
    target_type: str = "f32"

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "relayout"


@dataclass(frozen=True)
class ResizeKernel(RelayoutKernel):
    """A resizing to the nearest pixels: each is fetched from where the table says."""

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "resize"


class RelayoutBuilder(FunctionBuilder):
    """Builds the function of a `RelayoutKernel` at the current insertion point."""

    def __init__(self, kernel: RelayoutKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of input, table and result."""
        kernel, i32 = self._kernel, ir.IntegerType.get_signless(32)
        return [
            ir.MemRefType.get(
                [kernel.planes, kernel.source_size], self.element(kernel.source_type)
            ),
            ir.MemRefType.get([kernel.target_size], i32),
            ir.MemRefType.get(
                [kernel.planes, kernel.target_size], self.element(kernel.target_type)
            ),
        ]

    def build(self) -> None:
        """Build the loop over planes: whole vectors, then the elements that are left."""
        kernel = self._kernel
        whole = kernel.target_size - kernel.target_size % kernel.lanes
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                plane = planes.induction_variable
                self._loop(0, whole, kernel.lanes, lambda at: self._vector(buffers, plane, at))
                self._loop(
                    whole, kernel.target_size, 1, lambda at: self._element(buffers, plane, at)
                )
                scf.yield_([])
            func.return_([])

    def _loop(self, first: int, last: int, step: int, body: Any) -> None:
        if first == last:
            return
        loop = scf.ForOp(self.constant(first), self.constant(last), self.constant(step))
        with ir.InsertionPoint(loop.body):
            body(loop.induction_variable)
            scf.yield_([])

    def _vector(self, buffers: list[Any], plane: Any, at: Any) -> None:
        source, table, target = buffers
        i32 = ir.IntegerType.get_signless(32)
        numbers = ir.VectorType.get([self._kernel.lanes], i32)
        position = vector.load(numbers, table, [at], alignment=4)
        zero = arith.constant(
            numbers, ir.DenseElementsAttr.get_splat(numbers, ir.IntegerAttr.get(i32, 0))
        )
        known = arith.cmpi(arith.CmpIPredicate.sge, position, zero)
        fill = self.splat(self._kernel.fill)
        origin = [plane, self.constant(0)]
        value = self.gather(source, origin, position, known, fill)
        self.store_vector(value, target, [plane, at])

    def _element(self, buffers: list[Any], plane: Any, at: Any) -> None:
        source, table, target = buffers
        position = memref.load(table, [at])
        zero = arith.constant(position.type, 0)
        known = arith.cmpi(arith.CmpIPredicate.sge, position, zero)
        place = arith.index_cast(self.index, arith.maxsi(position, zero))
        fill = arith.constant(self.f32, self._kernel.fill)
        value = arith.select(known, self.load_scalar(source, [plane, place]), fill)
        self.store_scalar(value, target, [plane, at])
