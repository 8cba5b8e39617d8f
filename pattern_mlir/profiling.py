"""Where the time of a network goes: each layer, beside what the processor can do."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.cost import Machine
from pattern_mlir.report import LoopsShare, loop_shares, warning_lines
from pattern_mlir.runtime.peak import Peak, vector_lanes
from pattern_mlir.runtime.plan import PlannedLayer


@dataclass(frozen=True)
class LayerProfile:
    """A layer and its median time.

    Attributes:
        layer: what is known of it.
        nanoseconds: the median of its runs.
        speed: multiply-accumulates a second, those of pruned weights left out; 0 if not counted.
        peak_fraction: speed over the processor's peak.
        predicted: nanoseconds that the cost model expects on all threads; 0 for unknown.
    """

    layer: PlannedLayer
    nanoseconds: float
    speed: float
    peak_fraction: float
    predicted: float


@dataclass(frozen=True)
class Profile:
    """The layers of a network, and multiply-accumulates a second that all its threads can do.

    Attributes:
        layers: in the order in which they run.
        peak: multiply-accumulates a second; 0 where it is unknown.
        loops: what ran as plain loops, with its share of the measured time.
    """

    layers: tuple[LayerProfile, ...]
    peak: float
    loops: tuple[LoopsShare, ...] = ()

    @property
    def nanoseconds(self) -> float:
        """The sum of the layers' times."""
        return sum(layer.nanoseconds for layer in self.layers)

    @property
    def loops_share(self) -> float:
        """The share of the time that goes to plain loops."""
        loops = sum(own.nanoseconds for own in self.layers if own.layer.kernel == "loops")
        return loops / max(self.nanoseconds, 1.0)

    def __str__(self) -> str:
        """Return the profile as a table for a terminal."""
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(box=box.SIMPLE)
        for heading in ("layer", "kernel", "lanes", "tile"):
            table.add_column(heading, no_wrap=True)
        for heading in ("us", "predicted", "share", "GMAC/s", "of peak", "KB"):
            table.add_column(heading, justify="right", no_wrap=True)
        for own in self.layers:
            table.add_row(*_row(own, self.nanoseconds))
        console = Console(width=120, highlight=False)
        with console.capture() as capture:
            console.print(table)
        first = "".join(f"{line}\n" for line in warning_lines(self.loops, "measured"))
        lines = (
            f"{first}{capture.get()}{self.nanoseconds / 1e6:.3f} ms in {len(self.layers)} layers,"
            f" {self.loops_share:.1%} of it in plain loops"
        )
        if self.peak == 0:
            return lines
        return f"{lines}; peak {self.peak / 1e9:.1f} GMAC/s, measured in the same run"


def _row(own: LayerProfile, total: float) -> list[str]:
    layer = own.layer
    return [
        layer.place,
        layer.kernel,
        layer.layout,
        layer.tile,
        f"{own.nanoseconds / 1e3:.1f}",
        f"{own.predicted / 1e3:.1f}" if own.predicted else "",
        f"{own.nanoseconds / max(total, 1.0):.1%}",
        f"{own.speed / 1e9:.1f}" if own.speed else "",
        f"{own.peak_fraction:.2f}" if own.peak_fraction else "",
        f"{layer.bytes / 1024:.0f}" if layer.bytes else "",
    ]


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def profile(model: CompiledModel, inputs: Sequence[npt.NDArray[Any]], repeat: int = 30) -> Profile:
    """Time each layer of ``model`` in ``repeat`` runs, the peak measured between them.

    A GPU takes the times itself; its peak is not measured here.
    """
    if model.device is not None:
        runs = [[nanoseconds for _, nanoseconds in model.profile(*inputs)] for _ in range(repeat)]
        return profile_of(model.layers, runs, [0.0], 1)
    peak, peaks, runs = Peak(vector_lanes()), [], []
    for _ in range(repeat):
        peaks.append(peak.measure())
        runs.append([nanoseconds for _, nanoseconds in model.profile(*inputs)])
    measured = profile_of(model.layers, runs, peaks, min(model.threads, _processors()))
    times, report = [layer.nanoseconds for layer in measured.layers], model.report()
    loops = loop_shares(model.layers, times, report.fallbacks, report.plain)
    return replace(measured, loops=loops)


def profile_of(
    layers: Sequence[PlannedLayer],
    runs: Sequence[Sequence[int]],
    peaks: Sequence[float],
    processors: int,
) -> Profile:
    """Return the medians of measured runs.

    Args:
        layers: of the network.
        runs: for each run the nanoseconds of each layer.
        peaks: multiply-accumulates a second of one processor, measured between runs; 0: unknown.
        processors: how many work on a layer.
    """
    best = statistics.median(peaks) * processors
    machine = Machine(vector_lanes(), registers=32)
    pace = machine.lanes * machine.multiplications_a_cycle
    profiled = []
    for layer, nanoseconds in zip(layers, np.median(runs, axis=0).tolist(), strict=True):
        speed = layer.multiplications / max(nanoseconds, 1.0) * 1e9
        fraction, predicted = 0.0, 0.0
        if best:
            fraction, predicted = speed / best, layer.cycles * pace / best * 1e9
        profiled.append(LayerProfile(layer, nanoseconds, speed, fraction, predicted))
    return Profile(tuple(profiled), best)
