"""`pattern-fuse`: what follows a layer element by element becomes part of the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import (
    ActivateOp,
    AddOp,
    ConvOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    i64_array,
    shape_of,
    tensor_like,
)
from pattern_mlir.errors import PipelineError
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.activation_loops import is_long
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import is_parameter


@dataclass(frozen=True)
class PatternFuse(Pass):
    """Fuse bias, residual sum, activation and 2x2 max-pool into the layer that they follow.

    A convolution takes all four, in the one order that its definition has: max_pool(activation(conv
    + bias + residual)); what comes in another order stays as it is. `pattern.linear`, `pattern.add`
    and `pattern.multiply` take an activation; a linear layer none of many instructions, whose
    epilogue computes one number at a time, and with ``only_short`` nothing does. A value with more
    than one use is never swallowed. A pool whose result has fewer than ``least_pooled`` rows or
    columns stays as it is: a layout that suits conv and pool at the same time leaves most lanes of
    so small planes empty. Source: the operator fusion of arXiv 2001.00138.

    Before:
        func.func @f(%arg0: tensor<1x1x4x4xf32>, %arg1: tensor<1x1x4x4xf32>)
            -> tensor<1x1x2x2xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<1x1x3x3xf32>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>,
            strides = array<i64: 1, 1>}
            : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
          %2 = "pattern.add"(%arg1, %1)
            : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
          %3 = "pattern.activate"(%2) {function = #pattern.activation<"relu", []>}
            : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32>
          %4 = "pattern.max_pool"(%3) {dilations = array<i64: 1, 1>,
            kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
          return %4 : tensor<1x1x2x2xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x1x4x4xf32>, %arg1: tensor<1x1x4x4xf32>)
            -> tensor<1x1x2x2xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<1x1x3x3xf32>
          %1 = "pattern.conv"(%arg0, %0, %arg1) {activation = #pattern.activation<"relu", []>,
            dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 2, 2>,
            operandSegmentSizes = array<i32: 1, 1, 0, 1>, padding = array<i64: 1, 1, 1, 1>,
            strides = array<i64: 1, 1>}
            : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>, tensor<1x1x4x4xf32>)
            -> tensor<1x1x2x2xf32>
          return %1 : tensor<1x1x2x2xf32>
        }
    """

    least_pooled: int = 1
    only_short: bool = False

    name: ClassVar[str] = "pattern-fuse"

    def __post_init__(self) -> None:
        """Raise PipelineError unless the least size is one."""
        if self.least_pooled < 1:
            raise PipelineError(
                f"pattern-fuse: least-pooled must be at least 1, got {self.least_pooled}"
            )

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Visit consumers in program order, so that each meets a producer that is fused already."""
        for op in walk(module, ir.OpView):
            if isinstance(op, ActivateOp):
                _fuse_activation(op, self.only_short)
            elif isinstance(op, MaxPoolOp):
                _fuse_max_pool(op, self.least_pooled)
            elif isinstance(op, AddOp):
                _fuse_sum(op, self.only_short)


def _sole_producer(value: Any, kinds: tuple[type, ...]) -> Any:
    """Return the operation of ``kinds`` that makes ``value`` for one user in its block, or None."""
    if isinstance(value.owner, ir.Block):
        return None
    producer, uses = value.owner.opview, list(value.uses)
    fits = (
        len(uses) == 1
        and uses[0].owner.operation.block == producer.operation.block
        and isinstance(producer, kinds)
    )
    return producer if fits else None


def _replace(op: Any, value: Any) -> None:
    op.result.replace_all_uses_with(value)
    op.operation.erase()


def _fuse_activation(op: Any, only_short: bool) -> None:
    producer = _sole_producer(op.input, (ConvOp, LinearOp, AddOp, MultiplyOp))
    if producer is None or not {"activation", "max_pool"}.isdisjoint(producer.attributes):
        return
    alone = only_short or isinstance(producer, LinearOp)
    if alone and is_long(op.attributes["function"]):
        return
    producer.attributes["activation"] = op.attributes["function"]
    _replace(op, producer.result)


def _fuse_max_pool(op: Any, least: int) -> None:
    conv = _sole_producer(op.input, (ConvOp,))
    _, kernel, strides, padding, dilations = op.windows()
    floor = [size // 2 for size in shape_of(op.input)[2:]]
    if (
        conv is None
        or "max_pool" in conv.attributes
        or (kernel, strides, padding, dilations) != ([2, 2], [2, 2], [0] * 4, [1, 1])
        or shape_of(op.result)[2:] != floor
        or min(floor) < least
    ):
        return
    conv.attributes["max_pool"] = i64_array(kernel)
    conv.result.set_type(op.result.type)
    _replace(op, conv.result)


def _fuse_sum(op: Any, only_short: bool) -> None:
    activation = op.attributes.get("activation")
    if only_short and is_long(activation):
        return
    candidates = [
        (conv, addend)
        for value, addend in ((op.lhs, op.rhs), (op.rhs, op.lhs))
        if (conv := _sole_producer(value, (ConvOp,))) is not None
        and shape_of(conv.result) == shape_of(op.result)
        and {"activation", "max_pool"}.isdisjoint(conv.attributes)
        and conv.optional_operand("residual") is None
    ]
    # Of two convolutions the later one takes the sum: nothing has to move past the other.
    if len(candidates) == 2 and candidates[0][0].is_before_in_block(candidates[1][0]):
        candidates.reverse()
    for conv, addend in candidates:
        bias, residual = conv.optional_operand("bias"), None
        with ir.InsertionPoint(op), conv.location:
            if bias is None and _is_bias(addend, shape_of(conv.result)[1]):
                bias = _flattened(addend)
            elif shape_of(addend) == shape_of(conv.result):
                residual = addend
            else:
                continue
            # The new convolution stands at the sum, where both addends are defined.
            fused = ConvOp.create(
                conv.result.type,
                [conv.input, conv.weight, bias, residual],
                {**dict(conv.attributes.items()), "activation": activation},
            )
        _replace(op, fused.result)
        conv.operation.erase()
        return


def _is_bias(value: Any, filters: int) -> bool:
    """Whether ``value`` is a parameter of one number a filter."""
    return is_parameter(value) and shape_of(value) == [1, filters, 1, 1]


def _flattened(value: Any) -> Any:
    return tensor.collapse_shape(
        tensor_like(value, [shape_of(value)[1]]), value, [list(range(len(shape_of(value))))]
    )
