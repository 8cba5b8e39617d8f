"""What a core of this processor reads and multiplies, measured: what the machine model needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.peak import SUMS, Peak
from pattern_mlir.runtime.vector_loop import VectorLoop

REPEAT = 15
"""Runs of which the fastest counts: what else runs on a processor only makes them slower."""

READ_BYTES = 8 << 20
"""What a run of reading takes in."""

USUAL_CACHES = (32 << 10, 1 << 20)
"""Bytes of a core's first and second cache where the system does not tell."""

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
"""Where Linux describes them."""


@dataclass(frozen=True)
class Rates:
    """What a core does while it could start one multiplication of whole vectors.

    Attributes:
        latency: multiplications that must be under way so that none waits.
        first, second, beyond: bytes that it reads from its first cache, from its second, and from
            what lies behind.
        first_bytes, second_bytes: sizes of the caches.
        half_vectors: multiplications of vectors of half the length that it starts.
    """

    latency: float
    first: float
    second: float
    beyond: float
    first_bytes: int
    second_bytes: int
    half_vectors: float


def measure_rates(lanes: int) -> Rates:
    """Measure this core with vectors of ``lanes`` f32; takes a tenth of a second or so."""
    pace, waiting, half = (
        max(peak.measure() for _ in range(REPEAT)) / length
        for length, peak in (
            (lanes, Peak(lanes)),
            (lanes, Peak(lanes, sums=1)),
            (lanes // 2, Peak(lanes // 2)),
        )
    )
    first_bytes, second_bytes = _cache_sizes()
    sizes = (first_bytes // 2, second_bytes // 2, 4 * second_bytes)
    loop = VectorLoop(lanes, SUMS, from_memory=True)
    first, second, beyond = (_bytes_a_second(loop, size) / pace for size in sizes)
    return Rates(pace / waiting, first, second, beyond, first_bytes, second_bytes, half / pace)


def _cache_sizes() -> tuple[int, int]:
    """Return the bytes of the first cache of data and of the second cache."""
    known = {}
    for folder in CACHES.glob("index*"):
        try:
            level, kind, size = (
                (folder / n).read_text().strip() for n in ("level", "type", "size")
            )
        except OSError:
            continue
        if kind != "Instruction" and re.fullmatch(r"\d+K", size):
            known[int(level)] = int(size[:-1]) << 10
    first, second = (known.get(i + 1, usual) for i, usual in enumerate(USUAL_CACHES))
    return first, second


def _bytes_a_second(loop: VectorLoop, size: int) -> float:
    """Return how fast ``loop`` reads most of ``size`` bytes over and over."""
    data, steps = aligned_bytes(size), READ_BYTES // loop.step_bytes
    data[:] = 1
    return steps * loop.step_bytes / min(loop.seconds(steps, data) for _ in range(REPEAT))
