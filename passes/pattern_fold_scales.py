"""`pattern-fold-scales`: a number a channel round a convolution goes into its weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects import AddOp, ConvOp, MultiplyOp, integer, integers, shape_of
from pattern_mlir.parameters import Array, ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import derived_parameter, is_parameter


@dataclass(frozen=True)
class PatternFoldScales(Pass):
    """Fold products and sums with parameters of one number a channel into what follows.

    Two products are one, and so are two sums. What follows a convolution, such as the layer
    scale of arXiv 2103.17239, goes into its weight and bias. Before a convolution a product goes
    into the weight; a sum goes into the bias, but only where there is no padding: zeros round the
    planes are added to nothing. A sum after a product is one before it, so that the product can go
    on. So an image is normalised, (x / 255 - mean) / deviation, by at most one sum a pixel.

    Arithmetic in f64; the weight and the values in between must have no other user.

    Before:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x1x4x4xf32> {
          %0 = "pattern.parameter"() {name = "s", value = dense<[[[[2.0]], [[4.0]]]]>
            : tensor<1x2x1x1xf32>} : () -> tensor<1x2x1x1xf32>
          %1 = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<1x2x1x1xf32>}
            : () -> tensor<1x2x1x1xf32>
          %2 = "pattern.multiply"(%arg0, %0)
            : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x4x4xf32>
          %3 = "pattern.conv"(%2, %1) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 1, 1>}
            : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x4x4xf32>
          return %3 : tensor<1x1x4x4xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x1x4x4xf32> {
          %0 = "pattern.parameter"() {name = "s", value = dense<[[[[2.000000e+00]],
            [[4.000000e+00]]]]> : tensor<1x2x1x1xf32>} : () -> tensor<1x2x1x1xf32>
          %1 = "pattern.parameter"() {name = "w", value = dense<1.000000e+00> :
            tensor<1x2x1x1xf32>} : () -> tensor<1x2x1x1xf32>
          %2 = "pattern.parameter"() {name = "scaled.w"} : () -> tensor<1x2x1x1xf32>
          %3 = "pattern.conv"(%arg0, %2) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) ->
            tensor<1x1x4x4xf32>
          return %3 : tensor<1x1x4x4xf32>
        }
    """

    name: ClassVar[str] = "pattern-fold-scales"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Apply each fold until none applies."""
        while any(_fold(op, parameters) for op in walk(module, ir.OpView)):
            pass


def _fold(op: Any, parameters: ParameterStore) -> bool:
    """Fold what stands before ``op``, if anything does; return whether."""
    if isinstance(op, ConvOp):
        return _into_convolution(op, parameters)
    scaled = _scaled(op)
    if scaled is None:
        return False
    inner = _sole_producer(scaled[0])
    if isinstance(inner, ConvOp):
        return _into_filters(inner, op, scaled[1], parameters)
    inside = None if inner is None else _scaled(inner)
    if inner is None or inside is None:
        return False
    outer_array, inner_array = (_array(own[1], parameters) for own in (scaled, inside))
    if type(inner) is type(op):
        combine = np.add if isinstance(op, AddOp) else np.multiply
        made = _parameter(scaled[1], combine(outer_array, inner_array), parameters, op)
        _replace(op, inside[0], made)
    elif isinstance(op, AddOp) and inner_array.all() and _goes_on(op):
        shift = _parameter(scaled[1], outer_array / inner_array, parameters, op)
        with ir.InsertionPoint(op), op.location:
            total = AddOp.build(inside[0], shift).result
            product = MultiplyOp.build(total, inside[1]).result
        op.result.replace_all_uses_with(product)
        op.operation.erase()
    else:
        return False
    inner.operation.erase()
    return True


def _goes_on(op: Any) -> bool:
    """Whether a product at the place of ``op`` can go into what reads it."""
    uses = list(op.result.uses)
    if len(uses) != 1:
        return False
    user = uses[0].owner.opview
    if isinstance(user, ConvOp):
        return _takes_scale(user, uses[0].operand_number)
    return isinstance(user, MultiplyOp) and _scaled(user) is not None


def _takes_scale(conv: Any, position: int) -> bool:
    return bool(
        position == 0
        and is_parameter(conv.weight)
        and len(list(conv.weight.uses)) == 1
        and "output_channel" not in conv.attributes
    )


