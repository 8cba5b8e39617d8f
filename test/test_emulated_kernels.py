"""Code for AArch64 computes under QEMU what PyTorch does, and imports functions of libm only."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import Function, exported, values

import pattern_mlir
from harness.emulated import COMPILER, EMULATOR, PACKAGES, Emulated, missing_packages
from pattern_mlir.targets import TRIPLES

LIBM = {"erff", "expf", "expm1f", "tanhf"}
"""Functions that compiled code may import."""

runs = pytest.mark.skipif(
    bool(missing_packages(EMULATOR, COMPILER)),
    reason=f"needs the Debian packages {PACKAGES[EMULATOR]} and {PACKAGES[COMPILER]}",
)


class Pruned(nn.Module):
    """Every kind of layer that has a kernel, and one that runs as plain loops."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, stride=2, padding=3)
        self.pattern = nn.Conv2d(8, 8, 3, padding=1)
        self.strided = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.pointwise = nn.Conv2d(16, 16, 1)
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.dense = nn.Conv2d(16, 16, 3, padding=1)
        self.upper = nn.ConvTranspose2d(16, 4, 2, stride=2)
        self.linear = nn.Linear(4, 5)
        generator = torch.Generator().manual_seed(0)
        for conv in (self.pattern, self.strided):
            kept = torch.zeros(conv.out_channels * conv.in_channels, 9)
            patterns = torch.tensor([[1, 3, 4, 5], [0, 2, 4, 8], [3, 4, 6, 7]])
            chosen = patterns[torch.randint(3, (len(kept),), generator=generator)]
            kept.scatter_(1, chosen, 1.0)
            kept *= (torch.rand(len(kept), 1, generator=generator) < 0.5).float()
            conv.weight.data *= kept.view(conv.weight.shape)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.max_pool2d(self.stem(x).relu(), 3, 2, 1)
        halved = functional.max_pool2d(self.pattern(y).relu(), 2)
        resized = functional.interpolate(halved, scale_factor=2.0, mode="bilinear")
        y = self.strided(resized) + self.strided(y).relu()
        y = functional.hardswish(self.pointwise(y)) * torch.sigmoid(self.dense(y))
        y = self.depthwise(y) + y
        return self.linear(self.upper(y).mean((2, 3)))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "all kinds of layers": (Pruned, (1, 3, 56, 56)),
    "products of matrices and loops": (
        lambda: Function(lambda x: torch.softmax(x @ x.transpose(1, 2), -1).cumsum(1)),
        (2, 9, 7),
    ),
}


def compiled(name: str, target: str, cpu: str | None = None) -> tuple[Any, Any, torch.Tensor]:
    """Return the model, its code, and an input."""
    make, shape = CASES[name]
    torch.manual_seed(0)
    model, x = make().eval(), values(*shape, seed=1)
    return model, pattern_mlir.compile(exported(model, x), target, cpu=cpu), x


@runs
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("processor", ["generic on cortex-a53", "cortex-a76 on max"])
def test_results_are_those_of_pytorch(name: str, processor: str) -> None:
    cpu, _, emulated = processor.partition(" on ")
    model, code, x = compiled(name, "aarch64-linux-gnu", cpu)
    # The oldest AArch64 has no extension: generic code that used one would end in SIGILL.
    (output,) = Emulated(code.contents).run([x.numpy()], ["-cpu", emulated])
    with torch.no_grad():
        expected = model(x).numpy()
    np.testing.assert_allclose(output, expected, rtol=1e-3, atol=1e-4)


@runs
def test_threads_share_the_layers() -> None:
    _, code, x = compiled("all kinds of layers", "aarch64-linux-gnu")
    one, three = (Emulated(code.contents, threads).run([x.numpy()]) for threads in (1, 3))
    np.testing.assert_array_equal(one[0], three[0])


@runs
@pytest.mark.skipif(bool(missing_packages("gcc")), reason="needs the Debian package gcc")
def test_what_layers_execute_is_counted() -> None:
    _, code, x = compiled("all kinds of layers", "aarch64-linux-gnu")
    _, rows = Emulated(code.contents).count([x.numpy()])
    convolutions = [(layer, executed) for layer, executed in rows if layer.kernel == "conv"]
    assert convolutions
    for layer, executed in convolutions:
        # Lanes outside the plane make it more than what is useful.
        assert layer.multiplications / 4 <= executed.fmla_f32 < executed.instructions, layer.place


@pytest.mark.parametrize("target", [name for name in TRIPLES if "linux" in name])
@pytest.mark.parametrize("name", CASES)
def test_objects_import_functions_of_libm_only(name: str, target: str, tmp_path: Path) -> None:
    nm = shutil.which("aarch64-linux-gnu-nm")
    if nm is None:
        pytest.skip(f"needs the Debian package {PACKAGES[COMPILER]}")
    _, code, _ = compiled(name, target)
    (tmp_path / "model.o").write_bytes(code.contents.code)
    command = [nm, "--undefined-only", "--format=just-symbols", str(tmp_path / "model.o")]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert set(found) <= LIBM
