"""`compile`: from an exported model to a function in this process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir import codegen, pipelines
from pattern_mlir.errors import CompileError
from pattern_mlir.parameters import atomic_file
from pattern_mlir.passes.base import place
from pattern_mlir.passes.convert_torch_to_pattern import FALLBACKS_ATTRIBUTE
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.program import Program
from pattern_mlir.report import LayerReport, Report, layer_reports
from pattern_mlir.runtime.jit import Executable
from pattern_mlir.runtime.plan import InputError
from pattern_mlir.targets import target as find_target

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Array = npt.NDArray[Any]


class CompiledModel:
    """A compiled network; call it like the model that it was compiled from.

    It takes torch tensors or numpy arrays, of the shapes and types that the model was exported
    with, and returns the same kind, in the structure of the model's own outputs.
    """

    def __init__(
        self,
        executable: Executable,
        report: Report,
        input_spec: Any = None,
        output_spec: Any = None,
    ) -> None:
        """Wrap ``executable``; the specs are the pytree structures of inputs and outputs."""
        self._executable = executable
        self._report = report
        self._input_spec = input_spec
        self._output_spec = output_spec

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """Run the network.

        Raises:
            InputError: the inputs do not fit the model.
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
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

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
        return [spec.name for spec in self._executable.plan.inputs]

    def report(self) -> Report:
        """Return what was done to each layer; `print` shows it as a table."""
        return self._report


def compile(
    program: ExportedProgram | Program | str | os.PathLike[str],
    target: str = "host",
    threads: int = 1,
    *,
    levels: Path | None = None,
) -> CompiledModel:
    """Compile an exported model into a function in this process.

    Args:
        program: an exported program, a `.pt2` or `.mlir` file, or a `Program`, which stays as it
            is.
        target: the machine to compile for; `host` is this one.
        threads: how many threads run the network.
        levels: a folder to write the module to at each level, as `1-torch.mlir` and so on.

    Raises:
        PatternError: the model cannot be imported or compiled; the message says why.
    """
    machine = find_target(target)
    current = open_program(program)
    layers: tuple[LayerReport, ...] = ()
    for number, level in enumerate(pipelines.target_levels(machine, threads), start=1):
        try:
            # Once a level: after each pass it would take half of the time to compile.
            pipelines.run(current, level.stages, pipelines.Instrumentation(verify=False))
            current.module.operation.verify()
        except ir.MLIRError as error:
            raise CompileError(first_line(error, current)) from error
        if level.name == "schedule":
            layers = layer_reports(current)
        if levels is not None:
            _write(levels / f"{number}-{level.name}.mlir", current.text())
    if levels is not None:
        _write(levels / "llvm.ll", codegen.llvm_ir(current))
    plan = codegen.layer_plan(current)
    weights = current.parameters[WEIGHTS]
    report = Report(
        layers=layers,
        fallbacks=_fallbacks(current),
        threads=threads,
        arena_bytes=plan.arena_bytes,
        weight_bytes=weights.nbytes,
    )
    code = codegen.object_code(current, machine)
    specs = (getattr(current, name, None) for name in ("input_spec", "output_spec"))
    return CompiledModel(Executable(code, plan, weights, threads), report, *specs)


def open_program(program: ExportedProgram | Program | str | os.PathLike[str]) -> Program:
    """Return ``program`` as a `Program` of its own, importing it where need be."""
    if isinstance(program, Program):
        return program.clone()
    if isinstance(program, (str, os.PathLike)) and Path(program).suffix != ".pt2":
        return _loaded(Path(program))
    from pattern_mlir.importer import import_program

    return import_program(program)


def _loaded(path: Path) -> Program:
    try:
        return Program.load(path)
    except OSError as error:
        raise CompileError(f"cannot read '{path}': {error.strerror}") from error
    except ir.MLIRError as error:
        raise CompileError(f"'{path}' is no module: {first_line(error)}") from error


def first_line(error: ir.MLIRError, program: Program | None = None) -> str:
    """Return an error's first diagnostic with its place; it came from a pass over ``program``."""
    for diagnostic in error.error_diagnostics:
        message, origin = diagnostic.message.partition("\n")[0], ""
        if program is not None:
            message, origin = pipelines.explain_failure(message, program.module.operation)
        at = origin or place(diagnostic.location)
        return message if at == "unknown" else f"{at}: {message}"
    return str(error).splitlines()[0]


def _fallbacks(program: Program) -> tuple[str, ...]:
    found = program.module.operation.attributes.get(FALLBACKS_ATTRIBUTE, ())
    return tuple(ir.StringAttr(text).value for text in found)


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


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(text)
