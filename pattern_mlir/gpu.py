"""GPUs of phones: what limits a kernel on them, with the source of each figure.

A kernel takes at least as long as its multiplications, its loads from the nearest cache and its
traffic to memory each take alone: a roofline (Williams et al., CACM 52(4), 2009). It chooses
between variants of a kernel, and reports print it as a prediction, never as a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

from pattern_mlir.errors import CompileError, did_you_mean


@dataclass(frozen=True)
class Gpu:
    """What a GPU offers to compute kernels.

    Attributes:
        name: as in `GPUS`.
        cores: that have a load unit and a nearest cache of their own.
        clock: cycles a second.
        products: f32 multiply-adds of a core a cycle.
        cache_bytes: bytes that reach the registers of a core from its nearest cache a cycle.
        registers: 32-bit registers of an invocation before values spill to memory.
        latency: cycles that a load takes, for which other loads must be under way.
        bandwidth: bytes a second of the memory, shared with the processor.
        half_storage: whether kernels can load f16 as such (`storageBuffer16BitAccess`,
            `shaderFloat16`).
        sources: where the figures come from.
    """

    name: str
    cores: int
    clock: float
    products: int
    cache_bytes: int
    registers: int
    latency: int
    bandwidth: float
    half_storage: bool
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Load:
    """What a dispatch asks of a GPU.

    Attributes:
        invocations: that are started, idle ones among them.
        products: multiply-adds of all invocations.
        cached: bytes that invocations load, from the nearest cache at best.
        moved: bytes that must come from memory or go there, each once.
        registers: that an invocation needs.
        under_way: bytes that an invocation can load before it needs the first of them.
    """

    invocations: int
    products: int
    cached: int
    moved: int
    registers: int
    under_way: int


SPILL = 4.0
"""How much longer a kernel is taken to run whose values do not fit into the registers."""

LATENCY = 128
"""Cycles of a load from the nearest cache: assumed, no source says it."""

VALHALL = "Arm, The Valhall Shader Core (102203): 64 bytes a cycle where threads share a line"
THREADS = "Arm, Valhall and Bifrost guides: 64 registers a thread at half of all threads"
FREEDRENO = "Mesa, src/freedreno/common/freedreno_devices.py: reg_size_vec4 = 96"

GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu(
            "adreno-640",
            2,
            585e6,
            384,
            64,
            192,
            LATENCY,
            34.1e9,
            True,
            (
                "Chips and Cheese, Inside the Snapdragon 855's iGPU: 2 SPs of 3 uSPTPs, 585 MHz,"
                " 898.5 GFLOPS of f32, 64 bytes a cycle of an SP from L2",
                FREEDRENO,
                "Qualcomm, Snapdragon 855: LPDDR4X at 2133 MHz, 4 x 16 bits",
            ),
        ),
        Gpu(
            "adreno-740",
            6,
            680e6,
            256,
            64,
            192,
            LATENCY,
            67.2e9,
            True,
            (
                "TechPowerUp, Adreno 740: 680 MHz, 1536 units",
                FREEDRENO,
                "Qualcomm, Snapdragon 8 Gen 2: LPDDR5X at 4200 MHz, 4 x 16 bits",
                "cache: taken as that of the Adreno 640",
            ),
        ),
        Gpu(
            "mali-g76",
            10,
            720e6,
            24,
            64,
            64,
            LATENCY,
            34.1e9,
            True,
            (
                "Android Authority, Arm Mali-G76 GPU deep dive: 24 lanes a core",
                "HiSilicon, Kirin 980: 10 cores at 720 MHz, LPDDR4X at 2133 MHz, 4 x 16 bits",
                THREADS,
                "cache: taken as that of Valhall",
            ),
        ),
        Gpu(
            "mali-g715",
            7,
            890e6,
            128,
            64,
            64,
            LATENCY,
            68.3e9,
            True,
            (
                "Arm GPU datasheet: Mali-G715, 128 FMA a cycle and core",
                "Google, Tensor G3: 7 cores at 890 MHz, LPDDR5X",
                VALHALL,
                THREADS,
            ),
        ),
    )
}
"""Every GPU by name."""  # fmt: skip

DEFAULT_GPU = "adreno-740"
"""What variants are chosen for where nothing else is said."""


def gpu(name: str) -> Gpu:
    """Return the GPU ``name``; raise CompileError if there is none."""
    if name not in GPUS:
        raise CompileError(
            f"unknown GPU '{name}'{did_you_mean(name, GPUS)} (known: {', '.join(GPUS)})"
        )
    return GPUS[name]


def seconds(machine: Gpu, load: Load) -> float:
    """Return the least time that ``load`` takes on ``machine``."""
    rate = machine.cores * machine.clock
    wanted = machine.cores * machine.latency * machine.cache_bytes
    busy = min(1.0, load.invocations * load.under_way / wanted)
    on_chip = max(load.products / machine.products, load.cached / machine.cache_bytes) / rate / busy
    if load.registers > machine.registers:
        on_chip *= SPILL
    return max(on_chip, load.moved / machine.bandwidth)
