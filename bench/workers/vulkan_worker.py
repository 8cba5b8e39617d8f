"""Runs a package of this project on a GPU, which times its layers."""

from __future__ import annotations

from typing import Any

import pattern_mlir
from protocol import Engine, Job, serve


def load(job: Job) -> Engine:
    """Load the package of this precision on the GPU that the job names."""
    path = job.model / f"{job.options['precision']}.pattern"
    model = pattern_mlir.load(path, device=job.options["device"])
    array = job.input

    def profile() -> dict[str, Any]:
        return {"nanoseconds": [own for _, own in model.profile(array)]}

    return Engine(pattern_mlir.__version__, lambda: model.run([array])[0], profile=profile)


if __name__ == "__main__":
    serve(load)
