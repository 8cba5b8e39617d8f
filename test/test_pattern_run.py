"""`pattern-run` runs packages, measures them, and answers every mistake with one line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch_models import Function, exported, values

import pattern_mlir
from pattern_mlir.tools.pattern_run import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with packages, the model that one was made of, and inputs."""
    path = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    program = exported(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), values(1, 3, 8, 8))
    torch.export.save(program, path / "model.pt2")
    pattern_mlir.compile(program).save(path / "model.pattern")
    two = exported(Function(lambda a, b: (a + b, a - b)), values(1, 3), values(1, 3))
    pattern_mlir.compile(two).save(path / "two.pattern")
    np.save(path / "x.npy", values(1, 3, 8, 8, seed=1).numpy())
    for name in ("a", "b"):
        np.save(path / f"{name}.npy", values(1, 3, seed=ord(name)).numpy())
    Image.fromarray(np.full((20, 30, 3), [255, 0, 51], np.uint8)).save(path / "picture.png")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path / "cut.png")
    os.truncate(path / "cut.png", 2000)
    table = torch.arange(12.0).reshape(4, 3)
    rows = exported(Function(lambda i: nn.functional.embedding(i, table)), torch.tensor([3]))
    pattern_mlir.compile(rows).save(path / "rows.pattern")
    nothing = exported(Function(lambda x: x[:, :0] * 2), values(1, 3))
    torch.export.save(nothing, path / "nothing.pt2")
    torch.export.save(exported(Function(lambda x: x * 2), values(1, 3)), path / "same.pt2")
    pattern_mlir.compile(nothing).save(path / "nothing.pattern")
    return path


def test_results_are_printed_and_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package, x, y = (str(folder / name) for name in ("model.pattern", "x.npy", "y.npy"))
    assert main([package, "--input", x, "--output", y]) == 0
    expected = pattern_mlir.load(package)(np.load(x))
    np.testing.assert_array_equal(np.load(y), expected)
    assert capsys.readouterr().out.startswith("output0 [1, 8, 6, 6] float32; largest at ")


def test_several_inputs_go_by_order_or_by_name(folder: Path) -> None:
    package, output = str(folder / "two.pattern"), folder / "y.npz"
    a, b = (np.load(folder / f"{name}.npy") for name in ("a", "b"))
    names = [spec.name for spec in pattern_mlir.load(package).inputs]
    by_name = [f"{names[1]}={folder / 'b.npy'}", f"{names[0]}={folder / 'a.npy'}"]
    for files in ([folder / "a.npy", folder / "b.npy"], by_name):
        words = [word for file in files for word in ("--input", str(file))]
        assert main([package, *words, "--output", str(output)]) == 0
        results = np.load(output)
        np.testing.assert_array_equal(results["output0"], a + b)
        np.testing.assert_array_equal(results["output1"], a - b)


def test_an_output_may_have_any_name(folder: Path) -> None:
    program = exported(Function(lambda x: {"file": x + 1, "a/b": x}), values(1, 3))
    pattern_mlir.compile(program).save(folder / "named.pattern")
    words = [str(folder / "named.pattern"), "--input", str(folder / "a.npy")]
    assert main([*words, "--output", str(folder / "named.npz")]) == 0
    results, a = np.load(folder / "named.npz"), np.load(folder / "a.npy")
    np.testing.assert_array_equal(results["file"], a + 1)
    np.testing.assert_array_equal(results["a/b"], a)


def test_without_a_file_inputs_are_noise_and_integers_are_zero(folder: Path) -> None:
    for name in ("two", "rows"):
        package, output = str(folder / f"{name}.pattern"), folder / f"{name}.npz"
        assert main([package, "--output", str(output)]) == 0
    results = np.load(folder / "two.npz")
    assert results["output0"].any() and results["output1"].any()
    np.testing.assert_array_equal(np.load(folder / "rows.npz")["output0"], [[0, 1, 2]])


def test_another_number_of_threads_gives_the_same_results(folder: Path) -> None:
    results = []
    for threads in ("1", "2", "3"):
        words = ["--input", str(folder / "x.npy"), "--output", str(folder / "threads.npy")]
        assert main([str(folder / "model.pattern"), *words, "--threads", threads]) == 0
        results.append(np.load(folder / "threads.npy"))
    assert (results[0] == results[1]).all() and (results[0] == results[2]).all()


