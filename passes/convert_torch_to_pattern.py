"""`convert-torch-to-pattern`: torch-mlir's operations become pattern operations."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import (
    ActivateOp,
    ActivationAttr,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LayerNormOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    PixelShuffleOp,
    SelectChannelsOp,
    SoftmaxOp,
    UpsampleOp,
    VerificationError,
    i64,
    shape_of,
    tensor_like,
)
from pattern_mlir.dialects.elementwise import broadcast_shape
from pattern_mlir.modules import forward_function, place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass
from pattern_mlir.passes.constant_arithmetic import OPERATIONS, constant_arithmetic
from pattern_mlir.passes.linalg_builders import collapsed, expanded, filled
from pattern_mlir.passes.lines import (
    line_adaptive_average_pool,
    line_average_pool,
    line_convolution,
    line_max_pool,
)
from pattern_mlir.passes.torch_operands import (
    NoForm,
    builtin,
    constant,
    is_none,
    on_images,
    optional_builtin,
    pair,
    rank4,
    symmetric,
    vtensor_shape,
    without_zeros,
)
from pattern_mlir.passes.transposed_convolution import transposed_convolution

FALLBACKS_ATTRIBUTE = "pattern.fallbacks"
"""Module attribute: the operations that run as plain loops, with their places."""

SHAPE_OPERATIONS = frozenset(
    f"torch.aten.{name}"
    for name in [
        "alias",
        "clone",
        "contiguous",
        "detach",
        "expand",
        "flatten.using_ints",
        "flip",
        "permute",
        "pixel_shuffle",
        "pixel_unshuffle",
        "repeat",
        "reshape",
        "roll",
        "select.int",
        "size.int",
        "slice.Tensor",
        "split.Tensor",
        "split_with_sizes",
        "squeeze",
        "squeeze.dim",
        "stack",
        "t",
        "transpose.int",
        "unflatten.int",
        "unsqueeze",
        "view",
        "_unsafe_view",
    ]
)
"""Operations that compute nothing: they are no fallbacks."""


HELPER_PREFIXES = (
    "torch.constant.",
    "torch.prim.ListConstruct",
    "torch.aten.split",
    "torch.aten.view",
    "torch.aten.transpose.int",
    "torch.aten.clone",
    "torch_c.",
    "torch.aten.pad",
    "torch.aten.constant_pad_nd",
)
"""Operations that go when their last user has a pattern form."""


@dataclass(frozen=True)
class ConvertTorchToPattern(Pass):
    """Turn convolutions, pools, activations and their like into pattern operations.

    Each stands between `torch_c` casts until torch-mlir has lowered what is left. Padding by
    zeros goes into the convolution behind it. Operations that have no pattern form stay; those
    that compute something are listed in the module attribute `pattern.fallbacks`.

    Before:
        func.func @forward(%arg0: !torch.vtensor<[1,2,4,4],f32>) -> !torch.vtensor<[1,2,4,4],f32> {
          %0 = torch.aten.relu %arg0
            : !torch.vtensor<[1,2,4,4],f32> -> !torch.vtensor<[1,2,4,4],f32>
          return %0 : !torch.vtensor<[1,2,4,4],f32>
        }

    After:
        func.func @forward(%arg0: !torch.vtensor<[1,2,4,4],f32>) -> !torch.vtensor<[1,2,4,4],f32> {
          %0 = torch_c.to_builtin_tensor %arg0
            : !torch.vtensor<[1,2,4,4],f32> -> tensor<1x2x4x4xf32>
          %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>}
            : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
          %2 = torch_c.from_builtin_tensor %1
            : tensor<1x2x4x4xf32> -> !torch.vtensor<[1,2,4,4],f32>
          return %2 : !torch.vtensor<[1,2,4,4],f32>
        }
    """

    name: ClassVar[str] = "convert-torch-to-pattern"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Convert each operation of the network that has a pattern form."""
        block = forward_function(module).regions[0].blocks[0]
        for op in list(block.operations):
            name = op.operation.name
            converted = False
            if name in _CONVERSIONS_WITH_PARAMETERS:
                convert = _CONVERSIONS_WITH_PARAMETERS[name]
                bound = functools.partial(convert, parameters=parameters)
                converted = _convert(op.operation, bound)
            if name in _CONVERSIONS and not converted:
                _convert(op.operation, _CONVERSIONS[name])
        for op in reversed(list(block.operations)):
            if _is_dead_helper(op.operation):
                op.operation.erase()
        fallbacks = [
            f"{op.operation.name.removeprefix('torch.')} at {place(op.location)}"
            for op in block.operations
            if _is_fallback(op.operation)
        ]
        if fallbacks:
            names = [ir.StringAttr.get(text) for text in fallbacks]
            module.attributes[FALLBACKS_ATTRIBUTE] = ir.ArrayAttr.get(names)


