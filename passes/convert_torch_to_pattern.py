"""`convert-torch-to-pattern`: torch-mlir's operations become pattern operations."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    UpsampleOp,
    VerificationError,
    i64,
    shape_of,
    tensor_like,
)
from pattern_mlir.dialects.elementwise import broadcast_shape
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, forward_function, place
from pattern_mlir.passes.linalg_builders import collapsed, expanded

FALLBACKS_ATTRIBUTE = "pattern.fallbacks"
"""Module attribute: the operations that run as plain loops, with their places."""

FLOATS = ("f16", "f32", "f64")

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
    "torch_c.",
    "torch.aten.pad",
    "torch.aten.constant_pad_nd",
)
"""Operations that go when their last user has a pattern form."""


class _NoForm(Exception):
    """The operation has no pattern form and is left to torch-mlir."""


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
            if op.operation.name in _CONVERSIONS:
                _convert(op.operation, _CONVERSIONS[op.operation.name])
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


def _convert(op: Any, conversion: Callable[[Any], Any]) -> None:
    """Replace ``op`` by what ``conversion`` builds; leave it if it has no pattern form."""
    with op.location, ir.InsertionPoint(op):
        try:
            result = conversion(op)
        except (_NoForm, VerificationError):
            return
        if not str(result.type).startswith("!torch"):
            result = ir.Operation.create(
                "torch_c.from_builtin_tensor", results=[op.results[0].type], operands=[result]
            ).result
    op.results[0].replace_all_uses_with(result)
    op.erase()


def _is_used(op: Any) -> bool:
    return any(True for result in op.results for _ in result.uses)


def _is_dead_helper(op: Any) -> bool:
    return op.name.startswith(HELPER_PREFIXES) and not _is_used(op)


def _is_fallback(op: Any) -> bool:
    """Whether ``op`` computes something and has no pattern form."""
    return op.name.startswith("torch.aten.") and op.name not in SHAPE_OPERATIONS and _is_used(op)


def _builtin(value: Any) -> Any:
    """Return ``value`` as a builtin tensor, if it is one of floats with a static shape."""
    if value.owner and not isinstance(value.owner, ir.Block):
        producer = value.owner
        if producer.name == "torch_c.from_builtin_tensor":
            if str(producer.operands[0].type.element_type) not in FLOATS:
                raise _NoForm
            return producer.operands[0]
    match = re.fullmatch(r"!torch\.vtensor<\[([\d,]*)\],(\w+)>", str(value.type))
    if not match or match[2] not in FLOATS:
        raise _NoForm
    shape = [int(size) for size in match[1].split(",") if size]
    type_ = ir.RankedTensorType.get(shape, ir.Type.parse(match[2]))
    return ir.Operation.create(
        "torch_c.to_builtin_tensor", results=[type_], operands=[value]
    ).result


def _optional_builtin(value: Any) -> Any:
    return None if _is_none(value) else _builtin(value)


def _is_none(value: Any) -> bool:
    return bool(str(value.type) == "!torch.none")


def _constant(value: Any) -> Any:
    """Return the Python value of a torch constant or a list of them; None for none."""
    producer = value.owner
    if isinstance(producer, ir.Block):
        raise _NoForm
    if producer.name == "torch.prim.ListConstruct":
        return [_constant(element) for element in producer.operands]
    if producer.name == "torch.constant.none":
        return None
    if not producer.name.startswith("torch.constant."):
        raise _NoForm
    attribute = producer.attributes["value"]
    if producer.name == "torch.constant.bool":
        return bool(ir.BoolAttr(attribute).value)
    return attribute.value


def _pair(value: Any) -> list[int]:
    values = _constant(value)
    return [values[0], values[-1]]


def _symmetric(values: Sequence[int]) -> list[int]:
    return [values[0], values[1], values[0], values[1]]


def _rank4(value: Any) -> Any:
    tensor_value = _builtin(value)
    if len(shape_of(tensor_value)) != 4:
        raise _NoForm
    return tensor_value


def _on_images(value: Any, build: Callable[[Any], Any]) -> Any:
    """Build ``build`` of images [N, C, H, W]; one image [C, H, W] goes in and out as a batch."""
    x = _builtin(value)
    if len(shape_of(x)) == 4:
        return build(x)
    if len(shape_of(x)) != 3:
        raise _NoForm
    channels, height, width = shape_of(x)
    return collapsed(build(expanded(x, [[1, channels], [height], [width]])), [2, 1, 1])


def _padded_input(value: Any) -> tuple[Any, list[int]]:
    """Return a convolution's input without the zero padding before it, and that padding."""
    producer = value.owner
    if isinstance(producer, ir.Block) or producer.name not in (
        "torch.aten.constant_pad_nd",
        "torch.aten.pad",
    ):
        return value, [0, 0, 0, 0]
    operands = list(producer.operands)
    if producer.name == "torch.aten.pad" and _constant(operands[2]) != "constant":
        return value, [0, 0, 0, 0]
    pads, fill = _constant(operands[1]), _constant(operands[-1])
    if len(pads) != 4 or min(pads) < 0 or fill not in (None, 0):
        return value, [0, 0, 0, 0]
    left, right, top, bottom = pads
    return operands[0], [top, left, bottom, right]


