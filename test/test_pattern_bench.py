"""pattern-bench runs where its network is to run; pattern-run sets its times beside predictions."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from libraries import HOST, needs, needs_aarch64
from torch import nn
from torch_models import exported, values

import pattern_mlir
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import LibraryError, PatternError
from pattern_mlir.library import linking
from pattern_mlir.tools import pattern_run
from pattern_mlir.tools.measured_times import (
    compare_times,
    expected_nanoseconds,
    read_times,
)

pytestmark = needs("gcc")


def compiled(target: str, cpu: str | None = None) -> CompiledModel:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 256, 5)]
    program = exported(nn.Sequential(*layers), values(2, 3, 16, 16))
    return pattern_mlir.compile(program, target, threads=2, cpu=cpu)


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    return compiled("host")


@pytest.fixture(scope="module")
def measured(model: CompiledModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what pattern-bench measured of four images and one thread."""
    folder = tmp_path_factory.mktemp("bench")
    model.save_bench(folder / "pattern-bench")
    words = ("--repeat", "3", "--images", "4", "--threads", "1", "--json", folder / "times.json")
    done = HOST.run(folder / "pattern-bench", *words)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("processor: ") and "GHz, measured" in lines[0]
    assert lines[-1].startswith("median of 3 runs: ")
    assert lines[-1].endswith(" images: 4, threads: 1")
    assert sum(line.split()[1:2] == ["conv"] for line in lines) == 1
    return folder / "times.json"


def test_the_json_has_the_layers_of_the_network(model: CompiledModel, measured: Path) -> None:
    data = json.loads(measured.read_text())
    found = [(own["name"], own["kernel"], own["cycles"]) for own in data["layers"]]
    assert found == [(layer.place, layer.kernel, layer.cycles) for layer in model.layers]
    assert (data["threads"], data["images"], data["batch"], data["repeat"]) == (1, 4, 2, 3)
    assert 0 < data["low"] <= data["median"] <= data["high"]
    assert 0.1 < data["gigahertz"] < 10 and len(data["clocks"]) == os.cpu_count()


def test_predictions_are_cycles_at_the_measured_clock(model: CompiledModel, measured: Path) -> None:
    times = dataclasses.replace(read_times(measured), gigahertz=2.0, threads=4, parts=3.0)
    layer = dataclasses.replace(model.layers[0], cycles=1000)
    assert expected_nanoseconds(times, layer) == 1000 * 3 / 2 / 4
    unknown = dataclasses.replace(times, gigahertz=0.0)
    assert expected_nanoseconds(unknown, layer) == 0


def test_pattern_run_sets_measured_times_beside_predictions(
    model: CompiledModel, measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.save(tmp_path / "model.pattern")
    words = [str(tmp_path / "model.pattern"), "--compare", str(measured)]
    assert pattern_run.main(words) == 0
    out = capsys.readouterr().out
    assert "predicted" in out and "conv" in out and "GHz, 1 threads: median" in out
    assert pattern_run.main([*words, "--profile"]) == 1
    assert "runs nothing here; leave out" in capsys.readouterr().err


def test_times_of_another_network_are_refused(measured: Path) -> None:
    other = pattern_mlir.compile(exported(nn.Linear(4, 2), values(1, 4)))._contents
    with pytest.raises(PatternError, match="has other layers than the package"):
        compare_times(measured, other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not what pattern-bench --json writes"),
        ("[]", "is not what pattern-bench --json writes"),
        ('{"format": 1}', "is not what pattern-bench --json writes .KeyError"),
        ('{"format": 2}', "has format 2, this version of pattern_mlir reads 1"),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "times.json").write_text(text)
    with pytest.raises(PatternError, match=message):
        read_times(tmp_path / "times.json")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "needs a number from 1 to 256, got '0'"),
        (["--repeat", "many"], "got 'many'"),
        (["--images", "3"], "--images must be a multiple of the batch"),
        (["--speed"], "usage: pattern-bench"),
        (["--json"], "usage: pattern-bench"),
        (["--weights", "x"], "the library has its weights inside"),
        (["--repeat", "1", "--json", "/no/such/folder/x"], "the file of --json cannot be written"),
    ],
)
def test_bad_arguments_are_refused(measured: Path, words: list[str], message: str) -> None:
    done = HOST.run(measured.parent / "pattern-bench", *words, check=False)
    assert done.returncode == 1 and message in done.stderr


@needs_aarch64
def test_a_phones_program_is_static_and_runs_on_its_processor_only(tmp_path: Path) -> None:
    program = tmp_path / "pattern-bench"
    compiled("aarch64-linux-android", "cortex-a76").save_bench(program)
    segments = subprocess.run(["readelf", "-l", program], capture_output=True, text=True).stdout
    assert "INTERP" not in segments and "DYNAMIC" not in segments
    static = ("qemu-aarch64",)
    run = [*static, program, "--repeat", "2", "--threads", "3", "--json", tmp_path / "times.json"]
    subprocess.run(run, check=True, capture_output=True)
    assert read_times(tmp_path / "times.json").threads == 3
    lesser = [*static, "-cpu", "cortex-a53", program]
    done = subprocess.run(lesser, capture_output=True, text=True)
    assert done.returncode == 1 and "the processor has no dotprod" in done.stderr


def test_the_same_network_gives_the_same_program(model: CompiledModel, tmp_path: Path) -> None:
    for name in ("once", "again"):
        model.save_bench(tmp_path / name)
    assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()


def test_without_a_compiler_the_message_names_both(
    model: CompiledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking.shutil, "which", lambda _: None)
    monkeypatch.setattr(linking.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(LibraryError, match=r"install gcc .* or PyPI's ziglang"):
        model.save_bench(tmp_path / "pattern-bench")
    with pytest.raises(LibraryError, match=r"install gcc-aarch64-linux-gnu .* or PyPI's ziglang"):
        compiled("aarch64-linux-gnu").save_bench(tmp_path / "pattern-bench")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None, reason="pip install 'pattern-mlir[link]'"
)
@needs_aarch64
def test_ziglang_makes_the_program_where_there_is_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Any) -> None:
        return None

    monkeypatch.setattr(linking.shutil, "which", nothing)
    compiled("aarch64-linux-android").save_bench(tmp_path / "pattern-bench")
    run = ["qemu-aarch64", tmp_path / "pattern-bench", "--repeat", "2"]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    assert "median of 2 runs" in done.stdout
