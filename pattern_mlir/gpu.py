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
        half_storage: whether kernels can load f16 as such (`storageBuffer16BitAccess`).
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

NOTES = "github.com/azhirnov/cpu-gpu-arch"
FREEDRENO = "Mesa, freedreno_devices.py: reg_size_vec4 = 96, of which a thread takes at most 48"
THREADS = f"{NOTES}, ARM-Mali-Valhall.md, after Arm: 33 to 64 registers at half of all threads"
LINE = "Arm, The Valhall Shader Core (102203): one cycle where a warp stays in a line of 64 bytes"

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
                "Chips and Cheese, Inside the Snapdragon 855's iGPU (1 May 2024): 585 MHz; 2 groups"
                " of 3 processors share memory interfaces",
                f"{NOTES}, Adreno-600.md: 768 f32 units, 898.5 GFLOPS",
                FREEDRENO,
                "assumed: 64 bytes a cycle from the cache; LPDDR4X at 2133 MHz, 64 bits",
            ),
        ),
        Gpu(
            "adreno-740",
            6,
            600e6,
            256,
            64,
            192,
            LATENCY,
            63e9,
            True,
            (
                f"{NOTES}, Adreno-700.md: 1536 threads, 1.8 TFLOPS at 600 MHz, 63 GB/s",
                FREEDRENO,
                "assumed: 6 cores; 64 bytes a cycle from the cache of each",
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
                "Android Authority, Arm Mali-G76 GPU deep dive (31 May 2018): 24 lanes a core",
                THREADS,
                "assumed: 10 cores at 720 MHz and LPDDR4X, as in the Kirin 980; a line a cycle",
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
                LINE,
                THREADS,
                "assumed: 128 multiply-adds a core; 7 cores at 890 MHz, as in the Tensor G3",
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
