"""Kernels in lane blocks, as functions on buffers: one generator for every list of taps.

A tile of outputs stays in registers while loops over a filter's kernels, one loop a pattern, run
over it. Each input vector is loaded once, at an immediate offset, and used by all taps that need
it. A block of filters that share their input channels is computed together: one filter for
patterns, several where a kernel has a single tap and would else load once for each multiplication.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.cost import chains
from pattern_mlir.layouts import LaneLayout, Pair
from pattern_mlir.passes.kernel_functions import FunctionBuilder
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


@dataclass(frozen=True)
class _Products:
    """What the loops over the kernels of one pattern have in common.

    Attributes:
        taps: of the pattern.
        keys: chain and cell of each sum.
        first_plane, source_at: the input's first channel; where a window begins in its plane.
        size, shift: the weights of kernel k lie at k * size + shift.
        shape: of the tile.
    """

    taps: Sequence[Pair]
    keys: list[tuple[int, Cell]]
    first_plane: Any
    source_at: Any
    size: Any
    shift: Any
    shape: Pair


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
        types = [self._planes([kernel.images, kernel.channels], kernel.source)]
        if kernel.kind is Kind.CONVOLVE:
            types += self._table_types()
        if kernel.operand is not None:
            types.append(self._planes([kernel.images, kernel.filters], kernel.operand))
        target_channels = kernel.target_channels or kernel.filters
        return [*types, self._planes([kernel.images, target_channels], kernel.target)]

    def _table_types(self) -> list[Any]:
        """Return the types of counts, starts, channels, taps, bias and output_channel."""
        kernel = self._kernel
        kernels = kernel.units * kernel.channels
        most_taps = max(len(taps) for taps in kernel.patterns) * kernel.block
        u16, u32 = (ir.IntegerType.get_signless(width) for width in (16, 32))
        return [
            ir.MemRefType.get([kernel.units, len(kernel.patterns)], u16),
            ir.MemRefType.get([kernel.units, 2], u32),
            ir.MemRefType.get([kernels], u16),
            ir.MemRefType.get([kernels * most_taps], self.f32),
            ir.MemRefType.get([kernel.filters], self.f32),
            ir.MemRefType.get([kernel.filters], u16),
        ]

    def _planes(self, shape: list[int], layout: LaneLayout) -> Any:
        return ir.MemRefType.get([*shape, layout.plane, layout.lanes], self.f32)

    def build(self) -> None:
        """Build a function for each shape of tile, and the one that calls them for all tiles."""
        kernel = self._kernel
        # Tiles of one shape that have the same borders are of one kind.
        kinds: dict[Pair, list[tuple[Border, ...]]] = {}
        for tile in kernel.tiles():
            known, own = kinds.setdefault(tile[2:], []), borders(kernel, *tile)
            if own not in known:
                known.append(own)
        for shape, found in kinds.items():
            self._tile(shape, found)
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            images = scf.ForOp(self.constant(0), self.constant(kernel.images), self.constant(1))
            with ir.InsertionPoint(images.body):
                for y, x, rows, columns in kernel.tiles():
                    kind = kinds[rows, columns].index(borders(kernel, y, x, rows, columns))
                    numbers = (kind, kernel.input_at(y, x), kernel.output_at(y, x))
                    operand = kernel.operand.at(y, x) if kernel.operand else 0
                    arguments = map(self.constant, (*numbers, operand))
                    func.call(
                        [],
                        self._tile_name(rows, columns),
                        [*buffers, images.induction_variable, *arguments, low, high],
                    )
                scf.yield_([])
            func.return_([])

    def _tile_name(self, rows: int, columns: int) -> str:
        return f"{self._name}_tile_{rows}x{columns}"

    def _tile(self, shape: Pair, kinds: list[tuple[Border, ...]]) -> None:
        """Build all filters from low to high at a tile of ``shape``, of any of the ``kinds``."""
        kernel = self._kernel
        types = [*self.buffer_types(), *[self.index] * 7]
        with self.function(self._tile_name(*shape), types):
            *buffers, image, kind, source_at, target_at, operand_at, low, high = (
                self.entry.arguments
            )
            named = self._named(buffers)
            units = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(units.body):
                unit = units.induction_variable
                outputs = [self._output_channel(named, unit, f) for f in range(kernel.block)]
                make = {
                    Kind.CONVOLVE: self._sums,
                    Kind.MAX_POOL: self._maxima,
                    Kind.COPY: self._pixels,
                }[kernel.kind]
                sums = make(named, image, unit, outputs, source_at, shape)
                for filter_, output in enumerate(outputs):
                    own = {(y, x): value for (f, y, x), value in sums.items() if f == filter_}
                    self._finish(named, own, image, output, kind, target_at, operand_at, kinds)
                scf.yield_([])
            func.return_([])

    def _named(self, buffers: list[Any]) -> _Buffers:
        source, *tables, target = buffers
        operand = None if self._kernel.operand is None else tables.pop()
        named = dict(zip(TABLES, tables or [None] * len(TABLES), strict=True))
        return _Buffers(source=source, operand=operand, target=target, **named)

    def _output_channel(self, buffers: _Buffers, unit: Any, filter_: int) -> Any:
        if self._kernel.kind is not Kind.CONVOLVE:
            return unit
        position = arith.muli(unit, self.constant(self._kernel.block))
        position = arith.addi(position, self.constant(filter_))
        return self.load_index(buffers.output_channel, [position])

    def _sums(
        self,
        buffers: _Buffers,
        image: Any,
        unit: Any,
        outputs: list[Any],
        source_at: Any,
        shape: Pair,
    ) -> dict[Cell, Any]:
        """Build bias and products of the tile: a loop over kernels for each pattern."""
        kernel = self._kernel
        cells = list(product(range(kernel.block), range(shape[0]), range(shape[1])))
        biases = [
            vector.broadcast(self.vector, memref.load(buffers.bias, [output])) for output in outputs
        ]
        # Few sums would wait for themselves: each is added up in several chains.
        count = chains(len(cells), max(map(len, kernel.patterns)))
        zeros = [self.splat(0.0)] * (len(cells) * (count - 1))
        sums = [*(biases[filter_] for filter_, _, _ in cells), *zeros]
        begin, tap = (self.load_index(buffers.starts, [unit, self.constant(i)]) for i in (0, 1))
        first_plane = arith.muli(image, self.constant(kernel.channels))
        for number, taps in enumerate(kernel.patterns):
            kernels = self.load_index(buffers.counts, [unit, self.constant(number)])
            end = arith.addi(begin, kernels)
            size = self.constant(len(taps) * kernel.block)
            # Weights of kernel k of this pattern lie at k * size + shift.
            shift = arith.subi(tap, arith.muli(begin, size))
            keys = [(chain, cell) for chain in range(count) for cell in cells]
            body = _Products(taps, keys, first_plane, source_at, size, shift, shape)
            sums = self._chunks(buffers, body, begin, end, sums)
            tap = arith.addi(tap, arith.muli(kernels, size))
            begin = end
        totals = dict(zip(cells, sums, strict=False))
        for position, value in enumerate(sums[len(cells) :]):
            cell = cells[position % len(cells)]
            totals[cell] = arith.addf(totals[cell], value)
        return totals

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

    def _kernels(
        self, buffers: _Buffers, body: _Products, begin: Any, end: Any, sums: list[Any]
    ) -> list[Any]:
        """Build ``sums`` with the products of the kernels from begin to end, in one loop."""
        loop = scf.ForOp(begin, end, self.constant(1), sums)
        with ir.InsertionPoint(loop.body):
            position = loop.induction_variable
            channel = self.load_index(buffers.channels, [position])
            plane = arith.addi(body.first_plane, channel)
            window = self._window(buffers.source, self._kernel.source, plane, body.source_at)
            weights_at = arith.addi(arith.muli(position, body.size), body.shift)
            arguments = list(loop.inner_iter_args)
            rows = equal_rows(body.taps, self._kernel.block)
            if rows is None:
                sums = self._products(arguments, body, window, buffers.taps, weights_at)
            else:
                sums = self._rows(arguments, body, rows, plane, buffers, weights_at)
            scf.yield_(sums)
        return list(loop.results)

    def _rows(
        self,
        sums: list[Any],
        body: _Products,
        rows: EqualRows,
        plane: Any,
        buffers: _Buffers,
        weights_at: Any,
    ) -> list[Any]:
        """Build the products of one kernel row by row, in a loop.

        Unrolled, LLVM would load each input vector once for all rows, and spill it.
        """
        source = self._kernel.source
        loop = scf.ForOp(self.constant(0), self.constant(rows.count), self.constant(1), sums)
        with ir.InsertionPoint(loop.body):
            row = loop.induction_variable
            down = arith.muli(row, self.constant(rows.step * source.pitch))
            window = self._window(buffers.source, source, plane, arith.addi(body.source_at, down))
            size = self.constant(len(rows.taps) * self._kernel.block)
            start = arith.addi(weights_at, arith.muli(row, size))
            own = replace(body, taps=rows.taps)
            arguments = list(loop.inner_iter_args)
            scf.yield_(self._products(arguments, own, window, buffers.taps, start))
        return list(loop.results)

    def _maxima(
        self,
        buffers: _Buffers,
        image: Any,
        unit: Any,
        outputs: list[Any],
        source_at: Any,
        shape: Pair,
    ) -> dict[Cell, Any]:
        """Build the maximum over the window of each output; NaN wins."""
        window = self._channel_window(buffers, image, unit, source_at)
        values: dict[Cell, Any] = {}
        for _, uses in sweeps(self._kernel, self._kernel.patterns[0], shape):
            for (y, x), users in uses.items():
                value = self._load(window, y, x)
                for cell, _ in users:
                    known = values.get(cell)
                    values[cell] = value if known is None else arith.maximumf(known, value)
        return values

    def _pixels(
        self,
        buffers: _Buffers,
        image: Any,
        unit: Any,
        outputs: list[Any],
        source_at: Any,
        shape: Pair,
    ) -> dict[Cell, Any]:
        """Build the pixel that each output takes over."""
        window = self._channel_window(buffers, image, unit, source_at)
        down, right = self._kernel.repeat
        loaded = {
            (y, x): self._load(window, y, x)
            for y, x in product(range(-(-shape[0] // down)), range(-(-shape[1] // right)))
        }
        return {
            (0, y, x): loaded[y // down, x // right]
            for y, x in product(range(shape[0]), range(shape[1]))
        }

    def _channel_window(self, buffers: _Buffers, image: Any, channel: Any, at: Any) -> Any:
        first = arith.muli(image, self.constant(self._kernel.channels))
        return self._window(buffers.source, self._kernel.source, arith.addi(first, channel), at)

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
                value = self._load(window, y, x)
                for cell, weight in users:
                    key = (weight // self._kernel.block % count, cell)
                    values[key] = vector.fma(value, splats[weight], values[key])
        return list(values.values())

    def _splats(self, weights: Any, start: Any, positions: list[int]) -> dict[int, Any]:
        """Build the weights at ``positions``, each in all lanes."""
        splats = {}
        if len(positions) % 4 == 0:
            four = ir.VectorType.get([4], self.f32)
            for quad in range(0, len(positions), 4):
                place = arith.addi(start, self.constant(positions[quad]))
                values = vector.load(four, weights, [place], alignment=4)
                for offset in range(4):
                    scalar = vector.extract(values, [], [offset])
                    splats[positions[quad + offset]] = vector.broadcast(self.vector, scalar)
            return splats
        for position in positions:
            scalar = memref.load(weights, [arith.addi(start, self.constant(position))])
            splats[position] = vector.broadcast(self.vector, scalar)
        return splats

    def _finish(
        self,
        buffers: _Buffers,
        sums: dict[Pair, Any],
        image: Any,
        output: Any,
        kind: Any,
        target_at: Any,
        operand_at: Any,
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build second operand, activation, pool, and the stores of the tile and of its halo."""
        kernel = self._kernel
        if kernel.operand is not None:
            own = arith.addi(arith.muli(image, self.constant(kernel.filters)), output)
            window = self._window(buffers.operand, kernel.operand, own, operand_at)
            combine = {"add": arith.addf, "multiply": arith.mulf}[kernel.combine]
            sums = {p: combine(v, self._load(window, *p)) for p, v in sums.items()}
        channels = kernel.target_channels or kernel.filters
        plane = arith.addi(arith.muli(image, self.constant(channels)), output)
        plane = arith.addi(plane, self.constant(kernel.first_channel))
        out = {p: activated(kernel.activation, Scalar(v)).value for p, v in sums.items()}
        if kernel.max_pool:
            out = _pooled(out)
        window = self._window(buffers.target, kernel.target, plane, target_at)
        for (y, x), value in out.items():
            self._store(value, window, y, x)
        self._finish_border(
            out,
            lambda at: self._window(
                buffers.target, kernel.target, plane, arith.addi(target_at, self.constant(at))
            ),
            kind,
            kinds,
        )

    def _finish_border(
        self,
        out: dict[Pair, Any],
        window_at: Callable[[int], Any],
        kind: Any,
        kinds: list[tuple[Border, ...]],
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
                fill = self.splat(self._kernel.target.fill)
                for border in stores:
                    lanes = [self._kernel.target.lanes if s is None else s for s in border.sources]
                    shuffled = vector.shuffle(out[border.cell], fill, lanes)
                    self._store(shuffled, window_at(border.offset), 0, 0)
                scf.yield_([])

    def _window(self, buffer: Any, layout: LaneLayout, plane: Any, at: Any) -> Any:
        """Build a view of plane number ``plane`` whose row 0, column 0 is vector ``at``."""
        lanes = self.constant(layout.lanes)
        vectors = arith.addi(arith.muli(plane, self.constant(layout.plane)), at)
        offset = arith.muli(vectors, lanes)
        dynamic = ir.ShapedType.get_dynamic_stride_or_offset()
        shape = [layout.rows, layout.pitch, layout.lanes]
        strides = [layout.pitch * layout.lanes, layout.lanes, 1]
        strided = ir.StridedLayoutAttr.get(dynamic, strides)
        view = ir.MemRefType.get(shape, self.f32, strided)
        return memref.ReinterpretCastOp(
            view, buffer, [offset], [], [], [dynamic], shape, strides
        ).result

    def _load(self, window: Any, y: int, x: int) -> Any:
        indices = [self.constant(i) for i in (y, x, 0)]
        return self.load_vector(window, indices, self._kernel.source.lanes * 4)

    def _store(self, value: Any, window: Any, y: int, x: int) -> None:
        indices = [self.constant(i) for i in (y, x, 0)]
        vector.store(value, window, indices, alignment=self._kernel.source.lanes * 4)


def _pooled(out: dict[Pair, Any]) -> dict[Pair, Any]:
    """Build the maximum of each 2x2 of a tile; NaN wins."""
    groups: dict[Pair, list[Any]] = {}
    for (y, x), value in out.items():
        groups.setdefault((y // 2, x // 2), []).append(value)
    return {
        place: arith.maximumf(arith.maximumf(a, b), arith.maximumf(c, d))
        for place, (a, b, c, d) in groups.items()
    }
