"""`compile`: from an exported model to code, for this process or for another machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir import codegen, pipelines, spirv
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import CompileError
from pattern_mlir.host_steps import HostCode, host_code, host_operations, host_programs
from pattern_mlir.layer_reports import layer_reports, plain_operations, with_index_bytes, with_loads
from pattern_mlir.memory_use import buffer_lives
from pattern_mlir.modules import place
from pattern_mlir.package import Contents
from pattern_mlir.parameters import write_text
from pattern_mlir.passes.convert_torch_to_pattern import FALLBACKS_ATTRIBUTE
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.program import Program
from pattern_mlir.report import BufferLife, LayerReport, Report, loop_shares
from pattern_mlir.structure import Structure, structure_of
from pattern_mlir.targets import HOST, GpuTarget, Target, default_precision
from pattern_mlir.targets import target as find_target

if TYPE_CHECKING:
    from torch.export import ExportedProgram

Array = npt.NDArray[Any]


def compile(
    program: ExportedProgram | Program | str | os.PathLike[str],
    target: str = "host",
    threads: int = 1,
    *,
    cpu: str | None = None,
    precision: str | None = None,
    chunk: int = 0,
    levels: Path | None = None,
    device: str | None = None,
) -> CompiledModel:
    """Compile an exported model into a function in this process, or for another machine.

    Args:
        program: an exported program, a `.pt2` or `.mlir` file, or a `Program`, which stays as it
            is.
        target: the machine to compile for, one of `targets.TARGETS`; `host` is this one.
        threads: how many threads run the network.
        cpu: the processor to compile for, one of `processors.PROCESSORS`; None: this one, or
            `generic` for another machine. For `vulkan1.1` the GPU to choose kernels for, one of
            `gpu.GPUS`; they run on others, too.
        precision: what tensors are stored in and sums added up in (docs/precision.md): `f32`,
            `f16-linear-weights`, `f16-acc32` or `f16`; for a GPU `f32`, `f16-acc32`,
            `f16-packed` or `f16`. None: `targets.default_precision`.
        chunk: units of a layer that a thread takes at a time; 0: each thread has its share of the
            work, and helps others when it is done.
        levels: a folder to write the module to at each level, as `1-torch.mlir` and so on.
        device: `vulkan:0` and the like, where a network for a GPU runs; None: the first GPU.

    Raises:
        PatternError: the model cannot be imported or compiled; the message says why.
    """
    machine = find_target(target, cpu)
    precision = precision or default_precision(target, cpu)
    current = open_program(program)
    layers: tuple[LayerReport, ...] = ()
    plain: tuple[str, ...] = ()
    buffers: tuple[BufferLife, ...] = ()
    stages = pipelines.target_levels(machine, threads, precision)
    for number, level in enumerate(stages, start=1):
        lower(current, level)
        if level.name == "layouts":
            layers = layer_reports(current)
        if level.name == "layers":
            buffers = buffer_lives(current)
        if level.name == "kernels" and isinstance(machine, Target):
            plain = plain_operations(current)
            layers = with_loads(with_index_bytes(layers, current.parameters), current)
        if levels is not None:
            _write(levels / f"{number}-{level.name}.mlir", current.text())
    input_spec, output_spec = (getattr(current, n, None) for n in ("input_spec", "output_spec"))
    report = Report(
        layers, _fallbacks(current), plain, threads, 0, 0, buffers=buffers, precision=precision
    )
    if isinstance(machine, GpuTarget):
        contents = _for_gpu(current, machine, report, output_spec)
    else:
        contents = _for_processor(current, machine, report, output_spec)
        if levels is not None:
            _write(levels / "llvm.ll", codegen.llvm_ir(current))
    return CompiledModel(contents, input_spec, output_spec, chunk, device=device)


def _for_processor(program: Program, machine: Target, report: Report, spec: Any) -> Contents:
    plan = codegen.layer_plan(program)
    weights = program.parameters[WEIGHTS]
    cycles = [layer.cycles for layer in plan.layers]
    loops = loop_shares(plan.layers, cycles, report.fallbacks, report.plain)
    return Contents(
        code=codegen.object_code(program, machine),
        weights=weights,
        plan=plan,
        threads=report.threads,
        triple=machine.triple,
        cpu=machine.cpu_name,
        features=machine.required,
        structure=_structure(spec, len(plan.outputs)),
        report=replace(
            report, arena_bytes=plan.arena_bytes, weight_bytes=weights.nbytes, loops=loops
        ),
    )


def _for_gpu(program: Program, machine: GpuTarget, report: Report, spec: Any) -> Contents:
    host, steps = _host_steps(program, report.threads)
    code = spirv.vulkan_code(program, steps)
    return Contents(
        code=steps.code,
        weights=code.weights,
        plan=code.plan,
        threads=report.threads,
        triple=host.triple if steps.steps else "",
        cpu=host.cpu_name if steps.steps else machine.gpu,
        features=host.required if steps.steps else code.plan.features,
        structure=_structure(spec, len(code.plan.outputs)),
        report=replace(
            report,
            arena_bytes=code.plan.arena_bytes,
            weight_bytes=code.weights.nbytes,
            gpu=machine.gpu,
            kernels=spirv.kernel_reports(program),
            on_host=host_operations(program),
        ),
        kernels=code.kernels,
    )


def _host_steps(program: Program, threads: int) -> tuple[Target, HostCode]:
    """Return what runs the steps of a GPU's network that have no kernel, and their code.

    That is the processor which compiles.
    """
    machine = find_target(HOST)
    assert isinstance(machine, Target)
    programs = host_programs(program)
    for own in programs.values():
        for level in pipelines.target_levels(machine, threads):
            lower(own, level)
    return machine, host_code(programs, machine)


def lower(program: Program, level: pipelines.Level) -> None:
    """Take ``program`` to ``level`` from the one before it, in place.

    Raises:
        CompileError: a pass failed or left a module that does not verify.
    """
    try:
        # Once a level: after each pass it would take half of the time to compile.
        pipelines.run(program, level.stages, pipelines.Instrumentation(verify=False))
        program.module.operation.verify()
    except ir.MLIRError as error:
        raise CompileError(first_line(error, program)) from error


def _structure(spec: Any, count: int) -> Structure:
    """Return how ``count`` outputs are nested: as the pytree ``spec``, else as a tuple."""
    if spec is None:
        return 0 if count == 1 else structure_of(tuple(range(count)))
    from torch.utils._pytree import tree_unflatten

    return structure_of(tree_unflatten(list(range(count)), spec))


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


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
