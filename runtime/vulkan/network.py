"""A network on an opened device: its buffers, pipelines and recorded commands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.jit import linked
from pattern_mlir.runtime.plan import PlannedLayer
from pattern_mlir.runtime.vulkan.device import Device, stamp, wait
from pattern_mlir.runtime.vulkan.failures import bindings, explained
from pattern_mlir.runtime.vulkan.memory import Buffer, Mirrored, fill
from pattern_mlir.runtime.vulkan.pipelines import Pipelines, Signature
from pattern_mlir.runtime.vulkan.plan import (
    BUFFER_ALIGNMENT,
    HOST_ARENA,
    HOST_WEIGHTS,
    Dispatch,
    HostLayer,
    Range,
    VulkanPlan,
    buffer_sizes,
    needed_barriers,
    result_buffers,
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class HostCode:
    """What host layers need: object code, and how many threads run it."""

    code: bytes = b""
    threads: int = 1
    chunk: int = 0


@dataclass(frozen=True)
class _Segment:
    """Steps from one wait of the host to the next: recorded commands, or layers of the host.

    Attributes:
        steps: numbers of the plan's steps.
        commands: empty for host layers.
        queries: with a time before the first step and after each; None where none are taken.
    """

    steps: tuple[int, ...]
    commands: Any = None
    queries: Any = None


class Network:
    """A plan on a device; one thread at a time may use it."""

    def __init__(
        self,
        device: Device,
        pipelines: Pipelines,
        plan: VulkanPlan,
        kernels: Mapping[str, bytes],
        weights: Array,
        host: HostCode,
        timeout: float,
    ) -> None:
        """Allocate and record what ``plan``, which `check_plan` accepts, says.

        Args:
            device: with the plan's features.
            pipelines: of the device.
            plan: to follow.
            kernels: SPIR-V by name.
            weights: bytes of the buffers of weights, one after the other.
            host: code of the plan's host layers.
            timeout: seconds that any wait for the device may take.
        """
        self.plan = plan
        self._device, self._timeout = device, timeout
        *self._weights, of_host = np.split(weights, np.cumsum(plan.weight_bytes, dtype=np.int64))
        self._host = {HOST_ARENA: aligned_bytes(plan.host_arena_bytes), HOST_WEIGHTS: of_host}
        self._mirrored = {
            name: Mirrored(device, max(size, BUFFER_ALIGNMENT), cached=name.startswith("output:"))
            for name, size in buffer_sizes(plan).items()
            if not name.startswith(("weights:", "host:"))
        }
        self._buffers = {name: own.buffer for name, own in self._mirrored.items()}
        kept = [Buffer(device, max(n, BUFFER_ALIGNMENT), mapped=False) for n in plan.weight_bytes]
        fill(device, kept, self._weights, timeout)
        self._buffers |= {f"weights:{number}": own for number, own in enumerate(kept)}
        dispatches = [step for step in plan.steps if isinstance(step, Dispatch)]
        signatures = {d.kernel: Signature(len(d.ranges), len(d.push)) for d in dispatches}
        self._pipelines = pipelines.make(kernels, signatures)
        self._sets = self._descriptor_sets(dispatches)
        self._link(host)
        self._segments = self._record(range(len(plan.steps)))
        self._timed: list[_Segment] = []
        self._single: list[tuple[PlannedLayer, list[_Segment]]] = []

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Run the network over ``inputs``, which fit the plan, into ``outputs``."""
        self._write_inputs(inputs)
        for segment in self._segments:
            self._run(segment)
        self._read_outputs(outputs)

    def profile(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> list[int]:
        """Run as `run` does, layers one after the other; return the nanoseconds of each."""
        if not self._timed:
            self._timed = self._record(range(len(self.plan.steps)), timed=True)
        self._write_inputs(inputs)
        nanoseconds = [0.0] * len(self.plan.layers)
        for segment in self._timed:
            for number, elapsed in zip(segment.steps, self._run(segment), strict=True):
                nanoseconds[self.plan.steps[number].layer] += elapsed
        self._read_outputs(outputs)
        return [round(own) for own in nanoseconds]

    def start_trace(self, inputs: Sequence[Array]) -> list[tuple[PlannedLayer, list[_Segment]]]:
        """Take ``inputs``; return the layers with what `run_layer` needs of each, in order."""
        if not self._single:
            steps = self.plan.steps
            groups = groupby(range(len(steps)), key=lambda number: steps[number].layer)
            self._single = [
                (self.plan.layers[layer], self._record(list(own), seen=True))
                for layer, own in groups
            ]
        self._write_inputs(inputs)
        return self._single

    def run_layer(self, layer: PlannedLayer, segments: Sequence[_Segment]) -> Array | None:
        """Run a layer of `start_trace`; return its result where the plan says where that lies."""
        for segment in segments:
            self._run(segment)
        if layer.result is None:
            return None
        name = result_buffers(self.plan)[layer.result.buffer]
        return layer.result.read(self._mirrored[name].host)

    def _write_inputs(self, inputs: Sequence[Array]) -> None:
        for number, array in enumerate(inputs):
            self._mirrored[f"input:{number}"].host[: array.nbytes] = _bytes(array)

    def _read_outputs(self, outputs: Sequence[Array]) -> None:
        for number, array in enumerate(outputs):
            _bytes(array)[:] = self._mirrored[f"output:{number}"].host[: array.nbytes]

    def _run(self, segment: _Segment) -> list[float]:
        """Run a segment; return the nanoseconds of its steps, zeros where it takes no times."""
        if segment.commands is None:
            return [self._run_on_host(self.plan.steps[number]) for number in segment.steps]
        self._device.submit(segment.commands, self._timeout)
        if segment.queries is None:
            return [0.0] * len(segment.steps)
        return self._device.times(segment.queries, len(segment.steps) + 1)

    def _link(self, host: HostCode) -> None:
        """Make the functions of host layers ready, if there are any."""
        layers = {
            step.layer: self.plan.layers[step.layer]
            for step in self.plan.steps
            if isinstance(step, HostLayer)
        }
        self._host_index = {layer: index for index, layer in enumerate(layers)}
        if layers:
            own = list(layers.values())
            self._library, self._instance = linked(host.code, own, host.threads, host.chunk)

    def _run_on_host(self, step: Dispatch | HostLayer) -> float:
        start = time.perf_counter_ns()
        self._instance.run_layer(
            self._host_index[step.layer], [self._address(own) for own in step.ranges]
        )
        return float(time.perf_counter_ns() - start)

    def _address(self, own: Range) -> int:
        kind, _, number = own.buffer.partition(":")
        if kind == "weights":
            return int(self._weights[int(number)].ctypes.data) + own.offset
        held = self._host.get(own.buffer)
        if held is None:
            held = self._mirrored[own.buffer].host
        return int(held.ctypes.data) + own.offset

    def _descriptor_sets(self, dispatches: Sequence[Dispatch]) -> dict[tuple[Range, ...], Any]:
        """Return a descriptor set for each tuple of ranges that ``dispatches`` bind."""
        vk, device = bindings(), self._device
        layouts = {d.ranges: self._pipelines[d.kernel].set_layout for d in dispatches}
        if not layouts:
            return {}
        kind = vk.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
        size = vk.VkDescriptorPoolSize(type=kind, descriptorCount=max(sum(map(len, layouts)), 1))
        with explained("binding buffers", device.info.name):
            creation = vk.VkDescriptorPoolCreateInfo(
                maxSets=len(layouts), poolSizeCount=1, pPoolSizes=[size]
            )
            pool = vk.vkCreateDescriptorPool(device.handle, creation, None)
            device.keep(vk.vkDestroyDescriptorPool, pool)
            allocation = vk.VkDescriptorSetAllocateInfo(
                descriptorPool=pool,
                descriptorSetCount=len(layouts),
                pSetLayouts=list(layouts.values()),
            )
            made = vk.vkAllocateDescriptorSets(device.handle, allocation)
            sets = {ranges: made[number] for number, ranges in enumerate(layouts)}
            writes = [
                vk.VkWriteDescriptorSet(
                    dstSet=sets[ranges],
                    dstBinding=binding,
                    descriptorCount=1,
                    descriptorType=kind,
                    pBufferInfo=[
                        vk.VkDescriptorBufferInfo(
                            buffer=self._buffers[own.buffer].handle,
                            offset=own.offset,
                            range=own.size,
                        )
                    ],
                )
                for ranges in sets
                for binding, own in enumerate(ranges)
            ]
            vk.vkUpdateDescriptorSets(device.handle, len(writes), writes, 0, None)
        return sets

    def _record(
        self, steps: Sequence[int], timed: bool = False, seen: bool = False
    ) -> list[_Segment]:
        """Return segments that run these ``steps`` of the plan.

        Where there are host layers, or results shall be ``seen``, this process and the device hold
        the same in all buffers between segments; else in inputs and outputs.
        """
        of_host = [isinstance(self.plan.steps[number], HostLayer) for number in steps]
        everything = seen or bool(self._host_index)
        uploads = [own for name, own in self._mirrored.items() if everything or "input" in name]
        downloads = [own for name, own in self._mirrored.items() if everything or "output" in name]
        segments = []
        for host, group in groupby(zip(steps, of_host, strict=True), key=lambda own: own[1]):
            own = tuple(number for number, _ in group)
            recorded = _Segment(own) if host else self._recorded(own, timed, uploads, downloads)
            segments.append(recorded)
        return segments

    def _recorded(
        self,
        steps: tuple[int, ...],
        timed: bool,
        uploads: Sequence[Mirrored],
        downloads: Sequence[Mirrored],
    ) -> _Segment:
        """Return a segment of dispatches, between what is copied before and after it."""
        vk, device = bindings(), self._device
        with explained("recording commands", device.info.name):
            commands = device.command_buffer()
            queries = device.query_pool(len(steps) + 1) if timed else None
            vk.vkBeginCommandBuffer(commands, vk.VkCommandBufferBeginInfo())
            for own in uploads:
                own.record_upload(commands)
            wait(commands)
            if queries is not None:
                vk.vkCmdResetQueryPool(commands, queries, 0, len(steps) + 1)
                stamp(commands, queries, 0)
            self._record_steps(commands, steps, queries)
            wait(commands)
            for own in downloads:
                own.record_download(commands)
            wait(commands)
            vk.vkEndCommandBuffer(commands)
        return _Segment(steps, commands, queries)

    def _record_steps(self, commands: Any, steps: Sequence[int], queries: Any) -> None:
        """Record dispatches; where times are taken, one waits for the other."""
        vk = bindings()
        own = [self.plan.steps[number] for number in steps]
        for place, (step, waits) in enumerate(zip(own, needed_barriers(own), strict=True)):
            assert isinstance(step, Dispatch)
            if waits or (queries is not None and place > 0):
                wait(commands)
            pipeline = self._pipelines[step.kernel]
            vk.vkCmdBindPipeline(commands, vk.VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle)
            if step.ranges:
                vk.vkCmdBindDescriptorSets(
                    commands,
                    vk.VK_PIPELINE_BIND_POINT_COMPUTE,
                    pipeline.layout,
                    0,
                    1,
                    [self._sets[step.ranges]],
                    0,
                    None,
                )
            if step.push:
                words = np.array(step.push, np.uint32)
                data = vk.ffi.from_buffer(words)
                stage = vk.VK_SHADER_STAGE_COMPUTE_BIT
                vk.vkCmdPushConstants(commands, pipeline.layout, stage, 0, words.nbytes, data)
            vk.vkCmdDispatch(commands, *step.groups)
            if queries is not None:
                stamp(commands, queries, place + 1)


def _bytes(array: Array) -> Array:
    """Return the bytes of an array whose elements lie one after the other."""
    return array.reshape(-1).view(np.uint8)
