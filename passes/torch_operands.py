"""What operands of torch-mlir's operations hold: constants, shapes, tensors of floats."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from torch_mlir import ir

from pattern_mlir.dialects import shape_of
from pattern_mlir.passes.linalg_builders import collapsed, expanded

FLOATS = ("f16", "f32", "f64")


class NoForm(Exception):
    """The operation has no pattern form and is left to torch-mlir."""


def builtin(value: Any) -> Any:
    """Return ``value`` as a builtin tensor, if it is one of floats with a static shape."""
    if value.owner and not isinstance(value.owner, ir.Block):
        producer = value.owner
        if producer.name == "torch_c.from_builtin_tensor":
            if str(producer.operands[0].type.element_type) not in FLOATS:
                raise NoForm
            return producer.operands[0]
    match = re.fullmatch(r"!torch\.vtensor<\[([\d,]*)\],(\w+)>", str(value.type))
    if not match or match[2] not in FLOATS:
        raise NoForm
    shape = [int(size) for size in match[1].split(",") if size]
    type_ = ir.RankedTensorType.get(shape, ir.Type.parse(match[2]))
    return ir.Operation.create(
        "torch_c.to_builtin_tensor", results=[type_], operands=[value]
    ).result


def optional_builtin(value: Any) -> Any:
    """Return ``value`` as `builtin` does; None where it is none."""
    return None if is_none(value) else builtin(value)


def is_none(value: Any) -> bool:
    """Whether ``value`` is the constant none."""
    return bool(str(value.type) == "!torch.none")


def constant(value: Any) -> Any:
    """Return the Python value of a torch constant or a list of them; None for none."""
    producer = value.owner
    if isinstance(producer, ir.Block):
        raise NoForm
    if producer.name == "torch.prim.ListConstruct":
        return [constant(element) for element in producer.operands]
    if producer.name == "torch.constant.none":
        return None
    if not producer.name.startswith("torch.constant."):
        raise NoForm
    attribute = producer.attributes["value"]
    if producer.name == "torch.constant.bool":
        return bool(ir.BoolAttr(attribute).value)
    return attribute.value


def pair(value: Any) -> list[int]:
    """Return the two numbers of a constant list; one counts for both."""
    values = constant(value)
    return [values[0], values[-1]]


def symmetric(values: Sequence[int]) -> list[int]:
    """Return padding [top, left, bottom, right] that is equal on opposite sides."""
    return [values[0], values[1], values[0], values[1]]


def rank4(value: Any) -> Any:
    """Return ``value`` as a builtin tensor [N, C, H, W]."""
    tensor_value = builtin(value)
    if len(shape_of(tensor_value)) != 4:
        raise NoForm
    return tensor_value


def on_images(value: Any, build: Callable[[Any], Any]) -> Any:
    """Build ``build`` of images [N, C, H, W]; one image [C, H, W] goes in and out as a batch."""
    x = builtin(value)
    if len(shape_of(x)) == 4:
        return build(x)
    if len(shape_of(x)) != 3:
        raise NoForm
    channels, height, width = shape_of(x)
    return collapsed(build(expanded(x, [[1, channels], [height], [width]])), [2, 1, 1])


def vtensor_shape(value: Any) -> list[int]:
    """Return the shape that the type of a torch tensor names."""
    match = re.match(r"!torch\.vtensor<\[([\d,]*)\]", str(value.type))
    if not match:
        raise NoForm
    return [int(size) for size in match[1].split(",") if size]


def without_zeros(value: Any, count: int) -> tuple[Any, list[int]]:
    """Return a convolution's input without the zero padding before it, and that padding.

    Of the last dimension first: ``count`` numbers, [low, high] of each.
    """
    producer, none = value.owner, [0] * count
    names = ("torch.aten.constant_pad_nd", "torch.aten.pad")
    if isinstance(producer, ir.Block) or producer.name not in names:
        return value, none
    operands = list(producer.operands)
    if producer.name == "torch.aten.pad" and constant(operands[2]) != "constant":
        return value, none
    pads, fill = constant(operands[1]), constant(operands[-1])
    if len(pads) != count or min(pads) < 0 or fill not in (None, 0):
        return value, none
    return operands[0], pads
