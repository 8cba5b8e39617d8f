"""What every worker speaks: a request as a line of JSON on stdin, an answer as one on stdout.

A worker runs one engine in the engine's own environment, so this file needs numpy alone.

    {"do": "convert", "model": FOLDER, "cache": FOLDER, "options": {…}}
    {"do": "prepare", …, "threads": 1, "cores": [0]}        → {"version": "…"}
    {"do": "output", "path": "output.npy"}                  → {}
    {"do": "run", "untimed": 1, "timed": 1}                 → {"seconds": [0.01], "cpu": [0.01]}
    {"do": "profile"}                                       → what the engine tells of itself

An answer is `{"error": "…"}` where a request fails; the worker then waits for the next one.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Job:
    """What an engine is asked to run.

    Attributes:
        model: folder with the network as `model.onnx`, `model.pt2` and `model.torchscript`, and
            with its input as `input.npy`.
        cache: folder for what the worker converts the network to; made for this network and this
            version of the engine, so what lies there can be used again.
        options: settings of the engine.
        threads: how many threads the engine may use.
    """

    model: Path
    cache: Path
    options: dict[str, Any]
    threads: int

    @property
    def input(self) -> Any:
        """The input, f32 [1, 3, H, W]."""
        return np.load(self.model / "input.npy")


@dataclass(frozen=True)
class Engine:
    """An engine that is ready to run.

    Attributes:
        version: of the engine.
        run: one inference, which is what is timed; its result goes to ``output``.
        output: makes an array of a result.
        profile: what the engine tells of its layers.
    """

    version: str
    run: Callable[[], Any]
    output: Callable[[Any], Any] = np.asarray
    profile: Callable[[], dict[str, Any]] = field(default=dict)


def _nothing_to_convert(job: Job) -> None:
    """Convert nothing."""


class Server:
    """Answers requests about one engine."""

    def __init__(self, load: Callable[[Job], Engine], convert: Callable[[Job], None]) -> None:
        """Make engines with ``load``, from files that ``convert`` wrote."""
        self._load, self._convert = load, convert
        self._engine: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to ``request``; a failure becomes `{"error": …}`."""
        try:
            answer: dict[str, Any] = getattr(self, "_do_" + request["do"])(request)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return {"error": f"{type(error).__name__}: {error}"}
        return answer

    def _do_convert(self, request: dict[str, Any]) -> dict[str, Any]:
        job = _job(request)
        job.cache.mkdir(parents=True, exist_ok=True)
        self._convert(job)
        return {}

    def _do_prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, request["cores"])
        self._engine = self._load(_job(request))
        return {"version": self._engine.version}

    def _do_output(self, request: dict[str, Any]) -> dict[str, Any]:
        np.save(request["path"], self._engine.output(self._engine.run()))
        return {}

    def _do_run(self, request: dict[str, Any]) -> dict[str, Any]:
        run = self._engine.run
        for _ in range(request["untimed"]):
            run()
        seconds: list[float] = []
        cpu: list[float] = []
        for _ in range(request["timed"]):
            start, cpu_start = time.perf_counter(), time.process_time()
            run()
            seconds.append(time.perf_counter() - start)
            cpu.append(time.process_time() - cpu_start)
        return {"seconds": seconds, "cpu": cpu}

    def _do_profile(self, request: dict[str, Any]) -> dict[str, Any]:
        return dict(self._engine.profile())


def _job(request: dict[str, Any]) -> Job:
    folders = Path(request["model"]), Path(request["cache"])
    return Job(*folders, options=request["options"], threads=request.get("threads", 1))


def serve(
    load: Callable[[Job], Engine], convert: Callable[[Job], None] = _nothing_to_convert
) -> None:
    """Answer requests until stdin ends; what the engine prints goes to stderr."""
    if sys.platform == "linux":
        # A worker that is stopped does not see that the benchmark ended: the kernel kills it.
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = Server(load, convert)
    for line in sys.stdin:
        print(json.dumps(server.answer(json.loads(line))), file=answers, flush=True)
