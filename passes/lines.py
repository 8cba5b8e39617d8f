"""Operations on lines [N, C, L], as 1-D networks have them: planes of one row, [N, C, 1, L]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch_mlir import ir

from pattern_mlir.dialects import AdaptiveAveragePoolOp, AveragePoolOp, ConvOp, MaxPoolOp, shape_of
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.filters import is_parameter, reshaped_parameter
from pattern_mlir.passes.linalg_builders import collapsed, expanded
from pattern_mlir.passes.torch_operands import (
    NoForm,
    builtin,
    constant,
    optional_builtin,
    without_zeros,
)


def line_convolution(op: Any, parameters: ParameterStore) -> Any:
    """Build `torch.aten.conv1d`, whose padding is a number or a word.

    Raises:
        NoForm: its weight is computed at run time.
    """
    weight, bias = builtin(op.operands[1]), optional_builtin(op.operands[2])
    if not is_parameter(weight):
        raise NoForm
    filters, channels, taps = shape_of(weight)
    lines, (low, high) = without_zeros(op.operands[0], 2)
    stride, padding, dilation = (constant(value) for value in list(op.operands)[3:6])
    total = dilation[0] * (taps - 1) if padding == "same" else 0
    # Where the padding is odd, PyTorch puts the larger half at the end.
    both = [total // 2, total - total // 2] if isinstance(padding, str) else [padding[0]] * 2

    def build(x: Any) -> Any:
        return ConvOp.build(
            x,
            reshaped_parameter(weight, [filters, channels, 1, taps], parameters),
            bias,
            strides=[1, stride[0]],
            padding=[0, low + both[0], 0, high + both[1]],
            dilations=[1, dilation[0]],
            groups=constant(op.operands[6]),
        ).result

    return _on_planes(lines, build)


def line_max_pool(op: Any) -> Any:
    """Build `torch.aten.max_pool1d`."""
    kernel, stride, padding, dilation, ceil_mode = map(constant, list(op.operands)[1:6])
    return _on_planes(
        op.operands[0],
        lambda x: (
            MaxPoolOp.build(
                x,
                kernel_size=[1, *kernel],
                strides=[1, *(stride or kernel)],
                padding=[0, *padding, 0, *padding],
                dilations=[1, *dilation],
                ceil_mode=ceil_mode,
            ).result
        ),
    )


def line_average_pool(op: Any) -> Any:
    """Build `torch.aten.avg_pool1d`."""
    kernel, stride, padding, ceil_mode, include_pad = map(constant, list(op.operands)[1:6])
    return _on_planes(
        op.operands[0],
        lambda x: (
            AveragePoolOp.build(
                x,
                kernel_size=[1, *kernel],
                strides=[1, *(stride or kernel)],
                padding=[0, *padding, 0, *padding],
                ceil_mode=ceil_mode,
                count_include_pad=ir.UnitAttr.get() if include_pad else None,
            ).result
        ),
    )


def line_adaptive_average_pool(op: Any) -> Any:
    """Build `torch.aten.adaptive_avg_pool1d`."""
    (size,) = constant(op.operands[1])
    return _on_planes(op.operands[0], lambda x: AdaptiveAveragePoolOp.build(x, [1, size]).result)


def _on_planes(value: Any, build: Callable[[Any], Any]) -> Any:
    """Build ``build`` of the lines ``value`` as planes."""
    x = builtin(value)
    if len(shape_of(x)) != 3:
        raise NoForm
    images, channels, length = shape_of(x)
    return collapsed(build(expanded(x, [[images], [channels], [1, length]])), [1, 1, 2])
