"""Whether this machine can run compiled code."""

from __future__ import annotations

from collections.abc import Sequence


def why_not_here(triple: str, cpu: str, features: Sequence[str]) -> str | None:
    """Return why code for ``triple`` that needs a processor's ``features`` cannot run; None if."""
    import llvmlite.binding as llvm

    own, available = llvm.get_process_triple(), llvm.get_host_cpu_features()
    if triple != own:
        return f"is for {triple}, this machine is {own}"
    missing = [name for name in features if not available.get(name)]
    if missing:
        return f"is for {cpu} and needs a processor with {', '.join(missing)}"
    return None
