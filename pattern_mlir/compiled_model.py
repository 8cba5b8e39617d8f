"""A compiled network: called like the model where this machine can run it, saved as a package."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir import package
from pattern_mlir.errors import CompileError
from pattern_mlir.package import Contents
from pattern_mlir.report import Report
from pattern_mlir.runtime.host import why_not_here
from pattern_mlir.runtime.jit import Executable
from pattern_mlir.runtime.plan import (
    InputError,
    PlannedLayer,
    TensorSpec,
    count_parts,
    part_of,
)
from pattern_mlir.structure import nested

Array = npt.NDArray[Any]


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
    ) -> None:
        """Link ``contents`` and start its threads, unless it is for another machine.

        The specs are the pytree structures of inputs and outputs, which a package does not keep;
        ``chunk`` is that of `Executable`; ``threads`` is the number compiled for unless given.
        """
        self._contents = contents
        self._threads = contents.threads if threads is None else threads
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
    def _executable(self) -> Executable:
        if isinstance(self._linked, str):
            raise CompileError(
                f"the network {self._linked}; save it and load it there, or compile it for 'host'"
            )
        return self._linked

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

    def profile(self, *inputs: Array) -> list[tuple[PlannedLayer, int]]:
        """Run the network on numpy arrays; return each layer and the nanoseconds that it took."""
        _outputs, nanoseconds = self._executable.profile(inputs)
        return list(zip(self.layers, nanoseconds, strict=True))


def load(
    path: str | os.PathLike[str], chunk: int = 0, *, threads: int | None = None
) -> CompiledModel:
    """Load a package that `CompiledModel.save` wrote.

    Args:
        path: the package.
        chunk: units of a layer that a thread takes at a time, as for `compile`.
        threads: how many threads run the network; None: as many as it was compiled for.

    Raises:
        PackageError: it is damaged, of another version, or for another machine.
    """
    return CompiledModel(package.read(path), chunk=chunk, threads=threads)


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
