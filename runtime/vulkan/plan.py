"""A network for a GPU: dispatches of kernels over ranges of a few buffers, in their order.

A plan is data that a runner in any language can follow: make the buffers, then each step. What
every Vulkan 1.1 device must offer bounds it, so a plan never has to be made for one device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.runtime.plan import PlannedLayer, ResultPlace, TensorSpec
from pattern_mlir.runtime.vulkan.spirv import Kernel, PlanError, read_kernel

ENTRY_POINT = "main"
"""The name of every kernel's entry point."""

MAXIMUM_BINDINGS = 4
"""Storage buffers of a kernel: bindings 0 to 3 of descriptor set 0 (Vulkan 1.1, table 53)."""

MAXIMUM_RANGE = 1 << 27
"""Bytes that a binding can reach (`maxStorageBufferRange`), so of a buffer of weights, too."""

MAXIMUM_INVOCATIONS = 128
"""Invocations of a workgroup (`maxComputeWorkGroupInvocations`)."""

MAXIMUM_SHARED = 16384
"""Bytes that a workgroup shares (`maxComputeSharedMemorySize`)."""

MAXIMUM_PUSH = 128
"""Bytes of push constants (`maxPushConstantsSize`)."""

MAXIMUM_GROUPS = 65535
"""Workgroups of a dispatch in each direction (`maxComputeWorkGroupCount`)."""

RANGE_ALIGNMENT = 256
"""What a dispatch's offsets are multiples of: the most that a device may ask for."""

BUFFER_ALIGNMENT = 16
"""Inputs and outputs end at a multiple of so many bytes, so that kernels may read whole vec4."""

HOST_ARENA, HOST_WEIGHTS = "host:arena", "host:weights"
"""Buffers of the processor's alone, which no kernel reaches."""

FEATURES = (
    "shaderFloat16",
    "shaderInt16",
    "shaderInt64",
    "shaderInt8",
    "storageBuffer16BitAccess",
    "storageBuffer8BitAccess",
)
"""Optional features that kernels may need, by Vulkan's names."""


@dataclass(frozen=True)
class Range:
    """A part of a buffer that a kernel or host layer uses.

    Attributes:
        buffer: `arena`, `weights:<k>`, `input:<k>` or `output:<k>`, k from 0; of host layers also
            `HOST_ARENA` and `HOST_WEIGHTS`. Weights are at most `MAXIMUM_RANGE` bytes each. Inputs
            and outputs are as the model has them, element after element, and end at a multiple of
            `BUFFER_ALIGNMENT` bytes.
        offset: where it begins, in bytes.
        size: in bytes.
        read_only: nothing is written to it; weights and inputs never are. Steps wait for each
            other where their ranges overlap and one of the two may write.
    """

    buffer: str
    offset: int
    size: int
    read_only: bool = False

    @property
    def end(self) -> int:
        """Where it ends, in bytes."""
        return self.offset + self.size

    @property
    def written(self) -> bool:
        """Whether it may be written to."""
        return not (self.read_only or self.buffer.startswith(("weights:", "input:", HOST_WEIGHTS)))

    def conflicts(self, other: Range) -> bool:
        """Whether one of two steps with these ranges must wait for the other."""
        return (
            self.buffer == other.buffer
            and (self.written or other.written)
            and self.offset < other.end
            and other.offset < self.end
        )


@dataclass(frozen=True)
class Dispatch:
    """A run of a kernel.

    Attributes:
        kernel: a name of the plan's kernels; its entry point is `main`.
        ranges: bindings 0, 1, … of descriptor set 0; offsets are multiples of `RANGE_ALIGNMENT`.
        groups: workgroups in x, y and z.
        push: push constants from byte 0 on, u32.
        layer: which of the plan's layers it computes, or a part of it.
    """

    kernel: str
    ranges: tuple[Range, ...]
    groups: tuple[int, int, int]
    push: tuple[int, ...]
    layer: int


@dataclass(frozen=True)
class HostLayer:
    """A layer that runs on the processor, over the same memory.

    Attributes:
        ranges: what its function `void layer(void *const buffers[], int64_t lo, int64_t hi)` finds
            in `buffers`, in order. Its name and the bounds are `symbol` and `extent` of the layer.
        layer: which of the plan's layers it is.
    """

    ranges: tuple[Range, ...]
    layer: int


