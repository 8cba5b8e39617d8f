"""The machine model: tiles, channel blocks, permuted lanes, and what each costs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pattern_mlir.cost import (
    LOOP_CYCLES,
    PERMUTING_REGISTERS,
    Machine,
    Products,
    choose_tiling,
)


@pytest.mark.parametrize("permuting_units", [0, 3])
def test_channels_of_small_planes_are_summed_up_in_blocks_or_their_lanes_permuted(
    permuting_units: int,
) -> None:
    taps = ((0, 1), (1, 0), (1, 1), (1, 2))
    tiling = choose_tiling(
        Machine(16, 32, permuting_units=permuting_units),
        Products((taps,) * 8, origin=(-1, -1)),
        outputs=(2, 2),
        kernels=142.0,
        channels=512,
        channel_blocks=8,
    )
    permutes = permuting_units > 0
    assert tiling.wraps == (permutes, permutes)
    assert (tiling.channel_block == 512) == permutes


def test_blocks_as_wide_as_a_tile_are_read_faster_than_blocks_as_high() -> None:
    taps = ((0, 1), (1, 0), (1, 1), (1, 2))
    machine = Machine(16, 32, permuting_units=3)
    upright, flat = (
        choose_tiling(
            machine,
            Products((taps,) * 8, origin=(-1, -1)),
            outputs=outputs,
            kernels=71.0,
            channels=256,
        )
        for outputs in ((56, 4), (4, 56))
    )
    assert upright.wraps == (False, True)
    assert upright.cycles < flat.cycles


@pytest.mark.parametrize(("latency", "overhead"), [(4, 1.0), (8, 2.0)])
def test_what_is_not_multiplying_takes_as_many_cycles_as_multiplications_wait_for(
    latency: int, overhead: float
) -> None:
    machine = Machine(16, 32, latency=latency)
    assert machine.overhead == overhead
    taps = ((0, 1), (1, 0), (1, 1), (1, 2))
    few, many = (
        choose_tiling(machine, Products((taps,) * patterns), outputs=(4, 6), kernels=8.0).cycles
        for patterns in (1, 9)
    )
    assert many - few == pytest.approx(8 * LOOP_CYCLES * overhead * (1 + machine.shape_share))


def test_permuted_tiles_leave_registers_for_what_permuting_takes() -> None:
    machine = Machine(16, 32, permuting_units=3)
    products = Products((((0, 1), (1, 0), (1, 1), (1, 2)),) * 8, origin=(-1, -1))
    loaded = choose_tiling(dataclasses.replace(machine, permuting_units=0), products, (56, 4), 71.0)
    permuted = choose_tiling(machine, products, (56, 4), 71.0, planes=64.0)
    assert any(permuted.wraps) and not any(loaded.wraps)
    assert permuted.most_sums <= machine.sums(4) - PERMUTING_REGISTERS
    assert loaded.most_sums == machine.sums(4)


def test_lanes_are_permuted_where_a_halo_for_few_filters_costs_more() -> None:
    machine = Machine(16, 32, units=1, unit_lanes=16, permuting_units=1)
    products = Products((((0, 0), (0, 1), (0, 2), (1, 1)),), origin=(-1, -1))
    shared, own = (
        choose_tiling(machine, products, (7, 2), kernels=64.0, planes=planes)
        for planes in (0.0, 64.0)
    )
    assert not any(shared.wraps)
    assert own.wraps[1] and own.cycles > shared.cycles


def test_data_that_outgrows_half_of_the_last_cache_comes_from_behind_it_in_part() -> None:
    machine = Machine(16, 32)
    kept = machine.cache_rates[-2][0] / 2 / 64
    misses = [machine.miss_cycles(28, share * kept) for share in (1.0, 2.0, 4.0)]
    assert misses[0] == 0
    assert misses[2] == pytest.approx(1.5 * misses[1])
    sizes = [share * machine.stream_rates[0][0] for share in (1.0, 1.01)]
    near, far = (machine.stream_cycles(size) for size in sizes)
    assert far > near


def test_a_quarter_of_the_cache_holds_what_a_layer_reads_or_writes() -> None:
    machine = Machine(16, 32)
    (cached, _), (_, far) = machine.stream_rates
    assert machine.fetch_cycles(cached / 4) == 0
    assert machine.fetch_cycles(2 * cached) == pytest.approx(1.75 * cached / far)


@given(
    outputs=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    taps=st.sampled_from([((0, 0),), ((0, 1), (1, 0), (1, 1), (1, 2))]),
    block=st.sampled_from([1, 4]),
    registers=st.sampled_from([16, 32]),
    unit=st.sampled_from([1, 2]),
    issue=st.sampled_from([math.inf, 2.0]),
)
def test_tiles_cover_the_block_once_and_fit_into_registers(
    outputs: tuple[int, int],
    taps: tuple[tuple[int, int], ...],
    block: int,
    registers: int,
    unit: int,
    issue: float,
) -> None:
    machine = Machine(8, registers, issue=issue)
    outputs = (outputs[0] * unit, outputs[1] * unit)
    tiling = choose_tiling(machine, Products((taps,), filter_block=block), outputs, 10.0, unit)
    covered = np.zeros(outputs, int)
    for y, x, rows, columns in tiling.tiles:
        covered[y : y + rows, x : x + columns] += 1
        assert not any(number % unit for number in (y, x, rows, columns))
    assert (covered == 1).all() and sum(t[2] * t[3] for t in tiling.tiles) == covered.size
    assert tiling.most_sums <= max(block * unit**2, machine.sums(min(9, len(taps) * block)))


def test_uneven_tiles_fill_registers_where_loads_take_time() -> None:
    taps = ((0, 1), (1, 0), (1, 1), (1, 2))
    machine = Machine(4, 32, weights_a_register=4, temporaries=7, shape_share=0.005)
    even, uneven = (
        choose_tiling(
            dataclasses.replace(machine, issue=issue), Products((taps,)), (14, 14), 36.0
        ).tiles
        for issue in (math.inf, 2.0)
    )
    assert len(even) == 10 and len(uneven) == 9
