"""The machines that the compiler makes code for."""

from __future__ import annotations

from dataclasses import dataclass

from pattern_mlir.errors import CompileError, did_you_mean
from pattern_mlir.gpu import DEFAULT_GPU, GPUS, gpu
from pattern_mlir.processors import MEASURED, PROCESSORS, processor

HOST = "host"
"""The target that is this machine."""

TRIPLES = {
    "aarch64-linux-android": "aarch64-unknown-linux-android",
    "aarch64-linux-gnu": "aarch64-unknown-linux-gnu",
    "arm64-apple-macosx": "arm64-apple-macosx11.0.0",
    "arm64-apple-ios": "arm64-apple-ios14.0.0",
}
"""The other targets, and their triples as LLVM writes them; of Apple's, the oldest system."""

VULKAN = "vulkan1.1"
"""The target that is a GPU with Vulkan 1.1."""

TARGETS = (HOST, *TRIPLES, VULKAN)
"""Every target by name."""

GENERIC = "generic"
"""The processor of a target that names none."""


HALF_ARITHMETIC = frozenset({"avx512fp16", "fullfp16"})
"""Features that multiply and add vectors of f16, by LLVM's names."""


@dataclass(frozen=True)
class Target:
    """A machine as LLVM names it.

    Attributes:
        name: one of `TARGETS`.
        triple: such as `x86_64-unknown-linux-gnu`.
        cpu: the processor whose schedule LLVM uses, such as `znver4`.
        features: such as `+avx2,+fma`.
        processor: the processor of `PROCESSORS` that the machine model takes it for, or `MEASURED`.
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
        known = self.processor in PROCESSORS and PROCESSORS[self.processor].llvm_name == self.cpu
        return self.processor if known else self.cpu

    @property
    def reserves_frame_pointer(self) -> bool:
        """Whether the ABI keeps a register for the frame pointer."""
        return _architecture(self.triple) == "aarch64"

    @property
    def required(self) -> tuple[str, ...]:
        """The features that a processor must have to run the code, by LLVM's names."""
        words = self.features.split(",")
        return tuple(word[1:] for word in words if word.startswith("+"))

    @property
    def converts_half(self) -> bool:
        """Whether it converts between f16 and f32; else LLVM calls functions that are not there."""
        return _architecture(self.triple) == "aarch64" or "f16c" in self.required

    @property
    def computes_half(self) -> bool:
        """Whether it multiplies and adds vectors of f16."""
        return not HALF_ARITHMETIC.isdisjoint(self.required)


@dataclass(frozen=True)
class GpuTarget:
    """GPUs with Vulkan 1.1.

    Attributes:
        name: `VULKAN`.
        gpu: the one of `pattern_mlir.gpu` that variants are chosen for; the code runs on all.
    """

    name: str
    gpu: str


def target(name: str, cpu: str | None = None) -> Target | GpuTarget:
    """Return the target ``name``; raise CompileError if there is none.

    `host` is the processor that this runs on, with all its features. ``cpu`` is another processor
    of the target's architecture, a key of `PROCESSORS`; None: `GENERIC` unless for the host. The
    host's machine model is that of its processor where `PROCESSORS` has it, so that its code is the
    same on every machine; otherwise, or with `MEASURED` for ``cpu``, it is measured. For GPUs
    ``cpu`` is a key of `GPUS`.
    """
    if name not in TARGETS:
        raise CompileError(
            f"unknown target '{name}'{did_you_mean(name, TARGETS)} (known: {', '.join(TARGETS)})"
        )
    if name == VULKAN:
        return GpuTarget(name, gpu(cpu or DEFAULT_GPU).name)
    if name in TRIPLES:
        own, cpu = TRIPLES[name], cpu or GENERIC
        known = processor(cpu, "aarch64")
        return Target(name, own, known.llvm_name, known.features, cpu)
    import llvmlite.binding as llvm

    triple = llvm.get_process_triple()
    if cpu not in (None, MEASURED):
        known = processor(cpu, _architecture(triple))
        return Target(name, triple, known.llvm_name, known.features, cpu)
    own, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    model = own if cpu is None and own in PROCESSORS else MEASURED
    return Target(name, triple, own, features, model)


def default_precision(name: str, cpu: str | None = None) -> str:
    """Return the precision of the target ``name`` where none is asked for.

    That of a GPU is f16 with sums in f32: loaded as such where ``cpu`` names one that can, else in
    the form that runs on every device.
    """
    if name != VULKAN:
        return "f32"
    return "f16-acc32" if cpu is not None and gpu(cpu).half_storage else "f16-packed"


def _architecture(triple: str) -> str:
    """Return the architecture of ``triple`` as `Processor` names it."""
    word = triple.partition("-")[0]
    return "aarch64" if word == "arm64" else word


def check_half(target: Target, arithmetic: bool) -> None:
    """Raise CompileError unless ``target`` knows f16: converts it, and computes if ``arithmetic``.

    The message names the processors that do.
    """
    if target.computes_half if arithmetic else target.converts_half:
        return
    name, what = target.cpu_name, "add up in" if arithmetic else "convert to"
    known = ", ".join(
        key
        for key, own in PROCESSORS.items()
        if (other := Target("", f"{own.architecture}-", "", own.features, key))
        and (other.computes_half if arithmetic else other.converts_half)
    )
    instead = "f16-acc32" if arithmetic else "f32"
    raise CompileError(
        f"{name} cannot {what} f16; compile with precision {instead}, or for one of {known}"
    )


def processors(name: str) -> tuple[str, ...]:
    """Return the processors that the target ``name`` takes."""
    if name == VULKAN:
        return tuple(GPUS)
    import llvmlite.binding as llvm

    own = _architecture(TRIPLES.get(name) or llvm.get_process_triple())
    known = tuple(key for key, one in PROCESSORS.items() if one.architecture == own)
    return (*known, MEASURED) if name == HOST else known
