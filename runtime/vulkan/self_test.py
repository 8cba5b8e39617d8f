"""The kernels that a driver must run rightly before a network is trusted to it.

They use what networks' kernels use: push constants, a loop, fused multiply-adds, memory that a
workgroup shares behind a barrier, and the 16-bit types that a network asks for. Phones' drivers
have computed wrong halves (Tencent/ncnn issue 1084).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

INVOCATIONS = 64
ELEMENTS = 4 * INVOCATIONS
STEPS = 4

Operand = int | str
"""A number, or the name of an id."""


def variants(features: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return bits of storage and of arithmetic to test for a network that needs ``features``."""
    found = [(32, 32)]
    storage = 16 if "storageBuffer16BitAccess" in features else 32
    if storage == 16:
        found.append((16, 32))
    if "shaderFloat16" in features:
        found.append((storage, 16))
    return tuple(found)


def inputs(storage: int) -> npt.NDArray[Any]:
    """Return what the kernel reads, in ``storage`` bits: small integers, so that sums are exact."""
    return (np.arange(ELEMENTS) * 7 % 32).astype(f"f{storage // 8}")


def expected(storage: int) -> npt.NDArray[Any]:
    """Return what it must write: each workgroup's results in reverse."""
    factor = sum(0.5**step for step in range(STEPS))
    results = (factor * inputs(storage)).reshape(-1, INVOCATIONS)
    return results[:, ::-1].reshape(-1).astype(f"f{storage // 8}")


def kernel(storage: int, arithmetic: int) -> bytes:
    """Return the kernel as SPIR-V 1.3, by bits of its two buffers and of its arithmetic.

    An invocation does `STEPS` times, which is the push constant: sum = sum * 0.5 + input.
    """
    instructions = [
        *_preamble(storage, arithmetic),
        *_types(storage, arithmetic),
        *_loop(storage != arithmetic),
        *_exchange(storage != arithmetic),
    ]
    ids: dict[str, int] = {}
    words = []
    for operation, *operands in instructions:
        encoded = [
            ids.setdefault(own, len(ids) + 1) if isinstance(own, str) else own for own in operands
        ]
        words += [(len(encoded) + 1) << 16 | int(operation), *encoded]
    header = [0x07230203, 0x00010300, 0, len(ids) + 1, 0]
    return np.array(header + words, "<u4").tobytes()


Instruction = tuple[Operand, ...]
"""An opcode and its operands, as section 3.49 of SPIR-V 1.3 has them: type, result, operands."""


def _words(text: str) -> list[int]:
    data = text.encode() + b"\0"
    return [int(word) for word in np.frombuffer(data + bytes(-len(data) % 4), "<u4")]


def _preamble(storage: int, arithmetic: int) -> list[Instruction]:
    """Return capabilities, the entry point and decorations."""
    capabilities = [1, *[4433] * (storage == 16), *[9] * (arithmetic == 16)]
    stride = storage // 8
    return [
        *((17, capability) for capability in capabilities),
        (11, "std", *_words("GLSL.std.450")),
        (14, 0, 1),  # addresses logical, memory GLSL450
        (15, 5, "main", *_words("main"), "global", "local"),
        (16, "main", 17, INVOCATIONS, 1, 1),
        (71, "global", 11, 28),  # GlobalInvocationId
        (71, "local", 11, 27),  # LocalInvocationId
        (71, "array", 6, stride),
        (71, "block", 2),
        (72, "block", 0, 35, 0),
        (71, "push block", 2),
        (72, "push block", 0, 35, 0),
        *((71, name, 34, 0) for name in ("in", "out")),
        (71, "in", 33, 0),
        (71, "in", 24),  # NonWritable
        (71, "out", 33, 1),
    ]


def _types(storage: int, arithmetic: int) -> list[Instruction]:
    """Return types, constants and variables."""
    stored = "real" if storage == arithmetic else "stored"
    half = np.array(0.5, f"f{arithmetic // 8}").view(f"u{arithmetic // 8}")
    return [
        (19, "void"),
        (33, "function", "void"),
        (20, "bool"),
        (21, "u32", 32, 0),
        (22, "real", arithmetic),
        *([(22, "stored", storage)] if stored == "stored" else []),
        (23, "u32x3", "u32", 3),
        *((43, "u32", f"u{value}", value) for value in (0, 1, 2, INVOCATIONS - 1, INVOCATIONS)),
        (43, "u32", "u264", 264),  # memory semantics: acquire, release, workgroup memory
        (43, "real", "zero", 0),
        (43, "real", "half", int(half)),
        (29, "array", stored),
        (30, "block", "array"),
        (32, "block*", 12, "block"),
        (32, "stored*", 12, stored),
        (59, "block*", "in", 12),
        (59, "block*", "out", 12),
        (30, "push block", "u32"),
        (32, "push block*", 9, "push block"),
        (32, "push u32*", 9, "u32"),
        (59, "push block*", "push", 9),
        (28, "shared array", "real", f"u{INVOCATIONS}"),
        (32, "shared array*", 4, "shared array"),
        (32, "shared real*", 4, "real"),
        (59, "shared array*", "shared", 4),
        (32, "input*", 1, "u32x3"),
        (59, "input*", "global", 1),
        (59, "input*", "local", 1),
    ]


def _loop(converts: bool) -> list[Instruction]:
    """Return the function up to the sum of each invocation."""
    load: list[Instruction] = [(61, "real", "x", "in[i]")]
    if converts:
        load = [(61, "stored", "in value", "in[i]"), (115, "real", "x", "in value")]
    return [
        (54, "void", "main", 0, "function"),
        (248, "entry"),
        (61, "u32x3", "global id", "global"),
        (81, "u32", "i", "global id", 0),
        (61, "u32x3", "local id", "local"),
        (81, "u32", "t", "local id", 0),
        (65, "stored*", "in[i]", "in", "u0", "i"),
        *load,
        (65, "push u32*", "steps*", "push", "u0"),
        (61, "u32", "steps", "steps*"),
        (249, "head"),
        (248, "head"),
        (245, "u32", "step", "u0", "entry", "next step", "body"),
        (245, "real", "sum", "zero", "entry", "next sum", "body"),
        (176, "bool", "more", "step", "steps"),
        (246, "end", "body", 0),
        (250, "more", "body", "end"),
        (248, "body"),
        (12, "real", "next sum", "std", 50, "sum", "half", "x"),
        (128, "u32", "next step", "step", "u1"),
        (249, "head"),
        (248, "end"),
    ]


def _exchange(converts: bool) -> list[Instruction]:
    """Return the rest of the function: sums change places within a workgroup, and are stored."""
    store: list[Instruction] = [(62, "out[i]", "y")]
    if converts:
        store = [(115, "stored", "out value", "y"), (62, "out[i]", "out value")]
    return [
        (65, "shared real*", "own", "shared", "t"),
        (62, "own", "sum"),
        (224, "u2", "u2", "u264"),  # a barrier of the workgroup
        (130, "u32", "mirrored", f"u{INVOCATIONS - 1}", "t"),
        (65, "shared real*", "other", "shared", "mirrored"),
        (61, "real", "y", "other"),
        (65, "stored*", "out[i]", "out", "u0", "i"),
        *store,
        (253,),
        (56,),
    ]
