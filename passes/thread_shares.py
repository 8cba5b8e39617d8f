"""What threads share of a convolution in lane blocks: its filters or its tiles.

Threads that share filters each read the whole input, half of which another core has written; those
that share tiles read their part of it, and all weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.cost import Machine, Tiling
from pattern_mlir.dialects import integers
from pattern_mlir.input_stationary import even
from pattern_mlir.passes.filters import layer_name
from pattern_mlir.passes.fkw_tables import group_bounds
from pattern_mlir.passes.lane_kernel import LaneKernel
from pattern_mlir.passes.lane_operations import FEW_CHANNELS, LaneOperation, thread_bounds
from pattern_mlir.patterns import split_filters

TILES_A_THREAD = 2
"""Tiles that each thread has at least where they share tiles. On an Ice Lake layers of 128 channels
at 28x28, three tiles for two threads, took 1.1 of the time so."""

WEIGHTS_KEPT = 0.5
"""The share of a core's cache that all weights of a convolution take at most where threads share
tiles. Of more each core reads its own half faster."""


@dataclass(frozen=True)
class ThreadShares:
    """What each thread computes of a convolution.

    Attributes:
        layer: its name in reports.
        boundaries: thread t computes the units [b[t], b[t + 1]) of the kernel.
        loads: the multiplications of vectors in each thread's units.
    """

    layer: str
    boundaries: tuple[int, ...]
    loads: tuple[int, ...]


def tile_parts(description: LaneOperation, tiling: Tiling, machine: Machine) -> int:
    """Return into how many parts threads share the filters at a tile; 0 if at all tiles.

    What is compiled for one thread may be run by more.
    """
    threads, tiles = max(description.threads, 2), len(tiling.tiles)
    if not description.shares_planes or description.channels <= FEW_CHANNELS:
        return 0
    if tiling.group:
        return int(even(tiling.tiles, threads))
    kept = description.weight_bytes(machine) <= WEIGHTS_KEPT * machine.stream_rates[0][0]
    if not kept or tiles < TILES_A_THREAD * threads:
        return 0
    return min(threads, description.filters // tiling.filter_block)


def filter_groups(op: Any, kernel: LaneKernel, most: int) -> npt.NDArray[np.int64]:
    """Return the first filter of each group of at most ``most``, and how many filters there are."""
    return group_bounds([0, kernel.filters] if kernel.tile_parts else thread_bounds(op), most)


def thread_shares(
    op: Any, kernel: LaneKernel, weights: npt.NDArray[np.int64]
) -> ThreadShares | None:
    """Return what threads compute of ``kernel``; None for equally many units.

    ``weights`` is how many each filter multiplies.
    """
    if "filter_boundaries" not in op.attributes:
        return None
    filters = integers(op.attributes["filter_boundaries"])
    threads = len(filters) - 1
    pixels = [rows * columns for _, _, rows, columns in kernel.tiles]
    sums = np.concatenate([[0], np.cumsum(weights)])
    starts = np.arange(kernel.filter_units + 1) * kernel.block
    if kernel.groups:
        starts = filter_groups(op, kernel, kernel.group)
    work = np.diff(sums[starts]) * sum(pixels)
    if kernel.tile_parts:
        parts = np.arange(kernel.tile_parts + 1) * kernel.filter_units // kernel.tile_parts
        work = np.outer(pixels, np.diff(sums[starts[parts]])).reshape(-1)
        boundaries = split_filters(work, threads)
    elif kernel.groups:
        boundaries = np.arange(threads + 1) * (kernel.groups // threads)
    elif any(number % kernel.block for number in filters):
        return None
    else:
        boundaries = np.array(filters) // kernel.block
    loads = tuple(kernel.images * int(work[low:high].sum()) for low, high in pairwise(boundaries))
    return ThreadShares(layer_name(op.weight.owner.opview), tuple(boundaries.tolist()), loads)
