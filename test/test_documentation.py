"""The documentation is true: its examples run, its generated pages are those of the sources."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import generate_pages
import numpy as np
import pytest
import torch
from pruning_models import batches, network

from pattern_mlir import dialects, import_program
from pattern_mlir.program import Program
from pattern_mlir.pruning import Pruner, Recipe
from pattern_mlir.zoo.resnet import resnet18_small

ROOT = generate_pages.FOLDER.parent
README = (ROOT / "README.md").read_text()
TOOLS = Path(sys.executable).parent


def code_blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a page in Markdown."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)


@pytest.mark.parametrize("name", generate_pages.pages())
def test_generated_pages_are_those_of_the_docstrings(name: str) -> None:
    page = (ROOT / "docs" / name).read_text()
    assert page == generate_pages.pages()[name], "run 'make docs'"


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = code_blocks(README, "python")
    assert len(example.splitlines()) <= 15
    exec(compile(example, "README.md", "exec"), {})


def test_the_commands_of_the_readme_run(tmp_path: Path) -> None:
    convolutions = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 4, 3)
    model = torch.nn.Sequential(*convolutions, torch.nn.ReLU()).eval()
    np.savez(tmp_path / "data.npz", np.random.default_rng(0).random((4, 3, 8, 8), np.float32))
    exported = torch.export.export(model, (torch.zeros(1, 3, 8, 8),))
    torch.export.save(exported, tmp_path / "model.pt2")
    import_program(exported).save(tmp_path / "model.mlir")
    commands = [
        line
        for block in code_blocks(README, "sh")
        for line in block.splitlines()
        if line.startswith("pattern-")
    ]
    assert len(commands) >= 5
    for command in commands:
        tool, *arguments = shlex.split(command)
        subprocess.run([TOOLS / tool, *arguments], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "model.o").read_bytes().startswith(b"\x7fELF")
    import_program(tmp_path / "pruned.pt2")


def test_the_training_loop_of_the_page_on_pruning_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    example, _ = code_blocks((ROOT / "docs" / "pruning.md").read_text(), "python")
    model = network()
    names = {
        "model": model,
        "loader": list(batches()),
        "criterion": torch.nn.functional.cross_entropy,
        "optimizer": torch.optim.SGD(model.parameters(), 0.01),
    }
    exec(compile(example, "pruning.md", "exec"), names)
    assert names["pruner"].hardened
    assert "pruned 3 of 4 convolutions" in capsys.readouterr().out


def test_the_distillation_of_the_page_on_pruning_runs() -> None:
    _, example = code_blocks((ROOT / "docs" / "pruning.md").read_text(), "python")
    dense, model = resnet18_small(classes=3, filters=4), resnet18_small(classes=3, filters=4)
    pruner = Pruner(model, Recipe(method="one_shot", pointwise="dense"))
    loader = [(torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 0]))]
    criterion = torch.nn.functional.cross_entropy
    names: dict[str, Any] = {"dense": dense, "model": model, "pruner": pruner, "loader": loader}
    names["criterion"] = criterion
    exec(compile(example, "pruning.md", "exec"), names)
    assert names["loss"] > criterion(names["scores"], loader[0][1])


def test_the_page_on_pruning_names_every_option() -> None:
    page = (ROOT / "docs" / "pruning.md").read_text()
    missing = [f.name for f in dataclasses.fields(Recipe) if f"`{f.name}`" not in page]
    assert not missing


OPERATIONS = [kind for kind in vars(dialects).values() if hasattr(kind, "OPERATION_NAME")]


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: str(kind.OPERATION_NAME))
def test_the_example_of_an_operation_parses_and_verifies(kind: type) -> None:
    example = (inspect.getdoc(kind) or "").partition("Example:\n")[2]
    operands = re.search(r"\(([^)]*)\)", example)
    types = re.search(r": \(([^)]*)\) ->", " ".join(example.split()))
    assert operands and types, "the docstring shows no example"
    names = [name for name in operands[1].split(", ") if name]
    arguments = zip(names, re.split(r", (?=tensor)", types[1]), strict=False)
    signature = ", ".join(f"{name}: {type_}" for name, type_ in arguments)
    program = Program.parse(f"func.func @f({signature}) {{\n{example}\nreturn\n}}")
    assert program.module.operation.verify()


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target, anchor in re.findall(r"\]\(([^)#:]+)(?:#([^)]*))?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            if not anchor:
                continue
            headings = re.findall(r"^#+ (.*)$", (page.parent / target).read_text(), re.M)
            slugs = [heading.lower().replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{page.name}: {target}#{anchor}"
