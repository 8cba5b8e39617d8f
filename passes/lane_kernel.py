"""What a kernel in lane blocks is, but for its weights, and the order of its multiplications."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from pattern_mlir.cost import Tile, largest, tap_groups
from pattern_mlir.layouts import LaneLayout, Pair, Wraps, wrapped

Cell = tuple[int, int, int]
"""Filter of the block, row and column of the tile: one accumulator."""

Uses = dict[Pair, list[tuple[Cell, int]]]
"""For each input vector the accumulators that it adds to, with the position of the weight."""


class Kind(enum.Enum):
    """What a kernel makes of the input vectors under a tile."""

    CONVOLVE = "conv"
    MAX_POOL = "max_pool"
    AVERAGE_POOL = "average_pool"
    COPY = "copy"
    SELECT = "select"
    PIXEL_SHUFFLE = "pixel_shuffle"
    NORMALIZE = "normalize"


@dataclass(frozen=True)
class LaneKernel:
    """A kernel but for its weights: operations that are equal in this share a function.

    Attributes:
        kind: a convolution; a maximum or a mean over a window; what each output's own pixel holds,
            of the same channel or of one that a table names; channels put side by side; or what a
            layer norm over channels makes of it.
        images, channels: of the input.
        filters: channels that are computed; as many as the input has, but for a convolution.
        source, target: layouts of input and result.
        plane: height and width of the result.
        tiles: they cover the block before the pool.
        block: filters that are computed together.
        patterns: for each pattern the taps' pixels (row, column) in the dilated kernel.
        origin: the input pixel of tap (0, 0) for output (0, 0).
        strides: in pixels.
        repeat: outputs that take the same pixel, in rows and in columns (nearest upsampling).
        operand: the layout of a second operand, or None.
        operand_images: images of a second operand that has one number a channel; 0 for another.
        combine: what the operand is for: `add` or `multiply`.
        divisor: of the sum over a window.
        activation: an `ActivationAttr`, or None.
        max_pool: whether a 2x2 pool follows.
        chunk: kernels that are added up before their sum joins the total, of `groups` the channels;
            0 for all.
        channel_block: channels that all filters sum up before the next ones.
        by_plane: whether a plane's tiles follow each other; else its first ones come first.
        prefetch: whether the next tile's input and the next filter's result are asked for early.
        pair_cycles: as `Machine`'s; see `load_pairs`.
        target_channels, first_channel: of the result's buffer; where the first filter goes in it.
        source_type, target_type: elements of input and weights; of result and second operand.
        half_sums: whether chunks are added up in f16, else all is in f32.
        wraps: whether vectors outside of the input's block are made from its own; else the halo has
            them. Along such an axis a tile is as large as the block.
        groups: of filters, whose sums wait in memory while registers hold a channel's inputs; 0
            where registers hold sums.
        group: filters of the largest group.
        tile_parts: into how many parts the filters at a tile are cut, all of which threads share;
            0 where they share the filters at all tiles.
        taps_in_lanes: whether the input is the windows of `tap_windows`, of planes in ``source``.
        weights_ahead: whether weights are asked for early.
    """

    kind: Kind
    images: int
    channels: int
    filters: int
    source: LaneLayout
    target: LaneLayout
    plane: Pair
    tiles: tuple[Tile, ...]
    block: int = 1
    patterns: tuple[tuple[Pair, ...], ...] = ()
    origin: Pair = (0, 0)
    strides: Pair = (1, 1)
    repeat: Pair = (1, 1)
    operand: LaneLayout | None = None
    operand_images: int = 0
    combine: str = "add"
    divisor: float = 1.0
    activation: Any = None
    max_pool: bool = False
    chunk: int = 0
    channel_block: int = 0
    by_plane: bool = False
    prefetch: bool = False
    pair_cycles: int = 0
    target_channels: int = 0
    first_channel: int = 0
    source_type: str = "f32"
    target_type: str = "f32"
    half_sums: bool = False
    wraps: Wraps = (False, False)
    groups: int = 0
    group: int = 0
    tile_parts: int = 0
    taps_in_lanes: bool = False
    weights_ahead: bool = False

    @property
    def shrink(self) -> int:
        """Rows and columns of the tile that become one of the result."""
        return 2 if self.max_pool else 1

    @property
    def positions(self) -> int:
        """At how many positions each filter is applied, before a pool joins them."""
        return self.images * self.plane[0] * self.plane[1] * self.shrink**2

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return self.kind.value

    @property
    def layout(self) -> str:
        """The result's layout in words."""
        return self.target.words

    @property
    def tile(self) -> str:
        """The largest tile in words."""
        rows, columns = largest(self.tiles)
        pixels = f"{rows}x{columns}"
        if self.groups:
            return f"{pixels}, input stationary"
        if self.taps_in_lanes:
            return f"{pixels}, taps in lanes"
        return f"{pixels}x{self.channel_block}" if self.channel_blocks > 1 else pixels

    @property
    def channel_blocks(self) -> int:
        """How many blocks the channels are cut into."""
        return -(-self.channels // self.channel_block) if self.channel_block else 1

    @property
    def index_type(self) -> type[np.unsignedinteger[Any]]:
        """What counts kernels and channels in the tables of a weight, from a block's start."""
        return np.uint8 if self.channel_blocks > 1 and self.channel_block < 256 else np.uint16

    @property
    def units(self) -> int:
        """What threads share: parts of tiles, or groups or blocks of filters."""
        return len(self.tiles) * self.tile_parts or self.filter_units

    @property
    def filter_units(self) -> int:
        """Groups or blocks of filters."""
        return self.groups or self.filters // self.block

    @property
    def window(self) -> Pair:
        """The input pixel where the window of output (0, 0) starts: no halo, no vectors before."""
        top, left = (0 if wrap else at for wrap, at in zip(self.wraps, self.origin, strict=True))
        return top, left

    def input_at(self, y: int, x: int) -> int:
        """Return where in its plane the window of output (y, x) starts, before the pool."""
        row, column = (
            place * stride // repeat + origin
            for place, stride, repeat, origin in zip(
                (y, x), self.strides, self.repeat, self.window, strict=True
            )
        )
        return self.source.start(row, column)

    def own_vector(self, place: Pair) -> tuple[Pair, Pair]:
        """Return which vector is loaded for ``place``, and how many blocks away that one lies.

        Both places count from the tile's `window`; what is asked for, from tap (0, 0).
        """
        row, column = place[0] + self.origin[0], place[1] + self.origin[1]
        (y, x), off = wrapped((row, column), self.source.block, self.wraps)
        top, left = self.window
        return (y - top, x - left), off

    def is_padding(self, place: Pair) -> bool:
        """Whether all lanes of ``place`` in the tile's window lie outside the plane, and are 0."""
        off = self.own_vector(place)[1]
        return not self.source.fill and not any(s is not None for s in self.source.lanes_off(*off))

    def output_at(self, y: int, x: int) -> int:
        """Return where in its plane the result of tile (y, x) starts."""
        return self.target.start(y // self.shrink, x // self.shrink)


@dataclass(frozen=True)
class Border:
    """A store beside those of a tile: into the halo, or of a vector with lanes outside the plane.

    Attributes:
        offset: where it goes, in elements from the tile's start.
        cell: row and column in the tile of the vector that is stored.
        sources: the lane that each lane comes from, None for the fill.
    """

    offset: int
    cell: Pair
    sources: tuple[int | None, ...]


def borders(kernel: LaneKernel, y: int, x: int, rows: int, columns: int) -> tuple[Border, ...]:
    """Return the stores beside those of the tile at (y, x), before the pool, of rows x columns.

    Tiles that lie alike, such as those along one edge, have the same.
    """
    target, shrink = kernel.target, kernel.shrink
    top, left, origin = y // shrink, x // shrink, kernel.output_at(y, x)
    found = []
    for cell in product(range(rows // shrink), range(columns // shrink)):
        row, column = top + cell[0], left + cell[1]
        inside = target.inside(row, column, kernel.plane)
        stores = list(target.copies(row, column))
        if not all(inside):
            stores.append((row, column, tuple(range(target.lanes))))
        for to_row, to_column, sources in stores:
            kept = tuple(s if s is not None and inside[s] else None for s in sources)
            place = target.start(to_row, to_column) + target.offset(0, 0, to_column)
            found.append(Border(place - origin, cell, kept))
    return tuple(found)


@dataclass(frozen=True)
class EqualRows:
    """A kernel whose ``count`` rows, ``step`` pixels apart, all have the ``taps`` of the first."""

    count: int
    step: int
    taps: tuple[Pair, ...]


def equal_rows(taps: Sequence[Pair], block: int) -> EqualRows | None:
    """Return the rows of a kernel that is swept over row by row; None where they differ."""
    groups = [[taps[i] for i in members] for members in tap_groups(taps, block)]
    columns = [[column for _, column in group] for group in groups]
    rows = [group[0][0] for group in groups]
    steps = {b - a for a, b in pairwise(rows)}
    if len(groups) < 2 or rows[0] or len(steps) > 1 or any(own != columns[0] for own in columns):
        return None
    return EqualRows(len(groups), steps.pop(), tuple(groups[0]))


def sweeps(
    kernel: LaneKernel, taps: Sequence[Pair], shape: Pair
) -> Iterator[tuple[list[int], Uses]]:
    """Yield what one kernel does to a tile of ``shape``, in groups of its taps.

    Each group is the positions of its weights in the kernel, [tap][filter], and for each input
    vector, row by row, the accumulators that it adds to with the position of the weight. Vectors
    that are made of one follow each other; those of zeros are left out.
    """
    for members in tap_groups(taps, kernel.block):
        uses: Uses = {}
        for y, x, tap, filter_ in product(
            range(shape[0]), range(shape[1]), members, range(kernel.block)
        ):
            down, right = taps[tap]
            place = (y * kernel.strides[0] + down, x * kernel.strides[1] + right)
            uses.setdefault(place, []).append(((filter_, y, x), tap * kernel.block + filter_))
        weights = [tap * kernel.block + f for tap in members for f in range(kernel.block)]
        inside = (place for place in uses if not kernel.is_padding(place))
        ordered = sorted(inside, key=lambda place: (kernel.own_vector(place)[0], place))
        yield weights, {place: uses[place] for place in ordered}
