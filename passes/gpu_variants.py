"""Which kernel a convolution gets on a GPU: candidates, what each does exactly, the choice."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.dialects import integer, integers, shape_of
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.dialects.elementwise import activation_of
from pattern_mlir.dialects.half_sums import HALF_SUMS
from pattern_mlir.gpu import Gpu, Load, seconds
from pattern_mlir.layouts import Pair
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.filters import (
    array_of,
    assignment_of,
    filter_order,
    is_parameter,
    is_sparse,
    library_of,
)
from pattern_mlir.passes.gpu_convolution import (
    MOST_PRODUCTS,
    ROW,
    ConvolutionKernel,
    Variant,
    group_by_channels,
)
from pattern_mlir.passes.gpu_planes import WAVE

Array = npt.NDArray[Any]

TOGETHER = (1, 2, 3, 4, 8, 16)
"""How many filters a workgroup computes."""

TIE = 1.1
"""A roofline tells no smaller differences apart; then few loads are the better choice."""

ENOUGH = 2.2
"""Products of four pixels that a load of four feeds at least, if that does not take much longer."""

MOST_LONGER = 1.5
"""How much longer it may take by the roofline."""

LARGE_PLANE = 28
"""Rows and columns of planes whose loads matter; smaller ones are few pixels for each weight."""

MOST_DENSE = 8
"""How many filters a workgroup of `dense` computes: all taps' weights wait in registers."""

ADDRESSES = 8
"""Registers for addresses, counters and weights."""

LONGEST_SUM = 64
"""Sums of an invocation at most: more make code that takes drivers long to compile."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution as kernels on a GPU see it.

    Attributes:
        weight: [F, C / groups, KH, KW], in the order in which the module has the filters.
        assignment: the pattern of each kernel, -1 for none; None for a dense weight.
        patterns: each one's taps; all taps for a dense weight.
        channels: of the result, that each filter computes.
        groups, strides, dilations, padding: as the operation's; padding [top, left].
        images: how many.
        source_plane, plane: height and width of input and result.
        residual: whether something is added.
        half_sums: whether products may be added up in f16.
        activation: an `ActivationAttr`, or None.
    """

    weight: Array
    assignment: Array | None
    patterns: tuple[tuple[int, ...], ...]
    channels: Array
    groups: int
    strides: Pair
    dilations: Pair
    padding: Pair
    images: int
    source_plane: Pair
    plane: Pair
    residual: bool
    half_sums: bool
    activation: Any

    @property
    def window(self) -> Pair:
        """Height and width of a kernel."""
        return self.weight.shape[2], self.weight.shape[3]

    @property
    def is_large_and_sparse(self) -> bool:
        """Whether it has patterns, and a result of large planes."""
        return self.assignment is not None and min(self.plane) >= LARGE_PLANE

    @functools.cached_property
    def taps(self) -> int:
        """Weights that are not pruned."""
        if self.assignment is None:
            return int(self.weight.size)
        sizes = np.array([*map(len, self.patterns), 0])
        return int(sizes[self.assignment].sum())

    @property
    def products(self) -> int:
        """Multiply-accumulates of an image, without those of pruned weights."""
        return self.taps * self.plane[0] * self.plane[1]


