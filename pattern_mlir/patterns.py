"""The arithmetic of patterns: library, assignment, grouping, balance and packing; numpy only.

A weight is an array [filters, channels, KH, KW]; a kernel is one filter's KH x KW slice for one
channel; a tap is a position in it, counted row by row; a pattern is the set of a kernel's taps.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Iterable
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


def _energies(weight: Array, block: int = 1) -> Array:
    """Return the squares of ``weight`` summed over blocks of filters, [blocks, channels, taps].

    The last block is smaller where ``block`` does not divide the filters.
    """
    if block < 1:
        raise ValueError(f"a block must have at least 1 filter, got {block}")
    squares = np.square(weight, dtype=np.float64).reshape(*weight.shape[:2], -1)
    return squares if block == 1 else np.add.reduceat(squares, np.arange(0, len(weight), block))


def _spread(blocks: Array, block: int, filters: int) -> Array:
    """Return what holds for a block of filters, [blocks, ...], for each filter, [filters, ...]."""
    return np.repeat(blocks, block, axis=0)[:filters]


def pattern_mask(
    weight: Array, library: Library, block: int = 1, extra: int = 0
) -> npt.NDArray[np.bool_]:
    """Return which weights stay when each kernel takes the pattern with the largest L2 norm.

    Args:
        weight: [filters, channels, KH, KW].
        library: the patterns to choose from (arXiv 1909.05073).
        block: how many filters, one after the other, share the pattern of a channel.
        extra: taps beside the pattern's that stay, the largest ones; for gradual pruning.
    """
    masks = library.masks
    best = (_energies(weight, block) @ masks.T).argmax(axis=2)
    kept: npt.NDArray[np.bool_] = masks[_spread(best, block, len(weight))]
    if extra > 0:
        outside = np.where(kept, -1.0, _energies(weight))
        order = np.argsort(-outside, axis=2, kind="stable")[..., :extra]
        np.put_along_axis(kept, order, True, axis=2)
    return kept.reshape(weight.shape)


def project(weight: Array, library: Library, block: int = 1) -> Array:
    """Return ``weight`` with each kernel cut to the pattern that `pattern_mask` chooses."""
    return np.where(pattern_mask(weight, library, block), weight, weight.dtype.type(0))


def magnitude_mask(weight: Array, rate: float) -> npt.NDArray[np.bool_]:
    """Return which weights stay when ceil(size / rate) do, the largest, wherever they are."""
    _check_rate(rate)
    kept = np.zeros(weight.size, bool)
    order = np.argsort(-np.abs(weight).reshape(-1), kind="stable")
    kept[order[: int(np.ceil(weight.size / rate))]] = True
    return kept.reshape(weight.shape)


def rank_patterns(
    weights: Iterable[Array], taps: int = 4, centre: bool = True
) -> tuple[Library, npt.NDArray[np.float64]]:
    """Return the patterns that are a kernel's best, most wanted first, and their shares of votes.

    Every kernel votes for the pattern of ``taps`` taps (with ``centre``, the middle tap among
    them) that keeps most of its energy. Its vote weighs its energy, the squared L2 norm, over the
    mean of its layer's kernels that are not empty; empty kernels, such as those that connectivity
    removes, have none. Source: arXiv 2001.07710.

    Raises:
        ValueError: there is no kernel that is not empty, kernels differ in size, or they have
            fewer taps than ``taps``.
    """
    size: tuple[int, int] | None = None
    votes: dict[tuple[int, ...], float] = {}
    for weight in weights:
        if size not in (None, weight.shape[2:]):
            raise ValueError(f"kernels differ in size: {size}, {weight.shape[2:]}")
        size = (weight.shape[2], weight.shape[3])
        count = size[0] * size[1]
        if not 1 <= taps <= count:
            raise ValueError(f"a {size[0]}x{size[1]} kernel cannot keep {taps} taps")
        energy = _energies(weight).reshape(-1, count)
        energy = energy[energy.any(axis=1)]
        order = energy.copy()
        if centre:
            order[:, count // 2] = np.inf
        best = np.sort(np.argsort(-order, axis=1, kind="stable")[:, :taps], axis=1)
        chosen, voters = np.unique(best, axis=0, return_inverse=True)
        totals = np.bincount(voters.reshape(-1), energy.sum(axis=1)) / max(energy.sum(), 1e-300)
        for row, total in zip(chosen.tolist(), totals * len(energy), strict=True):
            votes[tuple(row)] = votes.get(tuple(row), 0.0) + float(total)
    if size is None or not votes:
        raise ValueError("a library needs at least one kernel that is not empty")
    ranked = sorted(votes, key=lambda pattern: (-votes[pattern], pattern))
    shares = np.array([votes[pattern] for pattern in ranked])
    return Library(size, tuple(ranked)), shares / shares.sum()


def elbow(shares: Array) -> int:
    """Return how many patterns lie before the elbow of their cumulative ``shares``.

    That is where the curve is farthest above the straight line between its ends (the criterion of
    Satopaa et al., "Finding a 'kneedle' in a haystack", 2011).
    """
    curve = np.cumsum(shares)
    line = np.linspace(curve[0], curve[-1], len(curve))
    return int(np.argmax(curve - line)) + 1


ELBOW = "elbow"
"""The size of a library that ends at the elbow."""


def extract_library(
    weights: Iterable[Array], size: int | str = 8, taps: int = 4, centre: bool = True
) -> Library:
    """Return the ``size`` patterns that `rank_patterns` puts first, over a whole model.

    ``size`` is a number or `ELBOW`. Small weights can want fewer patterns than ``size``.

    Raises:
        ValueError: as `rank_patterns`, or there are fewer natural patterns than ``size``.
    """
    ranked, shares = rank_patterns(weights, taps, centre)
    height, width = ranked.kernel_size
    natural = math.comb(height * width - centre, taps - centre)
    count = elbow(shares) if isinstance(size, str) else size
    if not 1 <= count <= natural:
        raise ValueError(f"there are {natural} natural patterns, cannot choose {size}")
    return Library(ranked.kernel_size, ranked.patterns[:count])


_CROSS_ARMS = ((1, 3, 4, 5), (1, 3, 4, 7), (1, 4, 5, 7), (3, 4, 5, 7))
_CORNERS = ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8))

LIBRARIES = {
    "scp": Library((3, 3), _CROSS_ARMS),
    "corners": Library((3, 3), _CORNERS),
    "scp+corners": Library((3, 3), _CROSS_ARMS + _CORNERS),
    "cross": Library((3, 3), ((1, 3, 4, 5, 7),)),
    "natural": natural_patterns(),
}
"""Fixed libraries by name.

