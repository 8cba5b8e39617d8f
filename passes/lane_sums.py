"""Sums of a convolution on a tile: loops over kernels, one a pattern.

Each input vector is loaded once, at an immediate offset, and used by all taps that need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, memref, scf, vector

from pattern_mlir.cost import LINE, chains
from pattern_mlir.dialects.half_sums import HALF_TERMS
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.kernel_functions import vector_alignment
from pattern_mlir.passes.lane_kernel import Cell, EqualRows, LaneKernel, equal_rows, sweeps
from pattern_mlir.passes.lane_tiles import KernelBuffers, LaneTiles, Tile, Window
from pattern_mlir.passes.linalg_builders import Scalar
from pattern_mlir.passes.load_pairs import choose_loads, load_order
from pattern_mlir.passes.neighbour_lanes import NeighbourLanes


@dataclass(frozen=True)
class _Products:
    """What the loops over the kernels of one pattern have in common.

    Attributes:
        pattern: its number.
        taps: of the pattern.
        keys: chain and cell of each sum.
        source_at: where a window begins in the plane of the input's first channel.
        single_at: the same of the second address, see `load_pairs`; None where there is none.
        size, shift: the weights of kernel k lie at k * size + shift.
        shape: of the tile.
    """

    pattern: int
    taps: Sequence[Pair]
    keys: list[tuple[int, Cell]]
    source_at: Any
    single_at: Any
    size: Any
    shift: Any
    shape: Pair


@dataclass(frozen=True)
class _HalfSums:
    """Sums in f16 that have not joined their totals yet.

    Attributes:
        totals: a buffer of vectors of f32.
        parts: the sums.
        terms: how many products each has at most.
    """

    totals: Any
    parts: list[Any]
    terms: Any


class LaneSums(LaneTiles):
    """Builds the sums of `Kind.CONVOLVE`."""

    _neighbours: NeighbourLanes
    """What permutes lanes in the function that is being built."""

    def _sums(self, buffers: KernelBuffers, tile: Tile) -> dict[Cell, Any]:
        """Build bias and products of the tile: a loop over kernels for each pattern."""
        kernel = self._kernel
        rows, columns = tile.shape
        cells = list(product(range(kernel.block), range(rows), range(columns)))
        # Few sums would wait for themselves: each is added up in several chains.
        count = chains(len(cells), max(map(len, kernel.patterns)))
        sums = self._first_sums(buffers, tile, cells)
        sums += [self.splat(0.0)] * (len(cells) * (count - 1))
        row = arith.addi(
            arith.muli(tile.channel_block, self.constant(kernel.filter_units)), tile.unit
        )
        begin, tap = (self.load_index(buffers.starts, [row, self.constant(i)]) for i in (0, 1))
        first_plane = arith.addi(
            arith.muli(tile.image, self.constant(kernel.channels)),
            arith.muli(tile.channel_block, self.constant(kernel.channel_block)),
        )
        half = self._half_sums(sums) if kernel.half_sums else None
        # Outside of the loops over kernels: a channel's address is then one multiply-add.
        first = arith.muli(first_plane, self.constant(kernel.source.plane * kernel.source.lanes))
        source_at = arith.addi(first, tile.source_at)
        single_at = None if tile.single_at is None else arith.addi(first, tile.single_at)
        for number, taps in enumerate(kernel.patterns):
            kernels = self.load_index(buffers.counts, [row, self.constant(number)])
            end = arith.addi(begin, kernels)
            size = self.constant(len(taps) * kernel.block)
            # Weights of kernel k of this pattern lie at k * size + shift.
            shift = arith.subi(tap, arith.muli(begin, size))
            keys = [(chain, cell) for chain in range(count) for cell in cells]
            body = _Products(number, taps, keys, source_at, single_at, size, shift, tile.shape)
            if half is None:
                sums = self._chunks(buffers, body, begin, end, sums)
            elif len(taps) > HALF_TERMS:
                self._half_rows(buffers, body, begin, end, half.totals)
            else:
                half = self._half_chunks(buffers, body, begin, end, half)
            tap = arith.addi(tap, arith.muli(kernels, size))
            begin = end
        if half is not None:
            self._join(half.totals, half.parts)
            sums = self._loaded(half.totals)
        totals = dict(zip(cells, sums, strict=False))
        for position, value in enumerate(sums[len(cells) :]):
            cell = cells[position % len(cells)]
            totals[cell] = arith.addf(totals[cell], value)
        return totals

    def _first_sums(self, buffers: KernelBuffers, tile: Tile, cells: list[Cell]) -> list[Any]:
        """Build what sums begin with: the bias, or what earlier blocks of channels sum up to."""
        biases = [
            vector.broadcast(self.vector, memref.load(buffers.bias, [output]))
            for output in tile.outputs
        ]
        begun = [biases[filter_] for filter_, _, _ in cells]
        if self._kernel.channel_blocks == 1:
            return begun
        first = arith.cmpi(arith.CmpIPredicate.eq, tile.channel_block, self.constant(0))
        either = scf.IfOp(first, [self.vector] * len(cells), has_else=True)
        with ir.InsertionPoint(either.then_block):
            scf.yield_(begun)
        with ir.InsertionPoint(either.else_block):
            windows = [
                self._target_window(buffers, tile, filter_) for filter_ in range(len(biases))
            ]
            scf.yield_([self._load(windows[filter_], y, x) for filter_, y, x in cells])
        return list(either.results)

    def _chunks(
        self, buffers: KernelBuffers, body: _Products, begin: Any, end: Any, sums: list[Any]
    ) -> list[Any]:
        """Build ``sums`` with the products of the kernels from begin to end, chunk by chunk."""
        if not self._kernel.chunk:
            return self._kernels(buffers, body, begin, end, sums)
        chunk = self.constant(self._kernel.chunk)
        chunks = scf.ForOp(begin, end, chunk, sums)
        with ir.InsertionPoint(chunks.body):
            first = chunks.induction_variable
            last = arith.minui(arith.addi(first, chunk), end)
            parts = self._kernels(buffers, body, first, last, [self.splat(0.0)] * len(sums))
            totals = list(chunks.inner_iter_args)
            scf.yield_([arith.addf(a, b) for a, b in zip(totals, parts, strict=True)])
        return list(chunks.results)

    def _half_sums(self, sums: list[Any]) -> _HalfSums:
        """Build sums in f16 of nothing yet, whose totals are ``sums``, in memory.

        There are twice as many totals as fit into registers; LLVM would move them to and fro.
        """
        type_ = ir.MemRefType.get([len(sums), *self.vector.shape], self.f32)
        with ir.InsertionPoint.at_block_begin(self.entry):
            totals = memref.AllocaOp(type_, [], [], alignment=LINE).result
        for number, value in enumerate(sums):
            place = [self.constant(number), self.constant(0)]
            self.store_vector(value, totals, place, aligned=True)
        zeros = [self.splat(0.0, self.half_vector)] * len(sums)
        return _HalfSums(totals, zeros, self.constant(0))

    def _loaded(self, totals: Any) -> list[Any]:
        """Build the vectors of ``totals``."""
        places = ([self.constant(n), self.constant(0)] for n in range(totals.type.shape[0]))
        return [self.load_vector(totals, place, aligned=True) for place in places]

    def _half_chunks(
        self, buffers: KernelBuffers, body: _Products, begin: Any, end: Any, half: _HalfSums
    ) -> _HalfSums:
        """Build sums in f16 with the products of the kernels from begin to end.

        They join the totals before they would have more terms than they may, and wait for the next
        pattern's else: most patterns have few kernels of a filter.
        """
        zeros = [self.splat(0.0, self.half_vector)] * len(half.parts)
        chunk, limit = self.constant(HALF_TERMS // len(body.taps)), self.constant(HALF_TERMS)
        chunks = scf.ForOp(begin, end, chunk, [*half.parts, half.terms])
        with ir.InsertionPoint(chunks.body):
            first, (*parts, known) = chunks.induction_variable, list(chunks.inner_iter_args)
            last = arith.minui(arith.addi(first, chunk), end)
            own = arith.muli(arith.subi(last, first), self.constant(len(body.taps)))
            terms = arith.addi(known, own)
            full = arith.cmpi(arith.CmpIPredicate.ugt, terms, limit)
            either = scf.IfOp(full, [self.half_vector] * len(parts), has_else=True)
            with ir.InsertionPoint(either.then_block):
                self._join(half.totals, parts)
                scf.yield_(zeros)
            with ir.InsertionPoint(either.else_block):
                scf.yield_(parts)
            parts = self._kernels(buffers, body, first, last, list(either.results))
            scf.yield_([*parts, arith.select(full, own, terms)])
        *parts, terms = list(chunks.results)
        return replace(half, parts=parts, terms=terms)

    def _half_rows(
        self, buffers: KernelBuffers, body: _Products, begin: Any, end: Any, totals: Any
    ) -> None:
        """Build the products of kernels larger than a chunk, which join ``totals`` by some rows."""
        rows = equal_rows(body.taps, self._kernel.block)
        assert rows is not None and len(rows.taps) <= HALF_TERMS
        loop = scf.ForOp(begin, end, self.constant(1))
        with ir.InsertionPoint(loop.body):
            position = loop.induction_variable
            channel = self.load_index(buffers.channels, [position])
            weights_at = arith.addi(arith.muli(position, body.size), body.shift)
            step = HALF_TERMS // len(rows.taps)
            for first in range(0, rows.count, step):
                span = range(first, min(first + step, rows.count))
                zeros = [self.splat(0.0, self.half_vector)] * len(body.keys)
                parts = self._rows(zeros, body, rows, span, channel, buffers, weights_at)
                self._join(totals, parts)
            scf.yield_([])

    def _join(self, totals: Any, parts: list[Any]) -> None:
        """Build the sums in f16 ``parts`` joining ``totals``."""
        for number, part in enumerate(parts):
            place = [self.constant(number), self.constant(0)]
            total = self.load_vector(totals, place, aligned=True)
            wide = Scalar(part).as_type(self.vector).value
            self.store_vector(arith.addf(total, wide), totals, place, aligned=True)

    def _kernels(
        self, buffers: KernelBuffers, body: _Products, begin: Any, end: Any, sums: list[Any]
    ) -> list[Any]:
        """Build ``sums`` with the products of the kernels from begin to end, in one loop."""
        loop = scf.ForOp(begin, end, self.constant(1), sums)
        with ir.InsertionPoint(loop.body):
            position = loop.induction_variable
            channel = self.load_index(buffers.channels, [position])
            weights_at = arith.addi(arith.muli(position, body.size), body.shift)
            arguments = list(loop.inner_iter_args)
            rows = equal_rows(body.taps, self._kernel.block)
            if rows is None:
                window = self._loads_window(buffers, channel, body)
                sums = self._products(arguments, body, window, buffers.taps, weights_at)
            else:
                span = range(rows.count)
                sums = self._rows(arguments, body, rows, span, channel, buffers, weights_at)
            scf.yield_(sums)
        return list(loop.results)

    def _rows(
        self,
        sums: list[Any],
        body: _Products,
        rows: EqualRows,
        span: range,
        channel: Any,
        buffers: KernelBuffers,
        weights_at: Any,
    ) -> list[Any]:
        """Build the products of the rows ``span`` of one kernel, row by row, in a loop.

        Unrolled, LLVM would load each input vector once for all rows, and spill it.
        """
        source = self._kernel.source
        first, last = self.constant(span.start), self.constant(span.stop)
        loop = scf.ForOp(first, last, self.constant(1), sums)
        with ir.InsertionPoint(loop.body):
            row = loop.induction_variable
            down = arith.muli(row, self.constant(rows.step * source.pitch * source.lanes))
            window = self._source_window(buffers, channel, arith.addi(body.source_at, down))
            size = self.constant(len(rows.taps) * self._kernel.block)
            start = arith.addi(weights_at, arith.muli(row, size))
            own = replace(body, taps=rows.taps)
            arguments = list(loop.inner_iter_args)
            scf.yield_(self._products(arguments, own, window, buffers.taps, start))
        return list(loop.results)

    def _loads_window(self, buffers: KernelBuffers, plane: Any, body: _Products) -> Window:
        """Build the view of the input in ``plane`` for products, with its second address."""
        loads, lanes = choose_loads(self._kernel, body.shape), self._kernel.source.lanes
        window = self._source_window(buffers, plane, body.source_at, loads.lead * lanes)
        if loads.middle is None:
            return window
        before = -single_offset(self._kernel, loads.middle)
        single = self._source_window(buffers, plane, body.single_at, before)
        return replace(window, singles=loads.singles[body.pattern], single=single)

    def _products(
        self, sums: list[Any], body: _Products, window: Any, weights: Any, weights_at: Any
    ) -> list[Any]:
        """Build ``sums`` with the products of one kernel; input vectors outside, uses inside.

        Taps outside would let LLVM merge loads of a tile and spill the sums.
        """
        values = dict(zip(body.keys, sums, strict=True))
        count = 1 + max(chain for chain, _ in body.keys)
        for positions, uses in sweeps(self._kernel, body.taps, body.shape):
            splats = self._splats(weights, weights_at, positions)
            for (y, x), users in load_order(self._kernel, body.pattern, uses).items():
                value = self._factor(window, y, x)
                for cell, weight in users:
                    key = (weight // self._kernel.block % count, cell)
                    values[key] = vector.fma(value, splats[weight], values[key])
        return list(values.values())

    def _splats(self, weights: Any, start: Any, positions: list[int]) -> dict[int, Any]:
        """Build the weights at ``positions``, each in all lanes."""
        if self._kernel.weights_ahead:
            self._ask_for_weights(weights, start, positions[0], len(positions))
        splats, type_ = {}, self._product_type
        if len(positions) >= 4:
            four = ir.VectorType.get([4], weights.type.element_type)
            factors = ir.VectorType.get([4], type_.element_type)
            # The last four may overlap those before them: none is loaded alone.
            for first in (*range(0, len(positions) - 4, 4), len(positions) - 4):
                place = arith.addi(start, self.constant(positions[first]))
                alignment = vector_alignment(four, aligned=False)
                values = vector.load(four, weights, [place], alignment=alignment)
                values = Scalar(values).as_type(factors).value
                for offset, position in enumerate(positions[first : first + 4]):
                    if position not in splats:
                        scalar = vector.extract(values, [], [offset])
                        splats[position] = vector.broadcast(type_, scalar)
            return splats
        for position in positions:
            scalar = memref.load(weights, [arith.addi(start, self.constant(position))])
            scalar = Scalar(scalar).as_type(type_.element_type).value
            splats[position] = vector.broadcast(type_, scalar)
        return splats

    @property
    def _product_type(self) -> Any:
        """The vector type in which products are added up."""
        return self.half_vector if self._kernel.half_sums else self.vector

    def _factor(self, window: Window, y: int, x: int) -> Any:
        """Build an input vector in the type of products."""
        own, off = self._kernel.own_vector((y, x))
        window = window.of(*own)
        place = window.place(*own)
        aligned = (place - window.lead) % window.layout.lanes == 0
        value = self.load_stored(window.view, [self.constant(place)], aligned)
        value = Scalar(value).as_type(self._product_type).value
        if off == (0, 0):
            return value
        return self._neighbours.build(value, off, self.splat(self._kernel.source.fill))


def single_offset(kernel: LaneKernel, middle: int) -> int:
    """Return how many elements after the window the second address of its loads lies."""
    lanes = kernel.source.lanes
    return middle * lanes + lanes // 2
