"""The tools take a model to a Vulkan device, and compare every layer there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_numerics import network
from torch import nn
from torch_models import exported
from vulkan_networks import needs_driver, needs_validation, use_cpu_driver

from pattern_mlir import compile, load, zoo
from pattern_mlir.tools import pattern_opt, pattern_run

pytestmark = needs_driver


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test see the CPU driver alone, and keep its caches in a folder of its own."""
    use_cpu_driver()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize("precision", ["f32", "f16-acc32"])
def test_the_tools_take_a_model_to_a_gpu_and_compare_its_layers(
    precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = zoo.input_shape("dilated-segmentation", size=64)
    model, package = tmp_path / "model.pt2", tmp_path / "model.pattern"
    torch.export.save(
        exported(network("dilated-segmentation", pruned=True), torch.zeros(shape)), model
    )
    words = ["--target=vulkan1.1", f"--precision={precision}", "--emit=package"]
    assert pattern_opt.main([str(model), *words, "-o", str(package)]) == 0
    words = ["--device=vulkan:0", "--profile", "--repeat=1", "--compare", str(model)]
    assert pattern_run.main([str(package), *words]) == 0
    said = capsys.readouterr().out
    layers = len(load(package).layers)
    assert f"ms in {layers} layers" in said and "is a CPU driver" in said
    compared = sum(1 for layer in load(package).layers if layer.result is not None)
    assert f"all {compared} layers agree within" in said and compared > 5


@needs_validation
@pytest.mark.parametrize("precision", ["f32", "f16-acc32", "f16-packed"])
def test_the_validation_layer_has_nothing_to_say_of_networks(
    precision: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 1),
        nn.Upsample(scale_factor=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 5),
    ]
    path = tmp_path / "model.pattern"
    model = exported(nn.Sequential(*layers).eval(), torch.zeros(1, 3, 16, 16))
    compile(model, "vulkan1.1", precision=precision).save(path)
    run = subprocess.run(
        [sys.executable, "-m", "pattern_mlir.tools.pattern_run", str(path), "--profile"],
        env={**os.environ, "VK_INSTANCE_LAYERS": "VK_LAYER_KHRONOS_validation"},
        capture_output=True,
        text=True,
    )
    said = run.stdout + run.stderr
    assert run.returncode == 0 and "output0 [1, 5]" in said, said
    assert "Validation" not in said, said
