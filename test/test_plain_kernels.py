"""What used to run as plain loops on a processor: right, and in vector kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch_models import Function, check, exported, values, with_statistics

import pattern_mlir


@dataclass(frozen=True)
class Case:
    """A network, the shape of its input, and a kernel that it has."""

    model: nn.Module
    shape: tuple[int, ...]
    kernel: str


def between(layer: nn.Module, filters: int = 6) -> nn.Module:
    """Return ``layer`` between two convolutions."""
    return nn.Sequential(nn.Conv2d(3, 6, 3), layer, nn.Conv2d(filters, 4, 1))


CASES = {
    "adaptive pool, uneven": Case(
        between(nn.AdaptiveAvgPool2d((3, 4))), (2, 3, 13, 16), "window_mean"
    ),
    "adaptive pool, larger": Case(between(nn.AdaptiveAvgPool2d(7)), (1, 3, 6, 7), "window_mean"),
    "adaptive pool, even": Case(
        between(nn.AdaptiveAvgPool2d((3, 7))), (1, 3, 26, 23), "average_pool"
    ),
    "adaptive pool of the input": Case(nn.AdaptiveAvgPool2d(5), (2, 3, 24, 37), "window_mean"),
    "average of what is there": Case(
        between(nn.AvgPool2d(3, 2, 1, count_include_pad=False)), (2, 3, 27, 24), "window_mean"
    ),
    "average, rounded up": Case(
        between(nn.AvgPool2d((2, 3), ceil_mode=True)), (1, 3, 19, 24), "window_mean"
    ),
    "average of few pixels": Case(nn.AvgPool2d(2, 1, 1), (1, 1, 1, 3), "window_mean"),
    "pixel shuffle of 2 x 3": Case(
        between(nn.ConvTranspose2d(6, 5, (2, 3), (2, 3)), 5), (1, 3, 20, 15), "pixel_shuffle"
    ),
    "nearest by 2 x 3": Case(between(nn.Upsample(scale_factor=(2.0, 3.0))), (1, 3, 20, 15), "conv"),
    "nearest by 1.5": Case(between(nn.Upsample(scale_factor=1.5)), (2, 3, 20, 15), "resize"),
    "nearest, smaller": Case(between(nn.Upsample(size=(5, 9))), (1, 3, 20, 15), "resize"),
    "lines": Case(
        nn.Sequential(
            nn.Conv1d(4, 9, 5, padding=2, bias=False),
            nn.BatchNorm1d(9),
            nn.ReLU(),
            nn.Conv1d(9, 6, 5, padding="same", groups=3),
            nn.BatchNorm1d(6),
            nn.Conv1d(6, 6, 3, 2, 1, 2),
        ),
        (2, 4, 83),
        "conv",
    ),
    "lines and pools": Case(
        nn.Sequential(
            nn.Conv1d(4, 9, 3, padding="valid"),
            nn.MaxPool1d(3, 2, 1),
            nn.GELU(),
            nn.AvgPool1d(2, ceil_mode=True),
            nn.AdaptiveAvgPool1d(5),
            nn.Flatten(),
            nn.Linear(45, 3),
        ),
        (2, 4, 83),
        "window_mean",
    ),
    "GELU alone": Case(nn.GELU(), (3, 4, 17, 19), "activate"),
    "sigmoid of a few": Case(nn.Sigmoid(), (5,), "activate"),
    "tanh of many": Case(nn.Tanh(), (7, 3000), "activate"),
    "an activation first": Case(
        nn.Sequential(nn.ReLU(), nn.Conv2d(3, 6, 3)), (1, 3, 9, 40), "conv"
    ),
    "a linear layer's GELU": Case(
        nn.Sequential(nn.Linear(9, 33), nn.GELU(), nn.Linear(33, 2)), (5, 9), "activate"
    ),
}


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Give every test the same random inputs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("name", CASES)
def test_it_has_a_kernel_and_is_right(name: str) -> None:
    case = CASES[name]
    model, x = with_statistics(case.model), values(*case.shape)
    report = check(model, x)
    assert (report.fallbacks, report.plain) == ((), ())
    kernels = [layer.kernel for layer in pattern_mlir.compile(exported(model, x), threads=3).layers]
    assert case.kernel in kernels and "loops" not in kernels


@pytest.mark.parametrize(
    "name", ["adaptive pool, uneven", "nearest by 1.5", "GELU alone", "an activation first"]
)
def test_it_is_right_in_half_precision_and_on_threads(name: str) -> None:
    case = CASES[name]
    x = values(*case.shape)
    program = exported(case.model, x)
    with torch.no_grad():
        expected = case.model(x).numpy()
    compiled = pattern_mlir.compile(program, precision="f16-acc32", threads=3)
    error = np.abs(compiled(x).numpy() - expected).max() / np.abs(expected).max()
    assert error < 5e-3, error
    one, three = (pattern_mlir.compile(program, threads=n)(x) for n in (1, 3))
    assert torch.equal(one, three)


def test_a_product_with_a_kernel_is_no_fallback() -> None:
    wide, narrow = values(2, 9, 40), values(2, 40, 3)
    model = Function(lambda x, y: (x @ x.transpose(1, 2) @ x, x.sin()))
    compiled = pattern_mlir.compile(exported(model, wide, narrow))
    assert "matmul" in [layer.kernel for layer in compiled.layers]
    assert [name.partition(" at ")[0] for name in compiled.report().fallbacks] == [
        "aten.matmul",
        "aten.matmul",
        "aten.sin",
    ]


def test_attention_has_no_fallbacks() -> None:
    model = Function(F.scaled_dot_product_attention)
    inputs = [values(1, 2, 32, 32, seed=seed) for seed in range(3)]
    compiled = pattern_mlir.compile(exported(model, *inputs))
    assert compiled.report().fallbacks == ()
