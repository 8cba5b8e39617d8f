"""How time grows with input size, compression and depth: one run on one pinned thread.

Usage: python bench/scaling.py [--repetitions N] [--core N] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import nn

import pattern_mlir
from harness import pages
from harness.results import processor, write_json
from harness.rounds import round_robin, summarise
from harness.tables import Grid
from pattern_mlir import zoo
from pattern_mlir.errors import PatternError
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.runtime.peak import Peak, vector_lanes

ROOT = Path(__file__).resolve().parent.parent
SIZES = tuple(range(64, 449, 32))
COMPRESSIONS = (1.0, 2.25, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0)
DEPTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
TAPS_RATE = 9 / 4
"""Compression by patterns of 4 of 9 taps alone."""


@dataclass(frozen=True)
class Point:
    """A network's time.

    Attributes:
        series: `input size`, `compression` or `depth`.
        value: pixels of a side, weights over weights kept in 3x3 layers, or layers.
        milliseconds: median.
        multiplications: multiply-accumulates on weights that are not zero.
        peak_fraction: multiply-accumulates a second over the processor's peak in the same run.
    """

    series: str
    value: float
    milliseconds: float
    multiplications: int
    peak_fraction: float


@dataclass(frozen=True)
class Series:
    """Networks along one axis: how to make the one for a value, and the size of its input."""

    name: str
    axis: str
    values: tuple[float, ...]
    network: Callable[[float], nn.Module]
    shape: Callable[[float], tuple[int, ...]]


def resnet18(compression: float) -> nn.Module:
    """Return ResNet-18 with so many times fewer weights in its 3x3 convolutions."""
    model = zoo.create("resnet18")
    if compression > 1:
        rate = max(compression / TAPS_RATE, 1.0)
        prune_one_shot(model, connectivity_rate=rate, pointwise="dense")
    return model


def chain(depth: float) -> nn.Module:
    """Return ``depth`` pruned 3x3 convolutions of 64 channels, each with ReLU."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [
            module
            for _ in range(int(depth))
            for module in (nn.Conv2d(64, 64, 3, padding=1), nn.ReLU())
        ]
    model = nn.Sequential(*layers).eval()
    prune_one_shot(model, first="prune")
    return model


ALL = (
    Series(
        "input size",
        "pixels of a side (ResNet-18, 3x3 convolutions at 8.1 x compression)",
        SIZES,
        lambda _: resnet18(TAPS_RATE * 3.6),
        lambda size: (1, 3, int(size), int(size)),
    ),
    Series(
        "compression",
        "compression of 3x3 convolutions (ResNet-18, 224²)",
        COMPRESSIONS,
        resnet18,
        lambda _: (1, 3, 224, 224),
    ),
    Series(
        "depth",
        "pruned 3x3 convolutions of 64 channels at 56²",
        DEPTHS,
        chain,
        lambda _: (1, 64, 56, 56),
    ),
)


def measure(series: Series, repetitions: int) -> list[Point]:
    """Compile every network of ``series``, then time them in turns, the peak between them."""
    models, inputs = {}, {}
    for value in series.values:
        example = torch.randn(series.shape(value), generator=torch.Generator().manual_seed(0))
        exported = torch.export.export(series.network(value), (example,))
        models[str(value)] = pattern_mlir.compile(exported)
        inputs[str(value)] = example.numpy()
    peak = Peak(vector_lanes())
    peaks: list[float] = []

    def run(name: str) -> list[float]:
        models[name](inputs[name])
        peaks.append(peak.measure())
        start = time.perf_counter()
        models[name](inputs[name])
        return [time.perf_counter() - start]

    timed = round_robin(list(models), repetitions, run)
    best = float(np.median(peaks))
    points = []
    for value in series.values:
        median = summarise(timed.seconds[str(value)]).median
        count = sum(layer.multiplications for layer in models[str(value)].layers)
        fraction = count / (median / 1e3) / best
        points.append(Point(series.name, value, median, count, fraction))
    return points


def plot(points: Sequence[Point], path: Path) -> None:
    """Draw each series: time above, fraction of the processor's peak below."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(ALL), figsize=(5 * len(ALL), 6.5), squeeze=False)
    for column, series in zip(axes.T, ALL, strict=True):
        own = [point for point in points if point.series == series.name]
        values = [point.value for point in own]
        column[0].plot(values, [point.milliseconds for point in own], marker="o")
        column[0].set_ylabel("ms")
        column[1].plot(values, [point.peak_fraction for point in own], marker="o")
        column[1].set_ylabel("fraction of peak, non-zero multiplications")
        column[1].set_ylim(0, 1)
        for axis in column:
            axis.set_xlabel(series.axis, fontsize=8)
            axis.grid(alpha=0.3)
    axes[0][0].set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def grid(points: Sequence[Point], series: Series) -> Grid:
    """Return the points of ``series`` as a table."""
    rows = tuple(
        (
            f"{point.value:g}",
            f"{point.milliseconds:.3f}",
            f"{point.multiplications / 1e6:.1f}",
            f"{1e6 * point.milliseconds / point.multiplications:.4f}",
            f"{point.peak_fraction:.2f}",
        )
        for point in points
        if point.series == series.name
    )
    return Grid((series.axis, "ms", "M mult.", "ns a mult.", "of peak"), 0, rows)


def main() -> None:
    """Measure, and write JSON, a plot and the tables of the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--core", type=int, default=0, help="pinned to")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks")
    arguments = parser.parse_args()
    if arguments.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {arguments.core})
    console = Console(highlight=False, width=130)
    points: list[Point] = []
    for series in ALL:
        try:
            points += measure(series, arguments.repetitions)
        except PatternError as error:
            raise SystemExit(f"error: {series.name}: {error}") from None
        grid(points, series).show(console, series.name)
    found = {"processor": processor(), "points": [asdict(point) for point in points]}
    folder: Path = arguments.output
    write_json(found, folder / "scaling.json")
    plot(points, folder / "scaling.png")
    parts = [f"![Time against size, compression and depth]({folder.name}/scaling.png)\n"]
    parts += [grid(points, series).markdown() for series in ALL]
    pages.write_part(folder.with_suffix(".md"), "scaling", "\n".join(parts))


if __name__ == "__main__":
    main()
