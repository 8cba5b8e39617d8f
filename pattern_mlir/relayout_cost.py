"""What changes of layout cost."""

from __future__ import annotations

import functools
import math

from pattern_mlir.cost import Machine
from pattern_mlir.layouts import Blocks, Pair

RELAYOUT_CYCLES = 1.5
"""An element that is fetched from, or goes to, where a table says."""

IN_RUN = 0.6
"""What an element takes in a run of vectors that are transposed, for one that is fetched alone. On
an Ice Lake images of 224x224 took .43 to .53 ns an element, others .73."""

SHUFFLE_CYCLES = 1.5
"""A vector that is loaded or stored where others are made of it, lanes shuffled. Between layouts of
14x14 pixels on an Ice Lake: 11 us for 4352 vectors of 4 others each."""

MOST_SOURCES = 8
"""Vectors that one is made of; of more, its elements are rather fetched one by one."""


def relayout_cycles(machine: Machine, elements: int) -> float:
    """Return what it takes to fetch the ``elements`` of a tensor one by one."""
    return machine.overhead * RELAYOUT_CYCLES * elements


@functools.cache
def change_cycles(
    machine: Machine, planes: int, plane: Pair, before: Blocks | None, after: Blocks | None
) -> float:
    """Return what it takes to give a tensor of ``planes`` another layout; None is plain."""
    if before == after:
        return 0.0
    elements = planes * math.prod(plane)
    made_of = sources(plane, before, after) if before and after else 0
    fetching = relayout_cycles(machine, elements)
    if not after or not 0 < made_of <= MOST_SOURCES:
        return fetching
    vectors = planes * math.prod(after[1])
    shuffling = machine.overhead * SHUFFLE_CYCLES * (1 + made_of) * vectors
    moving = machine.stream_cycles(2 * machine.element_bytes * elements)
    return min(fetching, max(shuffling, moving))


def sources(plane: Pair, before: Blocks, after: Blocks) -> int:
    """Return of how many vectors in the blocks ``before`` one in those ``after`` is made, at most.

    0 where vectors have other lengths. Rows and columns count separately: blocks after of which
    the pixels lie at the same place of a block before take them from one vector.
    """
    if math.prod(before[0]) != math.prod(after[0]):
        return 0
    found = 1
    for size, own, other, count in zip(plane, before[1], after[1], after[0], strict=True):
        found *= len({at * other % own for at in range(count) if at * other < size})
    return found
