"""A kernel's loads count from two addresses, which leave part of their pairs in reach."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn
from torch_models import exported, values

import pattern_mlir
from harness.assembly import hot_loops
from pattern_mlir import codegen
from pattern_mlir.compiler import lower
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel, sweeps
from pattern_mlir.passes.load_pairs import (
    KERNEL_LOADS,
    REACH,
    SINGLE_REACH,
    choose_loads,
    load_order,
)
from pattern_mlir.pipelines import target_levels
from pattern_mlir.targets import GENERIC, Target, target

CROSS = ((0, 1), (1, 0), (1, 1), (1, 2))


def kernel(block: tuple[int, int], pair_cycles: int) -> LaneKernel:
    layout = LaneLayout((2, 2), block, (1, 1, 1, 1))
    return LaneKernel(
        kind=Kind.CONVOLVE,
        images=1,
        channels=8,
        filters=8,
        source=layout,
        target=layout,
        plane=(2 * block[0], 2 * block[1]),
        tiles=((0, 0, *block),),
        patterns=(CROSS,),
        origin=(-1, -1),
        pair_cycles=pair_cycles,
    )


def test_without_pairs_an_address_lies_at_its_window() -> None:
    loads = choose_loads(kernel((14, 14), pair_cycles=0), (3, 7))
    assert loads.lead == 0 and loads.middle is None


@pytest.mark.parametrize("size", [14, 28])
def test_the_longer_a_pair_takes_the_further_off_lies_the_address(size: int) -> None:
    kernels = [kernel((size, size), pair_cycles) for pair_cycles in (3, 4, 6, 8, 12)]
    found = [choose_loads(own, (3, 7)) for own in kernels]
    leads = [loads.lead for loads in found]
    assert leads == sorted(leads)
    assert leads[0] >= 0 and 0 < leads[-1] <= REACH
    assert all(loads.middle is None for loads in found)


@pytest.mark.parametrize("shape", [(3, 7), (2, 7), (4, 4)])
def test_a_second_address_serves_windows_that_it_reaches(shape: tuple[int, int]) -> None:
    own = kernel((7, 7), pair_cycles=6)
    loads = choose_loads(own, shape)
    assert loads.middle is not None and loads.lead == 0
    (singles,) = loads.singles
    reach = range(loads.middle - SINGLE_REACH + 1, loads.middle + SINGLE_REACH + 1)
    assert singles and all(place in reach for place in singles)
    places = sorted(
        {
            (y + down) * own.source.pitch + x + right
            for y, x in product(*map(range, shape))
            for down, right in CROSS
        }
    )
    rest = [place for place in places if place not in singles]
    spare = 4 * shape[0] * shape[1] - len(places) - KERNEL_LOADS
    assert pairs(rest) == spare // 4 < pairs(places)


def pairs(places: list[int]) -> int:
    """Return how many pairs of neighbours there are, each vector in one at most."""
    left = list(places)
    count = 0
    while left:
        place = left.pop(0)
        if left and left[0] == place + 1:
            left.pop(0)
            count += 1
    return count


def test_what_is_no_convolution_keeps_its_address() -> None:
    own = replace(kernel((14, 14), pair_cycles=6), kind=Kind.MAX_POOL)
    assert choose_loads(own, (3, 7)).lead == 0


def test_of_each_row_the_vectors_that_fewest_sums_need_are_loaded_first() -> None:
    own = kernel((14, 14), pair_cycles=6)
    ((_, uses),) = sweeps(own, CROSS, (4, 6))
    ordered = load_order(own, 0, uses)
    assert list(ordered) == sorted(uses, key=lambda place: (place[0], len(uses[place])))
    assert list(ordered) != list(uses)
    for place, users in ordered.items():
        assert users == sorted(uses[place], reverse=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"pair_cycles": 0},
        {"wraps": (True, False)},
        {"patterns": (tuple(product(range(7), range(7))),)},
    ],
)
def test_other_kernels_load_from_left_to_right(changes: dict[str, Any]) -> None:
    own = replace(kernel((14, 14), pair_cycles=6), **changes)
    for _, uses in sweeps(own, own.patterns[0], (4, 6)):
        assert list(load_order(own, 0, uses).items()) == list(uses.items())


@pytest.mark.parametrize("activation", [nn.Identity(), nn.ReLU()])
def test_the_sums_of_a_tile_of_4x6_stay_in_registers(activation: nn.Module) -> None:
    conv = nn.Conv2d(64, 64, 3, padding=1)
    with torch.no_grad():
        pattern = torch.tensor([[0, 1, 0], [1, 1, 1], [0, 0, 0]])
        random = torch.rand(64, 64, 1, 1, generator=torch.Generator().manual_seed(0))
        conv.weight.mul_(pattern * (random < 1 / 3))
    program = pattern_mlir.import_program(
        exported(nn.Sequential(conv, activation), values(1, 64, 28, 28))
    )
    machine = target("aarch64-linux-gnu", GENERIC)
    assert isinstance(machine, Target)
    for level in target_levels(machine):
        lower(program, level)
    loops = {loop.function: loop for loop in hot_loops(codegen.assembly(program, machine))}
    (largest,) = (loop for name, loop in loops.items() if name.endswith("_tile_4x6"))
    assert largest.multiplications == 4 * 24 and largest.stack == 0
