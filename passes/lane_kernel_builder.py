"""Kernels in lane blocks, as functions on buffers: one generator for every list of taps.

A tile of outputs stays in registers while loops over a filter's kernels, one loop a pattern, run
over it. Each input vector is loaded once, at an immediate offset, and used by all taps that need
it. A block of filters that share their input channels is computed together: one filter for
patterns, several where a kernel has a single tap and would else load once for each multiplication.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.cost import LINE, chains
from pattern_mlir.dialects.half_sums import HALF_TERMS
from pattern_mlir.layouts import LaneLayout, Pair
from pattern_mlir.passes.activation_loops import activated_in_loop, is_long
from pattern_mlir.passes.kernel_functions import ELEMENT_BYTES, FunctionBuilder, vector_alignment
from pattern_mlir.passes.lane_kernel import (
    Border,
    Cell,
    EqualRows,
    Kind,
    LaneKernel,
    borders,
    equal_rows,
    sweeps,
)
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import Scalar
from pattern_mlir.passes.load_pairs import choose_loads
from pattern_mlir.passes.neighbour_lanes import NeighbourLanes

TABLES = ("counts", "starts", "channels", "taps", "bias", "output_channel")
"""What a convolution's kernel reads beside its input, in the order of its arguments."""


@dataclass(frozen=True)
class _Buffers:
    """The arguments of a kernel's functions."""

    source: Any
    counts: Any
    starts: Any
    channels: Any
    taps: Any
    bias: Any
    output_channel: Any
    operand: Any
    target: Any
    statistics: Any = None


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


@dataclass(frozen=True)
class _Tile:
    """A block of filters at a tile: what the body of a tile's function computes.

    Attributes:
        shape: rows and columns of sums.
        image, unit: numbers of the image and of the block of filters.
        outputs: numbers of the filters' channels in the result.
        kind: which borders the tile has.
        source_at, target_at, operand_at: where it begins in the planes.
        single_at: the second address of the input, see `load_pairs`; None where there is none.
        channel_block: number of the block of channels that is summed up.
    """

    shape: Pair
    image: Any
    unit: Any
    outputs: list[Any]
    kind: Any
    source_at: Any
    target_at: Any
    operand_at: Any
    single_at: Any
    channel_block: Any


@dataclass(frozen=True)
class _Window:
    """What a tile sees of a plane: a view that starts where the tile does.

    Attributes:
        view: one-dimensional.
        layout: of the plane.
        column: where the tile begins in a row.
        lead: elements from the view's start to the tile's.
        singles: vectors that are loaded from ``single``, numbered from the tile's.
        single: the same window from a second address.
    """

    view: Any
    layout: LaneLayout
    column: int = 0
    lead: int = 0
    singles: frozenset[int] = frozenset()
    single: _Window | None = None

    def place(self, y: int, x: int) -> int:
        """Return where in the view the vector ``y`` below and ``x`` right of the tile's begins."""
        return self.lead + self.layout.offset(y, x, self.column)

    def of(self, y: int, x: int) -> _Window:
        """Return the window from whose address a vector of the input is loaded."""
        is_single = self.single is not None and y * self.layout.pitch + x in self.singles
        return self.single if is_single and self.single is not None else self


