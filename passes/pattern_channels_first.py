"""`pattern-channels-first`: what goes through channels last and back works on planes instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import linalg

from pattern_mlir.dialects import (
    ActivateOp,
    AddOp,
    ConvOp,
    LayerNormOp,
    LinearOp,
    MultiplyOp,
    activation_of,
    integers,
    shape_of,
)
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import is_parameter, reshaped_parameter
from pattern_mlir.passes.linalg_builders import collapsed, expanded

TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
"""Permutations that put the channels of [N, C, H, W] last, and first again."""


@dataclass(frozen=True)
class PatternChannelsFirst(Pass):
    """Take the transpositions away round layer norms, linear layers and what goes pixel by pixel.

    Networks such as ConvNeXt put channels last for these, and first again for their convolutions.
    On planes a linear layer is a 1x1 convolution, and a layer norm goes over channels; both lie in
    lane blocks as the convolutions around them do. That is done where nothing else reads a value
    with channels last. A transposition of single pixels only changes the shape.

    Source: the blocks of arXiv 2201.03545.

    Before:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x1x4x4xf32> {
          %0 = tensor.empty() : tensor<1x4x4x2xf32>
          %1 = linalg.transpose ins(%arg0 : tensor<1x2x4x4xf32>) outs(%0 : tensor<1x4x4x2xf32>)
            permutation = [0, 2, 3, 1]
          %2 = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<1x2xf32>}
            : () -> tensor<1x2xf32>
          %3 = "pattern.linear"(%1, %2)
            : (tensor<1x4x4x2xf32>, tensor<1x2xf32>) -> tensor<1x4x4x1xf32>
          %4 = tensor.empty() : tensor<1x1x4x4xf32>
          %5 = linalg.transpose ins(%3 : tensor<1x4x4x1xf32>) outs(%4 : tensor<1x1x4x4xf32>)
            permutation = [0, 3, 1, 2]
          return %5 : tensor<1x1x4x4xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x1x4x4xf32> {
          %0 = tensor.empty() : tensor<1x4x4x2xf32>
          %1 = "pattern.parameter"() {name = "w", value = dense<1.000000e+00> : tensor<1x2xf32>}
            : () -> tensor<1x2xf32>
          %2 = "pattern.parameter"() {name = "planes.w"} : () -> tensor<1x2x1x1xf32>
          %3 = "pattern.conv"(%arg0, %2) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) ->
            tensor<1x1x4x4xf32>
          %4 = tensor.empty() : tensor<1x1x4x4xf32>
          return %3 : tensor<1x1x4x4xf32>
        }
    """

    name: ClassVar[str] = "pattern-channels-first"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Reshape single pixels, then convert each island between transpositions."""
        for op in walk(module, linalg.TransposeOp):
            if _permutation(op) in (TO_LAST, TO_FIRST) and _is_pixel(op):
                _reshape(op)
        seen: set[Any] = set()
        islands = []
        for entry in walk(module, linalg.TransposeOp):
            if _is_transposition(entry, TO_LAST) and entry.operation not in seen:
                island = _Island()
                if island.collect(entry):
                    islands.append(island)
                seen |= island.entries
        for island in islands:
            island.convert(module, parameters)


def _permutation(op: Any) -> list[int]:
    return integers(op.attributes["permutation"])


def _is_pixel(op: Any) -> bool:
    """Whether the planes of a transposed [N, C, H, W] are single pixels."""
    first = op.operands[0] if _permutation(op) == TO_LAST else op.results[0]
    return shape_of(first)[2:] == [1, 1]


def _reshape(op: Any) -> None:
    images, *_ = shape = shape_of(op.results[0])
    channels = max(shape[1:])
    groups = [[channels, 1, 1]] if _permutation(op) == TO_FIRST else [[1, 1, channels]]
    with ir.InsertionPoint(op), op.location:
        rows = collapsed(op.operands[0], [1, 3])
        op.results[0].replace_all_uses_with(expanded(rows, [[images], *groups]))
    op.operation.erase()


