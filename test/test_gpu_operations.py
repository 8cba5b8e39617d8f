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
from pattern_mlir.gpu import DEFAULT_GPU
from pattern_mlir.passes.gpu_plane_kernels import PLAIN_INVOCATIONS
from pattern_mlir.program import Program
from pattern_mlir.runtime.vulkan.plan import MAXIMUM_GROUPS

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
    "conv of one dimension": (
        seeded(nn.Sequential(nn.Conv1d(6, 4, 3), nn.ReLU(), nn.Linear(15, 3))),
        [(2, 6, 17)],
    ),
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
    "concat of images": (
        Function(lambda f, x, y: f(torch.cat([f(x), y], 0)), conv(6, 6, 3, padding=1)),
        [IMAGE, (1, 6, 13, 17)],
    ),
    "concat of rows": (
        Function(lambda f, x, y: f(torch.cat([f(x), y], 2)), conv(6, 6, 3, padding=1)),
        [IMAGE, (2, 6, 5, 17)],
    ),
    "concat of columns": (
        Function(lambda x, y: torch.cat([x, y, x], 3)),
        [IMAGE, (2, 6, 13, 3)],
    ),
    "concat that is returned": (Function(lambda x, y: torch.cat([x, y], 1)), [IMAGE, IMAGE]),
    "concat of two dimensions": (
        Function(lambda f, x, y: f(torch.cat([x, y], 1)), seeded(nn.Linear(10, 4))),
        [(3, 4), (3, 6)],
    ),
    "softmax": (nn.Softmax(-1), [(2, 5, 130)]),
    "softmax of large numbers": (Function(lambda x: torch.softmax(200 * x, -1)), [(3, 7)]),
    "softmax of channels in blocks": (
        Function(lambda f, x: torch.softmax(f(x), -1), conv(6, 4, 3)),
        [IMAGE],
    ),
    "layer norm": (seeded(nn.LayerNorm(300)), [(2, 3, 300)]),
    "layer norm of channels": (
        Function(
            lambda f, norm, x: f(norm(f(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)),
            conv(6, 6, 3, padding=1),
            seeded(nn.LayerNorm(6)),
        ),
        [IMAGE],
    ),
    "layer norm between linear layers": (
        seeded(nn.Sequential(nn.Linear(8, 20), nn.LayerNorm(20), nn.GELU(), nn.Linear(20, 3))),
        [(2, 5, 8)],
    ),
    "channels of a slice": (
        Function(lambda f, x: f(x)[:, 2:5] * x[:, :3], conv(6, 6, 3, padding=1)),
        [IMAGE],
    ),
    "channel shuffle": (
        nn.Sequential(conv(6, 12, 1), nn.ChannelShuffle(3), conv(12, 4, 3)),
        [IMAGE],
    ),
    "channel shuffle of plain": (nn.ChannelShuffle(2), [IMAGE]),
    "pixel shuffle": (
        nn.Sequential(conv(6, 12, 3), nn.PixelShuffle(2), conv(3, 4, 3)),
        [IMAGE],
    ),
    "pixel shuffle of plain": (nn.PixelShuffle(3), [(2, 18, 5, 7)]),
    "transposed conv": (
        seeded(nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1)),
        [IMAGE],
    ),
    "transposed conv of stride 3": (
        nn.Sequential(seeded(nn.ConvTranspose2d(6, 5, 4, stride=3)), nn.ReLU(), conv(5, 2, 1)),
        [IMAGE],
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
    nn.Hardsigmoid(), nn.SiLU(), nn.Hardswish(), nn.Tanh(), nn.GELU(approximate="tanh"), nn.GELU(),
    nn.ELU(), nn.ELU(0.3),
)  # fmt: skip


def outputs(model: Callable[..., Any], inputs: list[torch.Tensor]) -> list[np.ndarray[Any, Any]]:
    """Return what ``model`` makes of ``inputs``, in f64."""
    with torch.no_grad():
        result = model(*inputs)
    return [r.double().numpy() for r in (result if isinstance(result, tuple) else (result,))]


