"""One case from weights to results: export, compile, convert, check, time."""

from __future__ import annotations

import contextlib
import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import pattern_mlir
from harness import environments, networks
from harness.contenders import OURS, Contender, chosen
from harness.environments import BENCH, Unavailable
from harness.networks import Case, Exported
from harness.results import CaseResult, Entry, LayerRow, Run, processor
from harness.rounds import round_robin, summarise
from harness.worker import Worker
from pattern_mlir.errors import PatternError
from pattern_mlir.processors import MEASURED
from pattern_mlir.profiling import LayerProfile, profile_of
from pattern_mlir.report import LayerReport, Report
from pattern_mlir.runtime.plan import PlannedLayer

TOLERANCE = 5e-3
"""RMS of an output's difference from f64, over the output's RMS, that still counts as equal: f32
gives 1e-6, Winograd up to 2e-3 (MNN, ResNet-50), and a wrong weight or layout 1."""

PREPARATION_SECONDS = 1200.0
RUN_SECONDS = 120.0

Print = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How to run.

    Attributes:
        peers: names of the peers.
        threads: numbers of threads, one run for each.
        repetitions: timed runs of everyone in a run.
        cores: processors to pin to; N threads take the first N.
        work: folder for environments, models and logs.
        say: prints a line of progress.
    """

    peers: Sequence[str]
    threads: Sequence[int]
    repetitions: int
    cores: Sequence[int]
    work: Path
    say: Print


@dataclass(frozen=True)
class Compiled:
    """What is known of our package for one number of threads."""

    layers: tuple[PlannedLayer, ...]
    report: Report


def measure(case: Case, settings: Settings) -> CaseResult:
    """Time everyone on ``case``."""
    settings.say(f"{case.title}: weights and files")
    models = settings.work / "models"
    network = networks.NETWORKS[case.network]
    image = networks.image(network.size)
    files = networks.export(networks.build(case), image, case.name, models)
    contenders = chosen(list(settings.peers), case)
    dense = files
    if case.pruned and any(contender.dense_weights for contender in contenders):
        whole = replace(case, pruned=False)
        dense = networks.export(networks.build(whole), image, whole.name, models)
    runs = [
        _Session(settings, case, threads, files, dense).run(contenders)
        for threads in settings.threads
    ]
    return CaseResult(case.name, case.title, processor(), tuple(runs))


def compile_package(files: Exported, threads: int, precision: str = "f32") -> Compiled:
    """Compile the exported network with this project, beside its other files."""
    model = files.folder / "model.pt2"
    compiled = pattern_mlir.compile(model, threads=threads, cpu=MEASURED, precision=precision)
    compiled.save(files.folder / f"{precision}-threads-{threads}.pattern")
    return Compiled(compiled.layers, compiled.report())


class _Session:
    """A run on one case with one number of threads."""

    def __init__(
        self, settings: Settings, case: Case, threads: int, files: Exported, dense: Exported
    ) -> None:
        self._settings, self._case, self._threads = settings, case, threads
        self._files, self._dense = files, dense
        self._compiled: Compiled | None = None
        self._workers: dict[str, Worker] = {}
        self._cpu: dict[str, list[float]] = {}
        self._profiles: list[dict[str, Any]] = []

    def run(self, contenders: Sequence[Contender]) -> Run:
        """Prepare and check everyone, then time them in turns."""
        settings = self._settings
        with contextlib.ExitStack() as stack:
            entries = {own.name: self._prepared(own, stack) for own in contenders}
            count = f"{settings.repetitions} rounds of {len(self._workers)}"
            settings.say(f"  timing with {self._threads} thread(s): {count}")
            timed = round_robin(list(self._workers), settings.repetitions, self._turn)
        for name, seconds in timed.seconds.items():
            cpu_ms = summarise(self._cpu[name]).median
            entries[name] = replace(entries[name], times=summarise(seconds), cpu_ms=cpu_ms)
        for name, reason in timed.failures.items():
            entries[name] = self._failed(entries[name], reason)
        run = Run(self._threads, settings.repetitions, tuple(entries.values()))
        if self._compiled is None or not self._profiles:
            return run
        layers, peak = self._layers(self._compiled)
        shares = [own["whole"] / sum(own["nanoseconds"]) for own in self._profiles]
        return replace(
            run,
            layers=layers,
            peak=peak,
            whole_ms=summarise([own["whole"] / 1e9 for own in self._profiles]).median,
            whole_over_layers=statistics.median(shares),
            imbalance={layer.name: layer.imbalance for layer in self._compiled.report.layers},
        )

    def _prepared(self, own: Contender, stack: contextlib.ExitStack) -> Entry:
        """Return a contender's entry, ready to be timed, its output checked; or why not."""
        entry = Entry(own.name, own.peer, own.winograd, own.sparse)
        if own.networks and self._case.network not in own.networks:
            return self._failed(entry, "would take too long on this network")
        try:
            version, error = self._start(own, stack)
        except (Unavailable, PatternError) as reason:
            return self._failed(entry, str(reason))
        self._settings.say(f"  {own.name} {version}: differs from f64 by {error:.1e}")
        entry = replace(entry, version=version, error=error)
        if not error <= TOLERANCE:
            del self._workers[own.name]
            difference = f"its output differs from f64 by {error:.1e}, more than {TOLERANCE:g}"
            return self._failed(entry, difference)
        return entry

    def _failed(self, entry: Entry, reason: str) -> Entry:
        self._settings.say(f"  {entry.name} does not take part: {reason}")
        return replace(entry, failure=reason)

    def _start(self, own: Contender, stack: contextlib.ExitStack) -> tuple[str, float]:
        """Start and load a contender; return its version and its output's difference from f64."""
        settings, work = self._settings, self._settings.work
        if own.peer == OURS:
            compiled = compile_package(self._files, self._threads, own.options["precision"])
            self._compiled = compiled if own.name == OURS else self._compiled
        files = self._dense if own.dense_weights else self._files
        interpreter = environments.python(own.environment, work / "environments")
        command = [interpreter, BENCH / "workers" / f"{own.worker}.py"]
        (work / "logs").mkdir(exist_ok=True)
        log = work / "logs" / f"{files.folder.name}-{own.name.replace(' ', '-')}.log"
        job = {
            "model": str(files.folder),
            "cache": str(files.folder / environments.fingerprint(own.environment, own.worker)),
            "options": own.options,
            "threads": self._threads,
            "cores": list(settings.cores[: self._threads]),
        }
        variables = {"OMP_NUM_THREADS": str(self._threads)}
        with Worker(command, log, variables) as converter:
            converter.ask(PREPARATION_SECONDS, do="convert", **job)
        worker = stack.enter_context(Worker(command, log, variables))
        version = worker.ask(PREPARATION_SECONDS, do="prepare", **job)["version"]
        path = files.folder / "output.npy"
        worker.ask(RUN_SECONDS, do="output", path=str(path))
        self._workers[own.name] = worker
        return str(version), relative_error(np.load(path), files.reference)

    def _turn(self, name: str) -> list[float]:
        """Let a contender run once untimed, then once timed."""
        worker = self._workers[name]
        answer = worker.ask(RUN_SECONDS, do="run", untimed=1, timed=1)
        seconds: list[float] = answer["seconds"]
        self._cpu.setdefault(name, []).extend(answer["cpu"])
        if name == OURS:
            self._profiles.append(worker.ask(RUN_SECONDS, do="profile"))
        return seconds

    def _layers(self, compiled: Compiled) -> tuple[tuple[LayerRow, ...], float]:
        profile = profile_of(
            compiled.layers,
            [own["nanoseconds"] for own in self._profiles],
            [own["peak"] for own in self._profiles],
            self._threads,
        )
        reports = {own.name: own for own in compiled.report.layers}
        return tuple(
            _row(own, None if own.layer.kernel == "loops" else reports.get(own.layer.place))
            for own in profile.layers
        ), profile.peak


def _row(own: LayerProfile, report: LayerReport | None) -> LayerRow:
    layer, kind, positions = own.layer, "", 0
    if report is not None:
        kind = report.kind
        taps = math.prod(map(int, re.findall(r"(\d+)x(\d+)", kind)[0])) if "x" in kind else 1
        positions = report.dense_multiplications // (report.kernels * taps)
    return LayerRow(
        place=layer.place,
        kernel=layer.kernel,
        layout=layer.layout,
        tile=layer.tile,
        microseconds=own.nanoseconds / 1e3,
        peak_fraction=own.peak_fraction if layer.multiplications else None,
        multiplications=layer.multiplications,
        bytes=layer.bytes,
        kind=kind,
        positions=positions,
        predicted=own.predicted / 1e3,
    )


def relative_error(output: npt.NDArray[Any], reference: npt.NDArray[Any]) -> float:
    """Return the RMS of the difference over the RMS of ``reference``; NaN where sizes differ."""
    if output.size != reference.size:
        return float("nan")
    difference = output.astype(np.float64).ravel() - reference.ravel()
    return float(np.sqrt(np.square(difference).mean() / np.square(reference).mean()))
