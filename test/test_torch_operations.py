"""Every form of an operation that convolutional networks use: right results, natively and at
each level, and a pattern form where the dialect has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_models import (
    Function,
    arrays,
    assert_close,
    at_level,
    check,
    exported,
    values,
    with_statistics,
)

import pattern_mlir

IMAGES = (2, 4, 7, 9)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Give every test the same random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def fallbacks(model: nn.Module, *inputs: Tensor) -> list[str]:
    """Check ``model`` and return the operations without a pattern form."""
    return [name.partition(" at ")[0] for name in check(model, *inputs).fallbacks]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False},
        {"padding": "same"},
        {"padding": "same", "kernel_size": 4},
        {"padding": "same", "kernel_size": (2, 5), "dilation": (3, 1)},
        {"padding": "same", "groups": 2},
        {"padding": "valid"},
        {"padding": (2, 1), "padding_mode": "zeros"},
        {"padding": (2, 1), "padding_mode": "circular"},
        {"padding": "same", "kernel_size": (2, 3), "padding_mode": "circular"},
        {"groups": 2},
        {"groups": 4, "out_channels": 4, "padding": 1},
        {"groups": 4, "out_channels": 8},
        {"dilation": 2},
        {"dilation": (1, 2), "stride": (2, 1), "padding": (0, 2)},
        {"stride": 2, "padding": 1},
        {"kernel_size": (1, 5), "stride": (3, 2), "padding": (0, 2)},
        {"kernel_size": 1},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_convolution(options: dict[str, Any]) -> None:
    model = nn.Conv2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **options})
    assert fallbacks(model, values(*IMAGES)) == []


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
@pytest.mark.parametrize("padding", [(2, 1), "same"], ids=str)
def test_a_convolution_over_padding_that_is_not_zero(mode: str, padding: Any) -> None:
    model = nn.Conv2d(4, 6, (2, 3), padding=padding, padding_mode=mode)
    assert fallbacks(model, values(*IMAGES)) == ["aten.pad"]


def test_a_convolution_of_one_image_without_a_batch() -> None:
    assert fallbacks(nn.Conv2d(4, 6, 3), values(4, 7, 9)) == []


def test_a_convolution_whose_weight_is_an_input() -> None:
    inputs = values(*IMAGES), values(6, 4, 3, 3), values(6)
    assert fallbacks(Function(F.conv2d), *inputs) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.Conv1d(4, 6, 3, stride=2, padding=1),
        nn.Conv1d(4, 6, 3, padding=2, dilation=2, groups=2),
        nn.Conv1d(4, 6, 4, padding="same"),
        nn.Conv1d(4, 6, 4, padding="valid"),
        nn.Conv1d(4, 6, 3, padding=1, padding_mode="circular"),
        nn.ConvTranspose1d(4, 6, 3, stride=2),
    ],
    ids=str,
)
def test_a_convolution_of_signals(model: nn.Module) -> None:
    check(model, values(2, 4, 9))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False, "stride": 2},
        {"stride": 2, "padding": 1, "output_padding": 1},
        {"stride": 2, "kernel_size": 2},
        {"stride": 2, "kernel_size": 4, "padding": 1},
        {"stride": 3, "kernel_size": 2},
        {"stride": (3, 1), "kernel_size": (2, 5), "padding": (0, 4)},
        {"stride": 2, "padding": 2, "kernel_size": 5},
        {"groups": 2, "stride": 2},
        {"groups": 2},
        {"dilation": 2},
        {"dilation": (3, 2), "stride": (2, 3), "output_padding": (1, 2)},
        {"padding": 2, "dilation": 2, "stride": 2},
    ],
    ids=str,
)
def test_a_transposed_convolution(options: dict[str, Any]) -> None:
    model = nn.ConvTranspose2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **options})
    assert fallbacks(model, values(*IMAGES)) == []


def test_a_transposed_convolution_of_one_image_without_a_batch() -> None:
    assert fallbacks(nn.ConvTranspose2d(4, 6, 3, 2), values(4, 7, 9)) == []


def test_a_transposed_convolution_whose_weight_is_an_input() -> None:
    inputs = values(*IMAGES), values(4, 6, 3, 3)
    assert fallbacks(Function(F.conv_transpose2d), *inputs) == ["aten.conv_transpose2d.input"]


@pytest.mark.parametrize("shape", [(9,), (3, 9), (2, 3, 4, 9)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_a_linear_layer(shape: tuple[int, ...], bias: bool) -> None:
    assert fallbacks(nn.Linear(9, 5, bias=bias), values(*shape)) == []


def test_zeros_round_the_input_belong_to_the_convolution() -> None:
    model = nn.Sequential(nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(4, 6, 3, padding=1))
    assert fallbacks(model, values(*IMAGES)) == []


def padded_twice(convolution: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    padded = F.pad(x, (1, 1, 1, 1))
    return convolution(padded), padded


@pytest.mark.parametrize(
    "model",
    [
        Function(padded_twice, nn.Conv2d(4, 6, 3)),
        nn.Sequential(nn.ConstantPad2d(1, 2.0), nn.Conv2d(4, 6, 3)),
        nn.ReflectionPad2d((1, 2, 0, 3)),
    ],
    ids=["shared", "two", "alone"],
)
def test_other_padding_stays_an_operation(model: nn.Module) -> None:
    assert fallbacks(model, values(*IMAGES)) == ["aten.pad"]


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": 2, "ceil_mode": True},
        {"kernel_size": 3, "dilation": 2, "padding": 1, "stride": 1},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 1), "ceil_mode": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [IMAGES, IMAGES[1:]], ids=str)
def test_a_max_pool(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert fallbacks(nn.MaxPool2d(**options), values(*shape)) == []


def test_a_max_pool_whose_indices_nobody_reads() -> None:
    model = Function(lambda x: F.max_pool2d(x, 2, return_indices=True)[0])
    assert fallbacks(model, values(*IMAGES)) == []


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("divisor_override", [None, 3])
def test_an_average_pool(
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None
) -> None:
    options = ceil_mode, count_include_pad, divisor_override
    model = nn.AvgPool2d((3, 2), 2, 1, *options)
    assert fallbacks(model, values(*IMAGES)) == []


@pytest.mark.parametrize("size", [1, 3, 11, (3, 5), (None, 4), (2, None)], ids=str)
def test_an_adaptive_average_pool(size: Any) -> None:
    assert fallbacks(nn.AdaptiveAvgPool2d(size), values(*IMAGES)) == []


@pytest.mark.parametrize("size", [1, (3, 4), (None, 2)], ids=str)
def test_an_adaptive_max_pool(size: Any) -> None:
    model = nn.AdaptiveMaxPool2d(size)
    assert fallbacks(model, values(*IMAGES)) == ["aten.adaptive_max_pool2d"]


@pytest.mark.parametrize(("dimensions", "keep"), [((2, 3), False), ((-1, -2), True)], ids=str)
def test_the_mean_of_planes(dimensions: tuple[int, int], keep: bool) -> None:
    assert fallbacks(Function(lambda x: x.mean(dimensions, keep)), values(*IMAGES)) == []


@pytest.mark.parametrize("dimensions", [1, -1, (1, 2, 3), None], ids=str)
def test_the_mean_over_other_dimensions(dimensions: Any) -> None:
    check(
        Function(lambda x: x.mean() if dimensions is None else x.mean(dimensions)), values(*IMAGES)
    )


OWN_ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    lambda inplace=False: nn.Hardtanh(-0.5, 0.7, inplace=inplace),
    lambda inplace=False: nn.LeakyReLU(0.1, inplace=inplace),
    lambda inplace=False: nn.ELU(0.7, inplace=inplace),
    nn.Hardsigmoid,
    nn.SiLU,
    nn.Hardswish,
)


@pytest.mark.parametrize("build", OWN_ACTIVATIONS, ids=lambda build: str(build()))
@pytest.mark.parametrize("inplace", [False, True])
def test_an_activation_in_place_or_not(build: Callable[..., nn.Module], inplace: bool) -> None:
    model = nn.Sequential(nn.Conv2d(4, 6, 3), build(inplace=inplace))
    assert fallbacks(model, 3 * values(*IMAGES)) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.PReLU(),
        nn.PReLU(4),
        nn.Sigmoid(),
        nn.GELU(),
        nn.GELU("tanh"),
        nn.Tanh(),
        nn.Softmax(-1),
        Function(lambda x: x.clamp(-0.5, 0.5)),
        Function(lambda x: x.clamp(min=-0.5)),
        Function(lambda x: x.clamp(max=0.5)),
        Function(lambda x: x.clamp(1, -1)),
        Function(lambda x: (x * 1).add_(1).mul_(2).sigmoid_().tanh_().clamp_(0.1, 0.5)),
    ],
    ids=[
        "prelu",
        "prelu a channel",
        "sigmoid",
        "gelu",
        "gelu tanh",
        "tanh",
        "softmax of rows",
        "clamp",
        "clamp min",
        "clamp max",
        "clamp crossed",
        "methods in place",
    ],
)
def test_an_activation_with_a_pattern_form(model: nn.Module) -> None:
    assert fallbacks(model, 3 * values(*IMAGES)) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.Softmax(1),
        nn.LogSoftmax(1),
        nn.Mish(),
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.Mish(inplace=True)),
        nn.Softplus(2, 3),
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.SELU(inplace=True)),
        nn.CELU(0.7),
        nn.GLU(1),
    ],
    ids=[
        "softmax",
        "log softmax",
        "mish",
        "mish in place",
        "softplus",
        "selu in place",
        "celu",
        "glu",
    ],
)
def test_an_activation_without_one(model: nn.Module) -> None:
    assert fallbacks(model, 3 * values(*IMAGES)) != []


@pytest.mark.parametrize("operation", [torch.add, torch.mul])
@pytest.mark.parametrize(
    "shapes",
    [
        (IMAGES, IMAGES),
        (IMAGES, (2, 4, 1, 1)),
        ((2, 1, 7, 1), (1, 4, 1, 9)),
    ],
    ids=str,
)
def test_a_sum_or_product(operation: Any, shapes: tuple[tuple[int, ...], ...]) -> None:
    inputs = [values(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert fallbacks(Function(operation), *inputs) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 1.5,
        lambda x: 1 - x,
        lambda x: 0.5 * x,
        lambda x: x / 3,
        lambda x: torch.add(x, x, alpha=0.3),
        lambda x: torch.add(x, 2, alpha=0.3),
        lambda x: torch.sub(x, 2 * x, alpha=2),
        lambda x: x + x[0, :, :1, :1],
        lambda x: x * x[0, 0, 0, 0],
        lambda x: x + torch.arange(9),
        lambda x: 2 * x[:, :0] + 1,
    ],
    ids=[
        "sum",
        "difference",
        "product",
        "quotient",
        "alpha",
        "scalar alpha",
        "minus alpha",
        "other rank",
        "rank 0",
        "integers",
        "nothing",
    ],
)
def test_arithmetic_with_python_numbers_and_other_ranks(function: Any) -> None:
    check(Function(function), values(*IMAGES))


@pytest.mark.parametrize("dimension", [0, 1, 2, 3, -3])
def test_a_concatenation(dimension: int) -> None:
    model = Function(lambda a, b: torch.cat([a, b, a], dimension))
    assert fallbacks(model, values(*IMAGES), values(*IMAGES, seed=1)) == []


def test_a_concatenation_with_nothing() -> None:
    assert fallbacks(Function(lambda x: torch.cat([x, x[:, :0]], 1)), values(*IMAGES)) == []


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    "size",
    [
        {"size": (9, 4)},
        {"scale_factor": 2},
        {"scale_factor": (1.5, 0.7)},
        {"scale_factor": (1.5, 0.7), "recompute_scale_factor": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("align_corners", [False, True])
def test_an_interpolation(mode: str, size: dict[str, Any], align_corners: bool) -> None:
    options = {"align_corners": align_corners} if mode == "bilinear" else {}
    model = Function(lambda x: F.interpolate(x, mode=mode, **size, **options))
    assert fallbacks(model, values(1, 3, 5, 6)) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(4, 6, 3), nn.Dropout(), nn.Dropout2d(inplace=True)),
        nn.Flatten(),
        Function(lambda x: x.view(2, -1)),
        Function(lambda x: x.view(2, 2, 2, 7, 9).transpose(1, 2).reshape(2, 4, 7, 9)),
        Function(lambda x: x.permute(0, 2, 3, 1)),
        Function(lambda x: torch.cat(x.chunk(2, 1)[::-1], 1)),
        Function(lambda x: x[:, 1:3, ::2, 1:-1]),
        Function(lambda x: x[:, 0]),
        nn.PixelShuffle(2),
        nn.ChannelShuffle(2),
        Function(lambda x: x.split([1, 3], 1)[1]),
        Function(lambda x: x[:, ::2] + x[:, 1::2]),
    ],
    ids=[
        "dropout",
        "flatten",
        "view",
        "channel shuffle",
        "permute",
        "chunk",
        "slice",
        "select",
        "pixel shuffle",
        "channel shuffle by name",
        "split",
        "every other channel",
    ],
)
def test_what_only_moves_data_is_no_fallback(model: nn.Module) -> None:
    assert fallbacks(model, values(*IMAGES)) == []


class StochasticDepth(nn.Module):
    """Drops a residual branch in training (arXiv 1603.09382)."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.convolution(x)
        if self.training:
            y = y * torch.empty(len(x), 1, 1, 1).bernoulli_(0.5)
        return x + y


