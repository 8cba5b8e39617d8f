"""Which loads of a kernel become pairs: two neighbouring vectors in one instruction (ldp).

Pairs save instructions, and take cores in order longer than two loads. LLVM forms them where two
loads come within `REACH` vectors of an address that it knows; so a kernel's address is chosen to
leave as many pairs in reach as are wanted.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Sequence
from itertools import pairwise

from pattern_mlir.layouts import Pair
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel, sweeps

REACH = 64
"""Vectors after an address that a pair can be loaded from."""


@functools.cache
def lead(kernel: LaneKernel, shape: Pair) -> int:
    """Return how many vectors before its window the address of a tile of ``shape`` lies.

    The further off it lies, the fewer pairs are in reach.
    """
    if not _has_pairs(kernel):
        return 0
    return round(statistics.fmean(_lead(kernel, taps, shape) for taps in kernel.patterns))


def _has_pairs(kernel: LaneKernel) -> bool:
    plain = kernel.kind is Kind.CONVOLVE and kernel.source_type == "f32"
    return bool(kernel.pair_cycles) and plain and not kernel.source.rows


def _lead(kernel: LaneKernel, taps: Sequence[Pair], shape: Pair) -> int:
    """Return the lead that leaves a kernel of ``taps`` as many pairs as are wanted."""
    firsts, wanted = _firsts(kernel, taps, shape), _wanted(kernel, taps, shape)
    return max(0, REACH - firsts[wanted]) if wanted < len(firsts) else 0


def _firsts(kernel: LaneKernel, taps: Sequence[Pair], shape: Pair) -> list[int]:
    """Return the first vector of each pair that could be loaded, counted from the window's start.

    There are none in kernels that are swept over row by row.
    """
    groups = list(sweeps(kernel, taps, shape))
    places = [y * kernel.source.pitch + x for y, x in groups[0][1]] if len(groups) == 1 else []
    firsts: list[int] = []
    for place, following in pairwise(places):
        if following == place + 1 and place - 1 not in firsts:
            firsts.append(place)
    return firsts


def _wanted(kernel: LaneKernel, taps: Sequence[Pair], shape: Pair) -> int:
    """Return how many pairs leave the loads of a kernel shorter than its multiplications."""
    loads = {place for _, uses in sweeps(kernel, taps, shape) for place in uses}
    spare = shape[0] * shape[1] * kernel.block * len(taps) - len(loads)
    return max(0, spare // (kernel.pair_cycles - 2))
