"""Pooling: `pattern.max_pool`, `pattern.average_pool`, `pattern.adaptive_average_pool`."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.convolution import window_shape
from pattern_mlir.dialects.dialect import (
    I64ArrayAttr,
    PatternOperation,
    i64_array,
    integer,
    integers,
    require,
    shape_of,
    tensor_like,
)


class _WindowedPool(PatternOperation):
    """A window that slides over each plane."""

    @classmethod
    def build(
        cls,
        input: Any,
        *,
        kernel_size: Sequence[int],
        strides: Sequence[int],
        padding: Sequence[int] = (0, 0, 0, 0),
        dilations: Sequence[int] = (1, 1),
        ceil_mode: bool = False,
        **optional: Any,
    ) -> Any:
        """Create the operation; ``optional`` are attributes by name, None for an absent one."""
        x = shape_of(input)
        attributes = {
            "kernel_size": i64_array(kernel_size),
            "strides": i64_array(strides),
            "padding": i64_array(padding),
            "dilations": i64_array(dilations),
            "ceil_mode": ir.UnitAttr.get() if ceil_mode else None,
            **optional,
        }
        shape = window_shape(x[2:], kernel_size, strides, padding, dilations, ceil_mode)
        return cls.create(tensor_like(input, [*x[:2], *shape]), [input], attributes)

    def windows(self) -> tuple[list[int], list[int], list[int], list[int], list[int]]:
        """Return result plane [OH, OW], kernel size, strides, padding and dilations."""
        names = ("kernel_size", "strides", "padding", "dilations")
        kernel, strides, padding, dilations = (integers(self.attributes[name]) for name in names)
        ceil_mode = "ceil_mode" in self.attributes
        plane = shape_of(self.operands[0])[2:]
        shape = window_shape(plane, kernel, strides, padding, dilations, ceil_mode)
        return shape, kernel, strides, padding, dilations

    def check(self) -> None:
        """Window and shapes fit together; padding is at most half the window."""
        x = shape_of(self.operands[0])
        require(len(x) == 4, f"needs an input of rank 4 (NCHW), got rank {len(x)}")
        for name, length, least in (
            ("kernel_size", 2, 1),
            ("strides", 2, 1),
            ("padding", 4, 0),
            ("dilations", 2, 1),
        ):
            values = integers(self.attributes[name])
            require(
                len(values) == length and min(values) >= least,
                f"attribute '{name}' needs {length} values of at least {least}, got {values}",
            )
        shape, kernel, _, padding, _ = self.windows()
        for i in range(4):
            require(
                2 * padding[i] <= kernel[i % 2],
                f"padding {padding} is more than half of the window {kernel}",
            )
        require(min(shape) > 0, f"window is larger than the padded input: result would be {shape}")
        require(
            shape_of(self.results[0]) == [*x[:2], *shape],
            f"result has shape {shape_of(self.results[0])}, but the pool gives {[*x[:2], *shape]}",
        )

    def planes(self, x: Any, fill: float) -> Any:
        """Return x's values under each window position, [KH * KW, N, C, OH, OW]."""
        shape, kernel, strides, padding, dilations = self.windows()
        reach = [
            max(
                0, (shape[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - x.shape[2 + i]
            )
            for i in (0, 1)
        ]
        pads = [(padding[i], max(padding[2 + i], reach[i])) for i in (0, 1)]
        padded = np.pad(x, ((0, 0), (0, 0), *pads), constant_values=fill)
        rows, columns = (np.arange(shape[i]) * strides[i] for i in (0, 1))
        return np.stack(
            [
                padded[:, :, (rows + i * dilations[0])[:, None], columns + j * dilations[1]]
                for i, j in np.ndindex(*kernel)
            ]
        )


class MaxPoolOp(_WindowedPool, name="max_pool", traits=[ext.Pure]):
    """Maximum over a sliding window; what lies outside the plane is -inf. NaN wins.

    Shapes: input [N, C, H, W]; result [N, C, OH, OW] (PyTorch's MaxPool2d).
    Attributes: `kernel_size` [2], `strides` [2], `padding` = [top, left, bottom, right],
    `dilations` [2], all in pixels; optional `ceil_mode` (unit).

    Example:
        %y = "pattern.max_pool"(%x) {dilations = array<i64: 1, 1>,
            kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>,
            strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    kernel_size: I64ArrayAttr
    strides: I64ArrayAttr
    padding: I64ArrayAttr
    dilations: I64ArrayAttr

    OPTIONAL_ATTRIBUTES = MappingProxyType({"ceil_mode": ir.UnitAttr})

    def interpret(self, x: Any) -> Any:
        """Maximum over the window positions."""
        return self.planes(x, -np.inf).max(axis=0)


class AveragePoolOp(_WindowedPool, name="average_pool", traits=[ext.Pure]):
    """Mean over a sliding window; what lies outside the plane is 0 (PyTorch's AvgPool2d).

    Shapes: input [N, C, H, W]; result [N, C, OH, OW].
    Attributes: as `pattern.max_pool`, with `dilations` [1, 1]; optional: `count_include_pad`
    (unit: the padding counts as pixels of the mean), `divisor` (divide by it instead).

    Example:
        %y = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>,
            kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    kernel_size: I64ArrayAttr
    strides: I64ArrayAttr
    padding: I64ArrayAttr
    dilations: I64ArrayAttr

    OPTIONAL_ATTRIBUTES = MappingProxyType(
        {"ceil_mode": ir.UnitAttr, "count_include_pad": ir.UnitAttr, "divisor": ir.IntegerAttr}
    )

    def check(self) -> None:
        """As for the maximum; and the divisor is not zero."""
        super().check()
        dilations = integers(self.attributes["dilations"])
        require(dilations == [1, 1], f"averages only with dilations [1, 1], got {dilations}")
        if "divisor" in self.attributes:
            require(integer(self.attributes["divisor"]) != 0, "attribute 'divisor' must not be 0")

    def divisors(self) -> Any:
        """Return what each output pixel's sum is divided by, [OH, OW]."""
        shape, kernel, strides, padding, _ = self.windows()
        if "divisor" in self.attributes:
            return np.full(shape, integer(self.attributes["divisor"]))
        plane = shape_of(self.operands[0])[2:]
        include_pad = "count_include_pad" in self.attributes
        counts = []
        for i in (0, 1):
            first = np.arange(shape[i]) * strides[i] - padding[i]
            last = np.minimum(first + kernel[i], plane[i] + padding[2 + i])
            if not include_pad:
                first, last = np.maximum(first, 0), np.minimum(last, plane[i])
            counts.append(last - first)
        return np.outer(*counts)

    def interpret(self, x: Any) -> Any:
        """Sum over the window positions, divided by how many count."""
        return (self.planes(x, 0).sum(axis=0) / self.divisors()).astype(x.dtype)


class AdaptiveAveragePoolOp(PatternOperation, name="adaptive_average_pool", traits=[ext.Pure]):
    """Mean over windows that divide the plane as evenly as they can (AdaptiveAvgPool2d).

    Output pixel i of n averages input pixels [floor(i * size / n), ceil((i + 1) * size / n)).

    Shapes: input [N, C, H, W]; result [N, C, *output_size]; [1, 1] is the global mean.
    Attributes: `output_size` [2] in pixels.

    Example:
        %y = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 1, 1>}
            : (tensor<1x4x7x7xf32>) -> tensor<1x4x1x1xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    output_size: I64ArrayAttr

    @classmethod
    def build(cls, input: Any, output_size: Sequence[int]) -> Any:
        """Create the operation."""
        result = tensor_like(input, [*shape_of(input)[:2], *output_size])
        return cls.create(result, [input], {"output_size": i64_array(output_size)})

    def check(self) -> None:
        """Shapes fit together."""
        x, size = shape_of(self.input), integers(self.attributes["output_size"])
        require(len(x) == 4, f"needs an input of rank 4 (NCHW), got rank {len(x)}")
        require(
            len(size) == 2 and min(size) >= 1,
            f"attribute 'output_size' needs 2 values of at least 1, got {size}",
        )
        require(
            shape_of(self.result) == [*x[:2], *size],
            f"result has shape {shape_of(self.result)}, but the pool gives {[*x[:2], *size]}",
        )

    def bounds(self, axis: int) -> list[tuple[int, int]]:
        """Return the input pixels [first, last) of each output pixel along ``axis`` (H or W)."""
        size = shape_of(self.operands[0])[2 + axis]
        count = integers(self.attributes["output_size"])[axis]
        return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]

    def interpret(self, x: Any) -> Any:
        """Mean over each window."""
        rows = [
            np.stack([x[:, :, a:b, c:d].mean(axis=(2, 3)) for c, d in self.bounds(1)], axis=-1)
            for a, b in self.bounds(0)
        ]
        return np.stack(rows, axis=2).astype(x.dtype)
