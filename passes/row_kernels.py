"""Softmax and layer norm as functions on buffers: row by row, in vectors."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, scf, vector
from torch_mlir.dialects import math as math_dialect

from pattern_mlir.passes.kernel_functions import FunctionBuilder


class RowKind(enum.Enum):
    """What a row becomes."""

    SOFTMAX = "softmax"
    LAYER_NORM = "layer_norm"


ROW_CYCLES = MappingProxyType({RowKind.SOFTMAX: 30.0, RowKind.LAYER_NORM: 8.0})
"""What a vector of a row costs: three passes over it, with an exponential in a softmax's."""


@dataclass(frozen=True)
class RowKernel:
    """A function of rows [rows, size].

    Attributes:
        kind: softmax or layer norm.
        rows, size: of the input.
        lanes: of a vector.
        epsilon: of the layer norm.
    """

    kind: RowKind
    rows: int
    size: int
    lanes: int
    epsilon: float = 0.0

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return self.kind.value

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""

    @property
    def tile(self) -> str:
        """Nothing is cut into tiles."""
        return ""

    @property
    def units(self) -> int:
        """Rows, which threads share."""
        return self.rows


class RowBuilder(FunctionBuilder):
    """Builds the function of a `RowKernel` at the current insertion point."""

    def __init__(self, kernel: RowKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of the input, of a layer norm's weight and bias, and of the result."""
        kernel = self._kernel
        whole = ir.MemRefType.get([kernel.rows, kernel.size], self.f32)
        row = ir.MemRefType.get([kernel.size], self.f32)
        factors = [row, row] if kernel.kind is RowKind.LAYER_NORM else []
        return [whole, *factors, whole]

    def build(self) -> None:
        """Build the loop over rows."""
        kernel = self._kernel
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            rows = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(rows.body):
                make = self._softmax if kernel.kind is RowKind.SOFTMAX else self._layer_norm
                make(buffers, rows.induction_variable)
                scf.yield_([])
            func.return_([])

    def _softmax(self, buffers: list[Any], row: Any) -> None:
        x, y = buffers
        largest = self._reduced(
            "maximumf", float("-inf"), lambda at, rest: self._load(x, row, at, rest, float("-inf"))
        )

        def exponential(at: Any, rest: int) -> Any:
            value = arith.subf(self._load(x, row, at, rest, float("-inf")), largest)
            value = math_dialect.exp(value)
            self._store(value, y, row, at, rest)
            return value

        total = self._reduced("add", 0.0, exponential)

        def scaled(at: Any, rest: int) -> None:
            value = arith.divf(self._load(y, row, at, rest, 0.0), total)
            self._store(value, y, row, at, rest)

        self._each(scaled)

    def _layer_norm(self, buffers: list[Any], row: Any) -> None:
        x, weight, bias, y = buffers
        size = self.splat(float(self._kernel.size))

        def difference(at: Any, rest: int, other: Any) -> Any:
            value = arith.subf(self._load(x, row, at, rest, 0.0), other)
            return arith.select(self._mask(rest), value, self.splat(0.0)) if rest else value

        def square(at: Any, rest: int) -> Any:
            centred = difference(at, rest, mean)
            return arith.mulf(centred, centred)

        first = arith.divf(
            self._reduced("add", 0.0, lambda at, rest: self._load(x, row, at, rest, 0.0)), size
        )
        # The rounding of the sum over a small deviation would be seen in rows of equal numbers.
        missed = self._reduced("add", 0.0, lambda at, rest: difference(at, rest, first))
        mean = arith.addf(first, arith.divf(missed, size))
        variance = arith.divf(self._reduced("add", 0.0, square), size)
        deviation = math_dialect.sqrt(arith.addf(variance, self.splat(self._kernel.epsilon)))
        scale = arith.divf(self.splat(1.0), deviation)

        def normalised(at: Any, rest: int) -> None:
            centred = arith.subf(self._load(x, row, at, rest, 0.0), mean)
            factor = self._load(weight, None, at, rest, 0.0)
            value = arith.mulf(arith.mulf(centred, scale), factor)
            value = arith.addf(value, self._load(bias, None, at, rest, 0.0))
            self._store(value, y, row, at, rest)

        self._each(normalised)

    def _reduced(self, kind: str, start: float, make: Callable[[Any, int], Any]) -> Any:
        """Build sum or maximum of all ``make`` builds over a row, in all lanes."""
        combine = arith.addf if kind == "add" else arith.maximumf
        whole, rest = self._parts()
        loop = scf.ForOp(
            self.constant(0),
            self.constant(whole),
            self.constant(self._kernel.lanes),
            [self.splat(start)],
        )
        with ir.InsertionPoint(loop.body):
            value = make(loop.induction_variable, 0)
            scf.yield_([combine(loop.inner_iter_args[0], value)])
        total = loop.results[0]
        if rest:
            total = combine(total, make(self.constant(whole), rest))
        attribute = ir.Attribute.parse(f"#vector.kind<{kind}>")
        any_order = {"fastmath": arith.FastMathFlags.reassoc} if kind == "add" else {}
        number = vector.ReductionOp(self.f32, attribute, total, **any_order).result
        return vector.broadcast(self.vector, number)

    def _each(self, make: Callable[[Any, int], None]) -> None:
        """Build ``make`` at every vector of a row."""
        whole, rest = self._parts()
        loop = scf.ForOp(self.constant(0), self.constant(whole), self.constant(self._kernel.lanes))
        with ir.InsertionPoint(loop.body):
            make(loop.induction_variable, 0)
            scf.yield_([])
        if rest:
            make(self.constant(whole), rest)

    def _parts(self) -> tuple[int, int]:
        """Return how many elements of a row fill vectors, and how many are left."""
        rest = self._kernel.size % self._kernel.lanes
        return self._kernel.size - rest, rest

    def _load(self, buffer: Any, row: Any, at: Any, rest: int, fill: float) -> Any:
        """Build the vector at ``at``; of the last ``rest`` elements of a row, and ``fill``."""
        indices = [at] if row is None else [row, at]
        if not rest:
            return self.load_vector(buffer, indices)
        return vector.maskedload(
            self.vector, buffer, indices, self._mask(rest), self.splat(fill), alignment=4
        )

    def _store(self, value: Any, buffer: Any, row: Any, at: Any, rest: int) -> None:
        if rest:
            vector.maskedstore(buffer, [row, at], self._mask(rest), value, alignment=4)
        else:
            vector.store(value, buffer, [row, at], alignment=4)

    def _mask(self, count: int) -> Any:
        """Build the mask of the first ``count`` lanes."""
        i1 = ir.IntegerType.get_signless(1)
        type_ = ir.VectorType.get([self._kernel.lanes], i1)
        values = [ir.IntegerAttr.get(i1, int(i < count)) for i in range(self._kernel.lanes)]
        return arith.constant(type_, ir.DenseElementsAttr.get(values, type_))