def _convert(op: Any, conversion: Callable[[Any], Any]) -> bool:
    """Replace ``op`` by what ``conversion`` builds, if it has a pattern form; return whether.

    ``conversion`` returns a value, or a list of one for each result.
    """
    with op.location, ir.InsertionPoint(op):
        try:
            built = conversion(op)
        except (NoForm, VerificationError):
            return False
        values = built if isinstance(built, list) else [built]
        for old, new in zip(op.results, values, strict=False):
            if not str(new.type).startswith("!torch"):
                new = ir.Operation.create(
                    "torch_c.from_builtin_tensor", results=[old.type], operands=[new]
                ).result
            old.replace_all_uses_with(new)
    op.erase()
    return True


def _is_used(op: Any) -> bool:
    return any(True for result in op.results for _ in result.uses)


def _is_dead_helper(op: Any) -> bool:
    return op.name.startswith(HELPER_PREFIXES) and not _is_used(op)


def _is_fallback(op: Any) -> bool:
    """Whether ``op`` computes something and has no pattern form."""
    return op.name.startswith("torch.aten.") and op.name not in SHAPE_OPERATIONS and _is_used(op)


def _circular_pad(op: Any) -> Any:
    """Build padding by what lies at the other end of each dimension, the last one first."""
    pads, mode = constant(op.operands[1]), constant(op.operands[2])
    if mode != "circular" or min(pads) < 0:
        raise NoForm
    x = builtin(op.operands[0])
    for i, (low, high) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
        axis = len(shape_of(x)) - 1 - i
        before = [_slice(x, axis, shape_of(x)[axis] - low, low)] if low else []
        after = [_slice(x, axis, 0, high)] if high else []
        x = _joined([*before, x, *after], axis)
    return x


def _slice(x: Any, axis: int, first: int, size: int) -> Any:
    """Build ``size`` elements along ``axis`` from ``first`` on."""
    offsets, sizes = [0] * len(shape_of(x)), shape_of(x)
    offsets[axis], sizes[axis] = first, size
    result = tensor_like(x, sizes)
    return tensor.extract_slice(result, x, [], [], [], offsets, sizes, [1] * len(sizes))


def _joined(pieces: Sequence[Any], axis: int) -> Any:
    """Build the concatenation of ``pieces``; those that hold nothing are left out."""
    filled = [piece for piece in pieces if 0 not in shape_of(piece)] or pieces[:1]
    return functools.reduce(lambda a, b: ConcatOp.build(a, b, axis).result, filled)


def _build_conv(
    op: Any, strides: Sequence[int], padding: Sequence[int], dilations: Sequence[int], groups: int
) -> Any:
    value, (left, right, top, bottom) = without_zeros(op.operands[0], 4)
    extra = [top, left, bottom, right]
    weight, bias = rank4(op.operands[1]), optional_builtin(op.operands[2])

    def build(x: Any) -> Any:
        return ConvOp.build(
            x,
            weight,
            bias,
            strides=strides,
            padding=[a + b for a, b in zip(padding, extra, strict=True)],
            dilations=dilations,
            groups=groups,
        ).result

    return on_images(value, build)


def _conv2d(op: Any) -> Any:
    strides, padding, dilations = (pair(value) for value in list(op.operands)[3:6])
    return _build_conv(op, strides, symmetric(padding), dilations, constant(op.operands[6]))