def test_stochastic_depth_drops_nothing() -> None:
    assert fallbacks(StochasticDepth(), values(*IMAGES)) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.GroupNorm(2, 4),
        nn.InstanceNorm2d(4),
        nn.InstanceNorm2d(4, affine=True),
    ],
    ids=str,
)
def test_a_norm_over_what_it_sees(model: nn.Module) -> None:
    check(model, values(*IMAGES))


@pytest.mark.parametrize(
    "model",
    [
        nn.LayerNorm((7, 9)),
        nn.LayerNorm(9),
        nn.LayerNorm(9, elementwise_affine=False, eps=1e-2),
        nn.LayerNorm(9, bias=False),
        nn.LayerNorm(IMAGES),
    ],
    ids=str,
)
def test_a_layer_norm(model: nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))
    assert fallbacks(model, values(*IMAGES)) == []


@pytest.mark.parametrize("size", [3, 5, 20, 300])
def test_a_layer_norm_of_equal_numbers_is_zero(size: int) -> None:
    rows = torch.tensor([0.1, 1e3, *torch.linspace(-3, 3, 40)])
    x = rows[:, None].expand(-1, size).contiguous()
    result = pattern_mlir.compile(exported(nn.LayerNorm(size), x)).run([x.numpy()])[0]
    assert abs(result).max() <= 1e-6


