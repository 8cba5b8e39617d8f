"""Vulkan devices: which there are, and one opened with the features that a network needs."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pattern_mlir.errors import did_you_mean
from pattern_mlir.runtime.vulkan.failures import (
    DeviceTimeout,
    MissingFeature,
    NoDevice,
    VulkanFailure,
    bindings,
    explained,
)

NAME = "vulkan"
"""How words for devices begin: `vulkan`, `vulkan:0`, `vulkan:part of a name`."""

VERSION = (1, 1)
"""Major and minor version of Vulkan that devices need."""

DEVICE_KINDS = ("other", "integrated GPU", "discrete GPU", "virtual GPU", "CPU")
"""Kinds of devices in the order of VkPhysicalDeviceType."""

PREFERRED = ("discrete GPU", "integrated GPU", "virtual GPU", "other", "CPU")
"""Which device is taken where none is named."""

_FEATURE_GROUPS = {
    "": ("shaderInt16", "shaderInt64"),
    "VkPhysicalDevice16BitStorageFeatures": ("storageBuffer16BitAccess",),
    "VkPhysicalDevice8BitStorageFeatures": ("storageBuffer8BitAccess",),
    "VkPhysicalDeviceShaderFloat16Int8Features": ("shaderFloat16", "shaderInt8"),
}
"""Optional features by the structure that holds them; those of Vulkan 1.0 first."""

_EXTENSIONS = {
    "VkPhysicalDevice8BitStorageFeatures": "VK_KHR_8bit_storage",
    "VkPhysicalDeviceShaderFloat16Int8Features": "VK_KHR_shader_float16_int8",
}
"""What a structure needs that is not in Vulkan 1.1."""


@dataclass(frozen=True)
class DeviceInfo:
    """A device that there is.

    Attributes:
        index: its place in the driver's list, as in `vulkan:0`.
        name: as its driver calls it.
        kind: one of `DEVICE_KINDS`.
        version: major, minor and patch of the Vulkan that it offers.
        driver: its driver's version, in the vendor's own form.
        identity: what a pipeline cache is for: vendor, device and the driver's own mark.
        features: of `pattern_mlir.runtime.vulkan.plan.FEATURES`, those that it has.
        memory_bytes: of its largest heap.
    """

    index: int
    name: str
    kind: str
    version: tuple[int, int, int]
    driver: int
    identity: str
    features: tuple[str, ...]
    memory_bytes: int

    @property
    def is_gpu(self) -> bool:
        """Whether it is more than a driver that computes on the processor."""
        return self.kind != "CPU"

    def __str__(self) -> str:
        """Return a line that says what it is."""
        version = ".".join(map(str, self.version))
        return (
            f"{NAME}:{self.index}  {self.name}: {self.kind}, Vulkan {version}, driver"
            f" {self.driver:#x}, {self.memory_bytes / 1e9:.1f} GB;"
            f" {', '.join(self.features) or 'no optional features'}"
        )


def devices() -> tuple[DeviceInfo, ...]:
    """Return the devices of this machine; raise VulkanFailure where Vulkan is missing."""
    return tuple(_info(index, own) for index, own in enumerate(_physical_devices()))


def find_device(word: str) -> DeviceInfo:
    """Return the device that ``word`` names: `vulkan`, `vulkan:0` or `vulkan:part of its name`.

    `vulkan` alone is the first of the kinds of `PREFERRED`.

    Raises:
        NoDevice: there is none, or several have such a name.
        VulkanFailure: Vulkan is missing.
    """
    prefix, _, choice = word.partition(":")
    if prefix != NAME:
        raise NoDevice(f"unknown device '{word}'{did_you_mean(word, [NAME])}; write vulkan:0")
    found = devices()
    if not found:
        raise NoDevice(
            "no device offers Vulkan here; install a driver for one (Debian: mesa-vulkan-drivers)"
        )
    if not choice:
        return min(found, key=lambda own: PREFERRED.index(own.kind))
    if choice.isdecimal():
        chosen = [own for own in found if own.index == int(choice)]
    else:
        chosen = [own for own in found if choice.lower() in own.name.lower()]
    if len(chosen) != 1:
        known = ", ".join(f"{NAME}:{own.index} ({own.name})" for own in found)
        raise NoDevice(f"'{word}' names {len(chosen)} devices; there are {known}")
    return chosen[0]


@functools.cache
def _instance() -> tuple[Any, Any]:
    """Return the process's instance of Vulkan, and what destroys it when the process ends."""
    vk = bindings()
    application = vk.VkApplicationInfo(
        pApplicationName="pattern_mlir", apiVersion=vk.VK_MAKE_VERSION(*VERSION, 0)
    )
    try:
        handle = vk.vkCreateInstance(vk.VkInstanceCreateInfo(pApplicationInfo=application), None)
    except (vk.VkErrorIncompatibleDriver, vk.VkErrorInitializationFailed):
        raise NoDevice(
            "no driver offers Vulkan here; install one (Debian: mesa-vulkan-drivers)"
        ) from None
    # Devices are made later, and so closed before it.
    return handle, weakref.finalize(bindings, vk.vkDestroyInstance, handle, None)


