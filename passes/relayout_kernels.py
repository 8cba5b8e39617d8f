"""Changes of layout as functions on buffers: elements are fetched from where a table says.

Between lane blocks whole vectors are, and their lanes shuffled (`lane_shuffles`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel
from pattern_mlir.passes.lane_shuffles import Shuffle


@dataclass(frozen=True)
class RelayoutKernel(PlaneKernel):
    """A change of layout: of planes that are alike, one after the other.

    Attributes:
        source_size, target_size: elements of a plane before and after.
        fill: what elements hold that come from nowhere.
        layout: of the result in words.
        source_type, target_type: elements before and after.
        runs, singles: how many runs of vectors there are, and vectors beside them (`vector_runs`).
        shuffles: the ways in which other vectors are made of whole ones.
    """

    source_size: int
    target_size: int
    fill: float
    layout: str
    source_type: str = "f32"
    target_type: str = "f32"
    runs: int = 0
    singles: int = 0
    shuffles: tuple[Shuffle, ...] = ()

    @property
    def places(self) -> int:
        """Numbers in the table of vectors; 0 where all elements are fetched in order."""
        shuffled = sum(own.count * (1 + own.sources) for own in self.shuffles)
        return self.runs + self.singles + shuffled if self.runs or self.shuffles else 0

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "relayout"


def vector_runs(
    table: npt.NDArray[np.int32], lanes: int, source_size: int
) -> tuple[list[int], list[int]]:
    """Return where runs of ``lanes`` vectors of a plane begin, and the vectors in none.

    In a run every lane takes elements that lie one behind the other, or none at all: so the run is
    as many whole vectors of the source, transposed. Runs may overlap. ``table`` is that of
    `relayout_table`, of whole vectors.
    """
    positions = table.reshape(-1, lanes)
    follows = (positions[1:] == positions[:-1] + 1) & (positions[:-1] >= 0)
    absent = (positions[1:] < 0) & (positions[:-1] < 0)
    broken = np.flatnonzero(~(follows | absent).all(axis=1)) + 1
    runs: list[int] = []
    singles: list[int] = []
    ends = [0, *broken.tolist(), len(positions)]
    for first, last in pairwise(ends):
        if last - first < lanes or source_size < lanes:
            singles += range(first, last)
            continue
        runs += range(first, last - lanes, lanes)
        runs.append(last - lanes)
    return runs, singles


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
        """Return the types of input, table, table of vectors, and result.

        The second table says where runs begin, then singles, then vectors that are shuffled, each
        with its sources.
        """
        kernel, i32 = self._kernel, ir.IntegerType.get_signless(32)
        order = [ir.MemRefType.get([kernel.places], i32)] if kernel.places else []
        return [
            ir.MemRefType.get(
                [kernel.planes, kernel.source_size], self.element(kernel.source_type)
            ),
            ir.MemRefType.get([kernel.target_size], i32),
            *order,
            ir.MemRefType.get(
                [kernel.planes, kernel.target_size], self.element(kernel.target_type)
            ),
        ]

    def build(self) -> None:
        """Build the loop over planes: runs, vectors one by one, then the elements that are left."""
        kernel = self._kernel
        whole = kernel.target_size - kernel.target_size % kernel.lanes
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            source, table, *order, target, low, high = self.entry.arguments
            buffers = [source, table, target]

            def start(number: Any) -> Any:
                return self.load_index(order[0], [number])

            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                plane = planes.induction_variable
                if order:
                    last = kernel.runs + kernel.singles
                    self._loop(0, kernel.runs, 1, lambda i: self._run(buffers, plane, start(i)))
                    self._loop(
                        kernel.runs, last, 1, lambda i: self._vector(buffers, plane, start(i))
                    )
                    for own in kernel.shuffles:
                        end, step = last + own.count * (1 + own.sources), 1 + own.sources
                        make = functools.partial(self._shuffled, buffers, plane, order[0], own)
                        self._loop(last, end, step, make)
                        last = end
                else:
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

    def _run(self, buffers: list[Any], plane: Any, at: Any) -> None:
        """Build a run of vectors: what each lane takes is loaded as a vector, then transposed."""
        source, table, target = buffers
        lanes, fill = self._kernel.lanes, self.splat(self._kernel.fill)
        zero = arith.constant(ir.IntegerType.get_signless(32), 0)
        rows = []
        for lane in range(lanes):
            position = memref.load(table, [arith.addi(at, self.constant(lane))])
            known = arith.cmpi(arith.CmpIPredicate.sge, position, zero)
            place = arith.index_cast(self.index, arith.maxsi(position, zero))
            row = self.load_vector(source, [plane, place])
            rows.append(arith.select(known, row, fill))
        for number, column in enumerate(_transposed(rows)):
            place = arith.addi(at, self.constant(number * lanes))
            self.store_vector(column, target, [plane, place])

    def _shuffled(
        self, buffers: list[Any], plane: Any, places: Any, shuffle: Shuffle, number: Any
    ) -> None:
        """Build a vector; its place and those of its sources are in the table from ``number``."""
        source, _, target = buffers
        lanes, value = self._kernel.lanes, self.splat(self._kernel.fill)
        at, *froms = (
            self.load_index(places, [arith.addi(number, self.constant(i))])
            for i in range(1 + shuffle.sources)
        )
        for own, place in enumerate(froms):
            other = self.load_vector(source, [plane, place], aligned=True)
            mask = [
                lanes + pick[1] if pick and pick[0] == own else lane
                for lane, pick in enumerate(shuffle.picks)
            ]
            value = vector.shuffle(value, other, mask)
        self.store_vector(value, target, [plane, at], aligned=True)

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


def _transposed(rows: list[Any]) -> list[Any]:
    """Build the columns of as many vectors as they have lanes, a power of two.

    Interleaving the first half of the vectors with the second moves one bit of a lane's number to
    the vector's number; doing so for each bit transposes.
    """
    lanes = len(rows)
    pairs = [
        lane for pair in zip(range(lanes), range(lanes, 2 * lanes), strict=True) for lane in pair
    ]
    for _ in range(lanes.bit_length() - 1):
        halves = zip(rows[: lanes // 2], rows[lanes // 2 :], strict=True)
        rows = [
            vector.shuffle(first, second, mask)
            for first, second in halves
            for mask in (pairs[:lanes], pairs[lanes:])
        ]
    return rows
