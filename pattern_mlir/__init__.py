"""Compile pattern-pruned convolutional networks: PyTorch in, native code out.

The names below are imported when they are first used, so that `import pattern_mlir` is cheap and
never imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pattern_mlir.calibration import calibrate
    from pattern_mlir.compiled_model import CompiledModel, load
    from pattern_mlir.compiler import compile
    from pattern_mlir.errors import PatternError
    from pattern_mlir.importer import import_program
    from pattern_mlir.interpretation import interpret
    from pattern_mlir.parameters import ParameterStore
    from pattern_mlir.program import Program

__version__ = "0.1.0"

__all__ = [
    "CompiledModel",
    "ParameterStore",
    "PatternError",
    "Program",
    "calibrate",
    "compile",
    "import_program",
    "interpret",
    "load",
]

_HOMES = {
    "CompiledModel": "compiled_model",
    "ParameterStore": "parameters",
    "PatternError": "errors",
    "Program": "program",
    "calibrate": "calibration",
    "compile": "compiler",
    "import_program": "importer",
    "interpret": "interpretation",
    "load": "compiled_model",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pattern_mlir' has no attribute '{name}'")
    return getattr(importlib.import_module(f"pattern_mlir.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
