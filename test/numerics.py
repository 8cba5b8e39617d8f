"""The numeric rule of the project: error against fp64, judged by PyTorch's own error."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

LIMIT = 1.2
"""Our RMS error is at most this times PyTorch's own f32 RMS error …"""
FLOOR = 1e-6
"""… or this times the reference's RMS, where PyTorch's error is smaller."""


@dataclass(frozen=True)
class Comparison:
    """RMS over all outputs of all inputs: our error, PyTorch's error, and the reference."""

    ours: float
    torch: float
    reference: float

    @property
    def allowed(self) -> float:
        """The largest RMS error that meets the rule."""
        return max(LIMIT * self.torch, FLOOR * self.reference)

    def __str__(self) -> str:
        """Say the figures in one line."""
        return (
            f"RMS error {self.ours:.3e}, PyTorch's {self.torch:.3e}"
            f" (ratio {self.ours / max(self.torch, 1e-300):.2f}),"
            f" reference {self.reference:.3e}, allowed {self.allowed:.3e}"
        )


def compare(
    model: torch.nn.Module,
    run: Callable[[Any], Any],
    shape: Sequence[int],
    count: int = 8,
    seed: int = 0,
) -> Comparison:
    """Run ``model`` in f32 and fp64 and our ``run`` on ``count`` seeded inputs of ``shape``."""
    double = copy.deepcopy(model).double()
    squares = np.zeros(3)
    size = 0
    for index in range(count):
        x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed + index))
        with torch.no_grad():
            reference = double(x.double()).numpy()
            theirs = model(x).numpy()
        ours = run(x.numpy())
        errors = (ours - reference, theirs - reference, reference)
        squares += [np.square(error, dtype=np.float64).sum() for error in errors]
        size += reference.size
    rms = np.sqrt(squares / size)
    return Comparison(ours=rms[0], torch=rms[1], reference=rms[2])
