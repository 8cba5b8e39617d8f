"""How a kernel loads its vectors: in which order, and which become pairs.

A pair is two neighbouring vectors in one instruction (ldp).

Pairs save instructions, and take cores in order longer than two loads. LLVM forms them where two
loads count from one address that is a multiple of their size away, by up to `REACH` vectors. So a
kernel has two addresses: the first has what shall be pairs, and lies so far before its window that
no more are in reach; the second lies half a vector off, and what it has stays single (ldur).
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pattern_mlir.cost import tap_groups
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel, Uses, sweeps

REACH = 64
"""Vectors after an address that a pair can be loaded from."""

SINGLE_REACH = 16
"""Vectors before an address half a vector off, and as many after it, that are loaded from it."""

LEAST_SHARE = 0.6
"""Share of a window's loads that a second address must reach: it takes an instruction."""


KERNEL_LOADS = 2
"""A kernel's loads of its channel and its weights."""

STRIDED_SHARE = 0.5
"""Share of a strided kernel's loads that shall be in pairs.

It loads nearly as often as it multiplies. Without pairs ResNet-18 took 2.17 instructions a
multiplication and 1.3 cycles in a model of the A55; with half of the loads in pairs 2.0 and 2.
"""


@dataclass(frozen=True)
class Loads:
    """How the vectors of a tile's window are loaded; places count vectors from the window's start.

    Attributes:
        lead: how many vectors before the window the first address lies.
        middle: the second address lies half a vector after the start of this place; None for none.
        singles: for each pattern the places that are loaded from the second address.
    """

    lead: int = 0
    middle: int | None = None
    singles: tuple[frozenset[int], ...] = ()


@functools.cache
def choose_loads(kernel: LaneKernel, shape: Pair) -> Loads:
    """Return how a tile of ``shape`` loads its window, so that as many are pairs as are wanted."""
    if not _has_pairs(kernel):
        return Loads()
    windows = [_places(kernel, taps, shape) for taps in kernel.patterns]
    if not all(windows):
        return Loads()
    wanted = [_wanted(kernel, taps, shape) for taps in kernel.patterns]
    last = max(places[-1] for places in windows)
    before = last - 2 * SINGLE_REACH
    reached = statistics.fmean(place > before for places in windows for place in places)
    middle, singles = None, (frozenset[int](),) * len(windows)
    if reached >= LEAST_SHARE:
        middle = last - SINGLE_REACH
        singles = tuple(
            _singles(places, count, before) for places, count in zip(windows, wanted, strict=True)
        )
    leads = [
        _lead([place for place in places if place not in own], count)
        for places, own, count in zip(windows, singles, wanted, strict=True)
    ]
    return Loads(round(statistics.fmean(leads)), middle, singles)


def load_order(kernel: LaneKernel, pattern: int, uses: Uses) -> Uses:
    """Return ``uses``, a group of `sweeps`, in the order in which its vectors are loaded.

    Of each row, the vectors that fewest sums need come first; each goes to the sums furthest down
    and right first. LLVM fills every register with what it loads ahead, and where it starts from
    decides whether they all fit: from left to right, a sum of a 4x6 tile went over the stack. A
    kernel that is swept over row by row, or makes vectors of others, keeps its order.
    """
    groups = tap_groups(kernel.patterns[pattern], kernel.block)
    if not _has_pairs(kernel) or len(groups) > 1 or any(kernel.wraps):
        return uses
    places = sorted(uses, key=lambda place: (place[0], len(uses[place])))
    return {place: uses[place][::-1] for place in places}


def _has_pairs(kernel: LaneKernel) -> bool:
    plain = kernel.kind is Kind.CONVOLVE and kernel.source_type == "f32"
    return bool(kernel.pair_cycles) and not kernel.groups and plain and not kernel.source.rows


def _places(kernel: LaneKernel, taps: Sequence[Pair], shape: Pair) -> list[int]:
    """Return the places that a kernel of ``taps`` loads; none where it is swept over in rows."""
    groups = list(sweeps(kernel, taps, shape))
    return [y * kernel.source.pitch + x for y, x in groups[0][1]] if len(groups) == 1 else []


def _firsts(places: Sequence[int]) -> list[int]:
    """Return the first place of each pair that could be loaded."""
    firsts: list[int] = []
    for place, following in pairwise(places):
        if following == place + 1 and place - 1 not in firsts:
            firsts.append(place)
    return firsts


def _singles(places: Sequence[int], wanted: int, before: int) -> frozenset[int]:
    """Return those of ``places`` after ``before`` that are loaded one by one.

    Pairs that are wanted there are spread evenly.
    """
    firsts = _firsts(places)
    within = [place for place in firsts if place > before]
    some = min(len(within), max(0, wanted - (len(firsts) - len(within))))
    kept = [
        place
        for number, place in enumerate(within)
        if (number + 1) * some // len(within) > number * some // len(within)
    ]
    kept += [place for place in firsts if place <= before]
    paired = {place + second for place in kept for second in (0, 1)}
    return frozenset(place for place in places if place > before and place not in paired)


def _lead(places: Sequence[int], wanted: int) -> int:
    """Return the lead that leaves as many pairs of ``places`` in reach as are wanted."""
    firsts = _firsts(places)
    return max(0, REACH - firsts[wanted]) if wanted < len(firsts) else 0


def _wanted(kernel: LaneKernel, taps: Sequence[Pair], shape: Pair) -> int:
    """Return how many pairs leave the loads of a kernel shorter than its multiplications.

    One with strides has no time to spare, but `STRIDED_SHARE` of its loads in pairs.
    """
    loads = {place for _, uses in sweeps(kernel, taps, shape) for place in uses}
    if kernel.strides != (1, 1):
        return round(STRIDED_SHARE * len(loads) / 2)
    spare = shape[0] * shape[1] * kernel.block * len(taps) - len(loads) - KERNEL_LOADS
    return max(0, spare // (kernel.pair_cycles - 2))
