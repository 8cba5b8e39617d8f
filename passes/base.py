"""What a pass is: a frozen dataclass whose fields are its command-line options."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir

from pattern_mlir.errors import PassFailure
from pattern_mlir.parameters import ParameterStore


class OperationFailure(PassFailure):
    """A pass cannot transform an operation; the driver reports it at the operation's location."""

    def __init__(self, operation: Any, message: str) -> None:
        """Fail at ``operation`` because of ``message``."""
        super().__init__(message)
        self.location = operation.location


@dataclass(frozen=True)
class Pass(ABC):
    """A transformation of a module.

    A subclass is a frozen dataclass: its fields are the pass's options (`max_patterns: int = 32`
    is `max-patterns=…` on the command line; bool, int, float and str are known), its docstring
    says what it does and shows a small module before and after, which a test runs.
    """

    name: ClassVar[str]
    """The pass's name on the command line, such as `pattern-detect`."""

    @abstractmethod
    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Transform the module operation in place.

        Args:
            module: the `builtin.module` operation; its context and an unknown location are
                current.
            parameters: the arrays of the module's `pattern.parameter` operations; a pass may
                add to them.

        Raises:
            OperationFailure: an operation cannot be transformed.
        """

    @classmethod
    def options(cls) -> dict[str, dataclasses.Field[Any]]:
        """Return the options by their names on the command line."""
        return {f.name.replace("_", "-"): f for f in dataclasses.fields(cls)}


def walk(module: Any, kind: type) -> list[Any]:
    """Return all operations of class ``kind`` below ``module``, in program order."""
    return list(ir.get_ops_of_type(module, kind))


def forward_function(module: Any) -> Any:
    """Return the module's one public function, the network.

    Raises:
        PassFailure: there is none, or more than one.
    """
    functions = [
        op
        for op in module.regions[0].blocks[0].operations
        if op.operation.name == "func.func"
        and "sym_visibility" not in op.operation.attributes
        and not op.is_external
    ]
    if len(functions) != 1:
        raise PassFailure(
            f"the module has {len(functions)} public functions; a network is exactly one,"
            " make the others private"
        )
    return functions[0]
