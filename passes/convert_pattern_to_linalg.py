"""`convert-pattern-to-linalg`: every pattern operation as loop nests over dense weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LayerNormOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    PixelShuffleOp,
    RelayoutOp,
    SelectChannelsOp,
    SoftmaxOp,
    UpsampleOp,
    activation_of,
    i64_array,
    integer,
    integers,
    shape_of,
    tensor_like,
)
from pattern_mlir.dialects.convolution import window_shape
from pattern_mlir.dialects.layout import is_half
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, walk
from pattern_mlir.passes.filters import split_uses
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import (
    Loops,
    Scalar,
    collapsed,
    elementwise,
    expanded,
    filled,
    multiply_add,
    nest,
)
from pattern_mlir.passes.linalg_planes import (
    adaptive_average_pool,
    average_pool,
    max_pool,
    padded_for_windows,
    pixel_shuffle,
    select_channels,
    taken,
    upsample,
)
from pattern_mlir.passes.linalg_rows import layer_norm, softmax


@dataclass(frozen=True)
class ConvertPatternToLinalg(Pass):
    """Lower every operation but `pattern.parameter` to linalg, on tensors and dense weights.

    Pruned weights are zeros here, so the result is right for every convolution: this is the
    fallback where no faster lowering applies, and what the faster ones are compared with.
    A reorder of filters is undone, by dropping it where parameter and convolution agree.

    A convolution is one nest whose innermost loop runs along an output row, which vectorises.
    Convolutions and linear layers add up in f64 and round once: whatever order PyTorch sums in,
    its f32 result is not closer to the truth. One long f32 sum would be off by up to 5 times as
    much as PyTorch's at 4608 products, and f32 sums in blocks need more memory than f64.

    Before:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "w"}
            : () -> tensor<2x2x1x1xf32>
          %1 = "pattern.conv"(%arg0, %0) {activation = #pattern.activation<"relu", []>,
            dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0>,
            padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>}
            : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
          return %1 : tensor<1x2x4x4xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<2x2x1x1xf32>
          %cst = arith.constant 0.000000e+00 : f64
          %1 = tensor.empty() : tensor<1x2x4x4xf64>
          %2 = linalg.fill ins(%cst : f64) outs(%1 : tensor<1x2x4x4xf64>) -> tensor<1x2x4x4xf64>
          %3 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0,
            d3, d2 + d4, d5 + d6)>, affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d3, d4, d5)>,
            affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d6)>], iterator_types =
            ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction",
            "parallel"]} ins(%arg0, %0 : tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) outs(%2 :
            tensor<1x2x4x4xf64>) {
          ^bb0(%in: f32, %in_0: f32, %out: f64):
            %6 = arith.extf %in : f32 to f64
            %7 = arith.extf %in_0 : f32 to f64
            %8 = arith.mulf %6, %7 fastmath<contract> : f64
            %9 = arith.addf %out, %8 fastmath<contract> : f64
            linalg.yield %9 : f64
          } -> tensor<1x2x4x4xf64>
          %4 = tensor.empty() : tensor<1x2x4x4xf32>
          %5 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2,
            d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], iterator_types = ["parallel",
            "parallel", "parallel", "parallel"]} ins(%3 : tensor<1x2x4x4xf64>) outs(%4 :
            tensor<1x2x4x4xf32>) {
          ^bb0(%in: f64, %out: f32):
            %6 = arith.truncf %in : f64 to f32
            %cst_0 = arith.constant 0.000000e+00 : f32
            %7 = arith.maximumf %6, %cst_0 : f32
            linalg.yield %7 : f32
          } -> tensor<1x2x4x4xf32>
          return %5 : tensor<1x2x4x4xf32>
        }
    """

    name: ClassVar[str] = "convert-pattern-to-linalg"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Undo the schedule on the weights, then replace each operation by its nests."""
        for parameter in walk(module, ParameterOp):
            _undo_schedule(parameter)
        # Backwards, so that a concatenation of concatenations is lowered as one.
        for op in reversed(walk(module, ir.OpView)):
            lowering = _LOWERINGS.get(type(op))
            if lowering is None or _changes_layout_only(op):
                continue
            if not list(op.result.uses):
                op.operation.erase()
                continue
            element_type = op.result.type.element_type
            if not isinstance(element_type, ir.FloatType):
                raise OperationFailure(
                    op, f"computes with floats only, got {element_type}; cast to f32 before"
                )
            with ir.InsertionPoint(op), op.location:
                result = lowering(op)
            op.result.replace_all_uses_with(result)
            op.operation.erase()


