"""Changes of layout: what they copy, how vectors are fetched or made of others, what that costs."""

from __future__ import annotations

import dataclasses
import itertools
import math
import unittest.mock
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from native import Network, noise
from test_lane_blocks import VECTORS, check, compiled, seeds, thorough
from torch_mlir import ir

from pattern_mlir.dialects import ConvOp
from pattern_mlir.dialects.layout import RelayoutOp
from pattern_mlir.layouts import LaneLayout, covering, grids, places, relayout_table
from pattern_mlir.passes.lane_shuffles import MOST_SHUFFLES, shuffles
from pattern_mlir.passes.pattern_assign_layouts import for_two_readers
from pattern_mlir.passes.relayout_kernels import RelayoutBuilder, vector_runs
from pattern_mlir.processors import AVX512
from pattern_mlir.relayout_cost import MOST_SOURCES, change_cycles, relayout_cycles, sources

blocks = st.builds(
    LaneLayout,
    grid=st.sampled_from([(1, 16), (2, 8), (4, 4), (8, 2), (16, 1)]),
    block=st.tuples(st.integers(9, 10), st.integers(11, 12)),
    halo=st.tuples(*[st.integers(0, 2)] * 4),
    fill=st.sampled_from([0.0, -np.inf]),
)


@given(
    before=st.none() | blocks,
    after=st.none() | blocks,
    plane=st.tuples(st.integers(1, 9), st.integers(1, 11)),
)
def test_a_change_of_layout_finds_every_pixel(
    before: LaneLayout | None, after: LaneLayout | None, plane: tuple[int, int]
) -> None:
    source, target = places(before, plane), places(after, plane)
    table = relayout_table(before, after, plane)
    assert set(source) - {-1} == set(range(plane[0] * plane[1]))
    np.testing.assert_array_equal(np.where(table < 0, -1, source[table]), target)
    if after is not None:
        memory = target[: after.height * after.pitch * 16].reshape(after.height, after.pitch, 16)
        top, left, _, _ = after.halo
        for y, x in itertools.product(range(after.height), range(after.pitch)):
            rows, columns = np.divmod(np.arange(16), after.grid[1])
            row, column = rows * after.block[0] + y - top, columns * after.block[1] + x - left
            inside = (row >= 0) & (row < plane[0]) & (column >= 0) & (column < plane[1])
            np.testing.assert_array_equal(
                memory[y, x], np.where(inside, row * plane[1] + column, -1)
            )


