"""The arithmetic of patterns: library, assignment, grouping, balance and packing; numpy only.

A weight is an array [filters, channels, KH, KW]; a kernel is one filter's KH x KW slice for one
channel; a tap is a position in it, counted row by row; a pattern is the set of a kernel's taps.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

EMPTY = -1
"""The assignment of a removed kernel, one without a weight that is not zero."""


@dataclass(frozen=True)
class Library:
    """The patterns that a layer or a model uses.

    Attributes:
        kernel_size: height and width of the kernels.
        patterns: for each pattern its taps, rising.

    Raises:
        ValueError: a pattern is empty, not rising, outside the kernel, or there twice.
    """

    kernel_size: tuple[int, int]
    patterns: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        """Check the patterns."""
        height, width = self.kernel_size
        if height < 1 or width < 1:
            raise ValueError(f"kernel size {height}x{width} is not at least 1x1")
        for index, taps in enumerate(self.patterns):
            if not taps or list(taps) != sorted(set(taps)):
                raise ValueError(f"pattern {index}, {list(taps)}, must list its taps rising, once")
            if taps[0] < 0 or taps[-1] >= height * width:
                raise ValueError(
                    f"pattern {index}, {list(taps)}, leaves the {height}x{width} kernel;"
                    f" taps are 0 to {height * width - 1}"
                )
        if len(set(self.patterns)) != len(self.patterns):
            raise ValueError("a pattern stands in the library twice")

    @property
    def masks(self) -> npt.NDArray[np.bool_]:
        """The patterns as masks [patterns, KH * KW]."""
        masks = np.zeros((len(self.patterns), self.kernel_size[0] * self.kernel_size[1]), bool)
        for mask, taps in zip(masks, self.patterns, strict=True):
            mask[list(taps)] = True
        return masks


def natural_patterns(
    kernel_size: tuple[int, int] = (3, 3), taps: int = 4, centre: bool = True
) -> Library:
    """Return every pattern of ``taps`` taps; with ``centre`` those with the middle tap.

    The defaults give the 56 natural patterns of arXiv 1909.05073.
    """
    count = kernel_size[0] * kernel_size[1]
    if not 1 <= taps <= count:
        raise ValueError(f"a {kernel_size[0]}x{kernel_size[1]} kernel cannot keep {taps} taps")
    middle = count // 2
    chosen = [c for c in combinations(range(count), taps) if middle in c or not centre]
    return Library(kernel_size, tuple(chosen))


def supports(weight: Array) -> npt.NDArray[np.bool_]:
    """Return which weights are not zero (NaN counts, -0.0 does not), [filters, channels, taps]."""
    kept: npt.NDArray[np.bool_] = weight != 0
    flat: npt.NDArray[np.bool_] = kept.reshape(*weight.shape[:2], -1)
    return flat


def _words(taps: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.uint64]]:
    """Return the last dimension of ``taps`` as bits of numbers: one array for each 64 taps."""
    padded = np.pad(taps, [*[(0, 0)] * (taps.ndim - 1), (0, -taps.shape[-1] % 64)])
    return list(np.moveaxis(np.packbits(padded, axis=-1).view(np.uint64), -1, 0))


def assign(weight: Array, library: Library) -> npt.NDArray[np.int16]:
    """Return each kernel's pattern, [filters, channels]: an index into the library, or `EMPTY`.

    A kernel takes the smallest pattern that covers it, of equals the one with the lowest index.

    Raises:
        ValueError: no pattern covers a kernel, or the library is for kernels of another size.
    """
    if weight.shape[2:] != library.kernel_size:
        raise ValueError(
            f"the library is for kernels of {library.kernel_size}, the weight's are"
            f" {weight.shape[2:]}"
        )
    kept = supports(weight)
    masks = library.masks
    words, mask_words = _words(kept), _words(masks)
    assignment = np.full(kept.shape[:2], EMPTY, np.int16)
    open_ = functools.reduce(np.logical_or, [word != 0 for word in words])
    for index in sorted(range(len(masks)), key=lambda i: (masks[i].sum(), i)):
        covered = open_.copy()
        for word, mask in zip(words, mask_words, strict=True):
            covered &= word & ~mask[index] == 0
        assignment[covered] = index
        open_ &= ~covered
    if open_.any():
        filter_, channel = np.argwhere(open_)[0]
        taps = np.flatnonzero(kept[filter_, channel]).tolist()
        raise ValueError(
            f"no pattern of the library covers the kernel of filter {filter_}, channel {channel},"
            f" with taps {taps}; detect the library from this weight"
        )
    return assignment


def detect_library(
    weight: Array, max_patterns: int = 32, minimum_sparsity: float = 0.1
) -> Library | str:
    """Return the library that a pruned weight follows, or why it is dense.

    The patterns are the kernels' own sets of taps, but for those that another one covers without
    having more taps than most kernels: a kept weight that happens to be zero adds no pattern.
    They are ordered by how many kernels have them, then by their taps.
    """
    height, width = weight.shape[2:]
    kept = supports(weight)
    if not kept.any():
        return "every weight is zero"
    sparsity = 1 - float(kept.mean())
    if sparsity < minimum_sparsity:
        return f"{sparsity:.0%} of its weights are zero, less than {minimum_sparsity:.0%}"
    kernels = kept.reshape(-1, height * width)
    packed, counts = np.unique(
        np.packbits(kernels[kernels.any(axis=1)], axis=1), axis=0, return_counts=True
    )
    masks = np.unpackbits(packed, axis=1, count=height * width).astype(bool)
    patterns = _maximal_patterns(masks, counts, max_patterns)
    if len(patterns) > max_patterns:
        return f"its kernels follow more patterns than max-patterns = {max_patterns}"
    return Library((height, width), patterns)


def _maximal_patterns(
    masks: npt.NDArray[np.bool_], counts: Array, limit: int
) -> tuple[tuple[int, ...], ...]:
    """Return the patterns that `detect_library` keeps; stop when there are more than ``limit``."""
    sizes = masks.sum(axis=1)
    usual = int(np.bincount(sizes, counts).argmax())
    found: list[tuple[int, tuple[int, ...]]] = []
    covering = np.zeros((0, masks.shape[1]), bool)
    for size in sorted(set(sizes.tolist()), reverse=True):
        group = sizes == size
        covered = (masks[group][:, None] <= covering).all(axis=2).any(axis=1)
        new = masks[group][~covered]
        found += [
            (-int(count), tuple(np.flatnonzero(mask).tolist()))
            for count, mask in zip(counts[group][~covered], new, strict=True)
        ]
        if len(found) > limit:
            break
        if size <= usual:
            covering = np.concatenate([covering, new])
    return tuple(taps for _, taps in sorted(found))


def kernel_order(assignment: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """Return the channels of one filter's kernels by (pattern, channel), empty kernels left out.

    ``assignment`` is the filter's row [channels].
    """
    order = np.argsort(assignment, kind="stable")
    channels: npt.NDArray[np.int64] = order[assignment[order] != EMPTY]
    return channels


def histograms(assignment: npt.NDArray[np.int16], patterns: int) -> npt.NDArray[np.int64]:
    """Return how many kernels of each filter have each pattern, [filters, patterns]."""
    return np.stack([(assignment == index).sum(axis=1) for index in range(patterns)], axis=1)


def group_filters(assignment: npt.NDArray[np.int16], patterns: int) -> npt.NDArray[np.int64]:
    """Return an order of filters: like lengths together, among these like histograms (FKR).

    Filters are sorted by their kernels, most first, then by their counts of each pattern; those
    whose kernels are all alike stand together. Source: filter kernel reorder, arXiv 2001.00138.
    """
    counts = histograms(assignment, patterns)
    keys = [-counts[:, index] for index in reversed(range(patterns))]
    _, alike = np.unique(assignment, axis=0, return_inverse=True)
    return np.lexsort((alike.reshape(-1), *keys, -counts.sum(axis=1))).astype(np.int64)


def sharing_block(assignment: npt.NDArray[np.int16], most: int) -> int:
    """Return how many filters in a row share channels and patterns of all their kernels.

    The largest power of 2 up to ``most`` for which that holds for all filters, in their order.
    """
    size = 1
    while 2 * size <= most and len(assignment) % (2 * size) == 0:
        blocks = assignment.reshape(-1, 2 * size, assignment.shape[1])
        if (blocks != blocks[:, :1]).any():
            break
        size *= 2
    return size


def balance_filters(
    nonzeros: Array, order: Array, threads: int, block: int = 1
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Split filters over ``threads`` by their non-zeros.

    Args:
        nonzeros: the non-zero weights of each filter.
        order: the filters in the order of `group_filters`.
        threads: how many parts.
        block: filters in ``order`` that stay together.

    Returns:
        The filters' order, and boundaries [threads + 1]: part t is order[b[t]:b[t + 1]], in which
        filters stand as in ``order``. The heaviest filter, of equals that with the lowest index,
        goes to the lightest part, again and again (longest processing time first); so the parts
        do not depend on ``order``, and balancing twice changes nothing.
    """
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    if block > 1:
        blocks = order.reshape(-1, block)
        by_filter = np.argsort(blocks.min(axis=1))
        blocks = blocks[by_filter]
        own, boundaries = balance_filters(
            nonzeros[blocks].sum(axis=1), np.argsort(by_filter), threads
        )
        return blocks[own].reshape(-1), block * boundaries
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    parts: list[list[int]] = [[] for _ in range(threads)]
    lightest = [(0, part) for part in range(threads)]
    for filter_ in sorted(order.tolist(), key=lambda f: (-int(nonzeros[f]), f)):
        load, part = lightest[0]
        parts[part].append(filter_)
        heapq.heapreplace(lightest, (load + int(nonzeros[filter_]), part))
    sorted_parts = [sorted(part, key=lambda f: int(position[f])) for part in parts]
    balanced = np.array([f for part in sorted_parts for f in part], np.int64)
    return balanced, np.cumsum([0, *(len(part) for part in parts)])


