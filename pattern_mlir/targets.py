"""The machines that the compiler makes code for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pattern_mlir.errors import CompileError, did_you_mean

TARGETS = ("host",)
"""Every target by name."""


CPUS = {"x86-64": (4, 16), "x86-64-v3": (8, 16), "x86-64-v4": (16, 32)}
"""Processors to compile for beside this one, with lanes and registers of their vectors."""


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

    @property
    def required(self) -> tuple[str, ...]:
        """The features that a processor must have to run the code, by LLVM's names."""
        words = self.features.split(",")
        return tuple(word[1:] for word in words if word.startswith("+"))


def target(name: str, cpu: str | None = None) -> Target:
    """Return the target ``name``; raise CompileError if there is none.

    `host` is the processor that this runs on, with all its features; ``cpu`` is another one of the
    same architecture, a key of `CPUS`.
    """
    if name not in TARGETS:
        raise CompileError(
            f"unknown target '{name}'{did_you_mean(name, TARGETS)} (known: {', '.join(TARGETS)})"
        )
    if cpu is not None and cpu not in CPUS:
        raise CompileError(
            f"unknown cpu '{cpu}'{did_you_mean(cpu, CPUS)} (known: {', '.join(CPUS)})"
        )
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple()
    if cpu is not None:
        return Target(name, triple, cpu, "", *CPUS[cpu])
    features = llvm.get_host_cpu_features()
    return Target(name, triple, llvm.get_host_cpu_name(), features.flatten(), *_vectors(features))


def _vectors(features: Mapping[str, bool]) -> tuple[int, int]:
    """Return the f32 lanes of a vector and the vector registers of a processor."""
    if features.get("avx512f"):
        return 16, 32
    if features.get("avx"):
        return 8, 16
    return 4, 32 if features.get("neon") else 16
