"""Kernels that multiply all taps at once, each in a lane: what they compute, and when they pay."""

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
from native import Network, convolution, noise
from test_input_stationary import LIBRARY, pruned
from test_lane_blocks import VECTORS, check, compiled, seeds, thorough
from test_thread_shares import described
from torch import nn
from torch_models import exported, values

import pattern_mlir
from harness.assembly import hot_loops
from pattern_mlir import codegen
from pattern_mlir.compiler import lower
from pattern_mlir.cost import Machine, Products, choose_tiling
from pattern_mlir.dialects import ACTIVATIONS, ConvOp
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes import convert_pattern_to_vector
from pattern_mlir.passes.fkw_tables import tap_tables
from pattern_mlir.passes.lane_operations import LaneOperation
from pattern_mlir.passes.tap_windows import window, windows_of
from pattern_mlir.patterns import pack
from pattern_mlir.pipelines import target_levels
from pattern_mlir.processors import AVX512, DEFAULT, PROCESSORS
from pattern_mlir.tap_lanes import CHAINS, choose_tap_tiling, taps_a_pixel
from pattern_mlir.targets import Target, target

PATTERNS = tuple(tuple((tap // 3, tap % 3) for tap in taps) for taps in LIBRARY.patterns)


@contextlib.contextmanager
def taps_in_lanes() -> Iterator[unittest.mock.Mock]:
    """Let lanes hold taps wherever they can; yield what is called for each such layer."""

    def tap_tiling(self: LaneOperation, machine: Machine, block: Any, rows: bool, *_: Any) -> Any:
        found = self._tap_tiling(machine, block, Products(self.taps, self.strides), rows)
        return (
            dataclasses.replace(found, cycles=0.0) if found else tiling(self, machine, block, rows)
        )

    tiling = LaneOperation.tiling
    windows = unittest.mock.Mock(wraps=windows_of)
    with (
        unittest.mock.patch.object(LaneOperation, "tiling", tap_tiling),
        unittest.mock.patch.object(convert_pattern_to_vector, "windows_of", windows),
    ):
        yield windows


@thorough
@given(
    seed=seeds,
    filters=st.integers(3, 12),
    channels=st.integers(3, 12),
    padding=st.sampled_from([(1, 1, 1, 1), (2, 1, 0, 1), (1, 0, 1, 2)]),
    dilation=st.integers(1, 2),
    images=st.integers(1, 2),
    plane=st.sampled_from([(2, 2), (1, 1), (1, 2), (2, 1), (3, 1), (1, 4)]),
    residual=st.booleans(),
    name=st.sampled_from([None, *ACTIVATIONS]),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 3),
)
def test_lanes_may_hold_the_taps_of_each_pixel(
    seed: int,
    filters: int,
    channels: int,
    padding: tuple[int, ...],
    dilation: int,
    images: int,
    plane: tuple[int, int],
    residual: bool,
    name: str | None,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    weight = pruned(seed, filters, channels)
    x = noise(seed, images, channels, *plane)
    program, inputs = convolution(
        seed,
        x,
        weight,
        residual=residual,
        name=name,
        padding=[dilation * own for own in padding],
        dilations=[dilation, dilation],
    )
    with taps_in_lanes() as windows:
        check(program, inputs, *vectors, threads)
    assume(windows.called)


@given(seed=seeds, filters=st.integers(1, 12), channels=st.integers(1, 9))
def test_tables_list_each_kernel_once_and_fill_up_with_zeros(
    seed: int, filters: int, channels: int
) -> None:
    weight = pruned(seed, filters, channels)
    tables = tap_tables(pack(weight, LIBRARY))
    width = taps_a_pixel(LIBRARY.patterns)
    unpacked = np.zeros((filters, channels, 9), np.float32)
    kernel = 0
    for filter_, (count,) in enumerate(tables["counts"]):
        assert tables["starts"][filter_].tolist() == [kernel, kernel * width]
        assert count % CHAINS == 0
        for number in tables["channels"][kernel : kernel + count]:
            channel, pattern = divmod(int(number), len(LIBRARY.patterns))
            own = tables["taps"][kernel * width :][:width]
            taps = LIBRARY.patterns[pattern] if channel < channels else ()
            if taps:
                assert not unpacked[filter_, channel].any()
                unpacked[filter_, channel, list(taps)] = own[: len(taps)]
            assert not own[len(taps) :].any()
            kernel += 1
    assert kernel == len(tables["channels"])
    np.testing.assert_array_equal(unpacked.reshape(weight.shape), weight)


def test_zeros_that_fill_up_a_list_meet_no_infinity() -> None:
    weight = np.abs(pruned(0, 8, 4))
    x = np.zeros((1, 4, 2, 2), np.float32)
    x[0, 0, 1, 1] = np.inf
    network = Network(x)
    program = network.build(
        lambda x: ConvOp.build(x, network.parameter(weight), padding=[1] * 4).result
    )
    with taps_in_lanes() as windows:
        (y,) = compiled(program, 16, 32).run([x])
    assert windows.called
    seen_by = weight[:, 0, 2:0:-1, 2:0:-1]
    expected = np.where(seen_by > 0, np.inf, 0.0)[None].astype(np.float32)
    np.testing.assert_array_equal(y, expected)


def test_a_window_has_what_each_tap_of_each_pixel_sees() -> None:
    layout = LaneLayout((2, 2), (1, 1))
    first, *_, last = (window(layout, taps, (-1, -1), 4) for taps in PATTERNS)
    # Taps above and left, above, left, own: of the pixel at the bottom right all are in the plane.
    assert first[12:] == (0, 1, 2, 3)
    assert first[:4] == (None, None, None, 0)
    # A pattern of two taps, own and right, leaves two lanes of each pixel empty.
    assert last == (0, 1, None, None, 1, None, None, None, 2, 3, None, None, 3, None, None, None)


def filter_cycles(machine: Machine, plane: int, channels: int) -> tuple[float, float]:
    """Return what a filter of as many ``channels`` costs with sums of pixels, and of taps."""
    patterns = tuple(PATTERNS[number % 3] for number in range(8))
    products = Products(patterns, origin=(-1, -1))
    kernels = channels / 3.6
    lanes = [own for own in machine.vectors() if own.lanes >= plane * plane]
    sums = (choose_tiling(own, products, (1, 1), kernels, 1, channels, 8, 1.0) for own in lanes)
    taps = (choose_tap_tiling(own, products, kernels, channels, 1.0) for own in lanes)
    return min(own.filter_cycles for own in sums), min(own.filter_cycles for own in taps)


@pytest.mark.parametrize("machine", [AVX512, PROCESSORS["x86-64-v3"].machine])
def test_taps_lie_in_lanes_where_pixels_leave_lanes_empty(machine: Machine) -> None:
    sums, taps = filter_cycles(machine, 2, 512)
    assert taps < sums


def test_windows_of_long_vectors_outgrow_what_they_save() -> None:
    sums, taps = filter_cycles(AVX512, 4, 512)
    assert sums < taps


def test_weights_from_behind_the_second_cache_are_predicted_beside_windows() -> None:
    plane = (2, 2)
    own = described(
        library=LIBRARY,
        channels=512,
        filters=512,
        input_plane=plane,
        sums_plane=plane,
        result_plane=plane,
        kernels=512 * 512 // 4,
        padding=(1, 1),
    )
    machine = AVX512.with_lanes(4)
    (_, near), far = machine.stream_rates
    large = dataclasses.replace(machine, stream_rates=((1 << 40, near), far))
    assert own.tiling(machine, (1, 1), False).taps_in_lanes
    weights = own.kernels * (4 * 4 + 2)
    beside = machine.fetch_cycles(weights + 4 * 2 * 512 * 4)
    assert beside > 0
    longer, shorter = (own.predicted(model, (1, 1), False) for model in (machine, large))
    assert longer - shorter == pytest.approx(beside)


@pytest.mark.skipif(not target("host").triple.startswith("x86_64"), reason="reads code for AVX-512")
def test_a_kernel_is_one_multiplication_and_one_load_of_weights() -> None:
    conv = nn.Conv2d(256, 64, 3, padding=1)
    with torch.no_grad():
        conv.weight.copy_(torch.from_numpy(pruned(0, 64, 256)))
    program = pattern_mlir.import_program(exported(conv, values(1, 256, 2, 2)))
    machine = target("host", DEFAULT)
    assert isinstance(machine, Target)
    for level in target_levels(machine):
        lower(program, level)
    (loop,) = (
        own for own in hot_loops(codegen.assembly(program, machine)) if "conv" in own.function
    )
    assert loop.multiplications == CHAINS
    broadcasts = [line for line in loop.body if "vbroadcastf32x4" in line]
    assert len(broadcasts) == CHAINS
    assert len(loop.body) <= 6 * CHAINS
