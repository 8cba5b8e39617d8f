"""Which of a plan's alternatives a device runs fastest: measured once, then kept on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from pattern_mlir.parameters import write_text
from pattern_mlir.runtime.vulkan.device import Device, DeviceInfo
from pattern_mlir.runtime.vulkan.failures import MissingFeature
from pattern_mlir.runtime.vulkan.network import HostCode, Network
from pattern_mlir.runtime.vulkan.pipelines import CacheFile, Pipelines, cache_folder
from pattern_mlir.runtime.vulkan.plan import Alternative, VulkanPlan

Array = npt.NDArray[Any]

RUNS = 3
"""How often each kernel is timed; the least counts."""


def chosen_plan(
    plan: VulkanPlan,
    kernels: Mapping[str, bytes],
    weights: Array,
    info: DeviceInfo,
    cache: CacheFile,
    timeout: float,
) -> VulkanPlan:
    """Return ``plan`` with the alternatives that the device ``info`` runs fastest, and no others.

    They are measured unless the choice is on disk; what the driver compiled for that goes to
    ``cache``. A device without a clock runs the plan as it is.

    Raises:
        VulkanFailure: there is no memory, or the device was lost or did not finish in time.
    """
    if not plan.alternatives:
        return plan
    path = _path(plan, kernels, weights, info)
    numbers = _read(path, plan)
    if numbers is None:
        try:
            numbers = _measured(plan, kernels, weights, info, cache, timeout)
        except MissingFeature:
            return replace(plan, alternatives=())
        _keep(path, numbers)
    return _with(plan, [plan.alternatives[number] for number in numbers])


def _with(plan: VulkanPlan, alternatives: Sequence[Alternative]) -> VulkanPlan:
    """Return ``plan`` with steps replaced, each by one of ``alternatives`` at most."""
    steps = list(plan.steps)
    for own in alternatives:
        steps[own.step] = own.dispatch
    return replace(plan, steps=tuple(steps), alternatives=())


def _measured(
    plan: VulkanPlan,
    kernels: Mapping[str, bytes],
    weights: Array,
    info: DeviceInfo,
    cache: CacheFile,
    timeout: float,
) -> list[int]:
    """Return the numbers of the alternatives that take less than their steps and each other.

    Each runs behind its step, on the same buffers: it writes again what was written. Host layers
    are left out, and what they would write is whatever memory holds: no kernel's time depends on
    that.
    """
    order: list[tuple[int, int | None]] = []
    for step in range(len(plan.steps)):
        others = [i for i, other in enumerate(plan.alternatives) if other.step == step]
        if others:
            order += [(step, None), *((step, other) for other in others)]
    steps = [
        plan.steps[step] if other is None else plan.alternatives[other].dispatch
        for step, other in order
    ]
    device = Device(info, plan.features)
    try:
        pipelines = Pipelines(device, cache.data)
        timed = replace(plan, steps=tuple(steps), alternatives=())
        network = Network(device, pipelines, timed, kernels, weights, HostCode(), timeout)
        runs = [network.step_times() for _ in range(RUNS)]
        cache.store(pipelines.data)
    finally:
        device.close()
    times = [min(own) for own in zip(*runs, strict=True)]
    best: dict[int, tuple[float, int | None]] = {}
    for (step, other), time in zip(order, times, strict=True):
        if step not in best or time < best[step][0]:
            best[step] = time, other
    return [other for _, other in best.values() if other is not None]


def _path(plan: VulkanPlan, kernels: Mapping[str, bytes], weights: Array, info: DeviceInfo) -> Path:
    """Return the file of the choice: of a device, its driver, and this network."""
    digest = hashlib.sha256(info.identity.encode())
    parts: list[Any] = [repr(plan).encode(), weights, *(kernels[name] for name in sorted(kernels))]
    for data in parts:
        digest.update(hashlib.sha256(data).digest())
    return cache_folder() / f"{digest.hexdigest()}.choice"


def _read(path: Path, plan: VulkanPlan) -> list[int] | None:
    """Return the choice that a file holds; None where there is none, or it is damaged."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    most = len(plan.alternatives)
    if not isinstance(found, list) or not all(type(n) is int and 0 <= n < most for n in found):
        return None
    return found


def _keep(path: Path, numbers: Sequence[int]) -> None:
    """Write the choice down, where the folder can be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(list(numbers)))
    except OSError:
        return
