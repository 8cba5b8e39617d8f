"""Operations of PyTorch on a CPU driver for Vulkan, against PyTorch in f64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numerics import stored_in_half
from torch import nn
from torch.nn import functional
from torch_models import Function, exported, values
from vulkan_networks import needs_driver, use_cpu_driver

from pattern_mlir import compile

pytestmark = needs_driver


@pytest.fixture(autouse=True, scope="module")
def cpu_driver() -> None:
    use_cpu_driver()


PATTERNS = ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (1, 3, 4, 5), (4,), (0, 2, 4, 6, 8))


def seeded(model: nn.Module) -> nn.Module:
    """Return ``model`` with seeded weights."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data.normal_(std=0.3, generator=generator)
    return model.eval()


def conv(channels: int, filters: int, size: Any = 3, **options: Any) -> nn.Module:
    return seeded(nn.Conv2d(channels, filters, size, **options))


def sparse(channels: int, filters: int, **options: Any) -> nn.Module:
    """Return a convolution whose kernels keep the taps of `PATTERNS`, or nothing."""
    model = conv(channels, filters, 3, padding=1, **options)
    masks = np.zeros((len(PATTERNS) + 4, 9), np.float32)
    for mask, taps in zip(masks, PATTERNS, strict=False):
        mask[list(taps)] = 1
    chosen = masks[np.random.default_rng(0).integers(len(masks), size=(filters, channels))]
    model.weight.data *= torch.from_numpy(chosen.reshape(filters, channels, 3, 3))
    return model


IMAGE = (2, 6, 13, 17)
"""Two images whose planes no block divides."""

