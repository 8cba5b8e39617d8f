"""Libraries of compiled networks, run by a C program of their own machine: natively or by qemu."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pattern_mlir.compiled_model import CompiledModel

Array = npt.NDArray[Any]
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Machine:
    """A C compiler, and the command that runs its programs.

    Attributes:
        target: the compiler's target of `pattern_mlir.compile`.
        compilers: C and C++.
        runner: what comes before a program.
    """

    target: str
    compilers: tuple[str, str]
    runner: tuple[str, ...] = ()

    def run(
        self, *words: str | Path, processor: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program; ``processor`` is one of qemu's, None for one that has everything."""
        cpu = () if processor is None else ("-cpu", processor)
        command = [*self.runner, *cpu, *map(str, words)]
        return subprocess.run(command, check=check, capture_output=True, text=True, timeout=600)


HOST = Machine("host", ("gcc", "g++"))
AARCH64 = Machine(
    "aarch64-linux-gnu",
    ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++"),
    ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"),
)

PACKAGES = {
    "qemu-aarch64": "qemu-user",
    "aarch64-linux-gnu-gcc": "g++-aarch64-linux-gnu",
    "ld.lld": "lld",
    "gcc": "gcc",
    "cmake": "cmake",
}
"""The Debian packages of programs."""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test, and says what to install, where a program is missing."""
    missing = sorted(PACKAGES[name] for name in programs if shutil.which(name) is None)
    return pytest.mark.skipif(
        bool(missing), reason=f"install the Debian packages {', '.join(missing)}"
    )


needs_lld = needs("ld.lld")
needs_aarch64 = needs("qemu-aarch64", "aarch64-linux-gnu-gcc", "ld.lld")


@functools.cache
def driver(machine: Machine) -> Path:
    """Return the C program that loads a library and runs it on a file of inputs."""
    program = Path(tempfile.mkdtemp(prefix="pattern-driver-")) / "driver"
    source = FOLDER / "library_driver.c"
    flags = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror")
    subprocess.run(
        [machine.compilers[0], *flags, "-o", str(program), str(source), "-ldl"], check=True
    )
    return program


def macro(header: Path, name: str) -> str:
    """Return the first number that a macro of a generated header stands for."""
    found = re.search(rf"#define {name} [{{]?(\w+)", header.read_text())
    assert found is not None
    return found[1].removesuffix("u")


class LibraryModel:
    """The library of a network with one input and one output; call it like the network."""

    def __init__(
        self, model: CompiledModel, machine: Machine, folder: Path, weights: Any = "inside"
    ) -> None:
        """Write the library of ``model`` to ``folder`` to run on ``machine``."""
        model.save_library(folder, weights=weights)
        self._model = model
        self._machine = machine
        self._folder = folder
        self._weights = [folder / "model.weights"] if weights == "file" else []

    def run(
        self,
        *inputs: Array,
        threads: int = 1,
        processor: str | None = None,
        check: bool = True,
    ) -> tuple[list[Array], subprocess.CompletedProcess[str]]:
        """Return the output for each of ``inputs``, computed in one process, and what it said."""
        (taken,), (given,) = self._model.inputs, self._model.outputs
        images = len(inputs[0])
        shape = (images * given.shape[0] // taken.shape[0], *given.shape[1:])
        output_bytes = int(np.prod(shape)) * given.dtype.itemsize
        header = self._folder / "model.h"
        source, results = self._folder.parent / "inputs", self._folder.parent / "outputs"
        source.write_bytes(b"".join(np.ascontiguousarray(value).tobytes() for value in inputs))
        done = self._machine.run(
            driver(self._machine),
            *(self._folder / "libmodel.so", macro(header, "MODEL_OPTIONS"), str(threads)),
            *map(str, (images, macro(header, "MODEL_ARENA_BYTES"), inputs[0].nbytes, output_bytes)),
            *(source, results, *self._weights),
            processor=processor,
            check=check,
        )
        data = np.frombuffer(results.read_bytes(), given.dtype) if results.exists() else None
        found = [] if data is None or done.returncode else list(data.reshape(-1, *shape))
        return found, done
