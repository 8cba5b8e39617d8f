"""What a GPU can do at most, measured: bytes a second that it copies, multiply-adds a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import arith

from pattern_mlir.dialects import create_context
from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder, Storage
from pattern_mlir.program import Program
from pattern_mlir.runtime.plan import PlannedLayer, TensorSpec
from pattern_mlir.runtime.vulkan.device import DeviceInfo
from pattern_mlir.runtime.vulkan.executable import VulkanExecutable
from pattern_mlir.runtime.vulkan.plan import Dispatch, Range, VulkanPlan
from pattern_mlir.spirv import spirv_modules

INVOCATIONS = 64
VECTOR = 4
"""Numbers that an invocation loads, stores and multiplies at a time."""

SUMS = 8
"""Vectors of sums that are under way: more than any GPU needs to hide a multiply-add."""

STEPS = 256
"""Multiply-adds of each sum."""


@dataclass(frozen=True)
class Peak:
    """Bytes a second read and written by a copy, and f32 multiply-adds a second."""

    bandwidth: float
    products: float


def copy_kernel() -> KernelBuilder:
    """Build: each invocation copies a vector."""
    storage = Storage(VECTOR, False, False)
    build = KernelBuilder([storage, storage], INVOCATIONS, 0)
    with build.body():
        build.store(build.load(0, _number(build)), 1, _number(build))
    return build


def product_kernel() -> KernelBuilder:
    """Build: each invocation multiplies and adds for `STEPS` steps, then stores the total."""
    storage = Storage(VECTOR, False, False)
    build = KernelBuilder([storage, storage], INVOCATIONS, 0)

    def step(_position: object, sums: list[object]) -> list[object]:
        return [build.multiply_add(total, factor, total) for total in sums]

    with build.body():
        factor = build.load(0, _number(build))
        start = [arith.mulf(factor, factor)]
        for _ in range(SUMS - 1):
            start.append(arith.addf(start[-1], factor))
        first, *others = build.loop(0, STEPS, 1, start, step)
        for other in others:
            first = arith.addf(first, other)
        build.store(first, 1, _number(build))
    return build


def _number(build: KernelBuilder) -> object:
    return build.add(build.multiply(build.group("x"), INVOCATIONS), build.invocation())


def measure(info: DeviceInfo, copied_bytes: int = 1 << 26, repetitions: int = 10) -> Peak:
    """Return the best that ``info`` does in some runs, timed by itself."""
    vector = 4 * VECTOR
    copied = _best(info, copy_kernel, copied_bytes // vector, repetitions)
    worked = _best(info, product_kernel, copied_bytes // vector // 16, repetitions)
    products = copied_bytes // vector // 16 * VECTOR * SUMS * STEPS
    return Peak(2 * copied_bytes / copied, products / worked)


def _best(
    info: DeviceInfo, make: Callable[[], KernelBuilder], invocations: int, repetitions: int
) -> float:
    """Return the least seconds of a kernel on so many ``invocations``."""
    size = 4 * VECTOR * invocations
    spec = TensorSpec("vector", (size // 4,), np.dtype("f4"))
    ranges = (Range("arena", 0, size, read_only=True), Range("arena", size, size))
    step = Dispatch("peak", ranges, (invocations // INVOCATIONS, 1, 1), (), 0)
    # One number in and out: what is timed stays on the device.
    scalar = TensorSpec(spec.name, (1,), spec.dtype)
    plan = VulkanPlan(
        (PlannedLayer("peak", 1),), (step,), (scalar,), (scalar,), (), 2 * size, 2 * size
    )
    network = VulkanExecutable(plan, {"peak": spirv(make)}, np.empty(0, np.uint8), info)
    given = np.zeros(1, np.float32)
    times = [network.profile([given])[1][0] for _ in range(repetitions)]
    return 1e-9 * max(min(times), 1)


def spirv(make: Callable[[], KernelBuilder]) -> bytes:
    """Return the SPIR-V of the kernel that ``make`` builds."""
    with create_context(), ir.Location.unknown():
        program = Program(ir.Module.create())
        build = make()
        program.module.body.append(build.module)
        (data,) = spirv_modules(program).values()
    return data