MODELS: dict[str, tuple[nn.Module, list[tuple[int, ...]]]] = {
    "conv": (conv(6, 8, padding=1), [IMAGE]),
    "conv without padding": (conv(6, 5), [IMAGE]),
    "conv 1x1": (conv(6, 7, 1), [IMAGE]),
    "conv of stride 2": (conv(6, 8, stride=2, padding=1), [IMAGE]),
    "conv of strides 2 and 3": (conv(6, 4, stride=(2, 3), padding=1), [IMAGE]),
    "conv 1x1 of stride 2": (conv(6, 8, 1, stride=2), [IMAGE]),
    "conv 7x7 of stride 2": (conv(3, 8, 7, stride=2, padding=3), [(1, 3, 32, 32)]),
    "conv 5x3": (conv(6, 4, (5, 3), padding=(2, 1)), [IMAGE]),
    "conv of dilation 3": (conv(6, 4, dilation=3, padding=3), [IMAGE]),
    "conv that reaches over its plane": (conv(6, 4, dilation=12, padding=12), [IMAGE]),
    "conv in groups": (conv(6, 9, groups=3, padding=1), [IMAGE]),
    "depthwise": (conv(6, 6, groups=6, padding=1), [IMAGE]),
    "depthwise of stride 2": (conv(6, 6, groups=6, stride=2, padding=1), [IMAGE]),
    "conv of many products": (conv(96, 3, padding=1), [(1, 96, 8, 8)]),
    "conv of one pixel": (conv(6, 4, 1), [(1, 6, 1, 1)]),
    "patterns": (sparse(16, 32), [(1, 16, 28, 28)]),
    "patterns of stride 2": (sparse(16, 32, stride=2), [(1, 16, 28, 28)]),
    "patterns of two images": (sparse(6, 5), [IMAGE]),
    "patterns of many products": (sparse(300, 8), [(1, 300, 7, 7)]),
    "conv, sum and activation": (
        Function(lambda f, x, y: functional.silu(f(x) + y), conv(6, 6, padding=1)),
        [IMAGE, IMAGE],
    ),
    "conv before pool": (
        nn.Sequential(conv(6, 8, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        [(1, 6, 48, 48)],
    ),
    "linear": (seeded(nn.Linear(18, 70)), [(3, 18)]),
    "linear of three dimensions": (seeded(nn.Linear(16, 5, bias=False)), [(2, 3, 16)]),
    "linear and activation": (seeded(nn.Sequential(nn.Linear(600, 4), nn.Tanh())), [(1, 600)]),
    "max pool": (nn.MaxPool2d(3, 2, 1), [IMAGE]),
    "max pool with ceil mode": (nn.MaxPool2d(2, 2, ceil_mode=True), [IMAGE]),
    "max pool with dilation": (nn.MaxPool2d(2, 1, dilation=2), [IMAGE]),
    "average pool": (nn.AvgPool2d(3, 2, 1), [IMAGE]),
    "average pool without padding": (
        nn.AvgPool2d(3, 2, 1, count_include_pad=False, ceil_mode=True),
        [IMAGE],
    ),
    "average pool with a divisor": (nn.AvgPool2d(2, divisor_override=3), [IMAGE]),
    "global mean": (nn.AdaptiveAvgPool2d(1), [IMAGE]),
    "adaptive mean": (nn.AdaptiveAvgPool2d((3, 5)), [IMAGE]),
    "adaptive mean to more": (
        nn.Sequential(conv(6, 6, 1), nn.AdaptiveAvgPool2d(20), conv(6, 2, 1)),
        [IMAGE],
    ),
    "nearest": (nn.Upsample(scale_factor=2), [IMAGE]),
    "nearest to any size": (nn.Upsample(size=(20, 31)), [IMAGE]),
    "bilinear": (nn.Upsample(size=(20, 31), mode="bilinear"), [IMAGE]),
    "bilinear with corners": (
        nn.Sequential(nn.Upsample(scale_factor=3, mode="bilinear", align_corners=True), conv(6, 2)),
        [IMAGE],
    ),
    "concat": (
        Function(lambda f, x, y: f(torch.cat([x, y, x], 1)), conv(14, 3, padding=1)),
        [IMAGE, (2, 2, 13, 17)],
    ),
    "squeeze and excite": (
        Function(
            lambda f, g, x: f(x) * torch.sigmoid(g(f(x).mean((2, 3), keepdim=True))),
            conv(6, 6, padding=1),
            conv(6, 6, 1),
        ),
        [IMAGE],
    ),
    "sum of a plane for all channels": (
        Function(lambda x, y: x + y),
        [IMAGE, (2, 1, 13, 17)],
    ),
    "sum that is returned twice": (
        Function(lambda x, y: (x + y, torch.relu(x + y), x)),
        [IMAGE, IMAGE],
    ),
    "flattened": (
        Function(lambda f, g, x: g(f(x).flatten(1)), conv(6, 2, 3), seeded(nn.Linear(330, 4))),
        [IMAGE],
    ),
}
ACTIVATIONS = (
    nn.ReLU(), nn.ReLU6(), nn.Hardtanh(-0.5, 0.25), nn.LeakyReLU(0.1), nn.Sigmoid(),
    nn.Hardsigmoid(), nn.SiLU(), nn.Hardswish(), nn.Tanh(), nn.GELU(approximate="tanh"),
)  # fmt: skip


def outputs(model: Callable[..., Any], inputs: list[torch.Tensor]) -> list[np.ndarray[Any, Any]]:
    """Return what ``model`` makes of ``inputs``, in f64."""
    with torch.no_grad():
        result = model(*inputs)
    return [r.double().numpy() for r in (result if isinstance(result, tuple) else (result,))]


def check(model: nn.Module, shapes: list[tuple[int, ...]], precision: str = "f32") -> None:
    inputs = [values(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    compiled = compile(exported(model, *inputs), target="vulkan1.1", precision=precision)
    ours = outputs(compiled, inputs)
    if precision == "f32":
        theirs = outputs(model.double(), [x.double() for x in inputs])
        model.float()
    else:
        theirs = outputs(stored_in_half(model), inputs)
    limits = {"rtol": 1e-5, "atol": 1e-5} if precision == "f32" else {"rtol": 2e-2, "atol": 1e-2}
    for own, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own, expected, **limits)


@pytest.mark.parametrize("name", MODELS)
def test_an_operation_computes_what_pytorch_does(name: str) -> None:
    check(*MODELS[name])


@pytest.mark.parametrize("precision", ["f16-acc32", "f16-packed"])
@pytest.mark.parametrize(
    "name", ["conv", "conv of stride 2", "patterns", "depthwise", "linear", "bilinear with corners"]
)
def test_f16_storage_rounds_as_pytorch_does(name: str, precision: str) -> None:
    check(*MODELS[name], precision)


@pytest.mark.parametrize("function", ACTIVATIONS, ids=lambda f: type(f).__name__)
def test_an_activation_computes_what_pytorch_does(function: nn.Module) -> None:
    check(nn.Sequential(conv(2, 2, 1), function, function), [(1, 2, 9, 9)])
