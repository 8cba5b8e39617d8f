"""A small network, data for it, and a training loop that tests of the pruner share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from pattern_mlir.pruning import Pruner, Recipe

RECIPE = {"patterns": 4, "connectivity_rate": 2.0, "prune_epochs": 3, "retrain_epochs": 2}


class Net(nn.Module):
    """3x3, grouped and 1x1 convolutions with batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 16, 3, padding=1)
        self.grouped = nn.Conv2d(16, 16, 3, padding=1, groups=2)
        self.point = nn.Conv2d(16, 8, 1)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.stem(x)).relu()
        y = self.grouped(self.wide(y).relu()).relu()
        scores: Tensor = self.head(self.point(y).relu().mean((2, 3)))
        return scores


def network(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


def batches(count: int = 3, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        x = torch.randn(8, 1, 8, 8, generator=generator)
        yield x, x.mean((1, 2, 3)).mul(20).round().long().clamp(-1, 1) + 1


def run_epoch(
    model: nn.Module,
    pruner: Pruner,
    optimizer: torch.optim.Optimizer,
    after: Callable[[], None] = lambda: None,
) -> None:
    """Train one epoch; call ``after`` behind every step of the pruner."""
    for x, y in batches(seed=pruner.epoch):
        loss = functional.cross_entropy(model(x), y) + pruner.penalty()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pruner.step(loss)
        after()
    pruner.end_epoch()


def recipe(**options: object) -> Recipe:
    return Recipe(**{**RECIPE, **options})
