"""A compiled network: called like the model where this machine can run it, saved as a package."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pattern_mlir import package
from pattern_mlir.errors import CompileError, PackageError
from pattern_mlir.package import Contents
from pattern_mlir.report import Report
from pattern_mlir.runtime.host import why_not_here
from pattern_mlir.runtime.jit import Executable
from pattern_mlir.runtime.plan import (
    InputError,
    LayerPlan,
    PlannedLayer,
    TensorSpec,
    count_parts,
    part_of,
)
from pattern_mlir.runtime.vulkan.device import NAME as VULKAN
from pattern_mlir.runtime.vulkan.device import DeviceInfo, find_device
from pattern_mlir.runtime.vulkan.executable import VulkanExecutable
from pattern_mlir.runtime.vulkan.failures import NoDevice
from pattern_mlir.runtime.vulkan.network import HostCode
from pattern_mlir.runtime.vulkan.plan import VulkanPlan
from pattern_mlir.runtime.vulkan.spirv import PlanError
from pattern_mlir.structure import nested

if TYPE_CHECKING:
    from pattern_mlir.library import WeightsPlace

Array = npt.NDArray[Any]

HOST = "host"
"""The device that is this machine's processor."""


class CompiledModel:
    """A compiled network; call it like the model that it was compiled from.

    It takes torch tensors or numpy arrays, of the shapes and types that the model was exported
    with, and returns the same kind, in the structure of the model's own outputs. One for another
    machine can be saved and described; what would run it raises CompileError.
    """

    def __init__(
        self,
        contents: Contents,
        input_spec: Any = None,
        output_spec: Any = None,
        chunk: int = 0,
        threads: int | None = None,
        device: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Link ``contents`` and start its threads, unless it is for another machine or a GPU.

        The specs are the pytree structures of inputs and outputs, which a package does not keep;
        ``chunk`` is that of `Executable`; ``threads`` is the number compiled for unless given. A
        network for a GPU opens its ``device`` when it first runs; ``timeout`` is that of
        `VulkanExecutable`.

        Raises:
            NoDevice: the ``device`` is of another kind than what the network is for.
        """
        _check_device(contents, device)
        self._contents = contents
        self._threads = contents.threads if threads is None else threads
        self._device, self._timeout, self._chunk = device, timeout, chunk
        self._linked: Executable | VulkanExecutable | str | None = None
        if isinstance(contents.plan, LayerPlan):
            reason = why_not_here(contents.triple, contents.cpu, contents.features)
            self._linked = reason or Executable(
                contents.code, contents.plan, contents.weights, self._threads, chunk
            )
        self._input_spec = input_spec
        self._output_spec = output_spec

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """Run the network.

        Raises:
            InputError: the inputs do not fit the model.
            CompileError: it is for another machine.
        """
        flat = self._flat(inputs, keywords)
        from_torch = any(not isinstance(value, np.ndarray) for value in flat)
        names = self._input_names() + [str(i) for i in range(len(flat))]
        outputs: list[Any] = self._executable.run(list(map(_array, flat, names)))
        if from_torch:
            import torch

            outputs = [torch.from_numpy(output) for output in outputs]
        if self._output_spec is not None:
            from torch.utils._pytree import tree_unflatten

            return tree_unflatten(outputs, self._output_spec)
        return nested(self._contents.structure, outputs)

    @property
    def _executable(self) -> Executable | VulkanExecutable:
        self.prepare()
        if isinstance(self._linked, str):
            raise CompileError(
                f"the network {self._linked}; save it and load it there, or compile it for 'host'"
            )
        assert self._linked is not None
        return self._linked

    def prepare(self) -> None:
        """Open the GPU of a network for one now, not when it first runs.

        Raises:
            VulkanFailure: there is no such device, or it cannot run the network.
            PlanError: the network's plan is damaged.
        """
        if self._linked is None:
            self._linked = self._on_device()

    def _on_device(self) -> VulkanExecutable:
        """Return the network, which is for a GPU, on its device."""
        contents = self._contents
        assert isinstance(contents.plan, VulkanPlan)
        return VulkanExecutable(
            contents.plan,
            contents.kernels,
            contents.weights,
            find_device(self._device or VULKAN),
            HostCode(contents.code, self._threads, self._chunk),
            self._timeout,
        )

    @property
    def device(self) -> DeviceInfo | None:
        """The GPU that the network runs on, opened where need be; None on the host."""
        self.prepare()
        return self._linked.device if isinstance(self._linked, VulkanExecutable) else None

    def _flat(self, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> list[Any]:
        """Return the tensors among the inputs in the order of the compiled function's."""
        if not keywords and not any(isinstance(value, (tuple, list, dict)) for value in inputs):
            return list(inputs)
        if self._input_spec is None:
            raise InputError(
                f"the model takes its inputs one by one: {', '.join(self._input_names())}"
            )
        from torch.utils._pytree import tree_flatten

        names = self._input_spec.children()[1].context or ()
        ordered = {name: keywords[name] for name in names if name in keywords}
        flat, spec = tree_flatten((tuple(inputs), {**ordered, **keywords}))
        if spec != self._input_spec:
            raise InputError(
                "the inputs are not nested or named as they were at the export; pass them so, or"
                f" one by one: {', '.join(self._input_names())}"
            )
        return list(flat)

    def _input_names(self) -> list[str]:
        return [spec.name for spec in self.inputs]

    @property
    def contents(self) -> Contents:
        """What the network consists of: code, weights, plan."""
        return self._contents

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Name, shape and element type of each input."""
        return self._contents.plan.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Name, shape and element type of each output."""
        return self._contents.plan.outputs

    @property
    def threads(self) -> int:
        """How many threads run the network."""
        return self._threads

    @property
    def plan(self) -> LayerPlan | VulkanPlan:
        """What runs, and the memory around it."""
        return self._contents.plan

    @property
    def layers(self) -> tuple[PlannedLayer, ...]:
        """The layers, in the order in which they run."""
        return self._contents.plan.layers

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run the network on numpy arrays; return its outputs one by one.

        Raises:
            InputError: the inputs do not fit the model.
        """
        return self._executable.run(inputs)

    def parts(self, inputs: Sequence[Array]) -> list[list[Array]]:
        """Return ``inputs`` in parts of as many images as the network was exported for."""
        parts = count_parts(self._contents.plan, inputs)
        return [[part_of(array, part, parts) for array in inputs] for part in range(parts)]

    def trace(self, inputs: Sequence[Array]) -> Iterator[tuple[PlannedLayer, Array]]:
        """Run the network layer by layer; yield each whose result is known, and the result.

        Raises:
            InputError: the inputs do not fit the model.
        """
        return self._executable.trace(inputs)

    def report(self) -> Report:
        """Return what was done to each layer; `print` shows it as a table."""
        return self._contents.report

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as a package, which `pattern_mlir.load` reads without torch or MLIR."""
        package.write(path, self._contents)

    def save_library(
        self,
        folder: str | os.PathLike[str],
        name: str = "model",
        weights: WeightsPlace = "inside",
    ) -> None:
        """Write the network as a library for C: lib``name``.so, lib``name``.a and headers.

        Args:
            folder: is made; one that an earlier call made is replaced.
            name: prefix of the library's functions.
            weights: `inside` the library, or in a `file` beside it.

        Raises:
            LibraryError: there is no linker, or no library can be made for the target.
        """
        from pattern_mlir.library import write_library

        write_library(self._contents, folder, name, weights)

    def save_bench(self, path: str | os.PathLike[str]) -> None:
        """Write `pattern-bench`, a static program that times the network on its own machine.

        Raises:
            LibraryError: there is no C compiler for the target.
        """
        from pattern_mlir.library import write_bench

        write_bench(self._contents, path)

    def profile(self, *inputs: Array) -> list[tuple[PlannedLayer, int]]:
        """Run the network on numpy arrays; return each layer and the nanoseconds that it took."""
        _outputs, nanoseconds = self._executable.profile(inputs)
        return list(zip(self.layers, nanoseconds, strict=True))


def load(
    path: str | os.PathLike[str],
    chunk: int = 0,
    *,
    threads: int | None = None,
    device: str | None = None,
    timeout: float | None = None,
) -> CompiledModel:
    """Load a package that `CompiledModel.save` wrote, ready to run.

    Args:
        path: the package.
        chunk: units of a layer that a thread takes at a time, as for `compile`.
        threads: how many threads run the network; None: as many as it was compiled for.
        device: `vulkan:0` and the like for a network for a GPU (`find_device`); None: the first
            GPU; `host` for one for a processor, which runs nowhere else.
        timeout: seconds that any wait for a GPU takes at most; None as for `VulkanExecutable`.

    Raises:
        PackageError: it is damaged, of another version, or for another machine.
        VulkanFailure: there is no such device, or it cannot run the network.
    """
    contents = package.read(path)
    model = CompiledModel(contents, chunk=chunk, threads=threads, device=device, timeout=timeout)
    try:
        model.prepare()
    except PlanError as error:
        raise PackageError(f"'{path}': {error}") from None
    return model


def _check_device(contents: Contents, device: str | None) -> None:
    """Raise NoDevice where ``device`` is of another kind than what ``contents`` are for."""
    on_host = isinstance(contents.plan, LayerPlan)
    if device not in (None, HOST) and on_host:
        raise NoDevice(
            f"the network is for a processor, not for '{device}'; compile it for vulkan1.1, or run"
            f" it on '{HOST}'"
        )
    if device == HOST and not on_host:
        raise NoDevice(f"the network is for a GPU, not for '{HOST}'; compile it for 'host'")


def _array(value: Any, name: str) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if not hasattr(value, "detach"):
        raise InputError(
            f"input '{name}' is of type {type(value).__name__};"
            " pass a torch tensor or a numpy array"
        )
    try:
        tensor: Array = value.detach().cpu().numpy()
    except TypeError as error:
        raise InputError(f"input '{name}' has no form in numpy: {error}") from None
    return tensor
