"""Sums of a convolution whose kernels are multiplied at once: lanes hold the taps of each pixel.

A kernel is a window of the input, see `tap_windows`, times its weights, repeated for each pixel.
The kernels of all patterns are one loop; in the end the lanes of each pixel are added up.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, memref, scf, vector

from pattern_mlir.cost import LINE
from pattern_mlir.passes.kernel_functions import vector_alignment
from pattern_mlir.passes.lane_kernel import Cell
from pattern_mlir.passes.lane_tiles import KernelBuffers, LaneTiles, Tile
from pattern_mlir.tap_lanes import CHAINS, taps_a_pixel


class LaneTaps(LaneTiles):
    """Builds the sums of `Kind.CONVOLVE` with taps in lanes."""

    def _tap_sums(self, buffers: KernelBuffers, tile: Tile) -> dict[Cell, Any]:
        """Build bias and products of the filter ``tile.unit`` for the tile's one vector."""
        begin, tap = (
            self.load_index(buffers.starts, [tile.unit, self.constant(i)]) for i in (0, 1)
        )
        count = self.load_index(buffers.counts, [tile.unit, self.constant(0)])
        end = arith.addi(begin, count)
        lanes = ir.VectorType.get([buffers.source.type.shape[-1]], self.f32)
        zero = self.splat(0.0, lanes)
        loop = scf.ForOp(begin, end, self.constant(CHAINS), [*[zero] * CHAINS, tap])
        with ir.InsertionPoint(loop.body):
            *sums, first = loop.inner_iter_args
            if self._kernel.weights_ahead:
                self._ask_for_weights(buffers.taps, first, 0, CHAINS * self._taps)
            for chain in range(CHAINS):
                number = arith.addi(loop.induction_variable, self.constant(chain))
                at = arith.addi(first, self.constant(chain * self._taps))
                factors = self._repeated(buffers.taps, at, lanes)
                window = self._window_of(buffers, tile, number, lanes)
                sums[chain] = vector.fma(window, factors, sums[chain])
            scf.yield_([*sums, arith.addi(first, self.constant(CHAINS * self._taps))])
        total = reduce(arith.addf, list(loop.results)[:-1])
        while total.type.shape[0] > self._kernel.target.lanes:
            halves = (range(start, total.type.shape[0], 2) for start in (0, 1))
            total = arith.addf(*(vector.shuffle(total, total, list(own)) for own in halves))
        (output,) = tile.outputs
        bias = vector.broadcast(self.vector, memref.load(buffers.bias, [output]))
        return {(0, 0, 0): arith.addf(total, bias)}

    @property
    def _taps(self) -> int:
        return taps_a_pixel(self._kernel.patterns)

    def _window_of(self, buffers: KernelBuffers, tile: Tile, number: Any, type_: Any) -> Any:
        """Build the window of the image that kernel ``number`` multiplies."""
        place = [tile.image, self.load_index(buffers.channels, [number]), self.constant(0)]
        return vector.load(type_, buffers.source, place, alignment=LINE)

    def _repeated(self, weights: Any, start: Any, type_: Any) -> Any:
        """Build the weights of a kernel, once for each pixel."""
        own = ir.VectorType.get([self._taps], self.f32)
        alignment = vector_alignment(own, aligned=False)
        values = vector.load(own, weights, [start], alignment=alignment)
        lanes = [lane % self._taps for lane in range(type_.shape[0])]
        return vector.shuffle(values, values, lanes)
