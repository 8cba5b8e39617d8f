"""What code for AArch64 executes, and what models of processors expect of its hot loops.

Counts instructions under QEMU and asks llvm-mca for cycles; both are models of work, no speed.
Usage: python bench/aarch64.py [--cpu CPU] [--output FOLDER] [NETWORK…]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console

import pattern_mlir
from harness import assembly, networks
from harness.assembly import HotLoop
from harness.emulated import Emulated, EmulationError, Executed, missing_packages
from harness.networks import CASES, NETWORKS, RATE
from harness.results import write_json
from harness.session import relative_error
from harness.tables import Grid
from pattern_mlir import codegen, pipelines
from pattern_mlir.compiler import lower
from pattern_mlir.errors import PatternError
from pattern_mlir.runtime.plan import PlannedLayer
from pattern_mlir.targets import GENERIC, Target, target

ROOT = Path(__file__).resolve().parent.parent
TARGET = "aarch64-linux-gnu"
LANES = 4
CHOSEN = ("vgg16-convolutions", "resnet18")

MODELS = {
    "A76": ("neoverse-n1", ("-dispatch=4",)),
    "N1": ("neoverse-n1", ()),
    "A55": ("cortex-a55", ()),
    "X2": ("cortex-x2", ()),
}
"""llvm-mca's processor and options; its own model of the A76 is that of the A57."""

CYCLES = {"A76": 0.52, "N1": 0.66, "A55": 1.2, "X2": 0.29}
"""The most cycles a multiplication that hot loops of 3x3 layers with stride 1 may take."""

STRIDE_1 = "conv 3x3"
PER_FMLA = {STRIDE_1: 1.5, "conv 3x3 stride 2": 2.0}
"""By kind of layer: the most instructions a useful multiplication."""

PRECISIONS = (
    ("f32", GENERIC),
    ("f16-acc32", GENERIC),
    ("f32", "cortex-a76"),
    ("f16", "cortex-a76"),
)
"""Precisions that are counted as a whole, and the processors that they are compiled for."""

IN_ALL = {"vgg16-convolutions": 720e6, "resnet18": 140e6}
"""The most instructions of an inference."""


@dataclass(frozen=True)
class Layer:
    """A layer's counts.

    Attributes:
        place, kernel, layout, tile: as in the layer's plan.
        kind: such as `conv 3x3`, as in the report; empty where it is not there.
        useful: multiplications of vectors that weights which are not zero need.
        executed: what runs.
        loops: its hot loops.
        stack: accesses to the stack in them.
        cycles: for each model, a multiplication of all hot loops, each as often as there are tiles.
        worst: the same of the slowest of them.
    """

    place: str
    kernel: str
    layout: str
    tile: str
    kind: str
    useful: float
    executed: Executed
    loops: int
    stack: int
    cycles: dict[str, float]
    worst: dict[str, float]


@dataclass(frozen=True)
class Result:
    """A network's counts; ``error`` is the output's relative difference from f64."""

    network: str
    cpu: str
    error: float
    layers: tuple[Layer, ...]

    @property
    def instructions(self) -> int:
        """Of an inference."""
        return sum(layer.executed.instructions for layer in self.layers)


def measure(name: str, cpu: str) -> Result:
    """Return the counts of the pruned network ``name`` compiled for ``cpu``."""
    case = CASES[name]
    array = networks.image(NETWORKS[case.network].size)
    model = networks.build(case)
    program = pattern_mlir.import_program(torch.export.export(model, (array,)))
    machine = target(TARGET, cpu)
    assert isinstance(machine, Target)
    compiled = pattern_mlir.compile(program, TARGET, cpu=cpu)
    for level in pipelines.target_levels(machine):
        lower(program, level)
    text = codegen.assembly(program, machine)
    outputs, rows = Emulated(compiled.contents).count([array.numpy()])
    with torch.no_grad():
        error = relative_error(outputs[0], model.double()(array.double()).numpy())
    kinds = {layer.name: layer.kind for layer in compiled.report().layers}
    called = assembly.calls(text)
    loops = list(assembly.hot_loops(text))
    times = {
        model_name: assembly.cycles(loops, processor, options)
        for model_name, (processor, options) in MODELS.items()
    }
    layers = []
    for layer, executed in rows:
        functions = assembly.reached(layer.symbol, called)
        own = {i: functions[loop.function] for i, loop in enumerate(loops)}
        own = {i: count for i, count in own.items() if count}
        layers.append(_layer(layer, executed, loops, own, times, kinds.get(layer.place, "")))
    return Result(name, cpu, error, tuple(layers))


@dataclass(frozen=True)
class Total:
    """What an inference executes in a precision; ``error`` is as in `Result`."""

    network: str
    precision: str
    cpu: str
    instructions: int
    error: float


def total(name: str, precision: str, cpu: str) -> Total:
    """Return what an inference of the pruned network ``name`` executes in all."""
    case = CASES[name]
    array = networks.image(NETWORKS[case.network].size)
    model = networks.build(case)
    program = torch.export.export(model, (array,))
    compiled = pattern_mlir.compile(program, TARGET, cpu=cpu, precision=precision)
    outputs, rows = Emulated(compiled.contents).count([array.numpy()])
    with torch.no_grad():
        error = relative_error(outputs[0], model.double()(array.double()).numpy())
    return Total(name, precision, cpu, sum(own.instructions for _, own in rows), error)


def totals_table(totals: Sequence[Total]) -> Grid:
    """Return the precisions as a table."""
    rows = [
        (own.network, own.precision, own.cpu, f"{own.instructions / 1e6:.1f}", f"{own.error:.1e}")
        for own in totals
    ]
    return Grid(("network", "precision", "cpu", "M instructions", "error"), 3, tuple(rows))


