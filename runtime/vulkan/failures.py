"""What can go wrong with a GPU: one exception for each remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pattern_mlir.runtime.library import RuntimeFailure


class VulkanFailure(RuntimeFailure):
    """Vulkan is missing, or refuses a call."""


class NoDevice(VulkanFailure):
    """There is no such device."""


class MissingFeature(VulkanFailure):
    """The device lacks what a network's kernels need."""


class OutOfMemory(VulkanFailure):
    """The device, or this machine, has not enough memory for a network."""


class DeviceLost(VulkanFailure):
    """The driver gave the device up; nothing runs on it any more."""


class DeviceTimeout(VulkanFailure):
    """The device did not finish in time; nothing more is run on it."""


class WrongResults(VulkanFailure):
    """The driver computes something else than the self-test's kernel says."""


def bindings() -> Any:
    """Return the module `vulkan`; raise VulkanFailure where it, or the loader, is missing."""
    try:
        import vulkan
    except ImportError:
        raise VulkanFailure(
            "running on a GPU needs Vulkan's bindings: pip install 'pattern-mlir[vulkan]'"
        ) from None
    except OSError:
        raise VulkanFailure(
            "there is no Vulkan loader; install it (Debian: libvulkan1) and a driver"
        ) from None
    return vulkan


@contextmanager
def explained(action: str, device: str) -> Iterator[None]:
    """Raise what Vulkan raises during ``action``, such as `loading`, as a VulkanFailure."""
    vk = bindings()
    try:
        yield
    except vk.VkErrorDeviceLost:
        raise DeviceLost(
            f"{device} was lost while {action}: its driver stopped it, or it was taken away; load"
            " the network again, with a newer driver if that repeats, or run it on the host"
        ) from None
    except (vk.VkErrorOutOfDeviceMemory, vk.VkErrorOutOfHostMemory, vk.VkErrorMemoryMapFailed):
        raise OutOfMemory(
            f"{device} has not enough memory left for {action}; close other programs, or export"
            " the model for fewer or smaller images"
        ) from None
    except (vk.VkErrorFeatureNotPresent, vk.VkErrorExtensionNotPresent):
        raise MissingFeature(
            f"the driver of {device} offers a feature that it refuses for {action}; update it"
        ) from None
    except (vk.VkError, vk.VkException) as error:
        raise VulkanFailure(
            f"Vulkan refuses {action} on {device} ({type(error).__name__}); update its driver, or"
            " run on another device"
        ) from None
