"""Results as tables: for a terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from harness.goals import SUM_OF_LAYERS, Verdict, ratio
from harness.results import CaseResult, LayerRow, Run


@dataclass(frozen=True)
class Grid:
    """A table: headings, how many of the first columns are words, and rows."""

    headings: tuple[str, ...]
    words: int
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown."""
        dashes = ["---" if index < self.words else "---:" for index in range(len(self.headings))]
        lines = [self.headings, dashes, *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def show(self, console: Console, title: str) -> None:
        """Print the table."""
        table = Table(title=title, title_justify="left", box=box.SIMPLE)
        for index, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if index < self.words else "right")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


def contenders(run: Run) -> Grid:
    """Return everyone's times and ratios to ours, or why there are none."""
    rows = []
    for entry in run.entries:
        if entry.times is None:
            rows.append((entry.name, entry.failure, "", "", "", "", ""))
            continue
        times, figure = entry.times, ratio(run, entry.name)
        quartiles = f"{times.lower_quartile:.2f} to {times.upper_quartile:.2f}"
        error = "" if entry.error is None else f"{entry.error:.0e}"
        relative = "" if figure is None else f"{figure:.2f}"
        median, minimum = f"{times.median:.2f}", f"{times.minimum:.2f}"
        cpu = "" if entry.cpu_ms is None else f"{entry.cpu_ms:.2f}"
        rows.append((entry.name, median, quartiles, minimum, cpu, relative, error))
    headings = ("engine", "ms", "quartiles", "minimum", "CPU ms", "ratio", "error")
    return Grid(headings, 1, tuple(rows))


def goals(verdicts: Sequence[Verdict]) -> Grid:
    """Return what was wanted and what was found."""
    rows = tuple(
        (
            verdict.title,
            verdict.against,
            verdict.wanted,
            "not measured" if verdict.found is None else f"{verdict.found:.2f}",
            "" if verdict.found is None else "met" if verdict.met else "missed",
            "" if verdict.cpu is None else f"{verdict.cpu:.2f}",
            verdict.by,
        )
        for verdict in verdicts
    )
    return Grid(("network", "against", "wanted", "found", "", "by CPU time", "by"), 2, rows)


def layers(run: Run) -> Grid:
    """Return our layers: times, share of the processor's peak, bytes, layout and tile."""
    return Grid(
        ("layer", "kind", "layout", "tile", "µs", "predicted", "of peak", "M mult.", "KB"),
        4,
        tuple(map(_layer, run.layers)),
    )


def _layer(layer: LayerRow) -> tuple[str, ...]:
    return (
        layer.place,
        layer.kind or layer.kernel,
        layer.layout,
        layer.tile,
        f"{layer.microseconds:.1f}",
        f"{layer.predicted:.1f}" if layer.predicted else "",
        "" if layer.peak_fraction is None else f"{layer.peak_fraction:.2f}",
        f"{layer.multiplications / 1e6:.2f}" if layer.multiplications else "",
        f"{layer.bytes / 1024:.0f}" if layer.bytes else "",
    )


def two_threads(one: Run, two: Run) -> Grid:
    """Return each layer's time with one thread and with two, and how even their shares are."""
    rows = []
    for single, double in zip(one.layers, two.layers, strict=True):
        imbalance = two.imbalance.get(single.place)
        rows.append(
            (
                single.place,
                single.kernel,
                f"{single.microseconds:.1f}",
                f"{double.microseconds:.1f}",
                f"{single.microseconds / max(double.microseconds, 1e-3):.2f}",
                "" if imbalance is None else f"{imbalance:.3f}",
            )
        )
    headings = ("layer", "kernel", "µs, 1 thread", "µs, 2 threads", "ratio", "imbalance")
    return Grid(headings, 2, tuple(rows))


def closing_line(result: CaseResult, run: Run) -> str:
    """Return the peak, and the whole network beside the sum of its layers."""
    if not run.layers:
        return f"{result.title}: no times of our own"
    peak = f"Peak {run.peak / 1e9:.1f} G multiply-accumulates a second, measured in the same run"
    if not run.whole_ms:
        return f"{peak}."
    return (
        f"{peak}; {run.whole_ms:.3f} ms for a whole network beside one whose layers are timed,"
        f" {run.whole_share:.3f} of the sum of its layers"
        f" (at most {SUM_OF_LAYERS:g})."
    )
