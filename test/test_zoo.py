"""The zoo's networks are deterministic, finite and in eval mode."""

from __future__ import annotations

import pytest
import torch

from pattern_mlir import zoo
from pattern_mlir.errors import PatternError


@pytest.mark.parametrize("name", zoo.NAMES)
def test_activations_neither_explode_nor_vanish(name: str) -> None:
    x = torch.randn(*zoo.input_shape(name, size=64), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = zoo.create(name, classes=5)(x)
    rms = float(y.square().mean().sqrt())
    assert 1e-3 < rms < 1e3
    assert y.shape[:2] == (1, 5)


def test_the_same_seed_gives_the_same_weights_and_leaves_the_callers_seed_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second, other = (zoo.create("vgg16-cifar", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    states = [model.state_dict() for model in (first, second, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["features.0.weight"], states[2]["features.0.weight"])


@pytest.mark.parametrize("name", zoo.NAMES)
def test_networks_come_in_eval_mode(name: str) -> None:
    assert not any(module.training for module in zoo.create(name, classes=2).modules())


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(PatternError, match="did you mean 'resnet18'"):
        zoo.create("resnet-18")
