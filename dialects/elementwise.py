"""Element-wise operations: `pattern.add`, `pattern.multiply`, `pattern.activate`."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.attributes import ActivationAttr, activate
from pattern_mlir.dialects.dialect import (
    PatternOperation,
    require,
    shape_of,
    tensor_like,
)


def activation_of(op: Any) -> Any:
    """Return ``op``'s checked `activation` attribute, or None where it has none."""
    if "activation" not in op.attributes:
        return None
    attribute = op.attributes["activation"]
    attribute.check()
    return attribute


class _BinaryOperation(PatternOperation):
    """Two operands of equal rank whose dimensions are equal or 1, and an activation."""

    @classmethod
    def build(cls, lhs: Any, rhs: Any, *, activation: Any = None) -> Any:
        """Create the operation."""
        shape = broadcast_shape(shape_of(lhs), shape_of(rhs))
        return cls.create(tensor_like(lhs, shape), [lhs, rhs], {"activation": activation})

    def check(self) -> None:
        """Shapes broadcast to the result's."""
        shape = broadcast_shape(shape_of(self.operands[0]), shape_of(self.operands[1]))
        activation_of(self)
        require(
            shape_of(self.results[0]) == shape,
            f"result has shape {shape_of(self.results[0])}, but the operands give {shape}",
        )


class AddOp(_BinaryOperation, name="add", traits=[ext.Pure]):
    """Sum: result = activation(lhs + rhs).

    Shapes: lhs and rhs of equal rank, each dimension equal or 1 (then repeated).
    Attributes: optional `activation`.

    Example:
        %y = "pattern.add"(%a, %b) {activation = #pattern.activation<"relu", []>}
            : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    lhs: ext.Operand[ir.RankedTensorType]
    rhs: ext.Operand[ir.RankedTensorType]

    OPTIONAL_ATTRIBUTES = MappingProxyType({"activation": ActivationAttr})

    def interpret(self, lhs: Any, rhs: Any) -> Any:
        """Sum, then the activation."""
        return activate(activation_of(self), lhs + rhs)


class MultiplyOp(_BinaryOperation, name="multiply", traits=[ext.Pure]):
    """Product: result = activation(lhs * rhs), such as a squeeze-and-excite gate.

    Shapes: lhs and rhs of equal rank, each dimension equal or 1 (then repeated).
    Attributes: optional `activation`.

    Example:
        %y = "pattern.multiply"(%x, %gate)
            : (tensor<1x4x6x6xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x6x6xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    lhs: ext.Operand[ir.RankedTensorType]
    rhs: ext.Operand[ir.RankedTensorType]

    OPTIONAL_ATTRIBUTES = MappingProxyType({"activation": ActivationAttr})

    def interpret(self, lhs: Any, rhs: Any) -> Any:
        """Product, then the activation."""
        return activate(activation_of(self), lhs * rhs)


class ActivateOp(PatternOperation, name="activate", traits=[ext.Pure]):
    """Element-wise activation function.

    Shapes: result as input, any rank. NaN stays NaN.
    Attributes: `function`, e.g. `#pattern.activation<"clamp", [0.0, 1.0]>`.

    Example:
        %y = "pattern.activate"(%x) {function = #pattern.activation<"silu", []>}
            : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    function: ActivationAttr

    @classmethod
    def build(cls, input: Any, function: Any) -> Any:
        """Create the operation; ``function`` is an `ActivationAttr`."""
        return cls.create(tensor_like(input, shape_of(input)), [input], {"function": function})

    def check(self) -> None:
        """The function is known, the shape stays."""
        self.attributes["function"].check()
        require(
            shape_of(self.result) == shape_of(self.input),
            f"result has shape {shape_of(self.result)}, but the input has {shape_of(self.input)}",
        )

    def interpret(self, x: Any) -> Any:
        """Apply the function to each element."""
        return activate(self.attributes["function"], x)


def broadcast_shape(lhs: Sequence[int], rhs: Sequence[int]) -> list[int]:
    """Return the common shape of two shapes of equal rank; raise `VerificationError` if none."""
    fits = len(lhs) == len(rhs) and all(
        a == b or 1 in (a, b) for a, b in zip(lhs, rhs, strict=True)
    )
    require(
        fits,
        f"operand shapes {list(lhs)} and {list(rhs)} do not fit: ranks must be equal,"
        " each dimension equal or 1",
    )
    return [int(size) for size in np.broadcast_shapes(tuple(lhs), tuple(rhs))]
