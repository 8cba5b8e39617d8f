"""The HTML report: one file that says what there is to say, and opens in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import family_blocks
import pytest
import torch
from torch_models import exported

import pattern_mlir
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.html_report import html, live_bytes, rectangles
from pattern_mlir.profiling import profile
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.tools import pattern_opt, pattern_run

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    network = family_blocks.create("resnet", 16)
    prune_one_shot(network)
    return pattern_mlir.compile(exported(network, torch.zeros(1, 3, 48, 48)), threads=2)


def test_it_is_one_file_that_asks_for_nothing(model: CompiledModel) -> None:
    text = html(model)
    assert text.startswith("<!DOCTYPE html>") and text.rstrip().endswith("</html>")
    assert not re.search(r"(src|href)=|https?://|url\(|@import", text)


def test_it_has_every_layer_every_pattern_and_every_buffer(model: CompiledModel) -> None:
    report, text = model.report(), html(model)
    for layer in report.layers:
        assert f"<td>{layer.name}</td>" in text
    patterns = sum(len(layer.library) for layer in report.layers)
    assert patterns > 8 and text.count("kernels</title>") == patterns
    assert sum(sum(layer.usage) for layer in report.layers) == sum(
        layer.kernels_kept for layer in report.layers if layer.library
    )
    assert text.count(", layers ") == len(report.buffers) > 0
    assert text.count('<td class="bar">') == len(model.layers)
    assert "expected on one core" in text and "of peak" not in text


def test_the_loads_of_threads_add_up_to_whole_vectors_of_all_weights(model: CompiledModel) -> None:
    for layer in model.report().layers:
        if layer.library:
            taps = sum(
                len(taps) * count for taps, count in zip(layer.library, layer.usage, strict=True)
            )
            assert sum(layer.loads) >= taps and sum(layer.loads) % taps == 0
            assert len(layer.loads) == 2


def test_buffers_of_one_time_do_not_overlap(model: CompiledModel) -> None:
    buffers = model.report().buffers
    for number, life in enumerate(buffers):
        for other in buffers[:number]:
            apart_in_time = life.last < other.first or other.last < life.first
            apart = life.offset >= other.offset + other.bytes
            apart = apart or other.offset >= life.offset + life.bytes
            assert apart_in_time or apart, (life, other)
    assert max(live_bytes(buffers)) <= model.report().arena_bytes
    for shape in rectangles(buffers, model.report().arena_bytes):
        assert shape.x >= 0 and shape.y >= 0
        assert shape.x + shape.width <= 100.001 and shape.y + shape.height <= 100.001


def test_names_of_the_model_are_text_not_markup() -> None:
    layer = torch.nn.Module()
    layer.add_module("<b>&", torch.nn.Conv2d(1, 1, 3))
    layer.forward = lambda x: getattr(layer, "<b>&")(x)  # type: ignore[method-assign]
    model = pattern_mlir.compile(exported(layer, torch.zeros(1, 1, 5, 5)))
    assert "<b>&<" not in html(model)


def test_both_tools_write_it(model: CompiledModel, tmp_path: Path) -> None:
    package, measured = tmp_path / "m.pattern", tmp_path / "measured.html"
    model.save(package)
    assert pattern_run.main([str(package), f"--report={measured}", "--repeat=2"]) == 0
    assert "of peak" in measured.read_text()
    source = tmp_path / "m.pt2"
    torch.export.save(exported(torch.nn.Conv2d(1, 2, 3), torch.zeros(1, 1, 9, 9)), source)
    expected = tmp_path / "expected.html"
    words = [str(source), "--target=host", "--emit=report", "-o", str(expected)]
    assert pattern_opt.main(words) == 0
    assert "expected on one core" in expected.read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="needs the Debian package chromium")
def test_a_browser_shows_it(model: CompiledModel, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(model, profile(model, [torch.zeros(1, 3, 48, 48).numpy()], 2)))
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1240,2000",
    ]
    picture = tmp_path / "report.png"
    command = [str(CHROMIUM), *options, f"--user-data-dir={tmp_path / 'profile'}"]
    dump = subprocess.run(
        [*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120
    )
    assert dump.returncode == 0, dump.stderr
    for section in ("facts", "time", "layers", "memory"):
        assert f'id="{section}"' in dump.stdout
    assert dump.stdout.count("<rect") > 100
    shot = [*command, f"--screenshot={picture}", file.as_uri()]
    assert subprocess.run(shot, capture_output=True, timeout=120).returncode == 0
    assert picture.stat().st_size > 20_000
