"""`pattern-canonicalize`: the simplest form of what means the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import (
    ActivateOp,
    ActivationAttr,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConvOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    PixelShuffleOp,
    SelectChannelsOp,
    UpsampleOp,
    i64_array,
    integers,
    shape_of,
)
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import is_parameter, reshaped_parameter
from pattern_mlir.passes.linalg_builders import collapsed, expanded

IDEMPOTENT = frozenset({"relu", "relu6", "clamp"})
"""Activations that change nothing when applied twice."""


@dataclass(frozen=True)
class PatternCanonicalize(Pass):
    """Fold what upstream canonicalization cannot know of pattern operations.

    - `clamp` from 0 to 6 is `relu6`, from 0 up `relu`;
    - an activation of itself, and `relu` before or behind `relu6`, is one;
    - a pool whose windows are single pixels, and a pool or an upsampling to the input's own size,
      is its input;
    - an average over windows as large as the plane is the mean of the plane, and an adaptive one
      whose windows are all alike a plain one;
    - what goes element by element over lines, as 1-D networks have them, goes over their planes;
    - an activation of a pixel shuffle is a pixel shuffle of the activation, which a convolution
      before it can take in;
    - a selection from a selection of channels is one, and that of all in order is its input;
    - a `filter_order` or `output_channel` that moves nothing is dropped.

    Dead and equal operations are left to `canonicalize` and `cse`.

    Before:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"clamp", [0.0, 6.0]>}
            : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
          %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>}
            : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
          return %1 : tensor<1x2x4x4xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"relu6", []>}
            : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
          return %0 : tensor<1x2x4x4xf32>
        }
    """

    name: ClassVar[str] = "pattern-canonicalize"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Apply each fold until none applies."""
        while any([_fold(op, parameters) for op in walk(module, ir.OpView)]):
            pass


def _fold(op: Any, parameters: ParameterStore) -> bool:
    """Fold ``op``; return whether anything changed."""
    if isinstance(op, (ActivateOp, AddOp, MultiplyOp)) and _over_planes(op, parameters):
        return True
    return type(op) in _FOLDS and _FOLDS[type(op)](op)


def _over_planes(op: Any, parameters: ParameterStore) -> bool:
    """Build ``op`` over the planes [N, C, 1, L] that its lines [N, C, L] were; return whether."""
    values = list(op.operation.operands)
    planes = list(map(_planes_of, values))
    if all(plane is None for plane in planes):
        return False

    def grown(value: Any, plane: Any) -> Any:
        images, channels, length = shape_of(value)
        if plane is not None:
            return plane
        if is_parameter(value):
            return reshaped_parameter(value, [images, channels, 1, length], parameters)
        return expanded(value, [[images], [channels], [1, length]])

    with ir.InsertionPoint(op), op.location:
        operands = list(map(grown, values, planes))
        options = [op.attributes["function"]] if isinstance(op, ActivateOp) else []
        result = collapsed(type(op).build(*operands, *options).result, [1, 1, 2])
    _replace(op, result)
    _erase_unused(values)
    return True


def _erase_unused(values: Sequence[Any]) -> None:
    """Erase what makes those of ``values`` that nobody reads: else they had one reader more."""
    for value in set(values):
        if not isinstance(value.owner, ir.Block) and not list(value.uses):
            value.owner.erase()


def _planes_of(value: Any) -> Any:
    """Return the planes of one row each that the lines ``value`` were, None for other values."""
    producer = None if isinstance(value.owner, ir.Block) else value.owner.opview
    if not isinstance(producer, tensor.CollapseShapeOp):
        return None
    planes = producer.operation.operands[0]
    images, channels, *plane = shape_of(planes)
    if len(plane) != 2 or shape_of(value) != [images, channels, plane[1]] or plane[0] != 1:
        return None
    return planes


def _fold_expansion(op: Any) -> bool:
    """Fold the expansion of what was collapsed from its shape."""
    producer = None if isinstance(op.src.owner, ir.Block) else op.src.owner.opview
    if not isinstance(producer, tensor.CollapseShapeOp):
        return False
    collapse = op.src
    folded = _replace(op, producer.operation.operands[0])
    if folded:
        _erase_unused([collapse])
    return folded


