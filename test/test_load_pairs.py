"""A kernel's loads count from two addresses, which leave part of their pairs in reach."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel
from pattern_mlir.passes.load_pairs import KERNEL_LOADS, REACH, SINGLE_REACH, choose_loads

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
