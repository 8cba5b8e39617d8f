"""Every network of the zoo, pruned and dense, runs natively and meets the numeric rule."""

from __future__ import annotations

import pytest
import torch
from numerics import compare
from test_numerics import network
from torch_models import exported

from pattern_mlir import compile, zoo

SIZES = {"vgg16-cifar": [(32, 32), (32, 32)], "unet": [(64, 64), (48, 80)]}
"""Planes of networks that do not take any; the others run at 64x64 and at an odd size."""


@pytest.mark.parametrize("pruned", [True, False], ids=["pruned", "dense"])
@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize("name", zoo.NAMES)
def test_a_network_meets_the_numeric_rule(name: str, images: int, pruned: bool) -> None:
    small, odd = SIZES.get(name, [(64, 64), (75, 53)])
    shape = (images, 3, *(small if images == 1 else odd))
    model = network(name, pruned=pruned, classes=10)
    compiled = compile(exported(model, torch.zeros(shape)), threads=1 if images == 1 else 2)
    comparison = compare(model, compiled, shape, count=8 if images == 1 else 2)
    assert comparison.ours <= comparison.allowed, comparison


@pytest.mark.slow
@pytest.mark.parametrize("pruned", [True, False], ids=["pruned", "dense"])
@pytest.mark.parametrize("name", [name for name in zoo.NAMES if name != "vgg16-cifar"])
def test_a_network_at_full_size_meets_the_numeric_rule(name: str, pruned: bool) -> None:
    shape = zoo.input_shape(name, size=224)
    model = network(name, pruned=pruned)
    compiled = compile(exported(model, torch.zeros(shape)), threads=2)
    comparison = compare(model, compiled, shape)
    print(f"{name} {'pruned' if pruned else 'dense'}: {comparison}")
    assert comparison.ours <= comparison.allowed, comparison
