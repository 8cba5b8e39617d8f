"""What the taps of every pixel see of each channel, side by side, as a function on buffers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import func, scf, vector

from pattern_mlir.cost import LINE
from pattern_mlir.layouts import LaneLayout, Pair
from pattern_mlir.passes.kernel_functions import FunctionBuilder, PlaneKernel
from pattern_mlir.tap_lanes import taps_a_pixel

Window = tuple[int | None, ...]
"""For each tap of each pixel the lane that it sees; None outside the plane."""


@dataclass(frozen=True)
class TapWindowsKernel(PlaneKernel):
    """The windows of planes that are one vector: one for each pattern.

    Attributes:
        source: the planes' layout, with blocks of one pixel.
        windows: of each pattern.
    """

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


def tap_windows(
    layout: LaneLayout, patterns: tuple[tuple[Pair, ...], ...], origin: Pair
) -> tuple[Window, ...]:
    """Return the window of each of ``patterns``, given as `LaneKernel.patterns`.

    Args:
        layout: of the input, with blocks of one pixel.
        patterns: the taps of each.
        origin: the input pixel of tap (0, 0) for output (0, 0).
    """
    size = taps_a_pixel(patterns)
    return tuple(_window(layout, taps, origin, size) for taps in patterns)


def _window(layout: LaneLayout, taps: Sequence[Pair], origin: Pair, size: int) -> Window:
    """Return the window of a pattern of ``taps``, with ``size`` lanes for each pixel."""
    seen = [layout.lanes_off(origin[0] + down, origin[1] + right) for down, right in taps]
    seen += [(None,) * layout.lanes] * (size - len(taps))
    return tuple(lanes[pixel] for pixel in range(layout.lanes) for lanes in seen)


class TapWindowsBuilder(FunctionBuilder):
    """Builds the function of a `TapWindowsKernel` at the current insertion point."""

    def __init__(self, kernel: TapWindowsKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of the input and of the windows, [plane, pattern, lane]."""
        kernel = self._kernel
        source = [kernel.planes, kernel.source.plane, kernel.lanes]
        target = [kernel.planes, len(kernel.windows), len(kernel.windows[0])]
        return [ir.MemRefType.get(shape, self.f32) for shape in (source, target)]

    def build(self) -> None:
        """Build the loop over planes: one load of each, and a permutation for each window."""
        kernel = self._kernel
        place = self._kernel.source.start(0, 0) // kernel.lanes
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            x, y, low, high = self.entry.arguments
            zero, outside = self.constant(0), self.splat(0.0)
            planes = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(planes.body):
                plane = planes.induction_variable
                value = self.load_vector(x, [plane, self.constant(place), zero], aligned=True)
                for number, window in enumerate(kernel.windows):
                    lanes = [kernel.lanes if lane is None else lane for lane in window]
                    seen = vector.shuffle(value, outside, lanes)
                    at = [plane, self.constant(number), zero]
                    vector.store(seen, y, at, alignment=LINE)
                scf.yield_([])
            func.return_([])
