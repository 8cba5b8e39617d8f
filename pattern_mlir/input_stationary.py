"""What kernels cost that keep a channel's inputs in registers, and sums in memory.

With strides most input vectors of a kernel are multiplied once, so sums in registers take a load
from the second cache for each multiplication. Inputs that are loaded once for a group of filters
leave a load and a store of a sum for as many multiplications as a pattern has taps.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence
from itertools import product

from pattern_mlir.cost import (
    FILTER_CYCLES,
    LOOP_CYCLES,
    Machine,
    Products,
    Tile,
    Tiling,
    halo_cycles,
    largest,
    ways,
)
from pattern_mlir.layouts import Pair, Wraps, wrapped

LEAST_GROUP = 32
"""Filters of a group: fewer have too few kernels of one channel and pattern."""

LEAST_SUMS = 4
"""Sums of the largest tile: for fewer the loads of weights take too long. With one sum 512 channels
at 2x2 took 1.05 to 1.15 of the time on an Ice Lake."""

FINDING_CYCLES = 2.0
"""A kernel's share of a tile beside its products: the address of its filter's sums, the loop."""

UNEVEN = 1.15
"""Times the mean share of tiles that a thread may have: filters in two shares make two groups, for
each of which all inputs are loaded."""

PASSES = 2
"""Sums of a group are stored before its kernels, and loaded after them."""


@functools.cache
def choose_input_tiling(
    machine: Machine,
    products: Products,
    outputs: Pair,
    kernels: float,
    unit: int,
    channels: int,
    filters: int,
    planes: float,
    threads: int = 1,
) -> Tiling | None:
    """Return the cheapest tiling whose inputs stay in registers; None where none fits.

    Args:
        machine: the processor.
        products: what a filter multiplies.
        outputs: rows and columns of outputs, before the pool.
        kernels: kernels that a filter has, on average.
        unit: sizes of tiles are multiples of this.
        channels: of the input.
        filters: of the result.
        planes: of the input that are made for each filter.
        threads: that share the filters, unless their shares of the tiles are `even`.
    """
    rooms = range(LEAST_SUMS, machine.registers // max(map(len, products.patterns)) + 1)
    tilings = (
        Tiling(
            strips.tiles,
            channels,
            (1 + machine.shape_share * len(strips.shapes))
            * sum(
                count * _filter_cycles(machine, products, shape, wraps, kernels, channels, group)
                for shape, count in strips.shapes.items()
            ),
            1,
            wraps,
            planes * halo_cycles(machine, products, outputs, wraps),
            group,
        )
        for room in rooms
        for strips, wraps in ways(machine, products, outputs, (room, room), unit)
        if LEAST_SUMS <= math.prod(largest(strips.tiles)) <= room
        for group in _groups(filters if even(strips.tiles, threads) else -(-filters // threads))
    )
    return min(tilings, key=lambda tiling: tiling.filter_cycles, default=None)


def even(tiles: Sequence[Tile], threads: int) -> bool:
    """Whether equally many tiles are equal shares for ``threads``, or nearly."""
    return -(-len(tiles) // threads) * threads <= UNEVEN * len(tiles)


def _groups(filters: int) -> list[int]:
    """Return how many of ``filters`` may be a group."""
    return [-(-filters // parts) for parts in range(1, filters // LEAST_GROUP + 1)]


@functools.cache
def _filter_cycles(
    machine: Machine,
    products: Products,
    shape: Pair,
    wraps: Wraps,
    kernels: float,
    channels: int,
    group: int,
) -> float:
    """Return what one filter of a ``group`` costs on a tile of ``shape``."""
    sums = shape[0] * shape[1]
    patterns = len(products.patterns)
    loops = statistics.fmean(
        _loop_cycles(machine, products, taps, shape, wraps) for taps in products.patterns
    )
    kernel = statistics.fmean(
        _kernel_cycles(machine, products, taps, shape, group) for taps in products.patterns
    )
    waiting = PASSES * machine.transfer_cycles(sums, group * sums)
    filter_ = machine.overhead * FILTER_CYCLES + waiting + kernels * kernel
    return filter_ + channels * patterns * loops / group


def _loop_cycles(
    machine: Machine, products: Products, taps: tuple[Pair, ...], shape: Pair, wraps: Wraps
) -> float:
    """Return what it takes to load the inputs of a channel for one pattern, and to loop."""
    under = shape[0] * products.strides[0], shape[1] * products.strides[1]
    top, left = products.origin or (0, 0)
    used = _places(products, taps, shape)
    vectors = {wrapped((y + top, x + left), under, wraps)[0] for y, x in used}
    permuting = (len(used) - len(vectors)) / machine.multiplications_a_cycle
    return machine.overhead * LOOP_CYCLES + len(vectors) * machine.load_cycles + permuting


def _kernel_cycles(
    machine: Machine, products: Products, taps: tuple[Pair, ...], shape: Pair, group: int
) -> float:
    """Return what a kernel of ``taps`` takes: the slowest of multiplying, moving and starting."""
    sums = shape[0] * shape[1]
    needed = len(_places(products, taps, shape)) + len(taps) + 1
    spilled = max(0, needed - machine.registers)
    multiplying = sums * len(taps) / machine.multiplications_a_cycle
    loads = spilled + len(taps) / 2
    moving = machine.transfer_cycles(2 * sums, group * sums) + loads * machine.load_cycles
    issuing = (sums * len(taps) + 2 * sums + loads) / machine.issue
    return max(multiplying, moving, issuing) + machine.overhead * FINDING_CYCLES


def _places(products: Products, taps: tuple[Pair, ...], shape: Pair) -> set[Pair]:
    """Return the input vectors that a kernel of ``taps`` multiplies, from the tile's first."""
    down, right = products.strides
    return {
        (y * down + row, x * right + column)
        for y, x, (row, column) in product(range(shape[0]), range(shape[1]), taps)
    }
