"""`pattern.parameter` and the operations that move data: `pattern.concat`, `pattern.upsample`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.dialect import (
    MIXED_TYPES,
    I64ArrayAttr,
    PatternOperation,
    i64,
    integer,
    integers,
    require,
    shape_of,
    tensor_like,
)
from pattern_mlir.errors import ParameterError


class ParameterOp(PatternOperation, name="parameter", traits=[ext.Pure]):
    """A parameter of the model; its data lies beside the IR under `name`.

    Shapes: the result's type says shape, element type and, for a pattern-sparse weight, its
    `#pattern.sparse` encoding. An array of f32 that the type calls f16 is rounded.
    Attributes: `name`; optional: `value` (data in the IR, for small examples), `filter_order`:
    entry i of the result's first dimension is entry filter_order[i] of the stored array.

    Example:
        %w = "pattern.parameter"() {name = "conv1.weight"} : () -> tensor<4x8x3x3xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    name: ir.StringAttr

    OPTIONAL_ATTRIBUTES = MappingProxyType(
        {"value": ir.DenseElementsAttr, "filter_order": I64ArrayAttr}
    )

    @classmethod
    def build(cls, name: str, type_: Any, **optional: Any) -> Any:
        """Create the operation; ``optional`` are attributes by name, None for an absent one."""
        return cls.create(type_, [], {"name": ir.StringAttr.get(name), **optional})

    @property
    def parameter_name(self) -> str:
        """The key of the parameter's array in the parameter store."""
        return str(ir.StringAttr(self.attributes["name"]).value)

    def check(self) -> None:
        """An inline value has the result's shape and element type; the order is a permutation."""
        shape = shape_of(self.result)
        if "value" in self.attributes:
            type_ = self.attributes["value"].type
            element = ir.RankedTensorType(self.result.type).element_type
            require(
                isinstance(type_, ir.RankedTensorType)
                and list(type_.shape) == shape
                and (
                    type_.element_type == element
                    or {str(type_.element_type), str(element)} <= MIXED_TYPES
                ),
                f"attribute 'value' has type {type_}, but the result is {self.result.type}",
            )
        if "filter_order" in self.attributes:
            order = integers(self.attributes["filter_order"])
            filters = shape[0] if shape else 0
            require(
                sorted(order) == list(range(filters)),
                f"attribute 'filter_order' is no permutation of the {filters} filters",
            )

    def array(self, parameters: Mapping[str, Any]) -> Any:
        """Return the parameter's numpy array, in `filter_order`.

        Raises:
            ParameterError: ``parameters`` has no such entry, or one of another shape or type.
        """
        type_ = ir.RankedTensorType(self.result.type)
        if "value" in self.attributes:
            stored = np.array(ir.DenseElementsAttr(self.attributes["value"]))
            stored = stored.reshape(tuple(type_.shape))
        elif self.parameter_name in parameters:
            stored = parameters[self.parameter_name]
        else:
            raise ParameterError(
                f"parameter '{self.parameter_name}' is not in the parameter store;"
                " give the .safetensors file that belongs to the module"
            )
        if list(stored.shape) != list(type_.shape):
            raise ParameterError(
                f"parameter '{self.parameter_name}' is stored with shape {list(stored.shape)},"
                f" but the module declares {type_}; module and .safetensors do not belong together"
            )
        if "filter_order" in self.attributes:
            stored = stored[integers(self.attributes["filter_order"])]
        if isinstance(type_.element_type, ir.F16Type) and stored.dtype == np.float32:
            return stored.astype(np.float16)
        return stored


