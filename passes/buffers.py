"""The buffers of a network's function: what the passes below tensors share."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects import i64

BUFFER = "pattern.buffer"
"""Argument attribute: `arena` or `weights`; arguments without it are inputs and outputs."""

EXTENT = "pattern.extent"
"""Attribute of a layer, or the call of a kernel: how many independent units it computes."""

BOUNDARIES = "pattern.boundaries"
"""Attribute beside it: thread t computes the units [b[t], b[t + 1])."""

LOADS = "pattern.loads"
"""Attribute beside it: the multiplications of vectors of each thread, by the layer's name."""

WORK = "pattern.work"
"""Attribute beside it: what the kernel computes and moves, see `Work`."""

PLACE = "pattern.place"
"""Attribute of a layer: where in the model it comes from, such as `layer1.0.conv1`."""


@dataclass(frozen=True)
class Work:
    """What a layer does.

    Attributes:
        kernel: its kind, such as `conv`.
        multiplications: multiply-accumulates that are not with a pruned weight.
        bytes: of inputs, weights and result, each counted once.
        layout: of the result.
        tile: rows x columns of outputs that are in registers at a time, the largest; and how many
            channels are summed up at a time, where they are not all.
        cycles: what it is expected to take one core (`pattern_mlir.cost`); 0 for unknown.
    """

    kernel: str
    multiplications: int
    bytes: int
    layout: str
    tile: str
    cycles: int = 0

    def attribute(self) -> Any:
        """Return the work as an attribute."""
        values = {
            key: ir.StringAttr.get(value) if isinstance(value, str) else i64(value)
            for key, value in dataclasses.asdict(self).items()
        }
        return ir.DictAttr.get(values)

    @classmethod
    def from_attribute(cls, attribute: Any) -> Work:
        """Return the work that an attribute holds."""
        return cls(**{f.name: attribute[f.name].value for f in dataclasses.fields(cls)})


def byte_size(type_: Any) -> int:
    """Return the bytes of a static tensor or buffer, elements one after the other."""
    return int(np.prod(type_.shape, dtype=np.int64)) * _element_bytes(type_.element_type)


def _element_bytes(type_: Any) -> int:
    if isinstance(type_, ir.ComplexType):
        return 2 * _element_bytes(type_.element_type)
    return 8 if isinstance(type_, ir.IndexType) else -(-type_.width // 8)


def argument_attributes(function: Any) -> list[Any]:
    """Return the attributes of each argument of ``function``."""
    empty = [ir.DictAttr.get({})] * len(function.type.inputs)
    return list(function.attributes.get("arg_attrs", empty))


def buffer_role(attributes: Any) -> str:
    """Return what an argument with ``attributes`` holds, empty for an input or output."""
    return str(ir.StringAttr(attributes[BUFFER]).value) if BUFFER in attributes else ""


def add_buffer_argument(function: Any, size: int, role: str) -> Any:
    """Add an argument `memref<size x i8>` marked ``role`` at the end; return its value."""
    type_ = ir.MemRefType.get([size], ir.IntegerType.get_signless(8))
    attributes = [
        *argument_attributes(function),
        ir.DictAttr.get({BUFFER: ir.StringAttr.get(role)}),
    ]
    value = function.regions[0].blocks[0].add_argument(type_, function.location)
    inputs = [*function.type.inputs, type_]
    function.attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get(inputs, function.type.results)
    )
    function.attributes["arg_attrs"] = ir.ArrayAttr.get(attributes)
    return value
