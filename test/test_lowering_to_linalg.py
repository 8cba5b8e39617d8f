"""Lowering to linalg changes no result: operations interpreted before, run natively after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from native import Array, Network, activation, executable, noise, tensor_type
from numerics import compare
from random_networks import random_network
from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir import interpret
from pattern_mlir.dialects import (
    ACTIVATIONS,
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LayerNormOp,
    LibraryAttr,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    SparseAttr,
    UpsampleOp,
    i64,
    i64_array,
    shape_of,
)
from pattern_mlir.dialects.convolution import conv_shape, window_shape
from pattern_mlir.modules import forward_function
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.convert_pattern_to_linalg import ConvertPatternToLinalg
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.patterns import Library
from pattern_mlir.pipelines import run
from pattern_mlir.program import Program

thorough = settings(max_examples=25, deadline=None, print_blob=True)
seeds = st.integers(0, 2**32 - 1)


def check(program: Program, *inputs: Array) -> None:
    """Compare the native run with the operations' own meaning in f64."""
    with np.errstate(all="ignore"):
        expected = interpret(program, list(inputs), dtype=np.float64)
    actual = executable(program)(*inputs)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-5)


@st.composite
def windows(draw: Any, *, max_padding: int = 3, max_dilation: int = 3) -> dict[str, list[int]]:
    """Draw kernel size, strides, padding and dilations."""
    pair = {
        "kernel_size": draw(st.lists(st.integers(1, 5), min_size=2, max_size=2)),
        "strides": draw(st.lists(st.integers(1, 3), min_size=2, max_size=2)),
        "dilations": draw(st.lists(st.integers(1, max_dilation), min_size=2, max_size=2)),
    }
    padding = draw(st.lists(st.integers(0, max_padding), min_size=4, max_size=4))
    return {**pair, "padding": padding}


def activations() -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, *ACTIVATIONS])


@thorough
@given(
    seed=seeds,
    window=windows(),
    sizes=st.tuples(*[st.integers(1, 3)] * 4),
    plane=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    bias=st.booleans(),
    residual=st.booleans(),
    name=activations(),
    pool=st.booleans(),
)
def test_a_convolution_of_any_window_groups_and_epilogue(
    seed: int,
    window: dict[str, list[int]],
    sizes: tuple[int, ...],
    plane: tuple[int, int],
    bias: bool,
    residual: bool,
    name: str | None,
    pool: bool,
) -> None:
    images, groups, channels, filters = sizes
    kernel = window.pop("kernel_size")
    x = noise(seed, images, groups * channels, *plane)
    weight = noise(seed, groups * filters, channels, *kernel)
    shape = conv_shape(x.shape, weight.shape, **window)
    assume(min(shape) > 0)
    network = Network(x)

    def build(x: Any) -> Any:
        return ConvOp.build(
            x,
            network.parameter(weight),
            network.parameter(noise(seed, shape[1])) if bias else None,
            network.parameter(noise(seed, *shape)) if residual else None,
            groups=groups,
            activation=activation(name),
            max_pool=i64_array([2, 2]) if pool and min(shape[2:]) > 1 else None,
            **window,
        ).result

    check(network.build(build), x)


@pytest.mark.parametrize("channels", [17, 131, 160, 512])
def test_a_pointwise_convolution_summed_in_blocks(channels: int) -> None:
    x, weight = noise(0, 1, channels, 3, 5), noise(1, 4, channels, 1, 1) / np.float32(channels)
    network = Network(x)
    check(network.build(lambda x: ConvOp.build(x, network.parameter(weight)).result), x)


