"""Fully connected layers as functions on buffers: several dot products side by side."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.passes.kernel_functions import ELEMENT_BYTES, FunctionBuilder
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import Scalar

SUMS = 8
"""Sums that are under way at a time, so that multiplications do not wait for each other."""

ROWS = 2
"""Inputs that are computed together at most; they share the weights."""

AHEAD = 1024
"""Bytes of each filter's weights that are asked for before they are read."""


@dataclass(frozen=True)
class LinearKernel:
    """A fully connected layer but for its weights: layers that are equal in this share a function.

    Attributes:
        rows: inputs, each [inputs].
        inputs, filters: of the weight [filters, inputs].
        lanes: of a vector.
        activation: an `ActivationAttr`, or None.
        value_type, weight_type: elements of inputs and results, and of the weight.
        prefetch: whether weights are asked for early.
    """

    rows: int
    inputs: int
    filters: int
    lanes: int
    activation: Any = None
    value_type: str = "f32"
    weight_type: str = "f32"
    prefetch: bool = False

    @property
    def row_block(self) -> int:
        """Inputs that are computed together: they share the weights."""
        return max(n for n in range(1, ROWS + 1) if self.rows % n == 0)

    @property
    def block(self) -> int:
        """Filters that are computed together: memory is read faster in several places at a time."""
        return max(n for n in range(1, SUMS // self.row_block + 1) if self.filters % n == 0)

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "linear"

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""

    @property
    def tile(self) -> str:
        """The tile in words."""
        return f"{self.block} filters"

    @property
    def units(self) -> int:
        """Blocks of filters, which threads share."""
        return self.filters // self.block


class LinearBuilder(FunctionBuilder):
    """Builds the function of a `LinearKernel` at the current insertion point."""

    def __init__(self, kernel: LinearKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of input, weight, bias and result."""
        kernel = self._kernel
        values, weights = self.element(kernel.value_type), self.element(kernel.weight_type)
        return [
            ir.MemRefType.get([kernel.rows, kernel.inputs], values),
            ir.MemRefType.get([kernel.filters, kernel.inputs], weights),
            ir.MemRefType.get([kernel.filters], self.f32),
            ir.MemRefType.get([kernel.rows, kernel.filters], values),
        ]

    def build(self) -> None:
        """Build the loops over blocks of filters and of rows."""
        kernel = self._kernel
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            units = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(units.body):
                first_filter = arith.muli(units.induction_variable, self.constant(kernel.block))
                rows = scf.ForOp(
                    self.constant(0), self.constant(kernel.rows), self.constant(kernel.row_block)
                )
                with ir.InsertionPoint(rows.body):
                    self._block(buffers, first_filter, rows.induction_variable)
                    scf.yield_([])
                scf.yield_([])
            func.return_([])

    def _block(self, buffers: list[Any], filter_: Any, row: Any) -> None:
        """Build the dot products of a block of filters with a block of rows."""
        kernel, (x, weight, bias, result) = self._kernel, buffers
        filters = [arith.addi(filter_, self.constant(i)) for i in range(kernel.block)]
        rows = [arith.addi(row, self.constant(i)) for i in range(kernel.row_block)]
        cells = list(product(range(kernel.block), range(kernel.row_block)))
        totals, start = self._vectors(x, weight, filters, rows)
        totals = self._rest(totals, x, weight, filters, rows, start)
        for (f, r), total in zip(cells, totals, strict=True):
            value = arith.addf(total, memref.load(bias, [filters[f]]))
            value = activated(kernel.activation, Scalar(value)).value
            self.store_scalar(value, result, [rows[r], filters[f]])

    def _vectors(
        self, x: Any, weight: Any, filters: list[Any], rows: list[Any]
    ) -> tuple[list[Any], int]:
        """Build the products of whole vectors; return their sums, and the first input left."""
        lanes = self._kernel.lanes
        cells = list(product(range(len(filters)), range(len(rows))))
        width = max(1, SUMS // len(cells))
        step = width * lanes
        end = self._kernel.inputs // step * step
        if end == 0:
            return [arith.constant(self.f32, 0.0)] * len(cells), 0
        zeros = [self.splat(0.0)] * (len(cells) * width)
        loop = scf.ForOp(self.constant(0), self.constant(end), self.constant(step), zeros)
        with ir.InsertionPoint(loop.body):
            sums = list(loop.inner_iter_args)
            for part in range(width):
                place = arith.addi(loop.induction_variable, self.constant(part * lanes))
                weights = [self._weights(weight, f, place) for f in filters]
                values = [self.load_vector(x, [r, place]) for r in rows]
                for number, (f, r) in enumerate(cells):
                    at = number * width + part
                    sums[at] = vector.fma(values[r], weights[f], sums[at])
            scf.yield_(sums)
        results = list(loop.results)
        return [
            self._total(results[number * width : (number + 1) * width])
            for number in range(len(cells))
        ], end

    def _weights(self, weight: Any, filter_: Any, place: Any) -> Any:
        """Build weights of a filter, and a request for those that it needs later.

        For further rows they are in a cache, and asking would take a third of the time.
        """
        if self._kernel.prefetch and self._kernel.rows == self._kernel.row_block:
            ahead = self.constant(AHEAD // ELEMENT_BYTES[self._kernel.weight_type])
            last = self.constant(self._kernel.inputs - 1)
            later = arith.minui(arith.addi(place, ahead), last)
            memref.prefetch(weight, [filter_, later], False, 3, True)
        return self.load_vector(weight, [filter_, place])

    def _total(self, sums: list[Any]) -> Any:
        """Build the sum of all lanes of ``sums``, in any order."""
        total = sums[0]
        for other in sums[1:]:
            total = arith.addf(total, other)
        kind = ir.Attribute.parse("#vector.kind<add>")
        any_order = arith.FastMathFlags.reassoc
        return vector.ReductionOp(self.f32, kind, total, fastmath=any_order).result

    def _rest(
        self,
        totals: list[Any],
        x: Any,
        weight: Any,
        filters: list[Any],
        rows: list[Any],
        start: int,
    ) -> list[Any]:
        """Build the products from input ``start`` on, which fill no vector."""
        if start == self._kernel.inputs:
            return totals
        end = self.constant(self._kernel.inputs)
        loop = scf.ForOp(self.constant(start), end, self.constant(1), totals)
        with ir.InsertionPoint(loop.body):
            place, sums = loop.induction_variable, list(loop.inner_iter_args)
            for number, (f, r) in enumerate(product(filters, rows)):
                factor = self.load_scalar(x, [r, place]), self.load_scalar(weight, [f, place])
                sums[number] = arith.addf(sums[number], arith.mulf(*factor))
            scf.yield_(sums)
        return list(loop.results)
