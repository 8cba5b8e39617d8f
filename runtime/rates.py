"""What a core of this processor reads and multiplies, measured: what the machine model needs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.peak import SUMS, Peak
from pattern_mlir.runtime.vector_loop import VectorLoop

REPEAT = 10
"""Runs in a round; the fastest counts: what else runs on a processor only makes them slower."""

ROUNDS = 5
"""What else runs comes and goes."""

PAUSE = 0.2
"""Seconds between rounds."""

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
    """Measure this core with vectors of ``lanes`` f32; takes a second or so."""
    first_bytes, second_bytes = _cache_sizes()
    sizes = (first_bytes // 2, second_bytes // 2, 4 * second_bytes)
    peaks = (Peak(lanes), Peak(lanes, sums=1), Peak(lanes // 2))
    loop = VectorLoop(lanes, SUMS, from_memory=True)
    measures: list[Callable[[], float]] = [
        *(peak.measure for peak in peaks),
        *(partial(_bytes_a_second, loop, _touched(size)) for size in sizes),
    ]
    best = [0.0] * len(measures)
    for number in range(ROUNDS):
        time.sleep(PAUSE if number else 0.0)
        best = [
            max(known, *(measure() for _ in range(REPEAT)))
            for known, measure in zip(best, measures, strict=True)
        ]
    pace, waiting, half = (
        speed / length for speed, length in zip(best, (lanes, lanes, lanes // 2), strict=False)
    )
    first, second, beyond = (speed / pace for speed in best[3:])
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


def _touched(size: int) -> npt.NDArray[np.uint8]:
    """Return ``size`` bytes that are in memory: what was never written to is one page of zeros."""
    data = aligned_bytes(size)
    data[:] = 1
    return data


def _bytes_a_second(loop: VectorLoop, data: npt.NDArray[np.uint8]) -> float:
    """Return how fast ``loop`` reads most of ``data`` over and over."""
    steps = READ_BYTES // loop.step_bytes
    return steps * loop.step_bytes / loop.seconds(steps, data)
