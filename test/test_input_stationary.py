"""Kernels with inputs in registers and sums in memory: what they compute, and when they pay."""

from __future__ import annotations

import contextlib
import dataclasses
import unittest.mock
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from native import Array, convolution, noise
from test_lane_blocks import VECTORS, check, seeds, thorough
from torch import nn
from torch_models import exported, values

import pattern_mlir
from harness.assembly import hot_loops
from pattern_mlir import codegen
from pattern_mlir.compiler import lower
from pattern_mlir.cost import Machine, Products, Tiling, choose_tiling
from pattern_mlir.dialects import ACTIVATIONS
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.input_stationary import choose_input_tiling
from pattern_mlir.passes.fkw_tables import channel_tables, group_bounds
from pattern_mlir.passes.lane_operations import LaneOperation
from pattern_mlir.patterns import Library, pack
from pattern_mlir.pipelines import target_levels
from pattern_mlir.processors import AVX512, DEFAULT, PROCESSORS
from pattern_mlir.targets import Target, target

LIBRARY = Library((3, 3), ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5)))


def pruned(seed: int, filters: int, channels: int) -> Array:
    """Return a weight whose kernels follow `LIBRARY` or are removed, [filters, channels, 3, 3]."""
    rng = np.random.default_rng(seed)
    masks = np.concatenate([LIBRARY.masks, np.zeros((3, 9), bool)])
    chosen = masks[rng.integers(len(masks), size=(filters, channels))]
    return (noise(seed, filters, channels, 9) * chosen).reshape(filters, channels, 3, 3)


@contextlib.contextmanager
def small_groups() -> Iterator[None]:
    """Let groups have as few filters as they like."""
    choose_input_tiling.cache_clear()
    with unittest.mock.patch("pattern_mlir.input_stationary.LEAST_GROUP", 1):
        yield
    choose_input_tiling.cache_clear()


