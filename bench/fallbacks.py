"""Times what is no convolution against PyTorch eager: products, attention, rows, element-wise.

Both run in this process on one pinned core with one thread, in turns. What counts is the least of
each one's processor time: that which others take of the core is no part of it. Writes
docs/benchmarks/fallbacks.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import pattern_mlir
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.parameters import write_text

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks" / "fallbacks.md"
LIMIT = 2.0
"""Times PyTorch's time that is good enough."""

ROUNDS = 40
SECONDS = 6.0
"""Of a case at most."""


class Called(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Call ``function``."""
        super().__init__()
        self._function = function

    def forward(self, *inputs: Tensor) -> Any:
        """Return what the function returns."""
        return self._function(*inputs)


@dataclass(frozen=True)
class Case:
    """Something to time: its name, a module, and the shapes of its inputs."""

    name: str
    model: nn.Module
    shapes: tuple[tuple[int, ...], ...]


def cases() -> list[Case]:
    """Return all cases."""
    heads = (1, 8, 197, 64)
    image = (1, 64, 56, 56)
    return [
        Case("matmul 256 x 256 x 256", Called(torch.matmul), ((256, 256), (256, 256))),
        Case("matmul 197 x 768 x 768", Called(torch.matmul), ((197, 768), (768, 768))),
        Case("batched matmul 8 x 197 x 64 x 197", Called(torch.bmm), ((8, 197, 64), (8, 64, 197))),
        Case("linear 197 x 768 to 3072", nn.Linear(768, 3072), ((197, 768),)),
        Case("attention of 197 tokens, 8 heads of 64", Called(_attention), (heads,) * 3),
        Case("softmax 1576 x 197", nn.Softmax(-1), ((1576, 197),)),
        Case("layer norm 197 x 768", nn.LayerNorm(768), ((197, 768),)),
        Case("group norm of 64 channels, 56 x 56", nn.GroupNorm(8, 64), (image,)),
        Case("x * 0.5 + 1, ReLU, 64 x 56 x 56", Called(_chain), (image,)),
        Case("x * sigmoid(y) + y, 64 x 56 x 56", Called(_gated), (image, image)),
        Case("GELU 197 x 3072", nn.GELU(), ((197, 3072),)),
        Case("x / (1 + |x|), 64 x 56 x 56", Called(_softsign), (image,)),
    ]


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value)


def _chain(x: Tensor) -> Tensor:
    return F.relu(x * 0.5 + 1)


def _gated(x: Tensor, y: Tensor) -> Tensor:
    return x * y.sigmoid() + y


def _softsign(x: Tensor) -> Tensor:
    return x / (1 + x.abs())


def least_times(compiled: CompiledModel, case: Case) -> tuple[float, float]:
    """Return our least time and PyTorch's, in microseconds, of runs in turns."""
    inputs = [torch.randn(shape) for shape in case.shapes]
    arrays = [x.numpy() for x in inputs]
    ours, theirs, start = [], [], time.process_time()
    with torch.no_grad():
        for _ in range(ROUNDS):
            begin = time.process_time()
            compiled.run(arrays)
            middle = time.process_time()
            case.model(*inputs)
            ours.append(middle - begin)
            theirs.append(time.process_time() - middle)
            if middle - start > SECONDS:
                break
    return 1e6 * min(ours), 1e6 * min(theirs)


def main() -> None:
    """Time every case and write the page."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = []
    for case in cases():
        exported = torch.export.export(
            case.model.eval(), tuple(torch.randn(shape) for shape in case.shapes)
        )
        compiled = pattern_mlir.compile(exported)
        ours, theirs = least_times(compiled, case)
        kernels = ", ".join(dict.fromkeys(layer.kernel for layer in compiled.layers))
        verdict = "yes" if ours <= LIMIT * theirs else "no"
        rows.append(
            f"| {case.name} | {kernels} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |"
            f" {verdict} |"
        )
        print(rows[-1], flush=True)
    write_text(PAGE, PAGE_TEXT.format("\n".join(rows)))


PAGE_TEXT = """\
# What is no convolution, against PyTorch eager

Written by `python bench/fallbacks.py`: f32, one thread pinned to one core, runs in turns in one
process, the least processor time of each. Other work shared the machine and its caches, so small
differences mean nothing.

| operation | kernels | ours, us | PyTorch, us | ratio | within 2 x |
|---|---|---:|---:|---:|---|
{}
"""

if __name__ == "__main__":
    main()
