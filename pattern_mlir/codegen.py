"""From layers in the LLVM dialect to LLVM IR, assembly and object code, by llvmlite."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import llvm as llvm_dialect

from pattern_mlir.dialects import integers
from pattern_mlir.errors import CompileError
from pattern_mlir.llvm_text import for_llvm_22, split_functions
from pattern_mlir.passes.buffers import BOUNDARIES, EXTENT, PLACE, WORK, Work
from pattern_mlir.passes.pattern_mark_separable import SEPARABLE
from pattern_mlir.passes.pattern_outline_layers import BUFFERS, LAYERS
from pattern_mlir.passes.pattern_plan_memory import ARENA_BYTES, LIVE_BYTES
from pattern_mlir.passes.results import RESULT, result_place
from pattern_mlir.program import Program, tensor_spec
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer, TensorSpec
from pattern_mlir.targets import Target

OPTIMIZATION_LEVEL = 3


def layer_plan(program: Program) -> LayerPlan:
    """Return what the runtime must know of ``program``, whose layers are outlined.

    Raises:
        CompileError: the module has no layers.
    """
    operation = program.module.operation
    if LAYERS not in operation.attributes:
        raise CompileError(
            "the module has no layers; lower it with --target=host,"
            " or run pattern-outline-layers first"
        )
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation
        for op in program.module.body.operations
        if "sym_name" in op.operation.attributes
    }
    layers = [ir.FlatSymbolRefAttr(name).value for name in operation.attributes[LAYERS]]
    buffers = [_buffer(description) for description in operation.attributes[BUFFERS]]
    return LayerPlan(
        layers=tuple(_planned_layer(name, functions[name]) for name in layers),
        inputs=tuple(spec for role, spec in buffers if role == "input"),
        outputs=tuple(spec for role, spec in buffers if role == "output"),
        arena_bytes=ir.IntegerAttr(operation.attributes[ARENA_BYTES]).value,
        live_bytes=ir.IntegerAttr(operation.attributes[LIVE_BYTES]).value,
        separable=SEPARABLE in operation.attributes,
    )


def _planned_layer(name: str, function: Any) -> PlannedLayer:
    attributes = function.attributes
    boundaries = tuple(integers(attributes[BOUNDARIES])) if BOUNDARIES in attributes else None
    place = ir.StringAttr(attributes[PLACE]).value if PLACE in attributes else ""
    extent = ir.IntegerAttr(attributes[EXTENT]).value
    if WORK not in attributes:
        return PlannedLayer(name, extent, boundaries, place)
    work = dataclasses.asdict(Work.from_attribute(attributes[WORK]))
    result = result_place(attributes[RESULT]) if RESULT in attributes else None
    return PlannedLayer(name, extent, boundaries, place, **work, result=result)


def _buffer(description: Any) -> tuple[str, TensorSpec]:
    role, name, type_, *unsigned = ir.ArrayAttr(description)
    spec = tensor_spec(ir.StringAttr(name).value, ir.TypeAttr(type_).value, bool(unsigned))
    return ir.StringAttr(role).value, spec


def llvm_ir(program: Program) -> str:
    """Return the LLVM IR of ``program``, a module in the LLVM dialect.

    Raises:
        CompileError: the module holds something else than the LLVM dialect.
    """
    other = _outside_llvm(program.module.operation)
    if other:
        raise CompileError(
            f"the module is not in the LLVM dialect: it holds '{other}';"
            " lower it with --target=host"
        )
    try:
        text = llvm_dialect.translate_module_to_llvmir(program.module.operation)
    except (ir.MLIRError, RuntimeError, ValueError) as error:
        raise CompileError(
            f"the module is not in the LLVM dialect; lower it with --target=host ({error})"
        ) from error
    return for_llvm_22(str(text))


def _outside_llvm(operation: Any) -> str | None:
    """Return an operation that the translation, which crashes on it, does not know."""
    for region in operation.regions:
        for block in region.blocks:
            for inner in block.operations:
                name = str(inner.operation.name)
                if not name.startswith("llvm."):
                    return name
                if (found := _outside_llvm(inner.operation)) is not None:
                    return found
    return None


def assembly(program: Program, target: Target) -> str:
    """Return the optimised assembly of ``program``'s layers for ``target``."""
    machine, module = _optimised(program, target)
    return str(machine.emit_assembly(module))


def object_code(program: Program, target: Target) -> bytes:
    """Return the object file of ``program``'s layers for ``target``."""
    machine, module = _optimised(program, target)
    return bytes(machine.emit_object(module))


def joined_object_code(programs: Mapping[str, Program], target: Target) -> bytes:
    """Return one object file of the layers of several programs.

    Each name stands behind its program's, with a `_` between.
    """
    import llvmlite.binding as llvm

    context, whole = llvm.create_context(), None
    for prefix, program in programs.items():
        machine, module = _optimised(program, target, context)
        for own in (*module.functions, *module.global_variables):
            if not own.is_declaration:
                own.name = f"{prefix}_{own.name}"
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    return bytes(machine.emit_object(whole))


def _optimised(program: Program, target: Target, context: Any = None) -> tuple[Any, Any]:
    """Return the target machine and the optimised llvmlite module of ``program``.

    ``context`` is that of LLVM which the module lives in; None: one of its own.

    Kernels come as they shall be: the whole of LLVM's pipeline takes 15 times as long on them as
    two passes do, and gains nothing. Plain loops need all of it.
    """
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=OPTIMIZATION_LEVEL,
        reloc="pic",
        codemodel="default",  # that of JITs takes addresses as linkers of static programs cannot
    )
    layers, kernels = split_functions(llvm_ir(program), _plain_functions(program))
    context = context or llvm.create_context()
    options = llvm.create_pipeline_tuning_options(OPTIMIZATION_LEVEL)
    builder = llvm.create_pass_builder(machine, options)
    module = _parsed(layers, target, machine, context)
    builder.getModulePassManager().run(module, builder)
    few = llvm.create_new_module_pass_manager()
    few.add_simplify_cfg_pass()
    few.add_instruction_combine_pass()
    rest = _parsed(kernels, target, machine, context)
    few.run(rest, builder)
    module.link_in(rest)
    return machine, module


def _plain_functions(program: Program) -> set[str]:
    """Return the names of the functions that are no kernels: the layers; without these, all."""
    attributes = program.module.operation.attributes
    if LAYERS in attributes:
        return {ir.FlatSymbolRefAttr(name).value for name in attributes[LAYERS]}
    names = (op.operation.attributes.get("sym_name") for op in program.module.body.operations)
    return {ir.StringAttr(name).value for name in names if name is not None}


def _parsed(text: str, target: Target, machine: Any, context: Any) -> Any:
    import llvmlite.binding as llvm

    try:
        module = llvm.parse_assembly(text, context)
    except RuntimeError as error:
        raise CompileError(f"LLVM refuses the generated code: {error}") from error
    module.triple = target.triple
    module.data_layout = str(machine.target_data)
    return module