@pytest.mark.parametrize("masked", [None, "causal", "added", "boolean"])
@pytest.mark.parametrize("size", [3, 17, 32])
def test_an_attention(masked: str | None, size: int) -> None:
    added = values(size, size, seed=3)
    masks = {"added": [added], "boolean": [added > -1]}.get(masked or "", [])
    causal = masked == "causal"
    model = Function(lambda *x: F.scaled_dot_product_attention(*x, is_causal=causal))
    report = check(model, *(values(2, 3, size, 16, seed=seed) for seed in range(3)), *masks)
    assert "aten.scaled_dot_product_attention" not in " ".join(report.fallbacks)


@pytest.mark.parametrize(
    "model",
    [
        nn.BatchNorm2d(4),
        nn.BatchNorm2d(4, affine=False),
        nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3)),
        nn.InstanceNorm2d(4, track_running_stats=True),
    ],
    ids=["alone", "not affine", "before a convolution", "instance norm"],
)
def test_a_batch_norm_that_folds_into_nothing(model: nn.Module) -> None:
    assert fallbacks(with_statistics(model), values(*IMAGES)) == []


class Normalised(nn.Module):
    """A convolution of normalised bytes, the channels last."""

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 6, 3, 2, padding)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        x = image.permute(0, 3, 1, 2).to(torch.float32) / 255
        y: Tensor = self.convolution((x - self.mean) / self.deviation)
        return y


