"""What a pass is: a frozen dataclass whose fields are its command-line options."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir

from pattern_mlir.cost import Machine
from pattern_mlir.errors import PassFailure
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.processors import DEFAULT, machine


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


@dataclass(frozen=True)
class MachinePass(Pass):
    """A pass that asks the machine model; its options are a processor and other vectors for it."""

    processor: str = DEFAULT
    lanes: int = 0
    registers: int = 0

    def __post_init__(self) -> None:
        """Raise CompileError unless there is such a processor."""
        _ = self.machine

    @property
    def machine(self) -> Machine:
        """The model of the processor, with as many lanes and registers as the options say."""
        return machine(self.processor, self.lanes, self.registers)


def walk(module: Any, kind: type) -> list[Any]:
    """Return all operations of class ``kind`` below ``module``, in program order."""
    return list(ir.get_ops_of_type(module, kind))


def only_block(function: Any) -> Any:
    """Return the block of ``function``.

    Raises:
        OperationFailure: it has more than one.
    """
    blocks = list(function.regions[0].blocks)
    if len(blocks) > 1:
        raise OperationFailure(
            function, "branches between blocks; run the pass before convert-scf-to-cf"
        )
    return blocks[0]
