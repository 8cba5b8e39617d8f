"""A program: a module and the parameters that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects import create_context
from pattern_mlir.dialects.element_types import numpy_type
from pattern_mlir.errors import ParameterError, PatternError
from pattern_mlir.parameters import ParameterStore, atomic_file
from pattern_mlir.runtime.plan import TensorSpec

PARAMETERS_ATTRIBUTE = "pattern.parameters"
"""Module attribute: the file name, in the module's folder, of its parameters."""

NAME_ATTRIBUTE = "pattern.name"
"""Argument and result attribute: the name it has in the model."""


@dataclass
class Program:
    """An MLIR module, in a context of its own, and its parameters."""

    module: ir.Module
    parameters: ParameterStore = field(default_factory=ParameterStore)

    @property
    def context(self) -> Any:
        """The MLIR context of the module."""
        return self.module.context

    @classmethod
    def parse(
        cls, assembly: str | bytes, folder: Path | None = None, context: Any = None
    ) -> Program:
        """Parse MLIR text or bytecode; parameters come from ``folder`` if the module names a file.

        ``context`` is a fresh one if None.

        Raises:
            ir.MLIRError: the module does not parse or verify.
            ParameterError: the named parameter file cannot be read, or lies elsewhere.
        """
        module = ir.Module.parse(assembly, context=context or create_context())
        attributes = module.operation.attributes
        if folder is None or PARAMETERS_ATTRIBUTE not in attributes:
            return cls(module)
        name = str(ir.StringAttr(attributes[PARAMETERS_ATTRIBUTE]).value)
        if Path(name).name != name:
            raise ParameterError(
                f"module attribute {PARAMETERS_ATTRIBUTE} names '{name}';"
                " it must be a plain file name in the module's own folder"
            )
        return cls(module, ParameterStore.open(folder / name))

    @classmethod
    def load(cls, path: Path) -> Program:
        """Load a `.mlir` file and, if it names them, the parameters beside it."""
        return cls.parse(path.read_bytes(), path.parent)

    def clone(self) -> Program:
        """Return a program with a copy of the module that shares context and arrays."""
        copy = ir.Module.parse(self.module.operation.get_asm(), context=self.context)
        return Program(copy, ParameterStore(self.parameters))

    def text(self) -> str:
        """Return the module's text; the same module always gives the same text."""
        return str(self.module.operation.get_asm())

    def save(self, path: Path, to_text: Callable[[Program], str] | None = None) -> None:
        """Write the module to ``path`` and its parameters beside it, as `<stem>.safetensors`.

        ``to_text`` prints the module in another way than `text`.
        """
        if self.parameters:
            parameters_path = path.with_suffix(".safetensors")
            self.parameters.save(parameters_path)
            with self.context:
                self.module.operation.attributes[PARAMETERS_ATTRIBUTE] = ir.StringAttr.get(
                    parameters_path.name
                )
        with atomic_file(path) as temporary:
            temporary.write_text(to_text(self) if to_text else self.text())


def tensor_specs(types: Sequence[Any], attributes: Sequence[Any] | None) -> tuple[TensorSpec, ...]:
    """Return what a caller must know of a function's arguments of ``types``.

    ``attributes`` are the arguments' own, which may hold their names; None where there are none.
    """
    named = attributes or [{}] * len(types)
    return tuple(
        tensor_spec(
            ir.StringAttr(own[NAME_ATTRIBUTE]).value if NAME_ATTRIBUTE in own else f"input{index}",
            type_,
        )
        for index, (type_, own) in enumerate(zip(types, named, strict=True))
    )


def tensor_spec(name: str, type_: Any) -> TensorSpec:
    """Return the name, shape and element type of a tensor or buffer of ``type_``."""
    if not isinstance(type_, ir.ShapedType) or not type_.has_static_shape:
        raise PatternError(
            f"'{name}' is of type {type_}, not a tensor of fixed shape; lower the module to the"
            " pattern level first"
        )
    dtype = numpy_type(type_.element_type)
    if dtype is None:
        raise PatternError(f"'{name}' has elements of type {type_.element_type}, numpy has none")
    return TensorSpec(name, tuple(type_.shape), np.dtype(dtype))
