"""A model or an input that cannot be compiled: one clear line, by the library and by the tool."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch_models import Function, exported, values

from pattern_mlir import CompiledModel, PatternError, compile
from pattern_mlir.importer import import_program
from pattern_mlir.tools.pattern_opt import main

IMAGES = (2, 1, 4, 4)
LIBRARY = torch.library.Library("pattern_mlir_test", "DEF")  # its operation lives as long
LIBRARY.define("twice(Tensor x) -> Tensor")
LIBRARY.impl("twice", lambda x: x * 2, "CPU")
LIBRARY.impl("twice", torch.empty_like, "Meta")


class Head(nn.Module):
    """A layer that calls a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.special = Function(function)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.special(x)
        return y + 1


class Net(nn.Module):
    """A convolution and a head that calls a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 1, 1)
        self.head = Head(function)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.convolution(x))
        return y


class Counter(nn.Module):
    """Counts its calls in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls.add_(1)
        return x + self.calls


def with_weight(value: float) -> nn.Module:
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(value)
    return model


def in_training(model: nn.Module) -> ExportedProgram:
    return torch.export.export(model.train(), (values(*IMAGES),))


def with_any_batch() -> ExportedProgram:
    batch = torch.export.Dim("batch", min=2, max=9)
    return torch.export.export(
        nn.Conv2d(1, 1, 1).eval(), (values(*IMAGES),), dynamic_shapes=({0: batch},)
    )


@dataclass(frozen=True)
class BadModel:
    """How to make a model that cannot be compiled, and words of the line about it."""

    build: Callable[[], ExportedProgram]
    words: tuple[str, ...]


def unsupported(function: Callable[[Tensor], Tensor], *words: str) -> BadModel:
    """Return a model whose head calls ``function``."""
    return BadModel(lambda: exported(Net(function), values(*IMAGES)), ("head.special", *words))


def of_inputs(function: Callable[..., Any], words: tuple[str, ...], *inputs: Any) -> BadModel:
    return BadModel(lambda: exported(Function(function), *inputs), words)


NORM = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))

BAD_MODELS = {
    "batch norm in training": BadModel(
        lambda: in_training(NORM), ("aten.batch_norm", "at 1", "call model.eval()")
    ),
    "dropout in training": BadModel(
        lambda: in_training(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Dropout())),
        ("aten.dropout", "at 1", "call model.eval()"),
    ),
    "dropout of planes in training": BadModel(
        lambda: in_training(nn.Dropout2d()), ("feature_dropout", "call model.eval()")
    ),
    "batch norm without statistics": BadModel(
        lambda: exported(nn.BatchNorm2d(1, track_running_stats=False), values(*IMAGES)),
        ("keeps no statistics", "track_running_stats=True"),
    ),
    "dynamic batch": BadModel(
        with_any_batch, ("'input'", "dynamic dimension 0", "export with fixed sizes")
    ),
    "shape from data": unsupported(lambda x: x.nonzero(), "aten.nonzero", "depends on data"),
    "mask": unsupported(lambda x: x[x > 0], "aten.index", "depends on data"),
    "complex result": unsupported(lambda x: torch.fft.fft2(x).real, "aten.fft_fft2", "is complex"),
    "decomposition": unsupported(
        lambda x: torch.linalg.svd(x)[1], "aten.linalg_svd", "neither pattern_mlir nor torch-mlir"
    ),
    "patches": unsupported(
        lambda x: F.unfold(x, 2), "aten.im2col", "neither pattern_mlir nor torch-mlir"
    ),
    "changed buffer": BadModel(
        lambda: exported(Counter(), values(*IMAGES)), ("'calls'", "keep no state")
    ),
    "changed input": of_inputs(
        lambda x: x.add_(1), ("input 'inputs_0'", "not in place"), values(*IMAGES)
    ),
    "NaN": BadModel(
        lambda: exported(with_weight(float("nan")), values(*IMAGES)), ("'0.weight' holds NaN",)
    ),
    "Inf": BadModel(
        lambda: exported(with_weight(float("inf")), values(*IMAGES)), ("'0.weight' holds Inf",)
    ),
    "bfloat16 weights": BadModel(
        lambda: exported(nn.Linear(4, 4).bfloat16(), values(*IMAGES).bfloat16()),
        ("parameter 'weight'", "bfloat16", "convert the model to float32"),
    ),
    "complex weights": BadModel(
        lambda: exported(
            nn.Linear(4, 4, dtype=torch.complex64), values(*IMAGES).to(torch.complex64)
        ),
        ("parameter 'weight'", "complex64", "float32"),
    ),
    "bfloat16 input": of_inputs(
        lambda x: x.float(), ("input 'inputs_0'", "bfloat16"), values(*IMAGES).bfloat16()
    ),
    "complex input": of_inputs(
        lambda x: x.real, ("input 'inputs_0'", "complex64"), values(*IMAGES).to(torch.complex64)
    ),
    "number": of_inputs(
        lambda x, n: x * n, ("input 'inputs_1'", "the int 3", "attribute"), values(2), 3
    ),
    "None": of_inputs(lambda x, n: x + 1, ("input 'inputs_1'", "but None"), values(2), None),
    "number returned": of_inputs(
        lambda x: (x, 3), ("output 1", "the int 3", "tensors only"), values(2)
    ),
    "None returned": of_inputs(lambda x: (x, None), ("output 1", "but None"), values(2)),
}