def split_filters(nonzeros: Array, threads: int) -> npt.NDArray[np.int64]:
    """Return boundaries [threads + 1] that split filters where they stand, by their non-zeros."""
    if threads < 1:
        raise ValueError(f"threads must be at least 1, got {threads}")
    loads = np.cumsum(nonzeros) * threads
    shares = np.sum(nonzeros) * np.arange(1, threads)
    return np.array([0, *(np.searchsorted(loads, shares) + 1), len(nonzeros)], np.int64)


def imbalance(loads: Sequence[int]) -> float:
    """Return the largest load over the mean; 1.0 where there is none."""
    return max(loads) * len(loads) / sum(loads) if any(loads) else 1.0


@dataclass(frozen=True)
class PackedWeights:
    """A pattern-sparse weight without its zeros (FKW, arXiv 2001.00138).

    Filters stand in the order of `output_channel`, kernels of a filter by (pattern, channel).

    Attributes:
        shape: of the weight, [filters, channels, KH, KW].
        library: the patterns.
        output_channel: the filter that stands i-th, u16 [filters].
        counts: how many kernels of each pattern each filter has, u16 [filters, patterns].
        channels: each kernel's input channel, u16 [kernels].
        taps: the kept weights of all kernels, one after the other.
    """

    shape: tuple[int, int, int, int]
    library: Library
    output_channel: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.uint16]
    channels: npt.NDArray[np.uint16]
    taps: Array

    @property
    def overhead(self) -> float:
        """Bytes that say where the weights belong, over the bytes of the weights."""
        index = self.output_channel.nbytes + self.counts.nbytes + self.channels.nbytes
        return index / max(self.taps.nbytes, 1)


