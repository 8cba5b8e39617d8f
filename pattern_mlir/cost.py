"""The machine model: what kernels in lane blocks, plain loops and changes of layout cost.

Costs are cycles of one core. They choose between layouts and tiles; nothing reports them as time.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from pattern_mlir.layouts import Pair

PLAIN_CYCLES = 1.0
"""A multiplication of a convolution in plain loops."""

RELAYOUT_CYCLES = 1.5
"""An element of a tensor that changes its layout."""

KERNEL_CYCLES = 8.0
"""A kernel's share of a tile beside its products: loads of channel and weights, the loop."""

FILTER_CYCLES = 40.0
"""A filter's share of a tile beside its kernels: bias, stores, the loops' starts."""

SHAPE_CYCLES = 0.02
"""What each further shape of tile adds to a layer's cost: its code must be compiled and cached."""


MOST_CHAINS = 8
"""Sums under way that keep any processor busy."""


MOST_WEIGHTS = 9
"""Weights that wait in registers at a time; a kernel with more is swept over row by row."""


@dataclass(frozen=True)
class Machine:
    """What a processor offers to kernels in lane blocks.

    Attributes:
        lanes: 32-bit lanes of a vector.
        registers: vector registers.
        load_cycles: a vector load from the nearest cache, in multiplications that could start.
        latency: multiplications that must be under way to keep the unit busy.
    """

    lanes: int
    registers: int
    load_cycles: float = 1.28
    latency: int = 4

    def sums(self, weights: int) -> int:
        """Return how many sums fit into registers beside ``weights`` and an input vector."""
        return max(1, self.registers - weights - 4)


@dataclass(frozen=True)
class Tiling:
    """How a block of outputs is cut into tiles, and what a kernel costs on all of them."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cycles: float


def tap_groups(taps: Sequence[Pair], block: int) -> list[list[int]]:
    """Return the numbers of ``taps`` in groups whose weights wait in registers at a time.

    A kernel with few weights is one group; of a larger one each row is.
    """
    rows = {row: [i for i, tap in enumerate(taps) if tap[0] == row] for row, _ in taps}
    return list(rows.values()) if len(taps) * block > MOST_WEIGHTS else [list(range(len(taps)))]


def chains(sums: int, taps: int) -> int:
    """Return in how many chains each of ``sums`` is added up, so that none waits for itself."""
    return max(1, min(taps, MOST_CHAINS // sums))


@functools.cache
def choose_tiling(
    machine: Machine,
    outputs: Pair,
    taps: tuple[Pair, ...],
    strides: Pair,
    block: int,
    kernels: float,
    unit: int,
) -> Tiling:
    """Return the cheapest tiling of a block of ``outputs`` = (height, width).

    Args:
        machine: the processor.
        outputs: rows and columns of outputs, before the pool.
        taps: of the longest pattern.
        strides: of the convolution.
        block: filters that are computed together.
        kernels: kernels that a block of filters has, on average.
        unit: sizes of tiles are multiples of this: 2 for a 2x2 pool.
    """
    room = machine.sums(max(map(len, tap_groups(taps, block))) * block) // block
    # The smallest tile that a pool or a repetition allows is taken even where it spills.
    room = max(room, unit * unit)
    best: Tiling | None = None
    for columns in _splits(outputs[1], unit):
        # The fewest rows of tiles that registers allow: fewer tiles load less.
        rows = next((r for r in _splits(outputs[0], unit) if max(r) * max(columns) <= room), None)
        if rows is None:
            continue
        shapes = Counter(product(rows, columns))
        cycles = sum(
            count * (kernels * _kernel_cycles(machine, shape, taps, strides, block) + FILTER_CYCLES)
            for shape, count in shapes.items()
        ) * (1 + SHAPE_CYCLES * len(shapes))
        if best is None or cycles < best.cycles:
            best = Tiling(rows, columns, cycles)
    assert best is not None, f"a tile of {unit}x{unit} outputs always fits"
    return best


def _splits(size: int, unit: int) -> Iterator[tuple[int, ...]]:
    """Yield the ways to cut ``size`` into parts that are nearly equal, the fewest first."""
    for parts in range(1, size // unit + 1):
        least, more = divmod(size // unit, parts)
        yield tuple((least + (part < more)) * unit for part in range(parts))


@functools.cache
def _kernel_cycles(
    machine: Machine, shape: Pair, taps: tuple[Pair, ...], strides: Pair, block: int
) -> float:
    """Return what one kernel costs on a tile of ``shape``."""
    vectors = {
        (group, y * strides[0] + taps[tap][0], x * strides[1] + taps[tap][1])
        for group, members in enumerate(tap_groups(taps, block))
        for y, x, tap in product(range(shape[0]), range(shape[1]), members)
    }
    sums = shape[0] * shape[1] * block
    waiting = machine.latency / (sums * chains(sums, len(taps)))
    products = sums * len(taps) * max(1.0, waiting)
    loads = (len(vectors) + len(taps) * block) * machine.load_cycles
    return max(products, loads) + KERNEL_CYCLES
