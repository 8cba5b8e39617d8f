"""What the interpreter knows while it runs: the value of each SSA name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir.dialects.element_types import numpy_type
from pattern_mlir.errors import InterpretError
from pattern_mlir.parameters import ParameterStore

Array = npt.NDArray[Any]


Observer = Callable[[Any, Sequence[Array]], None]
"""Is told an operation that has run, and its results."""


class Environment:
    """Values by SSA name, in the type that floats are computed in.

    In the body of a structured operation a scalar's value is an array: one element for each
    iteration that runs at the same time.
    """

    def __init__(
        self,
        parameters: ParameterStore,
        dtype: type[np.floating[Any]] | None = None,
        callers: frozenset[str] = frozenset(),
        observe: Observer | None = None,
    ) -> None:
        """Start without values; ``dtype`` replaces every float type.

        ``callers`` are the functions that called this one, and itself; ``observe`` is told the
        results of each operation outside of bodies.
        """
        self.parameters = parameters
        self.dtype = dtype
        self.callers = callers
        self.observe = observe
        self.in_body = False
        """Whether a body runs, for all its iterations at the same time."""
        self.counters: list[Any] = []
        """The loop counters of the structured operation around a body."""
        self._values: dict[Any, Any] = {}

    def __getitem__(self, name: Any) -> Any:
        """Return the value of the SSA name ``name``."""
        return self._values[name]

    def bind(self, name: Any, value: Any) -> None:
        """Give ``name`` its value, in the numpy type that its own type asks for."""
        self._values[name] = np.asarray(value, self.numpy_type(name.type))

    def numpy_type(self, type_: Any) -> type[np.generic]:
        """Return the numpy type for values of ``type_``, a tensor's or a scalar's."""
        if isinstance(type_, (ir.MemRefType, ir.UnrankedMemRefType)):
            raise InterpretError(
                f"cannot interpret buffers such as {type_}; the interpreter runs modules on tensors"
            )
        element = type_.element_type if isinstance(type_, ir.ShapedType) else type_
        found = numpy_type(element)
        if found is None:
            raise InterpretError(f"cannot interpret values of type {type_}")
        if self.dtype is not None and issubclass(found, np.floating):
            return self.dtype
        return found


RunBlock = Callable[[Any, Environment], list[Any]]
"""Runs a block and returns what it yields."""