def _conv2d_padding(op: Any) -> Any:
    strides, mode, dilations = pair(op.operands[3]), constant(op.operands[4]), op.operands[5]
    padding = [0, 0, 0, 0]
    if mode == "same":
        window = shape_of(rank4(op.operands[1]))[2:]
        total = [d * (size - 1) for d, size in zip(pair(dilations), window, strict=True)]
        # Where the padding is odd, PyTorch puts the larger half at the end.
        padding = [t // 2 for t in total] + [t - t // 2 for t in total]
    return _build_conv(op, strides, padding, pair(dilations), constant(op.operands[6]))


def _convolution(op: Any) -> Any:
    strides, padding, dilations = (pair(value) for value in list(op.operands)[3:6])
    if constant(op.operands[6]):
        raise NoForm
    return _build_conv(op, strides, symmetric(padding), dilations, constant(op.operands[8]))


def _linear(op: Any) -> Any:
    x, weight, bias = list(op.operands)
    return LinearOp.build(builtin(x), builtin(weight), optional_builtin(bias)).result


def _activation(function: str) -> Callable[[Any], Any]:
    def convert(op: Any) -> Any:
        return ActivateOp.build(builtin(op.operands[0]), ActivationAttr.build(function)).result

    return convert


def _clamp(op: Any) -> Any:
    x = builtin(op.operands[0])
    low, high = (constant(value) for value in list(op.operands)[1:3])
    bounds = (float("-inf") if low is None else low, float("inf") if high is None else high)
    return ActivateOp.build(x, ActivationAttr.build("clamp", bounds)).result


def _leaky_relu(op: Any) -> Any:
    slope = [constant(op.operands[1])]
    return ActivateOp.build(
        builtin(op.operands[0]), ActivationAttr.build("leaky_relu", slope)
    ).result


def _elu(op: Any) -> Any:
    alpha, scale, input_scale = (constant(value) for value in list(op.operands)[1:4])
    if (scale, input_scale) != (1, 1):
        raise NoForm
    return ActivateOp.build(builtin(op.operands[0]), ActivationAttr.build("elu", [alpha])).result


def _prelu(op: Any) -> Any:
    """Build max(x, 0) + weight * min(x, 0), a weight for each channel or one for all."""
    x, weight = (builtin(value) for value in op.operands)
    rank, (count,) = len(shape_of(x)), shape_of(weight)
    if rank < 2:
        raise NoForm
    negative = ActivateOp.build(x, ActivationAttr.build("clamp", [float("-inf"), 0])).result
    scale = expanded(weight, [[1, count, *[1] * (rank - 2)]])
    positive = ActivateOp.build(x, ActivationAttr.build("relu")).result
    return AddOp.build(positive, MultiplyOp.build(negative, scale).result).result


def _gelu(op: Any) -> Any:
    name = {"none": "gelu", "tanh": "gelu_tanh"}[constant(op.operands[1])]
    return _activation(name)(op)


def _max_pool2d(op: Any) -> Any:
    if len(op.results) > 1 and any(True for _ in op.results[1].uses):
        raise NoForm
    kernel, strides, padding, dilations, ceil_mode = list(op.operands)[1:6]

    def build(x: Any) -> Any:
        return MaxPoolOp.build(
            x,
            kernel_size=pair(kernel),
            strides=pair(strides) if constant(strides) else pair(kernel),
            padding=symmetric(pair(padding)),
            dilations=pair(dilations),
            ceil_mode=constant(ceil_mode),
        ).result

    return on_images(op.operands[0], build)


def _avg_pool2d(op: Any) -> Any:
    kernel, strides, padding, ceil_mode, include_pad, divisor = list(op.operands)[1:7]
    override = constant(divisor)

    def build(x: Any) -> Any:
        return AveragePoolOp.build(
            x,
            kernel_size=pair(kernel),
            strides=pair(strides) if constant(strides) else pair(kernel),
            padding=symmetric(pair(padding)),
            ceil_mode=constant(ceil_mode),
            count_include_pad=ir.UnitAttr.get() if constant(include_pad) else None,
            divisor=None if override is None else i64(override),
        ).result

    return on_images(op.operands[0], build)


def _adaptive_avg_pool2d(op: Any) -> Any:
    size = pair(op.operands[1])
    return on_images(op.operands[0], lambda x: AdaptiveAveragePoolOp.build(x, size).result)


def _mean(op: Any) -> Any:
    x = rank4(op.operands[0])
    dimensions, keep, dtype = (constant(value) for value in list(op.operands)[1:4])
    if sorted(d % 4 for d in dimensions or []) != [2, 3] or dtype is not None:
        raise NoForm
    mean = AdaptiveAveragePoolOp.build(x, [1, 1]).result
    if keep:
        return mean
    type_ = ir.RankedTensorType.get(shape_of(mean)[:2], ir.RankedTensorType(x.type).element_type)
    return tensor.CollapseShapeOp(type_, mean, [[0], [1, 2, 3]]).result


def _binary(kind: Any) -> Callable[[Any], Any]:
    def convert(op: Any) -> Any:
        operands = list(op.operands)
        if len(operands) > 2 and constant(operands[2]) != 1:
            raise NoForm
        lhs, rhs = _equal_ranks(builtin(operands[0]), builtin(operands[1]))
        elements = {str(ir.RankedTensorType(value.type).element_type) for value in (lhs, rhs)}
        if len(elements) > 1:
            raise NoForm
        broadcast_shape(shape_of(lhs), shape_of(rhs))
        return kind.build(lhs, rhs).result

    return convert


def _equal_ranks(lhs: Any, rhs: Any) -> tuple[Any, Any]:
    """Build both values with as many dimensions as the one that has more; new ones stand first."""
    most = max(len(shape_of(lhs)), len(shape_of(rhs)))

    def grown(value: Any) -> Any:
        shape = shape_of(value)
        if not shape and most:
            raise NoForm
        new = [1] * (most - len(shape))
        return (
            expanded(value, [[*new, shape[0]], *([size] for size in shape[1:])]) if new else value
        )

    return grown(lhs), grown(rhs)


def _softmax(op: Any) -> Any:
    axis, dtype = constant(op.operands[1]), constant(op.operands[2])
    x = builtin(op.operands[0])
    rank = len(shape_of(x))
    if not rank or axis % rank != rank - 1 or dtype is not None:
        raise NoForm
    return SoftmaxOp.build(x).result


def _layer_norm(op: Any) -> Any:
    x, sizes, weight, bias, epsilon = list(op.operands)[:5]
    x, count = builtin(x), len(constant(sizes))
    kept = len(shape_of(x)) - count
    row = math.prod(shape_of(x)[kept:])
    element = ir.RankedTensorType(x.type).element_type
    weight, bias = (
        filled([row], element, default) if is_none(value) else collapsed(builtin(value), [count])
        for value, default in ((weight, 1), (bias, 0))
    )
    rows = collapsed(x, [*[1] * kept, count])
    y = LayerNormOp.build(rows, weight, bias, constant(epsilon)).result
    return expanded(y, [*([size] for size in shape_of(x)[:kept]), shape_of(x)[kept:]])


def _cat(op: Any) -> Any:
    producer = op.operands[0].owner
    if isinstance(producer, ir.Block) or producer.name != "torch.prim.ListConstruct":
        raise NoForm
    inputs = [builtin(value) for value in producer.operands]
    return _joined(inputs, constant(op.operands[1]) % len(vtensor_shape(op.results[0])))


def _upsample(mode: str, vector_form: bool) -> Callable[[Any], Any]:
    def convert(op: Any) -> Any:
        operands = list(op.operands)
        align = mode == "bilinear" and constant(operands[2])
        factors = [constant(value) for value in operands[3 if mode == "bilinear" else 2 :]]
        if vector_form:
            factors = factors[0] or [None, None]
        size = vtensor_shape(op.results[0])[2:]
        scales = None if None in factors else [1.0 / factor for factor in factors]
        return UpsampleOp.build(
            rank4(operands[0]), size, mode, align_corners=align, scales=scales
        ).result

    return convert


def _channels(value: Any, channels: Sequence[int]) -> Any:
    """Build the selection of ``channels`` of [N, C, H, W]; all of them in order are the input."""
    x = rank4(value)
    if not channels:
        raise NoForm
    if list(channels) == list(range(shape_of(x)[1])):
        return value
    return SelectChannelsOp.build(x, channels).result


def _slice_channels(op: Any) -> Any:
    axis, first, last, step = (constant(value) for value in list(op.operands)[1:5])
    shape = vtensor_shape(op.operands[0])
    if len(shape) != 4 or axis % 4 != 1:
        raise NoForm
    return _channels(op.operands[0], range(shape[1])[first:last:step])


def _unpacked_channels(op: Any) -> list[Any]:
    """Build the parts of a split along the channels."""
    split = op.operands[0].owner
    names = ("torch.aten.split.Tensor", "torch.aten.split_with_sizes")
    if isinstance(split, ir.Block) or split.name not in names:
        raise NoForm
    source, axis = split.operands[0], constant(split.operands[2])
    shapes = [vtensor_shape(result) for result in op.results]
    if len(shapes[0]) != 4 or axis % 4 != 1:
        raise NoForm
    ends = list(accumulate((shape[1] for shape in shapes), initial=0))
    return [_channels(source, range(first, last)) for first, last in pairwise(ends)]


def _channel_shuffle(op: Any) -> Any:
    return _shuffled(op.operands[0], constant(op.operands[1]))


def _shuffled(value: Any, groups: int) -> Any:
    channels = vtensor_shape(value)[1]
    order = [i % groups * (channels // groups) + i // groups for i in range(channels)]
    return _channels(value, order)


def _view(op: Any) -> Any:
    """Build a channel shuffle where ``op`` is the last step of one: cut, transposed, joined."""
    swap = op.operands[0].owner
    while not isinstance(swap, ir.Block) and swap.name in _COPIES:
        swap = swap.operands[0].owner
    if isinstance(swap, ir.Block) or swap.name != "torch.aten.transpose.int":
        raise NoForm
    cut = swap.operands[0].owner
    if isinstance(cut, ir.Block) or cut.name not in ("torch.aten.view", "torch.aten.reshape"):
        raise NoForm
    before, parts = vtensor_shape(cut.operands[0]), vtensor_shape(cut.results[0])
    axes = sorted(constant(value) % 5 for value in list(swap.operands)[1:3])
    rest = parts[1:]
    fits = (
        axes == [1, 2]
        and len(before) == 4
        and parts == [before[0], rest[0], before[1] // rest[0], *before[2:]]
    )
    if not fits or vtensor_shape(op.results[0]) != before:
        raise NoForm
    return _shuffled(cut.operands[0], rest[0])


_COPIES = ("torch.aten.clone", "torch.aten.contiguous")


def _pixel_shuffle(op: Any) -> Any:
    factor = constant(op.operands[1])
    return PixelShuffleOp.build(rank4(op.operands[0]), [factor, factor]).result


def _dropout(op: Any) -> Any:
    if constant(op.operands[2]):
        raise NoForm
    return op.operands[0]


_CONVERSIONS_WITH_PARAMETERS: dict[str, Callable[..., Any]] = {
    "torch.aten.conv1d": line_convolution,
    "torch.aten.conv1d.padding": line_convolution,
    "torch.aten.conv_transpose2d.input": transposed_convolution,
} | {
    f"torch.aten.{name}.{kind}": constant_arithmetic
    for name in OPERATIONS
    for kind in ("Tensor", "Scalar")
}
"""Conversions that make new parameters of known ones; tried before the others."""


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {"torch.prim.ListUnpack": _unpacked_channels} | {
    f"torch.aten.{name}": conversion
    for name, conversion in {
        "conv2d": _conv2d,
        "conv2d.padding": _conv2d_padding,
        "convolution": _convolution,
        "linear": _linear,
        "relu": _activation("relu"),
        "relu6": _activation("relu6"),
        "hardtanh": _clamp,
        "clamp": _clamp,
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "sigmoid": _activation("sigmoid"),
        "hardsigmoid": _activation("hard_sigmoid"),
        "silu": _activation("silu"),
        "hardswish": _activation("hard_swish"),
        "prelu": _prelu,
        "gelu": _gelu,
        "tanh": _activation("tanh"),
        "max_pool2d": _max_pool2d,
        "max_pool2d_with_indices": _max_pool2d,
        "avg_pool2d": _avg_pool2d,
        "adaptive_avg_pool1d": line_adaptive_average_pool,
        "adaptive_avg_pool2d": _adaptive_avg_pool2d,
        "avg_pool1d": line_average_pool,
        "max_pool1d": line_max_pool,
        "mean.dim": _mean,
        "add.Tensor": _binary(AddOp),
        "mul.Tensor": _binary(MultiplyOp),
        "cat": _cat,
        "pad": _circular_pad,
        "upsample_nearest2d": _upsample("nearest", vector_form=False),
        "upsample_nearest2d.vec": _upsample("nearest", vector_form=True),
        "upsample_bilinear2d": _upsample("bilinear", vector_form=False),
        "upsample_bilinear2d.vec": _upsample("bilinear", vector_form=True),
        "dropout": _dropout,
        "layer_norm": _layer_norm,
        "softmax.int": _softmax,
        "slice.Tensor": _slice_channels,
        "channel_shuffle": _channel_shuffle,
        "native_channel_shuffle": _channel_shuffle,
        "view": _view,
        "reshape": _view,
        "pixel_shuffle": _pixel_shuffle,
    }.items()
}


def known_operations() -> list[str]:
    """Return the names of PyTorch's operations that have a pattern form."""
    names = {*_CONVERSIONS, *_CONVERSIONS_WITH_PARAMETERS}
    return sorted(name.removeprefix("torch.") for name in names if name.startswith("torch.aten."))