def _physical_devices() -> list[Any]:
    with explained("listing devices", "this machine"):
        return list(bindings().vkEnumeratePhysicalDevices(_instance()[0]))


def _info(index: int, physical: Any) -> DeviceInfo:
    vk = bindings()
    known = vk.vkGetPhysicalDeviceProperties(physical)
    heaps = vk.vkGetPhysicalDeviceMemoryProperties(physical)
    uuid = bytes(known.pipelineCacheUUID[i] for i in range(vk.VK_UUID_SIZE)).hex()
    return DeviceInfo(
        index=index,
        name=known.deviceName,
        kind=DEVICE_KINDS[known.deviceType] if known.deviceType < len(DEVICE_KINDS) else "other",
        version=(
            vk.VK_VERSION_MAJOR(known.apiVersion),
            vk.VK_VERSION_MINOR(known.apiVersion),
            vk.VK_VERSION_PATCH(known.apiVersion),
        ),
        driver=known.driverVersion,
        identity=f"{known.vendorID:x}-{known.deviceID:x}-{known.driverVersion:x}-{uuid}",
        features=_features(physical),
        memory_bytes=max(heaps.memoryHeaps[i].size for i in range(heaps.memoryHeapCount)),
    )


def _features(physical: Any) -> tuple[str, ...]:
    """Return the optional features that a device has."""
    vk = bindings()
    offered = {own.extensionName for own in vk.vkEnumerateDeviceExtensionProperties(physical, None)}
    basic = vk.vkGetPhysicalDeviceFeatures(physical)
    found = [name for name in _FEATURE_GROUPS[""] if getattr(basic, name)]
    for structure, names in _FEATURE_GROUPS.items():
        if structure and _EXTENSIONS.get(structure) in (None, *offered):
            asked = getattr(vk, structure)()
            vk.vkGetPhysicalDeviceFeatures2(physical, vk.VkPhysicalDeviceFeatures2(pNext=asked))
            found += [name for name in names if getattr(asked, name)]
    return tuple(sorted(found))


