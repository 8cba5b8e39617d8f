"""Pipelines: own and upstream passes in one sequence, by name and from text, and their driver."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.passmanager import PassManager

from pattern_mlir.errors import PassFailure, PipelineError, did_you_mean
from pattern_mlir.modules import forward_function, place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes import PASS_NAMES, pass_class
from pattern_mlir.passes.base import OperationFailure, Pass
from pattern_mlir.program import Program
from pattern_mlir.runtime.vulkan.plan import RANGE_ALIGNMENT
from pattern_mlir.targets import GpuTarget, Target, check_half
from pattern_mlir.targets import target as find_target

Stage = Pass | str
"""An own pass, or upstream passes in MLIR's textual form, such as `func.func(canonicalize)`."""


@dataclass(frozen=True)
class Level:
    """A level of the module, and the stages that lead to it from the level before."""

    name: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Instrumentation:
    """What the driver does beside running the stages.

    Attributes:
        print_after_all: print the module to stderr after every stage.
        print_before_all: print the module to stderr before every stage.
        timing: print the time of each stage to stderr.
        verify: verify the module after every stage.
    """

    print_after_all: bool = False
    print_before_all: bool = False
    timing: bool = False
    verify: bool = True


LEAST_POOLED = 20
"""Rows and columns of a result from which a convolution takes in the pool that follows.

Measured at 512 channels: on planes of 14x14 1.89 ms together, 1.42 one after the other; on those of
28x28 5.34 and 4.9.
"""


NEVER_POOLED = 1 << 30
"""Rows that no result has: on a GPU no convolution takes in its pool, whose blocks would differ."""


def target_levels(
    target: Target | GpuTarget | str, threads: int = 1, precision: str = "f32"
) -> tuple[Level, ...]:
    """Return the whole pipeline of ``target``, level by level.

    It takes a module at the torch level or any later one on tensors: passes that find nothing to
    do change nothing. ``precision`` is what `pattern-assign-precision` takes; for a GPU,
    `pattern-assign-blocks`.

    Raises:
        PipelineError: there is no such precision.
        CompileError: the target has not what it needs.
    """
    machine = find_target(target) if isinstance(target, str) else target
    if isinstance(machine, GpuTarget):
        return _gpu_levels(machine, precision)
    assign_precision = make_pass("pattern-assign-precision", f"precision={precision}")
    if precision != "f32":
        check_half(machine, arithmetic=precision == "f16")
    sizes = {"lanes": machine.lanes, "registers": machine.registers}
    words = [f"{name}={size}" for name, size in sizes.items() if size]
    vectors = " ".join([f"processor={machine.processor}", *words])
    abi = f"frame-pointer={str(machine.reserves_frame_pointer).lower()}"
    return (
        Level("torch", ()),
        Level("pattern", (*_torch_to_tensors(), *_own("pattern-canonicalize"))),
        Level(
            "graph",
            (
                *_own("pattern-channels-first", "pattern-mark-separable", "pattern-fold-scales"),
                make_pass("pattern-fuse", f"least-pooled={LEAST_POOLED}"),
                make_pass("pattern-detect", vectors),
                "canonicalize",
                "cse",
            ),
        ),
        Level(
            "schedule",
            (
                *_own("pattern-group"),
                make_pass("pattern-balance", f"threads={threads}"),
                assign_precision,
            ),
        ),
        Level("layouts", (make_pass("pattern-assign-layouts", vectors), "canonicalize", "cse")),
        Level("kernels", (make_pass("convert-pattern-to-vector", vectors),)),
        Level("linalg", (*_own("convert-pattern-to-linalg"), "canonicalize", "cse")),
        Level(
            "layers",
            (
                make_pass("convert-matmul-to-vector", vectors),
                *_own("pattern-pack-weights"),
                *_tensors_to_layers(),
            ),
        ),
        Level(
            "llvm",
            (
                *_own("convert-math-to-polynomials"),
                *_layers_to_llvm(),
                make_pass("convert-layers-to-abi", abi),
            ),
        ),
    )


def _gpu_levels(machine: GpuTarget, precision: str) -> tuple[Level, ...]:
    """Return the pipeline to launches of kernels; they stay in the gpu dialect."""
    choice = f"gpu={machine.gpu} precision={precision}"
    kernels = f"{choice} alternatives" if machine.measured else choice
    return (
        Level("torch", ()),
        Level("pattern", (*_torch_to_tensors(), *_own("pattern-canonicalize"))),
        Level(
            "graph",
            (
                *_own("pattern-channels-first", "pattern-mark-separable"),
                make_pass("pattern-fuse", f"least-pooled={NEVER_POOLED} only-short"),
                *_own("pattern-detect"),
                "canonicalize",
                "cse",
            ),
        ),
        Level("schedule", _own("pattern-group", "pattern-outline-host")),
        Level("layouts", (make_pass("pattern-assign-blocks", choice), "canonicalize", "cse")),
        Level("kernels", (make_pass("convert-pattern-to-gpu", kernels),)),
        Level(
            "launches",
            (
                make_pass("pattern-plan-memory", f"alignment={RANGE_ALIGNMENT}"),
                "func.func(canonicalize)",
            ),
        ),
    )


