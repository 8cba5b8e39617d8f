"""Every network of the zoo, f32 and f16, runs on a CPU driver for Vulkan by the numeric rules."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from numerics import compare
from test_numerics import network
from torch_models import exported
from vulkan_networks import needs_driver, use_cpu_driver

from pattern_mlir import compile, zoo
from pattern_mlir.gpu import DEFAULT_GPU

pytestmark = needs_driver

LARGEST_ARENA = 1.2
"""Bytes of the arena over the most that is in use at a time."""


@pytest.fixture(autouse=True)
def cpu_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_cpu_driver()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def check(name: str, size: int, precision: str, pruned: bool = True) -> None:
    model = network(name, pruned=pruned, classes=10)
    shape = zoo.input_shape(name, size=size)
    program = exported(model, torch.zeros(shape))
    compiled = compile(program, target="vulkan1.1", cpu=DEFAULT_GPU, precision=precision)
    report = compiled.report()
    assert report.arena_bytes <= LARGEST_ARENA * compiled.plan.live_bytes
    assert not report.fallbacks and not report.on_host
    comparison = compare(model, compiled, shape, half=precision != "f32")
    assert comparison.ours <= comparison.allowed, comparison


@pytest.mark.parametrize("precision", ["f32", "f16-acc32"])
@pytest.mark.parametrize("name", zoo.NAMES)
def test_a_pruned_network_meets_the_numeric_rule(name: str, precision: str) -> None:
    check(name, 32 if name == "vgg16-cifar" else 64, precision)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v2", "unet"])
def test_a_dense_network_meets_the_numeric_rule(name: str) -> None:
    check(name, 64, "f32", pruned=False)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["f32", "f16-acc32", "f16-packed"])
def test_a_network_at_full_size_meets_the_numeric_rule(precision: str) -> None:
    check("resnet18", 224, precision)