def _replace(op: Any, value: Any) -> bool:
    """Use ``value`` for the result of ``op``, unless it lies in memory in another way."""
    if op.results[0].type != value.type:
        return False
    op.results[0].replace_all_uses_with(value)
    op.operation.erase()
    return True


def _fold_activate(op: Any) -> bool:
    function = op.attributes["function"]
    simple = {(0.0, 6.0): "relu6", (0.0, float("inf")): "relu"}.get(function.values)
    if function.function_name == "clamp" and simple:
        op.attributes["function"] = ActivationAttr.build(simple)
        return True
    producer = None if isinstance(op.input.owner, ir.Block) else op.input.owner.opview
    if isinstance(producer, PixelShuffleOp) and len(list(producer.result.uses)) == 1:
        return _swap(op, producer)
    if not isinstance(producer, ActivateOp):
        return False
    inner = producer.attributes["function"]
    names = {inner.function_name, function.function_name}
    if inner == function and function.function_name in IDEMPOTENT:
        return _replace(op, producer.result)
    if names == {"relu", "relu6"}:
        op.attributes["function"] = ActivationAttr.build("relu6")
        op.operation.operands[0] = producer.input
        if not list(producer.result.uses):
            producer.operation.erase()
        return True
    return False


def _swap(activate: Any, shuffle: Any) -> bool:
    """Apply ``activate``, the only user of ``shuffle``, before it."""
    with ir.InsertionPoint(activate), activate.location:
        inner = ActivateOp.build(shuffle.input, activate.attributes["function"]).result
    shuffle.operation.move_before(activate.operation)
    shuffle.operation.operands[0] = inner
    return _replace(activate, shuffle.result)


def _fold_average(op: Any) -> bool:
    size, kernel, _, padding, _ = op.windows()
    if (
        size != [1, 1]
        or kernel != shape_of(op.input)[2:]
        or any(padding)
        or "divisor" in op.attributes
    ):
        return _fold_windowed_pool(op)
    with ir.InsertionPoint(op), op.location:
        return _replace(op, AdaptiveAveragePoolOp.build(op.input, [1, 1]).result)


def _fold_selection(op: Any) -> bool:
    channels = integers(op.channels)
    if channels == list(range(shape_of(op.input)[1])):
        return _replace(op, op.input)
    producer = None if isinstance(op.input.owner, ir.Block) else op.input.owner.opview
    if not isinstance(producer, SelectChannelsOp):
        return False
    inner = integers(producer.channels)
    op.attributes["channels"] = i64_array([inner[channel] for channel in channels])
    op.operation.operands[0] = producer.input
    if not list(producer.result.uses):
        producer.operation.erase()
    return True


def _fold_windowed_pool(op: Any) -> bool:
    unit = all(integers(op.attributes[name]) == [1, 1] for name in ("kernel_size", "strides"))
    return unit and "divisor" not in op.attributes and _replace(op, op.input)


def _fold_adaptive(op: Any) -> bool:
    plane, size = shape_of(op.input)[2:], shape_of(op.result)[2:]
    if size == [1, 1] or plane == size or any(a % b for a, b in zip(plane, size, strict=True)):
        return _fold_resize(op)
    window = [a // b for a, b in zip(plane, size, strict=True)]
    with ir.InsertionPoint(op), op.location:
        pool = AveragePoolOp.build(op.input, kernel_size=window, strides=window)
        return _replace(op, pool.result)


def _fold_resize(op: Any) -> bool:
    same = shape_of(op.input) == shape_of(op.result) and "scales" not in op.attributes
    return same and _replace(op, op.input)


def _drop_identity(name: str) -> Callable[[Any], bool]:
    def fold(op: Any) -> bool:
        if name not in op.attributes:
            return False
        order = integers(op.attributes[name])
        if order != list(range(len(order))):
            return False
        del op.attributes[name]
        return True

    return fold


_FOLDS: dict[type, Callable[[Any], bool]] = {
    ActivateOp: _fold_activate,
    AdaptiveAveragePoolOp: _fold_adaptive,
    AveragePoolOp: _fold_average,
    ConvOp: _drop_identity("output_channel"),
    MaxPoolOp: _fold_windowed_pool,
    ParameterOp: _drop_identity("filter_order"),
    SelectChannelsOp: _fold_selection,
    UpsampleOp: _fold_resize,
    tensor.ExpandShapeOp: _fold_expansion,
}
