"""Pipelines: kernels as a driver compiled them, and the cache on disk that spares it from that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pattern_mlir.parameters import atomic_file
from pattern_mlir.runtime.vulkan.device import Device, DeviceInfo
from pattern_mlir.runtime.vulkan.failures import VulkanFailure, bindings, explained
from pattern_mlir.runtime.vulkan.plan import ENTRY_POINT

DIGEST = 32
"""Bytes of the SHA-256 before a cache's data: drivers may trust what they are given."""


def cache_folder() -> Path:
    """Return the folder under the user's for caches; raise VulkanFailure where none is known."""
    try:
        from platformdirs import user_cache_path
    except ImportError:
        raise VulkanFailure(
            "running on a GPU needs platformdirs: pip install 'pattern-mlir[vulkan]'"
        ) from None
    return user_cache_path("pattern_mlir") / "vulkan"


class CacheFile:
    """What a driver made of some kernels, on disk; it is of one device, driver and set of kernels.

    A folder that cannot be written to costs time, nothing else: then nothing is kept.

    Attributes:
        path: where it lies, under the user's folder for caches.
        data: what it held when it was opened; empty where there was none, or it was damaged.
    """

    def __init__(self, info: DeviceInfo, kernels: Mapping[str, bytes]) -> None:
        """Read the file of ``kernels`` on the device ``info``, if there is one."""
        digest = hashlib.sha256(info.identity.encode())
        for data in sorted(kernels.values()):
            digest.update(hashlib.sha256(data).digest())
        self.path: Path = cache_folder() / digest.hexdigest()
        try:
            found = self.path.read_bytes()
        except OSError:
            found = b""
        data = found[DIGEST:]
        self.data = data if hashlib.sha256(data).digest() == found[:DIGEST] else b""

    def store(self, data: bytes) -> None:
        """Keep ``data``, if that is something else than the file held."""
        if data == self.data:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(self.path) as temporary:
                temporary.write_bytes(hashlib.sha256(data).digest() + data)
        except OSError:
            return


@dataclass(frozen=True)
class Signature:
    """What a pipeline's layout depends on: how many buffers and push constants a kernel has."""

    bindings: int
    push: int


@dataclass(frozen=True)
class Pipeline:
    """A compiled kernel, with handles of Vulkan."""

    handle: Any
    layout: Any
    set_layout: Any


class Pipelines:
    """Makes pipelines on a device, out of a cache where that has them."""

    def __init__(self, device: Device, data: bytes = b"") -> None:
        """Begin with the cache's ``data``, which `data` returned for this device and driver."""
        vk = bindings()
        self._device = device
        self._layouts: dict[Signature, tuple[Any, Any]] = {}
        creation = vk.VkPipelineCacheCreateInfo(
            initialDataSize=len(data), pInitialData=vk.ffi.from_buffer(data) if data else None
        )
        with explained("opening a pipeline cache", device.info.name):
            cache = vk.vkCreatePipelineCache(device.handle, creation, None)
            self._cache = device.keep(vk.vkDestroyPipelineCache, cache)

    @property
    def data(self) -> bytes:
        """What the cache holds, for the next process; empty where the driver does not say."""
        vk = bindings()
        # The bindings have no function for this call.
        read, size = vk.lib.vkGetPipelineCacheData, vk.ffi.new("size_t*")
        read(self._device.handle, self._cache, size, vk.ffi.NULL)
        data = vk.ffi.new("char[]", size[0])
        whole = read(self._device.handle, self._cache, size, data) == vk.VK_SUCCESS
        return bytes(vk.ffi.buffer(data, size[0])) if whole else b""

    def make(
        self, kernels: Mapping[str, bytes], signatures: Mapping[str, Signature]
    ) -> dict[str, Pipeline]:
        """Return a pipeline for each of ``signatures``, which are by the names of ``kernels``."""
        vk, device = bindings(), self._device
        with explained("compiling kernels", device.info.name):
            layouts = {name: self._layout(own) for name, own in signatures.items()}
            # What stages point to lives as long as they do.
            stages = {name: self._stage(kernels[name]) for name in signatures}
            creations = [
                vk.VkComputePipelineCreateInfo(stage=stage, layout=layouts[name][0])
                for name, stage in stages.items()
            ]
            if not creations:
                return {}
            made = vk.vkCreateComputePipelines(
                device.handle, self._cache, len(creations), creations, None
            )
        return {
            name: Pipeline(device.keep(vk.vkDestroyPipeline, made[i]), *layouts[name])
            for i, name in enumerate(signatures)
        }

    def _stage(self, kernel: bytes) -> Any:
        vk, device = bindings(), self._device
        creation = vk.VkShaderModuleCreateInfo(codeSize=len(kernel), pCode=kernel)
        module = vk.vkCreateShaderModule(device.handle, creation, None)
        device.keep(vk.vkDestroyShaderModule, module)
        return vk.VkPipelineShaderStageCreateInfo(
            stage=vk.VK_SHADER_STAGE_COMPUTE_BIT, module=module, pName=ENTRY_POINT
        )

    def _layout(self, signature: Signature) -> tuple[Any, Any]:
        """Return the layouts of the pipeline and of its descriptor set, one for each signature."""
        if signature not in self._layouts:
            vk, device = bindings(), self._device
            buffers = [
                vk.VkDescriptorSetLayoutBinding(
                    binding=number,
                    descriptorType=vk.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                    descriptorCount=1,
                    stageFlags=vk.VK_SHADER_STAGE_COMPUTE_BIT,
                )
                for number in range(signature.bindings)
            ]
            creation = vk.VkDescriptorSetLayoutCreateInfo(
                bindingCount=len(buffers), pBindings=buffers
            )
            set_layout = vk.vkCreateDescriptorSetLayout(device.handle, creation, None)
            device.keep(vk.vkDestroyDescriptorSetLayout, set_layout)
            push = [
                vk.VkPushConstantRange(
                    stageFlags=vk.VK_SHADER_STAGE_COMPUTE_BIT, offset=0, size=4 * signature.push
                )
            ]
            creation = vk.VkPipelineLayoutCreateInfo(
                setLayoutCount=1,
                pSetLayouts=[set_layout],
                pushConstantRangeCount=min(signature.push, 1),
                pPushConstantRanges=push if signature.push else None,
            )
            layout = vk.vkCreatePipelineLayout(device.handle, creation, None)
            device.keep(vk.vkDestroyPipelineLayout, layout)
            self._layouts[signature] = layout, set_layout
        return self._layouts[signature]
