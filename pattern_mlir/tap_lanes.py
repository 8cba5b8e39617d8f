"""What kernels cost that multiply all their taps at once: each pixel has a lane for each tap.

Planes of 2x2 leave most lanes of a vector empty, and a kernel takes an instruction for each tap,
for each weight, and for each vector beside its own. With taps in lanes it takes a load of weights
and a multiplication. What the lanes see of a channel, a window, is made once for each pattern; all
filters read it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from pattern_mlir.cost import FILTER_CYCLES, LOOP_CYCLES, Machine, Products, Tiling

CHAINS = 4
"""Sums that a filter's kernels join by turns, so that none waits for itself."""

MOST_KERNELS = 512 * CHAINS
"""Kernels that a filter has at most, on average: one long f32 sum loses bits."""

MAKING_CYCLES = 1.0
"""A window's share beside its store: lanes are permuted."""


def taps_a_pixel(patterns: Sequence[Sequence[Any]]) -> int:
    """Return the lanes of a pixel: a power of two, as many as a pattern has taps or more."""
    return 1 << (max(map(len, patterns)) - 1).bit_length()


@functools.cache
def choose_tap_tiling(
    machine: Machine, products: Products, kernels: float, channels: int, planes: float
) -> Tiling:
    """Return the tiling of a block of one pixel whose taps are multiplied at once.

    Args:
        machine: the processor.
        products: what a filter multiplies.
        kernels: kernels that a filter has, on average.
        channels: of the input.
        planes: of the input whose windows are made for each filter.
    """
    own, vectors = machine.widest(machine.lanes * taps_a_pixel(products.patterns))
    pace = own.multiplications_a_cycle
    loading = (vectors + 1) * own.load_cycles / pace
    moving = own.transfer_cycles(vectors, channels * len(products.patterns) * vectors)
    kernel = max(vectors / pace, loading, moving)
    filter_ = own.overhead * (FILTER_CYCLES + LOOP_CYCLES) + kernels * kernel
    making = making_cycles(machine, products.patterns, planes)
    tiles, wraps = ((0, 0, 1, 1),), (True, True)
    return Tiling(tiles, channels, filter_, 1, wraps, making, taps_in_lanes=True)


def making_cycles(machine: Machine, patterns: Sequence[Sequence[Any]], planes: float) -> float:
    """Return what it takes to make the windows of ``planes`` for each of ``patterns``."""
    own, vectors = machine.widest(machine.lanes * taps_a_pixel(patterns))
    near = own.lanes * own.element_bytes / own.stream_rates[0][1]
    return planes * len(patterns) * vectors * (near + own.overhead * MAKING_CYCLES)
