"""What a SPIR-V module declares, read before a driver sees it (SPIR-V 1.3, sections 2.3 and 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pattern_mlir.errors import PatternError

MAGIC = 0x07230203
VERSION = 0x00010300
HEADER = 5
"""Words before the first instruction."""

GLCOMPUTE = 5
"""The execution model of compute kernels."""

OP_ENTRY_POINT, OP_EXECUTION_MODE, OP_CAPABILITY = 15, 16, 17
OP_TYPE_FLOAT, OP_TYPE_VECTOR, OP_TYPE_POINTER = 22, 23, 32
OP_FUNCTION, OP_LOAD, OP_F_CONVERT = 54, 61, 115
OP_DECORATE, OP_MEMBER_DECORATE = 71, 72
LOCAL_SIZE, NON_WRITABLE, BINDING, DESCRIPTOR_SET = 17, 24, 33, 34
OFFSET = 35
PUSH_CONSTANT = 9
"""The storage class of push constants, whose block has members of 4 bytes."""

MATRIX, FLOAT16 = 0, 9
"""Capabilities."""

FEATURES_OF_CAPABILITIES: dict[int, str | None] = {
    1: None,  # Shader
    FLOAT16: "shaderFloat16",
    11: "shaderInt64",  # Int64
    22: "shaderInt16",  # Int16
    39: "shaderInt8",  # Int8
    4433: "storageBuffer16BitAccess",  # StorageBuffer16BitAccess
    4448: "storageBuffer8BitAccess",  # StorageBuffer8BitAccess
}
"""Capabilities that kernels may declare, with the feature of Vulkan that a device must offer."""


class PlanError(PatternError):
    """A plan reaches out of its buffers, or its kernels are not what devices must offer to run."""


@dataclass(frozen=True)
class Kernel:
    """What the runner must know of a kernel.

    Attributes:
        entry_points: their names.
        bindings: of descriptor set 0, in order.
        read_only: those of them that are marked as such.
        push: bytes of its push constants.
        invocations: of a workgroup.
        features: of Vulkan that a device must offer for it.
    """

    entry_points: tuple[str, ...]
    bindings: tuple[int, ...]
    read_only: tuple[int, ...]
    push: int
    invocations: int
    features: tuple[str, ...]


def read_kernel(name: str, data: bytes) -> Kernel:
    """Return what the module ``data`` declares; ``name`` is for messages.

    Raises:
        PlanError: it is no SPIR-V module of version 1.3 or before, or declares a capability that
            is not in `FEATURES_OF_CAPABILITIES`.
    """
    entries, features, size = [], set(), 0
    bindings: dict[int, int] = {}
    kept, pushed = set(), set()
    ends: dict[int, int] = {}
    for operation, operands in instructions(name, data):
        if operation == OP_CAPABILITY:
            if operands[0] not in FEATURES_OF_CAPABILITIES:
                raise PlanError(f"kernel '{name}' needs the unknown capability {operands[0]}")
            features.add(FEATURES_OF_CAPABILITIES[operands[0]])
        elif operation == OP_ENTRY_POINT and operands[0] == GLCOMPUTE:
            entries.append(_text(operands[2:]))
        elif operation == OP_EXECUTION_MODE and operands[1] == LOCAL_SIZE:
            size = math.prod(operands[2:5])
        elif operation == OP_DECORATE and operands[1] == BINDING:
            bindings[operands[0]] = operands[2]
        elif operation == OP_DECORATE and operands[1] == NON_WRITABLE:
            kept.add(operands[0])
        elif operation == OP_TYPE_POINTER and operands[1] == PUSH_CONSTANT:
            pushed.add(operands[2])
        elif operation == OP_MEMBER_DECORATE and operands[2] == OFFSET:
            ends[operands[0]] = max(ends.get(operands[0], 0), operands[3] + 4)
        elif operation == OP_DECORATE and operands[1] == DESCRIPTOR_SET and operands[2] != 0:
            raise PlanError(f"kernel '{name}' uses descriptor set {operands[2]}, not 0")
    needed = tuple(sorted(feature for feature in features if feature is not None))
    read_only = {binding for variable, binding in bindings.items() if variable in kept}
    return Kernel(
        tuple(entries),
        tuple(sorted(set(bindings.values()))),
        tuple(sorted(read_only)),
        max((ends.get(block, 0) for block in pushed), default=0),
        size,
        needed,
    )


_LEAST_OPERANDS = {
    OP_CAPABILITY: 1,
    OP_ENTRY_POINT: 3,
    OP_EXECUTION_MODE: 2,
    OP_TYPE_POINTER: 3,
    OP_DECORATE: 2,
    OP_MEMBER_DECORATE: 3,
}
"""Operands that instructions which are looked at have at least."""

_LEAST_OF_DECORATION = {BINDING: 3, DESCRIPTOR_SET: 3}


def instructions(name: str, data: bytes) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield opcode and operands of each instruction; ``name`` is for messages.

    Raises:
        PlanError: ``data`` is no SPIR-V module of version 1.3 or before.
    """
    words = np.frombuffer(data[: len(data) & ~3], "<u4").tolist()
    if len(data) % 4 or len(words) < HEADER or words[0] != MAGIC or words[1] > VERSION:
        raise PlanError(f"kernel '{name}' is no SPIR-V module of version 1.3 or before")
    position = HEADER
    while position < len(words):
        length, operation = words[position] >> 16, words[position] & 0xFFFF
        operands = words[position + 1 : position + length]
        least = _LEAST_OPERANDS.get(operation, 0)
        if operation == OP_DECORATE and len(operands) > 1:
            least = _LEAST_OF_DECORATION.get(operands[1], least)
        if operation == OP_MEMBER_DECORATE and len(operands) > 2 and operands[2] == OFFSET:
            least = 4
        if length == 0 or position + length > len(words) or len(operands) < least:
            raise PlanError(f"kernel '{name}' is cut short at word {position}")
        yield operation, operands
        position += length


def _text(words: Sequence[int]) -> str:
    """Return the text at the beginning of ``words``, up to its first zero byte."""
    data = np.array(words, "<u4").tobytes()
    return data.partition(b"\0")[0].decode(errors="replace")
