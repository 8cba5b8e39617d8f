"""What `pattern-bench` measured on another machine, beside what the machine model expected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pattern_mlir.errors import PatternError
from pattern_mlir.package import Contents
from pattern_mlir.runtime.plan import PlannedLayer

FORMAT = 1


@dataclass(frozen=True)
class MeasuredTimes:
    """What `pattern-bench --json` wrote.

    Attributes:
        processor: the system's name of it, and the kinds of its cores.
        threads: that ran the network.
        parts: how often the batch that the network was exported for ran.
        gigahertz: the clock as measured after the runs.
        median, low, high: nanoseconds of all runs, and of the tenth that took least and most.
        layers: name, kernel and median nanoseconds of each layer.
    """

    processor: str
    threads: int
    parts: float
    gigahertz: float
    median: float
    low: float
    high: float
    layers: tuple[tuple[str, str, float], ...]


def read_times(path: Path) -> MeasuredTimes:
    """Return what `pattern-bench` wrote to ``path``; raise PatternError if it is something else."""
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        if data["format"] != FORMAT:
            raise PatternError(
                f"'{path}' has format {data['format']}, this version of pattern_mlir reads"
                f" {FORMAT}; measure again with a pattern-bench of this version"
            )
        return MeasuredTimes(
            processor=" ".join(filter(None, (str(data["processor"]), str(data["parts"])))),
            threads=int(data["threads"]),
            parts=float(data["images"] / data["batch"]),
            gigahertz=float(data["gigahertz"]),
            median=float(data["median"]),
            low=float(data["low"]),
            high=float(data["high"]),
            layers=tuple(
                (str(own["name"]), str(own["kernel"]), float(own["nanoseconds"]))
                for own in data["layers"]
            ),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise PatternError(
            f"'{path}' is not what pattern-bench --json writes ({type(error).__name__}: {error})"
        ) from None


def compare_times(path: Path, contents: Contents) -> str:
    """Return a table of the times in ``path`` beside those expected of ``contents``.

    Raises:
        PatternError: the file cannot be used, or is of another network.
    """
    times, layers = read_times(path), contents.plan.layers
    if [own[:2] for own in times.layers] != [(layer.place, layer.kernel) for layer in layers]:
        raise PatternError(
            f"'{path}' has other layers than the package: it was measured with another network, or"
            " one compiled for another processor"
        )
    return _table(times, layers)


def expected_nanoseconds(times: MeasuredTimes, layer: PlannedLayer) -> float:
    """Return what ``layer`` should take on all threads at the measured clock; 0: unknown."""
    if times.gigahertz <= 0:
        return 0.0
    return layer.cycles * times.parts / times.gigahertz / times.threads


def _table(times: MeasuredTimes, layers: Sequence[PlannedLayer]) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for heading in ("layer", "kernel"):
        table.add_column(heading, no_wrap=True)
    for heading in ("us", "predicted", "ratio", "share", "GMAC/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    total = sum(taken for _, _, taken in times.layers)
    for layer, (_, _, taken) in zip(layers, times.layers, strict=True):
        expected = expected_nanoseconds(times, layer)
        speed = layer.multiplications * times.parts / max(taken, 1.0)
        table.add_row(
            layer.place,
            layer.kernel,
            f"{taken / 1e3:.1f}",
            f"{expected / 1e3:.1f}" if expected else "",
            f"{taken / expected:.2f}" if expected else "",
            f"{taken / max(total, 1.0):.1%}",
            f"{speed:.2f}" if layer.multiplications else "",
        )
    console = Console(width=120, highlight=False)
    with console.capture() as capture:
        console.print(table)
    expected = sum(expected_nanoseconds(times, layer) for layer in layers)
    low, median, high, layer_sum, predicted = (
        f"{nanoseconds / 1e6:.3f}"
        for nanoseconds in (times.low, times.median, times.high, total, expected)
    )
    return (
        f"{capture.get()}{times.processor}, {times.gigahertz:.2f} GHz, {times.threads} threads:"
        f" median {median} ms, 10% to 90% {low} to {high} ms; layers {layer_sum} ms,"
        f" predicted {predicted} ms"
    )