@thorough
@given(
    seed=seeds,
    rows=st.lists(st.integers(1, 3), max_size=3),
    inputs=st.integers(1, 100),
    filters=st.integers(1, 5),
    bias=st.booleans(),
    name=activations(),
)
def test_a_linear_layer_on_inputs_of_any_rank(
    seed: int, rows: list[int], inputs: int, filters: int, bias: bool, name: str | None
) -> None:
    x, weight = noise(seed, *rows, inputs), noise(seed, filters, inputs)
    network = Network(x)

    def build(x: Any) -> Any:
        b = network.parameter(noise(seed, filters)) if bias else None
        return LinearOp.build(x, network.parameter(weight), b, activation=activation(name)).result

    check(network.build(build), x)


@thorough
@given(
    seed=seeds,
    window=windows(max_padding=2),
    plane=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    ceil_mode=st.booleans(),
)
def test_a_max_pool_of_any_window(
    seed: int, window: dict[str, list[int]], plane: tuple[int, int], ceil_mode: bool
) -> None:
    x = noise(seed, 2, 3, *plane)
    check(pool(MaxPoolOp, x, window, ceil_mode=ceil_mode), x)


@thorough
@given(
    seed=seeds,
    window=windows(max_padding=2, max_dilation=1),
    plane=st.tuples(st.integers(3, 12), st.integers(3, 12)),
    ceil_mode=st.booleans(),
    include_pad=st.booleans(),
    divisor=st.sampled_from([None, 3, -2]),
)
def test_an_average_pool_of_any_window(
    seed: int,
    window: dict[str, list[int]],
    plane: tuple[int, int],
    ceil_mode: bool,
    include_pad: bool,
    divisor: int | None,
) -> None:
    x = noise(seed, 2, 3, *plane)
    check(pool(AveragePoolOp, x, window, ceil_mode, include_pad, divisor), x)


def pool(
    kind: Any,
    x: Array,
    window: dict[str, list[int]],
    ceil_mode: bool,
    include_pad: bool = False,
    divisor: int | None = None,
) -> Program:
    """Return a pool; its padding is cut to what its window allows."""
    kernel = window["kernel_size"]
    window["padding"] = [min(p, kernel[i % 2] // 2) for i, p in enumerate(window["padding"])]
    sizes = window_shape(
        x.shape[2:],
        kernel,
        window["strides"],
        window["padding"],
        window["dilations"],
        ceil_mode,
    )
    assume(min(sizes) > 0)

    def build(x: Any) -> Any:
        optional = {} if divisor is None else {"divisor": i64(divisor)}
        if include_pad:
            optional["count_include_pad"] = ir.UnitAttr.get()
        return kind.build(x, ceil_mode=ceil_mode, **window, **optional).result

    return Network(x).build(build)


def test_nan_wins_in_a_max_pool_and_padding_never_does() -> None:
    x = np.full((1, 1, 3, 3), -5, np.float32)
    x[0, 0, 0, 0] = np.nan
    window = {"kernel_size": [2, 2], "strides": [1, 1], "padding": [1] * 4}
    (y,) = executable(Network(x).build(lambda x: MaxPoolOp.build(x, **window).result))(x)
    assert np.isnan(y[0, 0, :2, :2]).all()
    assert (y[0, 0, 2:] == -5).all() and (y[0, 0, :, 2:] == -5).all()


@thorough
@given(
    seed=seeds,
    plane=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    size=st.tuples(st.integers(1, 8), st.integers(1, 8)),
)
def test_an_adaptive_average_pool_to_any_size(
    seed: int, plane: tuple[int, int], size: tuple[int, int]
) -> None:
    x = noise(seed, 2, 3, *plane)
    check(Network(x).build(lambda x: AdaptiveAveragePoolOp.build(x, size).result), x)


@thorough
@given(
    seed=seeds,
    plane=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    size=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    mode=st.sampled_from(["nearest", "bilinear"]),
    align_corners=st.booleans(),
    scales=st.none() | st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)),
)
def test_an_upsampling_to_any_size(
    seed: int,
    plane: tuple[int, int],
    size: tuple[int, int],
    mode: str,
    align_corners: bool,
    scales: tuple[float, float] | None,
) -> None:
    x = noise(seed, 2, 3, *plane)

    def build(x: Any) -> Any:
        corners = align_corners and mode == "bilinear"
        return UpsampleOp.build(x, size, mode, align_corners=corners, scales=scales).result

    check(Network(x).build(build), x)


