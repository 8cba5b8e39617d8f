"""Networks on a GPU, as `pattern_mlir.runtime.jit` runs them on the processor."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.runtime.plan import PlannedLayer, TensorSpec, parts_of_run
from pattern_mlir.runtime.vulkan import self_test
from pattern_mlir.runtime.vulkan.choice import chosen_plan
from pattern_mlir.runtime.vulkan.device import Device, DeviceInfo
from pattern_mlir.runtime.vulkan.failures import VulkanFailure, WrongResults
from pattern_mlir.runtime.vulkan.network import HostCode, Network
from pattern_mlir.runtime.vulkan.pipelines import CacheFile, Pipelines
from pattern_mlir.runtime.vulkan.plan import (
    Dispatch,
    Range,
    VulkanPlan,
    check_plan,
    tensor_bytes,
)

Array = npt.NDArray[Any]

TIMEOUT = 60.0
"""Seconds that any wait for a GPU takes at most, unless others are given."""

CPU_TIMEOUT = 1200.0
"""The same for a driver that computes on the processor, and compiles when kernels first run."""


class VulkanExecutable:
    """A compiled network on a device: kernels, weights and an arena.

    Callers in several threads wait for each other. After a device was lost or did not finish in
    time, every call raises that error again.

    Attributes:
        device: the device that it runs on.
        plan: what runs, with the alternatives that the device runs fastest.
        cache: what the driver's compiler was spared, and is spared next time.
    """

    def __init__(
        self,
        plan: VulkanPlan,
        kernels: Mapping[str, bytes],
        weights: Array,
        info: DeviceInfo,
        host: HostCode | None = None,
        timeout: float | None = None,
    ) -> None:
        """Open the device ``info``, test it, and make the network ready on it.

        Args:
            plan: what runs.
            kernels: SPIR-V modules by name.
            weights: the bytes of all buffers of weights; host layers read them where they are.
            info: a device of `devices`.
            host: code of the plan's host layers.
            timeout: seconds that any wait for the device may take; None: `TIMEOUT`, for a CPU
                driver `CPU_TIMEOUT`.

        Raises:
            PlanError: the plan reaches out of its buffers or does not fit its kernels.
            MissingFeature: the device lacks what the kernels need.
            WrongResults: its driver failed the self-test.
            VulkanFailure: there is no memory, or the device was lost or did not finish in time.
        """
        check_plan(plan, kernels, weights.nbytes)
        self.plan = plan
        self.device = info
        limit = timeout or (TIMEOUT if info.is_gpu else CPU_TIMEOUT)
        self._lock = threading.Lock()
        self._failure: VulkanFailure | None = None
        self._device = Device(info, plan.features)
        try:
            tests = self_test.variants(plan.features)
            own = {f"self-test {variant}": self_test.kernel(*variant) for variant in tests}
            known = {**kernels, **own}
            self.cache = CacheFile(info, known)
            pipelines = Pipelines(self._device, self.cache.data)
            for variant in tests:
                _test(self._device, pipelines, variant, limit)
            self.plan = chosen_plan(plan, kernels, weights, info, self.cache, limit)
            if self.plan is not plan:
                pipelines = Pipelines(self._device, CacheFile(info, known).data)
            make = self._device, pipelines, self.plan, kernels, weights, host or HostCode(), limit
            self._network = Network(*make)
            self.cache.store(pipelines.data)
        except BaseException:
            self._device.close()
            raise

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the network's outputs for ``inputs``.

        A separable network takes any multiple of the images that it was exported for.

        Raises:
            InputError: the inputs do not fit.
            VulkanFailure: the device was lost, or did not finish in time.
        """
        outputs, parts = parts_of_run(self.plan, inputs)
        with self._in_use():
            for own, results in parts:
                self._network.run(own, results)
        return outputs

    def profile(self, inputs: Sequence[Array]) -> tuple[list[Array], list[int]]:
        """Run as `run` does; return the outputs, and the nanoseconds of each layer of the plan.

        The device takes the times, and runs one step after the other; a host layer's is without
        copies to and from the device.
        """
        outputs, parts = parts_of_run(self.plan, inputs)
        with self._in_use():
            times = [self._network.profile(own, results) for own, results in parts]
        return outputs, [sum(layer) for layer in zip(*times, strict=True)]

    def trace(self, inputs: Sequence[Array]) -> Iterator[tuple[PlannedLayer, Array]]:
        """Run as `run` does, layer by layer; yield layers and their results, where these are known.

        Of several parts, all layers of the first come first. Other callers wait until the iterator
        ends or is closed.
        """
        _outputs, parts = parts_of_run(self.plan, inputs)
        with self._in_use():
            for own, _ in parts:
                for layer, segments in self._network.start_trace(own):
                    result = self._network.run_layer(layer, segments)
                    if result is not None:
                        yield layer, result

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            try:
                yield
            except VulkanFailure as failure:
                self._failure = failure
                raise


def _test(device: Device, pipelines: Pipelines, variant: tuple[int, int], timeout: float) -> None:
    """Raise WrongResults unless the self-test's kernel computes what it should."""
    storage, arithmetic = variant
    given, wanted = self_test.inputs(storage), self_test.expected(storage)
    own, result = (TensorSpec(name, given.shape, given.dtype) for name in ("in", "out"))
    ranges = (Range("input:0", 0, tensor_bytes(own)), Range("output:0", 0, tensor_bytes(result)))
    groups = (self_test.ELEMENTS // self_test.INVOCATIONS, 1, 1)
    step = Dispatch("self-test", ranges, groups, (self_test.STEPS,), 0)
    layers = (PlannedLayer("self-test", groups[0]),)
    plan = VulkanPlan(layers, (step,), (own,), (result,), (), 0, 0)
    kernels = {"self-test": self_test.kernel(storage, arithmetic)}
    weights = np.empty(0, np.uint8)
    network = Network(device, pipelines, plan, kernels, weights, HostCode(), timeout)
    found = np.zeros_like(wanted)
    network.run([given], [found])
    wrong = np.flatnonzero(found != wanted)
    if wrong.size:
        raise WrongResults(
            f"the driver of {device.info.name} computes wrong results (self-test of f{storage}"
            f" storage, f{arithmetic} arithmetic: {found[wrong[0]]} instead of {wanted[wrong[0]]},"
            f" {wrong.size} of {wanted.size}); update it, or run on another device"
        )
