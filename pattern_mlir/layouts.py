"""The geometry of tensor layouts in lane blocks: where each pixel of a plane lies.

The plane is cut into equal blocks, one for each SIMD lane. Vector (y, x) of a plane holds pixel
(y, x) of every block, and halo vectors lie round the block: so each tap of a convolution is an
aligned load, and neighbouring outputs share loads in registers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

Pair = tuple[int, int]
"""Of rows and columns, or of height and width."""

Blocks = tuple[Pair, Pair, bool]
"""Grid and block of a layout, and whether it is in rows."""

Wraps = tuple[bool, bool]
"""Whether vectors above and below, left and right of a block are its own with permuted lanes."""


@dataclass(frozen=True)
class LaneLayout:
    """A tensor's planes in lane blocks.

    Attributes:
        grid: rows and columns of blocks; one lane each, row by row.
        block: height and width of a block, in pixels.
        halo: vectors above, left of, below and right of a block.
        fill: what lanes and halo hold outside the plane.
        rows: there is one row of blocks, and what lies left and right of a block is read from its
            neighbours, by loads that are not aligned: planes take up less memory. Needs lanes to
            spare at the right, see `rows_reach`.
    """

    grid: Pair
    block: Pair
    halo: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: float = 0.0
    rows: bool = False

    @property
    def lanes(self) -> int:
        """How many lanes a vector has."""
        return self.grid[0] * self.grid[1]

    @property
    def blocks(self) -> Blocks:
        """What tensors have in common that kernels can read together: all but halo and fill."""
        return self.grid, self.block, self.rows

    @property
    def words(self) -> str:
        """Grid and block in words."""
        words = f"{self.grid[0]}x{self.grid[1]} of {self.block[0]}x{self.block[1]}"
        return f"rows, {words}" if self.rows else words

    @property
    def stored_halo(self) -> tuple[int, int, int, int]:
        """The halo that is stored.

        Of rows, a row more above and below holds what the outermost loads reach into.
        """
        top, left, bottom, right = self.halo
        return (top + 1, 0, bottom + 1, 0) if self.rows else (top, left, bottom, right)

    @property
    def height(self) -> int:
        """Rows of vectors in a plane, halo included."""
        return self.stored_halo[0] + self.block[0] + self.stored_halo[2]

    @property
    def pitch(self) -> int:
        """Vectors in a row, halo included."""
        return self.stored_halo[1] + self.block[1] + self.stored_halo[3]

    @property
    def plane(self) -> int:
        """Vectors from a plane to the next; odd, so that planes spread over all cache sets."""
        return self.height * self.pitch | 1

    @property
    def pixels(self) -> Pair:
        """Height and width that the blocks cover."""
        return self.grid[0] * self.block[0], self.grid[1] * self.block[1]

    def start(self, y: int, x: int) -> int:
        """Return the element of its plane from which `offset` counts for vector (y, x)."""
        top, left = self.stored_halo[:2]
        vectors = (y + top) * self.pitch + (-1 if self.rows else x + left)
        return vectors * self.lanes

    def offset(self, y: int, x: int, column: int = 0) -> int:
        """Return where the vector ``y`` below and ``x`` right of another begins, in elements.

        It counts from the other one's `start`; ``column`` is that one's column, and only rows
        depend on it.
        """
        if not self.rows:
            return (y * self.pitch + x) * self.lanes
        lane, place = divmod(column + x, self.block[1])
        return (y * self.pitch + place + 1) * self.lanes + lane

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
        top, left, bottom, right = self.stored_halo
        rows = _congruent(y, self.block[0], -top, self.block[0] + bottom)
        columns = _congruent(x, self.block[1], -left, self.block[1] + right)
        for halo_y, halo_x in product(rows, columns):
            down, right = halo_y // self.block[0], halo_x // self.block[1]
            if (down, right) != (0, 0):
                yield halo_y, halo_x, self.lanes_off(down, right)

    def lanes_off(self, down: int, right: int) -> tuple[int | None, ...]:
        """Return the lane of the block ``down`` and ``right`` of each lane's, None for no block."""
        lanes = {place: lane for lane, place in enumerate(self._blocks())}
        return tuple(lanes.get((r + down, c + right)) for r, c in self._blocks())

    def _blocks(self) -> Iterator[Pair]:
        return product(range(self.grid[0]), range(self.grid[1]))


def grids(lanes: int) -> list[Pair]:
    """Return every way to arrange ``lanes`` in rows and columns, the squarest first."""
    found = [(rows, lanes // rows) for rows in range(1, lanes + 1) if lanes % rows == 0]
    return sorted(found, key=lambda grid: (max(grid) / min(grid), grid[0]))


def rows_reach(lanes: int, block: Pair, width: int, left: int, right: int) -> bool:
    """Whether a window may reach so many columns ``left`` and ``right`` of a block in rows.

    What it finds there must be the neighbour's pixel or, outside planes of ``width``, the fill: so
    as many lanes as it reaches over must lie wholly outside.
    """
    over = max(-(-left // block[1]), -(-right // block[1]))
    return (lanes - over) * block[1] >= width


def places(layout: LaneLayout | None, plane: Pair) -> npt.NDArray[np.int64]:
    """Return which pixel each element of a plane in ``layout`` (None: plain) holds, -1 for none."""
    pixels = np.arange(plane[0] * plane[1]).reshape(plane)
    if layout is None:
        return pixels.reshape(-1)
    top, left, _, _ = layout.stored_halo
    rows, columns = np.mgrid[0 : layout.height, 0 : layout.pitch]
    lane_rows, lane_columns = np.divmod(np.arange(layout.lanes), layout.grid[1])
    y = rows[..., None] - top + lane_rows * layout.block[0]
    x = columns[..., None] - left + lane_columns * layout.block[1]
    inside = (y >= 0) & (y < plane[0]) & (x >= 0) & (x < plane[1])
    held = np.where(inside, pixels[y.clip(0, plane[0] - 1), x.clip(0, plane[1] - 1)], -1)
    spare = layout.plane * layout.lanes - held.size
    return np.concatenate([held.reshape(-1), np.full(spare, -1)])


def relayout_table(
    before: LaneLayout | None, after: LaneLayout | None, plane: Pair
) -> npt.NDArray[np.int32]:
    """Return which element of a plane in ``before`` each one in ``after`` takes, -1 for none."""
    source, target = places(before, plane), places(after, plane)
    found = np.full(plane[0] * plane[1], -1)
    # The halo repeats pixels: any place that holds a pixel will do.
    found[source[source >= 0]] = np.flatnonzero(source >= 0)
    return np.where(target >= 0, found[target], -1).astype(np.int32)


def wrapped(place: Pair, block: Pair, wraps: Wraps) -> tuple[Pair, Pair]:
    """Return the vector of a ``block`` that ``place`` is with permuted lanes, and blocks between.

    Along an axis that does not wrap a place stays, and is no block off.
    """
    off = tuple(
        at // size if wrap else 0 for at, size, wrap in zip(place, block, wraps, strict=True)
    )
    own = tuple(at - by * size for at, by, size in zip(place, off, block, strict=True))
    return (own[0], own[1]), (off[0], off[1])


def _congruent(position: int, size: int, start: int, end: int) -> range:
    """Return the numbers from ``start`` to ``end`` - 1 that are ``position`` modulo ``size``."""
    return range(start + (position - start) % size, end, size)


def covering(count: int, size: int, multiple: int) -> int:
    """Return the least multiple of ``multiple`` of which ``count`` blocks cover ``size`` pixels."""
    return -(-size // (count * multiple)) * multiple