def _circular_pad(op: Any) -> Any:
    """Build padding by what lies at the other end of each dimension, the last one first."""
    pads, mode = _constant(op.operands[1]), _constant(op.operands[2])
    if mode != "circular" or min(pads) < 0:
        raise _NoForm
    x = _builtin(op.operands[0])
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
    value, extra = _padded_input(op.operands[0])
    weight, bias = _rank4(op.operands[1]), _optional_builtin(op.operands[2])

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

    return _on_images(value, build)


def _conv2d(op: Any) -> Any:
    strides, padding, dilations = (_pair(value) for value in list(op.operands)[3:6])
    return _build_conv(op, strides, _symmetric(padding), dilations, _constant(op.operands[6]))


def _conv2d_padding(op: Any) -> Any:
    strides, mode, dilations = _pair(op.operands[3]), _constant(op.operands[4]), op.operands[5]
    padding = [0, 0, 0, 0]
    if mode == "same":
        window = shape_of(_rank4(op.operands[1]))[2:]
        total = [d * (size - 1) for d, size in zip(_pair(dilations), window, strict=True)]
        # Where the padding is odd, PyTorch puts the larger half at the end.
        padding = [t // 2 for t in total] + [t - t // 2 for t in total]
    return _build_conv(op, strides, padding, _pair(dilations), _constant(op.operands[6]))


def _convolution(op: Any) -> Any:
    strides, padding, dilations = (_pair(value) for value in list(op.operands)[3:6])
    if _constant(op.operands[6]):
        raise _NoForm
    return _build_conv(op, strides, _symmetric(padding), dilations, _constant(op.operands[8]))


def _linear(op: Any) -> Any:
    x, weight, bias = list(op.operands)
    return LinearOp.build(_builtin(x), _builtin(weight), _optional_builtin(bias)).result


def _activation(function: str) -> Callable[[Any], Any]:
    def convert(op: Any) -> Any:
        return ActivateOp.build(_builtin(op.operands[0]), ActivationAttr.build(function)).result

    return convert


def _clamp(op: Any) -> Any:
    x = _builtin(op.operands[0])
    low, high = (_constant(value) for value in list(op.operands)[1:3])
    bounds = (float("-inf") if low is None else low, float("inf") if high is None else high)
    return ActivateOp.build(x, ActivationAttr.build("clamp", bounds)).result


def _leaky_relu(op: Any) -> Any:
    slope = [_constant(op.operands[1])]
    return ActivateOp.build(
        _builtin(op.operands[0]), ActivationAttr.build("leaky_relu", slope)
    ).result


def _elu(op: Any) -> Any:
    alpha, scale, input_scale = (_constant(value) for value in list(op.operands)[1:4])
    if (scale, input_scale) != (1, 1):
        raise _NoForm
    return ActivateOp.build(_builtin(op.operands[0]), ActivationAttr.build("elu", [alpha])).result


def _prelu(op: Any) -> Any:
    """Build max(x, 0) + weight * min(x, 0), a weight for each channel or one for all."""
    x, weight = (_builtin(value) for value in op.operands)
    rank, (count,) = len(shape_of(x)), shape_of(weight)
    if rank < 2:
        raise _NoForm
    negative = ActivateOp.build(x, ActivationAttr.build("clamp", [float("-inf"), 0])).result
    scale = expanded(weight, [[1, count, *[1] * (rank - 2)]])
    positive = ActivateOp.build(x, ActivationAttr.build("relu")).result
    return AddOp.build(positive, MultiplyOp.build(negative, scale).result).result


def _gelu(op: Any) -> Any:
    name = {"none": "gelu", "tanh": "gelu_tanh"}[_constant(op.operands[1])]
    return _activation(name)(op)


def _max_pool2d(op: Any) -> Any:
    if len(op.results) > 1 and any(True for _ in op.results[1].uses):
        raise _NoForm
    kernel, strides, padding, dilations, ceil_mode = list(op.operands)[1:6]

    def build(x: Any) -> Any:
        return MaxPoolOp.build(
            x,
            kernel_size=_pair(kernel),
            strides=_pair(strides) if _constant(strides) else _pair(kernel),
            padding=_symmetric(_pair(padding)),
            dilations=_pair(dilations),
            ceil_mode=_constant(ceil_mode),
        ).result

    return _on_images(op.operands[0], build)


def _avg_pool2d(op: Any) -> Any:
    kernel, strides, padding, ceil_mode, include_pad, divisor = list(op.operands)[1:7]
    override = _constant(divisor)

    def build(x: Any) -> Any:
        return AveragePoolOp.build(
            x,
            kernel_size=_pair(kernel),
            strides=_pair(strides) if _constant(strides) else _pair(kernel),
            padding=_symmetric(_pair(padding)),
            ceil_mode=_constant(ceil_mode),
            count_include_pad=ir.UnitAttr.get() if _constant(include_pad) else None,
            divisor=None if override is None else i64(override),
        ).result

    return _on_images(op.operands[0], build)


def _adaptive_avg_pool2d(op: Any) -> Any:
    size = _pair(op.operands[1])
    return _on_images(op.operands[0], lambda x: AdaptiveAveragePoolOp.build(x, size).result)


def _mean(op: Any) -> Any:
    x = _rank4(op.operands[0])
    dimensions, keep, dtype = (_constant(value) for value in list(op.operands)[1:4])
    if sorted(d % 4 for d in dimensions or []) != [2, 3] or dtype is not None:
        raise _NoForm
    mean = AdaptiveAveragePoolOp.build(x, [1, 1]).result
    if keep:
        return mean
    type_ = ir.RankedTensorType.get(shape_of(mean)[:2], ir.RankedTensorType(x.type).element_type)
    return tensor.CollapseShapeOp(type_, mean, [[0], [1, 2, 3]]).result


def _binary(kind: Any) -> Callable[[Any], Any]:
    def convert(op: Any) -> Any:
        operands = list(op.operands)
        if len(operands) > 2 and _constant(operands[2]) != 1:
            raise _NoForm
        lhs, rhs = _builtin(operands[0]), _builtin(operands[1])
        elements = {str(ir.RankedTensorType(value.type).element_type) for value in (lhs, rhs)}
        if len(elements) > 1:
            raise _NoForm
        broadcast_shape(shape_of(lhs), shape_of(rhs))
        return kind.build(lhs, rhs).result

    return convert


def _cat(op: Any) -> Any:
    producer = op.operands[0].owner
    if isinstance(producer, ir.Block) or producer.name != "torch.prim.ListConstruct":
        raise _NoForm
    inputs = [_builtin(value) for value in producer.operands]
    return _joined(inputs, _constant(op.operands[1]) % len(_vtensor_shape(op.results[0])))


def _upsample(mode: str, vector_form: bool) -> Callable[[Any], Any]:
    def convert(op: Any) -> Any:
        operands = list(op.operands)
        align = mode == "bilinear" and _constant(operands[2])
        factors = [_constant(value) for value in operands[3 if mode == "bilinear" else 2 :]]
        if vector_form:
            factors = factors[0] or [None, None]
        size = _vtensor_shape(op.results[0])[2:]
        scales = None if None in factors else [1.0 / factor for factor in factors]
        return UpsampleOp.build(
            _rank4(operands[0]), size, mode, align_corners=align, scales=scales
        ).result

    return convert


def _vtensor_shape(value: Any) -> list[int]:
    match = re.match(r"!torch\.vtensor<\[([\d,]*)\]", str(value.type))
    if not match:
        raise _NoForm
    return [int(size) for size in match[1].split(",") if size]


def _dropout(op: Any) -> Any:
    if _constant(op.operands[2]):
        raise _NoForm
    return op.operands[0]


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
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
        "adaptive_avg_pool2d": _adaptive_avg_pool2d,
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
    }.items()
}
