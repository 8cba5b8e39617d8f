"""What pruning adds to a training step of ResNet-50 at batch 8, 224x224: steps in turns.

Usage: python bench/pruning_step.py [--repeat N] [--method admm|proximal|gradual] [--device cuda]

A step is forward, backward and optimizer. Plain steps and steps with the pruner alternate on one
model, so that both see the same machine; what is compared is the medians of their times. The
projections of a round are timed apart and shared out over the steps of an epoch.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
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

    def step(loss_of: Callable[[torch.Tensor], torch.Tensor], after: Callable[[], None]) -> float:
        _synchronize(device)
        start = time.perf_counter()
        optimizer.zero_grad()
        loss_of(functional.cross_entropy(model(x), y)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        after()
        _synchronize(device)
        return time.perf_counter() - start

    times: dict[str, list[float]] = {"plain": [], "pruned": []}
    for index in range(arguments.repeat + 1):
        plain = step(lambda loss: loss, lambda: None)
        pruned = step(lambda loss: loss + pruner.penalty(), pruner.step)
        if index:  # the first steps warm up
            times["plain"].append(plain)
            times["pruned"].append(pruned)
    start = time.perf_counter()
    pruner.end_epoch()
    _synchronize(device)
    projection = time.perf_counter() - start

    plain, pruned = (statistics.median(times[name]) for name in ("plain", "pruned"))
    share = projection / arguments.steps
    print(
        f"{arguments.method} on {device}, {torch.get_num_threads()} threads, torch"
        f" {torch.__version__}"
    )
    print(
        f"step: plain {1e3 * plain:.1f} ms, with the pruner {1e3 * pruned:.1f} ms,"
        f" {pruned / plain - 1:+.2%} (medians of {arguments.repeat} in turns)"
    )
    print(
        f"projections: {projection:.2f} s a round, {1e3 * share:.3f} ms a step of {arguments.steps}"
    )
    print(f"both: {(pruned + share) / plain - 1:+.2%}")


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
