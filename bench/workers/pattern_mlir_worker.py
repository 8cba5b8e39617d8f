"""Runs a package of this project, which needs neither PyTorch nor MLIR, and times its layers."""

from __future__ import annotations

import time
from typing import Any

import pattern_mlir
from pattern_mlir.runtime.peak import Peak, vector_lanes
from protocol import Engine, Job, serve


def load(job: Job) -> Engine:
    """Load the package for this number of threads."""
    path = job.model / f"{job.options['precision']}-threads-{job.threads}.pattern"
    model = pattern_mlir.load(path, chunk=job.options.get("chunk", 0))
    array, peak = job.input, Peak(vector_lanes())

    def profile() -> dict[str, Any]:
        """Time a whole run beside one whose layers are timed, in the same state of the caches."""
        best, start = peak.measure(), time.perf_counter_ns()
        model.run([array])
        whole = time.perf_counter_ns() - start
        layers = [own for _, own in model.profile(array)]
        return {"peak": best, "whole": whole, "nanoseconds": layers}

    return Engine(pattern_mlir.__version__, lambda: model.run([array])[0], profile=profile)


if __name__ == "__main__":
    serve(load)
