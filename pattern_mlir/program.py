"""A program: a module and the parameters that belong to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
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

UNSIGNED_ATTRIBUTE = "pattern.unsigned"
"""Argument and result attribute: its integers are unsigned, which MLIR's types do not say."""


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
        attribute = attributes[PARAMETERS_ATTRIBUTE]
        is_text = isinstance(attribute, ir.StringAttr)
        name = attribute.value_bytes.decode(errors="replace") if is_text else str(attribute)
        if not is_text or not name.isprintable() or Path(name).name != name or name in ("", ".."):
            raise ParameterError(
                f"module attribute {PARAMETERS_ATTRIBUTE} names {name!r};"
                " it must be a plain file name in the module's own folder"
            )
        path = folder / name
        if Path(os.path.realpath(path)).parent != folder.resolve():
            raise ParameterError(
                f"module attribute {PARAMETERS_ATTRIBUTE} names '{name}', a link to another folder;"
                " copy the file to the module's own"
            )
        return cls(module, ParameterStore.open(path))

    @classmethod
    def load(cls, path: Path) -> Program:
        """Load a `.mlir` file and, if it names them, the parameters beside it."""
        return cls.parse(path.read_bytes(), path.parent)

    def clone(self) -> Program:
        """Return a program with a copy of the module that shares context and arrays."""
        text = self.module.operation.get_asm(enable_debug_info=True)
        module = ir.Module.parse(text, context=self.context)
        return replace(self, module=module, parameters=self.parameters.copy())

    def text(self) -> str:
        """Return the module's text; the same module always gives the same text."""
        return str(self.module.operation.get_asm())

    def save(self, path: Path, to_bytes: Callable[[Program], bytes] | None = None) -> None:
        """Write the module to ``path`` and its parameters beside it, as `<stem>.safetensors`.

        ``to_bytes`` makes something else of the module than its text. An error leaves both files
        as they were.
        """
        parameters_path = path.with_suffix(".safetensors")
        if self.parameters:
            if parameters_path == path:
                raise PatternError(
                    f"'{path}' is where the parameters go; give the module another suffix"
                )
            with self.context:
                self.module.operation.attributes[PARAMETERS_ATTRIBUTE] = ir.StringAttr.get(
                    parameters_path.name
                )
        data = to_bytes(self) if to_bytes else self.text().encode()
        with ExitStack() as files:
            if self.parameters:
                self.parameters.write(files.enter_context(atomic_file(parameters_path)))
            files.enter_context(atomic_file(path)).write_bytes(data)


def tensor_specs(types: Sequence[Any], attributes: Sequence[Any] | None) -> tuple[TensorSpec, ...]:
    """Return what a caller must know of a function's arguments of ``types``.

    ``attributes`` are the arguments' own, which may hold their names; None where there are none.
    """
    named = attributes or [{}] * len(types)
    return tuple(
        tensor_spec(
            ir.StringAttr(own[NAME_ATTRIBUTE]).value if NAME_ATTRIBUTE in own else f"input{index}",
            type_,
            unsigned=UNSIGNED_ATTRIBUTE in own,
        )
        for index, (type_, own) in enumerate(zip(types, named, strict=True))
    )


def tensor_spec(name: str, type_: Any, unsigned: bool = False) -> TensorSpec:
    """Return the name, shape and element type of a tensor or buffer of ``type_``."""
    if not isinstance(type_, ir.ShapedType) or not type_.has_static_shape:
        raise PatternError(
            f"'{name}' is of type {type_}, not a tensor of fixed shape; lower the module to the"
            " pattern level first"
        )
    dtype = numpy_type(type_.element_type)
    if dtype is None:
        raise PatternError(f"'{name}' has elements of type {type_.element_type}, numpy has none")
    element = np.dtype(f"u{np.dtype(dtype).itemsize}" if unsigned else dtype)
    return TensorSpec(name, tuple(type_.shape), element)
