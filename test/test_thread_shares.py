"""What threads share: filters, or tiles with all filters; and that each part is computed once."""

from __future__ import annotations

import contextlib
import dataclasses
import unittest.mock
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from native import convolution, noise
from test_input_stationary import pruned, small_groups
from test_lane_blocks import VECTORS, check, seeds, thorough
from torch_mlir import ir

from pattern_mlir.cost import Tile, Tiling
from pattern_mlir.dialects import create_context, i64_array
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes import convert_pattern_to_vector, thread_shares
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel
from pattern_mlir.passes.lane_operations import LaneOperation
from pattern_mlir.passes.thread_shares import ThreadShares, filter_groups, tile_parts
from pattern_mlir.patterns import Library
from pattern_mlir.processors import AVX512

TILES: tuple[Tile, ...] = (*((3 * row, 0, 3, 7) for row in range(9)), (27, 0, 1, 7))
"""Ten tiles of a block of 28x7, of which the last has a third of the others' pixels."""


@thorough
@given(
    seed=seeds,
    filters=st.integers(1, 12),
    channels=st.integers(5, 12),
    strides=st.sampled_from([(1, 1), (2, 2), (1, 2)]),
    images=st.integers(1, 2),
    plane=st.tuples(st.integers(8, 30), st.integers(8, 30)),
    pool=st.booleans(),
    sums_wait=st.booleans(),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(2, 4),
    chunk=st.integers(0, 2),
)
def test_threads_may_share_tiles(
    seed: int,
    filters: int,
    channels: int,
    strides: tuple[int, int],
    images: int,
    plane: tuple[int, int],
    pool: bool,
    sums_wait: bool,
    vectors: tuple[int, int],
    threads: int,
    chunk: int,
) -> None:
    weight = pruned(seed, filters, channels)
    x = noise(seed, images, channels, *plane)
    program, inputs = convolution(seed, x, weight, residual=not pool, pool=pool, strides=strides)
    taken = []

    def parts(*arguments: Any) -> int:
        taken.append(tile_parts(*arguments))
        return taken[-1]

    with (
        small_groups() if sums_wait else contextlib.nullcontext(),
        unittest.mock.patch.object(thread_shares, "TILES_A_THREAD", 0),
        unittest.mock.patch.object(convert_pattern_to_vector, "tile_parts", parts),
    ):
        check(program, inputs, *vectors, threads, chunk)
    assume(any(taken))


def described(**changes: Any) -> LaneOperation:
    """Return a convolution of 64 channels at 56x56 for two threads, with ``changes``."""
    own = LaneOperation(
        kind=Kind.CONVOLVE,
        library=Library((3, 3), ((0, 1, 3, 4), (1, 2, 4, 5))),
        images=1,
        channels=64,
        filters=64,
        input_plane=(56, 56),
        sums_plane=(56, 56),
        result_plane=(56, 56),
        shared_filters=1,
        kernels=64 * 64 // 4,
        plain_cycles=1.0,
        threads=2,
    )
    return dataclasses.replace(own, **changes)


def test_threads_share_tiles_where_there_are_enough_of_them_and_weights_are_small() -> None:
    tiling = Tiling(TILES, 64, 1.0, 1)
    assert tile_parts(described(), tiling, AVX512) == 2
    assert (
        tile_parts(described(filters=4), dataclasses.replace(tiling, filter_block=4), AVX512) == 1
    )
    assert tile_parts(described(threads=1), tiling, AVX512) == 2
    assert tile_parts(described(threads=6), tiling, AVX512) == 0
    assert tile_parts(described(kernels=64 * 64 * 16), tiling, AVX512) == 0
    assert tile_parts(described(channels=3), tiling, AVX512) == 0
    assert tile_parts(described(groups=64), tiling, AVX512) == 0


@pytest.mark.parametrize(("count", "parts"), [(1, 0), (2, 1), (3, 0), (7, 1), (8, 1)])
def test_groups_of_filters_stay_whole_where_tiles_are_even_shares(count: int, parts: int) -> None:
    tiling = Tiling(tuple((row, 0, 1, 7) for row in range(count)), 64, 1.0, 1, group=64)
    assert tile_parts(described(), tiling, AVX512) == parts


def kernel(**changes: Any) -> LaneKernel:
    """Return the kernel of `described` on `TILES`, with ``changes``."""
    layout = LaneLayout((2, 8), (28, 7), (1, 1, 1, 1))
    own = LaneKernel(Kind.CONVOLVE, 1, 64, 64, layout, layout, (56, 56), TILES)
    return dataclasses.replace(own, **changes)


WEIGHTS = np.repeat([34, 30], [30, 34])
"""Of 64 filters; those of the first 30 are as many as those of the others."""


LAYER = "layer1.0.conv1"


def shares(own: LaneKernel, *filters: int) -> ThreadShares | None:
    """Return what threads compute of a kernel whose filters are split at ``filters``."""
    parameter = SimpleNamespace(parameter_name=f"{LAYER}.weight")
    with create_context(), ir.Location.unknown():
        op = SimpleNamespace(
            attributes={"filter_boundaries": i64_array(list(filters))},
            weight=SimpleNamespace(owner=SimpleNamespace(opview=parameter)),
        )
        return thread_shares.thread_shares(op, own, WEIGHTS)


def test_threads_that_share_filters_have_those_of_their_boundaries() -> None:
    pixels = 9 * 21 + 7
    assert shares(kernel(), 0, 30, 64) == ThreadShares(
        LAYER, (0, 30, 64), (1020 * pixels, 1020 * pixels)
    )
    assert shares(kernel(block=4), 0, 32, 64) == ThreadShares(
        LAYER, (0, 8, 16), (1080 * pixels, 960 * pixels)
    )
    assert shares(kernel(block=4), 0, 30, 64) is None
    assert shares(kernel(groups=4, group=20), 0, 30, 64) == ThreadShares(
        LAYER, (0, 2, 4), (1020 * pixels, 1020 * pixels)
    )
    assert shares(kernel(images=2), 0, 64, 64) == ThreadShares(
        LAYER, (0, 64, 64), (4080 * pixels, 0)
    )


def test_shares_of_tiles_have_equally_many_multiplications() -> None:
    # The smaller tile is the last; of two parts of a tile the first has more weights.
    assert shares(kernel(tile_parts=1), 0, 30, 64) == ThreadShares(
        LAYER, (0, 5, 10), (2040 * 105, 2040 * 91)
    )
    first, second = 30 * 34 + 2 * 30, 32 * 30
    assert shares(kernel(tile_parts=2), 0, 30, 64) == ThreadShares(
        LAYER, (0, 10, 20), ((first + second) * 105, (first + second) * 91)
    )
    tall: tuple[Tile, ...] = ((0, 0, 20, 7), (20, 0, 8, 7))
    assert shares(kernel(tile_parts=2, tiles=tall), 0, 30, 64) == ThreadShares(
        LAYER, (0, 2, 4), (2040 * 140, 2040 * 56)
    )


def test_threads_that_share_tiles_have_all_filters_in_one_row_of_groups() -> None:
    with create_context(), ir.Location.unknown():
        op = SimpleNamespace(attributes={"filter_boundaries": i64_array([0, 30, 64])})
        assert filter_groups(op, kernel(), 64).tolist() == [0, 30, 64]
        assert filter_groups(op, kernel(tile_parts=1), 64).tolist() == [0, 64]
