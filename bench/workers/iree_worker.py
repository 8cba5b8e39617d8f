"""Runs IREE's code for this processor."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np

from protocol import Engine, Job, serve


def convert(job: Job) -> None:
    """Import the ONNX file and compile it."""
    path = job.cache / "model.vmfb"
    if path.exists():
        return
    programs, imported = Path(sys.executable).parent, job.cache / "model.mlir"
    options: list[str | Path] = ["--opset-version", "17", "-o", imported]
    subprocess.run([programs / "iree-import-onnx", job.model / "model.onnx", *options], check=True)
    settings = [
        "--iree-hal-target-backends=llvm-cpu",
        "--iree-llvmcpu-target-cpu=host",
        "--iree-opt-level=O3",
    ]
    subprocess.run(
        [programs / "iree-compile", imported, *settings, "-o", path.with_suffix(".new")],
        check=True,
    )
    imported.unlink()
    path.with_suffix(".new").replace(path)


def load(job: Job) -> Engine:
    """Load the module; one thread runs in the calling thread, more in a pool."""
    from iree import runtime

    if job.threads > 1:
        runtime.flags.parse_flags(f"--task_topology_group_count={job.threads}")
    device = runtime.get_device("local-sync" if job.threads == 1 else "local-task")
    config = runtime.Config(device=device)
    module = runtime.VmModule.mmap(config.vm_instance, str(job.cache / "model.vmfb"))
    context = runtime.SystemContext(config=config, vm_modules=[module])
    functions = context.modules[module.name]
    function = functions[next(name for name in module.function_names if "$" not in name)]
    image = runtime.asdevicearray(device, job.input)
    return Engine(metadata.version("iree-base-runtime"), lambda: np.asarray(function(image)))


if __name__ == "__main__":
    serve(load, convert)
