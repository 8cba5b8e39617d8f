"""`pattern-assign-blocks`: a layout in blocks of pixels for every tensor of a GPU's network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    MaxPoolOp,
    MultiplyOp,
    PixelShuffleOp,
    SelectChannelsOp,
    UpsampleOp,
    shape_of,
)
from pattern_mlir.dialects.half_sums import HALF_TERMS
from pattern_mlir.dialects.layout import RelayoutOp, blocks_of, with_layout
from pattern_mlir.errors import PipelineError, did_you_mean
from pattern_mlir.gpu import DEFAULT_GPU, GPUS, Gpu, gpu
from pattern_mlir.layouts import Pair
from pattern_mlir.modules import is_network
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, only_block
from pattern_mlir.passes.gpu_convolution import halo_needed
from pattern_mlir.passes.gpu_planes import Placement
from pattern_mlir.passes.gpu_variants import (
    ENOUGH,
    Convolution,
    choose,
    convolution_of,
    kernels,
    preferred,
    source_layout,
)
from pattern_mlir.passes.half_errors import SumErrors
from pattern_mlir.passes.pattern_assign_precision import choose_sums, measured_errors

PRECISIONS = ("f32", "f16-acc32", "f16-packed", "f16")
"""How pixels and weights are stored: f32; f16; f16 that is loaded as words of two.

`f16-acc32` loads f16 as such where the GPU can; words of two need no capability. These add up f32.
`f16` is loaded as `f16-acc32` is, and convolutions add up to 32 products in f16.
"""

LEAST_ACTIVE = 64
"""Invocations with a block that every workgroup has where the plane has so many pixels."""

SIZES: tuple[Pair, ...] = (
    (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (2, 4), (4, 2), (3, 3), (3, 4), (4, 3), (4, 4),
    (2, 6), (4, 5), (4, 6), (6, 4),
)  # fmt: skip
"""Blocks that are tried, in pixels: height and width. A wider one holds few invocations."""

VECTOR_ROWS = (1, 2, 3, 4)
"""Rows of blocks that are a vector wide: `rows` of vec4."""

PLANAR = (
    ActivateOp, AdaptiveAveragePoolOp, AddOp, AveragePoolOp, ConcatOp, MaxPoolOp, MultiplyOp,
    PixelShuffleOp, SelectChannelsOp, UpsampleOp,
)  # fmt: skip
"""Operations whose kernels read any layout."""


@dataclass(frozen=True)
class PatternAssignBlocks(Pass):
    """Choose blocks of pixels for tensors, and put relayouts where kernels need other ones.

    All tensors with planes of one size get the same blocks: those with which the convolutions that
    compute such planes take least on ``gpu``, by its roofline (`pattern_mlir.gpu`), among blocks
    that keep 64 invocations of every workgroup busy where there are any. Inputs, results, linear
    layers and what reshapes are plain. Then every tensor gets the halo that its convolutions read.

    ``precision`` is that of pixels and weights in memory: f32, f16-acc32, f16-packed or f16. With
    the last one, convolutions get `f16_sums` whose error is small enough, as for the host.

    Precondition: `pattern-detect`; no pools in convolutions.

    Before:
        func.func @f(%arg0: tensor<1x8x16x16xf32>) -> tensor<1x8x16x16xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<8x8x1x1xf32>}
            : () -> tensor<8x8x1x1xf32>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 1, 1>}
            : (tensor<1x8x16x16xf32>, tensor<8x8x1x1xf32>) -> tensor<1x8x16x16xf32>
          return %1 : tensor<1x8x16x16xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x8x16x16xf32>) -> tensor<1x8x16x16xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<1.000000e+00> :
              tensor<8x8x1x1xf32>} : () -> tensor<8x8x1x1xf32>
          %1 = "pattern.relayout"(%arg0) : (tensor<1x8x16x16xf32>) -> tensor<1x8x16x16xf32,
              #pattern.blocks<[2, 2], 1 : i64, [0, 0], "f32">>
          %2 = "pattern.conv"(%1, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
              operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
              strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32, #pattern.blocks<[2, 2], 1 :
              i64, [0, 0], "f32">>, tensor<8x8x1x1xf32>) -> tensor<1x8x16x16xf32,
              #pattern.blocks<[2, 2], 1 : i64, [0, 0], "f32">>
          %3 = "pattern.relayout"(%2) : (tensor<1x8x16x16xf32, #pattern.blocks<[2, 2], 1 : i64,
              [0, 0], "f32">>) -> tensor<1x8x16x16xf32>
          return %3 : tensor<1x8x16x16xf32>
        }
    """

    gpu: str = DEFAULT_GPU
    precision: str = "f32"

    name: ClassVar[str] = "pattern-assign-blocks"

    def __post_init__(self) -> None:
        """Raise PipelineError unless GPU and precision are known."""
        check_options(self.name, self.gpu, self.precision)

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Choose, then write the layouts into the types."""
        operations = [op for op in _operations(module) if _is_open(op)]
        convolutions = {
            op: found
            for op in operations
            if isinstance(op, ConvOp) and (found := convolution_of(op, parameters)) is not None
        }
        errors: Mapping[Any, SumErrors] = {}
        reason = ""
        if convolutions and self.precision == "f16":
            errors, reason = measured_errors(module, parameters)
        blocks = _Blocks(list(convolutions.values()), gpu(self.gpu), self.precision)
        for op in operations:
            if op in convolutions:
                _lay_out_convolution(op, convolutions[op], blocks)
                if self.precision == "f16":
                    choose_sums(op, errors.get(op.result), reason, _fits_chunk)
            elif not _all_users_plain(op):
                op.result.set_type(with_layout(op.result.type, blocks.of(_plane(op.result))))
        for op in _operations(module):
            if not _reads_blocks(op):
                _read_plain(op)
        for op, own in convolutions.items():
            _widen_halo(op, own)