@pytest.mark.parametrize("padding", [0, 1])
def test_the_normalisation_of_an_image_goes_into_the_first_convolution(padding: int) -> None:
    image = torch.randint(0, 256, (2, 9, 12, 3), dtype=torch.uint8)
    model = Normalised(padding)
    assert fallbacks(model, image) == ["aten._to_copy"]
    program = at_level(pattern_mlir.import_program(exported(model, image)), "graph")
    left = [op for op in ("pattern.multiply", "pattern.add") if f'"{op}"' in program.text()]
    # Zeros round the planes are not the mean: then one sum a pixel stays.
    assert left == (["pattern.add"] if padding else [])


class OfBytes(nn.Module):
    """A convolution of images of any element type."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 6, 3)

    def forward(self, x: Tensor) -> Any:
        return self.convolution(x.to(self.convolution.weight.dtype) / 255), x


@pytest.mark.parametrize(
    "dtype",
    [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool, torch.float64],
    ids=str,
)
def test_inputs_of_other_types_become_floats(dtype: torch.dtype) -> None:
    check(OfBytes(), (100 * values(*IMAGES)).abs().to(dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64], ids=str)
def test_a_network_of_another_float_type(dtype: torch.dtype) -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)
    ).to(dtype)
    check(model, values(*IMAGES).to(dtype), rtol=4e-3 if dtype == torch.float16 else 1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sin().cumsum(1),
        lambda x: x.sin().cumprod(2),
        lambda x: x.cos().cumsum(0).cumsum(1),
        lambda x: (x.exp().cumsum(1), x.exp() + 1),
        lambda x: x.sin().sort(1)[0].cumsum(1),
        lambda x: x.sin().cumsum(1).sin().cumsum(2) + x.sin(),
        lambda x: x.sin().logcumsumexp(1),
        lambda x: x.sigmoid().cumprod(1).relu().cumsum(1),
        lambda x: x.sin().slice_scatter(x[:, :2].cos(), 1, 0, 2).cumsum(1),
    ],
    ids=[
        "sum of sines",
        "product of sines",
        "sum of sums",
        "sum beside another use",
        "sum of a sort",
        "scans by turns",
        "logarithm",
        "sum of products",
        "sum of parts",
    ],
)
def test_a_scan_after_other_operations(function: Callable[[Tensor], Any]) -> None:
    x = values(2, 5, 7)
    compiled = pattern_mlir.compile(exported(Function(function), x))
    assert_close(arrays(compiled(x)), arrays(function(x.double())), 1e-5)
