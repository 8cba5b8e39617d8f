"""A pattern-pruned ResNet-18: PyTorch → .pt2 → native code → the same answer on a photograph.

Usage: python examples/demo.py [--output FOLDER]
"""

from __future__ import annotations

import argparse
import copy
import itertools
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_sample_image

import pattern_mlir
from pattern_mlir import zoo
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.profiling import profile
from pattern_mlir.pruning import prune_one_shot

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photograph(size: int) -> torch.Tensor:
    """Return scikit-learn's bundled photograph of a flower, [1, 3, size, size], normalised."""
    pixels = torch.tensor(load_sample_image("flower.jpg")).permute(2, 0, 1)[None] / 255
    pixels = torch.nn.functional.interpolate(pixels, size=(size, size), mode="area")
    return (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def compare_speed(
    compiled: CompiledModel, model: torch.nn.Module, image: torch.Tensor, repeat: int = 15
) -> None:
    """Print the layers' times, and those of whole runs beside PyTorch's, in turns on one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    rows, last = copy.deepcopy(model), copy.deepcopy(model)
    for parameter in last.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    image_last = image.contiguous(memory_format=torch.channels_last)
    array = image.numpy()
    runs = {
        "pattern_mlir": lambda: compiled(array),
        "PyTorch, NCHW": lambda: rows(image),
        "PyTorch, channels last": lambda: last(image_last),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    with torch.no_grad():
        for _, (name, run) in itertools.product(range(repeat + 1), runs.items()):
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    print(profile(compiled, [array]))
    medians = {name: float(np.median(values[1:])) for name, values in times.items()}
    for name, seconds in medians.items():
        print(f"{name}: median of {repeat} runs in turns {1e3 * seconds:.2f} ms")
    ours, *theirs = medians.values()
    print(f"{min(theirs) / ours:.2f} times as fast as PyTorch's better eager layout, on one thread")


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, help="folder for the model and every level's IR")
    arguments = parser.parse_args()
    folder = arguments.output or Path(tempfile.mkdtemp(prefix="pattern_mlir-demo-"))
    folder.mkdir(parents=True, exist_ok=True)

    model = zoo.create("resnet18", seed=0)
    summary = prune_one_shot(model, patterns=8, connectivity_rate=3.6, pointwise="dense")
    print(summary.line())
    image = photograph(224)
    path = folder / "resnet18.pt2"
    torch.export.save(torch.export.export(model, (image,)), path)

    start = time.perf_counter()
    compiled = pattern_mlir.compile(path, levels=folder)
    print(f"\ncompiled {path} in {time.perf_counter() - start:.1f} s; every level's IR:")
    for level in sorted(folder.glob("[0-9]*")):
        print(f"  {level}")
    print(compiled.report())

    ours = compiled(image.numpy())
    with torch.no_grad():
        theirs = model(image).numpy()
        reference = model.double()(image.double()).numpy()
    errors = [float(np.sqrt(np.square(y - reference).mean())) for y in (ours, theirs)]
    best = [[int(i) for i in np.argsort(y[0])[:-6:-1]] for y in (ours, theirs)]
    print(f"\nbest five classes: pattern_mlir {best[0]}, PyTorch {best[1]}")
    print(f"RMS error against fp64: pattern_mlir {errors[0]:.2e}, PyTorch {errors[1]:.2e}")
    scale = float(np.sqrt(np.square(reference).mean()))
    if best[0] != best[1] or errors[0] > max(1.2 * errors[1], 1e-6 * scale):
        raise SystemExit("the compiled network does not give PyTorch's answer")
    print("the compiled network gives PyTorch's answer")
    compare_speed(compiled, model.float(), image)
    compiled.save(folder / "resnet18.pattern")
    print(f"a package that needs neither PyTorch nor MLIR: {folder / 'resnet18.pattern'}")


if __name__ == "__main__":
    main()
