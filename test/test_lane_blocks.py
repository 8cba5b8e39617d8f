"""Kernels in lane blocks give what the operations mean, whatever vectors the processor has."""

from __future__ import annotations

import dataclasses
import itertools
import unittest.mock
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from native import Array, Network, activation, noise
from random_networks import random_network, random_weight
from torch_mlir import ir
from torch_mlir.dialects import linalg

from pattern_mlir import codegen, interpret
from pattern_mlir.cost import Machine, Tiling
from pattern_mlir.dialects import (
    ACTIVATIONS,
    ActivateOp,
    AddOp,
    ConcatOp,
    ConvOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    UpsampleOp,
    i64_array,
    shape_of,
)
from pattern_mlir.dialects.convolution import conv_shape, window_shape
from pattern_mlir.dialects.layout import layout_of
from pattern_mlir.layouts import LaneLayout, rows_reach
from pattern_mlir.modules import forward_function
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.lane_operations import LaneOperation
from pattern_mlir.passes.linalg_builders import filled
from pattern_mlir.passes.pattern_assign_layouts import solve
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.pipelines import run, target_levels
from pattern_mlir.processors import DEFAULT
from pattern_mlir.program import Program
from pattern_mlir.runtime.jit import Executable
from pattern_mlir.targets import target

VECTORS = [(16, 32), (8, 16), (4, 32)]
"""Lanes and registers of AVX-512, AVX2 and NEON; LLVM splits what this processor has not."""

thorough = settings(max_examples=15, deadline=None, print_blob=True)
seeds = st.integers(0, 2**32 - 1)


def compiled(
    program: Program, lanes: int, registers: int, threads: int = 1, chunk: int = 0
) -> Executable:
    """Compile ``program`` for vectors of ``lanes``; no loop over plain tensors may be left out."""
    machine = dataclasses.replace(
        target("host"), processor=DEFAULT, lanes=lanes, registers=registers
    )
    for level in target_levels(machine, threads):
        run(program, level.stages)
    code = codegen.object_code(program, machine)
    plan = codegen.layer_plan(program)
    return Executable(code, plan, program.parameters[WEIGHTS], threads, chunk)


def layouts(program: Program, lanes: int, registers: int) -> list[LaneLayout | None]:
    """Return the layouts that the operations of ``program`` get."""
    copy = program.clone()
    machine = dataclasses.replace(
        target("host"), processor=DEFAULT, lanes=lanes, registers=registers
    )
    for level in target_levels(machine):
        run(copy, level.stages)
        if level.name == "layouts":
            break
    names = ("pattern.parameter", "pattern.relayout", "func.func")
    operations = [op for op in walk(copy.module.operation, ir.OpView) if len(op.results) == 1]
    tensors = [op for op in operations if isinstance(op.results[0].type, ir.RankedTensorType)]
    return [layout_of(op.results[0]) for op in tensors if op.operation.name not in names]


def check(
    program: Program,
    inputs: list[Array],
    lanes: int,
    registers: int,
    threads: int = 1,
    chunk: int = 0,
) -> None:
    """Compare the compiled network with the operations' own meaning in f64."""
    with np.errstate(all="ignore"):
        expected = interpret(program, inputs, dtype=np.float64)
    actual = compiled(program, lanes, registers, threads, chunk).run(inputs)
    for ours, theirs in zip(actual, expected, strict=True):
        scale = float(np.abs(theirs).max(initial=1))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)