def line_about(action: Callable[[], Any]) -> str:
    """Return the one line of the PatternError that ``action`` raises."""
    with pytest.raises(PatternError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def chatter(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """Return the lines that came to stderr since the test, or the call before, began."""
    yield lambda: capfd.readouterr().err.splitlines()


@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_bad_model_gets_one_line_that_says_what_and_where(
    name: str, chatter: Callable[[], list[str]]
) -> None:
    program = BAD_MODELS[name].build()
    chatter()
    message = line_about(lambda: compile(program))
    for words in BAD_MODELS[name].words:
        assert words in message
    assert chatter() == []


@pytest.mark.parametrize("name", BAD_MODELS)
def test_the_tool_prints_the_line_and_writes_nothing(
    name: str, tmp_path: Path, chatter: Callable[[], list[str]]
) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(BAD_MODELS[name].build(), path)
    chatter()
    assert main([str(path), "--target=host", "--emit=obj", "-o", str(tmp_path / "model.o")]) == 1
    (line,) = chatter()
    assert "error: " in line
    for words in BAD_MODELS[name].words:
        assert words in line
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.pt2"]


def test_an_operation_of_the_users_own_is_named() -> None:
    operation = torch.ops.pattern_mlir_test.twice
    program = exported(Net(lambda x: operation(x)), values(*IMAGES))
    message = line_about(lambda: compile(program))
    assert "head.special: " in message and "'pattern_mlir_test.twice'" in message


def text(path: Path) -> None:
    path.write_text("hello")


def state_dict(path: Path) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), path)


def script(path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.ReLU(), torch.zeros(1)), path)  # type: ignore[no-untyped-call]


def other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")