class Device:
    """An opened device: a queue, and everything that was made on it, until it is closed.

    Attributes:
        info: which it is.
        handle: of Vulkan.
        unified: whether it shares its memory with the processor, so that all of it is mapped.
    """

    def __init__(self, info: DeviceInfo, features: Sequence[str] = ()) -> None:
        """Open the device ``info`` with ``features``.

        Raises:
            MissingFeature: it lacks one, or is older than Vulkan 1.1.
            VulkanFailure: it cannot be opened.
        """
        self.info = info
        self.unified = info.kind != "discrete GPU"
        _check_offers(info, features)
        self._physical = _physical_devices()[info.index]
        self._stack = ExitStack()
        self._close = weakref.finalize(self, self._stack.close)
        vk = bindings()
        families = vk.vkGetPhysicalDeviceQueueFamilyProperties(self._physical)
        self._family = _compute_family([family.queueFlags for family in families], info.name)
        self._timestamp_bits = families[self._family].timestampValidBits
        with explained("opening", info.name):
            # Kept until the call: structures point to what it holds.
            queue = vk.VkDeviceQueueCreateInfo(
                queueFamilyIndex=self._family, queueCount=1, pQueuePriorities=[1.0]
            )
            creation = _creation(queue, features)
            self.handle = vk.vkCreateDevice(self._physical, creation, None)
            self.keep(vk.vkDestroyDevice)
            self._queue = vk.vkGetDeviceQueue(self.handle, self._family, 0)
            fence = vk.vkCreateFence(self.handle, vk.VkFenceCreateInfo(), None)
            self._fence = self.keep(vk.vkDestroyFence, fence)
            creation = vk.VkCommandPoolCreateInfo(queueFamilyIndex=self._family)
            pool = vk.vkCreateCommandPool(self.handle, creation, None)
            self._pool = self.keep(vk.vkDestroyCommandPool, pool)

    def keep(self, destroy: Callable[..., None], *handle: Any) -> Any:
        """Call ``destroy`` for ``handle``, if any, when the device is closed; return the handle."""
        self._stack.callback(destroy, self.handle, *handle, None)
        return handle[0] if handle else None

    def close(self) -> None:
        """Destroy everything that was made on the device. Closing twice does nothing."""
        self._close()

    def abandon(self) -> None:
        """Leave everything to the end of the process: a device that hangs would not end here."""
        self._stack.pop_all()
        _instance()[1].detach()

    @property
    def memory_types(self) -> list[int]:
        """The property flags of each type of memory."""
        known = bindings().vkGetPhysicalDeviceMemoryProperties(self._physical)
        return [known.memoryTypes[i].propertyFlags for i in range(known.memoryTypeCount)]

    def command_buffer(self) -> Any:
        """Return a new command buffer, which is freed with the device."""
        vk = bindings()
        allocation = vk.VkCommandBufferAllocateInfo(
            commandPool=self._pool, level=vk.VK_COMMAND_BUFFER_LEVEL_PRIMARY, commandBufferCount=1
        )
        return vk.vkAllocateCommandBuffers(self.handle, allocation)[0]

    def query_pool(self, count: int) -> Any:
        """Return a pool of ``count`` times; raise MissingFeature where the device has no clock."""
        if self._timestamp_bits == 0:
            raise MissingFeature(f"{self.info.name} has no clock to time layers by")
        vk = bindings()
        creation = vk.VkQueryPoolCreateInfo(queryType=vk.VK_QUERY_TYPE_TIMESTAMP, queryCount=count)
        pool = vk.vkCreateQueryPool(self.handle, creation, None)
        return self.keep(vk.vkDestroyQueryPool, pool)

    def times(self, pool: Any, count: int) -> list[float]:
        """Return the nanoseconds between the ``count`` times of a pool, which are all taken."""
        vk = bindings()
        stamps = vk.ffi.new(f"uint64_t[{count}]")
        place = vk.ffi.sizeof(stamps), stamps, 8, vk.VK_QUERY_RESULT_64_BIT
        with explained("reading times", self.info.name):
            vk.vkGetQueryPoolResults(self.handle, pool, 0, count, *place)
        period = vk.vkGetPhysicalDeviceProperties(self._physical).limits.timestampPeriod
        mask = (1 << self._timestamp_bits) - 1
        return [period * ((after - before) & mask) for before, after in pairwise(list(stamps))]

    def submit(self, commands: Any, timeout: float) -> None:
        """Run a recorded command buffer and wait until it is done, for ``timeout`` s at most.

        Raises:
            DeviceTimeout: it was not.
            VulkanFailure: the device was lost, or has no memory for it.
        """
        vk = bindings()
        submission = vk.VkSubmitInfo(commandBufferCount=1, pCommandBuffers=[commands])
        with explained("running", self.info.name):
            vk.vkResetFences(self.handle, 1, [self._fence])
            vk.vkQueueSubmit(self._queue, 1, [submission], self._fence)
            try:
                wait = [self._fence], vk.VK_TRUE, int(timeout * 1e9)
                vk.vkWaitForFences(self.handle, 1, *wait)
            except vk.VkTimeout:
                self.abandon()
                raise DeviceTimeout(
                    f"{self.info.name} did not finish within {timeout:g} s; load the network again"
                    " with a longer timeout, or run it on a faster device"
                ) from None


