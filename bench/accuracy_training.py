"""How the accuracy benchmark trains: one budget for every row, the dense network's among them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pattern_mlir.pruning import Pruner, Recipe
from pattern_mlir.pruning.data import Samples
from pattern_mlir.pruning.distillation import Distiller
from pattern_mlir.pruning.robustness import localized_lipschitz


@dataclass(frozen=True)
class Row:
    """What becomes of the dense network that every row starts from.

    Attributes:
        name: in the table.
        recipe: fields of a `Recipe`; None prunes nothing.
        soft, relational: which distillation from the dense network pulls while retraining.
    """

    name: str
    recipe: dict[str, Any] | None = None
    soft: bool = False
    relational: bool = False


@dataclass(frozen=True)
class Budget:
    """How long and how every row trains.

    Attributes:
        dense_epochs: from scratch; the network that every row then starts from.
        prune_epochs, retrain_epochs: of a row; the dense row trains on for their sum.
        learning_rate: the largest while training from scratch, in one cycle.
        row_learning_rate: of a row while it prunes; then it falls to 0 as a cosine.
        weight_decay: of AdamW.
        batch: samples in a step.
        shift: pixels that images move at random.
        flip: whether images are mirrored at random.
        layers: the modules whose representations relational distillation compares.
        connectivity_rate: kernels before over kernels after.
    """

    dense_epochs: int
    prune_epochs: int
    retrain_epochs: int
    learning_rate: float
    row_learning_rate: float
    weight_decay: float
    batch: int
    shift: int
    flip: bool
    layers: tuple[str, ...]
    connectivity_rate: float

    @property
    def row_epochs(self) -> int:
        """Epochs of a row, the dense one's among them."""
        return self.prune_epochs + self.retrain_epochs

    def row_schedule(self, epoch: int) -> float:
        """Return what times the row's learning rate ``epoch`` trains with."""
        done = max(0, epoch - self.prune_epochs) / self.retrain_epochs
        return (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class Outcome:
    """A trained row.

    Attributes:
        accuracy: percent of the test samples.
        compression: weights of all 3x3 convolutions over those that are not zero.
        lipschitz: localized Lipschitz constant over the test samples.
    """

    accuracy: float
    compression: float
    lipschitz: float


class _Pruner(Protocol):
    """What a training loop asks of a pruner."""

    def penalty(self) -> Tensor: ...

    def step(self) -> None: ...

    def end_epoch(self) -> None: ...


class _Dense:
    """Prunes nothing."""

    def penalty(self) -> Tensor:
        return torch.zeros(())

    def step(self) -> None: ...

    def end_epoch(self) -> None: ...


class SmallNet(nn.Sequential):
    """A network for 8x8 digits: four 3x3 convolutions and a 1x1 one, batch norm, one linear."""

    def __init__(self, classes: int = 10) -> None:
        """Draw its weights from PyTorch's generator."""
        layers: list[nn.Module] = []
        for channels, filters, size, pool in (
            (1, 16, 3, False),
            (16, 32, 3, True),
            (32, 32, 1, False),
            (32, 32, 3, False),
            (32, 64, 3, True),
        ):
            layers += [
                nn.Conv2d(channels, filters, size, padding=size // 2, bias=False),
                nn.BatchNorm2d(filters),
                nn.ReLU(),
            ]
            if pool:
                layers.append(nn.MaxPool2d(2))
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def channels_last(model: nn.Module) -> nn.Module:
    """Lay ``model`` out as a CPU trains it a quarter faster, in place; return it."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def convolutions(model: nn.Module) -> list[nn.Conv2d]:
    """Return the 3x3 convolutions in their order."""
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)
    ]


def train_dense(
    build: Callable[[], nn.Module], samples: Samples, budget: Budget, seed: int
) -> nn.Module:
    """Return the network that every row starts from."""
    torch.manual_seed(seed)
    model = channels_last(build())
    optimizer = torch.optim.AdamW(
        model.parameters(), budget.learning_rate, weight_decay=budget.weight_decay
    )
    steps = budget.dense_epochs * -(-len(samples) // budget.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, budget.learning_rate, total_steps=steps, pct_start=0.2
    )
    generator = torch.Generator().manual_seed(seed)
    for _ in range(budget.dense_epochs):
        model.train()
        for x, y in samples.batches(budget.batch, generator, budget.shift, budget.flip):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return model


def train_row(
    row: Row, start: nn.Module, samples: Samples, test: Samples, budget: Budget, seed: int
) -> Outcome:
    """Train a copy of ``start`` as ``row`` says and return how good it is on ``test``."""
    torch.manual_seed(seed)
    model = copy.deepcopy(start)
    pruner, prune_epochs = _pruner(row, model, budget)
    distiller = _distiller(row, start, model, budget)
    optimizer = torch.optim.AdamW(
        model.parameters(), budget.row_learning_rate, weight_decay=budget.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, budget.row_schedule)
    generator = torch.Generator().manual_seed(seed)
    for epoch in range(budget.row_epochs):
        model.train()
        for x, y in samples.batches(budget.batch, generator, budget.shift, budget.flip):
            scores = model(x)
            loss = F.cross_entropy(scores, y) + pruner.penalty()
            if distiller is not None and epoch >= prune_epochs:
                loss = loss + distiller.loss(scores)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            pruner.step()
        pruner.end_epoch()
        schedule.step()
    if distiller is not None:
        distiller.remove()
    return _outcome(model, test)


def _pruner(row: Row, model: nn.Module, budget: Budget) -> tuple[_Pruner, int]:
    """Return what prunes ``model``, and how many epochs it takes before masks hold."""
    if row.recipe is None:
        return _Dense(), 0
    fields = {"pointwise": "dense", "connectivity_rate": budget.connectivity_rate, **row.recipe}
    recipe = Recipe.from_dict({**fields, "prune_epochs": budget.prune_epochs})
    retrain_epochs = budget.row_epochs - recipe.pruning_epochs
    return Pruner(model, replace(recipe, retrain_epochs=retrain_epochs)), recipe.pruning_epochs


def _distiller(
    row: Row, teacher: nn.Module, student: nn.Module, budget: Budget
) -> Distiller | None:
    if not (row.soft or row.relational):
        return None
    return Distiller(
        teacher,
        student,
        budget.layers if row.relational else (),
        soft_weight=float(row.soft),
        relational_weight=float(row.relational),
    )


def _outcome(model: nn.Module, test: Samples) -> Outcome:
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(images) for images in torch.split(test.images, 256)])
    accuracy = 100 * (scores.argmax(dim=1) == test.labels).double().mean().item()
    weights = [module.weight.detach() for module in convolutions(model)]
    kept = sum(int(weight.count_nonzero()) for weight in weights)
    return Outcome(
        accuracy=accuracy,
        compression=sum(weight.numel() for weight in weights) / kept,
        lipschitz=localized_lipschitz(model, test.images[:500]).constant,
    )
