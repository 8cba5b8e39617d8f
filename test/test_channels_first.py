"""What goes through channels last and back: right on planes, in vector kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from family_blocks import ConvNextBlock, LayerNorm2d
from numerics import compare
from torch import Tensor, nn
from torch_models import Function, at_level, check, exported, values

import pattern_mlir
from pattern_mlir.compiled_model import CompiledModel


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Give every test the same random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def with_weights(model: nn.Module) -> nn.Module:
    """Give the layer norms of ``model`` weights and biases that are not 1 and 0."""
    for module in model.modules():
        if isinstance(module, nn.LayerNorm) and module.elementwise_affine:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return model


def kernels(compiled: CompiledModel) -> list[str]:
    return [layer.kernel for layer in compiled.layers]


@pytest.mark.parametrize(
    ("images", "channels", "plane"),
    [(2, 3, (1, 1)), (1, 16, (2, 3)), (2, 35, (9, 13)), (1, 5, (24, 40))],
    ids=str,
)
def test_a_layer_norm_over_channels_between_convolutions(
    images: int, channels: int, plane: tuple[int, int]
) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        LayerNorm2d(channels),
        nn.Conv2d(channels, 4, 3, padding=1),
    )
    check(with_weights(model), values(images, 3, *plane))


@pytest.mark.parametrize("channels", [3, 5, 35, 300])
def test_a_layer_norm_of_equal_channels_is_zero(channels: int) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, channels, 1, bias=False),
        LayerNorm2d(channels),
        nn.Conv2d(channels, channels, 1, bias=False),
    )
    nn.init.ones_(model[0].weight)
    nn.init.dirac_(model[2].weight)
    x = torch.tensor([0.1, 1e3, *np.linspace(-3, 3, 40)], dtype=torch.float32).reshape(1, 1, 6, 7)
    compiled = pattern_mlir.compile(exported(model, x))
    assert "normalize" in kernels(compiled)
    assert abs(compiled(x)).max() <= 1e-6


def test_a_block_of_convnext_has_no_plain_loops() -> None:
    model = with_weights(nn.Sequential(nn.Conv2d(3, 24, 2, 2), ConvNextBlock(24)))
    shape = (1, 3, 40, 36)
    compiled = pattern_mlir.compile(exported(model, values(*shape)), threads=2)
    comparison = compare(model, compiled, shape)
    assert comparison.ours <= comparison.allowed, comparison
    assert "loops" not in kernels(compiled)
    assert kernels(compiled).count("normalize") == 1


@pytest.mark.parametrize("precision", ["f16-linear-weights", "f16-acc32"])
def test_a_block_of_convnext_in_half_precision(precision: str) -> None:
    model = with_weights(nn.Sequential(nn.Conv2d(3, 24, 2, 2), ConvNextBlock(24)))
    x = values(1, 3, 40, 36)
    compiled = pattern_mlir.compile(exported(model, x), precision=precision)
    with torch.no_grad():
        expected = model(x).numpy()
    error = np.abs(compiled(x).numpy() - expected).max() / np.abs(expected).max()
    assert error < 5e-3, error


class TwoPaths(nn.Module):
    """Two paths with channels last that meet, with numbers a channel, and one that leaves."""

    def __init__(self, leaves: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(5, 7), nn.Linear(5, 7, bias=False)
        self.scale, self.shift = nn.Parameter(torch.rand(7)), nn.Parameter(torch.rand(1, 1, 1, 7))
        self.last, self.leaves = nn.Conv2d(7, 3, 3), leaves

    def forward(self, x: Tensor, y: Tensor) -> Any:
        a = self.first(x.permute(0, 2, 3, 1)).sigmoid() * self.scale
        b = self.second(y.permute(0, 2, 3, 1)).tanh() + self.shift
        total = a + b
        result = self.last(total.permute(0, 3, 1, 2))
        return (result, total) if self.leaves else result


@pytest.mark.parametrize("leaves", [False, True])
def test_two_paths_that_meet(leaves: bool) -> None:
    model = TwoPaths(leaves)
    inputs = values(2, 5, 9, 8), values(2, 5, 9, 8, seed=1)
    report = check(model, *inputs)
    names = [layer.kind for layer in report.layers]
    assert names == (
        ["linear", "linear", "conv 3x3"] if leaves else ["conv 1x1"] * 2 + ["conv 3x3"]
    )


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2),
        lambda x: x.permute(0, 2, 3, 1).softmax(-1).permute(0, 3, 1, 2),
        lambda x: x.permute(0, 2, 3, 1).relu().permute(0, 2, 3, 1),
        lambda x: x.permute(0, 3, 1, 2).relu().permute(0, 2, 3, 1),
        lambda x: (x.permute(0, 2, 3, 1) * x[0, 0, 0, 0]).permute(0, 3, 1, 2),
        lambda x: (x.permute(0, 2, 3, 1) + x.permute(0, 2, 3, 1).relu()).permute(0, 3, 1, 2) + x,
    ],
    ids=["nothing", "softmax", "further", "from last", "number", "shared"],
)
def test_other_permutations(function: Callable[[Tensor], Tensor]) -> None:
    check(Function(function), values(2, 4, 5, 6))


LONG = (nn.GELU(), nn.GELU("tanh"), nn.ELU(0.7), nn.Tanh())


@pytest.mark.parametrize("activation", LONG, ids=str)
@pytest.mark.parametrize("size", [1, 3])
def test_a_convolution_takes_in_a_long_activation(activation: nn.Module, size: int) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        activation,
        nn.Conv2d(8, 9, size, padding=size // 2),
        activation,
        nn.MaxPool2d(2),
        nn.Conv2d(9, 4, 3, padding=1),
    )
    x = 3 * values(1, 3, 42, 45)
    check(model, x)
    compiled = pattern_mlir.compile(exported(model, x))
    assert not {"copy", "loops"} & set(kernels(compiled))


@pytest.mark.parametrize("activation", LONG, ids=str)
def test_a_sum_takes_in_a_long_activation(activation: nn.Module) -> None:
    model = Function(
        lambda a, b, act, x: act(a(x) + b(x)),
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Conv2d(3, 8, 1),
        activation,
    )
    check(model, 3 * values(1, 3, 20, 21))


def test_a_linear_layer_leaves_a_long_activation_to_vectors() -> None:
    model = nn.Sequential(nn.Linear(9, 5), nn.GELU())
    program = pattern_mlir.import_program(exported(model, values(3, 9)))
    assert '"pattern.activate"' in at_level(program, "graph").text()
