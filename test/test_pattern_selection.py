"""Which weights stay: libraries by votes, patterns, connectivity and rates, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pattern_mlir.pattern_selection import (
    LIBRARIES,
    allocate_rates,
    connectivity_mask,
    elbow,
    extract_library,
    magnitude_mask,
    pattern_mask,
    rank_patterns,
)
from pattern_mlir.patterns import Library, natural_patterns


def weight(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@given(
    seed=st.integers(0, 2**32 - 1),
    taps=st.integers(1, 9),
    centre=st.booleans(),
    empty=st.floats(0, 0.9),
)
def test_votes_are_those_of_a_search_over_all_natural_patterns(
    seed: int, taps: int, centre: bool, empty: float
) -> None:
    layers = [weight(seed, 4, 3, 3, 3), 10 * weight(seed + 1, 2, 5, 3, 3)]
    for layer in layers:
        layer[np.random.default_rng(seed).random(layer.shape[:2]) < empty] = 0
        layer[0, 0] = 1.0  # ties: the first of equals
    votes: dict[tuple[int, ...], float] = {}
    for layer in layers:
        energy = np.square(layer.reshape(-1, 9), dtype=np.float64)
        energy = energy[energy.any(axis=1)]
        for kernel in energy:
            best = max(
                natural_patterns((3, 3), taps, centre).patterns, key=lambda p: kernel[list(p)].sum()
            )
            votes[best] = votes.get(best, 0) + kernel.sum() / energy.sum(axis=1).mean()
    library, shares = rank_patterns(layers, taps, centre)
    assert set(library.patterns) == set(votes)
    total = sum(votes.values())
    np.testing.assert_allclose(shares, [votes[p] / total for p in library.patterns], rtol=1e-9)
    assert (np.diff(shares) <= 1e-12).all() and shares.sum() == pytest.approx(1)


def test_a_vote_weighs_its_energy_and_layers_count_the_same_whatever_their_scale() -> None:
    strong, weak = np.zeros((2, 1, 2, 3, 3))
    strong[0, 0, 0, :] = strong[0, 0, 1, 1] = 2.0
    strong[0, 1, 2, :] = strong[0, 1, 1, 1] = 1.0
    weak[0, :, :, 0] = weak[0, :, 1, 1] = 1e-3
    library, shares = rank_patterns([strong, weak])
    assert library.patterns == ((0, 3, 4, 6), (0, 1, 2, 4), (4, 6, 7, 8))
    np.testing.assert_allclose(shares, [0.5, 0.4, 0.1])


def test_the_elbow_is_where_the_curve_of_shares_bends() -> None:
    assert elbow(np.array([0.3, 0.3, 0.3, 0.02, 0.02, 0.02, 0.02, 0.02])) == 3
    assert elbow(np.array([1.0])) == 1
    rows = np.zeros((10, 10, 3, 3))
    rows[:5, :, 1, :] = rows[:5, :, 0, 0] = 1
    rows[5:, :, :, 1] = rows[5:, :, 0, 0] = 1
    rows[0, :3] += weight(0, 3, 3, 3) * 0.9  # a few kernels of their own
    assert len(extract_library([rows], "elbow").patterns) == 2


def test_there_are_no_votes_without_kernels() -> None:
    with pytest.raises(ValueError, match="at least one kernel that is not empty"):
        extract_library([np.zeros((2, 2, 3, 3))])
    with pytest.raises(ValueError, match="kernels differ in size"):
        extract_library([np.ones((1, 1, 3, 3)), np.ones((1, 1, 5, 5))])
    with pytest.raises(ValueError, match="cannot keep 10 taps"):
        extract_library([np.ones((1, 1, 3, 3))], taps=10)


@given(seed=st.integers(0, 2**32 - 1), block=st.integers(1, 6), extra=st.integers(0, 5))
def test_filters_of_a_block_share_the_pattern_that_keeps_most_of_their_energy(
    seed: int, block: int, extra: int
) -> None:
    values, library = weight(seed, 7, 3, 3, 3), LIBRARIES["corners"]
    mask = pattern_mask(values, library, block, extra).reshape(7, 3, 9)
    energy = np.square(values.reshape(7, 3, 9), dtype=np.float64)
    for start in range(0, 7, block):
        group = slice(start, start + block)
        for channel in range(3):
            kept = [energy[group, channel][:, list(p)].sum() for p in library.patterns]
            pattern = library.masks[int(np.argmax(kept))]
            for filter_ in range(*group.indices(7)):
                row = mask[filter_, channel]
                assert row[pattern].all() and row.sum() == 4 + extra
                outside = energy[filter_, channel][~pattern]
                chosen = row[~pattern]
                if extra > 0:
                    assert outside[chosen].min() >= outside[~chosen].max(initial=0)


@given(
    seed=st.integers(0, 2**32 - 1),
    block=st.integers(1, 6),
    rate=st.floats(1, 8),
    balanced=st.booleans(),
)
def test_blocks_of_filters_lose_the_channels_with_the_least_energy(
    seed: int, block: int, rate: float, balanced: bool
) -> None:
    values = weight(seed, 7, 8, 1, 1)
    kept = connectivity_mask(values, rate, balanced, block)
    blocks = [slice(start, start + block) for start in range(0, 7, block)]
    means = np.array([np.square(values[b, :, 0, 0], dtype=np.float64).mean(axis=0) for b in blocks])
    chosen = np.array([kept[b][0] for b in blocks])
    assert all((kept[b] == kept[b][0]).all() for b in blocks)
    if balanced:
        assert (chosen.sum(axis=1) == np.ceil(8 / rate)).all()
    else:
        assert chosen.sum() == np.ceil(means.size / rate)
        assert means[chosen].min() >= means[~chosen].max(initial=0)


@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(1, 20))
def test_magnitude_pruning_keeps_the_largest_weights(seed: int, rate: float) -> None:
    values = weight(seed, 3, 4, 3, 3)
    kept = magnitude_mask(values, rate)
    assert kept.sum() == np.ceil(values.size / rate)
    assert np.abs(values[kept]).min() >= np.abs(values[~kept]).max(initial=0)


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.1, 1))
def test_rates_of_a_budget_keep_that_many_weights(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    layers = [weight(seed, 6, 5, 3, 3), weight(seed, 8, 9, 1, 1), weight(seed, 4, 4, 3, 3)]
    layers = [layer * float(scale) for layer, scale in zip(layers, rng.random(3), strict=True)]
    costs = [4, 1, 9]
    sizes = [layer.shape[0] * layer.shape[1] for layer in layers]
    budget = share * sum(n * c for n, c in zip(sizes, costs, strict=True))
    rates = allocate_rates(layers, costs, budget)
    kept = sum(
        c * int(connectivity_mask(layer, r).sum())
        for layer, c, r in zip(layers, costs, rates, strict=True)
    )
    assert min(rates) >= 1
    assert budget - max(costs) <= kept <= budget + sum(costs), (rates, kept, budget)


def test_a_budget_below_one_kernel_a_layer_cannot_be_met() -> None:
    with pytest.raises(ValueError, match="one kernel in each of 2 layers has 13 weights"):
        allocate_rates([weight(0, 2, 2, 3, 3)] * 2, [4, 9], 12)


def test_fixed_libraries_are_what_their_names_say() -> None:
    assert len(LIBRARIES["natural"].patterns) == 56
    mean = LIBRARIES["scp"].masks.mean(axis=0).reshape(3, 3)
    assert mean.tolist() == [[0, 0.75, 0], [0.75, 1, 0.75], [0, 0.75, 0]]
    for library in LIBRARIES.values():
        assert isinstance(library, Library) and library.masks[:, 4].all()
