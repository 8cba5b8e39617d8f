"""What kernels on blocks of pixels share: which invocation has which block, edges, halos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder, Number

MOST_INVOCATIONS = 128
"""Of a workgroup, on every device (Vulkan 1.1, table 53)."""

WAVE = 16
"""Invocations that run in step on the narrowest GPU of `pattern_mlir.gpu`."""


@dataclass(frozen=True)
class Placement:
    """How the blocks of a plane are shared by workgroups.

    Attributes:
        blocks: of the plane.
        each: blocks of a workgroup, the last one's may be fewer.
        invocations: of a workgroup, at least ``each``.
    """

    blocks: int
    each: int
    invocations: int

    @classmethod
    def of(cls, layout: BlockLayout, plane: Sequence[int]) -> Placement:
        """Return workgroups of equal size for a plane."""
        rows, columns = layout.grid(plane)
        blocks = rows * columns
        groups = -(-blocks // MOST_INVOCATIONS)
        each = -(-blocks // groups)
        return cls(blocks, each, -(-each // WAVE) * WAVE)

    @property
    def groups(self) -> int:
        """Workgroups of a plane."""
        return -(-self.blocks // self.each)

    @property
    def least_active(self) -> int:
        """Invocations with a block in the workgroup that has the fewest."""
        return self.blocks - (self.groups - 1) * self.each


@dataclass(frozen=True)
class Block:
    """The block of an invocation.

    Attributes:
        row, column: in the grid of blocks.
        active: whether the invocation has one; others repeat the last block and store nothing.
    """

    row: Any
    column: Any
    active: Any

    def position(self, build: KernelBuilder, layout: BlockLayout, plane: Sequence[int]) -> Number:
        """Build its position in a tensor whose grid is the same."""
        rows = build.multiply(self.row, layout.row(plane))
        return build.add(rows, self.column, layout.first(plane))

    def source(
        self, build: KernelBuilder, layout: BlockLayout, plane: Sequence[int], steps: Pair
    ) -> Number:
        """Build the position of block (row, column) times ``steps``."""
        rows = build.multiply(self.row, steps[0] * layout.row(plane))
        columns = build.multiply(self.column, steps[1])
        return build.add(rows, columns, layout.first(plane))


def halo_blocks(layout: BlockLayout, plane: Sequence[int]) -> int:
    """Return how many positions of a plane lie in its halo."""
    rows, columns = layout.grid(plane)
    return layout.positions(plane) - rows * columns


def halo_groups(layout: BlockLayout, plane: Sequence[int], placement: Placement) -> int:
    """Return how many workgroups it takes to clear a plane's halo."""
    return -(-halo_blocks(layout, plane) // placement.invocations)


def over_plane(
    build: KernelBuilder,
    layout: BlockLayout,
    plane: Pair,
    placement: Placement,
    compute: Callable[[Block], None],
    clear: Callable[[Number], None],
) -> None:
    """Build ``compute`` for each block of a plane and ``clear`` for each position of its halo.

    Workgroups of the one and the other lie after each other along y, so none of them diverges.
    """
    group, own = build.group("y"), build.invocation()

    def blocks() -> None:
        number = build.add(build.multiply(group, placement.each), own)
        active = build.below(number, placement.blocks)
        if placement.each < placement.invocations:
            active = build.both(active, build.below(own, placement.each))
        kept = build.minimum(number, placement.blocks - 1)
        compute(Block(*build.split(kept, layout.grid(plane)[1]), active))

    def halo() -> None:
        start = build.multiply(build.add(group, -placement.groups), placement.invocations)
        number = build.add(start, own)
        with build.where(build.below(number, halo_blocks(layout, plane))):
            clear(_halo_position(build, layout, plane, number))

    if halo_blocks(layout, plane):
        build.either(build.below(group, placement.groups), blocks, halo)
    else:
        blocks()


def _halo_position(
    build: KernelBuilder, layout: BlockLayout, plane: Pair, number: Number
) -> Number:
    """Build the position of a block of the halo: above, between the rows, below."""
    rows, columns = layout.grid(plane)
    above, between = layout.first(plane), (rows - 1) * layout.halo[1]
    position = number
    if between:
        row, rest = build.split(build.add(number, -above), layout.halo[1])
        inner = build.add(build.multiply(row, layout.row(plane)), rest, above + columns)
        position = build.select(build.below(number, above), number, inner)
    below = build.add(number, rows * columns)
    return build.select(build.below(number, above + between), position, below)


def zero_slots(
    build: KernelBuilder, buffer: int, layout: BlockLayout, plane: Pair, start: Number
) -> None:
    """Build stores of zeros to all slots of a block at slot ``start``."""
    zero = build.slot(buffer, [build.real(0.0)] * layout.pixels)
    for row, column in product(range(layout.block[0]), range(layout.block[1])):
        build.store(zero, buffer, build.add(start, layout.offset(plane, row, column)))


def inside(
    build: KernelBuilder, layout: BlockLayout, plane: Pair, block: Block, pixel: Pair, value: Any
) -> Any:
    """Build ``value`` for a pixel of a block, 0 where it lies outside the plane."""
    grid, places = layout.grid(plane), (block.row, block.column)
    for axis in (0, 1):
        rest = plane[axis] - (grid[axis] - 1) * layout.size[axis]
        if pixel[axis] >= rest:
            whole = build.below(places[axis], grid[axis] - 1)
            value = build.select(whole, value, build.real(0.0))
    return value


def store_block(
    build: KernelBuilder,
    buffer: int,
    layout: BlockLayout,
    plane: Pair,
    block: Block,
    start: Number,
    pixels: dict[Pair, Any],
) -> None:
    """Build the stores of a block's ``pixels`` at slot ``start``, zeros outside the plane."""
    for row, column in product(range(layout.block[0]), range(layout.block[1])):
        places = [(row, column * layout.pixels + i) for i in range(layout.pixels)]
        values = [inside(build, layout, plane, block, at, pixels[at]) for at in places]
        offset = layout.offset(plane, row, column)
        build.store(build.slot(buffer, values), buffer, build.add(start, offset))
