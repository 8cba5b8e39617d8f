"""The address of a kernel's loads leaves part of their pairs in reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel
from pattern_mlir.passes.load_pairs import REACH, lead

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
        tile_rows=block[:1],
        tile_columns=block[1:],
        patterns=(CROSS,),
        origin=(-1, -1),
        pair_cycles=pair_cycles,
    )


def test_without_pairs_an_address_lies_at_its_window() -> None:
    assert lead(kernel((14, 14), pair_cycles=0), (3, 7)) == 0


@pytest.mark.parametrize("size", [7, 14, 28])
def test_the_longer_a_pair_takes_the_further_off_lies_the_address(size: int) -> None:
    leads = [lead(kernel((size, size), pair_cycles), (3, 7)) for pair_cycles in (3, 4, 6, 8, 12)]
    assert leads == sorted(leads)
    assert leads[0] >= 0 and 0 < leads[-1] <= REACH


def test_what_is_no_convolution_keeps_its_address() -> None:
    own = replace(kernel((14, 14), pair_cycles=6), kind=Kind.MAX_POOL)
    assert lead(own, (3, 7)) == 0
