"""Results as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.contenders import CONTENDERS, OURS
from harness.goals import ratio
from harness.results import CaseResult

LONGEST = 12.0
"""A bar is cut at this ratio; its label says how much it is."""


def peers(results: Mapping[str, CaseResult], path: Path) -> None:
    """Draw everyone's times over ours, one panel for each case, one thread."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    others = [own for own in CONTENDERS if own.peer != OURS]
    names = [own.name for own in others]
    colours = ["tab:orange" if own.sparse else "tab:blue" for own in others]
    columns = min(3, len(results))
    rows = -(-len(results) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4.6 * columns, 3.6 * rows), squeeze=False, sharey=True
    )
    for axis in axes.flat[len(results) :]:
        axis.set_visible(False)
    for axis, result in zip(axes.flat, results.values(), strict=False):
        run = result.run(1)
        found = {name: (ratio(run, name) or 0.0) if run else 0.0 for name in names}
        longest = min(max(found.values(), default=1.0), LONGEST)
        bars = axis.barh(names, [min(value, longest) for value in found.values()], color=colours)
        labels = [f"{value:.1f}" if value else "" for value in found.values()]
        axis.bar_label(bars, labels, fontsize=7, padding=2)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_xlim(0, 1.15 * max(longest, 1.0))
        axis.set_title(result.title, fontsize=9)
        axis.tick_params(labelsize=7)
    axes.flat[0].invert_yaxis()  # Shared by all: the first contender is at the top of each.
    figure.suptitle("Time over that of pattern_mlir, one thread (orange: uses zeros)", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
