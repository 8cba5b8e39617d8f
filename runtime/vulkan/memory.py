"""Buffers on a device, and how what is in them gets there and back."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.runtime.vulkan.device import Device, wait
from pattern_mlir.runtime.vulkan.failures import VulkanFailure, bindings, explained

Array = npt.NDArray[Any]

DEVICE_LOCAL, HOST_VISIBLE, HOST_COHERENT, HOST_CACHED = 1, 2, 4, 8
"""Properties of memory: VkMemoryPropertyFlagBits."""

MAPPED = HOST_VISIBLE | HOST_COHERENT
"""What mapped memory needs, so that writes are seen without more ado."""


def memory_type(types: Sequence[int], allowed: int, needed: int, wished: Sequence[int]) -> int:
    """Return the type of memory to take: with all ``needed`` properties and the most of ``wished``.

    Args:
        types: properties of each type.
        allowed: a bit for each type that may be taken.
        needed: properties that it must have.
        wished: properties, the most important first.

    Raises:
        VulkanFailure: there is none.
    """
    fitting = [i for i, own in enumerate(types) if allowed >> i & 1 and own & needed == needed]
    if not fitting:
        raise VulkanFailure("the device has no memory of the kind that it asks for itself")
    return max(fitting, key=lambda i: ([bool(types[i] & wish) for wish in wished], -i))


class Buffer:
    """A buffer that kernels use, in the device's own memory.

    Attributes:
        handle: of Vulkan.
        size: in bytes.
        host: its bytes in this process; None where it is not mapped.
    """

    def __init__(self, device: Device, size: int, mapped: bool, cached: bool = False) -> None:
        """Allocate ``size`` bytes.

        Args:
            device: on which.
            size: above 0.
            mapped: so that the processor sees them, too.
            cached: for a processor that reads them.

        Raises:
            OutOfMemory: there is no memory left.
        """
        vk = bindings()
        self.size = size
        self.host: Array | None = None
        usage = (
            vk.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
            | vk.VK_BUFFER_USAGE_TRANSFER_SRC_BIT
            | vk.VK_BUFFER_USAGE_TRANSFER_DST_BIT
        )
        creation = vk.VkBufferCreateInfo(
            size=size, usage=usage, sharingMode=vk.VK_SHARING_MODE_EXCLUSIVE
        )
        with explained(f"{size / 1e6:.1f} MB of buffers", device.info.name):
            self.handle = vk.vkCreateBuffer(device.handle, creation, None)
            device.keep(vk.vkDestroyBuffer, self.handle)
            needs = vk.vkGetBufferMemoryRequirements(device.handle, self.handle)
            kind = memory_type(
                device.memory_types,
                needs.memoryTypeBits,
                MAPPED if mapped else 0,
                (HOST_CACHED, DEVICE_LOCAL) if cached else (DEVICE_LOCAL,),
            )
            allocation = vk.VkMemoryAllocateInfo(allocationSize=needs.size, memoryTypeIndex=kind)
            memory = vk.vkAllocateMemory(device.handle, allocation, None)
            device.keep(vk.vkFreeMemory, memory)
            vk.vkBindBufferMemory(device.handle, self.handle, memory, 0)
            if mapped:
                self.host = np.frombuffer(vk.vkMapMemory(device.handle, memory, 0, size, 0), "u1")


class Mirrored:
    """A buffer that this process reads or writes: mapped where the device shares its memory.

    Elsewhere a second, mapped buffer holds the same, and copies go between the two.

    Attributes:
        buffer: what kernels use.
    """

    def __init__(self, device: Device, size: int, cached: bool = False) -> None:
        """Allocate ``size`` bytes on ``device``; ``cached`` for a processor that reads them."""
        self._device, self._cached = device, cached
        self.buffer = Buffer(device, size, device.unified, cached)

    @functools.cached_property
    def _mapped(self) -> Buffer:
        if self.buffer.host is not None:
            return self.buffer
        return Buffer(self._device, self.buffer.size, True, self._cached)

    @property
    def host(self) -> Array:
        """Its bytes in this process."""
        assert self._mapped.host is not None
        return self._mapped.host

    def record_upload(self, commands: Any) -> None:
        """Record that the device shall hold what the host's bytes are, where these are apart."""
        self._record(commands, self._mapped, self.buffer)

    def record_download(self, commands: Any) -> None:
        """Record that the host's bytes shall be what the device holds, where these are apart."""
        self._record(commands, self.buffer, self._mapped)

    def _record(self, commands: Any, source: Buffer, target: Buffer) -> None:
        if source is not target:
            _copy(commands, source, target, 0, source.size)


CHUNK = 1 << 24
"""Bytes that are copied at a time to a buffer that is not mapped."""


def fill(
    device: Device, buffers: Sequence[Buffer], arrays: Sequence[Array], timeout: float
) -> None:
    """Copy each of ``arrays``, of bytes, to its buffer, which need not be mapped.

    Raises:
        VulkanFailure: the device is out of memory, was lost, or did not finish in ``timeout`` s.
    """
    vk = bindings()
    largest = max((array.nbytes for array in arrays), default=0)
    if largest == 0:
        return
    stage = Buffer(device, min(largest, CHUNK), mapped=True)
    assert stage.host is not None
    for buffer, array in zip(buffers, arrays, strict=True):
        for start in range(0, array.nbytes, CHUNK):
            part = array[start : start + CHUNK]
            stage.host[: part.nbytes] = part
            with explained("recording commands", device.info.name):
                commands = device.command_buffer()
                vk.vkBeginCommandBuffer(commands, vk.VkCommandBufferBeginInfo())
                _copy(commands, stage, buffer, start, part.nbytes)
                wait(commands)
                vk.vkEndCommandBuffer(commands)
            device.submit(commands, timeout)


def _copy(commands: Any, source: Buffer, target: Buffer, offset: int, size: int) -> None:
    """Record a copy of the first ``size`` bytes of ``source`` to ``offset`` of ``target``."""
    vk = bindings()
    region = vk.VkBufferCopy(srcOffset=0, dstOffset=offset, size=size)
    vk.vkCmdCopyBuffer(commands, source.handle, target.handle, 1, [region])