def target_pipeline(
    target: Target | GpuTarget | str, threads: int = 1, precision: str = "f32"
) -> tuple[Stage, ...]:
    """Return all stages of ``target``'s levels in one sequence."""
    levels = target_levels(target, threads, precision)
    return tuple(stage for level in levels for stage in level.stages)


def _own(*names: str) -> tuple[Stage, ...]:
    return tuple(pass_class(name)() for name in names)


def _torch_to_tensors() -> tuple[Stage, ...]:
    """From the torch level to pattern and linalg operations on builtin tensors."""
    return (
        *_own("convert-torch-to-pattern"),
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


def _tensors_to_layers() -> tuple[Stage, ...]:
    """From linalg on tensors to one function of loops a layer, on buffers."""
    return (
        "func.func(tm-tensor-bufferize)",
        *_own("pattern-prepare-buffers"),
        "one-shot-bufferize{bufferize-function-boundaries"
        " function-boundary-type-conversion=identity-layout-map}",
        *_own("pattern-results-to-arguments"),
        "canonicalize",
        "cse",
        *_own("convert-copies-to-linalg", "pattern-plan-memory"),
        "func.func(tm-tensor-to-loops,convert-linalg-to-parallel-loops)",
        "canonicalize",
        "cse",
        *_own("pattern-outline-layers"),
    )


def _layers_to_llvm() -> tuple[Stage, ...]:
    """From loops on buffers to the LLVM dialect, with bare pointers."""
    return (
        "convert-scf-to-cf",
        "expand-strided-metadata",
        "lower-affine",
        "convert-math-to-llvm",
        "convert-math-to-libm",
        "convert-vector-to-llvm",
        "convert-arith-to-llvm",
        "convert-ub-to-llvm",
        "convert-index-to-llvm",
        "finalize-memref-to-llvm",
        "convert-cf-to-llvm",
        "convert-func-to-llvm{use-bare-ptr-memref-call-conv=1}",
        "reconcile-unrealized-casts",
        "canonicalize",
        "cse",
    )


def run(
    program: Program,
    stages: Sequence[Stage],
    instrumentation: Instrumentation | None = None,
) -> None:
    """Run ``stages`` over ``program`` in place.

    Raises:
        ir.MLIRError: a pass failed or left a module that does not verify; the diagnostics say
            where.
        PipelineError: MLIR does not know an upstream pass or option.
    """
    settings = instrumentation or Instrumentation()
    with program.context, ir.Location.unknown():
        manager = PassManager("builtin.module")
        for stage in stages:
            if isinstance(stage, str):
                add_upstream(manager, stage)
            else:
                callback = _callback(stage, program.parameters)
                manager.add(callback, name=type(stage).__name__, argument=stage.name)
        manager.enable_verifier(settings.verify)
        if settings.print_after_all or settings.print_before_all:
            manager.enable_ir_printing(
                print_after_all=settings.print_after_all,
                print_before_all=settings.print_before_all,
                print_module_scope=True,
            )
        if settings.timing:
            manager.enable_timing()
        manager.run(program.module.operation)


def add_upstream(manager: Any, stage: str) -> None:
    """Add the upstream passes ``stage``; raise PipelineError where MLIR does not know them."""
    try:
        manager.add(stage)
    except (ValueError, ir.MLIRError) as error:
        raise PipelineError(_explain(stage, str(error))) from None


def _explain(stage: str, error: str) -> str:
    """Return one line about an upstream stage that MLIR refuses."""
    unknown = re.search(r"'([^']+)' does not refer to a registered pass", error)
    if unknown:
        suggestion = did_you_mean(unknown[1], [*PASS_NAMES, *COMMON_UPSTREAM_PASSES])
        return (
            f"unknown pass '{unknown[1]}'{suggestion}"
            " (pattern-opt --list-passes lists those of pattern_mlir)"
        )
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return f"MLIR does not understand '{stage}': {lines[-1] if lines else error}"


_NOT_LEGALIZED = re.compile(
    r"failed to legalize operation '(?P<name>torch\.[^']+)'"
    r"(?:.*?<\{name = \"(?P<operator>[^\"]+)\")?",
    re.DOTALL,
)


def explain_failure(message: str, module: Any) -> tuple[str, str]:
    """Return one line about a pass's error ``message``, and its place in the model if known.

    Where torch-mlir could not lower an operation, the line names this one. ``module`` is what the
    failed pass left.
    """
    found = _NOT_LEGALIZED.match(message)
    if not found:
        return message.partition("\n")[0], ""
    name, origin = found["operator"] or found["name"], ""
    if name.startswith(("torch.constant.", "torch.prim.")):
        # An operand is left, too, and met first: its user is what matters.
        for op in forward_function(module).regions[0].blocks[0].operations:
            if op.operation.name.startswith(("torch.aten.", "torch.operator")):
                name, origin = op.operation.name, place(op.location)
                break
    return (
        f"neither pattern_mlir nor torch-mlir can lower '{name.removeprefix('torch.')}';"
        " write the model with other operations",
        origin,
    )


COMMON_UPSTREAM_PASSES = (
    "canonicalize",
    "convert-arith-to-llvm",
    "convert-func-to-llvm",
    "convert-linalg-to-loops",
    "convert-linalg-to-parallel-loops",
    "convert-scf-to-cf",
    "cse",
    "expand-strided-metadata",
    "finalize-memref-to-llvm",
    "inline",
    "linalg-generalize-named-ops",
    "loop-invariant-code-motion",
    "lower-affine",
    "one-shot-bufferize",
    "reconcile-unrealized-casts",
    "symbol-dce",
)
"""Upstream passes for suggestions; the bindings cannot list those that are registered."""


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


def parse_pipeline(text: str) -> tuple[Stage, ...]:
    """Return the stages of `builtin.module(first,second{option=1},func.func(third))`.

    Raises:
        PipelineError: the text is no such pipeline, or an own pass or option is not known.
    """
    match = re.fullmatch(r"\s*(?:builtin\.module|any)\s*\((.*)\)\s*", text, re.DOTALL)
    if not match:
        raise PipelineError(
            f"the pipeline '{text}' must have the form builtin.module(first-pass,second-pass)"
        )
    return tuple(_stage(element) for element in _split(match[1]))


def _split(text: str) -> Iterator[str]:
    """Yield the elements between commas that stand outside all brackets."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += (character in "({") - (character in ")}")
        if depth < 0:
            raise PipelineError(f"the pipeline '{text}' closes a bracket that is not open")
        if character == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if depth:
        raise PipelineError(f"the pipeline '{text}' leaves a bracket open")
    if start or text.strip():
        yield text[start:].strip()


def _stage(element: str) -> Stage:
    match = re.match(r"[\w.-]+", element)
    if not match:
        raise PipelineError("the pipeline has an empty element; remove the comma")
    name = match[0]
    if name not in PASS_NAMES:
        nested = next((n for n in PASS_NAMES if re.search(rf"[(,]\s*{n}\b", element)), None)
        if nested:
            raise PipelineError(f"'{nested}' runs on the module: take it out of '{name}(…)'")
        if name.startswith(("pattern-", "convert-torch-to-p", "convert-pattern-")):
            raise PipelineError(f"unknown pass '{name}'{did_you_mean(name, PASS_NAMES)}")
        return element
    options = element[len(name) :].strip()
    if options and not (options.startswith("{") and options.endswith("}")):
        raise PipelineError(f"options of '{name}' stand in braces, as in {name}{{option=value}}")
    return make_pass(name, options[1:-1])


def make_pass(name: str, options: str = "") -> Pass:
    """Return the own pass ``name`` with ``options`` such as `threads=2 verbose`."""
    kind = pass_class(name)
    fields = kind.options()
    values: dict[str, Any] = {}
    for word in options.split():
        key, equals, value = word.partition("=")
        if key not in fields:
            known = ", ".join(fields) or "none"
            raise PipelineError(
                f"pass '{name}' has no option '{key}'{did_you_mean(key, fields)} (has: {known})"
            )
        if not equals and str(fields[key].type) != "bool":
            raise PipelineError(f"option '{key}' of pass '{name}' needs a value, as in {key}=…")
        values[fields[key].name] = _option_value(name, fields[key], value if equals else "true")
    return kind(**values)


def _option_value(name: str, field: dataclasses.Field[Any], value: str) -> Any:
    # Annotations are text: passes are defined with postponed evaluation.
    kind = str(field.type)
    if kind == "bool" and value in ("true", "false", "1", "0"):
        return value in ("true", "1")
    converters: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "str": str}
    try:
        return converters[kind](value)
    except (KeyError, ValueError):
        option = field.name.replace("_", "-")
        raise PipelineError(
            f"option '{option}' of pass '{name}' takes {kind}, got '{value}'"
        ) from None


def format_pipeline(stages: Sequence[Stage]) -> str:
    """Return the text of ``stages`` that `parse_pipeline` reads."""
    return f"builtin.module({','.join(_format(stage) for stage in stages)})"


def _format(stage: Stage) -> str:
    if isinstance(stage, str):
        return stage
    words = [
        f"{option}={str(value).lower() if isinstance(value, bool) else value}"
        for option, field in stage.options().items()
        if (value := getattr(stage, field.name)) != field.default
    ]
    return f"{stage.name}{{{' '.join(words)}}}" if words else stage.name
