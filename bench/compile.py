"""How long a model takes from export to package, and how much memory: one process for each.

Usage: python bench/compile.py [NETWORK…]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NETWORKS = ("resnet18", "vgg16")


def measure(name: str) -> dict[str, float]:
    """Compile the pruned network ``name`` at 224x224; return seconds and megabytes."""
    import resource

    import torch

    import pattern_mlir
    from pattern_mlir import zoo
    from pattern_mlir.pruning import prune_one_shot

    model = zoo.create(name)
    prune_one_shot(model, pointwise="dense")
    exported = torch.export.export(model, (torch.zeros(zoo.input_shape(name, size=224)),))
    weights = sum(parameter.nbytes for parameter in model.parameters())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    program = pattern_mlir.import_program(exported)
    imported = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "model.pattern"
        pattern_mlir.compile(program, threads=2).save(package)
        end = time.perf_counter()
        size = package.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "import s": imported - start,
        "import to package s": end - start,
        "weights MB": weights / 1e6,
        "package MB": size / 1e6,
        "peak memory MB": peak * 1024 / 1e6,
        "of it before MB": before * 1024 / 1e6,
    }


def main() -> None:
    """Measure each network in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return
    for name in arguments.networks:
        command = [sys.executable, __file__, "--one", name]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        figures = json.loads(output.splitlines()[-1])
        print(name, ", ".join(f"{key} {value:.1f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
