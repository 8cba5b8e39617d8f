"""What the taps of all pixels see of each channel, side by side, as a function on buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, scf, vector

from pattern_mlir.cost import LINE
from pattern_mlir.layouts import LaneLayout, Pair
from pattern_mlir.passes.kernel_functions import FunctionBuilder
from pattern_mlir.passes.lane_kernel import LaneKernel
from pattern_mlir.tap_lanes import taps_a_pixel

Window = tuple[int | None, ...]
"""For each tap of each pixel the lane that it sees; None outside the plane."""


@dataclass(frozen=True)
class TapWindowsKernel:
    """The windows of planes that are one vector: of each channel one for each pattern.

    Behind those of an image comes one of zeros, for lists of kernels that are filled up.

    Attributes:
        images, channels: of the input.
        source: its layout, with blocks of one pixel.
        windows: of each pattern.
    """

    images: int
    channels: int
    source: LaneLayout
    windows: tuple[Window, ...]

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "tap_windows"

    @property
    def layout(self) -> str:
        """The input's layout in words."""
        return self.source.words

    @property
    def tile(self) -> str:
        """Nothing is cut into tiles."""
        return ""

    @property
    def units(self) -> int:
        """Channels, which threads share."""
        return self.channels

    @property
    def shape(self) -> list[int]:
        """Images, windows of an image, lanes."""
        return [self.images, self.channels * len(self.windows) + 1, len(self.windows[0])]


def windows_of(kernel: LaneKernel) -> TapWindowsKernel:
    """Return what makes the windows that ``kernel`` reads, whose taps lie in lanes."""
    source, size = kernel.source, taps_a_pixel(kernel.patterns)
    windows = tuple(window(source, taps, kernel.origin, size) for taps in kernel.patterns)
    return TapWindowsKernel(kernel.images, kernel.channels, source, windows)


def window(layout: LaneLayout, taps: Sequence[Pair], origin: Pair, size: int) -> Window:
    """Return the window of a pattern.

    Args:
        layout: of the input, with blocks of one pixel.
        taps: of the pattern, as in `LaneKernel.patterns`.
        origin: the input pixel of tap (0, 0) for output (0, 0).
        size: lanes of each pixel.
    """
    seen = [layout.lanes_off(origin[0] + down, origin[1] + right) for down, right in taps]
    seen += [(None,) * layout.lanes] * (size - len(taps))
    return tuple(lanes[pixel] for pixel in range(layout.lanes) for lanes in seen)


class TapWindowsBuilder(FunctionBuilder):
    """Builds the function of a `TapWindowsKernel` at the current insertion point."""

    def __init__(self, kernel: TapWindowsKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.source.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of the input and of the windows, [image, window, lane]."""
        kernel, layout = self._kernel, self._kernel.source
        source = [kernel.images, kernel.channels, layout.plane, layout.lanes]
        return [ir.MemRefType.get(shape, self.f32) for shape in (source, kernel.shape)]

    def build(self) -> None:
        """Build the loops over images and channels; who has the first one adds the zeros."""
        kernel = self._kernel
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            x, y, low, high = self.entry.arguments
            zero, step = self.constant(0), self.constant(1)
            images = scf.ForOp(zero, self.constant(kernel.images), step)
            with ir.InsertionPoint(images.body):
                image = images.induction_variable
                is_first = scf.IfOp(arith.cmpi(arith.CmpIPredicate.eq, low, zero))
                with ir.InsertionPoint(is_first.then_block):
                    width = ir.VectorType.get([y.type.shape[-1]], self.f32)
                    last = self.constant(y.type.shape[1] - 1)
                    self._store(self.splat(0.0, width), y, [image, last, zero])
                    scf.yield_([])
                channels = scf.ForOp(low, high, step)
                with ir.InsertionPoint(channels.body):
                    self._channel(x, y, image, channels.induction_variable)
                    scf.yield_([])
                scf.yield_([])
            func.return_([])

    def _channel(self, x: Any, y: Any, image: Any, channel: Any) -> None:
        """Build the windows of a channel: one load, and a permutation for each."""
        kernel, zero = self._kernel, self.constant(0)
        lanes = kernel.source.lanes
        place = self.constant(kernel.source.start(0, 0) // lanes)
        value = self.load_vector(x, [image, channel, place, zero], aligned=True)
        first = arith.muli(channel, self.constant(len(kernel.windows)))
        for number, own in enumerate(kernel.windows):
            sources = [lanes if lane is None else lane for lane in own]
            seen = vector.shuffle(value, self.splat(0.0), sources)
            self._store(seen, y, [image, arith.addi(first, self.constant(number)), zero])

    def _store(self, value: Any, windows: Any, place: list[Any]) -> None:
        vector.store(value, windows, place, alignment=LINE)
