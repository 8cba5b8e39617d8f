"""The machines that the compiler makes code for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pattern_mlir.errors import CompileError, did_you_mean
from pattern_mlir.processors import PROCESSORS, processor

HOST = "host"
"""The target that is this machine."""

TRIPLES = {
    "aarch64-linux-android": "aarch64-unknown-linux-android",
    "aarch64-linux-gnu": "aarch64-unknown-linux-gnu",
    "arm64-apple-macosx": "arm64-apple-macosx11.0.0",
    "arm64-apple-ios": "arm64-apple-ios14.0.0",
}
"""The other targets, and their triples as LLVM writes them; of Apple's, the oldest system."""

TARGETS = (HOST, *TRIPLES)
"""Every target by name."""

GENERIC = "generic"
"""The processor of a target that names none."""


@dataclass(frozen=True)
class Target:
    """A machine as LLVM names it.

    Attributes:
        name: one of `TARGETS`.
        triple: such as `x86_64-unknown-linux-gnu`.
        cpu: the processor whose schedule LLVM uses, such as `znver4`.
        features: such as `+avx2,+fma`.
        processor: the processor of `PROCESSORS` that the machine model takes it for.
        lanes: f32 that a vector holds; 0: as many as that processor's.
        registers: vector registers; 0: as many as that processor's.
    """

    name: str
    triple: str
    cpu: str
    features: str
    processor: str
    lanes: int = 0
    registers: int = 0

    @property
    def cpu_name(self) -> str:
        """The processor as a user names it; that of the host as LLVM does."""
        known = PROCESSORS[self.processor].llvm_name == self.cpu
        return self.processor if known else self.cpu

    @property
    def required(self) -> tuple[str, ...]:
        """The features that a processor must have to run the code, by LLVM's names."""
        words = self.features.split(",")
        return tuple(word[1:] for word in words if word.startswith("+"))


def target(name: str, cpu: str | None = None) -> Target:
    """Return the target ``name``; raise CompileError if there is none.

    `host` is the processor that this runs on, with all its features. ``cpu`` is another processor
    of the target's architecture, a key of `PROCESSORS`; None: `GENERIC` unless for the host.
    """
    if name not in TARGETS:
        raise CompileError(
            f"unknown target '{name}'{did_you_mean(name, TARGETS)} (known: {', '.join(TARGETS)})"
        )
    if name in TRIPLES:
        own, cpu = TRIPLES[name], cpu or GENERIC
        known = processor(cpu, "aarch64")
        return Target(name, own, known.llvm_name, known.features, cpu)
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple()
    if cpu is not None:
        known = processor(cpu, _architecture(triple))
        return Target(name, triple, known.llvm_name, known.features, cpu)
    features = llvm.get_host_cpu_features()
    model = _model(triple, features)
    return Target(name, triple, llvm.get_host_cpu_name(), features.flatten(), model)


def _architecture(triple: str) -> str:
    """Return the architecture of ``triple`` as `Processor` names it."""
    word = triple.partition("-")[0]
    return "aarch64" if word == "arm64" else word


def _model(triple: str, features: Mapping[str, bool]) -> str:
    """Return the processor that comes nearest to this one."""
    if _architecture(triple) == "aarch64":
        return GENERIC
    if features.get("avx512f"):
        return "x86-64-v4"
    return "x86-64-v3" if features.get("avx") else "x86-64"


def processors(name: str) -> tuple[str, ...]:
    """Return the processors that the target ``name`` takes."""
    import llvmlite.binding as llvm

    own = _architecture(TRIPLES.get(name) or llvm.get_process_triple())
    return tuple(key for key, known in PROCESSORS.items() if known.architecture == own)
