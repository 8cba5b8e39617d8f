"""What `pattern-opt --list-passes` and `--show-dialects` print."""

from __future__ import annotations

import inspect

from pattern_mlir import dialects as own_dialects
from pattern_mlir.passes import PASS_NAMES, pass_class
from pattern_mlir.pipelines import format_pipeline, target_pipeline
from pattern_mlir.targets import HOST, TARGETS, processors

UPSTREAM_DIALECTS = (
    "affine, arith, bufferization, builtin, cf, func, gpu, index, linalg, llvm, math, memref,"
    " ml_program, scf, spirv, tensor, tm_tensor, torch, torch_c, vector"
)
"""Dialects of MLIR and torch-mlir that modules pass through."""


def passes() -> str:
    """Return the passes with their options, the pipeline, and the targets."""
    lines = ["Passes of pattern_mlir:"]
    for name in PASS_NAMES:
        kind = pass_class(name)
        lines.append(f"  --{name:<26} {_first_line(kind)}")
        for option, field in kind.options().items():
            lines.append(f"      {option}={field.type} (default {field.default})")
    lines.append("Passes of MLIR and torch-mlir run by their own names in --pass-pipeline.")
    lines += [f"Pipeline of --target={HOST}:", f"  {format_pipeline(target_pipeline(HOST))}"]
    lines.append("Other targets have the same, for another processor. Each with its --cpu:")
    for target in TARGETS:
        lines.append(f"  {target:<26} {', '.join(processors(target))}")
    return "\n".join(lines)


def dialects() -> str:
    """Return the dialects, and the operations of `pattern`."""
    lines = ["Available dialects:", f"  pattern, {UPSTREAM_DIALECTS}"]
    lines.append("Operations of pattern:")
    operations = [kind for kind in vars(own_dialects).values() if hasattr(kind, "OPERATION_NAME")]
    for kind in sorted(operations, key=lambda kind: str(kind.OPERATION_NAME)):
        lines.append(f"  {kind.OPERATION_NAME:<30} {_first_line(kind)}")
    return "\n".join(lines)


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]
