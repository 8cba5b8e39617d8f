"""`pattern-run --compare` names the first layer whose result is not the model's."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from native import Array
from random_networks import random_network
from torch import Tensor, nn
from torch_models import Function, at_level, exported, values

import pattern_mlir
from pattern_mlir import interpret, package, zoo
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.importer import import_program
from pattern_mlir.passes.results import is_numbered
from pattern_mlir.program import Program
from pattern_mlir.tools.comparison import Difference
from pattern_mlir.tools.pattern_run import main

SHAPE = (1, 3, 16, 16)


class Net(nn.Module):
    """Of every kind of layer that has a kernel, and softplus, which has none."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.first = nn.Conv2d(8, width, 3, padding=1)
        self.second = nn.Conv2d(width, 8, 3, padding=1)
        self.join = nn.Conv2d(16, 8, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2, padding=1)
        y = F.relu(x + self.second(F.silu(self.first(x))))
        z = F.interpolate(torch.cat([x, y], 1), scale_factor=2)
        z = F.interpolate(self.join(z), size=(20, 24), mode="bilinear") * 2
        pooled: Tensor = self.head(F.softplus(z.mean((2, 3))))
        return pooled


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(0)
    return Net()


@pytest.fixture(scope="module")
def folder(net: Net, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the model and its package."""
    path = tmp_path_factory.mktemp("compare")
    program = exported(net, values(*SHAPE))
    torch.export.save(program, path / "model.pt2")
    pattern_mlir.compile(program, threads=2).save(path / "model.pattern")
    np.save(path / "three.npy", values(3, *SHAPE[1:], seed=1).numpy())
    return path


def altered(path: Path, weight: Tensor) -> Path:
    """Return a copy of the package at ``path`` in which one number of ``weight`` is another."""
    contents = package.read(path)
    words = contents.weights.view(np.float32).copy()
    flat = weight.detach().numpy().reshape(-1)
    (found,) = np.flatnonzero(words == flat[len(flat) // 2])
    words[found] += 1
    changed = path.with_name("altered.pattern")
    package.write(changed, dataclasses.replace(contents, weights=words.view(np.uint8)))
    return changed


def compared(capsys: pytest.CaptureFixture[str], package: Path, *words: str) -> str:
    """Return the last line that comparing ``package`` with the model beside it prints."""
    model = package.with_name("model.pt2")
    assert main([str(package), "--compare", str(model), *words]) == 0
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("words", [(), ("--threads", "1"), ("--threads", "3"), ("--chunk", "1")])
def test_layers_of_a_right_package_agree(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    line = compared(capsys, folder / "model.pattern", *words)
    count = sum(
        layer.result is not None for layer in pattern_mlir.load(folder / "model.pattern").layers
    )
    assert count >= 8
    assert line.startswith(f"all {count} layers agree within 1e-04; in plain loops, not compared: ")


@pytest.mark.parametrize("words", [(), ("--threads", "1")])
@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("stem", "conv"),
        ("first", "conv"),
        ("second", "conv"),
        ("join", "conv"),
        ("head", "linear"),
    ],
)
def test_the_layer_with_a_wrong_weight_is_named(
    net: Net,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    kernel: str,
    words: tuple[str, ...],
) -> None:
    wrong = altered(folder / "model.pattern", getattr(net, name).weight)
    line = compared(capsys, wrong, *words)
    assert line.startswith(f"first layer that departs: {name} ({kernel}): RMS difference ")
    # What runs as plain loops before it may be the culprit, and is named.
    assert ("; or before it, not compared: " in line) == (name == "head")


def test_a_result_in_the_callers_buffer_is_found(folder: Path) -> None:
    layer = pattern_mlir.load(folder / "model.pattern").layers[-1]
    assert layer.place == "head" and layer.result is not None and layer.result.buffer == 3


@pytest.mark.parametrize("wrong", [False, True])
def test_a_multiple_of_the_batch_is_compared_part_by_part(
    net: Net, folder: Path, capsys: pytest.CaptureFixture[str], wrong: bool
) -> None:
    path = folder / "model.pattern"
    path = altered(path, net.second.weight) if wrong else path
    line = compared(capsys, path, "--input", str(folder / "three.npy"))
    assert line.startswith("first layer that departs: second (conv)" if wrong else "all ")


def test_another_model_is_told_by_its_layers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.export.save(exported(Net(width=12), values(*SHAPE)), folder / "other.pt2")
    assert main([str(folder / "model.pattern"), "--compare", str(folder / "other.pt2")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("pattern-run: error: ") and error.count("\n") == 1
    assert "other.pt2' has other layers than the package, where first gives [1, 8, 8, 8]" in error


def test_what_the_interpreter_does_not_know_ends_the_comparison(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3)
    model = Function(lambda a, b, x: b(a(x).sort(1)[0]), *layers)
    program = exported(model, values(*SHAPE))
    torch.export.save(program, tmp_path / "model.pt2")
    pattern_mlir.compile(program).save(tmp_path / "model.pattern")
    line = compared(capsys, tmp_path / "model.pattern")
    assert line.startswith("1 of 2 layers agree within 1e-04; the others were not compared: ")
    assert "cannot interpret" in line


def test_equal_infinities_and_nan_are_no_departure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = values(*SHAPE, seed=2).numpy()
    x[0, 0, 3, 3], x[0, 1, 9, 9] = np.nan, np.inf
    np.save(folder / "nan.npy", x)
    line = compared(capsys, folder / "model.pattern", "--input", str(folder / "nan.npy"))
    assert line.startswith("all ")
    assert Difference(math.nan, 1).departs and Difference(math.inf, 1).departs
    assert not Difference(0, 0).departs and Difference(1e-30, 0).departs


def test_a_package_keeps_where_results_lie(net: Net, tmp_path: Path) -> None:
    model = pattern_mlir.compile(exported(net, values(*SHAPE)))
    model.save(tmp_path / "model.pattern")
    assert pattern_mlir.load(tmp_path / "model.pattern").layers == model.layers


def check(model: CompiledModel, program: Program, inputs: list[Array]) -> int:
    """Compare each result of ``model`` with the interpreter's; return how many lie in lanes."""
    expected: list[Array] = []

    def observe(op: Any, results: Any) -> None:
        if is_numbered(op):
            expected.extend(results)

    interpret(at_level(program.clone(), "graph"), inputs, dtype=np.float64, observe=observe)
    lanes = 0
    for layer, ours in model.trace(inputs):
        assert layer.result is not None
        theirs = expected[layer.result.operation]
        scale = float(np.abs(theirs).max(initial=1))
        np.testing.assert_allclose(
            ours, theirs, rtol=1e-4, atol=1e-5 * scale, err_msg=f"{layer.place} {layer.symbol}"
        )
        lanes += layer.result.layout is not None
    return lanes


@pytest.mark.parametrize("threads", [1, 2])
def test_every_result_is_what_the_interpreter_computes(net: Net, threads: int) -> None:
    program = import_program(exported(net, values(*SHAPE)))
    model = pattern_mlir.compile(program, threads=threads)
    assert check(model, program, [values(*SHAPE, seed=3).numpy()]) >= 6
    kernels = {layer.kernel for layer in model.layers if layer.result is not None}
    assert {"conv", "max_pool", "copy", "linear"} <= kernels


def test_results_of_random_networks_are_those_of_the_interpreter() -> None:
    lanes = 0
    for seed in range(8):
        program = random_network(seed)
        model = pattern_mlir.compile(program)
        shape = model.inputs[0].shape
        x = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        try:
            lanes += check(model, program, [x])
        except AssertionError as error:
            raise AssertionError(f"{seed=}: {error}") from error
    assert lanes > 0, "no seed has planes that are worth a layout"


@pytest.mark.parametrize("name", ["unet", "mobilenet-v2"])
def test_results_of_networks_are_those_of_the_interpreter(name: str) -> None:
    x = values(*zoo.input_shape(name, size=64))
    program = import_program(exported(zoo.create(name, classes=10), x))
    assert check(pattern_mlir.compile(program), program, [x.numpy()]) > 5
