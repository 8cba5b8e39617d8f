"""What a convolution's kernel on a GPU is, and the tables of a weight that it reads."""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.gpu_planes import Placement

Array = npt.NDArray[Any]

ROW = 4
"""Words of a row of a table, which one load brings."""

MOST_PRODUCTS = 512
"""Products of an output that are added up in one go, as f32."""


class Variant(enum.Enum):
    """How a kernel goes over the kernels of its filters."""

    RUNS = "runs"
    SHARED = "shared"
    DENSE = "dense"


@dataclass(frozen=True)
class ConvolutionKernel:
    """A convolution but for its weights and channels: equal ones share a function.

    An invocation computes its block of ``together`` filters; a workgroup, blocks side by side.

    Attributes:
        variant: `runs`: one filter, its kernels sorted by pattern, a loop for each. `shared`:
            filters with most channels in common, whose input is loaded once a channel, then for
            each filter what its pattern needs of it. `dense`: all taps of all filters.
        together: filters of a workgroup.
        patterns: for each pattern the positions of its taps in the window, row by row.
        window: height and width of a kernel.
        dilations: pixels from one tap to the next.
        source, target: layouts of input and result.
        source_plane, plane: height and width of input and result.
        origin: the input pixel of tap (0, 0) for output (0, 0).
        strides: in pixels.
        residual: the layout of what is added, or None.
        activation: an `ActivationAttr`, or None.
        chunk: channels (`dense`) or entries (`shared`) after which the sums join those in the
            result; `runs` does so after each pattern. 0 for never.
        native: whether f16 is loaded as such.
        half_sums: whether up to `HALF_TERMS` products are added up in f16 before they join a sum.
    """

    variant: Variant
    together: int
    patterns: tuple[tuple[int, ...], ...]
    window: Pair
    dilations: Pair
    source: BlockLayout
    target: BlockLayout
    source_plane: Pair
    plane: Pair
    origin: Pair
    strides: Pair = (1, 1)
    residual: BlockLayout | None = None
    activation: Any = None
    chunk: int = 0
    native: bool = False
    half_sums: bool = False

    @property
    def placement(self) -> Placement:
        """How the plane's blocks are shared by workgroups."""
        return Placement.of(self.target, self.plane)

    @property
    def outputs(self) -> int:
        """Pixels of a block."""
        height, width = self.target.size
        return height * width

    @property
    def half_weights(self) -> bool:
        """Whether weights are f16."""
        return self.source.half

    @property
    def steps(self) -> Pair:
        """Blocks of the input from the one of a block of the result to the next one's."""
        down, right = (
            size * stride // own
            for size, stride, own in zip(
                self.target.size, self.strides, self.source.size, strict=True
            )
        )
        return down, right

    def slots(self, taps: Sequence[int]) -> list[Pair]:
        """Return the slots (row, column) of the input that ``taps`` of a block read, in order."""
        size, strides, pixels = self.target.size, self.strides, self.source.pixels
        found = (_slots(size, strides, self.pixel((0, 0), tap), pixels) for tap in taps)
        return sorted(frozenset[Pair]().union(*found))

    def block_pixels(self) -> list[Pair]:
        """Return the pixels of a block of the result."""
        height, width = self.target.size
        return list(product(range(height), range(width)))

    def pixel(self, output: Pair, tap: int) -> Pair:
        """Return the input pixel, from its block's first one, that a tap of an output reads."""
        row, column = (
            out * stride + place * dilation + origin
            for out, stride, place, dilation, origin in zip(
                output,
                self.strides,
                divmod(tap, self.window[1]),
                self.dilations,
                self.origin,
                strict=True,
            )
        )
        return row, column

    @property
    def all_taps(self) -> list[int]:
        """Every tap of a pattern."""
        return sorted({tap for taps in self.patterns for tap in taps})

    @property
    def pattern_bits(self) -> int:
        """Bits of a pattern's number in an entry of `shared`; 0 is no pattern."""
        return 4 if len(self.patterns) < 16 else 8

    @property
    def patterns_a_word(self) -> int:
        """Patterns' numbers that fit into a word of an entry of `shared`, which has two."""
        return 32 // self.pattern_bits

    def weight_rows(self, pattern: int) -> int:
        """Return the rows of a kernel's weights in `shared`."""
        return -(-self.weight_words(len(self.patterns[pattern])) // ROW)

    def entry_rows(self, pattern: int) -> int:
        """Return the rows of a kernel in `runs`: where its channel is, then its weights."""
        return -(-(1 + self.weight_words(len(self.patterns[pattern]))) // ROW)

    @property
    def channel_rows(self) -> int:
        """Rows of a channel's weights in `dense`."""
        return -(-self.weight_words(self.together * len(self.patterns[0])) // ROW)

    def weight_words(self, count: int) -> int:
        """Return the words of ``count`` weights."""
        return -(-count // 2) if self.half_weights else count

    @property
    def starts(self) -> int:
        """Words at the start of a workgroup's header that say where its entries are."""
        words = {Variant.RUNS: len(self.patterns) + 1, Variant.SHARED: 2, Variant.DENSE: 2}
        return words[self.variant]

    @property
    def header_rows(self) -> int:
        """Rows of a workgroup's header: starts, then channel and bias of each filter."""
        return -(-(self.starts + 2 * self.together) // ROW)

    def weights(self, numbers: Array, rows: int, before: Array | None = None) -> Array:
        """Return each line of ``numbers`` [lines, weights] as ``rows`` rows of a table.

        ``before`` [lines] is a word that stands first in each.
        """
        if self.half_weights:
            even = np.zeros((len(numbers), numbers.shape[1] + numbers.shape[1] % 2), np.float16)
            even[:, : numbers.shape[1]] = numbers
            words = even.view(np.uint32)
        else:
            words = np.ascontiguousarray(numbers.astype(np.float32)).view(np.uint32)
        first = 0 if before is None else 1
        table = np.zeros((len(words), rows * ROW), np.uint32)
        if before is not None:
            table[:, 0] = before
        table[:, first : first + words.shape[1]] = words
        return table.reshape(-1, ROW)


@functools.lru_cache(maxsize=1024)
def _slots(size: Pair, strides: Pair, first: Pair, pixels: int) -> frozenset[Pair]:
    """Return the slots of ``pixels`` that a tap of a block reads; ``first`` is its first pixel."""
    return frozenset(
        (first[0] + row * strides[0], (first[1] + column * strides[1]) // pixels)
        for row, column in product(range(size[0]), range(size[1]))
    )


def halo_needed(kernel: ConvolutionKernel) -> Pair:
    """Return the halo that ``kernel`` reads of its input, in blocks."""
    grid, own = kernel.target.grid(kernel.plane), kernel.source.grid(kernel.source_plane)
    read = [kernel.pixel((0, 0), tap) for tap in kernel.all_taps]
    found = []
    for axis in (0, 1):
        size, stride = kernel.source.size[axis], kernel.strides[axis]
        reach = [pixel[axis] for pixel in read]
        last = ((kernel.target.size[axis] - 1) * stride + max(reach)) // size
        after = (grid[axis] - 1) * kernel.steps[axis] + last - (own[axis] - 1)
        found.append(max(0, -(min(reach) // size), after))
    return found[0], found[1]


@dataclass(frozen=True)
class Table:
    """The packed weight of a convolution.

    Attributes:
        words: u32 [rows, 4]: the headers of all workgroups' filters, then their entries.
        work: multiply-accumulates of each group's filters at one pixel.
    """

    words: npt.NDArray[np.uint32]
    work: tuple[int, ...]


def group_by_channels(kept: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.int64]:
    """Return an order of filters in which each ``size`` have many channels in common.

    The longest filter that is left starts a group; those join that add the fewest channels.
    ``kept`` [filters, channels] says which kernels there are.
    """
    longest = np.argsort(-kept.sum(axis=1), kind="stable")
    rows = kept[longest].astype(np.float32)
    # What taken filters would add is more than any other's.
    counts = rows.sum(axis=1)
    order: list[int] = []
    while len(order) < len(rows):
        covered = np.zeros(rows.shape[1], np.float32)
        for number in range(min(size, len(rows) - len(order))):
            added = np.where(np.isinf(counts), 0, -1) if number == 0 else counts - rows @ covered
            best = int(np.argmin(added))
            order.append(best)
            np.maximum(covered, rows[best], out=covered)
            counts[best] = np.inf
    return longest[order]


def pack(
    kernel: ConvolutionKernel,
    weight: Array,
    assignment: Array | None,
    bias: Array,
    channels: Array,
    groups: int,
) -> Table:
    """Return the table of a weight [F, C, KH, KW].

    Args:
        kernel: what reads it.
        weight: in the order in which workgroups take its filters.
        assignment: the pattern of each kernel [F, C], -1 for none; None for `dense`.
        bias: of each filter [F], in the same order.
        channels: of the result, that each filter computes.
        groups: into which the convolution's channels are divided.
    """
    plane = kernel.source.channel(kernel.source_plane)
    members = np.arange(len(weight)).reshape(-1, kernel.together)
    sizes = np.array([len(taps) for taps in kernel.patterns])
    flat = weight.reshape(*weight.shape[:2], -1)
    row = len(members) * kernel.header_rows
    headers = np.zeros((len(members), kernel.header_rows * ROW), np.uint32)
    parts, work = [], []
    for header, own in zip(headers, members, strict=True):
        if assignment is None:
            first = int(own[0]) * groups // len(weight) * weight.shape[1] * plane
            starts, rows = _dense(kernel, flat[own], first, row)
            work.append(flat[own].size)
        else:
            pack_entries = _runs if kernel.variant is Variant.RUNS else _shared
            starts, rows = pack_entries(kernel, flat[own], assignment[own], plane, row)
            numbers = assignment[own]
            work.append(int(sizes[numbers[numbers >= 0]].sum()))
        header[: len(starts)] = starts
        ends = len(starts) + 2 * len(own)
        header[len(starts) : ends : 2] = channels[own]
        header[len(starts) + 1 : ends : 2] = bias[own].astype(np.float32).view(np.uint32)
        parts.append(rows)
        row += len(rows)
    words = np.concatenate([headers.reshape(-1, ROW), *parts])
    return Table(words, tuple(work))


def _runs(
    kernel: ConvolutionKernel, weight: Array, assignment: Array, plane: int, row: int
) -> tuple[list[int], Array]:
    """Return where each pattern's kernels begin, and the entries."""
    starts, parts = [row], []
    for pattern, taps in enumerate(kernel.patterns):
        found = np.flatnonzero(assignment[0] == pattern)
        own = weight[0, found][:, list(taps)]
        parts.append(kernel.weights(own, kernel.entry_rows(pattern), found * plane))
        starts.append(starts[-1] + len(parts[-1]))
    return starts, np.concatenate(parts)


def _shared(
    kernel: ConvolutionKernel, weight: Array, assignment: Array, plane: int, row: int
) -> tuple[list[int], Array]:
    """Return the bounds of the entries, and these: channels, then the kernels' weights.

    An entry is where its channel is, the row of its first weights, and the patterns' numbers.
    """
    found = np.flatnonzero((assignment >= 0).any(axis=0))
    numbers = assignment[:, found].T.astype(np.int64)  # [channels, filters]
    rows = np.array([*map(kernel.weight_rows, range(len(kernel.patterns))), 0])[numbers]
    ends = rows.cumsum().reshape(rows.shape)
    starts = ends - rows
    table = np.zeros((len(found) + int(rows.sum()), ROW), np.uint32)
    table[: len(found), 0] = found * plane
    table[: len(found), 1] = row + len(found) + starts[:, 0]
    for word, first in enumerate(range(0, len(assignment), kernel.patterns_a_word), start=2):
        own = numbers[:, first : first + kernel.patterns_a_word] + 1
        shifts = kernel.pattern_bits * np.arange(own.shape[1])
        table[: len(found), word] = (own << shifts).sum(axis=1)
    for pattern, taps in enumerate(kernel.patterns):
        places, filters = np.nonzero(numbers == pattern)
        size = kernel.weight_rows(pattern)
        kept = kernel.weights(weight[filters, found[places]][:, list(taps)], size)
        at = len(found) + starts[places, filters][:, None] + np.arange(size)
        table[at.reshape(-1)] = kept
    return [row, row + len(found)], table


def _dense(
    kernel: ConvolutionKernel, weight: Array, first: int, row: int
) -> tuple[list[int], Array]:
    """Return where entries and input channels begin, and the entries, one a channel."""
    by_channel = weight.transpose(1, 0, 2).reshape(weight.shape[1], -1)
    return [row, first], kernel.weights(by_channel, kernel.channel_rows)