def _operations(module: Any) -> list[Any]:
    """Return the operations of networks; those of host steps stay plain."""
    functions = [
        op
        for op in module.regions[0].blocks[0].operations
        if op.operation.name == "func.func" and is_network(op)
    ]
    return [op for function in functions for op in only_block(function).operations]


def check_options(name: str, gpu_name: str, precision: str) -> None:
    """Raise PipelineError unless the options of the pass ``name`` are known."""
    for option, value, known in (
        ("gpu", gpu_name, tuple(GPUS)),
        ("precision", precision, PRECISIONS),
    ):
        if value not in known:
            raise PipelineError(
                f"{name}: unknown {option} '{value}'{did_you_mean(value, known)}"
                f" (known: {', '.join(known)})"
            )


class _Blocks:
    """The blocks of each size of planes."""

    def __init__(self, convolutions: list[Convolution], machine: Gpu, precision: str) -> None:
        self._machine = machine
        self._half = precision != "f32"
        self._by_plane: dict[Pair, list[Convolution]] = defaultdict(list)
        for own in convolutions:
            self._by_plane[own.plane].append(own)
        self._chosen: dict[Pair, BlockLayout] = {}

    def of(self, plane: Pair) -> BlockLayout:
        """Return the blocks of planes of this size."""
        if plane not in self._chosen:
            found = self._candidates(plane)
            costs = [self._cost(layout, plane) for layout in found]
            seconds, intensities, least = zip(*costs, strict=True)
            self._chosen[plane] = found[preferred(seconds, intensities, least)]
        return self._chosen[plane]

    def _candidates(self, plane: Pair) -> list[BlockLayout]:
        """Return the blocks to try, those that keep too few invocations busy left out."""
        width = 2 if self._half else 1
        found = [
            BlockLayout((height, columns // width), width, (0, 0), self._half)
            for height, columns in SIZES
            if columns % width == 0
        ]
        vector = 8 if self._half else 4
        found += [BlockLayout((rows, 1), vector, (0, 0), self._half) for rows in VECTOR_ROWS]
        places = [Placement.of(layout, plane) for layout in found]
        busy = [place.least_active >= LEAST_ACTIVE for place in places]
        if any(busy):
            return [layout for layout, own in zip(found, busy, strict=True) if own]
        most = max(place.least_active for place in places)
        return [
            layout
            for layout, place in zip(found, places, strict=True)
            if 2 * place.least_active >= most
        ]

    def _cost(self, layout: BlockLayout, plane: Pair) -> tuple[float, float, float]:
        """Return the time of the convolutions that compute such planes, and products a load.

        These are of all, then the least of one with patterns. Where there is no convolution, large
        blocks are worth more.
        """
        choices = [
            choose(own, source_layout(own, layout, layout), layout, self._machine, native=False)
            for own in self._by_plane[plane]
        ]
        if not choices:
            return 0.0, float(layout.size[0] * layout.size[1]), ENOUGH
        products = sum(choice.tally.products for choice in choices)
        loads = sum(choice.tally.vector_loads for choice in choices)
        least = min(
            (
                choice.tally.intensity
                for own, choice in zip(self._by_plane[plane], choices, strict=True)
                if own.is_large_and_sparse
            ),
            default=ENOUGH,
        )
        return sum(choice.seconds for choice in choices), products / loads, least


def _is_open(op: Any) -> bool:
    """Whether ``op`` is one that gets a layout and has none yet."""
    if not _reads_blocks(op) or isinstance(op, RelayoutOp):
        return False
    type_ = ir.RankedTensorType(op.result.type)
    return len(type_.shape) == 4 and type_.encoding is None and type_.element_type.width == 32


def _reads_blocks(op: Any) -> bool:
    """Whether ``op`` has kernels for tensors in blocks; rows are joined where they are plain."""
    if isinstance(op, ConcatOp):
        return op.axis <= 1 and len(shape_of(op.result)) == 4
    return isinstance(op, (ConvOp, RelayoutOp, *PLANAR))


def _plane(value: Any) -> Pair:
    *_, height, width = shape_of(value)
    return height, width


def _all_users_plain(op: Any) -> bool:
    users = [use.owner.opview for use in op.result.uses]
    return not any(map(_reads_blocks, users))


def _lay_out_convolution(op: Any, own: Convolution, blocks: _Blocks) -> None:
    target = blocks.of(own.plane)
    op.result.set_type(with_layout(op.result.type, target))
    preferred = blocks_of(op.input) or blocks.of(own.source_plane)
    _read_as(op, 0, source_layout(own, target, preferred))
    if own.residual:
        _read_as(op, len(op.operands) - 1, target)


def _fits_chunk(op: Any) -> bool:
    """Whether the products of a kernel fit into a sum in f16."""
    rows, columns = shape_of(op.weight)[2:]
    return rows * columns <= HALF_TERMS


def _read_as(op: Any, position: int, layout: BlockLayout | None) -> None:
    """Let ``op`` read an operand in ``layout``, by a relayout that stands for all such readers."""
    value = op.operation.operands[position]
    if _same(blocks_of(value), layout):
        return
    for use in value.uses:
        user = use.owner.opview
        if (
            isinstance(user, RelayoutOp)
            and _same(blocks_of(user.result), layout)
            and user.operation.is_before_in_block(op.operation)
        ):
            op.operation.operands[position] = user.result
            return
    with ir.InsertionPoint(op), op.location:
        op.operation.operands[position] = RelayoutOp.build(value, layout).result


def _same(own: BlockLayout | None, layout: BlockLayout | None) -> bool:
    """Whether both are the same blocks, whatever the halo; ``layout`` has none."""
    return (own.with_halo((0, 0)) if own else None) == layout


def _read_plain(op: Any) -> None:
    for position, value in enumerate(op.operation.operands):
        if isinstance(value.type, ir.RankedTensorType) and blocks_of(value) is not None:
            _read_as(op, position, None)


def _widen_halo(op: Any, own: Convolution) -> None:
    """Give the input of a convolution the halo that it reads."""
    source, target = blocks_of(op.input), blocks_of(op.result)
    assert source is not None and target is not None
    kernel = next(kernels(own, source, target, native=False))
    needed = halo_needed(kernel)
    halo = max(source.halo[0], needed[0]), max(source.halo[1], needed[1])
    op.input.set_type(with_layout(op.input.type, source.with_halo(halo)))