@dataclass(frozen=True)
class VulkanPlan:
    """What runs, in order, and the memory around it.

    Attributes:
        layers: what is known of each layer, for times and comparisons. A host layer's `symbol` is
            its function in the host's object code. `ResultPlace.buffer` counts arena, weights as
            one, inputs, outputs, as for the host.
        steps: in the order in which they run; those of a layer follow each other.
        inputs: in the order of the model's arguments.
        outputs: in the order of the model's results.
        weight_bytes: of each buffer of weights; they lie one after the other among the packed
            weights. A kernel that needs more than `MAXIMUM_RANGE` is run for a part at a time.
        arena_bytes: memory for intermediate results.
        live_bytes: the most of it that is in use at a time.
        features: of `FEATURES`, those that kernels declare as capabilities.
        separable: whether a multiple of the images can be run part by part.
        host_arena_bytes: memory for intermediate results between host layers that follow each
            other.
        host_weight_bytes: of weights that host layers alone read, behind the others.
    """

    layers: tuple[PlannedLayer, ...]
    steps: tuple[Dispatch | HostLayer, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    weight_bytes: tuple[int, ...]
    arena_bytes: int
    live_bytes: int
    features: tuple[str, ...] = ()
    separable: bool = False
    host_arena_bytes: int = 0
    host_weight_bytes: int = 0

    @property
    def host_symbols(self) -> tuple[str, ...]:
        """The functions of the host's object code that steps call."""
        symbols = (self.layers[s.layer].symbol for s in self.steps if isinstance(s, HostLayer))
        return tuple(dict.fromkeys(symbols))


def tensor_bytes(spec: TensorSpec) -> int:
    """Return the bytes of the buffer of an input or output."""
    size = math.prod(spec.shape) * spec.dtype.itemsize
    return max(size + -size % BUFFER_ALIGNMENT, BUFFER_ALIGNMENT)


def buffer_sizes(plan: VulkanPlan) -> dict[str, int]:
    """Return the bytes of each buffer by its name."""
    return {
        "arena": plan.arena_bytes,
        **{f"weights:{k}": size for k, size in enumerate(plan.weight_bytes)},
        **{f"input:{k}": tensor_bytes(spec) for k, spec in enumerate(plan.inputs)},
        **{f"output:{k}": tensor_bytes(spec) for k, spec in enumerate(plan.outputs)},
        HOST_ARENA: plan.host_arena_bytes,
        HOST_WEIGHTS: plan.host_weight_bytes,
    }


def needed_barriers(steps: Sequence[Dispatch | HostLayer]) -> tuple[bool, ...]:
    """Return for each step whether it must wait for those before it.

    A wait covers all earlier steps, so a step is compared with those since the last wait only.
    """
    since: tuple[Range, ...] = ()
    barriers = []
    for step in steps:
        waits = any(own.conflicts(other) for own in step.ranges for other in since)
        since = step.ranges if waits else since + step.ranges
        barriers.append(waits)
    return tuple(barriers)


def check_plan(plan: VulkanPlan, kernels: Mapping[str, bytes], weight_bytes: int) -> None:
    """Raise PlanError unless ``plan`` stays within its buffers and every device's limits.

    Args:
        plan: to check.
        kernels: SPIR-V modules by name.
        weight_bytes: of all weights together.
    """
    sizes = buffer_sizes(plan)
    _require(
        min((*plan.weight_bytes, plan.host_weight_bytes)) >= 0
        and sum(plan.weight_bytes) + plan.host_weight_bytes == weight_bytes,
        f"there are {weight_bytes} bytes of weights, not {plan.weight_bytes} and"
        f" {plan.host_weight_bytes}",
    )
    shapes = [spec.shape for spec in (*plan.inputs, *plan.outputs)]
    _require(min(map(min, filter(None, shapes)), default=1) > 0, "an input or output is empty")
    _require(plan.arena_bytes >= plan.live_bytes >= 0, "the arena is smaller than what it holds")
    for name, size in sizes.items():
        most = math.inf if name in ("arena", HOST_ARENA, HOST_WEIGHTS) else MAXIMUM_RANGE
        _require(
            size <= most, f"{name} has {size} bytes, more than the {most} that a kernel reaches"
        )
    unknown = set(plan.features) - set(FEATURES)
    _require(not unknown, f"unknown features {sorted(unknown)}; known are {', '.join(FEATURES)}")
    _check_results(plan, sizes)
    read = {name: read_kernel(name, data) for name, data in kernels.items()}
    needed = {feature for kernel in read.values() for feature in kernel.features}
    _require(
        needed <= set(plan.features), f"kernels need {sorted(needed)}, which the plan does not"
    )
    for number, step in enumerate(plan.steps):
        where = f"step {number}"
        _require(0 <= step.layer < len(plan.layers), f"{where} is of layer {step.layer}")
        for own in step.ranges:
            size = sizes.get(own.buffer, -1)
            _require(
                0 <= own.offset < own.end <= size,
                f"{where} reaches {own.buffer} from {own.offset} to {own.end} of {size} bytes",
            )
        if isinstance(step, Dispatch):
            _check_dispatch(where, step, read)


def result_buffers(plan: VulkanPlan) -> list[str]:
    """Return the buffers that `ResultPlace.buffer` counts; no result lies among the weights."""
    tensors = [f"input:{k}" for k in range(len(plan.inputs))]
    return ["arena", "", *tensors, *(f"output:{k}" for k in range(len(plan.outputs)))]


def _check_results(plan: VulkanPlan, sizes: Mapping[str, int]) -> None:
    names = result_buffers(plan)
    for layer in plan.layers:
        result = layer.result
        if result is not None:
            name = names[result.buffer] if 0 <= result.buffer < len(names) else ""
            _require(
                result.offset >= 0
                and min(result.shape, default=1) > 0
                and _is_layout(result)
                and result.offset + result.bytes <= sizes.get(name, -1),
                f"the result of {layer.place} lies out of buffer {result.buffer}",
            )


def _is_layout(result: ResultPlace) -> bool:
    """Whether the sizes of a result's layout, if it has one, are such."""
    layout = result.layout
    if layout is None:
        return True
    return (
        isinstance(layout, BlockLayout)
        and len(result.shape) == 4
        and min(*layout.block, layout.pixels) > 0
        and min(layout.halo) >= 0
    )


def _check_dispatch(where: str, step: Dispatch, kernels: Mapping[str, Kernel]) -> None:
    _require(step.kernel in kernels, f"{where} runs '{step.kernel}', which is no kernel")
    kernel, bound = kernels[step.kernel], tuple(range(len(step.ranges)))
    _require(
        kernel.entry_points == (ENTRY_POINT,),
        f"kernel '{step.kernel}' has the entry points {kernel.entry_points}, not '{ENTRY_POINT}'",
    )
    _require(
        1 <= kernel.invocations <= MAXIMUM_INVOCATIONS,
        f"kernel '{step.kernel}' has workgroups of {kernel.invocations} invocations, from 1 to"
        f" {MAXIMUM_INVOCATIONS} may be",
    )
    _require(
        kernel.bindings == bound and len(bound) <= MAXIMUM_BINDINGS,
        f"{where} binds {len(bound)} ranges to kernel '{step.kernel}', which has bindings"
        f" {kernel.bindings}; there are at most {MAXIMUM_BINDINGS}",
    )
    _require(
        4 * len(step.push) == kernel.push,
        f"{where} pushes {4 * len(step.push)} bytes to kernel '{step.kernel}', which takes"
        f" {kernel.push}",
    )
    for binding, own in enumerate(step.ranges):
        _require(
            own.buffer not in (HOST_ARENA, HOST_WEIGHTS),
            f"{where} binds {own.buffer}, which the device has not",
        )
        _require(
            own.written or binding in kernel.read_only,
            f"{where} may write to {own.buffer}, which is only read",
        )
        _require(
            own.offset % RANGE_ALIGNMENT == 0 and own.size <= MAXIMUM_RANGE,
            f"{where} binds {own.size} bytes at {own.offset} of {own.buffer}; offsets are multiples"
            f" of {RANGE_ALIGNMENT}, sizes at most {MAXIMUM_RANGE}",
        )
    _require(
        all(1 <= count <= MAXIMUM_GROUPS for count in step.groups),
        f"{where} has {step.groups} workgroups; each number is from 1 to {MAXIMUM_GROUPS}",
    )
    _require(
        4 * len(step.push) <= MAXIMUM_PUSH and all(0 <= word < 1 << 32 for word in step.push),
        f"{where} has push constants that are no u32, or more than {MAXIMUM_PUSH} bytes of them",
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise PlanError(f"{message}; compile the model again")