def pack(weight: Array, library: Library, order: Array | None = None) -> PackedWeights:
    """Pack ``weight`` with its filters in ``order`` (default: as they are).

    Raises:
        ValueError: a kernel follows no pattern, or there are more filters or channels than u16
            counts.
    """
    filters, channels, height, width = weight.shape
    if max(filters, channels) > np.iinfo(np.uint16).max:
        raise ValueError(f"{filters} filters x {channels} channels: more than 65535 do not pack")
    order = np.arange(filters) if order is None else np.asarray(order)
    if not np.array_equal(np.sort(order), np.arange(filters)):
        raise ValueError(f"the order is no permutation of the {filters} filters")
    assignment = assign(weight, library)[order]
    flat = weight.reshape(filters, channels, -1)[order]
    rows, columns = _kernels(assignment)
    masks = library.masks[assignment[rows, columns]]
    return PackedWeights(
        shape=(filters, channels, height, width),
        library=library,
        output_channel=order.astype(np.uint16),
        counts=histograms(assignment, len(library.patterns)).astype(np.uint16),
        channels=columns.astype(np.uint16),
        taps=flat[rows, columns][masks],
    )


def unpack(packed: PackedWeights) -> Array:
    """Return the weight bit for bit; what was pruned comes back as +0.0."""
    filters, channels, height, width = packed.shape
    patterns = len(packed.library.patterns)
    counts = packed.counts.astype(np.int64)
    rows = np.repeat(np.arange(filters), counts.sum(axis=1))
    pattern = np.repeat(np.tile(np.arange(patterns), filters), counts.ravel())
    kernels = np.zeros((len(rows), height * width), packed.taps.dtype)
    kernels[packed.library.masks[pattern]] = packed.taps
    flat = np.zeros((filters, channels, height * width), packed.taps.dtype)
    flat[packed.output_channel[rows], packed.channels] = kernels
    return flat.reshape(packed.shape)


def _kernels(assignment: npt.NDArray[np.int16]) -> tuple[Array, Array]:
    """Return filter and channel of each kernel, by (filter, pattern, channel)."""
    order = np.argsort(assignment, axis=1, kind="stable")
    rows = np.broadcast_to(np.arange(len(assignment))[:, None], order.shape)
    kept = assignment[rows, order] != EMPTY
    return rows[kept], order[kept]
