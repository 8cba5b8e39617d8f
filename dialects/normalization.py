"""Operations over rows or channels: `pattern.softmax`, `pattern.layer_norm`."""

from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.dialect import (
    PatternOperation,
    i64,
    integer,
    require,
    shape_of,
    tensor_like,
)


class SoftmaxOp(PatternOperation, name="softmax", traits=[ext.Pure]):
    """exp(x) over the sum of exp of its row, the last dimension (PyTorch's Softmax).

    Shapes: result as input, of rank 1 or more.

    Example:
        %y = "pattern.softmax"(%x) : (tensor<2x16xf32>) -> tensor<2x16xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]

    @classmethod
    def build(cls, input: Any) -> Any:
        """Create the operation."""
        return cls.create(tensor_like(input, shape_of(input)), [input], {})

    def check(self) -> None:
        """There is a row, the shape stays."""
        _check_rows(self)

    def interpret(self, x: Any) -> Any:
        """Exponentials of what is less than the row's maximum, over their sum."""
        exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
        return (exponentials / exponentials.sum(axis=-1, keepdims=True)).astype(x.dtype)


class LayerNormOp(PatternOperation, name="layer_norm", traits=[ext.Pure]):
    """(x - mean) / sqrt(variance + epsilon) * weight + bias over rows, or along `dimension`.

    Shapes: input [..., K]; weight [K]; bias [K]; result as input (PyTorch's LayerNorm). With a
    `dimension`, K is its size.

    Attributes: `epsilon`, an f64; optional `dimension`, counted from 0 (1 is the channels'),
    instead of the last one.

    Example:
        %y = "pattern.layer_norm"(%x, %w, %b) {epsilon = 1.0e-05 : f64}
            : (tensor<2x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    weight: ext.Operand[ir.RankedTensorType]
    bias: ext.Operand[ir.RankedTensorType]
    epsilon: ir.FloatAttr

    OPTIONAL_ATTRIBUTES = MappingProxyType({"dimension": ir.IntegerAttr})

    @classmethod
    def build(
        cls, input: Any, weight: Any, bias: Any, epsilon: float, dimension: int | None = None
    ) -> Any:
        """Create the operation."""
        result = tensor_like(input, shape_of(input))
        attributes = {
            "epsilon": ir.FloatAttr.get(ir.F64Type.get(), epsilon),
            "dimension": None if dimension is None else i64(dimension),
        }
        return cls.create(result, [input, weight, bias], attributes)

    @property
    def axis(self) -> int:
        """The dimension that is normalised."""
        if "dimension" in self.attributes:
            return integer(self.attributes["dimension"])
        return len(shape_of(self.operands[0])) - 1

    @property
    def epsilon_value(self) -> float:
        """What is added to the variance."""
        return float(ir.FloatAttr(self.attributes["epsilon"]).value)

    def check(self) -> None:
        """There is a row, weight and bias fit it, the shape stays."""
        _check_rows(self)
        rank = len(shape_of(self.input))
        require(
            0 <= self.axis < rank,
            f"attribute 'dimension' is {self.axis}, but the input has rank {rank}",
        )
        size = shape_of(self.input)[self.axis : self.axis + 1]
        for name, value in (("weight", self.weight), ("bias", self.bias)):
            require(
                shape_of(value) == size,
                f"{name} needs shape {size}, one value an element of a row, got {shape_of(value)}",
            )
        require(self.epsilon_value >= 0, f"attribute 'epsilon' is {self.epsilon_value}, below 0")

    def interpret(self, x: Any, weight: Any, bias: Any) -> Any:
        """Normalise, scale, shift."""
        centred = x - x.mean(axis=self.axis, keepdims=True)
        variance = np.square(centred).mean(axis=self.axis, keepdims=True)
        scaled = centred / np.sqrt(variance + self.epsilon_value)
        along = [-1 if axis == self.axis else 1 for axis in range(x.ndim)]
        return (scaled * weight.reshape(along) + bias.reshape(along)).astype(x.dtype)


def _check_rows(op: Any) -> None:
    x, y = shape_of(op.input), shape_of(op.result)
    require(len(x) >= 1, "needs an input of rank 1 or more, got rank 0")
    require(x == y, f"result has shape {y}, but the input has {x}")
