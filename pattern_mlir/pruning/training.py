"""A training loop around the pruner: progress, logs, checkpoints, seeds."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch import Tensor, nn

from pattern_mlir.errors import PruningError
from pattern_mlir.pruning.checkpoint import resume_checkpoint, save_checkpoint
from pattern_mlir.pruning.pruner import Pruner

FIELDS = ("epoch", "phase", "loss", "penalty", "kept_weights")
"""The columns of a log."""


def seed_everything(seed: int) -> None:
    """Seed the random numbers of Python, numpy and PyTorch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


class TrainingLog:
    """Writes a row an epoch to a CSV file, and to TensorBoard if a folder is given."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
    ) -> None:
        """Open the logs; a CSV file that is there goes on.

        Raises:
            PruningError: TensorBoard is asked for and not installed.
        """
        self._file = None
        self._board: Any = None
        if tensorboard is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise PruningError("TensorBoard logs need it: pip install tensorboard") from None
            self._board = SummaryWriter(os.fspath(tensorboard))
        if path is not None:
            is_new = not Path(path).exists() or Path(path).stat().st_size == 0
            self._file = Path(path).open("a", newline="")  # noqa: SIM115
            self._writer = csv.DictWriter(self._file, FIELDS)
            if is_new:
                self._writer.writeheader()

    def __enter__(self) -> TrainingLog:
        """Return the log."""
        return self

    def write(self, row: dict[str, Any]) -> None:
        """Write one epoch's row, with the columns `FIELDS`."""
        if self._file is not None:
            self._writer.writerow(row)
            self._file.flush()
        if self._board is not None:
            for name in ("loss", "penalty", "kept_weights"):
                self._board.add_scalar(name, row[name], row["epoch"])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the files."""
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()


def train(
    model: nn.Module,
    pruner: Pruner,
    batches: Iterable[tuple[Tensor, Tensor]],
    criterion: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    log: TrainingLog | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    **others: Any,
) -> None:
    """Train ``model`` through all epochs of the pruner's recipe.

    Args:
        model: the model that ``pruner`` was made for, or a wrapper of it.
        pruner: where it goes on from.
        batches: iterated over once an epoch; pairs of an input and a target.
        criterion: the loss of a result and a target.
        optimizer: of the model's parameters.
        log: gets a row an epoch.
        checkpoint: a file that is written after each epoch.
        resume: go on from ``checkpoint`` if it is there.
        progress: show a bar an epoch.
        others: what else has a state, as for `save_checkpoint`.

    Raises:
        TrainingError: the loss or a weight is NaN or Inf; the last checkpoint stays.
        CheckpointError: the checkpoint cannot be resumed from.
    """
    if resume and checkpoint is not None and Path(checkpoint).exists():
        resume_checkpoint(checkpoint, model, optimizer, pruner, **others)
    while pruner.epoch < pruner.recipe.epochs:
        phase = "retrain" if pruner.hardened else "prune"
        total = penalties = 0.0
        count = 0
        name = f"{phase} {pruner.epoch}"
        for x, y in track(batches, name, transient=True, disable=not progress):
            loss, penalty = criterion(model(x), y), pruner.penalty()
            optimizer.zero_grad()
            (loss + penalty).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            pruner.step(loss + penalty)
            total, penalties, count = total + loss.item(), penalties + penalty.item(), count + 1
        pruner.end_epoch()
        if log is not None:
            layers = pruner.summary().layers
            kept = sum(layer.weights_kept for layer in layers)
            count = max(count, 1)
            row = (pruner.epoch, phase, total / count, penalties / count, kept)
            log.write(dict(zip(FIELDS, row, strict=True)))
        if checkpoint is not None:
            save_checkpoint(checkpoint, model, optimizer, pruner, **others)
