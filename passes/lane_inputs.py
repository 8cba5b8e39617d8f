"""Sums of a convolution with inputs in registers while the sums wait in the caches.

The other way round from `lane_sums`: input stationary, as the dataflow of SCNN (arXiv 1708.04485).
What a channel has under the tile is loaded once for a group of filters, one pattern after the
other; each kernel adds its products to its filter's sums in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, memref, scf, vector

from pattern_mlir.layouts import Pair
from pattern_mlir.passes.lane_kernel import Border, sweeps
from pattern_mlir.passes.lane_results import LaneResults
from pattern_mlir.passes.lane_sums import LaneSums
from pattern_mlir.passes.lane_tiles import KernelBuffers, Tile

_Factors = dict[Pair, list[tuple[Any, int]]]
"""For each cell of a tile the input vectors that it takes, with the positions of their weights."""


class LaneInputs(LaneSums, LaneResults):
    """Builds what groups of filters make of a tile."""

    def _group(self, buffers: KernelBuffers, tile: Tile, kinds: list[tuple[Border, ...]]) -> None:
        """Build the results of the group that ``tile.unit`` numbers."""
        first, begin, tap = (
            self.load_index(buffers.starts, [tile.unit, self.constant(i)]) for i in range(3)
        )
        following = arith.addi(tile.unit, self.constant(1))
        last = self.load_index(buffers.starts, [following, self.constant(0)])
        filters = arith.subi(last, first)
        with self._each(filters) as number:
            output = self.load_index(buffers.output_channel, [arith.addi(first, number)])
            bias = vector.broadcast(self.vector, memref.load(buffers.bias, [output]))
            for place in self._places(tile, number, self._totals).values():
                self.store_vector(bias, buffers.sums, place, aligned=True)
        self._chunks_of_channels(buffers, tile, filters, [begin, tap])
        with self._each(filters) as number:
            output = self.load_index(buffers.output_channel, [arith.addi(first, number)])
            places = self._places(tile, number, self._totals)
            totals = {(0, *cell): self._sum(buffers, place) for cell, place in places.items()}
            self._finish(buffers, replace(tile, outputs=[output]), totals, kinds)

    def _chunks_of_channels(
        self, buffers: KernelBuffers, tile: Tile, filters: Any, starts: list[Any]
    ) -> None:
        """Build the products of all channels, and totals of as many as one sum may have."""
        kernel = self._kernel
        count = self.constant(kernel.channels)
        if not kernel.chunk:
            self._channels(buffers, tile, self.constant(0), count, starts)
            return
        size = self.constant(kernel.chunk)
        chunks = scf.ForOp(self.constant(0), count, size, starts)
        with ir.InsertionPoint(chunks.body):
            first = chunks.induction_variable
            last = arith.minui(arith.addi(first, size), count)
            with self._each(filters) as number:
                for place in self._places(tile, number).values():
                    self.store_vector(self.splat(0.0), buffers.sums, place, aligned=True)
            own = list(chunks.inner_iter_args)
            starts = self._channels(buffers, tile, first, last, own)
            with self._each(filters) as number:
                parts = self._places(tile, number)
                for cell, place in self._places(tile, number, self._totals).items():
                    part, total = (self._sum(buffers, at) for at in (parts[cell], place))
                    self.store_vector(arith.addf(total, part), buffers.sums, place, aligned=True)
            scf.yield_(starts)

    def _channels(
        self, buffers: KernelBuffers, tile: Tile, first: Any, last: Any, starts: list[Any]
    ) -> list[Any]:
        """Build the products of channels from ``first`` to ``last``; see `_channel`."""
        channels = scf.ForOp(first, last, self.constant(1), starts)
        with ir.InsertionPoint(channels.body):
            begin, tap = channels.inner_iter_args
            scf.yield_(self._channel(buffers, tile, channels.induction_variable, begin, tap))
        return list(channels.results)

    @property
    def _totals(self) -> int:
        """Which of the sums are the totals."""
        return 1 if self._kernel.chunk else 0

    def _sum(self, buffers: KernelBuffers, place: list[Any]) -> Any:
        return self.load_vector(buffers.sums, place, aligned=True)

    @contextmanager
    def _each(self, count: Any) -> Iterator[Any]:
        """Build a loop over ``count`` numbers; yield one."""
        loop = scf.ForOp(self.constant(0), count, self.constant(1))
        with ir.InsertionPoint(loop.body):
            yield loop.induction_variable
            scf.yield_([])

    def _places(self, tile: Tile, number: Any, which: int = 0) -> dict[Pair, list[Any]]:
        """Build where sums of the group's filter ``number`` lie, for each cell of the tile."""
        cells = list(product(range(tile.shape[0]), range(tile.shape[1])))
        first = arith.muli(number, self.constant(len(cells)))
        zero, own = self.constant(0), self.constant(which)
        return {
            cell: [tile.share, own, arith.addi(first, self.constant(position)), zero]
            for position, cell in enumerate(cells)
        }

    def _channel(
        self, buffers: KernelBuffers, tile: Tile, channel: Any, begin: Any, tap: Any
    ) -> list[Any]:
        """Build the products of a channel's kernels, from number ``begin``, weights from ``tap``.

        Returns:
            Where those of the next channel start.
        """
        kernel = self._kernel
        count = self.constant(kernel.channels)
        row = arith.addi(arith.muli(tile.unit, count), channel)
        plane = arith.addi(arith.muli(tile.image, count), channel)
        window = self._source_window(buffers, plane, tile.source_at)
        for number, taps in enumerate(kernel.patterns):
            ((positions, uses),) = sweeps(kernel, taps, tile.shape)
            factors: _Factors = {}
            for place, users in uses.items():
                value = self._factor(window, *place)
                for (_, y, x), weight in users:
                    factors.setdefault((y, x), []).append((value, weight))
            end = arith.addi(begin, self.load_index(buffers.counts, [row, self.constant(number)]))
            loop = scf.ForOp(begin, end, self.constant(1), [tap])
            with ir.InsertionPoint(loop.body):
                (own,) = loop.inner_iter_args
                splats = self._splats(buffers.taps, own, positions)
                filter_ = self.load_index(buffers.channels, [loop.induction_variable])
                places = self._places(tile, filter_)
                for cell, values in factors.items():
                    total = self._sum(buffers, places[cell])
                    for value, weight in values:
                        total = vector.fma(value, splats[weight], total)
                    self.store_vector(total, buffers.sums, places[cell], aligned=True)
                scf.yield_([arith.addi(own, self.constant(len(taps)))])
            begin, tap = end, loop.results[0]
        return [begin, tap]