@dataclass
class _Island:
    """Operations with channels last that are connected, and the transpositions around them.

    Attributes:
        entries: transpositions to channels last.
        members: operations in between.
        exits: transpositions to channels first.
    """

    entries: set[Any] = field(default_factory=set)
    members: set[Any] = field(default_factory=set)
    exits: set[Any] = field(default_factory=set)

    def collect(self, entry: Any) -> bool:
        """Find all that is connected with ``entry``; return whether all of it has another form."""
        self.entries.add(entry.operation)
        todo = [entry]
        while todo:
            op = todo.pop()
            for user in (use.owner.opview for use in op.results[0].uses):
                if _is_transposition(user, TO_FIRST):
                    self.exits.add(user.operation)
                elif not self._takes(user, todo):
                    return False
            for value in [] if op.operation in self.entries else _inputs(op):
                producer: Any = None if isinstance(value.owner, ir.Block) else value.owner.opview
                if _is_transposition(producer, TO_LAST):
                    if producer.operation not in self.entries:
                        self.entries.add(producer.operation)
                        todo.append(producer)
                elif not is_parameter(value) and not self._takes(producer, todo):
                    return False
        return True

    def _takes(self, op: Any, todo: list[Any]) -> bool:
        """Make ``op`` a member if it has a form on planes; return whether it is one."""
        if op is None or type(op) not in _CONVERSIONS or not _fits(op):
            return False
        if op.operation not in self.members:
            self.members.add(op.operation)
            todo.append(op)
        return True

    def convert(self, module: Any, parameters: ParameterStore) -> None:
        """Build the members on planes, in program order, and drop the transpositions."""
        planes = {entry.results[0]: entry.operands[0] for entry in self.entries}
        members = [op for op in walk(module, ir.OpView) if op.operation in self.members]
        for op in members:
            with ir.InsertionPoint(op), op.location:
                planes[op.result] = _CONVERSIONS[type(op)](op, planes, parameters)
        for op in self.exits:
            op.results[0].replace_all_uses_with(planes[op.operands[0]])
        for op in [*self.exits, *reversed(members), *self.entries]:
            op.operation.erase()


def _is_transposition(op: Any, permutation: list[int]) -> bool:
    return isinstance(op, linalg.TransposeOp) and _permutation(op) == permutation


def _inputs(op: Any) -> list[Any]:
    """Return the operands of ``op`` that hold pixels, or one number a channel."""
    return [op.lhs, op.rhs] if isinstance(op, (AddOp, MultiplyOp)) else [op.input]


def _fits(op: Any) -> bool:
    """Whether ``op`` has a form on planes."""
    shape = shape_of(op.result)
    if len(shape) != 4:
        return False
    if isinstance(op, LinearOp):
        return is_parameter(op.weight)
    if isinstance(op, (AddOp, MultiplyOp)):
        return all(
            shape_of(value) == shape or (is_parameter(value) and shape_of(value)[:3] == [1, 1, 1])
            for value in _inputs(op)
        )
    return not isinstance(op, LayerNormOp) or op.axis == 3


def _activate(op: Any, planes: dict[Any, Any], parameters: ParameterStore) -> Any:
    return ActivateOp.build(planes[op.input], op.attributes["function"]).result


def _layer_norm(op: Any, planes: dict[Any, Any], parameters: ParameterStore) -> Any:
    x = planes[op.input]
    return LayerNormOp.build(x, op.weight, op.bias, op.epsilon_value, dimension=1).result


def _linear(op: Any, planes: dict[Any, Any], parameters: ParameterStore) -> Any:
    """Build a 1x1 convolution."""
    weight = reshaped_parameter(op.weight, [*shape_of(op.weight), 1, 1], parameters)
    bias = op.optional_operand("bias")
    return ConvOp.build(planes[op.input], weight, bias, activation=activation_of(op)).result


def _binary(op: Any, planes: dict[Any, Any], parameters: ParameterStore) -> Any:
    def on_planes(value: Any) -> Any:
        if value in planes:
            return planes[value]
        return reshaped_parameter(value, [1, shape_of(value)[3], 1, 1], parameters)

    lhs, rhs = map(on_planes, _inputs(op))
    return type(op).build(lhs, rhs, activation=activation_of(op)).result


_CONVERSIONS: Mapping[type, Callable[[Any, dict[Any, Any], ParameterStore], Any]] = (
    MappingProxyType(
        {
            ActivateOp: _activate,
            AddOp: _binary,
            LayerNormOp: _layer_norm,
            LinearOp: _linear,
            MultiplyOp: _binary,
        }
    )
)
"""How each kind of operation is built on planes, which are given for values with channels last."""
