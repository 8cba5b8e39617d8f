"""The geometry of blocks of pixels: how a tensor lies in a GPU's memory.

A plane is cut into blocks, one an invocation. A block is made of slots, small vectors of pixels
that one load brings. Slot (row, column) of all blocks lies together, the blocks in reading order,
so that neighbouring invocations read neighbouring slots, and what an invocation reads beside its
own block is the slot of a neighbouring block. Positions round the grid of blocks hold zeros.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pattern_mlir.layouts import Pair

POSITION_ALIGNMENT = 16
"""Slots of each kind start at a multiple of so many slots: a cache line of f32."""


@dataclass(frozen=True)
class BlockLayout:
    """A tensor [N, C, H, W] in blocks.

    Attributes:
        block: height in pixels and width in slots of a block.
        pixels: pixels of a slot, side by side.
        halo: positions above and below the grid, and left and right of it.
        half: whether pixels are f16, two a word; f32 else.
    """

    block: Pair
    pixels: int
    halo: Pair = (0, 0)
    half: bool = False

    @property
    def size(self) -> Pair:
        """Height and width of a block in pixels."""
        return self.block[0], self.block[1] * self.pixels

    @property
    def words(self) -> int:
        """32-bit words of a slot."""
        return self.pixels // 2 if self.half else self.pixels

    @property
    def text(self) -> str:
        """The block in words, such as `3x4`; `3x2x2` where slots hold 2 pixels."""
        slot = f"x{self.pixels}" if self.pixels > 1 else ""
        return f"{self.block[0]}x{self.block[1]}{slot}{' f16' if self.half else ''}"

    def with_halo(self, halo: Pair) -> BlockLayout:
        """Return the layout with another halo."""
        return replace(self, halo=halo)

    def grid(self, plane: Sequence[int]) -> Pair:
        """Return rows and columns of blocks that cover a ``plane`` of pixels."""
        return -(-plane[0] // self.size[0]), -(-plane[1] // self.size[1])

    def row(self, plane: Sequence[int]) -> int:
        """Return the positions from one row of blocks to the next.

        A row's halo on the right is that of the next row on the left.
        """
        return self.grid(plane)[1] + self.halo[1]

    def first(self, plane: Sequence[int]) -> int:
        """Return the position of the first block."""
        return self.halo[0] * self.row(plane) + self.halo[1]

    def positions(self, plane: Sequence[int]) -> int:
        """Return the positions of a plane, the halo's among them."""
        return (self.grid(plane)[0] + 2 * self.halo[0]) * self.row(plane) + self.halo[1]

    def stride(self, plane: Sequence[int]) -> int:
        """Return the slots from one slot of a block to the next one."""
        return -(-self.positions(plane) // POSITION_ALIGNMENT) * POSITION_ALIGNMENT

    def channel(self, plane: Sequence[int]) -> int:
        """Return the slots of a channel."""
        return math.prod(self.block) * self.stride(plane)

    def bytes(self, shape: Sequence[int]) -> int:
        """Return the bytes of a tensor of ``shape`` [N, C, H, W]."""
        return 4 * self.words * shape[0] * shape[1] * self.channel(shape[2:])

    def offset(self, plane: Sequence[int], row: int, column: int) -> int:
        """Return where slot (row, column), counted from a block's first one, lies from there.

        It may lie in another block: row -1 is the last one of the block above.
        """
        (down, y), (right, x) = divmod(row, self.block[0]), divmod(column, self.block[1])
        slot = y * self.block[1] + x
        return slot * self.stride(plane) + down * self.row(plane) + right

    def elements(self, plane: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return where each pixel of a ``plane`` [H, W] lies in its channel, in pixels."""
        y, x = np.indices(plane)
        (down, row), (right, column) = divmod(y, self.size[0]), divmod(x, self.size[1])
        slot = row * self.block[1] + column // self.pixels
        position = self.first(plane) + down * self.row(plane) + right
        found = (slot * self.stride(plane) + position) * self.pixels + column % self.pixels
        return np.asarray(found, np.int64)