@thorough
@given(
    seed=seeds,
    shape=st.lists(st.integers(1, 4), max_size=4),
    repeated=st.lists(st.sampled_from(["left", "right", None]), min_size=4, max_size=4),
    kind=st.sampled_from([AddOp, MultiplyOp]),
    name=activations(),
)
def test_a_sum_or_product_with_repeated_dimensions(
    seed: int, shape: list[int], repeated: list[str | None], kind: Any, name: str | None
) -> None:
    left = [1 if side == "left" else n for n, side in zip(shape, repeated, strict=False)]
    right = [1 if side == "right" else n for n, side in zip(shape, repeated, strict=False)]
    a, b = noise(seed, *left), noise(seed + 1, *right)
    build = Network(a, b).build
    check(build(lambda a, b: kind.build(a, b, activation=activation(name)).result), a, b)


@pytest.mark.parametrize("dimension", [0, 1, 2, 3])
def test_a_concatenation_along_any_dimension(dimension: int) -> None:
    shapes = [[2, 3, 4, 5] for _ in range(2)]
    shapes[0][dimension], shapes[1][dimension] = 1, 6
    a, b = (noise(0, *shape) for shape in shapes)
    check(Network(a, b).build(lambda a, b: ConcatOp.build(a, b, dimension).result), a, b)


def layer_norm(x: Array, dimension: int) -> Program:
    """Return a layer norm along a dimension, of weight 1 and bias 0."""
    network, size = Network(x), x.shape[dimension]

    def body(value: Any) -> Any:
        weight = network.parameter(np.ones(size, np.float32))
        bias = network.parameter(np.zeros(size, np.float32))
        return LayerNormOp.build(value, weight, bias, 1e-5, dimension).result

    return network.build(body)


@pytest.mark.parametrize("dimension", [0, 1, 2])
def test_a_layer_norm_along_any_dimension(dimension: int) -> None:
    x = noise(0, 3, 5, 7)
    check(layer_norm(x, dimension), x)


@pytest.mark.parametrize("size", [3, 5, 20, 300])
@pytest.mark.parametrize("dimension", [0, 1])
def test_a_layer_norm_of_equal_numbers_is_zero(size: int, dimension: int) -> None:
    rows = np.array([0.1, 1e3, *np.linspace(-3, 3, 40)], np.float32)
    x = np.stack([rows] * size, axis=dimension)
    assert abs(executable(layer_norm(x, dimension))(x)[0]).max() <= 1e-6


def test_a_concatenation_of_concatenations_copies_each_piece_once() -> None:
    x = noise(0, 1, 2, 3, 3)

    def build(x: Any) -> Any:
        left, right = ConcatOp.build(x, x).result, ConcatOp.build(x, x).result
        return ConcatOp.build(ConcatOp.build(left, x).result, right).result

    check(Network(x).build(build), x)
    program = Network(x).build(build)
    run(program, [ConvertPatternToLinalg()])
    assert len(walk(program.module.operation, tensor.InsertSliceOp)) == 5
    assert len(walk(program.module.operation, tensor.EmptyOp)) == 1


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_everywhere_and_nan_stays_nan(name: str) -> None:
    special = [0.0, -0.0, 1e-30, -1e-30, 3, -3, 6, 100, -100, 1e30, np.nan]
    x = np.concatenate([np.linspace(-8, 8, 99), special]).astype(np.float32)
    check(Network(x).build(lambda x: ActivateOp.build(x, activation(name)).result), x)


