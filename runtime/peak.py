"""How many multiply-accumulates this processor can do: measured, for profiles to compare with."""

from __future__ import annotations

from pattern_mlir.runtime.vector_loop import VectorLoop

SUMS = 12
"""Vector sums that are under way: more than any processor's latency, fewer than its registers."""

STEPS = 20_000
"""Multiply-accumulates of each sum in a call."""


class Peak:
    """A loop that does nothing but vector multiply-accumulates; compiled when it is made."""

    def __init__(self, lanes: int, sums: int = SUMS) -> None:
        """Use vectors of ``lanes`` f32, and add to ``sums`` of them in turn."""
        self._loop = VectorLoop(lanes, sums)
        self._multiplications = STEPS * sums * lanes

    def measure(self) -> float:
        """Return multiply-accumulates a second of the calling thread; takes 0.2 ms or so.

        An untimed run goes first: after other code the first was up to a third slower.
        """
        self._loop.seconds(STEPS)
        return self._multiplications / self._loop.seconds(STEPS)


def vector_lanes() -> int:
    """Return the f32 lanes of this processor's vectors."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return 16 if features.get("avx512f") else 8 if features.get("avx") else 4