class LaneKernelBuilder(FunctionBuilder):
    """Builds the functions of a `LaneKernel` at the current insertion point."""

    def __init__(self, kernel: LaneKernel, name: str) -> None:
        """Build functions named ``name`` and ``name``_tile_RxC."""
        super().__init__(kernel.source.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of the buffers; tables whose length is data have an upper bound."""
        kernel = self._kernel
        source, target = self.element(kernel.source_type), self.element(kernel.target_type)
        types = [self._planes([kernel.images, kernel.channels], kernel.source, source)]
        if kernel.kind is Kind.CONVOLVE:
            types += self._table_types()
        if kernel.kind is Kind.SELECT:
            u16 = ir.IntegerType.get_signless(16)
            types.append(ir.MemRefType.get([kernel.filters], u16))
        if kernel.kind is Kind.NORMALIZE:
            factors = ir.MemRefType.get([kernel.filters], self.f32)
            statistics = self._planes([kernel.images, 2], kernel.source, self.f32)
            types += [statistics, factors, factors]
        if kernel.operand is not None:
            types.append(self._planes([kernel.images, kernel.filters], kernel.operand, target))
        elif kernel.operand_images:
            shape = [kernel.operand_images, kernel.filters]
            types.append(ir.MemRefType.get(shape, target))
        target_channels = kernel.target_channels or kernel.filters
        return [*types, self._planes([kernel.images, target_channels], kernel.target, target)]

    def _table_types(self) -> list[Any]:
        """Return the types of counts, starts, channels, taps, bias and output_channel."""
        kernel = self._kernel
        kernels, rows = kernel.units * kernel.channels, kernel.units * kernel.channel_blocks
        most_taps = max(len(taps) for taps in kernel.patterns) * kernel.block
        u16, u32 = (ir.IntegerType.get_signless(width) for width in (16, 32))
        index = ir.IntegerType.get_signless(8 * np.dtype(kernel.index_type).itemsize)
        return [
            ir.MemRefType.get([rows, len(kernel.patterns)], index),
            ir.MemRefType.get([rows, 2], u32),
            ir.MemRefType.get([kernels], index),
            ir.MemRefType.get([kernels * most_taps], self.element(kernel.source_type)),
            ir.MemRefType.get([kernel.filters], self.f32),
            ir.MemRefType.get([kernel.filters], u16),
        ]

    def _planes(self, shape: list[int], layout: LaneLayout, element: Any) -> Any:
        return ir.MemRefType.get([*shape, layout.plane, layout.lanes], element)

    def build(self) -> None:
        """Build a function for each shape of tile, and the one that calls them for all tiles."""
        kernel = self._kernel
        # Tiles of one shape that have the same borders are of one kind.
        kinds: dict[Pair, list[tuple[Border, ...]]] = {}
        for tile in kernel.tiles:
            known, own = kinds.setdefault(tile[2:], []), borders(kernel, *tile)
            if own not in known:
                known.append(own)
        for shape, found in kinds.items():
            self._tile(shape, found)
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            images = scf.ForOp(self.constant(0), self.constant(kernel.images), self.constant(1))
            with ir.InsertionPoint(images.body):
                image = images.induction_variable
                if not kernel.by_plane:
                    self._tiles(kinds, buffers, low, high, image)
                else:
                    one = self.constant(1)
                    planes = scf.ForOp(low, high, one)
                    with ir.InsertionPoint(planes.body):
                        plane = planes.induction_variable
                        self._tiles(kinds, buffers, plane, arith.addi(plane, one), image)
                        scf.yield_([])
                scf.yield_([])
            func.return_([])

    def _tiles(
        self,
        kinds: dict[Pair, list[tuple[Border, ...]]],
        buffers: list[Any],
        low: Any,
        high: Any,
        image: Any,
    ) -> None:
        """Build the calls of every tile's function for the units from ``low`` to ``high``."""
        kernel = self._kernel
        tiles = kernel.tiles
        for (y, x, rows, columns), following in zip(tiles, [*tiles[1:], tiles[0]], strict=True):
            kind = kinds[rows, columns].index(borders(kernel, y, x, rows, columns))
            loads, source_at = choose_loads(kernel, (rows, columns)), kernel.input_at(y, x)
            before = loads.lead * kernel.source.lanes
            numbers = [kind, source_at - before, kernel.output_at(y, x)]
            numbers.append(kernel.operand.start(y, x) if kernel.operand else 0)
            if kernel.prefetch:
                numbers.append(kernel.input_at(*following[:2]))
            if loads.middle is not None:
                numbers.append(source_at + _single_offset(kernel, loads.middle))
            places = map(self.constant, numbers)
            arguments = [*buffers, low, high, image, *places]
            self._channel_blocks(self._tile_name(rows, columns), arguments)

    def _channel_blocks(self, function: str, arguments: list[Any]) -> None:
        """Build the calls of a tile's ``function`` for each block of channels."""
        count = self._kernel.channel_blocks
        if count == 1:
            func.call([], function, arguments)
            return
        blocks = scf.ForOp(self.constant(0), self.constant(count), self.constant(1))
        with ir.InsertionPoint(blocks.body):
            func.call([], function, [*arguments, blocks.induction_variable])
            scf.yield_([])

    def _tile_name(self, rows: int, columns: int) -> str:
        return f"{self._name}_tile_{rows}x{columns}"

    def _tile(self, shape: Pair, kinds: list[tuple[Border, ...]]) -> None:
        """Build all filters from low to high at a tile of ``shape``, of any of the ``kinds``."""
        kernel = self._kernel
        buffer_types = self.buffer_types()
        optional = {
            "next_at": kernel.prefetch,
            "single_at": choose_loads(kernel, shape).middle is not None,
            "channel_block": kernel.channel_blocks > 1,
        }
        present = [name for name, is_there in optional.items() if is_there]
        numbers = 7 + len(present)
        with self.function(self._tile_name(*shape), [*buffer_types, *[self.index] * numbers]):
            arguments = list(self.entry.arguments)
            named = self._named(arguments[: len(buffer_types)])
            low, high, image, kind, source_at, target_at, operand_at, *rest = arguments[
                len(buffer_types) :
            ]
            extra = dict(zip(present, rest, strict=True))
            self._neighbours = NeighbourLanes(kernel.source, self.entry, low)
            units = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(units.body):
                unit = units.induction_variable
                tile = _Tile(
                    shape,
                    image,
                    unit,
                    [self._output_channel(named, unit, f) for f in range(kernel.block)],
                    kind,
                    source_at,
                    target_at,
                    operand_at,
                    extra.get("single_at"),
                    extra.get("channel_block", self.constant(0)),
                )
                if kernel.prefetch:
                    self._prefetch(named, tile, extra["next_at"])
                make = {
                    Kind.CONVOLVE: self._sums,
                    Kind.MAX_POOL: self._pooled,
                    Kind.AVERAGE_POOL: self._pooled,
                    Kind.COPY: self._pixels,
                    Kind.SELECT: self._pixels,
                    Kind.PIXEL_SHUFFLE: self._shuffled,
                    Kind.NORMALIZE: self._normalized,
                }[kernel.kind]
                self._store_sums(named, tile, make(named, tile), kinds)
                scf.yield_([])
            func.return_([])

    def _prefetch(self, buffers: _Buffers, tile: _Tile, next_at: Any) -> None:
        """Build requests for this unit's share of the next tile, and for the next unit's result."""
        kernel = self._kernel
        step = max(1, LINE // (ELEMENT_BYTES[kernel.source_type] * kernel.source.lanes))
        share = -(-kernel.channels // kernel.units)
        rows, columns = (
            kernel.source.block[axis]
            if kernel.wraps[axis]
            else (size - 1) * stride
            + 1
            + max(tap[axis] for taps in kernel.patterns for tap in taps)
            for axis, (size, stride) in enumerate(zip(tile.shape, kernel.strides, strict=True))
        )
        for number in range(share):
            channel = arith.muli(tile.unit, self.constant(share))
            channel = arith.addi(channel, self.constant(number))
            channel = arith.minui(channel, self.constant(kernel.channels - 1))
            plane = arith.addi(arith.muli(tile.image, self.constant(kernel.channels)), channel)
            window = self._source_window(buffers, plane, next_at)
            for y, x in product(range(rows), range(0, columns, step)):
                place = self.constant(window.place(y, x))
                memref.prefetch(window.view, [place], False, 2, True)
        following = arith.addi(tile.unit, self.constant(1))
        following = arith.minui(following, self.constant(kernel.units - 1))
        outputs = [self._output_channel(buffers, following, f) for f in range(kernel.block)]
        ahead = replace(tile, outputs=outputs)
        for filter_ in range(kernel.block):
            window = self._target_window(buffers, ahead, filter_)
            rows, columns = (size // kernel.shrink for size in tile.shape)
            for y, x in product(range(rows), range(0, columns, step)):
                place = self.constant(window.place(y, x))
                memref.prefetch(window.view, [place], True, 3, True)

    def _store_sums(
        self,
        buffers: _Buffers,
        tile: _Tile,
        sums: dict[Cell, Any],
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build what becomes of ``sums``: they wait in the result until the last block's."""
        kernel = self._kernel
        if kernel.channel_blocks == 1:
            self._finish(buffers, tile, sums, kinds)
            return
        last = self.constant(kernel.channel_blocks - 1)
        is_last = arith.cmpi(arith.CmpIPredicate.eq, tile.channel_block, last)
        either = scf.IfOp(is_last, has_else=True)
        with ir.InsertionPoint(either.then_block):
            self._finish(buffers, tile, sums, kinds)
            scf.yield_([])
        with ir.InsertionPoint(either.else_block):
            for filter_ in range(kernel.block):
                window = self._target_window(buffers, tile, filter_)
                for (y, x), value in _of_filter(sums, filter_).items():
                    self._store(value, window, y, x)
            scf.yield_([])

    def _named(self, buffers: list[Any]) -> _Buffers:
        kernel = self._kernel
        source, *tables, target = buffers
        has_operand = kernel.operand is not None or kernel.operand_images
        operand = tables.pop() if has_operand else None
        if kernel.kind is Kind.SELECT:
            named = {**dict.fromkeys(TABLES), "channels": tables.pop()}
        elif kernel.kind is Kind.NORMALIZE:
            names = ("statistics", "taps", "bias")
            named = {**dict.fromkeys(TABLES), **dict(zip(names, tables, strict=True))}
        else:
            named = dict(zip(TABLES, tables or [None] * len(TABLES), strict=True))
        return _Buffers(source=source, operand=operand, target=target, **named)

    def _output_channel(self, buffers: _Buffers, unit: Any, filter_: int) -> Any:
        if self._kernel.kind is not Kind.CONVOLVE:
            return unit
        position = arith.muli(unit, self.constant(self._kernel.block))
        position = arith.addi(position, self.constant(filter_))
        return self.load_index(buffers.output_channel, [position])

    def _sums(self, buffers: _Buffers, tile: _Tile) -> dict[Cell, Any]:
        """Build bias and products of the tile: a loop over kernels for each pattern."""
        kernel = self._kernel
        rows, columns = tile.shape
        cells = list(product(range(kernel.block), range(rows), range(columns)))
        # Few sums would wait for themselves: each is added up in several chains.
        count = chains(len(cells), max(map(len, kernel.patterns)))
        sums = self._first_sums(buffers, tile, cells)
        sums += [self.splat(0.0)] * (len(cells) * (count - 1))
        row = arith.addi(arith.muli(tile.channel_block, self.constant(kernel.units)), tile.unit)
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

    def _first_sums(self, buffers: _Buffers, tile: _Tile, cells: list[Cell]) -> list[Any]:
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
        self, buffers: _Buffers, body: _Products, begin: Any, end: Any, sums: list[Any]
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
        self, buffers: _Buffers, body: _Products, begin: Any, end: Any, half: _HalfSums
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
        self, buffers: _Buffers, body: _Products, begin: Any, end: Any, totals: Any
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
        self, buffers: _Buffers, body: _Products, begin: Any, end: Any, sums: list[Any]
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
        buffers: _Buffers,
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

    def _pooled(self, buffers: _Buffers, tile: _Tile) -> dict[Cell, Any]:
        """Build maximum, where NaN wins, or mean over the window of each output."""
        window = self._channel_window(buffers, tile)
        is_mean = self._kernel.kind is Kind.AVERAGE_POOL
        combine = arith.addf if is_mean else arith.maximumf
        values: dict[Cell, Any] = {}
        for _, uses in sweeps(self._kernel, self._kernel.patterns[0], tile.shape):
            for (y, x), users in uses.items():
                value = self._load(window, y, x)
                for cell, _ in users:
                    known = values.get(cell)
                    values[cell] = value if known is None else combine(known, value)
        if not is_mean:
            return values
        divisor = self.splat(self._kernel.divisor)
        return {cell: arith.divf(value, divisor) for cell, value in values.items()}

    def _pixels(self, buffers: _Buffers, tile: _Tile) -> dict[Cell, Any]:
        """Build the pixel that each output takes over."""
        window = self._channel_window(buffers, tile)
        down, right = self._kernel.repeat
        rows, columns = tile.shape
        loaded = {
            (y, x): self._load(window, y, x)
            for y, x in product(range(-(-rows // down)), range(-(-columns // right)))
        }
        return {
            (0, y, x): loaded[y // down, x // right]
            for y, x in product(range(rows), range(columns))
        }

    def _shuffled(self, buffers: _Buffers, tile: _Tile) -> dict[Cell, Any]:
        """Build pixels that take turns between channels of the input, in rows and in columns."""
        down, right = self._kernel.repeat
        first = arith.muli(tile.image, self.constant(self._kernel.channels))
        first = arith.addi(first, arith.muli(tile.unit, self.constant(down * right)))
        windows = {
            phase: self._source_window(
                buffers, arith.addi(first, self.constant(number)), tile.source_at
            )
            for number, phase in enumerate(product(range(down), range(right)))
        }
        rows, columns = tile.shape
        return {
            (0, y, x): self._load(windows[y % down, x % right], y // down, x // right)
            for y, x in product(range(rows), range(columns))
        }

    def _normalized(self, buffers: _Buffers, tile: _Tile) -> dict[Cell, Any]:
        """Build (pixel - mean) * scale * weight + bias, of which each pixel has a mean and scale.

        They lie in two planes as those of the input do (`channel_statistics`).
        """
        source = self._kernel.source
        first = arith.muli(tile.image, self.constant(2))
        means, scales = (
            _Window(self._view(buffers.statistics, source, plane, tile.source_at), source)
            for plane in (first, arith.addi(first, self.constant(1)))
        )
        window = self._channel_window(buffers, tile)
        weight, bias = (
            vector.broadcast(self.vector, memref.load(table, [tile.unit]))
            for table in (buffers.taps, buffers.bias)
        )
        values = {}
        for y, x in product(range(tile.shape[0]), range(tile.shape[1])):
            centred = arith.subf(self._load(window, y, x), self._load(means, y, x))
            scaled = arith.mulf(centred, self._load(scales, y, x))
            values[0, y, x] = vector.fma(scaled, weight, bias)
        return values

    def _channel_window(self, buffers: _Buffers, tile: _Tile) -> Any:
        """Build the view of the tile's own channel, or of the one that the table names for it."""
        first = arith.muli(tile.image, self.constant(self._kernel.channels))
        chosen = buffers.channels is not None
        channel = self.load_index(buffers.channels, [tile.unit]) if chosen else tile.unit
        plane = arith.addi(first, channel)
        return self._source_window(buffers, plane, tile.source_at)

    def _loads_window(self, buffers: _Buffers, plane: Any, body: _Products) -> _Window:
        """Build the view of the input in ``plane`` for products, with its second address."""
        loads, lanes = choose_loads(self._kernel, body.shape), self._kernel.source.lanes
        window = self._source_window(buffers, plane, body.source_at, loads.lead * lanes)
        if loads.middle is None:
            return window
        before = -_single_offset(self._kernel, loads.middle)
        single = self._source_window(buffers, plane, body.single_at, before)
        return replace(window, singles=loads.singles[body.pattern], single=single)

    def _source_window(self, buffers: _Buffers, plane: Any, at: Any, before: int = 0) -> _Window:
        """Build the view of the input from ``at`` in ``plane``.

        Output (0, 0) of the tile looks at the vector ``before`` elements further.
        """
        source, column = self._kernel.source, self._kernel.origin[1]
        view = self._view(buffers.source, source, plane, at, max(0, before))
        return _Window(view, source, column, before)

    def _target_window(self, buffers: _Buffers, tile: _Tile, filter_: int) -> _Window:
        """Build the view of the result from the tile's start in the plane of ``filter_``."""
        kernel = self._kernel
        channels = kernel.target_channels or kernel.filters
        plane = arith.addi(arith.muli(tile.image, self.constant(channels)), tile.outputs[filter_])
        plane = arith.addi(plane, self.constant(kernel.first_channel))
        return _Window(
            self._view(buffers.target, kernel.target, plane, tile.target_at), kernel.target
        )

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
            for (y, x), users in uses.items():
                value = self._factor(window, y, x)
                for cell, weight in users:
                    key = (weight // self._kernel.block % count, cell)
                    values[key] = vector.fma(value, splats[weight], values[key])
        return list(values.values())

    def _splats(self, weights: Any, start: Any, positions: list[int]) -> dict[int, Any]:
        """Build the weights at ``positions``, each in all lanes."""
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

    def _finish(
        self,
        buffers: _Buffers,
        tile: _Tile,
        sums: dict[Cell, Any],
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build second operand, activation, pool, and the stores of the tile and of its halo."""
        kernel = self._kernel
        for filter_ in range(kernel.block):
            own = self._combined(buffers, tile, _of_filter(sums, filter_), filter_)
            if is_long(kernel.activation):
                sums |= {(filter_, y, x): value for (y, x), value in own.items()}
            else:
                out = {p: activated(kernel.activation, Scalar(v)).value for p, v in own.items()}
                self._store_tile(buffers, tile, out, filter_, kinds)
        if is_long(kernel.activation):
            values = activated_in_loop(self, kernel.activation, list(sums.values()))
            sums = dict(zip(sums, values, strict=True))
            for filter_ in range(kernel.block):
                self._store_tile(buffers, tile, _of_filter(sums, filter_), filter_, kinds)

    def _combined(
        self, buffers: _Buffers, tile: _Tile, sums: dict[Pair, Any], filter_: int
    ) -> dict[Pair, Any]:
        """Build the sums of a filter with the second operand."""
        kernel = self._kernel
        combine = {"add": arith.addf, "multiply": arith.mulf}[kernel.combine]
        if kernel.operand is not None:
            own = arith.muli(tile.image, self.constant(kernel.filters))
            own = arith.addi(own, tile.outputs[filter_])
            view = self._view(buffers.operand, kernel.operand, own, tile.operand_at)
            window = _Window(view, kernel.operand)
            return {p: combine(v, self._load(window, *p)) for p, v in sums.items()}
        if kernel.operand_images:
            image = tile.image if kernel.operand_images > 1 else self.constant(0)
            number = self.load_scalar(buffers.operand, [image, tile.outputs[filter_]])
            factor = vector.broadcast(self.vector, number)
            return {p: combine(v, factor) for p, v in sums.items()}
        return sums

    def _store_tile(
        self,
        buffers: _Buffers,
        tile: _Tile,
        out: dict[Pair, Any],
        filter_: int,
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build the pool of a filter's results, and the stores of the tile and of its halo."""
        if self._kernel.max_pool:
            out = _halved(out)
        window = self._target_window(buffers, tile, filter_)
        out = {p: self.stored(v, window.view) for p, v in out.items()}
        for (y, x), value in out.items():
            self._store(value, window, y, x)
        self._finish_border(out, window, tile.kind, kinds)

    def _finish_border(
        self, out: dict[Pair, Any], window: _Window, kind: Any, kinds: list[tuple[Border, ...]]
    ) -> None:
        """Build the stores of each kind of tile beside its own; lanes are shifted by shuffles."""
        todo = {number: stores for number, stores in enumerate(kinds) if stores}
        if not todo:
            return
        switch = scf.IndexSwitchOp([], kind, list(todo))
        with ir.InsertionPoint(switch.default_block):
            scf.yield_([])
        for stores, block in zip(todo.values(), switch.case_blocks, strict=True):
            with ir.InsertionPoint(block):
                type_ = next(iter(out.values())).type
                fill = self.splat(self._kernel.target.fill, type_)
                for border in stores:
                    lanes = [self._kernel.target.lanes if s is None else s for s in border.sources]
                    shuffled = vector.shuffle(out[border.cell], fill, lanes)
                    self._store_at(shuffled, window, border.offset)
                scf.yield_([])

    def _view(self, buffer: Any, layout: LaneLayout, plane: Any, at: Any, more: int = 0) -> Any:
        """Build a view of a plane's elements, and ``more``, from number ``at`` in ``plane``."""
        size = layout.plane * layout.lanes
        offset = arith.addi(at, arith.muli(plane, self.constant(size)))
        dynamic = ir.ShapedType.get_dynamic_stride_or_offset()
        length = size + more
        strides = ir.StridedLayoutAttr.get(dynamic, [1])
        view = ir.MemRefType.get([length], buffer.type.element_type, strides)
        return memref.ReinterpretCastOp(
            view, buffer, [offset], [], [], [dynamic], [length], [1]
        ).result

    @property
    def _product_type(self) -> Any:
        """The vector type in which products are added up."""
        return self.half_vector if self._kernel.half_sums else self.vector

    def _factor(self, window: _Window, y: int, x: int) -> Any:
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

    def _load(self, window: _Window, y: int, x: int) -> Any:
        place = window.place(y, x)
        aligned = place % window.layout.lanes == 0
        return self.load_vector(window.view, [self.constant(place)], aligned)

    def _store(self, value: Any, window: _Window, y: int, x: int) -> None:
        self._store_at(value, window, window.place(y, x))

    def _store_at(self, value: Any, window: _Window, place: int) -> None:
        self.store_vector(value, window.view, [self.constant(place)], aligned=True)


def _single_offset(kernel: LaneKernel, middle: int) -> int:
    """Return how many elements after the window the second address of its loads lies."""
    lanes = kernel.source.lanes
    return middle * lanes + lanes // 2


def _of_filter(sums: dict[Cell, Any], filter_: int) -> dict[Pair, Any]:
    """Return the sums of one filter by row and column."""
    return {(y, x): value for (f, y, x), value in sums.items() if f == filter_}


def _halved(out: dict[Pair, Any]) -> dict[Pair, Any]:
    """Build the maximum of each 2x2 of a tile; NaN wins."""
    groups: dict[Pair, list[Any]] = {}
    for (y, x), value in out.items():
        groups.setdefault((y // 2, x // 2), []).append(value)
    return {
        place: arith.maximumf(arith.maximumf(a, b), arith.maximumf(c, d))
        for place, (a, b, c, d) in groups.items()
    }
