"""`pattern.linear`: a fully connected layer."""

from types import MappingProxyType
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.attributes import ActivationAttr, activate
from pattern_mlir.dialects.dialect import (
    PatternOperation,
    require,
    shape_of,
    tensor_like,
)
from pattern_mlir.dialects.elementwise import activation_of


class LinearOp(PatternOperation, name="linear", traits=[ext.Pure]):
    """Fully connected layer: result = activation(input · weightᵀ + bias).

    Shapes: input [..., K]; weight [F, K]; bias [F]; result [..., F].
    The weight may be f16 beside an input of f32; tensors of f16 are computed in f32, their bias
    may be f32.
    Attributes: optional `activation`; `precision_reason`: why it has not the precision that was
    asked for.

    Example:
        %y = "pattern.linear"(%x, %w, %b)
            : (tensor<2x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<2x4xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    weight: ext.Operand[ir.RankedTensorType]
    bias: ext.Operand[ir.RankedTensorType] | None = None

    OPTIONAL_ATTRIBUTES = MappingProxyType(
        {"activation": ActivationAttr, "precision_reason": ir.StringAttr}
    )
    STORED_APART = ("weight", "bias")

    @classmethod
    def build(cls, input: Any, weight: Any, bias: Any = None, *, activation: Any = None) -> Any:
        """Create the operation."""
        result = tensor_like(input, [*shape_of(input)[:-1], shape_of(weight)[0]])
        return cls.create(result, [input, weight, bias], {"activation": activation})

    def check(self) -> None:
        """Shapes fit together."""
        x, w = shape_of(self.input), shape_of(self.weight)
        require(len(w) == 2, f"needs a weight of rank 2 (filters, inputs), got rank {len(w)}")
        require(len(x) >= 1, "needs an input of rank 1 or more, got rank 0")
        require(
            x[-1] == w[1],
            f"weight takes {w[1]} values, but the input's last dimension has {x[-1]}",
        )
        bias = self.optional_operand("bias")
        if bias is not None:
            require(
                shape_of(bias) == w[:1],
                f"bias needs shape {w[:1]}, one value a filter, got {shape_of(bias)}",
            )
        activation_of(self)
        shape = [*x[:-1], w[0]]
        require(
            shape_of(self.result) == shape,
            f"result has shape {shape_of(self.result)}, but the layer gives {shape}",
        )

    def interpret(self, x: Any, weight: Any, bias: Any = None) -> Any:
        """Matrix product, bias, activation."""
        y = x @ weight.T
        return activate(activation_of(self), y if bias is None else y + bias)
