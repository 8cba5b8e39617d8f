"""Changes of layout as functions on buffers: elements are fetched from where a table says.

Between lane blocks whole vectors are, and their lanes shuffled (`lane_shuffles`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel
from pattern_mlir.passes.lane_shuffles import Shuffle, shuffles


@dataclass(frozen=True)
class RelayoutKernel(PlaneKernel):
    """A change of layout: of planes that are alike, one after the other.

    Attributes:
        source_size, target_size: elements of a plane before and after.
        fill: what elements hold that come from nowhere.
        layout: of the result in words.
        source_type, target_type: elements before and after.
        runs, singles: how many `Run`s there are, and vectors beside them.
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
        if not self.runs and not self.shuffles:
            return 0
        return self.runs * (1 + 2 * self.lanes) + self.singles + shuffled

    @property
    def in_runs(self) -> float:
        """The share of the result's elements that lie in runs."""
        return min(1.0, self.runs * self.lanes**2 / self.target_size)

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "relayout"


@dataclass(frozen=True)
class Run:
    """As many vectors, one behind the other, as each has lanes.

    Each lane takes elements of the source that lie one behind the other, or the fill.

    Attributes:
        first: the number of the first vector.
        starts: for each lane where in the source the element of the first vector is, or would be.
        present: for each lane in which vectors it takes the source's element, a bit each.
    """

    first: int
    starts: tuple[int, ...]
    present: tuple[int, ...]


def vector_runs(
    table: npt.NDArray[np.int32], lanes: int, source_size: int
) -> tuple[list[Run], list[int]]:
    """Return runs of vectors of a plane, which may overlap, and the vectors in none.

    A run is as many whole vectors of the source, transposed. ``table`` is that of
    `relayout_table`, of whole vectors.
    """
    runs: list[Run] = []
    singles: list[int] = []
    positions = table.reshape(-1, lanes)
    # Where in the source the first vector of the plane would take its element in the same run.
    origins = np.where(positions >= 0, positions - np.arange(len(positions))[:, None], -1)
    for first, last, known in _straight(positions, origins):
        begins = [*range(first, last - lanes, lanes), last - lanes] if last - first >= lanes else []
        covered = set()
        for begin in begins:
            starts = known + begin
            there = positions[begin : begin + lanes] >= 0
            starts[~there.any(axis=0)] = 0
            if starts.min() < 0 or starts.max() + lanes > source_size:
                continue
            bits = (there << np.arange(lanes)[:, None]).sum(axis=0)
            runs.append(Run(begin, tuple(starts.tolist()), tuple(bits.tolist())))
            covered |= set(range(begin, begin + lanes))
        singles += [vector for vector in range(first, last) if vector not in covered]
    return runs, singles


def _straight(
    positions: npt.NDArray[np.int32], origins: npt.NDArray[np.int64]
) -> Iterator[tuple[int, int, npt.NDArray[np.int64]]]:
    """Yield the vectors from first to last whose lanes go straight on, and each lane's origin."""
    first, known = 0, np.full(positions.shape[1], -1)
    held = np.zeros(positions.shape[1], bool)
    for number, (own, origin) in enumerate(zip(positions >= 0, origins, strict=True)):
        if (own & held & (origin != known)).any():
            yield first, number, known
            first, held = number, np.zeros_like(held)
        known = np.where(own & ~held, origin, known)
        held = held | own
    yield first, len(positions), known


@dataclass(frozen=True)
class Listing:
    """How the vectors of a plane are made, but for those that are fetched in order.

    Attributes:
        runs, singles, shuffles: as `RelayoutKernel`'s.
        table: i32; where each run begins, in elements, its starts and what is present; where each
            single begins; where each shuffled vector begins, and its sources.
    """

    runs: int
    singles: int
    shuffles: tuple[Shuffle, ...]
    table: npt.NDArray[np.int32]


