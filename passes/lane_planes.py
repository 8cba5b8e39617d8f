"""What a tile of a plane becomes without weights: pools, copies, shuffles, layer norms."""

from __future__ import annotations

from itertools import product
from typing import Any

from torch_mlir.dialects import arith, memref, vector

from pattern_mlir.passes.lane_kernel import Cell, Kind, sweeps
from pattern_mlir.passes.lane_tiles import KernelBuffers, LaneTiles, Tile, Window


class LanePlanes(LaneTiles):
    """Builds the results of every `Kind` but convolutions."""

    def _pooled(self, buffers: KernelBuffers, tile: Tile) -> dict[Cell, Any]:
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

    def _pixels(self, buffers: KernelBuffers, tile: Tile) -> dict[Cell, Any]:
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

    def _shuffled(self, buffers: KernelBuffers, tile: Tile) -> dict[Cell, Any]:
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

    def _normalized(self, buffers: KernelBuffers, tile: Tile) -> dict[Cell, Any]:
        """Build (pixel - mean) * scale * weight + bias, of which each pixel has a mean and scale.

        They lie in two planes as those of the input do (`channel_statistics`).
        """
        source = self._kernel.source
        first = arith.muli(tile.image, self.constant(2))
        means, scales = (
            Window(self._view(buffers.statistics, source, plane, tile.source_at), source)
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
