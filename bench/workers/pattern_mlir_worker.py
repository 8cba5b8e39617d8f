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

    def whole() -> int:
        start = time.perf_counter_ns()
        model.run([array])
        return time.perf_counter_ns() - start

    def profile() -> dict[str, Any]:
        """Time whole runs before and after one whose layers are timed: each finds warmer caches.

        A run before all: processors start long vectors slowly, which the peak would show.
        """
        model.run([array])
        best, before = peak.measure(), whole()
        layers = [own for _, own in model.profile(array)]
        return {"peak": best, "whole": (before + whole()) / 2, "nanoseconds": layers}

    return Engine(pattern_mlir.__version__, lambda: model.run([array])[0], profile=profile)


if __name__ == "__main__":
    serve(load)
