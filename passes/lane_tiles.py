"""What kernels in lane blocks are built of: tiles, and windows on the planes that they see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, memref

from pattern_mlir.cost import LINE
from pattern_mlir.layouts import LaneLayout, Pair
from pattern_mlir.passes.kernel_functions import ELEMENT_BYTES, FunctionBuilder
from pattern_mlir.passes.lane_kernel import LaneKernel

WEIGHTS_AHEAD = 4096
"""Bytes by which weights are asked for early. The processor itself looks to the end of a page.

On an Ice Lake 512 to 512 channels took .82 of the time with this on planes of 4x4, .98 at 7x7.
"""


@dataclass(frozen=True)
class KernelBuffers:
    """The arguments of a kernel's functions.

    ``channels`` names each kernel's channel; where inputs stay in registers, each kernel's filter
    within its group, whose sums wait in ``sums``.
    """

    source: Any
    counts: Any
    starts: Any
    channels: Any
    taps: Any
    bias: Any
    output_channel: Any
    operand: Any
    target: Any
    sums: Any = None
    statistics: Any = None


@dataclass(frozen=True)
class Tile:
    """A block of filters at a tile: what the body of a tile's function computes.

    Attributes:
        shape: rows and columns of sums.
        image, unit: numbers of the image and of the block of filters.
        outputs: numbers of the filters' channels in the result; none until the filters are known.
        kind: which borders the tile has.
        source_at, target_at, operand_at: where it begins in the planes.
        single_at: the second address of the input, see `load_pairs`; None where there is none.
        channel_block: number of the block of channels that is summed up.
        share: number of the group, or where threads share tiles of the first tile of their share:
            which of the sums that wait in memory are those of this call.
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
    share: Any


@dataclass(frozen=True)
class Window:
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
    single: Window | None = None

    def place(self, y: int, x: int) -> int:
        """Return where in the view the vector ``y`` below and ``x`` right of the tile's begins."""
        return self.lead + self.layout.offset(y, x, self.column)

    def of(self, y: int, x: int) -> Window:
        """Return the window from whose address a vector of the input is loaded."""
        if self.single is not None and y * self.layout.pitch + x in self.singles:
            return self.single
        return self


class LaneTiles(FunctionBuilder):
    """Builds views of the buffers of a `LaneKernel`, and loads and stores of whole vectors."""

    def __init__(self, kernel: LaneKernel, name: str) -> None:
        """Build functions named ``name`` and ``name``_tile_RxC."""
        super().__init__(kernel.source.lanes)
        self._kernel = kernel
        self._name = name

    def _ask_for_weights(self, weights: Any, start: Any, first: int, count: int) -> None:
        """Build requests for what follows ``count`` weights from ``start`` + ``first`` later."""
        size = ELEMENT_BYTES[self._kernel.source_type]
        for place in range(first, first + count, LINE // size):
            ahead = arith.addi(start, self.constant(place + WEIGHTS_AHEAD // size))
            memref.prefetch(weights, [ahead], False, 3, True)

    def _channel_window(self, buffers: KernelBuffers, tile: Tile) -> Any:
        """Build the view of the tile's own channel, or of the one that the table names for it."""
        first = arith.muli(tile.image, self.constant(self._kernel.channels))
        chosen = buffers.channels is not None
        channel = self.load_index(buffers.channels, [tile.unit]) if chosen else tile.unit
        plane = arith.addi(first, channel)
        return self._source_window(buffers, plane, tile.source_at)

    def _source_window(
        self, buffers: KernelBuffers, plane: Any, at: Any, before: int = 0
    ) -> Window:
        """Build the view of the input from ``at`` in ``plane``.

        Output (0, 0) of the tile looks at the vector ``before`` elements further.
        """
        source, column = self._kernel.source, self._kernel.origin[1]
        view = self._view(buffers.source, source, plane, at, max(0, before))
        return Window(view, source, column, before)

    def _target_window(self, buffers: KernelBuffers, tile: Tile, filter_: int) -> Window:
        """Build the view of the result from the tile's start in the plane of ``filter_``."""
        kernel = self._kernel
        channels = kernel.target_channels or kernel.filters
        plane = arith.addi(arith.muli(tile.image, self.constant(channels)), tile.outputs[filter_])
        plane = arith.addi(plane, self.constant(kernel.first_channel))
        return Window(
            self._view(buffers.target, kernel.target, plane, tile.target_at), kernel.target
        )

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

    def _load(self, window: Window, y: int, x: int) -> Any:
        place = window.place(y, x)
        aligned = place % window.layout.lanes == 0
        return self.load_vector(window.view, [self.constant(place)], aligned)

    def _store(self, value: Any, window: Window, y: int, x: int) -> None:
        self._store_at(value, window, window.place(y, x))

    def _store_at(self, value: Any, window: Window, place: int) -> None:
        self.store_vector(value, window.view, [self.constant(place)], aligned=True)
