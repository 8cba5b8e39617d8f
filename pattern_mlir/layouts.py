"""The geometry of tensor layouts in lane blocks: where each pixel of a plane lies.

The plane is cut into equal blocks, one for each SIMD lane. Vector (y, x) of a plane holds pixel
(y, x) of every block, and halo vectors lie round the block: so each tap of a convolution is an
aligned load, and neighbouring outputs share loads in registers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

Pair = tuple[int, int]
"""Of rows and columns, or of height and width."""


@dataclass(frozen=True)
class LaneLayout:
    """A tensor's planes in lane blocks.

    Attributes:
        grid: rows and columns of blocks; one lane each, row by row.
        block: height and width of a block, in pixels.
        halo: vectors above, left of, below and right of a block.
        fill: what lanes and halo hold outside the plane.
    """

    grid: Pair
    block: Pair
    halo: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: float = 0.0

    @property
    def lanes(self) -> int:
        """How many lanes a vector has."""
        return self.grid[0] * self.grid[1]

    @property
    def rows(self) -> int:
        """Rows of vectors in a plane, halo included."""
        return self.halo[0] + self.block[0] + self.halo[2]

    @property
    def pitch(self) -> int:
        """Vectors in a row, halo included."""
        return self.halo[1] + self.block[1] + self.halo[3]

    @property
    def plane(self) -> int:
        """Vectors from a plane to the next; odd, so that planes spread over all cache sets."""
        return self.rows * self.pitch | 1

    @property
    def pixels(self) -> Pair:
        """Height and width that the blocks cover."""
        return self.grid[0] * self.block[0], self.grid[1] * self.block[1]

    def at(self, y: int, x: int) -> int:
        """Return the position in its plane of vector (y, x), which may lie in the halo."""
        return (y + self.halo[0]) * self.pitch + x + self.halo[1]

    def inside(self, y: int, x: int, plane: Pair) -> tuple[bool, ...]:
        """Return which lanes of vector (y, x) hold pixels of a ``plane`` of this height, width."""
        return tuple(
            row * self.block[0] + y < plane[0] and column * self.block[1] + x < plane[1]
            for row, column in self._blocks()
        )

    def copies(self, y: int, x: int) -> Iterator[tuple[int, int, tuple[int | None, ...]]]:
        """Yield each halo vector (y, x) that repeats a block's vector (y, x), and its lanes.

        The lanes are those of the block's vector that they come from, None outside the grid.
        """
        lanes = {place: lane for lane, place in enumerate(self._blocks())}
        rows = _congruent(y, self.block[0], -self.halo[0], self.block[0] + self.halo[2])
        columns = _congruent(x, self.block[1], -self.halo[1], self.block[1] + self.halo[3])
        for halo_y, halo_x in product(rows, columns):
            down, right = halo_y // self.block[0], halo_x // self.block[1]
            if (down, right) != (0, 0):
                sources = (lanes.get((r + down, c + right)) for r, c in self._blocks())
                yield halo_y, halo_x, tuple(sources)

    def _blocks(self) -> Iterator[Pair]:
        return product(range(self.grid[0]), range(self.grid[1]))


def _congruent(position: int, size: int, start: int, end: int) -> range:
    """Return the numbers from ``start`` to ``end`` - 1 that are ``position`` modulo ``size``."""
    return range(start + (position - start) % size, end, size)


def covering(count: int, size: int, multiple: int) -> int:
    """Return the least multiple of ``multiple`` of which ``count`` blocks cover ``size`` pixels."""
    return -(-size // (count * multiple)) * multiple
