"""Small networks for a GPU, from kernels that are written here, and where to run them."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pattern_mlir.package import Contents
from pattern_mlir.program import Program
from pattern_mlir.report import Report
from pattern_mlir.runtime.plan import PlannedLayer, ResultPlace, TensorSpec
from pattern_mlir.runtime.vulkan.plan import Dispatch, HostLayer, Range, VulkanPlan
from pattern_mlir.spirv import spirv_modules

Array = npt.NDArray[Any]

DRIVER = Path("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")
LAYER = Path("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json")

needs_driver = pytest.mark.skipif(
    not DRIVER.exists(), reason="no CPU driver for Vulkan: install Debian's mesa-vulkan-drivers"
)
needs_validation = pytest.mark.skipif(
    not (DRIVER.exists() and LAYER.exists()),
    reason="no Khronos validation layer: install Debian's vulkan-validationlayers",
)


def use_cpu_driver() -> None:
    """Let this process, and those that it starts, see Mesa's CPU driver alone."""
    os.environ["VK_DRIVER_FILES"] = os.environ["VK_ICD_FILENAMES"] = str(DRIVER)


BODIES = {
    "scale": (
        2,
        """
        %factor_bits = spirv.Load "PushConstant" %word : i32
        %factor = spirv.Bitcast %factor_bits : i32 to f32
        %x = memref.load %a0[%i] : BUFFER
        %y = arith.mulf %x, %factor : f32
        memref.store %y, %a1[%i] : BUFFER
        """,
    ),
    "add": (
        3,
        """
        %x = memref.load %a0[%i] : BUFFER
        %y = memref.load %a1[%i] : BUFFER
        %z = arith.addf %x, %y : f32
        memref.store %z, %a2[%i] : BUFFER
        """,
    ),
}
"""Kernels: how many buffers they have, and what they do with element %i; %word is the constant."""

INVOCATIONS = 4


@functools.cache
def kernel(name: str) -> bytes:
    """Return a kernel of `BODIES` as SPIR-V."""
    buffers, body = BODIES[name]
    arguments = ", ".join(f"%a{i} : BUFFER" for i in range(buffers))
    pointer = "!spirv.ptr<!spirv.struct<(i32 [0]), Block>, PushConstant>"
    constants = f"spirv.GlobalVariable @constants : {pointer}" if "%word" in body else ""
    word = f"""
      %constants = spirv.mlir.addressof @constants : {pointer}
      %zero = spirv.Constant 0 : i32
      %word = spirv.AccessChain %constants[%zero] : {pointer}, i32 -> !spirv.ptr<i32, PushConstant>
    """
    text = f"""
    module attributes {{gpu.container_module}} {{
      gpu.module @kernels {{
        {constants}
        gpu.func @main({arguments}) kernel attributes {{
            spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [{INVOCATIONS}, 1, 1]>
        }} {{
          {word if constants else ""}
          %group = gpu.block_id x
          %thread = gpu.thread_id x
          %width = arith.constant {INVOCATIONS} : index
          %start = arith.muli %group, %width : index
          %i = arith.addi %start, %thread : index
          {body}
          gpu.return
        }}
      }}
    }}
    """.replace("BUFFER", "memref<?xf32, #spirv.storage_class<StorageBuffer>>")
    (data,) = spirv_modules(Program.parse(text, None)).values()
    return data


def word(value: float) -> int:
    """Return an f32 as a push constant."""
    return int(np.float32(value).view(np.uint32))


SIZE = 64
"""Elements of every tensor: 256 bytes, as offsets are multiples of."""

WEIGHTS = np.arange(2 * SIZE, dtype=np.float32)


def part(buffer: str, number: int = 0, **optional: bool) -> Range:
    """Return the ``number``-th tensor of ``buffer``."""
    return Range(buffer, 4 * SIZE * number, 4 * SIZE, **optional)


def scale(source: Range, target: Range, factor: float, layer: int) -> Dispatch:
    return Dispatch("scale", (source, target), (SIZE // INVOCATIONS, 1, 1), (word(factor),), layer)


def add(first: Range, second: Range, target: Range, layer: int) -> Dispatch:
    return Dispatch("add", (first, second, target), (SIZE // INVOCATIONS, 1, 1), (), layer)


def contents(host_code: bytes = b"", triple: str = "") -> Contents:
    """Return a network that computes 3 x + w0 + 2 w1, and x + w0, of [1, 4, 4, 4] each.

    With ``host_code`` its last sum runs there, as `void add(void *const buffers[], …)`.
    """
    arena = [part("arena", number) for number in range(4)]
    x, (first, second) = part("input:0"), (part("weights:0"), part("weights:1"))
    steps: list[Dispatch | HostLayer] = [
        scale(x, arena[0], 3.0, 0),
        scale(second, arena[1], 2.0, 1),
        add(x, first, part("output:1"), 2),
        add(arena[0], first, arena[2], 3),
    ]
    last = (arena[2], arena[1], part("output:0"))
    steps.append(HostLayer(last, 4) if host_code else add(*last, 4))
    results = {0: ("arena", 0), 1: ("arena", 1), 2: ("output:1", 0), 3: ("arena", 2)}
    results[4] = ("output:0", 0)
    layers = tuple(
        PlannedLayer("add", 1, place=f"layer{i}", kernel="add", multiplications=SIZE, result=own)
        for i, own in enumerate(_result(i, *place) for i, place in results.items())
    )
    shape = (1, 4, 4, 4)
    plan = VulkanPlan(
        layers=layers,
        steps=tuple(steps),
        inputs=(TensorSpec("x", shape, np.dtype("f4")),),
        outputs=tuple(TensorSpec(name, shape, np.dtype("f4")) for name in ("y", "z")),
        weight_bytes=(4 * SIZE, 4 * SIZE),
        arena_bytes=16 * SIZE,
        live_bytes=12 * SIZE,
        separable=True,
    )
    report = Report((), (), (), 1, plan.arena_bytes, WEIGHTS.nbytes)
    kernels = {name: kernel(name) for name in BODIES}
    structure = {"tuple": [0, 1]}
    return Contents(
        host_code, WEIGHTS.view(np.uint8), plan, 1, triple, "", (), structure, report, kernels
    )


def _result(number: int, buffer: str, place: int) -> ResultPlace:
    index = {"arena": 0, "output:0": 3, "output:1": 4}[buffer]
    return ResultPlace(number, index, 4 * SIZE * place, (1, 4, 4, 4))


def expected(x: Array) -> list[Array]:
    """Return what `contents` computes, in the same order of sums."""
    first, second = WEIGHTS.reshape(2, 1, 4, 4, 4)
    return [np.float32(3) * x + first + np.float32(2) * second, x + first]
