"""What lane blocks need to know of an operation: its taps, its blocks, and what it costs there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.cost import Machine, Products, Tiling, choose_tiling
from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LayerNormOp,
    MaxPoolOp,
    MultiplyOp,
    PixelShuffleOp,
    SelectChannelsOp,
    SparseAttr,
    UpsampleOp,
    integer,
    integers,
    shape_of,
)
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.dialects.half_sums import HALF_SUMS
from pattern_mlir.input_stationary import choose_input_tiling
from pattern_mlir.layouts import Pair, Wraps, covering, grids, rows_reach
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.filters import (
    WIDEST_BLOCK,
    array_of,
    is_parameter,
    is_sparse,
    shared_filters,
)
from pattern_mlir.passes.kernel_functions import ELEMENT_BYTES
from pattern_mlir.passes.lane_kernel import Kind
from pattern_mlir.patterns import Library
from pattern_mlir.tap_lanes import MOST_KERNELS, choose_tap_tiling

MOST_CHANNEL_BLOCKS = 8
"""Blocks that channels are cut into."""

LEAST_KERNELS = 8
"""Kernels that a filter has in a block of channels, on average."""

WIDEST_ROW_BLOCK = 4
"""Columns of a block in rows: a tile has all of them."""

MOST = 65535
"""Filters or channels that the tables of a packed weight can count."""

INDEX_BYTES = 2
"""Of a kernel's channel, beside its weights."""

PLAIN_POOL_CYCLES = 5.0
"""Of each comparison of a maximum over windows in plain loops, as measured on planes of 4x4."""

PLAIN_NORM_CYCLES = 4.0
"""Of each element of a layer norm over channels in plain loops."""

NORM_LOADS = 4.0
"""Of each vector of a layer norm over channels, in loads: for the mean, for the variance."""

NEARLY = 0.03
"""Of tilings whose costs differ by less, the one that computes more filters at a time: it reads
its input less often. On an Ice Lake 3x3 layers with four filters at a time took .65 to 1.05 of the
time with one."""

MEAN_VECTORS = 16
"""Vectors that could be added while the mean of a plane is finished: lanes are added up, too."""

FEW_CHANNELS = 4
"""Of convolutions that read images: much of their time is not multiplying."""

NEVER_NEGATIVE = frozenset({"relu", "relu6", "sigmoid", "hard_sigmoid"})
"""Activations after which a maximum does not see a halo of zeros."""


