"""Every network of the zoo runs on a Vulkan device, and meets the numeric rules."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from numerics import compare
from test_numerics import network
from torch_models import exported
from vulkan_networks import needs_driver, use_cpu_driver

from pattern_mlir import compile, load, zoo
from pattern_mlir.tools import pattern_opt, pattern_run

pytestmark = needs_driver

SIZE = 64
PRECISIONS = ("f32", "f16-acc32")
SHARE = 1.2
"""The arena is at most this times the largest live set."""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test see the CPU driver alone, and keep its caches in a folder of its own."""
    use_cpu_driver()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def check(name: str, precision: str, size: int, count: int, classes: int) -> None:
    """Raise AssertionError unless a pruned network meets the rule of ``precision``."""
    shape = zoo.input_shape(name, size=size)
    model = network(name, pruned=True, classes=classes)
    start = time.process_time()
    compiled = compile(exported(model, torch.zeros(shape)), "vulkan1.1", precision=precision)
    middle = time.process_time()
    comparison = compare(model, compiled, shape, count=count, half=precision != "f32")
    print(
        f"{name} {precision} {list(shape)}: {comparison}; CPU s of compiling and of runs"
        f" {middle - start:.1f}, {time.process_time() - middle:.1f}"
    )
    assert comparison.ours <= comparison.allowed, comparison
    plan = compiled.plan
    assert plan.arena_bytes <= SHARE * plan.live_bytes


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", zoo.NAMES)
def test_a_network_meets_its_rule(name: str, precision: str) -> None:
    check(name, precision, SIZE, count=2, classes=10)


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_resnet18_at_full_size_meets_its_rule(precision: str) -> None:
    check("resnet18", precision, 224, count=2, classes=1000)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_tools_take_a_model_to_a_gpu_and_compare_its_layers(
    precision: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = zoo.input_shape("vgg16-cifar", size=32)
    model, package = tmp_path / "model.pt2", tmp_path / "model.pattern"
    torch.export.save(
        exported(network("vgg16-cifar", pruned=True, classes=10), torch.zeros(shape)), model
    )
    words = ["--target=vulkan1.1", f"--precision={precision}", "--emit=package"]
    assert pattern_opt.main([str(model), *words, "-o", str(package)]) == 0
    words = ["--device=vulkan:0", "--profile", "--repeat=1", "--compare", str(model)]
    assert pattern_run.main([str(package), *words]) == 0
    said = capsys.readouterr().out
    layers = len(load(package).layers)
    assert f"ms in {layers} layers" in said and "is a CPU driver" in said
    compared = sum(1 for layer in load(package).layers if layer.result is not None)
    assert f"all {compared} layers agree within" in said and compared >= 20
