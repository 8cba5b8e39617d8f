"""examples/train_and_compile.py, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import torch

from pattern_mlir.compiled_model import load
from pattern_mlir.pruning.record import disagreements, read_record

SCRIPT = Path(__file__).parents[1] / "examples" / "train_and_compile.py"


def test_the_whole_road_gives_pytorchs_predictions_on_every_test_image(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "--output", str(tmp_path), "--epochs", "6"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "predict the same for 360 of 360 images" in result.stdout
    pruned = re.search(r"pruned: ([\d.]+)% are right", result.stdout)
    assert pruned is not None and float(pruned[1]) > 95, result.stdout
    exported = torch.export.load(tmp_path / "model.pt2")
    assert list(read_record(exported)) == ["3", "6"] and disagreements(exported) == []
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    package = load(tmp_path / "model.pattern")
    for image in images.split(1):
        with torch.no_grad():
            expected = exported.module()(image)
        torch.testing.assert_close(package(image), expected, rtol=1e-3, atol=1e-4)