def list_vectors(
    table: npt.NDArray[np.int32], lanes: int, source_size: int, from_vectors: bool
) -> Listing:
    """Return how whole vectors are made by ``table``, that of `relayout_table`.

    ``from_vectors``: the source lies in vectors of ``lanes``, too, which are shuffled.
    """
    runs: list[Run] = []
    made: list[Shuffle] = []
    shuffled: list[int] = []
    if from_vectors:
        made, shuffled, singles = shuffles(table, lanes)
    else:
        runs, singles = vector_runs(table, lanes, source_size)
    if not runs and not made:
        singles = []
    listed = [n for run in runs for n in (lanes * run.first, *run.starts, *run.present)]
    listed += [lanes * vector for vector in singles]
    places = np.array([*listed, *shuffled], np.int32)
    return Listing(len(runs), len(singles), tuple(made), places)


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
        """Return the types of input, table, the table of a `Listing` unless empty, and result."""
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

            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                plane = planes.induction_variable
                if order:
                    self._listed(buffers, plane, order[0])
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

    def _listed(self, buffers: list[Any], plane: Any, places: Any) -> None:
        """Build the loops over runs, singles, and vectors that are shuffled."""
        kernel = self._kernel
        end = kernel.runs * (1 + 2 * kernel.lanes)
        run = functools.partial(self._run, buffers, plane, places)
        self._loop(0, end, 1 + 2 * kernel.lanes, run)

        def single(number: Any) -> None:
            self._vector(buffers, plane, self.load_index(places, [number]))

        self._loop(end, end + kernel.singles, 1, single)
        end += kernel.singles
        for own in kernel.shuffles:
            make = functools.partial(self._shuffled, buffers, plane, places, own)
            self._loop(end, end + own.count * (1 + own.sources), 1 + own.sources, make)
            end += own.count * (1 + own.sources)

    def _run(self, buffers: list[Any], plane: Any, places: Any, number: Any) -> None:
        """Build a run: what each lane takes is loaded as a vector, then transposed."""
        source, _, target = buffers
        lanes, fill = self._kernel.lanes, self.splat(self._kernel.fill)
        i32 = ir.IntegerType.get_signless(32)
        numbers = ir.VectorType.get([lanes], i32)
        bits = ir.DenseElementsAttr.get((1 << np.arange(lanes)).astype(np.int32), type=numbers)
        zeros = ir.DenseElementsAttr.get_splat(numbers, ir.IntegerAttr.get(i32, 0))
        bit, zero = arith.constant(numbers, bits), arith.constant(numbers, zeros)
        at = self.load_index(places, [number])
        rows = []
        for lane in range(lanes):
            start, present = (
                arith.addi(number, self.constant(1 + lane + of * lanes)) for of in (0, 1)
            )
            row = self.load_vector(source, [plane, self.load_index(places, [start])])
            mask = vector.broadcast(numbers, memref.load(places, [present]))
            known = arith.cmpi(arith.CmpIPredicate.ne, arith.andi(mask, bit), zero)
            rows.append(arith.select(known, row, fill))
        for column, value in enumerate(_transposed(rows)):
            place = arith.addi(at, self.constant(column * lanes))
            self.store_vector(value, target, [plane, place])

    def _shuffled(
        self, buffers: list[Any], plane: Any, places: Any, shuffle: Shuffle, number: Any
    ) -> None:
        """Build a vector; its place and those of its sources are in the table from ``number``."""
        source, _, target = buffers
        lanes, half = self._kernel.lanes, self._kernel.source_type == "f16"
        # In their own type: LLVM 22 unpacks vectors wrongly that were just converted to f32.
        value = self.splat(self._kernel.fill, self.half_vector if half else self.vector)
        at, *froms = (
            self.load_index(places, [arith.addi(number, self.constant(i))])
            for i in range(1 + shuffle.sources)
        )
        for own, place in enumerate(froms):
            other = self.load_stored(source, [plane, place], aligned=True)
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