class ConcatOp(PatternOperation, name="concat", traits=[ext.Pure]):
    """Two tensors one after the other along one dimension.

    A concatenation of more is a chain, which the lowering writes as one: operations defined from
    Python cannot take any number of operands of different types.

    Shapes: lhs and rhs are equal but for `dimension`; the result has the sum of their sizes there.
    Attributes: `dimension`, counted from 0 (1 is the channels').

    Example:
        %y = "pattern.concat"(%a, %b) {dimension = 1 : i64}
            : (tensor<1x4x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x12x6x6xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    lhs: ext.Operand[ir.RankedTensorType]
    rhs: ext.Operand[ir.RankedTensorType]
    dimension: ir.IntegerAttr

    @classmethod
    def build(cls, lhs: Any, rhs: Any, dimension: int = 1) -> Any:
        """Create the operation."""
        shape = shape_of(lhs)
        shape[dimension] += shape_of(rhs)[dimension]
        attributes = {"dimension": i64(dimension)}
        return cls.create(tensor_like(lhs, shape), [lhs, rhs], attributes)

    @property
    def axis(self) -> int:
        """The dimension along which the inputs follow each other."""
        return integer(self.attributes["dimension"])

    def check(self) -> None:
        """Shapes fit together."""
        lhs, rhs, axis = shape_of(self.lhs), shape_of(self.rhs), self.axis
        require(
            0 <= axis < len(lhs),
            f"attribute 'dimension' is {axis}, but the inputs have rank {len(lhs)}",
        )
        require(
            len(lhs) == len(rhs)
            and all(a == b for i, (a, b) in enumerate(zip(lhs, rhs, strict=True)) if i != axis),
            f"shapes {lhs} and {rhs} do not fit outside dimension {axis}",
        )
        shape = [*lhs[:axis], lhs[axis] + rhs[axis], *lhs[axis + 1 :]]
        require(
            shape_of(self.result) == shape,
            f"result has shape {shape_of(self.result)}, but the inputs give {shape}",
        )

    def interpret(self, lhs: Any, rhs: Any) -> Any:
        """Join the arrays."""
        return np.concatenate([lhs, rhs], axis=self.axis)


class UpsampleOp(PatternOperation, name="upsample", traits=[ext.Pure]):
    """Resize each plane: nearest neighbour, or bilinear (PyTorch's interpolate).

    Output pixel i reads the input at i * scale (nearest, rounded down), (i + 0.5) * scale - 0.5
    kept at least 0 (bilinear), or i * (size - 1) / (result - 1) (bilinear, `align_corners`);
    scale is `scales` where given (input pixels an output pixel), else size / result.

    Shapes: input [N, C, H, W]; result [N, C, OH, OW].
    Attributes: `mode` = "nearest" or "bilinear"; optional: `align_corners` (unit), `scales`
    (two f64).

    Example:
        %y = "pattern.upsample"(%x) {mode = "nearest"}
            : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x12xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    mode: ir.StringAttr

    OPTIONAL_ATTRIBUTES = MappingProxyType(
        {"align_corners": ir.UnitAttr, "scales": ir.DenseF64ArrayAttr}
    )

    @classmethod
    def build(
        cls,
        input: Any,
        output_size: Sequence[int],
        mode: str,
        *,
        align_corners: bool = False,
        scales: Sequence[float] | None = None,
    ) -> Any:
        """Create the operation."""
        attributes = {
            "mode": ir.StringAttr.get(mode),
            "align_corners": ir.UnitAttr.get() if align_corners else None,
            "scales": None if scales is None else ir.DenseF64ArrayAttr.get(list(scales)),
        }
        result = tensor_like(input, [*shape_of(input)[:2], *output_size])
        return cls.create(result, [input], attributes)

    def check(self) -> None:
        """Shapes and mode fit together."""
        x, y = shape_of(self.input), shape_of(self.result)
        mode = ir.StringAttr(self.attributes["mode"]).value
        require(len(x) == 4, f"needs an input of rank 4 (NCHW), got rank {len(x)}")
        require(
            mode in ("nearest", "bilinear"),
            f"attribute 'mode' must be nearest or bilinear, got {mode}",
        )
        require(
            mode == "bilinear" or "align_corners" not in self.attributes,
            "attribute 'align_corners' goes with mode bilinear only",
        )
        require(
            len(y) == 4 and x[:2] == y[:2],
            f"result has shape {y}, but images and channels must stay {x[:2]}",
        )
        if "scales" in self.attributes:
            scales = list(ir.DenseF64ArrayAttr(self.attributes["scales"]))
            require(
                len(scales) == 2 and min(scales) > 0,
                f"attribute 'scales' needs 2 values above 0, got {scales}",
            )

    def sources(self, axis: int) -> Any:
        """Return the input coordinate of each output pixel along ``axis`` (0: H, 1: W), f64."""
        size = shape_of(self.operands[0])[2 + axis]
        count = shape_of(self.results[0])[2 + axis]
        positions = np.arange(count, dtype=np.float64)
        if "align_corners" in self.attributes:
            return positions * ((size - 1) / (count - 1) if count > 1 else 0.0)
        scale = size / count
        if "scales" in self.attributes:
            scale = list(ir.DenseF64ArrayAttr(self.attributes["scales"]))[axis]
        if ir.StringAttr(self.attributes["mode"]).value == "nearest":
            return np.minimum(np.floor(positions * scale), size - 1)
        return np.maximum((positions + 0.5) * scale - 0.5, 0.0)

    def weights(self, axis: int) -> tuple[Any, Any, Any]:
        """Return, for each output pixel, its two input pixels and the second one's weight."""
        size = shape_of(self.operands[0])[2 + axis]
        sources = self.sources(axis)
        low = np.minimum(np.floor(sources).astype(np.int64), size - 1)
        return low, np.minimum(low + 1, size - 1), sources - low

    def interpret(self, x: Any) -> Any:
        """Mix the two nearest rows, then the two nearest columns."""
        (top, bottom, vertical), (left, right, horizontal) = self.weights(0), self.weights(1)
        if ir.StringAttr(self.attributes["mode"]).value == "nearest":
            return x[:, :, top[:, None], left]
        vertical = vertical.astype(x.dtype)[:, None]
        horizontal = horizontal.astype(x.dtype)
        rows = x[:, :, top] * (1 - vertical) + x[:, :, bottom] * vertical
        return rows[..., left] * (1 - horizontal) + rows[..., right] * horizontal