def convolution_of(op: Any, parameters: ParameterStore) -> Convolution | None:
    """Return what ``op``, a `pattern.conv`, computes; None where the weight is not a parameter."""
    if not is_parameter(op.weight) or "max_pool" in op.attributes:
        return None
    parameter = op.weight.owner.opview
    weight = array_of(parameter, parameters)
    sparse = is_sparse(op.weight)
    taps = weight.shape[2] * weight.shape[3]
    top, left, _, _ = integers(op.padding)
    strides, dilations = integers(op.strides), integers(op.dilations)
    shape = conv_shape(shape_of(op.input), weight.shape, strides, integers(op.padding), dilations)
    patterns: tuple[tuple[int, ...], ...] = (tuple(range(taps)),)
    assignment = None
    if sparse:
        # Layers that have the same patterns, in whatever order, share kernels.
        library = library_of(parameter)
        patterns = tuple(sorted(library.patterns))
        places = np.array([*(patterns.index(taps) for taps in library.patterns), -1])
        assignment = places[assignment_of(parameter, weight)]
    return Convolution(
        weight=weight,
        assignment=assignment,
        patterns=patterns,
        channels=filter_order(op, "output_channel"),
        groups=integer(op.groups),
        strides=(strides[0], strides[1]),
        dilations=(dilations[0], dilations[1]),
        padding=(top, left),
        images=shape[0],
        source_plane=(shape_of(op.input)[2], shape_of(op.input)[3]),
        plane=(shape[2], shape[3]),
        residual=op.optional_operand("residual") is not None,
        half_sums=HALF_SUMS in op.attributes,
        activation=activation_of(op),
    )


@dataclass(frozen=True)
class Choice:
    """A kernel for a convolution, and the order in which workgroups take its filters.

    Attributes:
        kernel: what runs.
        order: the filters of the weight, in groups of `kernel.together`.
        tally: what all workgroups do for one image.
        seconds: the least that it takes, on the GPU that it was chosen for.
    """

    kernel: ConvolutionKernel
    order: npt.NDArray[np.int64]
    tally: Tally
    seconds: float


@dataclass(frozen=True)
class Tally:
    """What the active invocations of all workgroups do for one image.

    Attributes:
        products: multiply-adds, without those of pruned weights.
        issued: multiply-adds with those; `dense` computes them, too.
        loads: of input slots.
        words: 32-bit words that these bring.
        table_loads: of rows of the weight's table, of 4 words, the same for a whole workgroup.
        stores: of slots of the result.
        outputs: pixels of the result.
        registers: that an invocation needs at least.
        under_way: words that an invocation loads before it needs the first of them.
        least_active: invocations with a block in the workgroup that has the fewest.
    """

    products: int
    issued: int
    loads: int
    words: int
    table_loads: int
    stores: int
    outputs: int
    registers: int
    under_way: int
    least_active: int

    @property
    def vector_loads(self) -> int:
        """Loads, each counted as often as it has words: one of 4 feeds products of 4 pixels.

        Rows of the table count as loads, too.
        """
        return self.words // max(self.loads, 1) * (self.loads + self.table_loads)

    @property
    def intensity(self) -> float:
        """Vectors of multiply-adds for each vector of as many words that is loaded."""
        return self.products / self.vector_loads


def tally(kernel: ConvolutionKernel, own: Convolution, order: Array) -> Tally:
    """Return what ``kernel`` does with the filters of ``own`` in ``order``, exactly."""
    blocks, outputs, together = kernel.placement.blocks, kernel.outputs, kernel.together
    groups = len(order) // together
    slots = len(kernel.slots(kernel.all_taps))
    rows, words = groups * kernel.header_rows, kernel.source.words
    useful = own.taps * outputs
    if kernel.variant is Variant.DENSE:
        channels = own.weight.shape[1]
        issued = own.weight.size * outputs
        loads = groups * channels * slots
        rows += groups * channels * kernel.channel_rows
        live = slots if together > 1 else min(slots, 2 * kernel.source.pixels)
    else:
        assert own.assignment is not None
        assignment = own.assignment[order].reshape(groups, together, -1)
        counts = np.bincount(assignment[assignment >= 0], minlength=len(kernel.patterns))
        numbers, issued = range(len(kernel.patterns)), useful
        if kernel.variant is Variant.RUNS:
            loads = int(counts @ [len(kernel.slots(taps)) for taps in kernel.patterns])
            rows += int(counts @ [kernel.entry_rows(number) for number in numbers])
            live = kernel.target.size[1] + 2
        else:
            entries = int((assignment >= 0).any(axis=1).sum())
            loads = entries * slots
            rows += entries + int(counts @ [kernel.weight_rows(number) for number in numbers])
            live = slots
    # Sums in f16 wait beside those in f32.
    sums = together * outputs * (3 if kernel.half_sums else 2) // 2
    return Tally(
        products=useful * blocks,
        issued=issued * blocks,
        loads=loads * blocks,
        words=loads * blocks * words,
        table_loads=rows * blocks,
        stores=len(order) * kernel.target.block[0] * kernel.target.block[1] * blocks,
        outputs=len(order) * own.plane[0] * own.plane[1],
        registers=sums + live * words + ADDRESSES,
        under_way=max(1, words * slots if kernel.variant is not Variant.RUNS else words * live),
        least_active=kernel.placement.least_active,
    )


