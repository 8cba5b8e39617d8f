"""The whole road on scikit-learn's digits: train, prune, retrain, export, compile, run.

Usage: python examples/train_and_compile.py [--output FOLDER] [--epochs N] [--seed N]

A small network is trained dense, its 3x3 convolutions are pruned onto eight patterns by ADMM and
retrained under their masks, and the compiled network is compared with PyTorch on every test image.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

import pattern_mlir
from pattern_mlir.pruning import Pruner, Recipe, seed_everything, write_record
from pattern_mlir.pruning.data import digits

TEST_IMAGES = 360
"""A fifth of the digits."""


def network() -> nn.Module:
    """Return three 3x3 convolutions with batch norms, a global mean and a linear layer."""
    layers: list[nn.Module] = []
    for channels, filters in ((1, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(channels, filters, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(filters), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of ``images`` that ``model`` gives their labels, in evaluation mode."""
    with torch.no_grad():
        return float((model.eval()(images).argmax(1) == labels).float().mean())


def train_dense(model: nn.Module, loader: DataLoader[tuple[Tensor, Tensor]], epochs: int) -> None:
    """Train ``model`` without pruning."""
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            loss = functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def prune(model: nn.Module, loader: DataLoader[tuple[Tensor, Tensor]], recipe: Recipe) -> Pruner:
    """Train the weights of ``model`` into patterns, then retrain what is left."""
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    pruner = Pruner(model, recipe)
    model.train()
    for _ in range(recipe.epochs):
        for x, y in loader:
            loss = functional.cross_entropy(model(x), y) + pruner.penalty()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            pruner.step(loss)
        pruner.end_epoch()
    return pruner


def main() -> None:
    """Train, prune, compile and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, help="folder for model.pt2 and model.pattern")
    parser.add_argument("--epochs", type=int, default=12, help="of each of the three trainings")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = arguments.output or Path(tempfile.mkdtemp(prefix="pattern_mlir-digits-"))
    folder.mkdir(parents=True, exist_ok=True)

    seed_everything(arguments.seed)
    samples = digits()
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
    loader = DataLoader(samples.subset(order[TEST_IMAGES:]), batch_size=64, shuffle=True)
    test = samples.subset(order[:TEST_IMAGES])
    images, labels = test.images, test.labels
    model = network()
    train_dense(model, loader, arguments.epochs)
    print(f"dense: {accuracy(model, images, labels):.2%} of {len(images)} test images are right")

    recipe = Recipe(prune_epochs=arguments.epochs, retrain_epochs=arguments.epochs)
    pruner = prune(model, loader, recipe)
    print(pruner.summary())
    print(f"pruned: {accuracy(model, images, labels):.2%} are right")

    exported = torch.export.export(model.eval(), (images[:1],))
    write_record(exported, pruner)  # the compiler says if weights and record disagree
    torch.export.save(exported, folder / "model.pt2")
    compiled = pattern_mlir.compile(folder / "model.pt2")
    print(compiled.report())
    compiled.save(folder / "model.pattern")

    ours = np.stack([compiled(image[None].numpy())[0] for image in images])
    with torch.no_grad():
        theirs = model(images).numpy()
    equal = int((ours.argmax(1) == theirs.argmax(1)).sum())
    print(f"the compiled network and PyTorch predict the same for {equal} of {len(images)} images")
    if equal != len(images):
        raise SystemExit("the compiled network does not give PyTorch's answers")
    print(f"the model, its package: {folder / 'model.pt2'}, {folder / 'model.pattern'}")


if __name__ == "__main__":
    main()
