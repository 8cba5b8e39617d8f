"""Time this project's networks on a GPU against ncnn's Vulkan back end, in one run.

Usage: python bench/vulkan_peers.py [--networks NAME…] [--device vulkan:0] [--repetitions N]

Where no GPU can be reached it says so and stops: times of a driver that computes on the processor
are no speed.
"""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import pattern_mlir
from harness import environments, gpu_peak, networks
from harness.environments import BENCH, OWN, Unavailable
from harness.gpu_peak import Peak
from harness.networks import CASES, Case, Exported
from harness.rounds import Times, round_robin, summarise
from harness.session import PREPARATION_SECONDS, RUN_SECONDS, relative_error
from harness.tables import Grid
from harness.worker import Worker
from pattern_mlir.runtime.plan import PlannedLayer
from pattern_mlir.runtime.vulkan.device import DeviceInfo, devices, find_device
from pattern_mlir.runtime.vulkan.failures import VulkanFailure

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = ("resnet18", "vgg16", "mobilenet-v2")
PRECISIONS = ("f32", "f16-acc32")

TOLERANCE = 0.1
"""RMS of an output's difference from f64 over its RMS that still takes part: f16 storage gives some
1e-3, ncnn's f16 arithmetic 5e-2 (VGG-16 for CIFAR), a wrong weight 1. The table shows each."""


@dataclass(frozen=True)
class Contender:
    """An engine on the GPU.

    Attributes:
        name: as tables show it.
        worker: file in `workers/` without `.py`.
        environment: where it runs.
        options: what the worker is told, beside the device.
    """

    name: str
    worker: str
    environment: str
    options: dict[str, Any] = field(default_factory=dict)


CONTENDERS = (
    *(
        Contender(f"pattern_mlir, {own}", "vulkan_worker", OWN, {"precision": own})
        for own in PRECISIONS
    ),
    Contender("ncnn, f32", "ncnn_worker", "ncnn", {"winograd": True}),
    *(
        Contender(f"ncnn, f16 {own}", "ncnn_worker", "ncnn", {"winograd": True, "half": own})
        for own in ("storage", "arithmetic")
    ),
)


@dataclass(frozen=True)
class Result:
    """What came of a contender: its times and error, or why there are none."""

    name: str
    times: Times | None = None
    error: float = float("nan")
    failure: str = ""


