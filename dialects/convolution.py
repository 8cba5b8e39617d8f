"""`pattern.conv`: a convolution with all that is computed while its result is in registers."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.attributes import (
    ActivationAttr,
    SparseAttr,
    activate,
    is_stored_in_half,
)
from pattern_mlir.dialects.dialect import (
    I64ArrayAttr,
    PatternOperation,
    i64,
    i64_array,
    integer,
    integers,
    require,
    shape_of,
    tensor_like,
)
from pattern_mlir.dialects.elementwise import activation_of
from pattern_mlir.dialects.half_sums import HALF_SUMS, summed_in_half


class ConvOp(PatternOperation, name="conv", traits=[ext.Pure]):
    """2-D convolution (cross-correlation) with a fused epilogue.

    Shapes: input [N, C, H, W]; weight [F, C / groups, KH, KW]; bias [F]; residual and result
    [N, F, OH, OW] with OH = (H + top + bottom - dilation * (KH - 1) - 1) // stride + 1, halved
    (rounding down) under `max_pool`; the residual has the shape before the pool.

    The result is max_pool(activation(conv + bias + residual)). A weight whose type carries
    `#pattern.sparse` multiplies its kept taps only: a pruned weight never meets its activation.
    Tensors of f16 are stored so and computed in f32; their bias may be f32.

    Attributes: `strides` [2], `padding` = [top, left, bottom, right], `dilations` [2] in pixels,
    `groups`; optional: `activation`, `max_pool` = [2, 2]; `output_channel`: filter i of
    the weight computes this channel of the result (a permutation; filter kernel reorder, arXiv
    2001.00138); `filter_boundaries`: thread t computes filters [b[t], b[t + 1]);
    `dense_reason`: why the layer is not compiled as sparse; `f16_sums` (unit, tensors stored as
    f16): products may be added up in f16, at most 32 of them before their sum joins the total in
    f32; `precision_reason`: why they may not, though that was asked for; `f16_errors`: the RMS
    errors, measured, of such sums and of sums in f32 over the RMS of the sums.

    Example:
        %y = "pattern.conv"(%x, %w, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 1, 1, 1, 1>,
            strides = array<i64: 1, 1>}
            : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    weight: ext.Operand[ir.RankedTensorType]
    strides: I64ArrayAttr
    padding: I64ArrayAttr
    dilations: I64ArrayAttr
    groups: ir.IntegerAttr
    bias: ext.Operand[ir.RankedTensorType] | None = None
    residual: ext.Operand[ir.RankedTensorType] | None = None

    OPTIONAL_ATTRIBUTES = MappingProxyType(
        {
            "activation": ActivationAttr,
            "max_pool": I64ArrayAttr,
            "output_channel": I64ArrayAttr,
            "filter_boundaries": I64ArrayAttr,
            "dense_reason": ir.StringAttr,
            HALF_SUMS: ir.UnitAttr,
            "precision_reason": ir.StringAttr,
            "f16_errors": ir.DenseF64ArrayAttr,
        }
    )
    STORED_APART = ("bias",)

    @classmethod
    def build(
        cls,
        input: Any,
        weight: Any,
        bias: Any = None,
        residual: Any = None,
        *,
        strides: Sequence[int] = (1, 1),
        padding: Sequence[int] = (0, 0, 0, 0),
        dilations: Sequence[int] = (1, 1),
        groups: int = 1,
        **optional: Any,
    ) -> Any:
        """Create the operation; ``optional`` are attributes by name, None for an absent one."""
        attributes = {
            "strides": i64_array(strides),
            "padding": i64_array(padding),
            "dilations": i64_array(dilations),
            "groups": i64(groups),
            **optional,
        }
        shape = conv_shape(shape_of(input), shape_of(weight), strides, padding, dilations)
        if optional.get("max_pool") is not None:
            shape = [*shape[:2], shape[2] // 2, shape[3] // 2]
        result = tensor_like(input, shape)
        return cls.create(result, [input, weight, bias, residual], attributes)

    def check(self) -> None:
        """Shapes, windows, epilogue and schedule fit together."""
        self._check_lengths()
        x, w = shape_of(self.input), shape_of(self.weight)
        require(len(x) == 4, f"needs an input of rank 4 (NCHW), got rank {len(x)}")
        require(len(w) == 4, f"needs a weight of rank 4 (FCHW), got rank {len(w)}")
        groups = integer(self.groups)
        require(groups >= 1, f"needs groups of at least 1, got {groups}")
        require(
            w[1] * groups == x[1],
            f"weight has {w[1]} input channels in each of {groups} groups,"
            f" but the input has {x[1]} channels",
        )
        require(w[0] % groups == 0, f"{w[0]} filters do not divide into {groups} groups")
        shape = conv_shape(
            x, w, integers(self.strides), integers(self.padding), integers(self.dilations)
        )
        require(min(shape) > 0, f"window is larger than the padded input: result would be {shape}")
        self._check_epilogue(shape)
        self._check_schedule(w)
        require(
            HALF_SUMS not in self.attributes or is_stored_in_half(self.result.type),
            f"attribute '{HALF_SUMS}' needs tensors of f16, got {self.result.type}",
        )

    def _check_lengths(self) -> None:
        for name, length, least in (
            ("strides", 2, 1),
            ("padding", 4, 0),
            ("dilations", 2, 1),
        ):
            values = integers(self.attributes[name])
            require(
                len(values) == length and min(values) >= least,
                f"attribute '{name}' needs {length} values of at least {least}, got {values}",
            )

    def _check_epilogue(self, shape: list[int]) -> None:
        bias, residual = self.optional_operand("bias"), self.optional_operand("residual")
        if bias is not None:
            require(
                shape_of(bias) == [shape[1]],
                f"bias needs shape [{shape[1]}], one value a filter, got {shape_of(bias)}",
            )
        if residual is not None:
            require(
                shape_of(residual) == shape,
                f"residual has shape {shape_of(residual)}, but the convolution gives {shape}",
            )
        activation_of(self)
        if "max_pool" in self.attributes:
            pool = integers(self.attributes["max_pool"])
            require(pool == [2, 2], f"attribute 'max_pool' can only be [2, 2], got {pool}")
            shape = [*shape[:2], shape[2] // 2, shape[3] // 2]
            require(min(shape) > 0, "result is too small for its 2x2 max_pool")
        require(
            shape_of(self.result) == shape,
            f"result has shape {shape_of(self.result)}, but the convolution gives {shape}",
        )

    def _check_schedule(self, weight: list[int]) -> None:
        require(
            "dense_reason" not in self.attributes
            or not isinstance(ir.RankedTensorType(self.weight.type).encoding, SparseAttr),
            "has a dense_reason, but its weight is #pattern.sparse",
        )
        if "output_channel" in self.attributes:
            channels = integers(self.attributes["output_channel"])
            require(
                sorted(channels) == list(range(weight[0])),
                f"attribute 'output_channel' is no permutation of the {weight[0]} filters",
            )
        if "filter_boundaries" in self.attributes:
            bounds = integers(self.attributes["filter_boundaries"])
            require(
                len(bounds) >= 2
                and bounds[0] == 0
                and bounds[-1] == weight[0]
                and bounds == sorted(bounds),
                f"attribute 'filter_boundaries' must rise from 0 to {weight[0]}, got {bounds}",
            )

    def interpret(self, x: Any, weight: Any, bias: Any = None, residual: Any = None) -> Any:
        """Sum over the taps, one shifted plane each; see the class for the epilogue."""
        y = convolve(
            x,
            weight,
            strides=integers(self.strides),
            padding=integers(self.padding),
            dilations=integers(self.dilations),
            groups=integer(self.groups),
            sparse=isinstance(ir.RankedTensorType(self.weight.type).encoding, SparseAttr),
            half_sums=HALF_SUMS in self.attributes and x.dtype != np.float64,
        )
        if "output_channel" in self.attributes:
            placed = np.full_like(y, np.nan)
            placed[:, integers(self.attributes["output_channel"])] = y
            y = placed
        if bias is not None:
            y = y + bias[:, None, None]
        if residual is not None:
            y = y + residual
        y = activate(activation_of(self), y)
        if "max_pool" in self.attributes:
            n, f, h, w = y.shape
            y = y[:, :, : h // 2 * 2, : w // 2 * 2]
            y = y.reshape(n, f, h // 2, 2, w // 2, 2).max(axis=(3, 5))
        return y


def conv_shape(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
) -> list[int]:
    """Return [N, F, OH, OW] of a convolution; ``padding`` is [top, left, bottom, right]."""
    return [
        input_shape[0],
        weight_shape[0],
        *window_shape(input_shape[2:], weight_shape[2:], strides, padding, dilations),
    ]


def window_shape(
    plane: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool = False,
) -> list[int]:
    """Return [OH, OW]: how often a ``window`` fits into a padded ``plane`` (both [H, W]).

    ``ceil_mode`` counts a last window that reaches over the far edge, if it starts inside the
    plane or its near padding (PyTorch's rule).
    """
    counts = []
    for i in (0, 1):
        room = plane[i] + padding[i] + padding[2 + i] - dilations[i] * (window[i] - 1) - 1
        count = (room + (strides[i] - 1 if ceil_mode else 0)) // strides[i] + 1
        if ceil_mode and (count - 1) * strides[i] >= plane[i] + padding[i]:
            count -= 1
        counts.append(count)
    return counts


def convolve(
    x: Any,
    weight: Any,
    *,
    strides: Sequence[int],
    padding: Sequence[int],
    dilations: Sequence[int],
    groups: int,
    sparse: bool,
    half_sums: bool = False,
) -> Any:
    """Return the convolution of x [N, C, H, W] with weight [F, C / groups, KH, KW].

    Where ``sparse``, weights that are zero are left out of the sums and so meet no Inf or NaN;
    ``half_sums`` adds up in f16 as `summed_in_half` does.
    """
    n, filters, height, width = conv_shape(x.shape, weight.shape, strides, padding, dilations)
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    padded = padded.reshape(n, groups, -1, *padded.shape[2:])
    grouped = weight.reshape(groups, filters // groups, *weight.shape[1:])
    shape = (n, groups, filters // groups, height, width)

    def shifted(i: int, j: int) -> Any:
        rows = i * dilations[0] + np.arange(height) * strides[0]
        columns = j * dilations[1] + np.arange(width) * strides[1]
        return padded[:, :, :, rows[:, None], columns]

    if half_sums:
        products = (
            np.where(taps == 0, 0, taps * shifted(i, j)[:, :, c, None])
            for c, i, j in np.ndindex(*weight.shape[1:])
            for taps in [grouped[:, :, c, i, j, None, None]]
        )
        return summed_in_half(products, shape).reshape(n, filters, height, width)
    y = np.zeros(shape, x.dtype)
    for i, j in np.ndindex(*weight.shape[2:]):
        planes = shifted(i, j)
        taps = grouped[..., i, j]
        if not sparse:
            y += np.einsum("gfc,ngchw->ngfhw", taps, planes, optimize=True)
            continue
        for g, f in np.argwhere(taps.any(axis=2)):
            kept = np.flatnonzero(taps[g, f])
            y[:, g, f] += np.tensordot(planes[:, g, kept], taps[g, f, kept], axes=(1, 0))
    return y.reshape(n, filters, height, width)
