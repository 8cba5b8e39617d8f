"""What a run found: kept as JSON, one file for each case."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.rounds import Times
from pattern_mlir.parameters import atomic_file


@dataclass(frozen=True)
class Entry:
    """One contender in one run: its times, or why there are none.

    Attributes:
        name: of the contender.
        peer: of the peer that it belongs to.
        winograd: see `Contender`.
        sparse: see `Contender`.
        version: of the engine.
        error: RMS of its output's difference from f64, over the RMS of the output.
        times: None where it failed.
        cpu_ms: median of the processor time of all its threads, in milliseconds: what `times` would
            be with one thread on a processor that nobody else uses.
        failure: why it has no times.
    """

    name: str
    peer: str
    winograd: bool
    sparse: bool
    version: str = ""
    error: float | None = None
    times: Times | None = None
    cpu_ms: float | None = None
    failure: str = ""


@dataclass(frozen=True)
class LayerRow:
    """One layer of ours in one run.

    Attributes:
        place: where in the model.
        kernel: which kernel of the compiler runs it.
        layout: of its result; empty where it is plain.
        tile: outputs that are computed together, rows x columns; then channels at a time, or what
            stays in registers instead of them.
        microseconds: median.
        peak_fraction: multiply-accumulates on weights that are not zero over what the processor
            can do, measured in the same run; None where they are not counted.
        multiplications: multiply-accumulates on weights that are not zero.
        bytes: of inputs, weights and result.
        kind: of a convolution or linear layer, such as `conv 3x3 stride 2`.
        positions: how often each of its filters is applied.
        predicted: microseconds by the machine model; 0 where it says nothing.
    """

    place: str
    kernel: str
    layout: str
    tile: str
    microseconds: float
    peak_fraction: float | None
    multiplications: int
    bytes: int
    kind: str
    positions: int
    predicted: float = 0.0


@dataclass(frozen=True)
class Run:
    """All contenders on one case with one number of threads.

    Attributes:
        threads: of every engine.
        repetitions: timed runs of each.
        entries: ours first.
        layers: of ours.
        peak: multiply-accumulates a second of all threads.
        whole_ms: median of whole runs of ours, before and after one whose layers were timed; 0 in
            results that were made before these were timed.
        whole_over_layers: median over the rounds of their whole runs over the sum of the layers
            timed between them; 0 in results that were made before these were kept.
        imbalance: by layer, the busiest thread's share of the multiplications over the mean.
    """

    threads: int
    repetitions: int
    entries: tuple[Entry, ...]
    layers: tuple[LayerRow, ...] = ()
    peak: float = 0.0
    whole_ms: float = 0.0
    whole_over_layers: float = 0.0
    imbalance: dict[str, float] = field(default_factory=dict)

    def entry(self, name: str) -> Entry | None:
        """Return the entry of the contender ``name``, if it took part."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def times(self, name: str) -> Times | None:
        """Return the times of the contender ``name``, if it has some."""
        entry = self.entry(name)
        return entry.times if entry else None

    @property
    def layers_ms(self) -> float:
        """The sum of the layers' medians."""
        return sum(layer.microseconds for layer in self.layers) / 1e3

    @property
    def whole_share(self) -> float:
        """A whole run over the sum of its layers; of older results the ratio of medians."""
        return self.whole_over_layers or self.whole_ms / self.layers_ms


@dataclass(frozen=True)
class CaseResult:
    """What was found about a case, by number of threads, and on which processor."""

    case: str
    title: str
    processor: str
    runs: tuple[Run, ...]

    def run(self, threads: int) -> Run | None:
        """Return the run with so many threads, if there is one."""
        return next((run for run in self.runs if run.threads == threads), None)


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def save(result: CaseResult, folder: Path) -> None:
    """Write ``result`` to `<case>.json` in ``folder``."""
    write_json(asdict(result), folder / f"{result.case}.json")


def write_json(data: dict[str, Any], path: Path) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1) + "\n")


def load(path: Path) -> CaseResult:
    """Read what `save` wrote."""
    data = json.loads(path.read_text())
    return CaseResult(**{**data, "runs": tuple(map(_run, data["runs"]))})


def _run(data: dict[str, Any]) -> Run:
    entries = tuple(
        Entry(**{**entry, "times": entry["times"] and Times(**entry["times"])})
        for entry in data["entries"]
    )
    layers = tuple(LayerRow(**layer) for layer in data["layers"])
    return Run(**{**data, "entries": entries, "layers": layers})
