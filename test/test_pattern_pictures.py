"""Pictures of libraries: the right taps are dark, shares are written, files are whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pattern_mlir.errors import PatternError
from pattern_mlir.patterns import Library
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.pruning.pictures import (
    CountedLibrary,
    counted_libraries,
    draw_libraries,
    draw_summary,
)
from pattern_mlir.tools.pattern_prune import main

LIBRARY = Library((3, 3), ((0, 1, 3, 4), (4, 5, 7, 8), (1, 3, 4, 5)))


def test_dark_cells_are_the_taps_of_the_patterns(tmp_path: Path) -> None:
    """Each pattern's cells as the picture has them: the dark ones, row by row from the top."""
    draw_libraries(tmp_path / "a.png", [CountedLibrary("", LIBRARY, (6, 3, 1))])
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")).astype(int)
    is_frame = (pixels.max(axis=2) - pixels.min(axis=2) < 3) & (pixels.max(axis=2) < 150)
    frame_rows = np.flatnonzero(is_frame.mean(axis=1) > 0.25)
    frame_columns = np.flatnonzero(is_frame[frame_rows[0] : frame_rows[-1]].mean(axis=0) > 0.8)
    side = (frame_rows[-1] - frame_rows[0]) / 3
    begins = frame_columns[np.flatnonzero(np.diff(frame_columns, prepend=-9) > 2)][::4]
    assert len(begins) == 3
    for begin, taps in zip(begins, LIBRARY.patterns, strict=True):
        middle = [frame_rows[0] + side * (index + 0.5) for index in range(3)]
        cells = [pixels[round(y), round(begin + x - frame_rows[0])] for y in middle for x in middle]
        assert tuple(i for i, cell in enumerate(cells) if cell[2] - cell[0] > 100) == taps


def test_shares_are_written_and_the_file_is_the_same_each_time(tmp_path: Path) -> None:
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):
        for name in ("a.svg", "b.svg"):
            draw_libraries(tmp_path / name, [CountedLibrary("three", LIBRARY, (6, 3, 1))])
    text = (tmp_path / "a.svg").read_text()
    assert all(word in text for word in ("three", "60.0%", "30.0%", "10.0%"))
    assert text == (tmp_path / "b.svg").read_text()


def test_layers_that_share_a_library_are_counted_together(tmp_path: Path) -> None:
    summary = prune_one_shot(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 16, 3), nn.Conv2d(16, 8, 3)), patterns=8
    )
    (counted,) = counted_libraries(summary)
    kept = sum(layer.kernels_kept for layer in summary.layers if layer.histogram)
    assert sum(counted.counts) == kept
    assert counted.library == summary.library and counted.title == "2 layers, 1 to 2"
    draw_summary(tmp_path / "a.PNG", summary)
    assert Image.open(tmp_path / "a.PNG").format == "PNG"


def test_layers_with_libraries_of_their_own_are_drawn_one_below_the_other(tmp_path: Path) -> None:
    one = CountedLibrary("one", LIBRARY, (1, 1, 1))
    sizes = []
    for count in (1, 2):
        draw_libraries(tmp_path / "a.png", count * [one])
        sizes.append(Image.open(tmp_path / "a.png").height)
    assert sizes[1] == 2 * sizes[0]


def test_mistakes_end_in_one_clear_line_and_leave_no_file(tmp_path: Path) -> None:
    one = CountedLibrary("one", LIBRARY, (1, 1, 1))
    with pytest.raises(PatternError, match=r"end its name in .png or .svg"):
        draw_libraries(tmp_path / "a.gif", [one])
    with pytest.raises(PatternError, match="no layer has patterns"):
        draw_libraries(tmp_path / "a.png", [])
    with pytest.raises(PatternError, match="2 counts for a library of 3 patterns"):
        CountedLibrary("one", LIBRARY, (1, 2))
    assert not list(tmp_path.iterdir())


def test_pattern_prune_draws_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3))
    exported = torch.export.export(model, (torch.zeros(1, 3, 8, 8),))
    torch.export.save(exported, tmp_path / "model.pt2")
    words = [str(tmp_path / "model.pt2"), "-o", str(tmp_path / "pruned.pt2"), "--picture"]
    assert main([*words, str(tmp_path / "a.txt")]) == 1
    assert "end its name in .png or .svg" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt2"]
    assert main([*words, str(tmp_path / "a.svg")]) == 0
    assert "<svg" in (tmp_path / "a.svg").read_text()