@given(
    after=blocks,
    plane=st.tuples(st.integers(1, 40), st.integers(1, 50)),
    lanes=st.sampled_from([4, 16]),
)
def test_a_run_of_vectors_takes_whole_vectors_of_the_source(
    after: LaneLayout, plane: tuple[int, int], lanes: int
) -> None:
    grid = {4: (2, 2), 16: after.grid}[lanes]
    block = -(-plane[0] // grid[0]), -(-plane[1] // grid[1])
    table = relayout_table(None, dataclasses.replace(after, grid=grid, block=block), plane)
    size = plane[0] * plane[1]
    runs, singles = vector_runs(table, lanes, size)
    vectors = table.reshape(-1, lanes)
    covered = set()
    for run in runs:
        numbers = range(run.first, run.first + lanes)
        covered |= set(numbers)
        for lane, (start, present) in enumerate(zip(run.starts, run.present, strict=True)):
            assert 0 <= start <= size - lanes
            taken = [start + n if present >> n & 1 else -1 for n in range(lanes)]
            assert vectors[list(numbers), lane].tolist() == taken
    assert covered.isdisjoint(singles)
    assert covered | set(singles) == set(range(len(vectors)))


def test_runs_reach_over_the_halo() -> None:
    layout = LaneLayout((4, 4), (56, 56), (3, 3, 3, 3))
    table = relayout_table(None, layout, (224, 224))
    runs, singles = vector_runs(table, 16, 224 * 224)
    # Four of a row of 62; the outermost elements of the plane lie in no whole vector around them.
    assert len(runs) == pytest.approx(4 * 62, abs=8)
    assert len(singles) < 2 * 62


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("plane", [(70, 81), (66, 130)], ids=str)
def test_wide_planes_change_their_layout_in_runs(
    plane: tuple[int, int], vectors: tuple[int, int]
) -> None:
    network = Network(noise(0, 2, 3, *plane))
    weight = noise(1, 4, 3, 3, 3)
    program = network.build(
        lambda x: ConvOp.build(x, network.parameter(weight), padding=[1] * 4).result
    )
    with unittest.mock.patch.object(
        RelayoutBuilder, "_run", autospec=True, side_effect=RelayoutBuilder._run
    ) as run:
        check(program, list(network.inputs), *vectors, threads=2)
    assert run.called


def test_two_readers_that_need_the_same_layout_share_a_copy() -> None:
    wide, high = ((1, 4), (8, 2), False), ((4, 1), (2, 8), False)
    one, other = np.array([[0, 3], [5, 5]]), np.array([[0, 3, 5], [5, 5, 0]])
    costs = for_two_readers(one, other, [wide, high], [wide, high, None])
    assert costs.tolist() == [[[0, 3, 5], [3, 3, 8]], [[5, 10, 5], [10, 5, 5]]]


@st.composite
def two_layouts(draw: st.DrawFn) -> tuple[LaneLayout, LaneLayout, tuple[int, int]]:
    """Two layouts of a plane, and its height and width."""
    plane = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    lanes = draw(st.sampled_from([4, 16]))

    def one() -> LaneLayout:
        grid = draw(st.sampled_from(grids(lanes)))
        multiple = draw(st.integers(1, 2))
        block = [covering(*axis, multiple) for axis in zip(grid, plane, strict=True)]
        halo = draw(st.tuples(*[st.integers(0, 2)] * 4))
        return LaneLayout(grid, (block[0], block[1]), halo, fill=draw(st.sampled_from([0.0, -1.0])))

    return one(), one(), plane


@given(two_layouts())
def test_vectors_made_of_others_hold_what_the_table_says(
    layouts: tuple[LaneLayout, LaneLayout, tuple[int, int]],
) -> None:
    before, after, plane = layouts
    lanes = before.lanes
    table = relayout_table(before, after, plane)
    memory = np.arange(before.plane * lanes)
    made = np.full(len(table), -2)
    found, numbers, gathered = shuffles(table, lanes)
    assert len(found) <= MOST_SHUFFLES
    at = 0
    for shuffle in found:
        assert shuffle.sources <= MOST_SOURCES
        for _ in range(shuffle.count):
            place, *froms = numbers[at : at + 1 + shuffle.sources]
            at += 1 + shuffle.sources
            made[place : place + lanes] = [
                memory[froms[pick[0]] + pick[1]] if pick else -1 for pick in shuffle.picks
            ]
    assert at == len(numbers)
    for number in gathered:
        place = number * lanes
        made[place : place + lanes] = table[place : place + lanes]
    np.testing.assert_array_equal(made, table)


@given(two_layouts())
def test_a_vector_of_a_block_is_made_of_as_many_others_as_the_model_says(
    layouts: tuple[LaneLayout, LaneLayout, tuple[int, int]],
) -> None:
    plane = layouts[2]
    first, second = (dataclasses.replace(one, halo=(0, 0, 0, 0)) for one in layouts[:2])
    held = relayout_table(first, second, plane).reshape(-1, first.lanes)
    most = max(len({at // first.lanes for at in row if at >= 0}) for row in held.tolist())
    assert most <= sources(plane, first.blocks, second.blocks)


@thorough
@given(
    seed=seeds,
    channels=st.integers(1, 3),
    plane=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    ways=st.lists(st.sampled_from(range(5)), min_size=2, max_size=2, unique=True),
    stride=st.integers(1, 2),
    vectors=st.sampled_from(VECTORS),
    threads=st.integers(1, 2),
)
def test_lanes_are_shuffled_between_layers_in_different_blocks(
    seed: int,
    channels: int,
    plane: tuple[int, int],
    ways: list[int],
    stride: int,
    vectors: tuple[int, int],
    threads: int,
) -> None:
    network = Network(noise(seed, 2, channels, *plane))
    weights = [noise(seed + n, channels, channels, 3, 3) for n in (1, 2)]

    def build(x: Any) -> Any:
        for weight, strides in zip(weights, ((1, 1), (stride, stride)), strict=True):
            x = ConvOp.build(x, network.parameter(weight), padding=[1] * 4, strides=strides).result
        return x

    grid_of = grids(vectors[0])
    chosen = [grid_of[way % len(grid_of)] for way in ways]
    nodes: list[Any] = []

    def known(own: Any) -> Iterator[Any]:
        nodes[:] = own
        return iter([])

    def one_grid_each(*_: Any) -> list[int]:
        found = []
        for node, grid in zip(nodes, chosen, strict=True):
            ours = (n for n, own in enumerate(node.ways) if own and own[0] == grid and not own[2])
            found.append(next(ours))
        return found

    assign = "pattern_mlir.passes.pattern_assign_layouts"
    with (
        unittest.mock.patch(f"{assign}._edges", known),
        unittest.mock.patch(f"{assign}.solve", one_grid_each),
    ):
        check(network.build(build), list(network.inputs), *vectors, threads)


@thorough
@given(seed=seeds, layouts=two_layouts(), element=st.sampled_from(["f16", "f32"]))
def test_a_tensor_goes_through_two_layouts_and_back(
    seed: int, layouts: tuple[LaneLayout, LaneLayout, tuple[int, int]], element: str
) -> None:
    first, second, plane = layouts
    x = noise(seed, 2, 3, *plane).astype(np.float16).astype(np.float32)

    def build(value: Any) -> Any:
        type_ = {"f16": ir.F16Type, "f32": ir.F32Type}[element].get()
        for layout in (first, second):
            value = RelayoutOp.build(value, layout, type_).result
        return RelayoutOp.build(value, None, ir.F32Type.get()).result

    (y,) = compiled(Network(x).build(build), first.lanes, 32).run([x])
    np.testing.assert_array_equal(y, x)


def test_a_change_between_lane_blocks_costs_less_than_one_from_plain() -> None:
    plane, planes = (56, 56), 16
    wide, square = ((2, 8), (28, 7), False), ((4, 4), (14, 14), False)
    elements = planes * math.prod(plane)
    assert change_cycles(AVX512, planes, plane, wide, wide) == 0
    fetching = relayout_cycles(AVX512, elements)
    assert change_cycles(AVX512, planes, plane, None, square) == fetching
    assert sources(plane, wide, square) == 2
    assert change_cycles(AVX512, planes, plane, wide, square) < fetching / 3
    # A vector of 16 blocks of 56x4 is made of one row of blocks, and of every other column there.
    assert sources(plane, square, ((1, 16), (56, 4), False)) == 7


def test_no_change_costs_more_than_fetching_element_by_element() -> None:
    machine = dataclasses.replace(AVX512, lanes=4)
    upright, square = ((4, 1), (4, 14), False), ((2, 2), (7, 7), False)
    assert sources((14, 14), upright, square) == 4
    fetching = relayout_cycles(machine, 14 * 14)
    assert change_cycles(machine, 1, (14, 14), upright, square) == fetching


def test_vectors_of_other_lengths_are_fetched_element_by_element() -> None:
    long, short = ((4, 4), (1, 1), False), ((2, 2), (2, 2), False)
    assert sources((4, 4), long, short) == 0
    assert change_cycles(AVX512, 1, (4, 4), long, short) == relayout_cycles(AVX512, 16)
