"""Kernels in lane blocks give what the operations mean, whatever vectors the processor has."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native import Array, Network, activation, noise
from random_networks import random_network, random_weight
from torch_mlir import ir
from torch_mlir.dialects import linalg

from pattern_mlir import codegen, interpret
from pattern_mlir.cost import Machine, choose_tiling
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
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes.base import forward_function, walk
from pattern_mlir.passes.linalg_builders import filled
from pattern_mlir.passes.pattern_assign_layouts import solve
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.pipelines import run, target_levels
from pattern_mlir.program import Program
from pattern_mlir.runtime.jit import Executable
from pattern_mlir.targets import target

VECTORS = [(16, 32), (8, 16), (4, 32)]
"""Lanes and registers of AVX-512, AVX2 and NEON; LLVM splits what this processor has not."""

thorough = settings(max_examples=15, deadline=None, print_blob=True)
seeds = st.integers(0, 2**32 - 1)


def compiled(program: Program, lanes: int, registers: int, threads: int = 1) -> Executable:
    """Compile ``program`` for vectors of ``lanes``; no loop over plain tensors may be left out."""
    machine = dataclasses.replace(target("host"), lanes=lanes, registers=registers)
    for level in target_levels(machine, threads):
        run(program, level.stages)
    code = codegen.object_code(program, machine)
    plan = codegen.layer_plan(program)
    return Executable(code, plan, program.parameters[WEIGHTS], threads)


def layouts(program: Program, lanes: int, registers: int) -> list[LaneLayout | None]:
    """Return the layouts that the operations of ``program`` get."""
    copy = program.clone()
    machine = dataclasses.replace(target("host"), lanes=lanes, registers=registers)
    for level in target_levels(machine):
        run(copy, level.stages)
        if level.name == "layouts":
            break
    names = ("pattern.parameter", "pattern.relayout", "func.func")
    operations = [op for op in walk(copy.module.operation, ir.OpView) if len(op.results) == 1]
    tensors = [op for op in operations if isinstance(op.results[0].type, ir.RankedTensorType)]
    return [layout_of(op.results[0]) for op in tensors if op.operation.name not in names]


def check(
    program: Program, inputs: list[Array], lanes: int, registers: int, threads: int = 1
) -> None:
    """Compare the compiled network with the operations' own meaning in f64."""
    with np.errstate(all="ignore"):
        expected = interpret(program, inputs, dtype=np.float64)
    actual = compiled(program, lanes, registers, threads).run(inputs)
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
    assert layout.plane % 2 == 1 and layout.at(block[0] - 1, block[1] - 1) < layout.plane


@given(seed=seeds)
@settings(deadline=None, print_blob=True)
def test_layouts_are_chosen_at_the_least_cost_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = rng.integers(1, 4, rng.integers(1, 7)).tolist()
    costs = [rng.integers(0, 20, count).astype(float) for count in ways]
    edges = []
    for _ in range(int(rng.integers(0, 9))):
        a, b = (int(n) for n in rng.integers(0, len(ways), 2))
        if a != b:
            edges.append((a, b, rng.integers(0, 20, (ways[a], ways[b])).astype(float)))

    def total(chosen: Any) -> float:
        nodes = sum(cost[way] for cost, way in zip(costs, chosen, strict=True))
        return float(nodes + sum(table[chosen[a], chosen[b]] for a, b, table in edges))

    best = min(total(chosen) for chosen in itertools.product(*map(range, ways)))
    assert total(solve(costs, edges)) == best


@given(
    outputs=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    taps=st.sampled_from([((0, 0),), ((0, 1), (1, 0), (1, 1), (1, 2))]),
    block=st.sampled_from([1, 4]),
    registers=st.sampled_from([16, 32]),
)
def test_tiles_add_up_to_the_block_and_fit_into_registers(
    outputs: tuple[int, int], taps: tuple[tuple[int, int], ...], block: int, registers: int
) -> None:
    machine = Machine(8, registers)
    tiling = choose_tiling(machine, outputs, taps, (1, 1), block, 10.0, 1)
    assert (sum(tiling.rows), sum(tiling.columns)) == outputs
    sums = max(tiling.rows) * max(tiling.columns) * block
    assert sums <= max(block, machine.sums(min(9, len(taps) * block)))


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
