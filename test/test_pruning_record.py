"""The record of the pruner in an exported program, and what the compiler makes of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pruning_models import network, recipe, run_epoch
from torch import nn
from torch_models import with_statistics

from pattern_mlir import import_program, patterns, zoo
from pattern_mlir.dialects import ConvOp, SparseAttr
from pattern_mlir.errors import PruningError, PruningRecordWarning
from pattern_mlir.passes.base import walk
from pattern_mlir.pipelines import run, target_levels
from pattern_mlir.pruning import Pruner, Recipe, write_record
from pattern_mlir.pruning.record import KEY, disagreements, read_record
from pattern_mlir.tools.pattern_opt import main

X = torch.zeros(1, 1, 8, 8)


def pruned(**options: Any) -> tuple[nn.Module, Pruner]:
    model = network()
    pruner = Pruner(model, recipe(**{"prune_epochs": 1, "retrain_epochs": 1, **options}))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(pruner.recipe.epochs):
        run_epoch(model, pruner, optimizer)
    return with_statistics(model).eval(), pruner


def detected(program: Any) -> dict[str, tuple[patterns.Library, np.ndarray]]:
    """Return library and assignment that `pattern-detect` finds, by the layer's name."""
    for level in target_levels("host")[:3]:
        run(program, level.stages)
    found = {}
    for conv in walk(program.module.operation, ConvOp):
        producer = conv.weight.owner.opview
        encoding = conv.weight.type.encoding
        if encoding is not None:
            library = SparseAttr(encoding).to_library()
            weight = producer.array(program.parameters)
            name = producer.parameter_name.removesuffix(".weight")
            found[name] = (library, patterns.assign(weight, library))
    return found


@pytest.mark.parametrize(
    "options", [{}, {"balanced": True}, {"late_block": 16, "late_filters": 16}]
)
def test_pattern_detect_finds_what_the_pruner_wrote(
    options: dict[str, Any], tmp_path: Path
) -> None:
    model, pruner = pruned(**options)
    exported = torch.export.export(model, (X,))
    write_record(exported, pruner)
    path = tmp_path / "model.pt2"
    torch.export.save(exported, path)
    record = read_record(torch.export.load(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PruningRecordWarning)
        found = detected(import_program(path))
    assert record.keys() == found.keys() == pruner.masks.keys()
    for name, (library, assignment) in found.items():
        written = record[name]
        used = {written.library.patterns[i] for i in np.unique(written.assignment) if i >= 0}
        assert set(library.patterns) == used, name
        assert np.array_equal(assignment < 0, written.assignment < 0), name
        mine = [library.patterns[i] if i >= 0 else () for i in assignment.ravel()]
        theirs = [written.library.patterns[i] if i >= 0 else () for i in written.assignment.ravel()]
        assert mine == theirs, name
        assert np.array_equal(written.mask, pruner.masks[name].numpy()), name


def test_a_kept_weight_that_is_zero_agrees_and_adds_no_pattern() -> None:
    model, pruner = pruned()
    with torch.no_grad():
        filter_, channel, row, column = pruner.masks["wide"].nonzero()[0]
        model.wide.weight[filter_, channel, row, column] = 0
    exported = torch.export.export(model, (X,))
    write_record(exported, pruner)
    assert disagreements(exported) == []
    library, _ = detected(import_program(exported))["wide"]
    assert set(library.patterns) <= set(read_record(exported)["wide"].library.patterns)


def test_the_compiler_trusts_the_weights_and_says_when_they_disagree(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, pruner = pruned()
    with torch.no_grad():
        model.wide.weight[0, 0] = 1.0
    exported = torch.export.export(model, (X,))
    write_record(exported, pruner)
    with pytest.warns(PruningRecordWarning, match="layer 'wide': .* pruner removed are not zero"):
        program = import_program(exported)
    library, assignment = detected(program)["wide"]
    assert library.patterns[assignment[0, 0]] == tuple(range(9))
    torch.export.save(exported, tmp_path / "model.pt2")
    output = tmp_path / "model.mlir"
    assert main([str(tmp_path / "model.pt2"), "-o", str(output)]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("pattern-opt: warning: layer 'wide': ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(version=9), "has version 9"),
        (lambda r: r["layers"]["wide"].update(assignment="!"), "is damaged"),
        (lambda r: r["layers"]["wide"].update(shape=[3, 3]), "is damaged"),
        (lambda r: r["layers"]["wide"].update(patterns=[[0, 99]]), "is damaged"),
        (lambda r: r["layers"]["wide"].pop("patterns"), "is damaged"),
        (lambda r: r["layers"].update(other=r["layers"]["wide"]), "layer 'other': .* has not"),
    ],
)
def test_a_damaged_record_is_a_warning_and_the_model_is_imported(change: Any, message: str) -> None:
    model, pruner = pruned()
    exported = torch.export.export(model, (X,))
    write_record(exported, pruner)
    change(exported.graph_module.meta["custom"][KEY])
    with pytest.warns(PruningRecordWarning, match=message):
        assert "wide.weight" in import_program(exported).parameters


def test_a_record_is_refused_before_the_masks_are_final_and_for_another_model() -> None:
    model = network()
    exported = torch.export.export(model.eval(), (X,))
    with pytest.raises(PruningError, match="the masks are final after 3 epochs, not after 0"):
        write_record(exported, Pruner(model, recipe()))
    around = torch.export.export(nn.Sequential(model), (X,))
    pruner = Pruner(model, recipe(method="one_shot"))
    with pytest.raises(PruningError, match="export the model that was pruned"):
        write_record(around, pruner)


def test_the_record_of_a_large_network_is_small(tmp_path: Path) -> None:
    model = zoo.create("unet")
    pruner = Pruner(model, Recipe(method="one_shot"))
    exported = torch.export.export(model, (torch.zeros(zoo.input_shape("unet", size=32)),))
    write_record(exported, pruner)
    text = str(exported.graph_module.meta["custom"][KEY])
    assert len(text) < 2 * sum(mask.shape[0] * mask.shape[1] for mask in pruner.masks.values())
