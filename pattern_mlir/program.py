"""A program: a module and the parameters that belong to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch_mlir import ir

from pattern_mlir.dialects import create_context
from pattern_mlir.errors import ParameterError
from pattern_mlir.parameters import ParameterStore, atomic_file

PARAMETERS_ATTRIBUTE = "pattern.parameters"
"""Module attribute: the file name, in the module's folder, of its parameters."""


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
    def parse(cls, assembly: str | bytes, folder: Path | None = None) -> Program:
        """Parse MLIR text or bytecode; parameters come from ``folder`` if the module names a file.

        Raises:
            ir.MLIRError: the module does not parse or verify.
            ParameterError: the named parameter file cannot be read, or lies elsewhere.
        """
        module = ir.Module.parse(assembly, context=create_context())
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

    def save(self, path: Path) -> None:
        """Write the module to ``path`` and its parameters beside it, as `<stem>.safetensors`."""
        if self.parameters:
            parameters_path = path.with_suffix(".safetensors")
            self.parameters.save(parameters_path)
            with self.context:
                self.module.operation.attributes[PARAMETERS_ATTRIBUTE] = ir.StringAttr.get(
                    parameters_path.name
                )
        with atomic_file(path) as temporary:
            temporary.write_text(self.text())