def _into_convolution(conv: Any, parameters: ParameterStore) -> bool:
    producer = _sole_producer(conv.input)
    scaled = None if producer is None else _scaled(producer)
    if producer is None or scaled is None or not _takes_scale(conv, 0):
        return False
    numbers = _array(scaled[1], parameters).reshape(-1)
    weight = _array(conv.weight, parameters)
    by_filter = _of_filters(numbers, weight.shape, integer(conv.groups))
    bias = conv.optional_operand("bias")
    if isinstance(producer, MultiplyOp):
        made = _parameter(conv.weight, weight * by_filter, parameters, conv)
        conv.operation.operands[1] = made
    elif any(integers(conv.padding)) or not (bias is None or is_parameter(bias)):
        return False
    else:
        shift = (weight * by_filter).sum(axis=(1, 2, 3))
        if bias is not None:
            shift = shift + _array(bias, parameters)
        made = _parameter(bias if bias is not None else conv.weight, shift, parameters, conv)
        with ir.InsertionPoint(conv), conv.location:
            new = ConvOp.create(
                conv.result.type,
                [conv.input, conv.weight, made, conv.optional_operand("residual")],
                dict(conv.attributes.items()),
            )
        conv.result.replace_all_uses_with(new.result)
        conv.operation.erase()
        conv = new
    conv.operation.operands[0] = scaled[0]
    producer.operation.erase()
    return True


def _into_filters(conv: Any, op: Any, numbers: Any, parameters: ParameterStore) -> bool:
    """Fold ``op`` of the result of ``conv`` with ``numbers``; return whether it can be."""
    bias = conv.optional_operand("bias")
    if (
        not _takes_scale(conv, 0)
        or not {"activation", "max_pool"}.isdisjoint(conv.attributes)
        or conv.optional_operand("residual") is not None
        or not (bias is None or is_parameter(bias))
    ):
        return False
    factors = _array(numbers, parameters).reshape(-1)
    shift: Array | None
    if isinstance(op, AddOp):
        if bias is None:
            return False  # `pattern-fuse` makes it one
        shift = _array(bias, parameters) + factors
    else:
        scaled = _array(conv.weight, parameters) * factors[:, None, None, None]
        conv.operation.operands[1] = _parameter(conv.weight, scaled, parameters, conv)
        shift = None if bias is None else _array(bias, parameters) * factors
    if shift is not None:
        conv.operation.operands[2] = _parameter(bias, shift, parameters, conv)
    op.result.replace_all_uses_with(conv.result)
    op.operation.erase()
    return True


def _of_filters(numbers: Array, shape: tuple[int, ...], groups: int) -> Array:
    """Return ``numbers``, one a channel, as each filter of a weight of ``shape`` meets them."""
    by_group = numbers.reshape(groups, shape[1])
    return np.repeat(by_group, shape[0] // groups, axis=0)[:, :, None, None]


def _scaled(op: Any) -> tuple[Any, Any] | None:
    """Return the value and the parameter of a sum or product with one number a channel."""
    if not isinstance(op, (AddOp, MultiplyOp)) or "activation" in op.attributes:
        return None
    for value, numbers in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        shape = shape_of(value)
        fits = len(shape) == 4 and shape == shape_of(op.result) and not is_parameter(value)
        if fits and is_parameter(numbers) and shape_of(numbers) == [1, shape[1], 1, 1]:
            return value, numbers
    return None


def _sole_producer(value: Any) -> Any:
    uses = list(value.uses)
    if isinstance(value.owner, ir.Block) or len(uses) != 1:
        return None
    return value.owner.opview


def _array(value: Any, parameters: ParameterStore) -> Array:
    array: Array = value.owner.opview.array(parameters).astype(np.float64)
    return array


def _parameter(like: Any, array: Array, parameters: ParameterStore, op: Any) -> Any:
    """Return the parameter ``array``, named after ``like``, before ``op``."""
    layer, _, role = like.owner.opview.parameter_name.rpartition(".")
    if array.ndim == 1 and role == "weight":
        role = "bias"
    layer = layer.removesuffix(".scaled")
    element = like.type.element_type
    typed = array.astype(f"f{element.width // 8}")
    name = ".".join(part for part in (layer, "scaled", role) if part)
    with ir.InsertionPoint(op), op.location:
        return derived_parameter(name, typed, element, parameters)


def _replace(op: Any, value: Any, numbers: Any) -> None:
    """Let ``op`` combine ``value`` with ``numbers``."""
    op.operation.operands[0], op.operation.operands[1] = value, numbers
