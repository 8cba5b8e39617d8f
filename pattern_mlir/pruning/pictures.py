"""Pictures of libraries: what each pattern looks like, and how many kernels have it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pattern_mlir.errors import PruningError
from pattern_mlir.parameters import atomic_file
from pattern_mlir.patterns import Library
from pattern_mlir.pruning.inspection import Summary

FORMATS = (".png", ".svg")

_COLUMNS = 8


@dataclass(frozen=True)
class CountedLibrary:
    """A library and how many kernels have each of its patterns.

    Raises:
        PruningError: there is not one count for each pattern.
    """

    title: str
    library: Library
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the counts."""
        if len(self.counts) != len(self.library.patterns):
            raise PruningError(
                f"{len(self.counts)} counts for a library of {len(self.library.patterns)} patterns;"
                " give one for each"
            )

    @property
    def rows(self) -> int:
        """How many rows of patterns its picture has."""
        return math.ceil(len(self.counts) / _COLUMNS)


def counted_libraries(summary: Summary) -> tuple[CountedLibrary, ...]:
    """Return each library of a model once, its counts summed over the layers that share it."""
    sharing: dict[Library, list[str]] = {}
    for name, library in summary.libraries.items():
        sharing.setdefault(library, []).append(name)
    histograms = {layer.name: layer.histogram for layer in summary.layers}
    return tuple(
        CountedLibrary(
            names[0] if len(names) == 1 else f"{len(names)} layers, {names[0]} to {names[-1]}",
            library,
            tuple(np.sum([histograms[name] for name in names], axis=0).tolist()),
        )
        for library, names in sharing.items()
    )


def draw_summary(path: str | os.PathLike[str], summary: Summary) -> None:
    """Draw the libraries of a pruned model; as `draw_libraries`."""
    draw_libraries(path, counted_libraries(summary))


def draw_libraries(path: str | os.PathLike[str], libraries: Sequence[CountedLibrary]) -> None:
    """Draw the patterns of ``libraries`` with their shares to ``path``.

    Kept taps are dark, cut ones light; below a pattern stands its share of the kernels that are
    left. The same input gives the same file, byte for byte.

    Args:
        path: ends in .png or .svg.
        libraries: at least one; each is drawn in its order, below its title.

    Raises:
        PruningError: the file's suffix is another, there is no library, or matplotlib is not
            installed.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise PruningError(f"'{path}' is no picture; end its name in {' or '.join(FORMATS)}")
    if not libraries:
        raise PruningError("there is no library to draw: no layer has patterns")
    try:
        import matplotlib
    except ImportError:
        raise PruningError("pictures of patterns need matplotlib: pip install matplotlib") from None
    with matplotlib.rc_context({"svg.hashsalt": "pattern_mlir"}), atomic_file(path) as temporary:
        metadata = {"Date": None} if kind == ".svg" else {"Software": None}
        _figure(libraries).savefig(temporary, format=kind[1:], dpi=150, metadata=metadata)


def _figure(libraries: Sequence[CountedLibrary]) -> Any:
    from matplotlib.figure import Figure

    heights = [1.35 * library.rows + 0.35 for library in libraries]
    figure = Figure(figsize=(1.1 * _COLUMNS, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(libraries), squeeze=False, height_ratios=heights)[:, 0]
    for part, library in zip(parts, libraries, strict=True):
        part.suptitle(library.title, fontsize="medium")
        axes = part.subplots(library.rows, _COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        _draw_patterns(axes, library)
    return figure


def _draw_patterns(axes: Sequence[Any], drawn: CountedLibrary) -> None:
    height, width = drawn.library.kernel_size
    total = max(sum(drawn.counts), 1)
    for axis, mask, count in zip(axes, drawn.library.masks, drawn.counts, strict=False):
        kept = np.flipud(mask.reshape(height, width))  # a mesh begins at the bottom
        axis.pcolormesh(kept, cmap="Blues", vmin=-0.1, vmax=1.25, edgecolors="0.5", linewidth=0.8)
        axis.set_aspect("equal")
        axis.set_title(f"{count / total:.1%}", y=-0.28, fontsize="small")