def main() -> None:
    """Measure and print tables; say why where no GPU can be reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=CASES, default=list(NETWORKS))
    parser.add_argument("--device", default="vulkan", help="vulkan:0 and the like; the first GPU")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()
    if arguments.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    console = Console(highlight=False, width=130)
    info = reachable_gpu(arguments.device)
    if isinstance(info, str):
        console.print(info, markup=False)
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    console.print(str(info), markup=False)
    for name in arguments.networks:
        peak = gpu_peak.measure(info)
        run = Run(info, CASES[name], arguments.work, console)
        results = run.results(arguments.repetitions)
        engines(results).show(console, f"{CASES[name].title} on {info.name}")
        for own, layers in run.layers().items():
            layer_table(layers, peak).show(console, own)
        console.print(
            f"peak: {peak.bandwidth / 1e9:.1f} GB/s, {peak.products / 1e9:.0f} GMAC/s of f32,"
            " measured in the same run"
        )


def reachable_gpu(word: str) -> DeviceInfo | str:
    """Return the GPU that ``word`` names, or why nothing is timed."""
    try:
        info = find_device(word)
    except VulkanFailure as failure:
        return f"nothing is timed: {failure}"
    if info.is_gpu:
        return info
    found = ", ".join(f"{own.name} ({own.kind})" for own in devices())
    return (
        f"nothing is timed: {info.name} computes on the processor, and its times tell nothing"
        f" about a GPU; there are {found}"
    )


class Run:
    """All contenders on one network."""

    def __init__(self, info: DeviceInfo, case: Case, work: Path, console: Console) -> None:
        """Export the network and compile it for each precision."""
        self._info, self._work, self._console = info, work, console
        image = networks.image(networks.NETWORKS[case.network].size)
        self._files: Exported = networks.export(
            networks.build(case), image, case.name, work / "models"
        )
        self._planned: dict[str, tuple[PlannedLayer, ...]] = {}
        for contender in CONTENDERS[: len(PRECISIONS)]:
            precision = contender.options["precision"]
            model = pattern_mlir.compile(
                self._files.folder / "model.pt2", "vulkan1.1", precision=precision
            )
            model.save(self._files.folder / f"{precision}.pattern")
            self._planned[contender.name] = model.layers
        self._workers: dict[str, Worker] = {}
        self._profiles: dict[str, list[list[int]]] = {}

    def results(self, repetitions: int) -> list[Result]:
        """Start and check everyone, then time them in turns."""
        with contextlib.ExitStack() as stack:
            results = [self._started(own, stack) for own in CONTENDERS]
            timed = round_robin(list(self._workers), repetitions, self._turn)
        known = {name: summarise(seconds) for name, seconds in timed.seconds.items()}
        return [
            replace(
                own, times=known.get(own.name), failure=timed.failures.get(own.name, own.failure)
            )
            for own in results
        ]

    def layers(self) -> dict[str, list[tuple[PlannedLayer, float]]]:
        """Return our layers with the medians of their nanoseconds."""
        return {
            name: list(zip(self._planned[name], np.median(runs, axis=0).tolist(), strict=True))
            for name, runs in self._profiles.items()
        }

    def _started(self, own: Contender, stack: contextlib.ExitStack) -> Result:
        try:
            error = self._start(own, stack)
        except Unavailable as reason:
            return Result(own.name, failure=str(reason))
        if not error <= TOLERANCE:
            del self._workers[own.name]
            return Result(own.name, error=error, failure=f"differs from f64 by {error:.1e}")
        return Result(own.name, error=error)

    def _start(self, own: Contender, stack: contextlib.ExitStack) -> float:
        """Start and load a contender; return its output's difference from f64."""
        interpreter = environments.python(own.environment, self._work / "environments")
        command = [interpreter, BENCH / "workers" / f"{own.worker}.py"]
        (self._work / "logs").mkdir(exist_ok=True)
        log = self._work / "logs" / f"vulkan-{own.name.replace(' ', '-')}.log"
        device = f"vulkan:{self._info.index}" if own.environment == OWN else self._info.name
        folder = self._files.folder
        job = {
            "model": str(folder),
            "cache": str(folder / environments.fingerprint(own.environment, own.worker)),
            "options": {**own.options, "device": device},
            "threads": 1,
            "cores": environments.available_cores(),
        }
        with Worker(command, log, {}) as converter:
            converter.ask(PREPARATION_SECONDS, do="convert", **job)
        worker = stack.enter_context(Worker(command, log, {}))
        worker.ask(PREPARATION_SECONDS, do="prepare", **job)
        path = folder / "output.npy"
        worker.ask(RUN_SECONDS, do="output", path=str(path))
        self._workers[own.name] = worker
        return relative_error(np.load(path), self._files.reference)

    def _turn(self, name: str) -> list[float]:
        """Let a contender run untimed, so that the clock rises, then once timed."""
        worker = self._workers[name]
        seconds: list[float] = worker.ask(RUN_SECONDS, do="run", untimed=3, timed=1)["seconds"]
        if name in self._planned:
            answer = worker.ask(RUN_SECONDS, do="profile")
            self._profiles.setdefault(name, []).append(answer["nanoseconds"])
        return seconds


def engines(results: list[Result]) -> Grid:
    """Return everyone's times, and how many times as long as our best they took."""
    ours = [own.times.median for own in results[: len(PRECISIONS)] if own.times is not None]
    rows = []
    for own in results:
        if own.times is None:
            rows.append((own.name, own.failure, "", "", ""))
            continue
        quartiles = f"{own.times.lower_quartile:.2f} to {own.times.upper_quartile:.2f}"
        ratio = f"{own.times.median / min(ours):.2f}" if ours else ""
        rows.append((own.name, f"{own.times.median:.2f}", quartiles, ratio, f"{own.error:.0e}"))
    return Grid(("engine", "ms", "quartiles", "ratio", "error"), 1, tuple(rows))


def layer_table(layers: list[tuple[PlannedLayer, float]], peak: Peak) -> Grid:
    """Return each layer's time, and its share of what the GPU can move and multiply."""
    rows = []
    for layer, nanoseconds in layers:
        moved = layer.bytes / max(nanoseconds, 1.0) * 1e9
        products = layer.multiplications / max(nanoseconds, 1.0) * 1e9
        rows.append(
            (
                layer.place,
                layer.kernel,
                layer.layout,
                f"{nanoseconds / 1e3:.1f}",
                f"{moved / peak.bandwidth:.2f}",
                f"{products / peak.products:.2f}" if products else "",
            )
        )
    headings = ("layer", "kernel", "blocks", "us", "of bandwidth", "of multiply-adds")
    return Grid(headings, 3, tuple(rows))


if __name__ == "__main__":
    main()
