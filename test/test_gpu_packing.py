"""Tables of weights for a GPU hold every weight, bit for bit, and blocks cover every pixel."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.passes.gpu_convolution import (
    ConvolutionKernel,
    Table,
    Variant,
    group_by_channels,
    pack,
)
from pattern_mlir.patterns import Library, assign

LIBRARY = Library((3, 3), ((0, 1, 3, 4), (1, 2, 4), (0, 2, 4, 6, 8), (4,)))
BLOCKS = BlockLayout((2, 2), 1, (1, 1))
HALF = BlockLayout((2, 2), 2, (1, 1), half=True)


def sparse_weight(filters: int, channels: int, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    masks = np.vstack([LIBRARY.masks, np.zeros((2, 9), bool)])
    chosen = masks[generator.integers(len(masks), size=(filters, channels))]
    weight = generator.standard_normal((filters, channels, 9)).astype(np.float32) * chosen
    return weight.reshape(filters, channels, 3, 3).astype(np.float16).astype(np.float32)


def kernel(variant: Variant, together: int, layout: BlockLayout = BLOCKS) -> ConvolutionKernel:
    patterns = LIBRARY.patterns if variant is not Variant.DENSE else (tuple(range(9)),)
    return ConvolutionKernel(
        variant, together, patterns, (3, 3), (1, 1), layout, layout, (12, 20), (12, 20), (-1, -1)
    )


def numbers(own: ConvolutionKernel, words: Any, count: int) -> Any:
    """Return ``count`` weights out of ``words``."""
    kept = np.ascontiguousarray(words).view(np.float16 if own.half_weights else np.float32)
    return kept.reshape(-1)[:count].astype(np.float32)


def unpacked(own: ConvolutionKernel, table: Table, shape: tuple[int, int]) -> Any:
    """Return the weight [F, C, 9] that a table holds, filters in their order."""
    filters, channels = shape
    weight = np.zeros((filters, channels, 9), np.float32)
    plane = own.source.channel(own.source_plane)
    words = table.words.reshape(-1)
    for group in range(len(table.work)):
        header = words[4 * group * own.header_rows :].astype(np.int64)
        members = range(group * own.together, (group + 1) * own.together)
        if own.variant is Variant.RUNS:
            for pattern, taps in enumerate(own.patterns):
                for row in range(header[pattern], header[pattern + 1], own.entry_rows(pattern)):
                    at = 4 * row
                    kept = numbers(own, words[at + 1 :], len(taps))
                    weight[group, words[at] // plane, list(taps)] = kept
        elif own.variant is Variant.SHARED:
            for row in range(header[0], header[1]):
                channel, start, *patterns = words[4 * row : 4 * row + 4].astype(np.int64)
                for place, filter_ in enumerate(members):
                    word, bits = divmod(place, own.patterns_a_word)
                    number = patterns[word] >> own.pattern_bits * bits & (1 << own.pattern_bits) - 1
                    if number:
                        taps = own.patterns[number - 1]
                        kept = numbers(own, words[4 * start :], len(taps))
                        weight[filter_, channel // plane, list(taps)] = kept
                        start += own.weight_rows(number - 1)
        else:
            for channel in range(channels):
                row = header[0] + channel * own.channel_rows
                kept = numbers(own, words[4 * row :], 9 * own.together)
                weight[list(members), channel] = kept.reshape(own.together, 9)
    return weight


@pytest.mark.parametrize("layout", [BLOCKS, HALF], ids=["f32", "f16"])
@pytest.mark.parametrize(
    ("variant", "together"),
    [(Variant.RUNS, 1), (Variant.SHARED, 2), (Variant.SHARED, 16), (Variant.DENSE, 4)],
)
@given(seed=st.integers(0, 2**16), groups=st.integers(1, 2), channels=st.integers(1, 20))
def test_a_table_holds_every_weight(
    variant: Variant, together: int, layout: BlockLayout, seed: int, groups: int, channels: int
) -> None:
    filters = groups * together
    weight, own = sparse_weight(filters, channels, seed), kernel(variant, together, layout)
    assignment = None if variant is Variant.DENSE else assign(weight, LIBRARY)
    bias, order = np.arange(filters, dtype=np.float32), np.arange(filters)
    table = pack(own, weight, assignment, bias, order, 1)
    found = unpacked(own, table, (filters, channels))
    np.testing.assert_array_equal(found.reshape(weight.shape), weight)


@given(st.integers(0, 2**16), st.sampled_from([2, 4, 8]))
def test_filters_are_grouped_and_none_is_lost(seed: int, size: int) -> None:
    kept = np.random.default_rng(seed).random((2 * size, 12)) < 0.3
    order = group_by_channels(kept, size)
    assert sorted(order.tolist()) == list(range(2 * size))


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([1, 2, 4]),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_every_pixel_has_a_place_of_its_own(
    plane: tuple[int, int], block: tuple[int, int], pixels: int, halo: tuple[int, int]
) -> None:
    layout = BlockLayout(block, pixels, halo)
    places: Counter[tuple[int, int]] = Counter()
    for row, column in product(range(plane[0]), range(plane[1])):
        slot, part = divmod(column, pixels)
        start = layout.first(plane)
        places[start + layout.offset(plane, row, slot), part] += 1
    assert max(places.values()) == 1
    assert all(0 <= slot < layout.channel(plane) for slot, _ in places)


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
def test_beside_the_plane_lies_its_halo(
    plane: tuple[int, int], block: tuple[int, int], halo: tuple[int, int]
) -> None:
    """A slot beside the first or last block of a row or column is none of another block."""
    layout = BlockLayout(block, 1, halo)
    rows, columns = layout.grid(plane)
    grid = {
        layout.first(plane) + row * layout.row(plane) + column
        for row, column in product(range(rows), range(columns))
    }
    for row, column in product(range(rows), range(columns)):
        own = layout.first(plane) + row * layout.row(plane) + column
        neighbours = {
            (row - 1, column): own - layout.row(plane),
            (row + 1, column): own + layout.row(plane),
            (row, column - 1): own - 1,
            (row, column + 1): own + 1,
        }
        for (y, x), position in neighbours.items():
            assert 0 <= position < layout.positions(plane)
            assert (position in grid) == (0 <= y < rows and 0 <= x < columns)
