"""The C runtime as LLVM IR; `make runtime-ir` writes it from runtime/src."""

from __future__ import annotations

from importlib import resources


def runtime_ir(architecture: str) -> str:
    """Return the module of the C runtime for ``architecture``, without triple."""
    file = resources.files("pattern_mlir.runtime") / "ir" / f"{architecture}.ll"
    return file.read_text()
