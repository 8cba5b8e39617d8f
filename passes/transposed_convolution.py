"""A transposed convolution as a convolution: one filter for each phase of the result's pixels.

Pixel s * q + a of the result, along an axis of stride s, sums up the taps t with
(a + padding - t * dilation) divisible by s, of the input's pixel q + (a + padding - t * dilation)
/ s. So each phase a is a convolution over few taps; all phases together are one convolution whose
kernels follow a pattern each, and `pattern.pixel_shuffle` puts the phases side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from pattern_mlir.dialects import ConvOp, PixelShuffleOp, shape_of
from pattern_mlir.parameters import Array, ParameterStore
from pattern_mlir.passes.filters import derived_parameter, is_parameter
from pattern_mlir.passes.torch_operands import (
    NoForm,
    builtin,
    constant,
    on_images,
    optional_builtin,
    pair,
    rank4,
)


@dataclass(frozen=True)
class Phases:
    """One axis of a transposed convolution.

    Attributes:
        taps: (phase, tap of the transposed kernel, tap of the convolution's) that belong together.
        window: taps of the convolution's kernel.
        padding: of its input, at the beginning and at the end.
    """

    taps: tuple[tuple[int, int, int], ...]
    window: int
    padding: tuple[int, int]


def phases(size: int, result: int, kernel: int, stride: int, padding: int, dilation: int) -> Phases:
    """Return one axis of a transposed convolution from ``size`` to ``result`` pixels."""
    found = [
        (phase, tap, (phase + padding - tap * dilation) // stride)
        for phase, tap in product(range(stride), range(kernel))
        if (phase + padding - tap * dilation) % stride == 0
    ]
    first = min([0, *(offset for _, _, offset in found)])
    window = max([0, *(offset for _, _, offset in found)]) - first + 1
    places = -(-result // stride)
    return Phases(
        tuple((phase, tap, offset - first) for phase, tap, offset in found),
        window,
        (-first, max(0, places - size + first + window - 1)),
    )


def phase_weight(weight: Array, groups: int, axes: Sequence[Phases], strides: Any) -> Array:
    """Return the weight [F * SH * SW, C / groups, KH, KW] of the convolution of all phases.

    ``weight`` is that of the transposed convolution, [C, F / groups, ...].
    """
    channels, group_filters, *_ = weight.shape
    filters, group_channels = groups * group_filters, channels // groups
    shape = (filters, *strides, group_channels, axes[0].window, axes[1].window)
    made = np.zeros(shape, weight.dtype)
    by_group = weight.reshape(groups, group_channels, group_filters, *weight.shape[2:])
    by_filter = by_group.swapaxes(1, 2).reshape(filters, group_channels, *weight.shape[2:])
    for (i, tap, to), (j, other, beside) in product(axes[0].taps, axes[1].taps):
        made[:, i, j, :, to, beside] = by_filter[:, :, tap, other]
    return made.reshape(-1, *shape[3:])


def transposed_convolution(op: Any, parameters: ParameterStore) -> Any:
    """Build the convolution and the shuffle that `torch.aten.conv_transpose2d.input` is.

    Raises:
        NoForm: the weight or the bias is computed at run time.
    """
    value, weight, bias = op.operands[0], rank4(op.operands[1]), optional_builtin(op.operands[2])
    strides, padding, extra = (pair(operand) for operand in list(op.operands)[3:6])
    groups, dilations = constant(op.operands[6]), pair(op.operands[7])
    if not is_parameter(weight) or not (bias is None or is_parameter(bias)):
        raise NoForm
    images = builtin(value)
    plane, kernel = shape_of(images)[-2:], shape_of(weight)[2:]
    size = [
        (plane[i] - 1) * strides[i] - 2 * padding[i] + dilations[i] * (kernel[i] - 1) + extra[i] + 1
        for i in (0, 1)
    ]
    axes = [
        phases(plane[i], size[i], kernel[i], strides[i], padding[i], dilations[i]) for i in (0, 1)
    ]
    count = strides[0] * strides[1]
    array = phase_weight(weight.owner.opview.array(parameters), groups, axes, strides)
    made = _derived(weight, array, parameters)
    if bias is not None and count > 1:
        repeated = np.repeat(bias.owner.opview.array(parameters), count)
        bias = _derived(bias, repeated, parameters)

    def build(x: Any) -> Any:
        y = ConvOp.build(
            x,
            made,
            bias,
            strides=[1, 1],
            padding=[axis.padding[end] for end in (0, 1) for axis in axes],
            groups=groups,
        ).result
        return PixelShuffleOp.build(y, strides, size).result

    return on_images(value, build)


def _derived(value: Any, array: Array, parameters: ParameterStore) -> Any:
    """Return the parameter ``array``, made of that which ``value`` is."""
    layer, _, role = value.owner.opview.parameter_name.rpartition(".")
    name = ".".join(part for part in (layer, "phases", role) if part)
    return derived_parameter(name, array, value.type.element_type, parameters)