`scp` has the four patterns of PCONV (arXiv 1909.05073): the middle tap and three of its four
neighbours, whose mean is the shape of its enhanced Laplacian of Gaussian; `corners` the four 2x2
blocks with the middle tap; `cross` the middle tap and all four neighbours; `natural` all 56.
"""


def connectivity_mask(
    weight: Array, rate: float, balanced: bool = False, block: int = 1
) -> npt.NDArray[np.bool_]:
    """Return which kernels stay, [filters, channels], when one in ``rate`` does, by L2 norm.

    The layer keeps ceil(filters * channels / rate) kernels, or with ``balanced`` every filter
    ceil(channels / rate) of its own (arXiv 1909.05073). With ``block`` that many filters, one
    after the other, share their channels: ``filters`` above are blocks then.
    """
    _check_rate(rate)
    norms = _energies(weight, block).sum(axis=2)
    # A last block that is smaller must not lose for that.
    sizes = np.diff(np.append(np.arange(0, len(weight), block), len(weight)))
    rows = norms / sizes[:, None]
    rows = rows if balanced else rows.reshape(1, -1)
    count = int(np.ceil(rows.shape[1] / rate))
    kept = np.zeros(rows.shape, bool)
    np.put_along_axis(kept, np.argsort(-rows, axis=1, kind="stable")[:, :count], True, axis=1)
    chosen: npt.NDArray[np.bool_] = _spread(kept.reshape(norms.shape), block, len(weight))
    return chosen


def _check_rate(rate: float) -> None:
    if not rate >= 1:
        raise ValueError(f"a rate must be at least 1, got {rate}")


def allocate_rates(weights: Iterable[Array], costs: Iterable[int], kept: float) -> list[float]:
    """Return a connectivity rate for each layer, such that all of them keep ``kept`` weights.

    Kernels compete over all layers by their squared L2 norm over that of all kernels of their
    layer that are not smaller: LAMP (arXiv 2010.07611), whose units are weights, for kernels. So
    every layer keeps one.

    Args:
        weights: of the layers.
        costs: how many weights a kept kernel of each layer has.
        kept: how many weights stay, at most one kernel more or less.

    Raises:
        ValueError: one kernel in each layer has more weights than ``kept``.
    """
    scores, prices, layers, counts = [], [], [], []
    for index, (weight, cost) in enumerate(zip(weights, costs, strict=True)):
        norms = -np.sort(-_energies(weight).sum(axis=2).reshape(-1))
        scores.append(norms / np.maximum(np.cumsum(norms), 1e-300))
        scores[-1][0] = np.inf
        prices.append(np.full(norms.size, cost))
        layers.append(np.full(norms.size, index))
        counts.append(norms.size)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    total = np.cumsum(np.concatenate(prices)[order])
    if total[len(counts) - 1] > kept:
        raise ValueError(
            f"one kernel in each of {len(counts)} layers has {total[len(counts) - 1]} weights,"
            f" more than the {kept:.0f} that may stay"
        )
    chosen = np.concatenate(layers)[order[: int(np.searchsorted(total, kept, side="right"))]]
    return [n / int((chosen == index).sum()) for index, n in enumerate(counts)]


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


def imbalance(nonzeros: Array, order: Array, boundaries: Array) -> float:
    """Return the largest part's non-zeros over the mean part's; 1.0 where there are none."""
    sums = np.concatenate([[0], np.cumsum(np.asarray(nonzeros)[order])])[boundaries]
    loads = np.diff(sums)
    return float(loads.max() / loads.mean()) if loads.sum() else 1.0


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
