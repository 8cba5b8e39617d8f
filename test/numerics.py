"""The numeric rules of the project: error against fp64, judged by PyTorch's own error."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

LIMIT = 1.2
"""Our RMS error is at most this times PyTorch's own f32 RMS error …"""
FLOOR = 1e-6
"""… or this times the reference's RMS, where PyTorch's error is smaller."""
HALF_LIMIT = 1.5
"""With f16 storage: at most this times the RMS error of PyTorch with f16 storage and f32 sums."""


@dataclass(frozen=True)
class Comparison:
    """RMS over all outputs of all inputs: our error, PyTorch's error, and the reference."""

    ours: float
    torch: float
    reference: float
    limit: float = LIMIT

    @property
    def allowed(self) -> float:
        """The largest RMS error that meets the rule."""
        return max(self.limit * self.torch, FLOOR * self.reference)

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
    half: bool = False,
) -> Comparison:
    """Run ``model`` in f32 and fp64 and our ``run`` on ``count`` seeded inputs of ``shape``.

    ``half``: PyTorch stores in f16 what it computes in f32, and the other limit holds.
    """
    double = copy.deepcopy(model).double()
    peer = stored_in_half(model) if half else model
    squares = np.zeros(3)
    size = 0
    for index in range(count):
        x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed + index))
        with torch.no_grad():
            reference = double(x.double()).numpy()
            theirs = peer(x).numpy()
        ours = run(x.numpy())
        errors = (ours - reference, theirs - reference, reference)
        squares += [np.square(error, dtype=np.float64).sum() for error in errors]
        size += reference.size
    rms = np.sqrt(squares / size)
    return Comparison(rms[0], rms[1], rms[2], HALF_LIMIT if half else LIMIT)


def _rounded(value: Any) -> Any:
    """Return a tensor's numbers rounded to f16, in f32."""
    return value.half().float() if isinstance(value, torch.Tensor) else value


class _RoundedFunctions(TorchFunctionMode):
    """Rounds what every function of PyTorch returns to f16: tensors are stored so."""

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), keywords: Any = None
    ) -> Any:
        result = function(*arguments, **(keywords or {}))
        floating = isinstance(result, torch.Tensor) and result.dtype == torch.float32
        with torch._C.DisableTorchFunction():
            return _rounded(result) if floating else result


def stored_in_half(model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return ``model`` with weights, input and all results rounded to f16, computed in f32."""
    model = copy.deepcopy(model)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data = _rounded(tensor.data)

    def run(x: torch.Tensor) -> torch.Tensor:
        x = _rounded(x)
        with _RoundedFunctions():
            result: torch.Tensor = model(x)
        return result

    return run