def test_a_network_without_results_is_measured_and_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--profile", "--compare", str(folder / "nothing.pt2"), "--repeat", "2"]
    assert main([str(folder / "nothing.pattern"), *words]) == 0
    printed = capsys.readouterr().out
    assert "RMS difference 0.00e+00 of 0.00e+00" in printed and "0.0% of it" in printed


def test_a_picture_is_resized_and_normalised(folder: Path) -> None:
    package, y = str(folder / "model.pattern"), folder / "picture.npy"
    words = ["--input", str(folder / "picture.png"), "--mean", "0.5,0.5,0.5", "--std", "0.5"]
    assert main([package, *words, "--output", str(y)]) == 0
    x = np.empty((1, 3, 8, 8), np.float32)
    x[:] = ((np.array([1, 0, 0.2]) - 0.5) / 0.5)[:, None, None]
    np.testing.assert_allclose(np.load(y), pattern_mlir.load(package)(x), rtol=1e-5, atol=1e-6)


def test_measurements_say_what_they_are_of(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / "model.pattern"), "--benchmark", "--profile", "--repeat", "3"]
    assert main([*words, "--chunk", "2"]) == 0
    printed = capsys.readouterr().out
    assert "median of 3 runs: " in printed
    assert " conv " in printed and "of peak" in printed and "measured in the same run" in printed


def test_a_comparison_names_each_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(folder / "model.pattern"), "--compare", str(folder / "model.pt2")]
    assert main(words) == 0
    assert "output0: RMS difference " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.pattern"], "cannot read"),
        (["x.npy"], "is no package"),
        (["model.pattern", "--input", "missing.npy"], "missing.npy: No such file"),
        (["model.pattern", "--input", "model.pt2"], "is no .npy file or picture"),
        (["model.pattern", "--input", "a.npy"], "has shape [1, 3]"),
        (["model.pattern", "--input", "x.npy", "--input", "x.npy"], "is one too many"),
        (["model.pattern", "--input", "inptu=x.npy"], "no input 'inptu'; did you mean 'input'?"),
        (["two.pattern", "--input", "a.npy"], "no file for input 'inputs_1'"),
        (
            ["two.pattern", "--input", "inputs_0=a.npy", "--input", "inputs_0=b.npy"],
            "input 'inputs_0' is given twice",
        ),
        (["two.pattern", "--input", "a.npy", "--input", "picture.png"], "takes no picture"),
        (["rows.pattern", "--input", "picture.png"], "type int64 takes no picture"),
        (["model.pattern", "--input", "cut.png"], "is no picture that Pillow can read"),
        (["model.pattern", "--input", "missing.png"], "missing.png: No such file"),
        (["model.pattern", "--input", "x.npy", "--mean", "0.5"], "are for pictures"),
        (["model.pattern", "--input", "picture.png", "--std", "0"], "needs numbers above 0"),
        (["model.pattern", "--input", "picture.png", "--mean", "nan"], "needs numbers such as"),
        (["model.pattern", "--input", "picture.png", "--mean", "1,2"], "need 1 or 3 numbers"),
        (["model.pattern", "--mean", "x"], "needs numbers such as"),
        (["model.pattern", "--output", "y.txt"], "needs the suffix .npy or .npz"),
        (["two.pattern", "--output", "y.npy"], "write them to a .npz file"),
        (["model.pattern", "--threads", "0"], "needs a number of at least 1"),
        (["model.pattern", "--threads", "257"], "threads must be from 1 to 256"),
        (["model.pattern", "--chunk", str(2**63)], "chunk must be from 0 to"),
        (["two.pattern", "--compare", "same.pt2"], "'same.pt2' does not take these inputs"),
        (["nothing.pattern", "--compare", "same.pt2"], "they are different models"),
        (["model.pattern", "--repeat", "0"], "needs a number of at least 1"),
        (["model.pattern", "--benchmrk"], "did you mean '--benchmark'?"),
        (["model.pattern", "--compare", "x.npy"], "is no .pt2 file"),
        ([], "give a package, or --list-devices"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert main(words) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith("pattern-run: error: ")
    assert error.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_debug_shows_where_an_error_comes_from(folder: Path) -> None:
    with pytest.raises(pattern_mlir.PatternError, match="cannot read"):
        main([str(folder / "missing"), "--debug"])