@dataclass(frozen=True)
class LaneOperation:
    """An operation as lane blocks see it.

    Attributes:
        kind: what its kernel does.
        library: the patterns of its kernels; of a dense one, the pattern of all taps.
        images, channels, filters: of the operation; filters are channels of the result.
        input_plane, sums_plane, result_plane: height, width; sums and result differ by the pool.
        shared_filters: filters that may be computed together: they share channels and patterns.
        kernels: kernels that are kept.
        plain_cycles: what it costs in plain loops.
        strides, dilations, repeat: in pixels.
        padding: top, left.
        max_pool: whether a 2x2 pool follows.
        fill: what the input's halo must hold; None where any number does.
        groups: of the convolution.
        element: the type that tensors are stored in, `f32` or `f16`.
        half_sums: whether products are added up in f16.
        divisor: of the sum over a window.
        writes_plain: whether the result is plain: the mean of each plane.
        residual: whether it reads a tensor like its result, too.
        threads: that share its filters.
    """

    kind: Kind
    library: Library
    images: int
    channels: int
    filters: int
    input_plane: Pair
    sums_plane: Pair
    result_plane: Pair
    shared_filters: int
    kernels: int
    plain_cycles: float
    strides: Pair = (1, 1)
    dilations: Pair = (1, 1)
    padding: Pair = (0, 0)
    repeat: Pair = (1, 1)
    max_pool: bool = False
    fill: float | None = 0.0
    groups: int = 1
    element: str = "f32"
    half_sums: bool = False
    divisor: float = 1.0
    writes_plain: bool = False
    residual: bool = False
    threads: int = 1

    def machine(self, machine: Machine, lanes: int) -> Machine:
        """Return ``machine`` as this operation uses it, with vectors of ``lanes``."""
        if self.element == "f16":
            return machine.for_half(lanes, self.half_sums)
        return machine.with_lanes(lanes)

    @property
    def shares_planes(self) -> bool:
        """Whether a plane of the input is read for several planes of the result."""
        return self.kind is Kind.CONVOLVE and not self.groups == self.channels == self.filters

    @property
    def shrink(self) -> int:
        """Rows and columns of sums that become one of the result."""
        return 2 if self.max_pool else 1

    @property
    def unit(self) -> int:
        """Rows and columns of sums that tiles are multiples of."""
        return self.shrink * math.lcm(*self.repeat)

    @property
    def taps(self) -> tuple[tuple[Pair, ...], ...]:
        """The pixels (row, column) of each pattern's taps in the dilated kernel."""
        width = self.library.kernel_size[1]
        return tuple(
            tuple(
                (tap // width * self.dilations[0], tap % width * self.dilations[1])
                for tap in pattern
            )
            for pattern in self.library.patterns
        )

    @property
    def halo(self) -> tuple[int, int, int, int]:
        """Vectors of the input that windows reach over a block: above, left, below, right."""
        reach = [
            (size - 1) * dilation - padding - stride + 1
            for size, dilation, padding, stride in zip(
                self.library.kernel_size, self.dilations, self.padding, self.strides, strict=True
            )
        ]
        return (*self.padding, max(reach[0], 0), max(reach[1], 0))

    def read_halo(self, machine: Machine, block: Pair, rows: bool) -> tuple[int, int, int, int]:
        """Return the part of the `halo` that is read for a result's block, in rows or not."""
        wraps = self.tiling(machine, block, rows).wraps
        top, left, bottom, right = self.halo
        vertical, horizontal = (
            (0, 0) if wrap else own
            for wrap, own in zip(wraps, ((top, bottom), (left, right)), strict=True)
        )
        return vertical[0], horizontal[0], vertical[1], horizontal[1]

    def has_halo(self, halo: tuple[int, int, int, int]) -> Wraps:
        """Return whether ``halo`` has what windows reach above and below, left and right."""
        enough = [own >= needed for own, needed in zip(halo, self.halo, strict=True)]
        return enough[0] and enough[2], enough[1] and enough[3]

    def result_block(self, grid: Pair, multiple: int) -> Pair:
        """Return the smallest block of the result that serves input, sums and result."""
        sizes = []
        for axis in (0, 1):
            strided = -(-self.input_plane[axis] * self.repeat[axis] // self.strides[axis])
            sums = max(self.sums_plane[axis], strided, self.shrink * self.result_plane[axis])
            unit = self.unit * multiple
            sizes.append(covering(grid[axis], sums, unit) // self.shrink)
        return sizes[0], sizes[1]

    def sums_block(self, block: Pair) -> Pair:
        """Return the block before the pool for a result's block."""
        return block[0] * self.shrink, block[1] * self.shrink

    def source_block(self, block: Pair) -> Pair:
        """Return the input's block for a result's block."""
        rows, columns = (
            size * self.shrink * stride // repeat
            for size, stride, repeat in zip(block, self.strides, self.repeat, strict=True)
        )
        return rows, columns

    def row_ways(self, grid: Pair, block: Pair) -> tuple[bool, ...]:
        """Return whether a result's blocks may lie in rows (`LaneLayout.rows`), and need not."""
        reach = self.halo[1], self.halo[3]
        width = self.input_plane[1]
        fits = (
            grid[0] == 1
            and self.sums_block(block)[1] <= WIDEST_ROW_BLOCK
            and rows_reach(grid[1], self.source_block(block), width, *reach)
        )
        return (False, True) if fits else (False,)

    def tiling(
        self, machine: Machine, block: Pair, rows: bool, halo: Wraps = (True, True)
    ) -> Tiling:
        """Return the cheapest tiling for a result's block, in rows or not.

        ``halo``: whether the input has what windows reach above and below, left and right.
        """
        row_block = self.source_block(block)[1] if rows else 0
        origin = None if self.kind is not Kind.CONVOLVE else (-self.padding[0], -self.padding[1])
        blocks = (n for n in range(1, self.shared_filters + 1) if self.shared_filters % n == 0)
        products = [
            Products(self.taps, self.strides, filters, row_block, origin, halo)
            for filters in blocks
        ]
        tilings = [
            choose_tiling(
                machine,
                own,
                self.sums_block(block),
                self.kernels / self.filters,
                self.unit,
                self.channels,
                self._most_channel_blocks(),
                self.channels / self.filters,
            )
            for own in products
            if all(halo) or own.can_wrap
        ]
        inputs = self._input_tiling(machine, block, products[0], rows)
        taps = self._tap_tiling(machine, block, products[0], rows)
        tilings += [own for own in (inputs, taps) if own]
        near = (1 + NEARLY) * min(tiling.filter_cycles for tiling in tilings)
        return max(
            (tiling for tiling in tilings if tiling.filter_cycles <= near),
            key=lambda tiling: tiling.filter_block,
        )

    def _input_tiling(
        self, machine: Machine, block: Pair, products: Products, rows: bool
    ) -> Tiling | None:
        """Return the cheapest tiling with inputs in registers, for sparse kernels of few taps."""
        if rows or not self._has_own_kernels or not products.can_wrap:
            return None
        return choose_input_tiling(
            machine,
            products,
            self.sums_block(block),
            self.kernels / self.filters,
            self.unit,
            self.channels,
            self.filters,
            self.channels / self.filters,
            self.threads,
        )

    def _tap_tiling(
        self, machine: Machine, block: Pair, products: Products, rows: bool
    ) -> Tiling | None:
        """Return the tiling with taps in lanes, for sparse kernels and blocks of one pixel."""
        one = self.sums_block(block) == self.source_block(block) == (1, 1)
        kernels = self.kernels / self.filters
        counted = self.channels * len(self.taps) < MOST and kernels <= MOST_KERNELS
        if rows or not self._has_own_kernels or not one or not counted:
            return None
        planes = self.channels / self.filters
        return choose_tap_tiling(machine, products, kernels, self.channels, planes)

    @property
    def _has_own_kernels(self) -> bool:
        """Whether each filter has kernels of its own, of several patterns, in f32."""
        sparse = self.kind is Kind.CONVOLVE and self.groups == 1 and len(self.taps) > 1
        return sparse and self.shared_filters == 1 and self.element == "f32"

    def _most_channel_blocks(self) -> int:
        """Return into how many blocks channels may be cut; sums wait in the result meanwhile.

        Every block adds the counts of its kernels to the packed weight, so there are few. In a
        result of f16 sums cannot wait: they would be rounded.
        """
        if self.kind is not Kind.CONVOLVE or self.groups > 1 or self.max_pool:
            return 1
        if self.element == "f16":
            return 1
        kernels = self.kernels / self.filters
        return max(1, min(int(kernels / LEAST_KERNELS), MOST_CHANNEL_BLOCKS))

    def cycles(self, machine: Machine, block: Pair, rows: bool) -> float:
        """Return what the operation costs with a result's block, in rows or not.

        Among it what storing the halo of its input costs, which it decides on.
        """
        cycles = self._computing(machine, block, rows)
        if not self.writes_plain:
            tiling = self.tiling(machine, block, rows)
            cycles += self.images * self.filters / tiling.filter_block * tiling.halo_cycles
        if self.writes_plain or self.kind in (Kind.CONVOLVE, Kind.NORMALIZE):
            return cycles
        return max(cycles, machine.stream_cycles(self._moved_bytes(machine)))

    def predicted(self, machine: Machine, block: Pair, rows: bool) -> float:
        """Return what the operation takes, by all that is known of the processor."""
        cycles = self._computing(machine, block, rows)
        if not self.writes_plain and self.kind is not Kind.NORMALIZE:
            moved = self._moved_bytes(machine)
            # Windows come from the second cache, and hide no weights that come from behind it.
            if self.tiling(machine, block, rows).taps_in_lanes:
                moved += self.weight_bytes(machine)
            cycles += machine.fetch_cycles(moved)
        return machine.corrected(self.kernel_kind, cycles)

    def _computing(self, machine: Machine, block: Pair, rows: bool) -> float:
        if self.writes_plain:
            vectors = self.images * self.channels * (math.prod(block) + MEAN_VECTORS)
            return vectors * machine.load_cycles
        tiling = self.tiling(machine, block, rows)
        cycles = self.images * self.filters / tiling.filter_block * tiling.cycles
        if self.kind is Kind.NORMALIZE:
            vectors = self.images * self.channels * math.prod(block)
            return cycles + NORM_LOADS * vectors * machine.load_cycles
        return cycles

    def _moved_bytes(self, machine: Machine) -> int:
        """Return the bytes of the tensors that are read and written."""
        result = self.filters * math.prod(self.result_plane)
        pixels = self.channels * math.prod(self.input_plane) + (1 + self.residual) * result
        return machine.element_bytes * self.images * pixels

    def weight_bytes(self, machine: Machine) -> int:
        """Return the bytes of all kernels: of their weights, and of their channels' numbers."""
        return self.kernels * (machine.element_bytes * max(map(len, self.taps)) + INDEX_BYTES)

    @property
    def kernel_kind(self) -> str:
        """What corrections of the machine model call it; see `Machine.corrections`."""
        if self.kind is not Kind.CONVOLVE:
            return "mean" if self.writes_plain else self.kind.value
        if self.channels <= FEW_CHANNELS:
            return "few channels"
        if self.groups == self.channels == self.filters:
            shape = "depthwise"
        elif self.library.kernel_size == (1, 1):
            all_kernels = self.kernels * self.groups == self.filters * self.channels
            shape = "1x1" if all_kernels else "sparse 1x1"
        else:
            patterns = self.library.patterns
            all_taps = len(patterns) == 1 and len(patterns[0]) == math.prod(
                self.library.kernel_size
            )
            shape = "dense" if all_taps else "sparse"
        return shape if self.strides == (1, 1) else f"strided {shape}"


def least_cycles(op: Any, parameters: ParameterStore, machine: Machine) -> float:
    """Return what ``op`` costs in the lane blocks that suit it best; infinity without a kernel."""
    description = describe(op, parameters)
    if description is None:
        return math.inf
    return min(
        description.predicted(machine, description.result_block(grid, 1), rows=False)
        for grid in grids(machine.lanes)
    )


def describe(op: Any, parameters: ParameterStore) -> LaneOperation | None:
    """Return what lane blocks need to know of ``op``; None where they have no kernel for it."""
    result = op.operation.results[0] if len(op.operation.results) == 1 else None
    if result is None or not isinstance(result.type, ir.RankedTensorType):
        return None
    element = str(result.type.element_type)
    if element not in ELEMENT_BYTES or len(result.type.shape) != 4:
        return None
    if 0 in result.type.shape:
        return None
    found = _described(op, parameters)
    return found and replace(found, element=element, half_sums=HALF_SUMS in op.attributes)


def _described(op: Any, parameters: ParameterStore) -> LaneOperation | None:
    """Return what `describe` does, but for the type of the elements."""
    if isinstance(op, ConvOp):
        most = max(shape_of(op.weight)[0], shape_of(op.input)[1])
        bias = op.optional_operand("bias")
        plain_bias = bias is None or isinstance(bias.type.element_type, ir.F32Type)
        lies_in_lanes = is_sparse(op.weight) or not is_pixel(op)
        fits = is_parameter(op.weight) and plain_bias and most <= MOST and lies_in_lanes
        return _convolution(op, parameters) if fits else None
    for kinds, describe_kind in _DESCRIPTIONS:
        if isinstance(op, kinds):
            return describe_kind(op)
    return None


def is_pixel(conv: Any) -> bool:
    """Whether ``conv`` is a linear layer: its planes and kernels are single pixels."""
    return (
        math.prod([*shape_of(conv.input)[2:], *shape_of(conv.weight)[2:]]) == 1
        and shape_of(conv.result)[2:] == [1, 1]
        and integer(conv.groups) == 1
        and conv.optional_operand("residual") is None
        and "output_channel" not in conv.attributes
    )


def lane_operands(op: Any) -> list[int]:
    """Return the positions of the operands that lie in the layout of ``op``: input and residual.

    Not the weight and the bias of a layer norm. Of a sum or product with one number a channel, the
    position of the other operand.
    """
    count = len(op.operation.operands)
    if isinstance(op, ConvOp):
        return [0] if op.optional_operand("residual") is None else [0, count - 1]
    if isinstance(op, LayerNormOp):
        return [0]
    if (channelwise := channel_operand(op)) is not None:
        return [1 - channelwise]
    return list(range(count))


def channel_operand(op: Any) -> int | None:
    """Return which operand of a sum or product has one number a channel; None for neither."""
    if not isinstance(op, (AddOp, MultiplyOp)) or len(shape_of(op.result)) != 4:
        return None
    shapes, result = [shape_of(op.lhs), shape_of(op.rhs)], shape_of(op.result)
    for position, shape in enumerate(shapes):
        whole = shapes[1 - position] == result and shape != result
        if whole and shape[0] in (1, result[0]) and shape[1:] == [result[1], 1, 1]:
            return position
    return None


def thread_bounds(conv: Any) -> list[int]:
    """Return the first filter of each thread, and how many there are."""
    if "filter_boundaries" in conv.attributes:
        return integers(conv.attributes["filter_boundaries"])
    return [0, shape_of(conv.weight)[0]]


def _convolution(conv: Any, parameters: ParameterStore) -> LaneOperation:
    images, channels, *input_plane = shape_of(conv.input)
    filters, group_channels, *kernel_size = shape_of(conv.weight)
    strides, dilations, padding = (
        integers(attribute) for attribute in (conv.strides, conv.dilations, conv.padding)
    )
    sums = conv_shape(shape_of(conv.input), shape_of(conv.weight), strides, padding, dilations)
    encoding = ir.RankedTensorType(conv.weight.type).encoding
    taps = kernel_size[0] * kernel_size[1]
    kernels = filters * group_channels
    library = Library((kernel_size[0], kernel_size[1]), (tuple(range(taps)),))
    if isinstance(encoding, SparseAttr):
        library = encoding.to_library()
        weight = array_of(conv.weight.owner.opview, parameters)
        kernels = int(weight.reshape(filters, group_channels, -1).any(axis=2).sum())
    result = shape_of(conv.result)
    return LaneOperation(
        kind=Kind.CONVOLVE,
        library=library,
        images=images,
        channels=channels,
        filters=filters,
        input_plane=(input_plane[0], input_plane[1]),
        sums_plane=(sums[2], sums[3]),
        result_plane=(result[2], result[3]),
        shared_filters=_shared_filters(conv, parameters),
        kernels=kernels,
        plain_cycles=float(np.prod(sums)) * group_channels * taps,
        strides=(strides[0], strides[1]),
        dilations=(dilations[0], dilations[1]),
        padding=(padding[0], padding[1]),
        max_pool="max_pool" in conv.attributes,
        groups=integer(conv.groups),
        residual=conv.optional_operand("residual") is not None,
        threads=len(thread_bounds(conv)) - 1,
    )


def _shared_filters(conv: Any, parameters: ParameterStore) -> int:
    """Return how many filters may be computed together: those of a dense weight share channels."""
    if "max_pool" in conv.attributes:
        return 1
    if is_sparse(conv.weight):
        one_group = integer(conv.groups) == 1
        return shared_filters(conv.weight.owner.opview, parameters) if one_group else 1
    size = shape_of(conv.weight)[0] // integer(conv.groups)
    return max(n for n in range(1, WIDEST_BLOCK + 1) if size % n == 0)


def _average_pool(op: Any) -> LaneOperation | None:
    divisors = op.divisors()
    if (divisors != divisors.flat[0]).any():
        return None
    return replace(_pool(op, Kind.AVERAGE_POOL), divisor=float(divisors.flat[0]))


def _mean(op: Any) -> LaneOperation | None:
    """Describe the mean of whole planes."""
    if shape_of(op.result)[2:] != [1, 1]:
        return None
    shape = shape_of(op.input)
    return replace(_pixelwise(op, shape, shape), writes_plain=True, fill=None)


def _max_pool(op: Any) -> LaneOperation:
    own = _pool(op, Kind.MAX_POOL)
    fill = 0.0 if _never_negative(op.input) else -np.inf
    return replace(own, plain_cycles=PLAIN_POOL_CYCLES * own.plain_cycles, fill=fill)


def _pool(op: Any, kind: Kind) -> LaneOperation:
    """Describe a pool of ``kind``, which plain loops take rows first."""
    size, kernel, strides, padding, dilations = op.windows()
    images, channels, *plane = shape_of(op.input)
    taps = kernel[0] * kernel[1]
    return LaneOperation(
        kind=kind,
        library=Library((kernel[0], kernel[1]), (tuple(range(taps)),)),
        images=images,
        channels=channels,
        filters=channels,
        input_plane=(plane[0], plane[1]),
        sums_plane=(size[0], size[1]),
        result_plane=(size[0], size[1]),
        shared_filters=1,
        kernels=channels,
        plain_cycles=float(np.prod(shape_of(op.result))) * sum(kernel),
        strides=(strides[0], strides[1]),
        dilations=(dilations[0], dilations[1]),
        padding=(padding[0], padding[1]),
    )


def _never_negative(value: Any) -> bool:
    """Whether ``value`` is the result of an activation without negative results."""
    if isinstance(value.owner, ir.Block):
        return False
    producer = value.owner.opview
    if isinstance(producer, ActivateOp):
        return producer.attributes["function"].function_name in NEVER_NEGATIVE
    activation = producer.attributes.get("activation")
    return activation is not None and activation.function_name in NEVER_NEGATIVE


def _copy(op: Any) -> LaneOperation | None:
    """Describe what goes pixel by pixel: sums, products, activations, joined channels."""
    shapes = [shape_of(op.operation.operands[position]) for position in lane_operands(op)]
    result = shape_of(op.result)
    joined = isinstance(op, ConcatOp)
    if (joined and op.axis != 1) or (not joined and any(shape != result for shape in shapes)):
        return None
    return _pixelwise(op, shapes[0], result)


def _layer_norm(op: Any) -> LaneOperation | None:
    """Describe a layer norm over channels."""
    if op.axis != 1 or any(
        not isinstance(value.type.element_type, ir.F32Type) for value in op.operands
    ):
        return None
    return replace(
        _pixelwise(op, shape_of(op.input), shape_of(op.result)),
        kind=Kind.NORMALIZE,
        plain_cycles=float(np.prod(shape_of(op.input))) * PLAIN_NORM_CYCLES,
    )


def _select(op: Any) -> LaneOperation | None:
    fits = shape_of(op.input)[1] <= MOST
    return (
        replace(_pixelwise(op, shape_of(op.input), shape_of(op.result)), kind=Kind.SELECT)
        if fits
        else None
    )


def _pixel_shuffle(op: Any) -> LaneOperation:
    rows, columns = integers(op.factor)
    description = _pixelwise(op, shape_of(op.input), shape_of(op.result), (rows, columns))
    return replace(description, kind=Kind.PIXEL_SHUFFLE)


def _upsample(op: Any) -> LaneOperation | None:
    before, after = shape_of(op.input), shape_of(op.result)
    mode = ir.StringAttr(op.attributes["mode"]).value
    down, right = (b // a for a, b in zip(before[2:], after[2:], strict=True))
    whole = [before[2] * down, before[3] * right] == after[2:]
    # Only where each pixel is repeated as often: then blocks nest.
    regular = whole and all(
        (op.sources(i) == np.arange(after[2 + i]) // down).all() for i in (0, 1)
    )
    if mode != "nearest" or not regular:
        return None
    return _pixelwise(op, before, after, (down, right))


def _pixelwise(
    op: Any, before: list[int], after: list[int], repeat: Pair = (1, 1)
) -> LaneOperation:
    return LaneOperation(
        kind=Kind.COPY,
        library=Library((1, 1), ((0,),)),
        images=after[0],
        channels=before[1],
        filters=after[1],
        input_plane=(before[2], before[3]),
        sums_plane=(after[2], after[3]),
        result_plane=(after[2], after[3]),
        shared_filters=1,
        kernels=after[1],
        plain_cycles=float(np.prod(after)) * len(lane_operands(op)),
        repeat=repeat,
        fill=None,
    )


_DESCRIPTIONS: tuple[tuple[Any, Callable[[Any], LaneOperation | None]], ...] = (
    (MaxPoolOp, _max_pool),
    (AveragePoolOp, _average_pool),
    (AdaptiveAveragePoolOp, _mean),
    ((ActivateOp, AddOp, ConcatOp, MultiplyOp), _copy),
    (LayerNormOp, _layer_norm),
    (SelectChannelsOp, _select),
    (PixelShuffleOp, _pixel_shuffle),
    (UpsampleOp, _upsample),
)
"""How each kind of operation but the convolution is described."""
