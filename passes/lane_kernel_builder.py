"""Kernels in lane blocks, as functions on buffers: one generator for every list of taps.

A tile of outputs stays in registers while loops over a filter's kernels, one loop a pattern, run
over it (`lane_sums`, or `lane_taps` where lanes hold taps); other kinds need no loop
(`lane_planes`); then the tile is stored (`lane_results`). A block of filters that share their
input channels is computed together: one filter for patterns, several where a kernel has a single
tap and would else load once for each multiplication.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf

from pattern_mlir import cost
from pattern_mlir.cost import LINE, largest
from pattern_mlir.layouts import LaneLayout, Pair, covering
from pattern_mlir.passes.kernel_functions import ELEMENT_BYTES
from pattern_mlir.passes.lane_inputs import LaneInputs
from pattern_mlir.passes.lane_kernel import Border, Kind, borders
from pattern_mlir.passes.lane_planes import LanePlanes
from pattern_mlir.passes.lane_sums import single_offset
from pattern_mlir.passes.lane_taps import LaneTaps
from pattern_mlir.passes.lane_tiles import KernelBuffers, Tile
from pattern_mlir.passes.load_pairs import choose_loads
from pattern_mlir.passes.neighbour_lanes import NeighbourLanes
from pattern_mlir.passes.tap_windows import windows_of
from pattern_mlir.tap_lanes import CHAINS, taps_a_pixel

TABLES = ("counts", "starts", "channels", "taps", "bias", "output_channel")
"""What a convolution's kernel reads beside its input, in the order of its arguments."""


