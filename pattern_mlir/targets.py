"""The machines that the compiler makes code for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pattern_mlir.errors import CompileError, did_you_mean

TARGETS = ("host",)
"""Every target by name."""


@dataclass(frozen=True)
class Target:
    """A machine as LLVM names it.

    Attributes:
        name: one of `TARGETS`.
        triple: such as `x86_64-unknown-linux-gnu`.
        cpu: such as `znver4`.
        features: such as `+avx2,+fma`.
        lanes: f32 that a vector holds.
        registers: vector registers.
    """

    name: str
    triple: str
    cpu: str
    features: str
    lanes: int
    registers: int


def target(name: str) -> Target:
    """Return the target ``name``; raise CompileError if there is none.

    `host` is the processor that this runs on, with all its features.
    """
    if name not in TARGETS:
        raise CompileError(
            f"unknown target '{name}'{did_you_mean(name, TARGETS)} (known: {', '.join(TARGETS)})"
        )
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    lanes, registers = _vectors(features)
    return Target(
        name=name,
        triple=llvm.get_process_triple(),
        cpu=llvm.get_host_cpu_name(),
        features=features.flatten(),
        lanes=lanes,
        registers=registers,
    )


def _vectors(features: Mapping[str, bool]) -> tuple[int, int]:
    """Return the f32 lanes of a vector and the vector registers of a processor."""
    if features.get("avx512f"):
        return 16, 32
    if features.get("avx"):
        return 8, 16
    return 4, 32 if features.get("neon") else 16
