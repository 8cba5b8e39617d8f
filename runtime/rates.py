"""What a core of this processor reads and multiplies, measured: what the machine model needs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.peak import SUMS, Peak
from pattern_mlir.runtime.vector_loop import VectorLoop

REPEAT = 15
"""Runs of which the fastest counts: what else runs on a processor only makes them slower."""

READ_BYTES = 8 << 20
"""What a run of reading takes in."""

USUAL_CACHES = (32 << 10, 1 << 20)
"""Bytes of a core's first and second cache where the system does not tell."""


@dataclass(frozen=True)
class Rates:
    """What a core does while it could start one multiplication of whole vectors.

    Attributes:
        latency: multiplications that must be under way so that none waits.
        first, second, beyond: bytes that it reads from its first cache, from its second, and from
            what lies behind.
        first_bytes, second_bytes: sizes of the caches.
    """

    latency: float
    first: float
    second: float
    beyond: float
    first_bytes: int
    second_bytes: int


def measure_rates(lanes: int) -> Rates:
    """Measure this core with vectors of ``lanes`` f32; takes a tenth of a second or so."""
    pace, waiting = (
        max(peak.measure() for _ in range(REPEAT)) / lanes
        for peak in (Peak(lanes), Peak(lanes, sums=1))
    )
    first_bytes, second_bytes = _cache_sizes()
    sizes = (first_bytes // 2, second_bytes // 2, 4 * second_bytes)
    loop = VectorLoop(lanes, SUMS, from_memory=True)
    first, second, beyond = (_bytes_a_second(loop, size) / pace for size in sizes)
    return Rates(pace / waiting, first, second, beyond, first_bytes, second_bytes)


def _cache_sizes() -> tuple[int, int]:
    names = ("SC_LEVEL1_DCACHE_SIZE", "SC_LEVEL2_CACHE_SIZE")
    known = [os.sysconf(name) if name in os.sysconf_names else 0 for name in names]
    first, second = (size or usual for size, usual in zip(known, USUAL_CACHES, strict=True))
    return first, second


def _bytes_a_second(loop: VectorLoop, size: int) -> float:
    """Return how fast ``loop`` reads most of ``size`` bytes over and over."""
    data, steps = aligned_bytes(size), READ_BYTES // loop.step_bytes
    data[:] = 1
    return steps * loop.step_bytes / min(loop.seconds(steps, data) for _ in range(REPEAT))