def cut_in_two(path: Path) -> None:
    torch.export.save(exported(nn.Linear(64, 64), values(2, 64)), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped_bits(path: Path) -> None:
    torch.export.save(exported(nn.Linear(64, 64), values(2, 64)), path)
    data = bytearray(path.read_bytes())
    start = data.index(b'"graph_module"')
    data[start : start + 64] = b"\xff" * 64
    path.write_bytes(bytes(data))


def empty(path: Path) -> None:
    path.touch()


def nothing(path: Path) -> None:
    path.unlink(missing_ok=True)


BAD_FILES = {
    "text": (text, "no .pt2 file or is damaged"),
    "empty": (empty, "no .pt2 file or is damaged"),
    "cut in two": (cut_in_two, "no .pt2 file or is damaged"),
    "flipped bits": (flipped_bits, "cannot be loaded as an exported program"),
    "another zip": (other_zip, "cannot be loaded as an exported program"),
    "state dict": (state_dict, "cannot be loaded as an exported program"),
    "TorchScript": (script, "cannot be loaded as an exported program"),
    "directory": (Path.mkdir, "there is no file"),
    "nothing": (nothing, "there is no file"),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_exported_program(
    name: str, tmp_path: Path, chatter: Callable[[], list[str]]
) -> None:
    write, words = BAD_FILES[name]
    path = tmp_path / "model.pt2"
    write(path)
    chatter()
    message = line_about(lambda: import_program(path))
    assert words in message and str(path) in message
    assert chatter() == []
    assert main([str(path), "-o", str(tmp_path / "model.mlir")]) == 1
    assert chatter() == [f"pattern-opt: error: {message}"]
    assert not (tmp_path / "model.mlir").exists()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (state_dict, "cannot be loaded as an exported program"),
        (lambda path: torch.export.save(in_training(NORM), path), "exported in training mode"),
    ],
    ids=["state dict", "training"],
)
def test_the_tool_as_a_program_prints_nothing_but_the_line(
    write: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt2"
    write(path)
    command = [sys.executable, "-m", "pattern_mlir.tools.pattern_opt", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("pattern-opt: error: ") and words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_the_tool_says_nothing_about_a_good_model(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(exported(nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU()), values(*IMAGES)), path)
    command = [sys.executable, "-m", "pattern_mlir.tools.pattern_opt", str(path)]
    command += ["--target=host", "--emit=obj", "-o", str(tmp_path / "model.o")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (tmp_path / "model.o").read_bytes()[:4] == b"\x7fELF"


@pytest.mark.parametrize(
    ("path", "words"),
    [("missing.mlir", "No such file"), ("", "directory"), ("bad.mlir", "is no module: -:1:1: ")],
)
def test_a_path_that_is_no_module(path: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bad.mlir").write_text("hello")
    message = line_about(lambda: compile(tmp_path / path))
    assert words in message and str(tmp_path / path) in message


@pytest.fixture(scope="module")
def compiled() -> CompiledModel:
    """Return a network with two inputs, `image` and `scale`."""

    class Scaled(nn.Module):
        def forward(self, image: Tensor, scale: Tensor) -> Tensor:
            return image * scale

    return compile(exported(Scaled(), values(1, 2), values(2)))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((values(1, 2),), "takes 2 inputs (image, scale), got 1"),
        ((values(1, 2), values(2), values(2)), "takes 2 inputs (image, scale), got 3"),
        ((values(2, 1), values(2)), "'image' has shape [2, 1], but the model was exported for"),
        ((values(2), values(2)), "'image' has shape [2], but the model was exported for [1, 2]"),
        ((values(1, 2), values(2).double()), "'scale' has element type float64"),
        ((np.ones((1, 2), ">f4"), values(2)), "'image' has element type >f4"),
        ((values(1, 2), values(2).bfloat16()), "'scale' has no form in numpy"),
        ((values(1, 2), 2.0), "'scale' is of type float; pass a torch tensor"),
        ((values(1, 2), None), "'scale' is of type NoneType; pass a torch tensor"),
        (("ab", values(2)), "'image' is of type str; pass a torch tensor"),
        (([[1.0, 2.0]], values(2)), "not nested or named as they were at the export"),
        (((values(1, 2), values(2)),), "not nested or named as they were at the export"),
    ],
    ids=[
        "one",
        "three",
        "shape",
        "rank",
        "double",
        "byte order",
        "bfloat16",
        "number",
        "None",
        "text",
        "list",
        "tuple",
    ],
)
def test_an_input_that_does_not_fit(compiled: CompiledModel, inputs: Any, words: str) -> None:
    assert words in line_about(lambda: compiled(*inputs))


def test_an_input_by_an_unknown_name(compiled: CompiledModel) -> None:
    assert "image, scale" in line_about(lambda: compiled(values(1, 2), size=values(2)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "hots"}, "unknown target 'hots'; did you mean 'host'?"),
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"threads": 257}, "threads must be from 1 to 256, got 257"),
    ],
    ids=str,
)
def test_a_target_or_thread_count_that_there_is_not(options: Any, words: str) -> None:
    program = exported(nn.ReLU(), values(2))
    threads = threading.active_count(), len(os.listdir("/proc/self/task"))
    assert words in line_about(lambda: compile(program, **options))
    assert (threading.active_count(), len(os.listdir("/proc/self/task"))) == threads
