"""Networks of the zoo against PyTorch in fp64: natively by the numeric rule, and level by level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numerics import compare
from torch import nn
from torch_models import assert_close, exported, levels

from pattern_mlir import compile, import_program, interpret, zoo
from pattern_mlir.pruning import prune_one_shot

SMALL = 32
"""Pixels a side that every network of the zoo takes."""


def network(name: str, *, pruned: bool, classes: int | None = None) -> nn.Module:
    """Return a network of the zoo; MobileNet's prunable weights are in its 1x1 convolutions."""
    model = zoo.create(name, classes=classes)
    if pruned and name == "mobilenet-v2":
        prune_one_shot(model, pointwise_block=1)
    elif pruned:
        prune_one_shot(model, pointwise="dense")
    return model


@pytest.mark.parametrize("pruned", [True, False], ids=["pruned", "dense"])
@pytest.mark.parametrize(
    ("name", "plane"),
    [("vgg16-cifar", (32, 32)), ("resnet18", (224, 224)), ("resnet18", (75, 101))],
    ids=["vgg16-cifar 32x32", "resnet18 224x224", "resnet18 75x101"],
)
def test_the_error_is_at_most_a_fifth_above_pytorchs_own(
    name: str,
    plane: tuple[int, int],
    pruned: bool,
    record_property: Callable[[str, object], None],
) -> None:
    model = network(name, pruned=pruned)
    shape = (1, 3, *plane)
    compiled = compile(exported(model, torch.zeros(shape)), threads=2)
    comparison = compare(model, compiled, shape)
    print(f"{name} {plane[0]}x{plane[1]} {'pruned' if pruned else 'dense'}: {comparison}")
    record_property("comparison", str(comparison))
    assert comparison.ours <= comparison.allowed, comparison


@pytest.mark.parametrize("name", zoo.NAMES)
def test_every_level_of_a_network_computes_the_same(name: str) -> None:
    model = network(name, pruned=True, classes=5)
    x = torch.randn(zoo.input_shape(name, size=SMALL), generator=torch.Generator().manual_seed(0))
    program = import_program(exported(model, x))
    with torch.no_grad():
        expected = model.double()(x.double()).numpy()
    count = 0
    for lowered in levels(program):
        assert lowered.module.operation.verify()
        results: list[Any] = interpret(lowered, [x.numpy()], dtype=np.float64)
        assert_close(results, [expected], rtol=1e-6)
        count += 1
    assert count == 5
