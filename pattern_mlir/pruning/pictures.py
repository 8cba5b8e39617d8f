"""Pictures of a library: what each pattern looks like, and how many kernels have it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pattern_mlir.errors import PatternError
from pattern_mlir.parameters import atomic_file
from pattern_mlir.patterns import Library

FORMATS = (".png", ".svg")

_COLUMNS = 8


def draw_library(
    path: str | os.PathLike[str], library: Library, counts: Sequence[int], title: str = ""
) -> None:
    """Draw the patterns of ``library`` with their shares to ``path``.

    Kept taps are dark, cut ones light; below a pattern stands its share of the kernels that are
    left. The same input gives the same file, byte for byte.

    Args:
        path: ends in .png or .svg.
        library: the patterns, drawn in its order.
        counts: how many kernels have each pattern.
        title: above the picture.

    Raises:
        PatternError: the file's suffix is another, there is not one count for each pattern, or
            matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise PatternError(f"'{path}' is no picture; end its name in {' or '.join(FORMATS)}")
    if len(counts) != len(library.patterns):
        raise PatternError(
            f"{len(counts)} counts for a library of {len(library.patterns)} patterns;"
            " give one for each"
        )
    try:
        import matplotlib
    except ImportError:
        raise PatternError("pictures of patterns need matplotlib: pip install matplotlib") from None
    kind = path.suffix.lower()[1:]
    with matplotlib.rc_context({"svg.hashsalt": "pattern_mlir"}):
        figure = _figure(library, counts, title)
        metadata = {"svg": {"Date": None}, "png": {"Software": None}}[kind]
        with atomic_file(path) as temporary:
            figure.savefig(temporary, format=kind, dpi=150, metadata=metadata)


def _figure(library: Library, counts: Sequence[int], title: str) -> Any:
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(library.patterns))
    rows = math.ceil(len(library.patterns) / columns)
    figure = Figure(figsize=(1.1 * columns, 1.35 * rows + 0.4 * bool(title)), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    height, width = library.kernel_size
    total = max(sum(counts), 1)
    for axis in axes:
        axis.set_axis_off()
    for axis, mask, count in zip(axes, library.masks, counts, strict=False):
        axis.pcolormesh(
            np.flipud(mask.reshape(height, width)),
            cmap="Blues",
            vmin=-0.1,
            vmax=1.25,
            edgecolors="0.5",
            linewidth=0.8,
        )
        axis.set_aspect("equal")
        axis.set_title(f"{count / total:.1%}", y=-0.28, fontsize="small")
    return figure