def _undo_schedule(parameter: Any) -> None:
    """Give each convolution that ``parameter`` feeds a dense weight in the channels' own order."""
    attributes = dict(parameter.attributes.items())
    filters = shape_of(parameter.result)[0] if shape_of(parameter.result) else 0
    stored = integers(attributes.pop("filter_order", i64_array(range(filters))))
    made: dict[tuple[int, ...], Any] = {}
    convolutions, _ = split_uses(parameter)
    for conv in convolutions:
        order = tuple(stored)
        if _keeps_groups(conv):
            channels = integers(conv.attributes["output_channel"])
            order = tuple(stored[channels.index(channel)] for channel in range(filters))
            del conv.attributes["output_channel"]
        if order not in made:
            schedule = {} if order == tuple(range(filters)) else {"filter_order": i64_array(order)}
            with ir.InsertionPoint(parameter), parameter.location:
                type_ = tensor_like(parameter.result, shape_of(parameter.result))
                made[order] = ParameterOp.create(type_, [], {**attributes, **schedule})
        conv.operation.operands[1] = made[order].result
    if made and not list(parameter.result.uses):
        parameter.operation.erase()


def _keeps_groups(conv: Any) -> bool:
    """Whether ``conv`` has an `output_channel` that moves no filter to another group."""
    if "output_channel" not in conv.attributes:
        return False
    channels = integers(conv.attributes["output_channel"])
    size = len(channels) // integer(conv.groups)
    return all(i // size == channel // size for i, channel in enumerate(channels))


def _conv(op: Any) -> Any:
    y = _convolution(op)
    if "output_channel" in op.attributes:
        y = taken(y, 1, np.argsort(integers(op.attributes["output_channel"])))
    y = _finished(y, op, op.optional_operand("bias"), op.optional_operand("residual"))
    if "max_pool" in op.attributes:
        y = max_pool(y, shape_of(op.result)[2:], [2, 2], [2, 2], [0] * 4, [1, 1])
    return y


def _convolution(op: Any) -> Any:
    """Build the sums of a convolution, without its epilogue."""
    strides, dilations, groups = integers(op.strides), integers(op.dilations), integer(op.groups)
    images, channels, *plane = shape_of(op.input)
    filters, _, *kernel = shape_of(op.weight)
    size = window_shape(plane, kernel, strides, integers(op.padding), dilations)
    x = padded_for_windows(op.input, size, kernel, strides, integers(op.padding), dilations, 0)
    # Most convolutions have one group: a plain nest shows that better than a loop of 1.
    group = [groups] if groups > 1 else []
    x = expanded(x, [[images], [*group, channels // groups], *([n] for n in shape_of(x)[2:])])
    w = expanded(op.weight, [[*group, filters // groups], *([n] for n in shape_of(op.weight)[1:])])
    loops = Loops("n" + "g" * len(group) + "fhcijw")
    source = [
        *loops.at("ngc"),
        loops["h"] * strides[0] + loops["i"] * dilations[0],
        loops["w"] * strides[1] + loops["j"] * dilations[1],
    ]
    sums = filled([images, *group, filters // groups, *size], _sum_type(op), 0)
    y = nest(loops, [(x, source), (w, loops.at("gfcij"))], (sums, loops.at("ngfhw")), multiply_add)
    return collapsed(y, [1, len(group) + 1, 1, 1])


def _sum_type(op: Any) -> Any:
    """Return the type that ``op`` adds up in: f64, for f16 f32 (f64 to f16 needs a library)."""
    return ir.F32Type.get() if is_half(op.result) else ir.F64Type.get()


def _linear(op: Any) -> Any:
    *rows, _ = shape_of(op.input)
    filters, inputs = shape_of(op.weight)
    x = collapsed(op.input, [len(rows), 1]) if rows else expanded(op.input, [[1, inputs]])
    loops = Loops("rfk")
    sums = filled([shape_of(x)[0], filters], _sum_type(op), 0)
    y = nest(
        loops,
        [(x, loops.at("rk")), (op.weight, loops.at("fk"))],
        (sums, loops.at("rf")),
        multiply_add,
    )
    y = _finished(y, op, op.optional_operand("bias"), None)
    return expanded(y, [rows, [filters]]) if rows else collapsed(y, [2])


def _finished(sums: Any, op: Any, bias: Any, residual: Any) -> Any:
    """Build activation(sums + bias + residual) [N, F, …] in the element type of ``op``'s result."""
    loops = Loops("nfhw"[: len(shape_of(sums))])
    inputs = [(sums, loops.counters())]
    if bias is not None:
        inputs.append((bias, loops.at("f")))
    if residual is not None:
        inputs.append((residual, loops.counters()))
    result = tensor.empty(shape_of(sums), op.result.type.element_type)

    def body(total: Scalar, *scalars: Scalar) -> Scalar:
        *addends, output = scalars
        value = total.converted(output)
        for addend in addends:
            value = value + addend.converted(output)
        return activated(activation_of(op), value)

    return nest(loops, inputs, (result, loops.counters()), body)


def _binary(combine: Callable[[Scalar, Scalar], Scalar]) -> Callable[[Any], Any]:
    def lower(op: Any) -> Any:
        activation = activation_of(op)
        return elementwise(list(op.operands), lambda a, b: activated(activation, combine(a, b)))

    return lower


def _changes_layout_only(op: Any) -> bool:
    """Whether ``op`` moves elements between layouts, which a tensor in linalg has not."""
    if not isinstance(op, RelayoutOp):
        return False
    return bool(op.input.type.element_type == op.result.type.element_type)


def _relayout(op: Any) -> Any:
    """Build the conversion of a tensor's elements."""
    return elementwise([op.input], lambda x: x, op.result.type.element_type)


def _activate(op: Any) -> Any:
    return elementwise([op.input], lambda x: activated(op.attributes["function"], x))


def _pieces(op: Any, axis: int) -> list[Any]:
    """Return what ``op`` joins along ``axis``, looking through concatenations among it."""
    pieces = []
    for value in op.operands:
        producer = None if isinstance(value.owner, ir.Block) else value.owner.opview
        nested = isinstance(producer, ConcatOp) and producer.axis == axis
        pieces += _pieces(producer, axis) if nested else [value]
    return pieces


def _concat(op: Any) -> Any:
    result = tensor.empty(shape_of(op.result), op.result.type.element_type)
    offsets = [0] * len(shape_of(op.result))
    for value in _pieces(op, op.axis):
        sizes, strides = shape_of(value), [1] * len(offsets)
        result = tensor.insert_slice(value, result, [], [], [], offsets, sizes, strides)
        offsets[op.axis] += sizes[op.axis]
    return result


_LOWERINGS: Mapping[type, Callable[[Any], Any]] = MappingProxyType(
    {
        ActivateOp: _activate,
        AdaptiveAveragePoolOp: adaptive_average_pool,
        AddOp: _binary(Scalar.__add__),
        AveragePoolOp: average_pool,
        ConcatOp: _concat,
        ConvOp: _conv,
        LayerNormOp: layer_norm,
        LinearOp: _linear,
        MaxPoolOp: lambda op: max_pool(op.input, *op.windows()),
        MultiplyOp: _binary(Scalar.__mul__),
        PixelShuffleOp: pixel_shuffle,
        RelayoutOp: _relayout,
        SelectChannelsOp: select_channels,
        SoftmaxOp: softmax,
        UpsampleOp: upsample,
    }
)
