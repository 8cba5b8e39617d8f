"""The passes of pattern_mlir, in the order in which they run; each is imported when first used."""

from __future__ import annotations

import importlib

from pattern_mlir.errors import PipelineError, did_you_mean
from pattern_mlir.passes.base import Pass

PASS_NAMES = (
    "convert-torch-to-pattern",
    "pattern-canonicalize",
    "pattern-channels-first",
    "pattern-mark-separable",
    "pattern-fold-scales",
    "pattern-fuse",
    "pattern-detect",
    "pattern-group",
    "pattern-balance",
    "pattern-assign-precision",
    "pattern-assign-layouts",
    "pattern-outline-host",
    "pattern-assign-blocks",
    "convert-pattern-to-vector",
    "convert-pattern-to-gpu",
    "convert-pattern-to-linalg",
    "convert-matmul-to-vector",
    "pattern-pack-weights",
    "pattern-prepare-buffers",
    "pattern-results-to-arguments",
    "convert-copies-to-linalg",
    "pattern-plan-memory",
    "pattern-outline-layers",
    "convert-math-to-polynomials",
    "convert-layers-to-abi",
)
"""Every own pass by its name on the command line; module and class carry the same words."""


def pass_class(name: str) -> type[Pass]:
    """Return the class of the pass ``name``; raise PipelineError if there is none."""
    if name not in PASS_NAMES:
        raise PipelineError(f"unknown pass '{name}'{did_you_mean(name, PASS_NAMES)}")
    module = importlib.import_module(f"pattern_mlir.passes.{name.replace('-', '_')}")
    words = "".join(word.capitalize() for word in name.split("-"))
    found: type[Pass] = getattr(module, words)
    return found