@thorough
@given(
    seed=seeds,
    kernel=st.sampled_from([(1, 1), (3, 3), (3, 3), (2, 3), (5, 5), (7, 7), (1, 7)]),
    strides=st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1), (3, 2)]),
    dilation=st.sampled_from([1, 1, 2]),
    groups=st.sampled_from([1, 1, 2, 4]),
    images=st.integers(1, 2),
    plane=st.tuples(st.integers(15, 30), st.integers(15, 30)),
    residual=st.booleans(),
    name=st.sampled_from([None, *ACTIVATIONS]),
    pool=st.booleans(),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 3),
)
def test_a_convolution_in_lane_blocks(
    seed: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: int,
    groups: int,
    images: int,
    plane: tuple[int, int],
    residual: bool,
    name: str | None,
    pool: bool,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    rng = np.random.default_rng(seed)
    padding = [int(rng.integers(0, size // 2 + 1)) for size in (*kernel, *kernel)]
    weight = random_weight(rng, (8, 8 // groups, *kernel))
    window = {"strides": strides, "padding": padding, "dilations": [dilation] * 2}
    inputs = [noise(seed, images, 8, *plane)]
    if residual:
        shape = conv_shape(inputs[0].shape, weight.shape, *window.values())
        inputs.append(noise(seed + 1, *shape))
    network = Network(*inputs)

    def build(x: Any, addend: Any = None) -> Any:
        return ConvOp.build(
            x,
            network.parameter(weight),
            network.parameter(noise(seed, 8)) if rng.random() < 0.7 else None,
            addend,
            groups=groups,
            activation=activation(name),
            max_pool=i64_array([2, 2]) if pool else None,
            **window,
        ).result

    check(network.build(build), inputs, *vectors, threads)


@thorough
@given(
    seed=seeds,
    kernel=st.sampled_from([(1, 1), (3, 3), (3, 3), (2, 3), (5, 5), (1, 3)]),
    strides=st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 2)]),
    plane=st.tuples(st.integers(3, 15), st.integers(5, 15)),
    pool=st.booleans(),
    vectors=st.sampled_from(VECTORS),
)
def test_convolutions_in_rows_wherever_they_fit(
    seed: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    plane: tuple[int, int],
    pool: bool,
    vectors: tuple[int, int],
) -> None:
    rng = np.random.default_rng(seed)
    padding = [size // 2 for size in (*kernel, *kernel)]
    weights = [random_weight(rng, (4, 4, *kernel)) for _ in range(2)]
    network = Network(noise(seed, 2, 4, *plane))

    def build(x: Any) -> Any:
        y = ConvOp.build(
            x, network.parameter(weights[0]), padding=padding, activation=activation("relu")
        ).result
        y = MaxPoolOp.build(y, kernel_size=[3, 3], strides=[1, 1], padding=[1] * 4).result
        y = ConvOp.build(
            y,
            network.parameter(weights[1]),
            padding=padding,
            strides=strides,
            max_pool=i64_array([2, 2]) if pool else None,
        ).result
        return AddOp.build(y, ActivateOp.build(y, activation("tanh")).result).result

    def only_rows(self: LaneOperation, grid: Any, block: Any) -> tuple[bool, ...]:
        return (True,) if True in ways(self, grid, block) else (False,)

    ways = LaneOperation.row_ways
    with unittest.mock.patch.object(LaneOperation, "row_ways", only_rows):
        check(network.build(build), list(network.inputs), *vectors)


def pruned_weight(filters: int, channels: int) -> Array:
    """Return a weight of one pattern and one in 3.6 kernels."""
    kept = np.random.default_rng(0).random((filters, channels)) < 1 / 3.6
    weight = np.zeros((filters, channels, 9), np.float32)
    weight[..., [1, 3, 4, 5]] = kept[..., None] * noise(0, filters, channels, 4)
    return weight.reshape(filters, channels, 3, 3)


@thorough
@given(
    seed=seeds,
    channels=st.integers(2, 40),
    channel_block=st.integers(1, 40),
    kernel=st.sampled_from([(1, 1), (3, 3)]),
    stride=st.integers(1, 2),
    sparse=st.booleans(),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 2),
)
def test_channels_are_summed_up_in_blocks(
    seed: int,
    channels: int,
    channel_block: int,
    kernel: tuple[int, int],
    stride: int,
    sparse: bool,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    rng = np.random.default_rng(seed)
    weight = noise(seed, 8, channels, *kernel)
    if sparse:
        weight = random_weight(rng, weight.shape)
    plane = 12 // stride
    network = Network(noise(seed, 2, channels, 12, 12), noise(seed + 1, 2, 8, plane, plane))

    def build(x: Any, addend: Any) -> Any:
        return ConvOp.build(
            x,
            network.parameter(weight),
            network.parameter(noise(seed, 8)),
            addend,
            activation=activation("relu"),
            padding=[size // 2 for size in (*kernel, *kernel)],
            strides=[stride] * 2,
        ).result

    def cut(self: LaneOperation, *arguments: Any) -> Tiling:
        chosen = tiling(self, *arguments)
        return dataclasses.replace(chosen, channel_block=min(channel_block, self.channels))

    tiling = LaneOperation.tiling
    with unittest.mock.patch.object(LaneOperation, "tiling", cut):
        check(network.build(build), list(network.inputs), *vectors, threads)


@thorough
@given(
    seed=seeds,
    kernel=st.sampled_from([(1, 1), (3, 3), (3, 3), (2, 3), (1, 7), (3, 1)]),
    strides=st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1), (3, 2)]),
    dilation=st.sampled_from([1, 1, 2]),
    plane=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    halo=st.sampled_from([(False, False), (True, False), (False, True)]),
    vectors=st.sampled_from(VECTORS),
)
def test_a_layer_without_a_halo_permutes_the_lanes_of_its_own_vectors(
    seed: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: int,
    plane: tuple[int, int],
    halo: tuple[bool, bool],
    vectors: tuple[int, int],
) -> None:
    rng = np.random.default_rng(seed)
    network = Network(noise(seed, 1, 8, *plane))
    weights = [random_weight(rng, (8, 8, *kernel)) for _ in range(2)]
    padding = [dilation * (size // 2) for size in (*kernel, *kernel)]
    shape = conv_shape([1, 8, *plane], weights[0].shape, [1, 1], padding, [dilation] * 2)
    assume(min(shape) > 0)
    shape = conv_shape(shape, weights[0].shape, strides, padding, [dilation] * 2)
    assume(min(shape) > 0)

    def build(x: Any) -> Any:
        for weight, stride in zip(weights, ((1, 1), strides), strict=True):
            x = ConvOp.build(
                x,
                network.parameter(weight),
                padding=padding,
                strides=stride,
                dilations=[dilation] * 2,
                activation=activation("relu"),
            ).result
        return x

    def without_halo(self: LaneOperation, machine: Machine, block: Any, rows: bool, *_: Any) -> Any:
        chosen = tiling(self, machine, block, False, halo)
        assert all(wrap or there for wrap, there in zip(chosen.wraps, halo, strict=True))
        return chosen

    tiling = LaneOperation.tiling
    with (
        unittest.mock.patch.object(LaneOperation, "tiling", without_halo),
        unittest.mock.patch.object(LaneOperation, "row_ways", lambda *_: (False,)),
    ):
        check(network.build(build), list(network.inputs), *vectors)


@thorough
@given(
    seed=seeds,
    kernel=st.sampled_from([(1, 1), (3, 3)]),
    blocks=st.integers(1, 6),
    shared=st.sampled_from([2, 4, 8]),
    stride=st.integers(1, 2),
    plane=st.integers(5, 15),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 3),
)
def test_filters_that_share_their_kernels_are_computed_together(
    seed: int,
    kernel: tuple[int, int],
    blocks: int,
    shared: int,
    stride: int,
    plane: int,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    rng = np.random.default_rng(seed)
    weight = random_weight(rng, (blocks, 12, *kernel)) * (rng.random((blocks, 12, 1, 1)) < 0.4)
    mask = np.repeat(weight != 0, shared, axis=0)[rng.permutation(blocks * shared)]
    weight = (mask * (1 + rng.random(mask.shape))).astype(np.float32)
    network = Network(noise(seed, 1, 12, plane, plane))

    def build(x: Any) -> Any:
        return ConvOp.build(
            x,
            network.parameter(weight),
            network.parameter(noise(seed, len(weight))),
            padding=[size // 2 for size in (*kernel, *kernel)],
            strides=[stride] * 2,
        ).result

    check(network.build(build), list(network.inputs), *vectors, threads)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("kernel", "block"), [((1, 1), 4), ((3, 3), 2)])
def test_filters_that_share_their_kernels_are_one_unit_of_work(
    kernel: tuple[int, int], block: int, threads: int
) -> None:
    rng = np.random.default_rng(0)
    taps = np.isin(np.arange(9), [1, 3, 4, 5]).reshape(3, 3)[: kernel[0], : kernel[1]]
    kept = np.repeat(rng.random((16, 32)) < 0.3, 4, axis=0)[rng.permutation(64)]
    mask = kept[..., None, None] & (taps if kernel == (3, 3) else True)
    weight = np.where(mask, noise(0, *mask.shape), 0).astype(np.float32)
    network = Network(noise(1, 1, 32, 8, 8))

    def build(x: Any) -> Any:
        padding = [size // 2 for size in (*kernel, *kernel)]
        return ConvOp.build(x, network.parameter(weight), padding=padding).result

    program = network.build(build)
    (layer,) = (
        layer
        for layer in compiled(program.clone(), 16, 32, threads).plan.layers
        if layer.kernel == "conv"
    )
    assert layer.extent == 64 // block
    assert layer.boundaries is not None and layer.boundaries[-1] == layer.extent
    check(program, list(network.inputs), 16, 32, threads)


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("size", [2, 7, 14, 28, 33])
def test_a_pruned_convolution_of_any_size_takes_lane_blocks(
    size: int, vectors: tuple[int, int]
) -> None:
    weight = np.zeros((8, 8, 3, 3), np.float32)
    weight.reshape(-1, 9)[::3, [0, 1, 3, 4]] = 1
    weight.reshape(-1, 9)[1::3, [4, 5, 7, 8]] = 2
    network = Network(noise(0, 1, 8, size, size))

    def build(x: Any) -> Any:
        for _ in range(3):
            x = ConvOp.build(x, network.parameter(weight, "w"), padding=[1] * 4).result
        return x

    program = network.build(build)
    found = layouts(program, *vectors)
    assert len(found) >= 3 and all(layout is not None for layout in found), found
    check(program, list(network.inputs), *vectors)


@thorough
@given(
    seed=seeds,
    kernel=st.sampled_from([2, 3]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
    ceil_mode=st.booleans(),
    negative=st.booleans(),
    vectors=st.sampled_from(VECTORS),
)
def test_a_max_pool_between_convolutions_sees_no_halo(
    seed: int,
    kernel: int,
    stride: int,
    padding: int,
    ceil_mode: bool,
    negative: bool,
    vectors: tuple[int, int],
) -> None:
    network = Network(noise(seed, 1, 4, 20, 23))
    weight = noise(seed, 4, 4, 3, 3)

    def build(x: Any) -> Any:
        x = ConvOp.build(x, network.parameter(weight), padding=[1] * 4).result
        shift = network.parameter(np.full((1, 4, 20, 23), -100 if negative else 0, np.float32))
        x = AddOp.build(x, shift).result
        pool = MaxPoolOp.build(
            x,
            kernel_size=[kernel] * 2,
            strides=[stride] * 2,
            padding=[padding] * 4,
            ceil_mode=ceil_mode,
        ).result
        return ConvOp.build(pool, network.parameter(weight), padding=[1] * 4).result

    check(network.build(build), list(network.inputs), *vectors)


@pytest.mark.parametrize("vectors", VECTORS)
def test_a_network_with_a_skip_stays_in_lane_blocks(vectors: tuple[int, int]) -> None:
    network = Network(noise(0, 2, 4, 16, 16))
    narrow, wide = noise(1, 4, 4, 3, 3), noise(2, 4, 8, 3, 3)

    def build(x: Any) -> Any:
        skip = ConvOp.build(x, network.parameter(narrow), padding=[1] * 4).result
        skip = ActivateOp.build(skip, activation("gelu")).result
        down = MaxPoolOp.build(skip, kernel_size=[2, 2], strides=[2, 2]).result
        down = ConvOp.build(down, network.parameter(narrow), padding=[1] * 4).result
        up = UpsampleOp.build(down, [16, 16], "nearest").result
        joined = ConcatOp.build(skip, up).result
        y = ConvOp.build(joined, network.parameter(wide), padding=[1] * 4).result
        return MultiplyOp.build(AddOp.build(y, skip).result, skip).result

    program = network.build(build)
    assert all(layout is not None for layout in layouts(program, *vectors))
    check(program, list(network.inputs), *vectors, threads=2)


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize(("rows", "inputs", "filters"), [(1, 512, 10), (3, 37, 8), (2, 5, 7)])
def test_a_linear_layer(rows: int, inputs: int, filters: int, vectors: tuple[int, int]) -> None:
    network = Network(noise(0, rows, inputs))

    def build(x: Any) -> Any:
        weight, bias = (network.parameter(noise(1, *s)) for s in ((filters, inputs), (filters,)))
        return LinearOp.build(x, weight, bias, activation=activation("relu")).result

    check(network.build(build), list(network.inputs), *vectors, threads=2)


@thorough
@given(seed=seeds, vectors=st.sampled_from(VECTORS))
def test_a_random_network_in_lane_blocks(seed: int, vectors: tuple[int, int]) -> None:
    program = random_network(seed)
    rng = np.random.default_rng(seed)
    arguments = forward_function(program.module.operation).arguments
    inputs = [rng.standard_normal(shape_of(x)).astype(np.float32) for x in arguments]
    check(program, inputs, *vectors, threads=2)


@given(
    grid=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    block=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    halo=st.tuples(*[st.integers(0, 5)] * 4),
)
def test_every_halo_vector_repeats_one_vector_of_a_block(
    grid: tuple[int, int], block: tuple[int, int], halo: tuple[int, int, int, int]
) -> None:
    layout = LaneLayout(grid, block, halo)
    rows, columns = range(-halo[0], block[0] + halo[2]), range(-halo[1], block[1] + halo[3])
    interior = set(itertools.product(range(block[0]), range(block[1])))
    copied: dict[tuple[int, int], tuple[int | None, ...]] = {}
    for y, x in interior:
        for halo_y, halo_x, sources in layout.copies(y, x):
            assert (halo_y, halo_x) not in copied
            copied[halo_y, halo_x] = sources
            for lane, source in enumerate(sources):
                row = lane // grid[1] * block[0] + halo_y
                column = lane % grid[1] * block[1] + halo_x
                inside = 0 <= row < grid[0] * block[0] and 0 <= column < grid[1] * block[1]
                assert (source is not None) == inside
                if source is not None:
                    assert source // grid[1] * block[0] + y == row
                    assert source % grid[1] * block[1] + x == column
    assert set(copied) == set(itertools.product(rows, columns)) - interior
    last = layout.start(block[0] - 1, block[1] - 1)
    assert layout.plane % 2 == 1 and last < layout.plane * layout.lanes


@thorough
@given(
    seed=seeds,
    before=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    after=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    align_corners=st.booleans(),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 3),
)
def test_a_bilinear_resizing_of_any_size(
    seed: int,
    before: tuple[int, int],
    after: tuple[int, int],
    align_corners: bool,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    network = Network(noise(seed, 2, 3, *before))

    def build(x: Any) -> Any:
        return UpsampleOp.build(x, after, "bilinear", align_corners=align_corners).result

    program = network.build(build)
    layers = compiled(program.clone(), *vectors).plan.layers
    assert before == after or [layer.kernel for layer in layers] == ["mix", "mix"]
    check(program, list(network.inputs), *vectors, threads)


@given(
    lanes=st.sampled_from([4, 8, 16]),
    block=st.tuples(st.integers(1, 5), st.integers(1, 3)),
    reach=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    width=st.integers(1, 48),
    halo=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_rows_hold_what_windows_find_left_and_right_of_a_block(
    lanes: int, block: tuple[int, int], reach: tuple[int, int], width: int, halo: tuple[int, int]
) -> None:
    hypothesis.assume(rows_reach(lanes, block, width, *reach))
    layout = LaneLayout((1, lanes), block, (halo[0], reach[0], halo[1], reach[1]), rows=True)
    memory = np.full(layout.plane * lanes, np.nan)
    for y in range(-layout.stored_halo[0], block[0] + layout.stored_halo[2]):
        for x in range(block[1]):
            place = layout.start(y, 0) + layout.offset(0, x)
            pixels = np.arange(lanes) * block[1] + x
            inside = (pixels < width) & (0 <= y < block[0])
            memory[place : place + lanes] = np.where(inside, 1000 * y + pixels, -1)
    for y in range(-halo[0], block[0] + halo[1]):
        for x in range(-reach[0], block[1] + reach[1]):
            place = layout.start(y, 0) + layout.offset(0, x)
            read = memory[place : place + lanes]
            for lane in range(lanes):
                pixel = lane * block[1] + x
                if lane * block[1] < width:  # what other lanes compute is not kept
                    inside = 0 <= pixel < width and 0 <= y < block[0]
                    assert read[lane] == (1000 * y + pixel if inside else -1)


@given(seed=seeds)
@settings(deadline=None, print_blob=True)
def test_layouts_are_chosen_at_the_least_cost_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = rng.integers(1, 4, rng.integers(1, 7)).tolist()
    costs = [rng.integers(0, 20, count).astype(float) for count in ways]
    edges = []
    for _ in range(int(rng.integers(0, 9))):
        count = min(int(rng.integers(2, 4)), len(ways))
        scope = tuple(rng.choice(len(ways), count, replace=False).tolist())
        edges.append((scope, rng.integers(0, 20, [ways[node] for node in scope]).astype(float)))

    def total(chosen: Any) -> float:
        nodes = sum(cost[way] for cost, way in zip(costs, chosen, strict=True))
        joint = sum(table[tuple(chosen[node] for node in scope)] for scope, table in edges)
        return float(nodes + joint)

    best = min(total(chosen) for chosen in itertools.product(*map(range, ways)))
    assert total(solve(costs, edges)) == best


def test_windows_of_strided_layers_lie_in_their_producers_blocks() -> None:
    plane = window_shape([28, 28], [3, 3], [2, 2], [1] * 4, [1, 1])
    assert plane == [14, 14]
    network = Network(noise(0, 1, 8, 28, 28))
    weight = noise(1, 64, 8, 3, 3), noise(2, 8, 64, 3, 3)

    def build(x: Any) -> Any:
        x = ConvOp.build(x, network.parameter(weight[0]), padding=[1] * 4).result
        return ConvOp.build(x, network.parameter(weight[1]), padding=[1] * 4, strides=[2, 2]).result

    first, second = layouts(network.build(build), 16, 32)
    assert first is not None and second is not None
    assert first.grid == second.grid
    assert first.block == (2 * second.block[0], 2 * second.block[1])


@thorough
@given(
    seed=seeds,
    sizes=st.tuples(*[st.integers(1, 40)] * 3),
    matrices=st.integers(0, 3),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 2),
)
def test_a_product_of_matrices_of_any_size(
    seed: int, sizes: tuple[int, int, int], matrices: int, vectors: tuple[int, int], threads: int
) -> None:
    rows, inner, columns = sizes
    batch = [matrices] if matrices else []
    left, right = noise(seed, *batch, rows, inner), noise(seed + 1, *batch, inner, columns)
    network = Network(left, right)

    def build(a: Any, b: Any) -> Any:
        start = filled([*batch, rows, columns], ir.F32Type.get(), 0)
        product = linalg.batch_matmul if matrices else linalg.matmul
        return product(a, b, outs=[start])

    check(network.build(build), [left, right], *vectors, threads)


@pytest.mark.parametrize("vectors", VECTORS)
def test_a_pruned_weight_meets_no_infinity_and_nan_stays_nan(vectors: tuple[int, int]) -> None:
    weight = np.zeros((8, 8, 3, 3), np.float32)
    weight[:, ::2, 1, 1] = 1  # the centre of every other channel; all else is pruned
    x = np.ones((1, 8, 16, 16), np.float32)
    x[0, 0, 5, 5], x[0, 2, 9, 9], x[0, 1] = np.inf, np.nan, np.inf
    network = Network(x)

    def build(value: Any) -> Any:
        y = ConvOp.build(
            value, network.parameter(weight), padding=[1] * 4, activation=activation("relu")
        )
        return MaxPoolOp.build(y.result, kernel_size=[2, 2], strides=[2, 2]).result

    program = network.build(build)
    assert all(layout is not None for layout in layouts(program, *vectors))
    (y,) = compiled(program, *vectors).run([x])
    expected = np.full((1, 8, 8, 8), 4, np.float32)
    expected[:, :, 2, 2], expected[:, :, 4, 4] = np.inf, np.nan
    np.testing.assert_array_equal(y, expected)