@thorough
@given(
    seed=seeds,
    filters=st.integers(1, 12),
    channels=st.integers(1, 12),
    group=st.integers(1, 12),
    strides=st.sampled_from([(1, 1), (2, 2), (2, 1), (3, 2)]),
    padding=st.sampled_from([[1] * 4, [0] * 4, [1, 0, 0, 1]]),
    images=st.integers(1, 2),
    plane=st.tuples(st.integers(4, 20), st.integers(4, 20)),
    residual=st.booleans(),
    pool=st.booleans(),
    chunk=st.integers(0, 12),
    name=st.sampled_from([None, *ACTIVATIONS]),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 3),
)
def test_inputs_may_stay_in_registers_while_sums_wait_in_memory(
    seed: int,
    filters: int,
    channels: int,
    group: int,
    strides: tuple[int, int],
    padding: list[int],
    images: int,
    plane: tuple[int, int],
    residual: bool,
    pool: bool,
    chunk: int,
    name: str | None,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    weight = pruned(seed, filters, channels)
    x = noise(seed, images, channels, *plane)
    shape = conv_shape(list(x.shape), list(weight.shape), list(strides), padding, [1, 1])
    program, inputs = convolution(
        seed,
        x,
        weight,
        residual=residual,
        name=name,
        pool=pool and min(shape[2:]) > 1,
        strides=strides,
        padding=padding,
    )
    taken = []

    def inputs_stay(self: LaneOperation, machine: Machine, block: Any, rows: bool, *_: Any) -> Any:
        products = Products(self.taps, self.strides, origin=(-self.padding[0], -self.padding[1]))
        found = self._input_tiling(machine, block, products, rows)
        if found is None:  # the weight has one pattern or is dense
            return tiling(self, machine, block, rows)
        taken.append(found)
        return dataclasses.replace(found, group=group)

    tiling = LaneOperation.tiling
    convert = "pattern_mlir.passes.convert_pattern_to_vector"
    with (
        small_groups(),
        unittest.mock.patch.object(LaneOperation, "tiling", inputs_stay),
        unittest.mock.patch.object(LaneOperation, "row_ways", lambda *_: (False,)),
        unittest.mock.patch(f"{convert}._chunk", lambda *_: min(chunk, channels)),
    ):
        check(program, inputs, *vectors, threads)
    assume(taken)


@given(seed=seeds, filters=st.integers(1, 12), channels=st.integers(1, 9), data=st.data())
def test_tables_hold_each_kernel_once_in_its_channel_and_group(
    seed: int, filters: int, channels: int, data: st.DataObject
) -> None:
    weight = pruned(seed, filters, channels)
    cuts = data.draw(st.lists(st.integers(0, filters), max_size=3))
    bounds = np.array([0, *sorted(cuts), filters])
    tables = channel_tables(pack(weight, LIBRARY), channels, bounds)
    unpacked = np.zeros((filters, channels, 9), np.float32)
    counts = tables["counts"].reshape(len(bounds) - 1, channels, -1)
    kernel, tap = 0, 0
    for group, (first, *starts) in enumerate(tables["starts"][:-1]):
        assert [first, *starts] == [bounds[group], kernel, tap]
        for channel, row in enumerate(counts[group]):
            for taps, count in zip(LIBRARY.patterns, row, strict=True):
                for _ in range(count):
                    own = unpacked[first + tables["channels"][kernel], channel]
                    own[list(taps)] = tables["taps"][tap : tap + len(taps)]
                    kernel, tap = kernel + 1, tap + len(taps)
    assert tables["starts"][-1].tolist() == [filters, kernel, tap]
    np.testing.assert_array_equal(unpacked.reshape(weight.shape), weight)


@given(
    cuts=st.lists(st.integers(0, 60), max_size=3),
    filters=st.integers(60, 90),
    most=st.integers(1, 40),
)
def test_threads_have_equally_many_groups_that_are_no_larger_than_asked_for(
    cuts: list[int], filters: int, most: int
) -> None:
    threads = [0, *sorted(cuts), filters]
    bounds = group_bounds(threads, most)
    groups = len(bounds) - 1
    assert len(bounds) == groups + 1 and groups % (len(threads) - 1) == 0
    assert bounds[:: groups // (len(threads) - 1)].tolist() == threads
    assert np.diff(bounds).min() >= 0 and np.diff(bounds).max() <= most


def tilings(
    machine: Machine, strides: int, channels: int, filters: int, block: tuple[int, int]
) -> tuple[Tiling, Tiling]:
    """Return the tilings with sums and with inputs in registers, of a layer 3.6 times smaller."""
    patterns = tuple(
        tuple((tap // 3, tap % 3) for tap in taps)
        for taps in ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8)) * 2
    )
    products = Products(patterns, (strides, strides), origin=(-1, -1))
    kernels, planes = channels / 3.6, channels / filters
    sums = choose_tiling(machine, products, block, kernels, 1, channels, 8, planes)
    inputs = choose_input_tiling(machine, products, block, kernels, 1, channels, filters, planes)
    assert inputs is not None
    return sums, inputs


@pytest.mark.parametrize("machine", [AVX512, PROCESSORS["neoverse-n1"].machine])
def test_inputs_stay_where_strides_leave_each_to_one_multiplication(machine: Machine) -> None:
    sums, inputs = tilings(machine, 2, 256, 512, (2, 2))
    assert inputs.filter_cycles < sums.filter_cycles
    sums, inputs = tilings(machine, 1, 256, 256, (7, 2))
    assert inputs.filter_cycles > sums.filter_cycles


def test_a_group_is_as_large_as_pays_for_its_sums_in_the_nearest_caches() -> None:
    _, few = tilings(AVX512, 2, 64, 128, (7, 7))
    assert few.group == 128
    small = dataclasses.replace(AVX512, cache_rates=((8 << 10, 64.0), (1 << 20, 4.0), (1e9, 2.0)))
    _, many = tilings(small, 2, 64, 128, (7, 7))
    assert many.group < 128


def test_tiles_are_as_large_as_registers_for_their_inputs() -> None:
    _, inputs = tilings(AVX512, 2, 64, 128, (7, 7))
    rows, columns = max(inputs.tiles, key=lambda tile: tile[2] * tile[3])[2:]
    assert (rows, columns) == (1, 7)
    few = dataclasses.replace(AVX512, registers=16)
    _, inputs = tilings(few, 2, 64, 128, (7, 7))
    assert max(height * width for _, _, height, width in inputs.tiles) == 4


@pytest.mark.skipif(not target("host").triple.startswith("x86_64"), reason="reads code for AVX-512")
@pytest.mark.parametrize("channels", [64, 512])
def test_a_kernel_loads_and_stores_each_sum_once_for_all_taps(channels: int) -> None:
    conv = nn.Conv2d(channels, 64, 3, stride=2, padding=1)
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(pruned(0, 64, channels)))
    program = pattern_mlir.import_program(exported(conv, values(1, channels, 28, 28)))
    machine = target("host", DEFAULT)
    assert isinstance(machine, Target)
    for level in target_levels(machine):
        lower(program, level)
    loops = [own for own in hot_loops(codegen.assembly(program, machine)) if "conv" in own.function]
    assert loops
    for loop in loops:
        rows, columns = (int(size) for size in loop.function.split("_")[-1].split("x"))
        assert loop.multiplications in (4 * rows * columns, 2 * rows * columns)
        assert loop.loads == rows * columns
        assert loop.stack <= 1
