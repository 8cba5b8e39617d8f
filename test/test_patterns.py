"""The arithmetic of patterns is exact: what is packed, grouped or split comes back bit for bit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pattern_mlir.pattern_selection import connectivity_mask, extract_library, project
from pattern_mlir.patterns import (
    EMPTY,
    Library,
    assign,
    balance_filters,
    detect_library,
    group_filters,
    imbalance,
    kernel_order,
    natural_patterns,
    pack,
    sharing_block,
    unpack,
)

BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64}
SIZES = [(1, 1), (2, 2), (3, 3), (1, 3), (3, 2), (5, 5), (7, 7), (9, 9)]


@st.composite
def pruned_weights(draw: st.DrawFn) -> tuple[npt.NDArray[np.floating], Library]:
    """A weight whose kernels follow a random library, any bits in its kept taps."""
    size = draw(st.sampled_from(SIZES))
    count = size[0] * size[1]
    taps = draw(st.sampled_from([t for t in (1, 2, 4, 5, 6, 9) if t <= count]))
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = {tuple(sorted(rng.choice(count, taps, replace=False).tolist())) for _ in range(6)}
    library = Library(size, tuple(sorted(rows)))
    filters, channels = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    assignment = rng.integers(EMPTY, len(library.patterns), (filters, channels))
    assignment[rng.random(filters) < draw(st.sampled_from([0, 0.3, 1]))] = EMPTY
    if draw(st.booleans()):
        assignment[:] = EMPTY
        assignment[filters // 2, channels // 2] = 0
    bits = BITS[np.dtype(dtype).itemsize]
    values = rng.integers(0, np.iinfo(bits).max, (filters, channels, count), bits, endpoint=True)
    values[values << bits(1) == 0] = 1  # neither +0.0 nor -0.0: these are pruned weights
    kept = library.masks[assignment] & (assignment != EMPTY)[..., None]
    weight = np.where(kept, values, bits(0)).view(dtype).reshape(filters, channels, *size)
    return weight, library


def same_bits(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> bool:
    bits = BITS[a.itemsize]
    return a.shape == b.shape and bool((a.view(bits) == b.view(bits)).all())


@given(pruned_weights(), st.integers(0, 2**32))
def test_unpacking_what_was_packed_gives_the_same_bits(case, seed: int) -> None:
    weight, library = case
    order = np.random.default_rng(seed).permutation(len(weight))
    assert same_bits(unpack(pack(weight, library, order)), weight)


@given(pruned_weights())
def test_packed_kernels_stand_by_pattern_then_channel(case) -> None:
    weight, library = case
    packed = pack(weight, library)
    expected = [kernel_order(row) for row in assign(weight, library)]
    assert packed.channels.tolist() == np.concatenate(expected).tolist()


@given(pruned_weights())
def test_a_detected_library_covers_every_kernel_and_adds_no_tap(case) -> None:
    weight, _ = case
    found = detect_library(weight, max_patterns=64, minimum_sparsity=0.0)
    if isinstance(found, str):
        assert found == "every weight is zero"
        return
    assignment = assign(weight, found)
    assert ((assignment == EMPTY) == ~weight.any(axis=(2, 3))).all()
    assert same_bits(unpack(pack(weight, found)), weight)


@given(pruned_weights())
def test_grouping_gives_a_permutation_and_grouping_again_changes_nothing(case) -> None:
    weight, library = case
    assignment = assign(weight, library)
    order = group_filters(assignment, len(library.patterns))
    assert sorted(order.tolist()) == list(range(len(weight)))
    again = group_filters(assignment[order], len(library.patterns))
    assert again.tolist() == list(range(len(weight)))


@given(pruned_weights())
def test_grouping_puts_like_lengths_together_longest_first(case) -> None:
    weight, library = case
    order = group_filters(assign(weight, library), len(library.patterns))
    kernels = weight.any(axis=(2, 3)).sum(axis=1)[order]
    assert (np.diff(kernels) <= 0).all()


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(1, 9))
def test_balance_splits_a_permutation_into_rising_ranges(work: list[int], threads: int) -> None:
    nonzeros = np.array(work)
    order, boundaries = balance_filters(nonzeros, np.arange(len(work)), threads)
    assert sorted(order.tolist()) == list(range(len(work)))
    assert boundaries[0] == 0 and boundaries[-1] == len(work)
    assert len(boundaries) == threads + 1 and (np.diff(boundaries) >= 0).all()
    loads = [int(nonzeros[order[a:b]].sum()) for a, b in pairwise(boundaries)]
    # Longest processing time first is within 4/3 of the best split (Graham 1969).
    least = max(nonzeros.max(), int(np.ceil(nonzeros.sum() / threads)))
    assert max(loads) <= 4 / 3 * least + nonzeros.max() * (len(work) <= 2 * threads) + 1
    assert 1 <= imbalance(loads) <= threads


def test_a_kernel_takes_the_smallest_covering_pattern_of_equals_the_first() -> None:
    library = Library((2, 2), ((0, 1, 2), (0, 2), (0, 1), (0, 3)))
    weight = np.array([[[[1, 0], [0, 0]]], [[[1, 1], [0, 0]]], [[[1, 1], [1, 0]]]], np.float32)
    assert assign(weight, library).ravel().tolist() == [1, 2, 0]


def test_a_kept_weight_that_is_zero_by_chance_adds_no_pattern() -> None:
    weight = np.zeros((3, 2, 3, 3), np.float32)
    weight.reshape(6, 9)[:5, [0, 1, 3, 4]] = 1
    weight.reshape(6, 9)[5, [0, 1, 4]] = 1
    found = detect_library(weight)
    assert isinstance(found, Library) and found.patterns == ((0, 1, 3, 4),)


def test_negative_zero_is_pruned_and_nan_is_kept() -> None:
    weight = np.array([-0.0, np.nan, 0.0, -0.0], np.float32).reshape(1, 1, 2, 2)
    packed = pack(weight, Library((2, 2), ((1,),)))
    assert packed.taps.shape == (1,) and np.isnan(packed.taps[0])
    assert not np.signbit(unpack(packed)).any()


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (np.ones((4, 4, 3, 3)), "0% of its weights are zero, less than 10%"),
        (np.zeros((4, 4, 3, 3)), "every weight is zero"),
        (
            np.random.default_rng(0).integers(0, 2, (20, 20, 3, 3)),
            "more patterns than max-patterns = 32",
        ),
    ],
)
def test_a_dense_layer_says_why(weight: npt.NDArray[np.float64], reason: str) -> None:
    found = detect_library(weight)
    assert isinstance(found, str) and reason in found


def test_chance_zeros_in_thousands_of_kernels_add_no_pattern_and_no_structure_is_none() -> None:
    rng = np.random.default_rng(0)
    library = Library((5, 5), (tuple(range(12)), tuple(range(12, 24))))
    weight = library.masks[rng.integers(0, 2, (256, 256))]
    weight[192:] &= rng.random((64, 256, 25)) < 0.5
    found = detect_library(weight.reshape(256, 256, 5, 5))
    assert isinstance(found, Library) and set(found.patterns) == set(library.patterns)
    unstructured = rng.integers(0, 2, (256, 256, 5, 5))
    reason = "its kernels follow more patterns than max-patterns = 32"
    assert detect_library(unstructured) == reason


def test_a_1x1_layer_with_removed_kernels_is_sparse() -> None:
    weight = np.ones((4, 4, 1, 1))
    weight[::2] = 0
    assert detect_library(weight) == Library((1, 1), ((0,),))


def test_an_uncovered_kernel_is_named() -> None:
    weight = np.zeros((2, 3, 2, 2))
    weight[1, 2, 0, 1] = 1
    with pytest.raises(ValueError, match=r"filter 1, channel 2, with taps \[1\]"):
        assign(weight, Library((2, 2), ((0,),)))


def test_a_library_for_kernels_of_another_size_is_refused() -> None:
    library = Library((3, 3), ((0, 1),))
    with pytest.raises(ValueError, match=r"kernels of \(3, 3\), the weight's are \(5, 5\)"):
        assign(np.eye(1, 25).reshape(1, 1, 5, 5), library)


def test_there_are_56_natural_patterns_of_four_taps_with_the_centre() -> None:
    assert len(natural_patterns().patterns) == 56
    assert len(natural_patterns(centre=False).patterns) == 126


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=30)
def test_projection_and_connectivity_keep_the_largest_norms(seed: int, balanced: bool) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((5, 7, 3, 3)).astype(np.float32)
    library = extract_library([weight], size=6)
    projected = project(weight, library)
    norms = [(weight.reshape(5, 7, 9)[..., list(t)] ** 2).sum(-1) for t in library.patterns]
    np.testing.assert_allclose((projected**2).sum((2, 3)), np.max(norms, axis=0), rtol=1e-5)
    kept = connectivity_mask(projected, 3.6, balanced)
    assert kept.sum() == (5 * 2 if balanced else 10)
    energy = (projected.astype(np.float64) ** 2).sum((2, 3))
    rows = zip(kept if balanced else [kept], energy if balanced else [energy], strict=True)
    for kept_row, row in rows:
        assert row[kept_row].min() >= row[~kept_row].max()


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize(("filters", "block"), [(8, 4), (10, 4), (5, 8), (6, 1)])
def test_filters_of_a_block_keep_the_same_channels(
    filters: int, block: int, balanced: bool
) -> None:
    weight = np.random.default_rng(0).standard_normal((filters, 12, 1, 1)).astype(np.float32)
    kept = connectivity_mask(weight, 3.0, balanced, block)
    assert kept.shape == (filters, 12)
    blocks = [slice(start, start + block) for start in range(0, filters, block)]
    energy = np.stack(
        [np.square(weight[own], dtype=np.float64).sum((2, 3)).mean(0) for own in blocks]
    )
    chosen = np.stack([kept[own][0] for own in blocks])
    for own, row in zip(blocks, chosen, strict=True):
        assert (kept[own] == row).all()
    assert (chosen.sum(axis=1) == 4).all() if balanced else chosen.sum() == 4 * len(blocks)
    rows = zip(chosen if balanced else [chosen], energy if balanced else [energy], strict=True)
    for kept_row, row in rows:
        assert row[kept_row].min() >= row[~kept_row].max()


def test_a_block_without_filters_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 filter, got 0"):
        connectivity_mask(np.ones((4, 4, 1, 1)), 2, block=0)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (((),), "must list its taps rising"),
        (((1, 0),), "must list its taps rising"),
        (((0, 9),), "leaves the 3x3 kernel"),
        (((0, 1), (0, 1)), "stands in the library twice"),
    ],
)
def test_a_bad_library_is_refused(patterns: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Library((3, 3), patterns)


def test_the_packed_form_of_a_large_layer_has_little_overhead() -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((512, 512, 3, 3)).astype(np.float32)
    library = extract_library([weight])
    weight = project(weight, library)
    weight *= connectivity_mask(weight, 3.6)[..., None, None]
    assert pack(weight, library).overhead < 0.14


@given(seed=st.integers(0, 2**32 - 1), blocks=st.integers(1, 12), threads=st.integers(1, 4))
def test_filters_that_share_kernels_stay_together(seed: int, blocks: int, threads: int) -> None:
    rng = np.random.default_rng(seed)
    assignment = np.repeat(rng.integers(-1, 3, (blocks, 6)), 4, axis=0).astype(np.int16)
    assignment = assignment[rng.permutation(len(assignment))]
    order = group_filters(assignment, 3)
    assert sharing_block(assignment[order], 4) == 4
    nonzeros = (assignment >= 0).sum(axis=1)
    balanced, boundaries = balance_filters(nonzeros, order, threads, 4)
    assert sorted(balanced.tolist()) == list(range(len(order)))
    assert sharing_block(assignment[balanced], 4) == 4
    assert boundaries[-1] == len(order) and not (boundaries % 4).any()
    again, same = balance_filters(nonzeros, balanced, threads, 4)
    np.testing.assert_array_equal(again, balanced)
    np.testing.assert_array_equal(same, boundaries)
