"""The processors that code is made for: what LLVM and the machine model must know of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pattern_mlir.cost import Machine
from pattern_mlir.errors import CompileError, did_you_mean

DEFAULT = "x86-64-v4"
"""The processor of passes that name none."""

MEASURED = "measured"
"""This processor, whose model is measured once and kept: see `pattern_mlir.measured_machine`."""

LEAST_REGISTERS = 8
"""Vector registers that a kernel needs."""


@dataclass(frozen=True)
class Processor:
    """A processor.

    Attributes:
        architecture: `x86_64` or `aarch64`.
        llvm_name: the processor whose schedule LLVM uses.
        features: the extensions that code may use beside the architecture's own, by LLVM's names;
            those after `-` are not used although LLVM's processor has them.
        machine: for the machine model.
    """

    architecture: str
    llvm_name: str
    features: str
    machine: Machine


_AVX2 = "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
_AVX512 = f"{_AVX2},+avx512bw,+avx512cd,+avx512dq,+avx512f,+avx512vl"
_ARM_V8_0 = "-v8.1a,-crc,-dotprod,-fullfp16,-lse,-rcpc,-rdm"
_ARM_V8_2 = "+crc,+dotprod,+fullfp16,+lse,+rcpc,+rdm"
# Kernels of phones switch SVE off although cores from the Cortex-X2 on have it.
_ARM_V9 = f"{_ARM_V8_2},+bf16,+fp16fml,+i8mm,-sve,-sve2"

_NEON = Machine(
    lanes=4,
    registers=32,
    units=2,
    unit_lanes=4,
    load_cycles=1.0,
    weights_a_register=4,
    temporaries=7,
    pair_cycles=6,
    prefetches=False,
    issue=2,
    shape_share=0.005,
    cache_rates=((64 << 10, 32.0), (256 << 10, 24.0), (2 << 20, 16.0), (math.inf, 8.0)),
    row_cycles=0.0,
)
"""Two units of 128 bits, two loads of 128 bits a cycle: the cores of phones since the A76.

A pair of loads takes the A55 six cycles in LLVM's model of it, other cores less. Whether asking for
data early pays was not measured on any, so kernels do not.
"""

_A55 = replace(
    _NEON,
    units=1,
    cache_rates=((32 << 10, 16.0), (128 << 10, 8.0), (1 << 20, 6.0), (math.inf, 4.0)),
)
_X2 = replace(_NEON, units=4, load_cycles=4 / 3, issue=4)


def _arm(name: str, features: str, machine: Machine) -> Processor:
    return Processor("aarch64", name, features, machine)


AVX512 = Machine(16, 32, permuting_units=3)
"""Only AVX-512 rotates lanes and clears some of them by one instruction."""

PROCESSORS = {
    "x86-64": Processor("x86_64", "x86-64", "", Machine(4, 16)),
    "x86-64-v3": Processor("x86_64", "x86-64-v3", _AVX2, Machine(8, 16)),
    "x86-64-v4": Processor("x86_64", "x86-64-v4", _AVX512, AVX512),
    "znver4": Processor("x86_64", "znver4", _AVX512, AVX512),
    # Out of order, cores run the schedule of the little one as well as their own, or better.
    "generic": _arm("cortex-a55", _ARM_V8_0, _NEON),
    "cortex-a55": _arm("cortex-a55", _ARM_V8_2, _A55),
    "cortex-a76": _arm("cortex-a76", _ARM_V8_2, _NEON),
    "cortex-a78": _arm("cortex-a78", _ARM_V8_2, _NEON),
    "cortex-x2": _arm("cortex-x2", _ARM_V9, _X2),
    "cortex-x4": _arm("cortex-x4", _ARM_V9, _X2),
    "neoverse-n1": _arm("neoverse-n1", _ARM_V8_2, _NEON),
}
"""Every processor by name.

Rates of x86-64 were measured on an AMD EPYC (Zen 4). Those of AArch64 follow from Arm's software
optimization guides: units and loads a cycle; bytes a cycle of caches are of usual sizes.
"""


def processor(name: str, architecture: str | None = None) -> Processor:
    """Return the processor ``name``, of ``architecture`` unless None.

    Raises:
        CompileError: there is none.
    """
    known = [key for key, own in PROCESSORS.items() if architecture in (None, own.architecture)]
    if name not in known:
        raise CompileError(
            f"unknown cpu '{name}'{did_you_mean(name, known)} (known: {', '.join(known)})"
        )
    return PROCESSORS[name]


def machine(name: str, lanes: int = 0, registers: int = 0) -> Machine:
    """Return the model of the processor ``name``, with other ``lanes`` and ``registers`` unless 0.

    ``name`` is a key of `PROCESSORS`, or `MEASURED`.

    Raises:
        CompileError: there is no such processor, or no such vector.
    """
    if name == MEASURED:
        from pattern_mlir.measured_machine import measured_machine

        own = measured_machine()
    else:
        own = processor(name).machine
    lanes, registers = lanes or own.lanes, registers or own.registers
    if lanes < 1 or registers < LEAST_REGISTERS:
        raise CompileError(
            f"a processor has at least 1 lane and {LEAST_REGISTERS} registers,"
            f" got lanes={lanes} registers={registers}"
        )
    return replace(own, lanes=lanes, registers=registers)
