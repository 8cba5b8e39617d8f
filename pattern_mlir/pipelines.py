"""Pipelines: own and upstream passes in one sequence, and the driver that runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch_mlir import ir
from torch_mlir.passmanager import PassManager

from pattern_mlir.errors import PassFailure
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes import pass_class
from pattern_mlir.passes.base import OperationFailure, Pass
from pattern_mlir.program import Program

Stage = Pass | str
"""An own pass, or upstream passes in MLIR's textual form, such as `func.func(canonicalize)`."""

TORCH_TO_TENSORS: tuple[Stage, ...] = (
    pass_class("convert-torch-to-pattern")(),
    "torchdynamo-export-to-torch-backend-pipeline",
    "func.func(convert-torch-to-tmtensor,canonicalize,convert-torch-to-linalg,"
    "convert-torch-to-scf,convert-torch-to-arith,convert-torch-to-tensor)",
    "convert-torch-conversion-to-mlprogram",
    "func.func(memref-expand,canonicalize,resolve-shaped-type-result-dims,cse)",
    "torch-func-backend-type-conversion",
    "func.func(canonicalize,torch-finalizing-backend-type-conversion)",
    "canonicalize",
    "cse",
)
"""From the torch level to pattern and linalg operations on builtin tensors."""


def run(program: Program, stages: Sequence[Stage]) -> None:
    """Run ``stages`` over ``program`` in place.

    Raises:
        ir.MLIRError: a pass failed or left a module that does not verify; the diagnostics say
            where.
    """
    with program.context, ir.Location.unknown():
        manager = PassManager("builtin.module")
        for stage in stages:
            if isinstance(stage, str):
                manager.add(stage)
            else:
                callback = _callback(stage, program.parameters)
                manager.add(callback, name=type(stage).__name__, argument=stage.name)
        manager.run(program.module.operation)


def _callback(stage: Pass, parameters: ParameterStore) -> Callable[[Any, Any], None]:
    def transform(operation: Any, handle: Any) -> None:
        try:
            with operation.context, ir.Location.unknown():
                stage.run(operation, parameters)
        except PassFailure as failure:
            location = failure.location if isinstance(failure, OperationFailure) else None
            (location or operation.location).emit_error(f"{stage.name}: {failure}")
            handle.signal_pass_failure()

    return transform
