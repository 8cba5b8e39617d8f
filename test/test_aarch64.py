"""Networks of the zoo as libraries for AArch64, run by qemu: the numeric rule, any threads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from libraries import AARCH64, LibraryModel, needs_aarch64
from numerics import compare, inputs
from test_numerics import network
from torch import nn
from torch_models import exported, values

import pattern_mlir
from pattern_mlir import zoo

PRECISIONS = ("f32", "f16-acc32")

SIZES = {"vgg16-cifar": 32}
"""Pixels a side of networks that do not take 64."""

pytestmark = needs_aarch64


def check(name: str, size: int, precision: str, folder: Path, count: int) -> None:
    """Run a network on ``count`` inputs by one thread, and on the first of them by three."""
    shape = (1, 3, size, size)
    model = network(name, pruned=True, classes=10)
    program = exported(model, torch.zeros(shape))
    compiled = pattern_mlir.compile(program, "aarch64-linux-gnu", 3, precision=precision)
    library = LibraryModel(compiled, AARCH64, folder / "lib")
    arrays = [x.numpy() for x in inputs(shape, count)]
    results, _ = library.run(*arrays, threads=1)
    (shared,), _ = library.run(arrays[0], threads=3)
    np.testing.assert_array_equal(shared, results[0])
    following = iter(results)
    comparison = compare(model, lambda _: next(following), shape, count, half=precision != "f32")
    print(f"{name} {size}x{size} {precision}: {comparison}")
    assert comparison.ours <= comparison.allowed, comparison


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", zoo.NAMES)
def test_a_network_meets_the_numeric_rule(name: str, precision: str, tmp_path: Path) -> None:
    check(name, SIZES.get(name, 64), precision, tmp_path, count=2)


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_resnet18_at_full_size_meets_the_numeric_rule(precision: str, tmp_path: Path) -> None:
    check("resnet18", 224, precision, tmp_path, count=8)


def test_code_for_a_processor_refuses_a_lesser_one(tmp_path: Path) -> None:
    program = exported(nn.Conv2d(3, 4, 3), values(1, 3, 8, 8))
    model = pattern_mlir.compile(program, "aarch64-linux-gnu", cpu="cortex-a76")
    library = LibraryModel(model, AARCH64, tmp_path / "lib")
    x = values(1, 3, 8, 8).numpy()
    assert len(library.run(x, processor="neoverse-n1")[0]) == 1
    found, done = library.run(x, processor="cortex-a53", check=False)
    assert found == [] and done.returncode == 1
    assert "the processor has no dotprod, which the code for cortex-a76 needs" in done.stderr