def source_layout(own: Convolution, target: BlockLayout, preferred: BlockLayout) -> BlockLayout:
    """Return the blocks in which a convolution with result in ``target`` reads its input.

    Those that it has where a block of the result takes whole ones of them; else blocks that are
    larger by the strides.
    """
    wanted = [size * stride for size, stride in zip(target.size, own.strides, strict=True)]
    if all(want % have == 0 for want, have in zip(wanted, preferred.size, strict=True)):
        return preferred
    return BlockLayout((wanted[0], wanted[1] // target.pixels), target.pixels, (0, 0), target.half)


def kernels(
    own: Convolution, source: BlockLayout, target: BlockLayout, native: bool
) -> Iterator[ConvolutionKernel]:
    """Yield the kernels that can compute a convolution."""
    outputs = target.size[0] * target.size[1]
    filters = len(own.weight) // own.groups
    sparse = own.assignment is not None and own.groups == 1
    blocks = [n for n in TOGETHER if filters % n == 0 and n * outputs <= LONGEST_SUM] or [1]
    found = [(Variant.DENSE, n) for n in blocks if n <= MOST_DENSE]
    if sparse:
        found += [(Variant.RUNS, 1)]
        found += [(Variant.SHARED, n) for n in blocks if n > 1 and _fits(own, n)]
    everything = tuple(range(own.window[0] * own.window[1]))
    for variant, together in found:
        yield ConvolutionKernel(
            variant=variant,
            together=together,
            patterns=(everything,) if variant is Variant.DENSE else own.patterns,
            window=own.window,
            dilations=own.dilations,
            source=source,
            target=target,
            source_plane=own.source_plane,
            plane=own.plane,
            origin=(-own.padding[0], -own.padding[1]),
            strides=own.strides,
            residual=target if own.residual else None,
            activation=own.activation,
            chunk=0 if target.half else _chunk(own, variant),
            native=native,
            half_sums=own.half_sums,
        )


def _fits(own: Convolution, together: int) -> bool:
    """Whether the patterns of so many filters fit into the two words of an entry."""
    return together * (4 if len(own.patterns) < 16 else 8) <= 64


def _chunk(own: Convolution, variant: Variant) -> int:
    """Return after how many channels sums are put down; 0 for never."""
    channels = own.weight.shape[1]
    if own.assignment is None or variant is Variant.DENSE:
        longest = own.weight[0].size
    else:
        sizes = np.array([*map(len, own.patterns), 0])
        longest = int(sizes[own.assignment].sum(axis=1).max(initial=0))
    return 0 if longest <= MOST_PRODUCTS else max(1, MOST_PRODUCTS // 2 * channels // longest)


def choose(
    own: Convolution, source: BlockLayout, target: BlockLayout, machine: Gpu, native: bool
) -> Choice:
    """Return the kernel that takes least on ``machine``, its filters in order of their work.

    See `preferred`.
    """
    found = [choice_of(kernel, own, machine) for kernel in kernels(own, source, target, native)]
    intensities = [choice.tally.intensity for choice in found]
    # Where little is loaded anyway, or nothing pruned, time alone counts.
    least = intensities if own.is_large_and_sparse else [ENOUGH] * len(found)
    return found[preferred([choice.seconds for choice in found], intensities, least)]


def preferred(
    seconds: Sequence[float], intensities: Sequence[float], least: Sequence[float]
) -> int:
    """Return which of several choices to take, by their times and the products that a load feeds.

    Of those that take no more than `TIE` as long as the fastest, the one with the fewest loads. If
    its ``least`` products a load, of the layers that count, are fewer than `ENOUGH`: the fastest of
    those that have these, unless it takes more than `MOST_LONGER` as long. Multiply-adds and loads
    are not as independent on any GPU as the roofline takes them to be.
    """
    fastest, numbers = min(seconds), range(len(seconds))
    near = [i for i in numbers if seconds[i] <= TIE * fastest]
    best = max(near, key=lambda i: intensities[i])
    enough = [i for i in numbers if least[i] >= ENOUGH and seconds[i] <= MOST_LONGER * fastest]
    if least[best] >= ENOUGH or not enough:
        return best
    return min(enough, key=lambda i: seconds[i])


def choice_of(kernel: ConvolutionKernel, own: Convolution, machine: Gpu) -> Choice:
    """Return ``kernel`` with the order of filters, what it does, and its time on ``machine``."""
    order, counts = _counted(own, kernel)
    return Choice(kernel, order, counts, seconds(machine, load_of(kernel, own, counts)))


@functools.lru_cache(maxsize=64)
def _counted(own: Convolution, kernel: ConvolutionKernel) -> tuple[npt.NDArray[np.int64], Tally]:
    """Return the order of filters for ``kernel`` and what it does, whatever the GPU."""
    order = _order(own, kernel)
    return order, tally(kernel, own, order)


def load_of(kernel: ConvolutionKernel, own: Convolution, counts: Tally) -> Load:
    """Return what a convolution asks of a GPU, for all images."""
    place = kernel.placement
    groups = -(-len(own.weight) // kernel.together)
    idle = place.groups * place.invocations / place.blocks
    kept = own.weight.size if kernel.variant is Variant.DENSE else own.taps
    planes = own.weight.shape[1] * own.groups, len(own.weight)
    moved = (
        (2 if kernel.half_weights else 4) * kept
        + own.images * kernel.source.bytes((1, planes[0], *own.source_plane))
        + own.images * kernel.target.bytes((1, planes[1], *own.plane)) * (2 if own.residual else 1)
    )
    return Load(
        invocations=own.images * groups * place.groups * place.invocations,
        products=int(own.images * idle * counts.issued),
        # A workgroup loads a row of the table once a wave.
        cached=int(own.images * idle * 4 * (counts.words + counts.table_loads * ROW / WAVE)),
        moved=moved,
        registers=counts.registers,
        under_way=4 * counts.under_way,
    )


def _order(own: Convolution, kernel: ConvolutionKernel) -> npt.NDArray[np.int64]:
    """Return the filters in the order in which workgroups take them: the longest first."""
    if own.assignment is None or kernel.variant is Variant.DENSE:
        return np.arange(len(own.weight))
    if kernel.variant is Variant.RUNS:
        return np.argsort(-(own.assignment >= 0).sum(axis=1), kind="stable")
    return _grouped(own, kernel.together)


@functools.lru_cache(maxsize=256)
def _grouped(own: Convolution, together: int) -> npt.NDArray[np.int64]:
    """Return the filters of ``own`` in groups with most channels in common, the longest first."""
    assert own.assignment is not None
    kept = own.assignment >= 0
    groups = group_by_channels(kept, together).reshape(-1, together)
    return groups[np.argsort(-kept[groups].sum(axis=(1, 2)), kind="stable")].reshape(-1)


def balance(work: Sequence[int], blocks: int, cores: int) -> float:
    """Return the busiest core's work over the mean where workgroups go to whichever is free.

    ``work`` is that of each group of filters in their order; each has ``blocks`` workgroups.
    """
    loads = [0] * cores
    for own in work:
        for _ in range(blocks):
            lightest = loads.index(min(loads))
            loads[lightest] += own
    return max(loads) / (sum(loads) / cores) if sum(loads) else 1.0
