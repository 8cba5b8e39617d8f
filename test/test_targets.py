"""Code for other machines: what can be named, and what becomes of it where it cannot run."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn
from torch_models import exported, values

import pattern_mlir
from pattern_mlir.errors import CompileError, PackageError, PatternError
from pattern_mlir.processors import PROCESSORS, machine
from pattern_mlir.targets import TRIPLES, target

X = values(1, 3, 8, 8)


def network() -> torch.export.ExportedProgram:
    torch.manual_seed(0)
    return exported(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Hardswish()), X)


@pytest.mark.parametrize("name", TRIPLES)
def test_the_processor_of_a_phone_is_generic(name: str) -> None:
    found = target(name)
    assert (found.cpu_name, found.required) == ("generic", ())


@pytest.mark.parametrize(
    ("name", "cpu", "precision"),
    [
        ("host", None, "f32"),
        ("aarch64-linux-android", "cortex-a76", "f32"),
        ("vulkan1.1", None, "f16-packed"),
        ("vulkan1.1", "mali-g76", "f16-acc32"),
    ],
)
def test_gpus_store_f16_unless_they_are_told(name: str, cpu: str | None, precision: str) -> None:
    report = pattern_mlir.compile(network(), name, cpu=cpu).report()
    assert report.precision == precision


@pytest.mark.parametrize(
    ("name", "cpu", "message"),
    [
        ("aarch64-linux-andriod", None, "did you mean 'aarch64-linux-android'"),
        ("riscv64", None, "unknown target 'riscv64' .known: host, aarch64-linux-android,"),
        ("aarch64-linux-gnu", "cortex-a77", "did you mean 'cortex-a7[68]'"),
        ("aarch64-linux-gnu", "x86-64-v3", "unknown cpu 'x86-64-v3' .known: generic, cortex-a55"),
    ],
)
def test_an_unknown_target_or_cpu_names_the_nearest(
    name: str, cpu: str | None, message: str
) -> None:
    with pytest.raises(CompileError, match=message):
        pattern_mlir.compile(network(), name, cpu=cpu)


@pytest.mark.parametrize("name", TRIPLES)
def test_an_object_is_of_its_target_and_always_the_same(name: str, tmp_path: Path) -> None:
    paths = [tmp_path / "once.pattern", tmp_path / "again.pattern"]
    for path in paths:
        pattern_mlir.compile(network(), name, cpu="cortex-a76").save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    code = zipfile.ZipFile(paths[0]).read("code.o")
    elf, mach_o = b"\x7fELF", b"\xcf\xfa\xed\xfe"
    assert code[:4] == (mach_o if "apple" in name else elf)
    assert code[18] == 0xB7 if code[:4] == elf else code[4:8] == b"\x0c\0\0\1"  # AArch64


def test_a_network_for_another_machine_is_saved_and_not_run(tmp_path: Path) -> None:
    model = pattern_mlir.compile(network(), "aarch64-linux-android")
    assert "conv" in str(model.report()).lower()
    with pytest.raises(CompileError, match=r"is for aarch64-unknown-linux-android, this machine"):
        model(X)
    with pytest.raises(PatternError, match="save it and load it there"):
        model.profile(X.numpy())
    model.save(tmp_path / "model.pattern")
    with pytest.raises(PackageError, match=r"model.pattern' is for aarch64-unknown-linux-android"):
        pattern_mlir.load(tmp_path / "model.pattern")


def test_processors_have_registers_and_lanes_of_their_architecture() -> None:
    for name, processor in PROCESSORS.items():
        if processor.architecture == "aarch64":
            assert (processor.machine.lanes, processor.machine.registers) == (4, 32), name
    assert machine("x86-64-v4").multiplications_a_cycle == 1
    assert machine("x86-64-v4", lanes=8).multiplications_a_cycle == 2
    assert machine("cortex-a55").multiplications_a_cycle == 1
    assert machine("cortex-x2").multiplications_a_cycle == 4


def test_a_machine_without_vectors_is_refused() -> None:
    with pytest.raises(CompileError, match="at least 1 lane and 8 registers"):
        machine("generic", registers=4)
