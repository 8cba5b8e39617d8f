"""Checkpoints: resumed bit for bit, refused as a whole, never half-written; and the logs."""

from __future__ import annotations

import contextlib
import csv
import json
import random
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pruning_models import batches, network, recipe
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from pattern_mlir.errors import CheckpointError, PruningError, TrainingError
from pattern_mlir.pruning import (
    Pruner,
    Recipe,
    resume_checkpoint,
    save_checkpoint,
    seed_everything,
    train,
)
from pattern_mlir.pruning.training import FIELDS, TrainingLog


class Noisy:
    """Batches with noise of PyTorch's and numpy's global generators, and of a generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def __iter__(self) -> Any:
        for x, y in batches():
            noise = torch.randn(1) + float(np.random.rand()) + random.random()
            yield x + noise + torch.rand(1, generator=self.generator), y


def setup(chosen: Recipe) -> tuple[nn.Module, Pruner, Any, Any, torch.Generator]:
    seed_everything(chosen.seed)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
    generator = torch.Generator().manual_seed(1)
    return model, Pruner(model, chosen), optimizer, scheduler, generator


def run(chosen: Recipe, path: Path, stop: int | None = None) -> dict[str, torch.Tensor]:
    """Train from ``path`` if it is there, until epoch ``stop``; return the weights."""
    model, pruner, optimizer, scheduler, generator = setup(chosen)
    others = {"scheduler": scheduler, "generator": generator}

    class Stop(Exception):
        pass

    class Log(TrainingLog):
        def write(self, row: dict[str, Any]) -> None:
            if row["epoch"] == stop:
                save_checkpoint(path, model, optimizer, pruner, **others)
                raise Stop

    with contextlib.suppress(Stop):
        train(
            model,
            pruner,
            Noisy(generator),
            functional.cross_entropy,
            optimizer,
            log=Log(),
            checkpoint=path,
            resume=True,
            progress=False,
            **others,
        )
    return model.state_dict()


@pytest.mark.parametrize("method", ["admm", "proximal", "gradual", "one_shot"])
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_run_that_was_cut_off_gives_the_same_bits(method: str, stop: int, tmp_path: Path) -> None:
    chosen = recipe(method=method, retrain_epochs=5 if method == "one_shot" else 2)
    whole = run(chosen, tmp_path / "whole")
    run(chosen, tmp_path / "cut", stop)
    resumed = run(chosen, tmp_path / "cut")
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


def test_rates_of_a_global_budget_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    chosen = recipe(allocation="global")
    model, pruner, optimizer, *_ = setup(chosen)
    save_checkpoint(tmp_path / "c", model, optimizer, pruner)
    other = network(seed=1)
    with torch.no_grad():
        other.wide.weight[:, 1:] *= 0.01
    again = Pruner(other, chosen)
    assert again.plans != pruner.plans
    resume_checkpoint(tmp_path / "c", other, torch.optim.Adam(other.parameters()), again)
    assert again.plans == pruner.plans


def test_a_checkpoint_of_another_recipe_or_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    model, pruner, optimizer, *_ = setup(recipe())
    save_checkpoint(path, model, optimizer, pruner)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    other = Pruner(model, recipe(patterns=6, balanced=True))
    with pytest.raises(CheckpointError, match=r"another recipe: balanced, patterns differ \(bal"):
        resume_checkpoint(path, model, optimizer, other)
    other = Pruner(model, recipe(skip=("wide",)))
    with pytest.raises(CheckpointError, match="another recipe: skip"):
        resume_checkpoint(path, model, optimizer, other)
    wider = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3))
    with pytest.raises(CheckpointError, match="another model: it prunes wide, grouped, point"):
        resume_checkpoint(path, wider, optimizer, Pruner(wider, recipe()))
    with pytest.raises(CheckpointError, match=r"holds nothing beside .* resumed are scheduler"):
        resume_checkpoint(path, model, optimizer, pruner, scheduler=object())
    assert all(torch.equal(tensor, before[n]) for n, tensor in model.state_dict().items())


def test_a_damaged_or_missing_checkpoint_is_one_error(tmp_path: Path) -> None:
    model, pruner, optimizer, *_ = setup(recipe())
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        resume_checkpoint(tmp_path / "none", model, optimizer, pruner)
    path = tmp_path / "checkpoint"
    save_checkpoint(path, model, optimizer, pruner)
    data = path.read_bytes()
    for damaged in (data[:100], data[: len(data) // 2], b"", b"\0" * 64, b"PK" + data):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is damaged"):
            resume_checkpoint(path, model, optimizer, pruner)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="no checkpoint of this version"):
        resume_checkpoint(path, model, optimizer, pruner)


def test_a_checkpoint_is_safetensors_and_json(tmp_path: Path) -> None:
    model, pruner, optimizer, *_ = setup(recipe())
    save_checkpoint(tmp_path / "checkpoint", model, optimizer, pruner)
    tensors = load_file(tmp_path / "checkpoint")
    assert torch.equal(tensors["/model/wide.weight"], model.wide.weight)
    assert torch.equal(
        tensors["/pruner/dual/wide/patterns"], pruner.state_dict()["dual"]["wide"]["patterns"]
    )


def test_a_state_that_json_cannot_hold_is_refused_by_its_name(tmp_path: Path) -> None:
    model, pruner, optimizer, *_ = setup(recipe())

    class Odd:
        def state_dict(self) -> dict[str, Any]:
            return {"thing": object()}

    with pytest.raises(CheckpointError, match="'others/odd/thing' is of type object"):
        save_checkpoint(tmp_path / "checkpoint", model, optimizer, pruner, odd=Odd())
    assert not list(tmp_path.iterdir())


def test_a_loss_that_becomes_nan_ends_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    path = tmp_path / "checkpoint"
    model, pruner, optimizer, *_ = setup(recipe())

    def criterion(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        bad = torch.nan if pruner.epoch == 2 else 1.0
        return functional.cross_entropy(scores, target) * bad

    with pytest.raises(TrainingError, match=r"the loss is nan .*checkpoint'"):
        train(model, pruner, list(batches()), criterion, optimizer, checkpoint=path, progress=False)
    assert pruner.last_checkpoint == str(path)
    again, resumed, *_ = setup(recipe())
    resume_checkpoint(path, again, torch.optim.Adam(again.parameters()), resumed)
    assert resumed.epoch == 2 and torch.isfinite(again.wide.weight).all()
    with pytest.raises(TrainingError, match="no checkpoint was written"):
        save_checkpoint(path, model, optimizer, pruner)


def test_a_log_has_a_row_an_epoch_and_goes_on_after_a_resume(tmp_path: Path) -> None:
    path, checkpoint = tmp_path / "log.csv", tmp_path / "checkpoint"
    for epochs in (2, 2):
        model, pruner, optimizer, *_ = setup(recipe(prune_epochs=1, retrain_epochs=1))
        with TrainingLog(path) as log:
            train(
                model,
                pruner,
                list(batches()),
                functional.cross_entropy,
                optimizer,
                log=log,
                checkpoint=checkpoint,
                resume=True,
                progress=False,
            )
        assert pruner.epoch == epochs
    rows = list(csv.DictReader(path.open()))
    assert tuple(rows[0]) == FIELDS and [row["epoch"] for row in rows] == ["1", "2"]
    assert [row["phase"] for row in rows] == ["prune", "retrain"]
    assert int(rows[1]["kept_weights"]) < 3000 and float(rows[0]["penalty"]) > 0


def test_tensorboard_is_asked_for_by_name_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(PruningError, match="pip install tensorboard"):
        TrainingLog(tensorboard=tmp_path)


def test_tensorboard_gets_the_numbers_of_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[str, float, int]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            assert folder == "logs"

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def close(self) -> None:
            written.append(("closed", 0, 0))

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    with TrainingLog(tensorboard="logs") as log:
        log.write(dict(zip(FIELDS, (1, "prune", 0.5, 0.25, 99), strict=True)))
    expected = [("loss", 0.5, 1), ("penalty", 0.25, 1), ("kept_weights", 99, 1), ("closed", 0, 0)]
    assert written == expected


def test_the_state_of_a_pruner_is_plain_data_and_tensors() -> None:
    state = Pruner(network(), recipe()).state_dict()
    tensors = {"masks", "auxiliary", "dual", "factors"}
    json.dumps({key: value for key, value in state.items() if key not in tensors})