@thorough
@given(
    seed=seeds,
    groups=st.integers(1, 3),
    filters=st.integers(1, 4),
    within=st.booleans(),
    stored=st.booleans(),
    sparse=st.booleans(),
)
def test_filters_in_any_order_and_of_a_sparse_type(
    seed: int, groups: int, filters: int, within: bool, stored: bool, sparse: bool
) -> None:
    """``within``: no filter changes its group; ``stored``: parameter and convolution agree."""
    rng = np.random.default_rng(seed)
    count = groups * filters
    blocks = np.arange(count).reshape(groups, filters)
    order = rng.permuted(blocks, axis=1).ravel() if within else rng.permutation(count)
    x, weight = noise(seed, 1, groups, 4, 4), noise(seed, count, 1, 2, 2)
    bias = noise(seed, count)
    network = Network(x)

    def build(x: Any) -> Any:
        library = LibraryAttr.from_library(Library((2, 2), ((0, 1, 2, 3),)))
        w = ParameterOp.build(
            "w",
            tensor_type(weight.shape, SparseAttr.get(library) if sparse else None),
            filter_order=i64_array(order if stored else rng.permutation(count)),
        ).result
        network.program.parameters.add("w", weight)
        b = network.parameter(bias, "b")
        return ConvOp.build(x, w, b, groups=groups, output_channel=i64_array(order)).result

    program = network.build(build)
    check(program, x)


def test_orders_that_agree_cancel_without_a_copy() -> None:
    x, weight = noise(0, 1, 1, 4, 4), noise(0, 3, 1, 2, 2)
    network = Network(x)
    order = [2, 0, 1]

    def build(x: Any) -> Any:
        w = network.parameter(weight, filter_order=i64_array(order))
        return ConvOp.build(x, w, output_channel=i64_array(order)).result

    program = network.build(build)
    run(program, [ConvertPatternToLinalg()])
    (parameter,) = walk(program.module.operation, ParameterOp)
    assert "filter_order" not in parameter.attributes


def test_tied_weights_keep_one_parameter_for_each_order() -> None:
    x, weight = noise(0, 1, 2, 4, 4), noise(0, 2, 2, 1, 1)
    network = Network(x)

    def build(x: Any) -> Any:
        w = network.parameter(weight, filter_order=i64_array([1, 0]))
        for order in ([1, 0], [0, 1], [1, 0]):
            x = ConvOp.build(x, w, output_channel=i64_array(order)).result
        return x

    program = network.build(build)
    check(program, x)
    assert program.parameters[WEIGHTS].nbytes == 2 * 64


@settings(max_examples=10, deadline=None, print_blob=True)
@given(seed=seeds)
def test_a_random_network(seed: int) -> None:
    program = random_network(seed)
    rng = np.random.default_rng(seed)
    arguments = forward_function(program.module.operation).arguments
    inputs = [rng.standard_normal(shape_of(x)).astype(np.float32) for x in arguments]
    with np.errstate(all="ignore"):
        expected = interpret(program, inputs, dtype=np.float64)
    for ours, theirs in zip(executable(program)(*inputs), expected, strict=True):
        scale = float(np.abs(theirs).max(initial=1))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (torch.nn.Conv2d(512, 4, 3), (1, 512, 7, 7)),
        (torch.nn.Conv2d(1024, 8, 1), (1, 1024, 7, 7)),
        (torch.nn.Linear(25088, 16), (1, 25088)),
    ],
    ids=["conv", "pointwise", "linear"],
)
def test_long_sums_meet_the_numeric_rule(layer: Any, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer.reset_parameters()
    kind = ConvOp if isinstance(layer, torch.nn.Conv2d) else LinearOp
    network = Network(np.zeros(shape, np.float32))

    def build(x: Any) -> Any:
        weight, bias = (network.parameter(p.detach().numpy()) for p in layer.parameters())
        return kind.build(x, weight, bias).result

    native = executable(network.build(build))
    comparison = compare(layer, lambda x: native(x)[0], shape)
    assert comparison.ours <= comparison.allowed, comparison
