"""Networks compiled for AArch64, run under QEMU: their results, and what they execute.

A static executable is made of the network's object, the C runtime and `bench/emulated/runner.c`.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.errors import PatternError
from pattern_mlir.package import Contents
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer

Array = npt.NDArray[Any]

SOURCES = Path(__file__).resolve().parent.parent / "emulated"
RUNTIME = SOURCES.parent.parent / "runtime"
COMPILER = "aarch64-linux-gnu-gcc"
EMULATOR = "qemu-aarch64"
PACKAGES = {EMULATOR: "qemu-user", COMPILER: "g++-aarch64-linux-gnu", "gcc": "gcc"}
"""The Debian package of each tool."""

SECONDS = 600
"""The longest run."""


class EmulationError(PatternError):
    """A tool is missing, or a network does not run under QEMU."""


@dataclass(frozen=True)
class Executed:
    """What a layer executes in one inference.

    Attributes:
        instructions: all of them.
        fmla_f32, fmla_f16, fmlal: multiply-accumulates of vectors, by element type; the last of f16
            with sums in f32.
        memory: loads and stores.
    """

    instructions: int
    fmla_f32: int
    fmla_f16: int
    fmlal: int
    memory: int


def missing_packages(*tools: str) -> list[str]:
    """Return the Debian packages of those of ``tools`` (none given: all) that are not there."""
    return [PACKAGES[tool] for tool in tools or PACKAGES if shutil.which(tool) is None]


class Emulated:
    """A network as an executable for QEMU, in a folder that lasts as long as this object."""

    def __init__(self, contents: Contents, threads: int = 1) -> None:
        """Build the executable of ``contents``, a network for `aarch64-linux-gnu`.

        Raises:
            EmulationError: a tool is missing, or the compiler refuses.
        """
        missing = missing_packages(EMULATOR, COMPILER)
        if missing:
            raise EmulationError(f"install the Debian packages {' '.join(missing)}")
        assert isinstance(contents.plan, LayerPlan)
        self.plan = contents.plan
        self._temporary = tempfile.TemporaryDirectory(prefix="pattern-emulated-")
        self._folder = Path(self._temporary.name)
        self._path("network.o").write_bytes(contents.code)
        contents.weights.tofile(self._path("weights"))
        source = network_source(self.plan, contents.weights.nbytes, threads)
        self._path("network.c").write_text(source)
        sources = [SOURCES / "runner.c", RUNTIME / "src" / "pattern_runtime.c"]
        files = [self._path("network.c"), *sources, self._path("network.o")]
        folders = [f"-I{SOURCES}", f"-I{RUNTIME / 'include'}"]
        options = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-static", "-pthread", *folders]
        _run([COMPILER, *options, *map(str, files), "-lm", "-o", str(self._path("runner"))])

    def _path(self, name: str) -> Path:
        return self._folder / name

    def run(self, inputs: Sequence[Array], options: Sequence[str] = ()) -> list[Array]:
        """Return the network's outputs; ``options`` are QEMU's.

        Raises:
            EmulationError: the program fails, or takes longer than `SECONDS`.
        """
        files = []
        for number, (spec, array) in enumerate(zip(self.plan.inputs, inputs, strict=True)):
            files.append(self._path(f"input{number}"))
            np.ascontiguousarray(array, spec.dtype).tofile(files[-1])
        files += [self._path(f"output{number}") for number in range(len(self.plan.outputs))]
        program = [str(self._path(name)) for name in ("runner", "weights")]
        _run([EMULATOR, *options, *program, *map(str, files)])
        outputs = zip(self.plan.outputs, files[len(self.plan.inputs) :], strict=True)
        return [np.fromfile(file, spec.dtype).reshape(spec.shape) for spec, file in outputs]

    def count(
        self, inputs: Sequence[Array]
    ) -> tuple[list[Array], list[tuple[PlannedLayer, Executed]]]:
        """Return the outputs, and what each layer executes; of one thread only."""
        counts = self._path("counts")
        outputs = self.run(inputs, ["-plugin", f"{_plugin()},counts={counts}"])
        lines = [list(map(int, line.split())) for line in counts.read_text().splitlines()]
        executed = [Executed(*numbers) for mark, *numbers in lines if mark > 0]
        return outputs, list(zip(self.plan.layers, executed, strict=True))


def network_source(plan: LayerPlan, weight_bytes: int, threads: int) -> str:
    """Return the C source that `network.h` declares."""
    lines = ['#include "network.h"']
    lines += [
        f"void {layer.symbol}(void *const buffers[], int64_t lo, int64_t hi);"
        for layer in plan.layers
    ]
    rows = []
    for layer in plan.layers:
        name, parts = "NULL", 0
        if layer.boundaries:
            name, parts = f"{layer.symbol}_boundaries", len(layer.boundaries) - 1
            numbers = ", ".join(map(str, layer.boundaries))
            lines.append(f"static const int64_t {name}[] = {{{numbers}}};")
        rows.append(f"  {{{layer.symbol}, {layer.extent}, {name}, {parts}, 0}},")
    buffers = [(spec, 0) for spec in plan.inputs] + [(spec, 1) for spec in plan.outputs]
    sizes = [
        f"  {{{int(np.prod(spec.shape)) * spec.dtype.itemsize}, {output}}},"
        for spec, output in buffers
    ]
    lines += ["const pattern_layer network_layers[] = {", *rows, "};"]
    lines += ["const network_buffer network_buffers[] = {", *sizes, "};"]
    lines += [
        f"const size_t network_layer_count = {len(plan.layers)};",
        f"const size_t network_buffer_count = {len(buffers)};",
        f"const int32_t network_threads = {threads};",
        f"const size_t network_arena_bytes = {plan.arena_bytes};",
        f"const size_t network_weight_bytes = {weight_bytes};",
    ]
    return "\n".join(lines) + "\n"


@functools.cache
def _plugin() -> Path:
    """Return the counting plugin, built once a process."""
    if missing_packages("gcc"):
        raise EmulationError("install the Debian package gcc")
    folder = Path(tempfile.mkdtemp(prefix="pattern-plugin-"))
    plugin = folder / "libcount_instructions.so"
    source = SOURCES / "count_instructions.c"
    _run(["gcc", "-std=c11", "-O2", "-shared", "-fPIC", str(source), "-o", str(plugin)])
    return plugin


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise EmulationError(f"{command[0]} took longer than {SECONDS} s") from None
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise EmulationError(f"{command[0]}: {reason}")
