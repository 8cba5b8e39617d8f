"""`pattern-prune`, and the correction of weights that it applies."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import train_and_compile
from pruning_models import network, recipe
from torch import Tensor, nn
from torch.nn import functional
from torch_models import with_statistics

from pattern_mlir import import_program, zoo
from pattern_mlir.pruning import Recipe, seed_everything
from pattern_mlir.pruning.exported import find_exported_convolutions, prune_exported
from pattern_mlir.pruning.record import disagreements, read_record
from pattern_mlir.tools.pattern_prune import main

X = torch.zeros(2, 1, 8, 8)


def samples(count: int, *shape: int) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A model, calibration inputs for it, and where to write."""
    model = with_statistics(network()).eval()
    torch.export.save(torch.export.export(model, (X,)), tmp_path / "model.pt2")
    np.savez(tmp_path / "data.npz", samples(32, 1, 8, 8).numpy())
    return tmp_path / "model.pt2", tmp_path / "data.npz", tmp_path / "pruned.pt2"


def test_a_model_is_pruned_corrected_and_written_and_the_input_stays(
    files: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, data, output = files
    before = hashlib.sha256(model.read_bytes()).hexdigest()
    words = ["--rate", "4", "--patterns", "4", "--calibration", str(data), "-o", str(output)]
    assert main([str(model), *words, "--json", str(output.with_suffix(".json"))]) == 0
    assert hashlib.sha256(model.read_bytes()).hexdigest() == before
    printed = capsys.readouterr().out
    for name in ("wide", "grouped", "point"):
        assert f"{name}: relative error 0." in printed
    summary = json.loads(output.with_suffix(".json").read_text())
    assert summary["compression"] == pytest.approx(4, rel=0.05)
    exported = torch.export.load(output)
    assert disagreements(exported) == [] and read_record(exported).keys() == {
        "wide",
        "grouped",
        "point",
    }
    for name, layer in read_record(exported).items():
        assert not exported.state_dict[f"{name}.weight"].detach().numpy()[~layer.mask].any()
    import_program(output)
    assert {path.name for path in output.parent.iterdir()} == {
        "model.pt2",
        "data.npz",
        "pruned.pt2",
        "pruned.json",
    }


def test_correction_brings_every_layer_and_the_network_nearer_to_the_dense_one() -> None:
    model = zoo.create("unet")
    x = samples(16, 3, 32, 32)
    programs = [torch.export.export(model, (x[:8],)) for _ in range(2)]
    recipe = Recipe(compression=4.0)
    assert prune_exported(programs[0], recipe).corrections == ()
    corrections = prune_exported(programs[1], recipe, [[x[:8]], [x[8:]]]).corrections
    assert len(corrections) == 14
    for correction in corrections:
        assert correction.after <= correction.before, correction
    assert np.mean([c.after / c.before for c in corrections]) < 0.9
    with torch.no_grad():
        fresh = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        dense = model(fresh)
        errors = [float((p.module()(fresh) - dense).norm()) for p in programs]
    assert errors[1] < 0.95 * errors[0]


class Windows(nn.Module):
    """Convolutions with strides, dilations, groups and paddings of every form."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.same = nn.Conv2d(8, 8, (3, 3), padding="same", dilation=2)
        self.valid = nn.Conv2d(8, 8, 3, padding="valid", groups=2, bias=False)
        self.uneven = nn.Conv2d(8, 6, (1, 4), padding="same")
        self.rows = nn.Conv2d(6, 6, 3, stride=(1, 2), padding=(0, 2))

    def forward(self, x: Tensor) -> Tensor:
        y = self.same(self.first(x)).relu_()
        out: Tensor = self.rows(self.uneven(self.valid(y)))
        return out


def test_the_least_squares_solution_is_that_of_lstsq_for_every_window() -> None:
    torch.manual_seed(0)
    model = Windows().eval()
    x = samples(6, 4, 24, 24)
    exported = torch.export.export(model, (x,))
    chosen = Recipe(first="prune", connectivity_rate=1.4, balanced=True)  # no filter is empty
    corrections = prune_exported(exported, chosen, [[x]], ridge=0.0).corrections
    assert [c.name for c in corrections] == ["first", "same", "valid", "uneven", "rows"]
    pruned = exported.state_dict
    with torch.no_grad():
        dense_in, pruned_in = x, x
        for name, correction in zip(model._modules, corrections, strict=True):
            module: Any = getattr(model, name)
            dense_out = module(dense_in)
            target = dense_out - (0 if module.bias is None else module.bias[:, None, None])
            new = pruned[f"{name}.weight"]
            for filter_ in (0, len(new) - 1):
                start = filter_ // (len(new) // module.groups) * new.shape[1]
                taps = new[filter_].nonzero()
                basis = torch.zeros(len(taps), *new.shape[1:])
                basis[torch.arange(len(taps)), taps[:, 0], taps[:, 1], taps[:, 2]] = 1
                inputs = pruned_in[:, start : start + new.shape[1]]
                if module.padding == "same":
                    columns = functional.conv2d(
                        inputs, basis, padding="same", dilation=module.dilation
                    )
                else:
                    columns = functional.conv2d(
                        inputs, basis, None, module.stride, module.padding, module.dilation
                    )
                matrix = columns.transpose(0, 1).flatten(1).T.double()
                wanted = target[:, filter_].flatten()[:, None].double()
                best = torch.linalg.lstsq(matrix, wanted).solution[:, 0]
                found = new[filter_][tuple(taps.T)].double()
                torch.testing.assert_close(found, best, rtol=2e-3, atol=2e-3)
            old = module.weight.clone()
            module.weight.copy_(new)
            pruned_out = module(pruned_in)
            measured = (pruned_out - dense_out).norm() / target.norm()
            assert correction.after == pytest.approx(float(measured), rel=1e-2), name
            module.weight.copy_(old)
            relu = torch.relu if name == "same" else (lambda y: y)
            dense_in, pruned_in = relu(dense_out), relu(pruned_out)


def test_tied_and_functional_weights_are_found_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(4, 4, 3, padding=1)
            self.kernel = nn.Parameter(torch.randn(4, 4, 3, 3))

        def forward(self, x: Tensor) -> Tensor:
            y = self.a(self.a(x))
            return functional.conv2d(functional.conv2d(y, self.kernel), self.kernel)

    x = samples(2, 4, 9, 9)
    exported = torch.export.export(Tied().eval(), (x,))
    assert [c.name for c in find_exported_convolutions(exported)] == ["a", "kernel"]
    pruned = prune_exported(exported, recipe(connectivity_rate=1.5), [[x]])
    assert [c.name for c in pruned.corrections] == ["kernel"]
    assert disagreements(exported) == [] and "kernel" in read_record(exported)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rate", "900"], "rate 400 cannot be met, the layer has 128 kernels"),
        (["--rate", "0.5"], "needs a number of at least 1"),
        (["--patterns", "many"], "needs a number of at least 1, got 'many'"),
        (["--library", "none"], "library = 'none' is not known"),
        (["--skip", "conv"], "no convolution is called 'conv'"),
        (["--calibration", "bad.npz"], "is no .npz file"),
        (["--calibration", "names.npz"], "an array 'y', which is no input"),
        (["--calibration", "shape.npz"], "of shape [3, 1, 8, 8] does not fit"),
        (["--calibration", "types.npz"], "has elements of type int64"),
        (["--calibration", "nan.npz"], "NaN or Inf on the calibration data"),
        (["--calibration", "none.npz"], "none.npz: No such file"),
        (["--recipe", "recipe.json"], "there is no field 'pattern'"),
        (["-o", "model.pt2"], "is the input, which stays"),
        (["-o", "model.onnx"], "needs the suffix .pt2"),
        (["-o", "no/model.pt2"], "no/model.pt2: No such file"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    words: list[str],
    message: str,
    files: tuple[Path, Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(files[0].parent)
    Path("bad.npz").write_bytes(b"PK\3\4 no archive")
    np.savez("names.npz", x=samples(2, 1, 8, 8).numpy(), y=np.zeros(1))
    np.savez("shape.npz", samples(3, 1, 8, 8).numpy())
    np.savez("types.npz", np.zeros((2, 1, 8, 8), np.int64))
    np.savez("nan.npz", np.full((2, 1, 8, 8), np.nan, np.float32))
    Path("recipe.json").write_text('{"pattern": 8}')
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert main(["model.pt2", "-o", "pruned.pt2", *words]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0], lines
    assert before == {path: path.read_bytes() for path in Path().iterdir()}


def test_a_file_that_is_no_program_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.pt2").write_text("no")
    assert main([str(tmp_path / "model.pt2"), "-o", str(tmp_path / "out.pt2")]) == 1
    assert "is no .pt2 file" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_correction_keeps_the_accuracy_of_digits_that_pruning_at_once_loses(seed: int) -> None:
    data, images, labels = train_and_compile.digits()
    seed_everything(seed)
    model = train_and_compile.network()
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
    train_and_compile.train_dense(model, loader, 12)
    dense = train_and_compile.accuracy(model, images, labels)
    x = data.tensors[0][: len(images)]
    accuracies = []
    for inputs in ([], [[x]]):
        exported = torch.export.export(model, (x,))
        prune_exported(exported, Recipe(compression=4.0), inputs)
        with torch.no_grad():
            right = exported.module()(images).argmax(1) == labels
        accuracies.append(float(right.float().mean()))
    print(f"{seed=}: dense {dense:.2%}, pruned {accuracies[0]:.2%}, corrected {accuracies[1]:.2%}")
    assert accuracies[0] < 0.5 and accuracies[1] > dense - 0.02
