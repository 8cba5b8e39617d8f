"""Rounds of timing: A B C A B C …, so that a slow moment of the machine meets everyone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.environments import Unavailable


@dataclass(frozen=True)
class Times:
    """Milliseconds of one contender: quartiles of its runs, and how many there were."""

    median: float
    lower_quartile: float
    upper_quartile: float
    minimum: float
    runs: int


@dataclass(frozen=True)
class Timed:
    """What came of the rounds: seconds of each contender, and why others dropped out."""

    seconds: dict[str, list[float]]
    failures: dict[str, str]


def round_robin(
    names: Sequence[str], repetitions: int, run: Callable[[str], Sequence[float]]
) -> Timed:
    """Let everyone ``run`` in turns; who fails drops out, with the reason, and its times."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    failures: dict[str, str] = {}
    for _ in range(repetitions):
        for name in list(seconds):
            try:
                seconds[name] += run(name)
            except Unavailable as reason:
                failures[name] = str(reason)
                del seconds[name]
    return Timed(seconds, failures)


def summarise(seconds: Sequence[float]) -> Times:
    """Return median, quartiles and minimum in milliseconds."""
    lower, median, upper = np.percentile(1e3 * np.asarray(seconds), (25, 50, 75))
    return Times(float(median), float(lower), float(upper), 1e3 * min(seconds), len(seconds))
