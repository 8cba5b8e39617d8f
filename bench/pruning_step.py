"""What pruning adds to a training step of ResNet-50 at batch 8, 224x224: steps in turns.

Usage: python bench/pruning_step.py [--repeat N] [--method admm|proximal|gradual] [--device cuda]

A step is forward, backward and optimizer. Plain steps and steps with the pruner alternate on one
model, so that both see the same machine; the figure is the median of the ratios of neighbours. On a
CPU time is that of the process on all its threads, so that other processes count little. The
projections of a round are timed apart and shared out over the steps of an epoch.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from pattern_mlir import zoo
from pattern_mlir.pruning import Pruner, Recipe


def main() -> None:
    """Measure and print one line each for steps, penalty and projections."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--method", default="admm", choices=("admm", "proximal", "gradual"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--steps", type=int, default=160_000, help="of an epoch, which has one round (ImageNet)"
    )
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    model = zoo.create("resnet50").train().to(device)
    x = torch.randn(8, 3, 224, 224, device=device)
    y = torch.randint(0, 1000, (8,), device=device)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)
    pruner = Pruner(model, Recipe(method=arguments.method, prune_epochs=1000))
    if arguments.method == "gradual":
        pruner.end_epoch()  # masks hold from the first round on

    def step(loss_of: Callable[[torch.Tensor], torch.Tensor], after: Callable[[], None]) -> float:
        start = _now(device)
        optimizer.zero_grad()
        loss_of(functional.cross_entropy(model(x), y)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        after()
        return _now(device) - start

    plain, pruned = [], []
    for index in range(arguments.repeat + 1):
        pair = (
            step(lambda loss: loss, lambda: None),
            step(lambda loss: loss + pruner.penalty(), pruner.step),
        )
        if index:  # the first steps warm up
            plain.append(pair[0])
            pruned.append(pair[1])
    alone = statistics.median(_alone(model, pruner, device) for _ in range(arguments.repeat))
    start = _now(device)
    pruner.end_epoch()
    projection = _now(device) - start

    added = statistics.median(b / a - 1 for a, b in zip(plain, pruned, strict=True))
    spread = statistics.quantiles((b / a - 1 for a, b in zip(plain, pruned, strict=True)), n=4)
    usual = statistics.median(plain)
    share = projection / arguments.steps
    print(
        f"{arguments.method} on {device}, {torch.get_num_threads()} threads, {arguments.repeat}"
        f" pairs of steps, torch {torch.__version__}"
    )
    print(
        f"plain step: {1e3 * usual:.0f} ms; the pruner adds {added:+.2%} (quartiles"
        f" {spread[0]:+.2%} and {spread[2]:+.2%})"
    )
    print(f"its own work, timed apart: at most {1e3 * alone:.0f} ms, {alone / usual:.2%} of a step")
    print(
        f"projections: {projection:.2f} s a round, {share / usual:+.4%} of a step with"
        f" {arguments.steps} steps a round"
    )
    print(f"both: {added + share / usual:+.2%}")


def _alone(model: nn.Module, pruner: Pruner, device: torch.device) -> float:
    """Return the seconds of penalty, masks of gradients, and masks of weights.

    The accumulation of gradients that triggers the masks counts, too, so this is an upper bound.
    """
    weights = [model.get_parameter(f"{plan.name}.weight") for plan in pruner.pruned_plans]
    zeros = [torch.zeros_like(weight) for weight in weights]
    start = _now(device)
    penalty = pruner.penalty()
    if penalty.requires_grad:
        penalty.backward()  # type: ignore[no-untyped-call]
    else:
        torch.autograd.backward(weights, zeros)
    pruner.step()
    return _now(device) - start


def _now(device: torch.device) -> float:
    """Return seconds when all work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


if __name__ == "__main__":
    main()