class LaneKernelBuilder(LaneInputs, LaneTaps, LanePlanes):
    """Builds the functions of a `LaneKernel` at the current insertion point."""

    def buffer_types(self) -> list[Any]:
        """Return the types of the buffers; tables whose length is data have an upper bound."""
        kernel = self._kernel
        source, target = self.element(kernel.source_type), self.element(kernel.target_type)
        types = [self._planes([kernel.images, kernel.channels], kernel.source, source)]
        if kernel.taps_in_lanes:
            types = [ir.MemRefType.get(windows_of(kernel).shape, source)]
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
        types += self.scratch_types()
        target_channels = kernel.target_channels or kernel.filters
        return [*types, self._planes([kernel.images, target_channels], kernel.target, target)]

    def scratch_types(self) -> list[Any]:
        """Return the type of the sums that wait, and of their totals: [share, which, vector]."""
        kernel = self._kernel
        if not kernel.groups:
            return []
        vectors = kernel.group * math.prod(largest(kernel.tiles))
        shape = [kernel.units, 2 if kernel.chunk else 1, vectors, kernel.target.lanes]
        return [ir.MemRefType.get(shape, self.f32)]

    def _table_types(self) -> list[Any]:
        """Return the types of counts, starts, channels, taps, bias and output_channel."""
        kernel = self._kernel
        kernels = kernel.filters // kernel.block * kernel.channels
        most_taps = max(len(taps) for taps in kernel.patterns) * kernel.block
        loops = len(kernel.patterns)
        if kernel.taps_in_lanes:
            kernels = kernel.filters * covering(1, kernel.channels, CHAINS)
            most_taps, loops = taps_a_pixel(kernel.patterns), 1
        u16, u32 = (ir.IntegerType.get_signless(width) for width in (16, 32))
        index = ir.IntegerType.get_signless(8 * np.dtype(kernel.index_type).itemsize)
        if kernel.groups:
            rows, starts = kernel.groups * kernel.channels, [kernel.groups + 1, 3]
        else:
            rows = kernel.filter_units * kernel.channel_blocks
            starts = [rows, 2]
        return [
            ir.MemRefType.get([rows, loops], index),
            ir.MemRefType.get(starts, u32),
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
        for number, (tile, following) in enumerate(zip(tiles, [*tiles[1:], tiles[0]], strict=True)):
            if not kernel.tile_parts:
                self._call_tile(kinds, [*buffers, low, high, image], tile, following, [])
                continue
            first, last = (self._filter_unit(unit, number) for unit in (low, high))
            some = scf.IfOp(arith.cmpi(arith.CmpIPredicate.slt, first, last))
            with ir.InsertionPoint(some.then_block):
                arguments, share = [*buffers, first, last, image], [low] if kernel.groups else []
                self._call_tile(kinds, arguments, tile, following, share)
                scf.yield_([])

    def _filter_unit(self, unit: Any, number: int) -> Any:
        """Build the first filters at tile ``number`` that lie in ``unit`` or behind it."""
        kernel = self._kernel
        parts = self.constant(kernel.tile_parts)
        part = arith.subi(unit, self.constant(number * kernel.tile_parts))
        part = arith.minsi(arith.maxsi(part, self.constant(0)), parts)
        return arith.divui(arith.muli(part, self.constant(kernel.filter_units)), parts)

    def _call_tile(
        self,
        kinds: dict[Pair, list[tuple[Border, ...]]],
        arguments: list[Any],
        tile: cost.Tile,
        following: cost.Tile,
        share: list[Any],
    ) -> None:
        """Build the call of a tile's function.

        ``following`` is the tile after it. ``share`` says which of the sums that wait in memory
        are the caller's, where threads share the tiles of such a kernel; else it is empty.
        """
        kernel = self._kernel
        y, x, rows, columns = tile
        kind = kinds[rows, columns].index(borders(kernel, *tile))
        loads, source_at = choose_loads(kernel, (rows, columns)), kernel.input_at(y, x)
        before = loads.lead * kernel.source.lanes
        numbers = [kind, source_at - before, kernel.output_at(y, x)]
        numbers.append(kernel.operand.start(y, x) if kernel.operand else 0)
        if kernel.prefetch:
            numbers.append(kernel.input_at(*following[:2]))
        if loads.middle is not None:
            numbers.append(source_at + single_offset(kernel, loads.middle))
        places = map(self.constant, numbers)
        self._channel_blocks(self._tile_name(rows, columns), [*arguments, *places, *share])

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
            "share": kernel.tile_parts > 0 and kernel.groups > 0,
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
            if kernel.images == 1:
                image = self.constant(0)  # else LLVM counts its planes in the loops over kernels
            self._neighbours = NeighbourLanes(kernel.source, self.entry, low)
            units = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(units.body):
                unit = units.induction_variable
                tile = Tile(
                    shape,
                    image,
                    unit,
                    [],
                    kind,
                    source_at,
                    target_at,
                    operand_at,
                    extra.get("single_at"),
                    extra.get("channel_block", self.constant(0)),
                    extra.get("share", unit),
                )
                self._unit(named, tile, extra.get("next_at"), kinds)
                scf.yield_([])
            func.return_([])

    def _outputs(self, buffers: KernelBuffers, unit: Any) -> list[Any]:
        """Build the numbers of the channels in the result that the filters of ``unit`` make."""
        kernel = self._kernel
        if kernel.kind is not Kind.CONVOLVE:
            return [unit]
        first = arith.muli(unit, self.constant(kernel.block))
        positions = (arith.addi(first, self.constant(f)) for f in range(kernel.block))
        return [self.load_index(buffers.output_channel, [position]) for position in positions]

    def _unit(
        self, buffers: KernelBuffers, tile: Tile, next_at: Any, kinds: list[tuple[Border, ...]]
    ) -> None:
        """Build the results of one unit at ``tile``; the next tile begins at ``next_at``."""
        kernel = self._kernel
        if kernel.groups:
            self._group(buffers, tile, kinds)
            return
        tile = replace(tile, outputs=self._outputs(buffers, tile.unit))
        if kernel.prefetch:
            self._prefetch(buffers, tile, next_at)
        make = {
            Kind.CONVOLVE: self._tap_sums if kernel.taps_in_lanes else self._sums,
            Kind.MAX_POOL: self._pooled,
            Kind.AVERAGE_POOL: self._pooled,
            Kind.COPY: self._pixels,
            Kind.SELECT: self._pixels,
            Kind.PIXEL_SHUFFLE: self._shuffled,
            Kind.NORMALIZE: self._normalized,
        }[kernel.kind]
        self._store_sums(buffers, tile, make(buffers, tile), kinds)

    def _prefetch(self, buffers: KernelBuffers, tile: Tile, next_at: Any) -> None:
        """Build requests for this unit's share of the next tile, and for the next unit's result."""
        kernel = self._kernel
        step = max(1, LINE // (ELEMENT_BYTES[kernel.source_type] * kernel.source.lanes))
        share = -(-kernel.channels // kernel.filter_units)
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
        following = arith.minui(following, self.constant(kernel.filter_units - 1))
        ahead = replace(tile, outputs=self._outputs(buffers, following))
        for filter_ in range(kernel.block):
            window = self._target_window(buffers, ahead, filter_)
            rows, columns = (size // kernel.shrink for size in tile.shape)
            for y, x in product(range(rows), range(0, columns, step)):
                place = self.constant(window.place(y, x))
                memref.prefetch(window.view, [place], True, 3, True)

    def _named(self, buffers: list[Any]) -> KernelBuffers:
        kernel = self._kernel
        source, *tables, target = buffers
        sums = tables.pop() if kernel.groups else None
        has_operand = kernel.operand is not None or kernel.operand_images
        operand = tables.pop() if has_operand else None
        if kernel.kind is Kind.SELECT:
            named = {**dict.fromkeys(TABLES), "channels": tables.pop()}
        elif kernel.kind is Kind.NORMALIZE:
            names = ("statistics", "taps", "bias")
            named = {**dict.fromkeys(TABLES), **dict(zip(names, tables, strict=True))}
        else:
            named = dict(zip(TABLES, tables or [None] * len(TABLES), strict=True))
        return KernelBuffers(source=source, operand=operand, sums=sums, target=target, **named)
