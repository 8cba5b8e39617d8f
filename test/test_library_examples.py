"""The examples that link a library build with CMake for another machine, and run there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from libraries import AARCH64, FOLDER, Machine, needs, needs_aarch64
from torch import nn
from torch_models import exported, values

import pattern_mlir
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.tools.measured_times import read_times

ROOT = FOLDER.parent
TOOLCHAIN = f"-DCMAKE_TOOLCHAIN_FILE={FOLDER / 'aarch64-linux-gnu.cmake'}"
X = values(1, 3, 16, 16, seed=3)

pytestmark = [needs_aarch64, needs("cmake")]


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 256, 7)]
    return nn.Sequential(*layers)


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    return pattern_mlir.compile(exported(network(), X), "aarch64-linux-gnu", threads=2)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.raw"
    X.numpy().tofile(path)
    return path


def build(source: str, folder: Path, *options: str) -> None:
    for words in (["-S", ROOT / source, "-B", folder, TOOLCHAIN, *options], ["--build", folder]):
        done = subprocess.run(["cmake", *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "warning:" not in done.stderr, done.stderr


@pytest.mark.parametrize("own_runtime", [False, True])
def test_a_c_program_with_the_network_inside(
    model: CompiledModel, tmp_path: Path, image: Path, own_runtime: bool
) -> None:
    model.save_library(tmp_path / "model")
    options = [f"-DMODEL_FOLDER={tmp_path / 'model'}", f"-DOWN_RUNTIME={own_runtime}"]
    if own_runtime:
        build("runtime", tmp_path / "runtime")
        install = ("cmake", "--install", "runtime", "--prefix", "installed")
        subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
        options.append(f"-DCMAKE_PREFIX_PATH={tmp_path / 'installed'}")
    build("examples/c", tmp_path / "build", *options)
    program = tmp_path / "build" / "classify"
    lines = AARCH64.run(program, image).stdout.splitlines()
    best = torch.topk(network()(X)[0], 5)
    assert [int(line.partition(":")[0]) for line in lines] == best.indices.tolist()
    found = [float(line.partition(":")[2]) for line in lines]
    np.testing.assert_allclose(found, best.values.tolist(), rtol=1e-4)
    table = subprocess.run(["aarch64-linux-gnu-nm", program], capture_output=True, text=True).stdout
    # GCC's functions are global in the program, those of the archive are hidden.
    assert (" T pattern_model_create" in table) == own_runtime


def test_an_apps_native_part(model: CompiledModel, tmp_path: Path, image: Path) -> None:
    folder = tmp_path / "model"
    model.save_library(folder, weights="file")
    build("examples/android", tmp_path / "build", f"-DMODEL_FOLDER={folder}")
    paths = f"LD_LIBRARY_PATH={folder}:{tmp_path / 'build'}"
    machine = Machine(AARCH64.target, AARCH64.compilers, (*AARCH64.runner, "-E", paths))
    program = tmp_path / "build" / "classify"
    done = machine.run(program, folder / "model.weights", image)
    assert int(done.stdout) == int(network()(X).argmax())
    done = machine.run(program, tmp_path / "no.weights", image, check=False)
    assert done.returncode == 1
    assert done.stderr == "classify: the file of weights cannot be opened\n"


def test_the_timing_program_with_another_compiler(model: CompiledModel, tmp_path: Path) -> None:
    model.save_library(tmp_path / "model")
    build("runtime/bench", tmp_path / "build", f"-DMODEL_FOLDER={tmp_path / 'model'}")
    words = ("--repeat", "2", "--json", tmp_path / "times.json")
    AARCH64.run(tmp_path / "build" / "pattern-bench", *words)
    assert [own[0] for own in read_times(tmp_path / "times.json").layers] == [
        layer.place for layer in model.layers
    ]