def _creation(queue: Any, features: Sequence[str]) -> Any:
    """Return what a device is made by: a ``queue``, and ``features`` with what they need."""
    vk, chain, extensions = bindings(), None, []
    for structure, names in _FEATURE_GROUPS.items():
        wanted = {name: vk.VK_TRUE for name in names if name in features}
        if structure and wanted:
            chain = getattr(vk, structure)(pNext=chain, **wanted)
            extensions += [_EXTENSIONS[structure]] if structure in _EXTENSIONS else []
    basic = {name: vk.VK_TRUE for name in _FEATURE_GROUPS[""] if name in features}
    return vk.VkDeviceCreateInfo(
        pNext=chain,
        queueCreateInfoCount=1,
        pQueueCreateInfos=[queue],
        enabledExtensionCount=len(extensions),
        ppEnabledExtensionNames=extensions,
        pEnabledFeatures=vk.VkPhysicalDeviceFeatures(**basic),
    )


def _check_offers(info: DeviceInfo, features: Sequence[str]) -> None:
    if info.version < VERSION:
        raise MissingFeature(
            f"{info.name} offers Vulkan {info.version[0]}.{info.version[1]}, networks need"
            f" {VERSION[0]}.{VERSION[1]}; update its driver"
        )
    missing = [name for name in features if name not in info.features]
    if missing:
        raise MissingFeature(
            f"{info.name} lacks {', '.join(missing)}, which the network's kernels need; compile it"
            " without 16-bit types, or run it on another device"
        )


def _compute_family(flags: Sequence[int], name: str) -> int:
    """Return the queue family to use: one for computing alone would not wait for graphics."""
    vk = bindings()
    computing = [i for i, own in enumerate(flags) if own & vk.VK_QUEUE_COMPUTE_BIT]
    if not computing:
        raise VulkanFailure(f"{name} has no queue for computing; run on another device")
    return min(computing, key=lambda i: (bool(flags[i] & vk.VK_QUEUE_GRAPHICS_BIT), i))


def wait(commands: Any) -> None:
    """Record that what follows waits for what came before, and sees what that wrote."""
    vk = bindings()
    stages = vk.VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | vk.VK_PIPELINE_STAGE_TRANSFER_BIT
    barrier = vk.VkMemoryBarrier(
        srcAccessMask=vk.VK_ACCESS_MEMORY_WRITE_BIT,
        dstAccessMask=vk.VK_ACCESS_MEMORY_READ_BIT | vk.VK_ACCESS_MEMORY_WRITE_BIT,
    )
    seeing = stages | vk.VK_PIPELINE_STAGE_HOST_BIT
    vk.vkCmdPipelineBarrier(commands, stages, seeing, 0, 1, [barrier], 0, None, 0, None)


def stamp(commands: Any, pool: Any, place: int) -> None:
    """Record that the time at which all before is done goes to ``place`` of a query pool."""
    vk = bindings()
    vk.vkCmdWriteTimestamp(commands, vk.VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, place)