def check(model: nn.Module, shapes: list[tuple[int, ...]], precision: str = "f32") -> None:
    inputs = [values(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    program = exported(model, *inputs)
    compiled = compile(program, target="vulkan1.1", cpu=DEFAULT_GPU, precision=precision)
    assert compiled.report().on_host == ()
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


def test_a_plain_tensor_takes_more_workgroups_than_a_dimension_has() -> None:
    check(nn.ReLU(), [(3, PLAIN_INVOCATIONS * MAXIMUM_GROUPS // 2)])


@pytest.mark.parametrize("size", [3, 5, 20, 300])
@pytest.mark.parametrize("dimension", [1, 2])
def test_a_layer_norm_of_equal_numbers_is_zero(size: int, dimension: int) -> None:
    program = Program.parse(
        f"func.func @f(%x: tensor<1x{size}x{size}xf32>, %w: tensor<{size}xf32>,"
        f" %b: tensor<{size}xf32>) -> tensor<1x{size}x{size}xf32> {{"
        f' %0 = "pattern.layer_norm"(%x, %w, %b) {{epsilon = 1.0e-05 : f64,'
        f" dimension = {dimension} : i64}} : (tensor<1x{size}x{size}xf32>, tensor<{size}xf32>,"
        f" tensor<{size}xf32>) -> tensor<1x{size}x{size}xf32>"
        f" return %0 : tensor<1x{size}x{size}xf32> }}"
    )
    rows = np.resize(np.array([0.1, 1e3, *np.linspace(-3, 3, 40)], np.float32), size)
    x = np.stack([rows] * size, axis=dimension - 1)[None]
    compiled = compile(program, target="vulkan1.1")
    ones, zeros = np.ones(size, np.float32), np.zeros(size, np.float32)
    assert abs(compiled.run([x, ones, zeros])[0]).max() <= 1e-6


@pytest.mark.parametrize("precision", ["f16-acc32", "f16-packed"])
@pytest.mark.parametrize(
    "name",
    [
        "conv",
        "conv of stride 2",
        "patterns",
        "depthwise",
        "linear",
        "bilinear with corners",
        "softmax of channels in blocks",
        "channel shuffle",
        "pixel shuffle",
        "transposed conv",
        "layer norm between linear layers",
    ],
)
def test_f16_storage_rounds_as_pytorch_does(name: str, precision: str) -> None:
    check(*MODELS[name], precision)


@pytest.mark.parametrize("function", ACTIVATIONS, ids=str)
def test_an_activation_computes_what_pytorch_does(function: nn.Module) -> None:
    check(nn.Sequential(conv(2, 2, 1), function, function), [(1, 2, 9, 9)])


def relative_error(name: str, precision: str) -> tuple[float, Any]:
    """Return the RMS error of a model over the RMS of its outputs in f64, and the model."""
    model, shapes = MODELS[name]
    inputs = [values(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    program = exported(model, *inputs)
    compiled = compile(program, target="vulkan1.1", cpu=DEFAULT_GPU, precision=precision)
    (ours,) = outputs(compiled, inputs)
    (theirs,) = outputs(model.double(), [x.double() for x in inputs])
    model.float()
    return float(np.sqrt(np.square(ours - theirs).mean() / np.square(theirs).mean())), compiled


@pytest.mark.parametrize(
    "name",
    ["conv", "patterns", "patterns of stride 2", "depthwise", "conv of many products"],
)
def test_sums_in_f16_err_more_than_in_f32_but_little(name: str) -> None:
    single, _ = relative_error(name, "f16-acc32")
    half, compiled = relative_error(name, "f16")
    assert single < half < 4 * single
    assert [layer.precision for layer in compiled.report().layers] == ["f16"]
    assert compiled.plan.features == ("shaderFloat16", "storageBuffer16BitAccess")


def test_a_kernel_of_many_weights_keeps_sums_in_f32() -> None:
    error, compiled = relative_error("conv 7x7 of stride 2", "f16")
    assert error == relative_error("conv 7x7 of stride 2", "f16-acc32")[0]
    (layer,) = compiled.report().layers
    assert layer.precision == "f16-acc32" and "more than 32 weights" in layer.precision_reason
    assert compiled.plan.features == ("storageBuffer16BitAccess",)