def _layer(
    layer: PlannedLayer,
    executed: Executed,
    loops: Sequence[HotLoop],
    own: dict[int, int],
    times: dict[str, list[float]],
    kind: str,
) -> Layer:
    count = sum(loops[i].multiplications * tiles for i, tiles in own.items())
    return Layer(
        place=layer.place,
        kernel=layer.kernel,
        layout=layer.layout,
        tile=layer.tile,
        kind=kind if layer.multiplications else "",
        useful=layer.multiplications / LANES,
        executed=executed,
        loops=len(own),
        stack=sum(loops[i].stack for i in own),
        cycles={
            name: sum(of[i] * tiles for i, tiles in own.items()) / count
            for name, of in times.items()
            if own
        },
        worst={
            name: max(of[i] / loops[i].multiplications for i in own)
            for name, of in times.items()
            if own
        },
    )


def layer_table(result: Result) -> Grid:
    """Return the layers as a table."""
    rows = []
    for layer in result.layers:
        per = f"{layer.executed.instructions / layer.useful:.2f}" if layer.useful else ""
        figures = [
            f"{layer.cycles[name]:.3f} / {layer.worst[name]:.3f}" if layer.loops else ""
            for name in MODELS
        ]
        millions = f"{layer.executed.instructions / 1e6:.2f}"
        stack = str(layer.stack) if layer.loops else ""
        names = (layer.place, layer.kernel, layer.layout, layer.tile, layer.kind)
        rows.append((*names, millions, per, stack, *figures))
    headings = ("layer", "kernel", "lanes", "tile", "kind", "M instructions", "a FMLA", "stack")
    return Grid((*headings, *MODELS), 5, tuple(rows))


def verdicts(results: Sequence[Result]) -> Grid:
    """Return what is wanted and what was found."""
    rows = []
    for result in results:
        most = IN_ALL.get(result.network)
        if most is not None:
            rows.append(_verdict(result, "instructions, M", most / 1e6, result.instructions / 1e6))
        for kind, per in PER_FMLA.items():
            own = [layer for layer in result.layers if layer.kind == kind]
            useful = sum(layer.useful for layer in own)
            if useful:
                found = sum(layer.executed.instructions for layer in own) / useful
                rows.append(_verdict(result, f"instructions a FMLA, {kind}", per, found))
        own = [layer for layer in result.layers if layer.kind == STRIDE_1]
        total = sum(layer.useful for layer in own)
        for name, bar in CYCLES.items():
            found = sum(layer.cycles[name] * layer.useful for layer in own) / total
            rows.append(_verdict(result, f"cycles a FMLA, {name}, {STRIDE_1}", bar, found))
        spills = sum(layer.stack for layer in own)
        rows.append(_verdict(result, f"accesses to the stack in hot loops, {STRIDE_1}", 0, spills))
    return Grid(("network", "cpu", "figure", "at most", "found", "met"), 3, tuple(rows))


def _verdict(result: Result, what: str, bar: float, found: float) -> tuple[str, ...]:
    met = "yes" if found <= bar else "no"
    return result.network, result.cpu, what, f"{bar:g}", f"{found:.4g}", met


def page(results: Sequence[Result], totals: Sequence[Total]) -> str:
    """Return the results as a page in Markdown."""
    parts = [
        "# AArch64: counts and models\n",
        "<!-- Written by `make bench-aarch64`. -->\n",
        f"Pruned 8.1x (4 of 9 taps, 1 of {RATE} kernels), f32, one thread, 224x224. Instructions"
        " are those that QEMU executes; cycles are those of llvm-mca for the hot loops, data in the"
        " nearest cache. Neither is speed. `a FMLA` counts useful multiplications of four lanes:"
        " those of weights that are not zero, and of pixels of the plane. Cycles are given for all"
        " hot loops of a layer, each as often as it has tiles / for the slowest. A76"
        " is llvm-mca's Neoverse N1 with `-dispatch=4`.\n",
        verdicts(results).markdown(),
        "## Precisions\n",
        "f16 adds up in f16, which takes an extension that `generic` does without.\n",
        totals_table(totals).markdown(),
    ]
    for result in results:
        millions = f"{result.instructions / 1e6:.1f} M instructions"
        parts.append(f"## {NETWORKS[CASES[result.network].network].title}, {result.cpu}\n")
        parts.append(f"{millions}; relative error of the output {result.error:.1e}.\n")
        parts.append(layer_table(result).markdown())
    return "\n".join(parts)


def main() -> int:
    """Count, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("networks", nargs="*", help=f"{', '.join(CASES)}; {' '.join(CHOSEN)}")
    parser.add_argument("--cpu", default=GENERIC, help="the processor to compile for")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks")
    arguments = parser.parse_args()
    console = Console(width=160)
    try:
        missing = missing_packages()
        if assembly.mca_tool() is None:
            missing.append("llvm-22")
        if missing:
            raise EmulationError(f"install the Debian packages {' '.join(missing)}")
        results = []
        for name in arguments.networks or CHOSEN:
            if name not in CASES:
                raise EmulationError(f"unknown network '{name}' (known: {', '.join(CASES)})")
            results.append(measure(name, arguments.cpu))
            layer_table(results[-1]).show(console, name)
        verdicts(results).show(console, "bars")
        names = [result.network for result in results]
        totals = [total(name, *choice) for name in names for choice in PRECISIONS]
        totals_table(totals).show(console, "precisions")
        arguments.output.mkdir(parents=True, exist_ok=True)
        found = {result.network: asdict(result) for result in results}
        write_json(
            {**found, "precisions": list(map(asdict, totals))}, arguments.output / "aarch64.json"
        )
        (arguments.output / "aarch64.md").write_text(page(results, totals))
    except PatternError as error:
        print(f"aarch64: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
