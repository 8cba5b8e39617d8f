"""Uses an installed package outside the checkout, without torch: interpret, compile, run."""

from __future__ import annotations

import sys
import tempfile
from importlib import metadata, resources
from pathlib import Path

import numpy as np

import pattern_mlir
from pattern_mlir.errors import LibraryError
from pattern_mlir.program import Program


def main() -> None:
    """Run the module beside this file; raise AssertionError where something is not right."""
    package = resources.files("pattern_mlir")
    assert Path(str(package)).is_relative_to(sys.prefix), f"{package} is not the installed package"
    assert metadata.version("pattern-mlir") == pattern_mlir.__version__
    assert package.joinpath("py.typed").is_file()

    program = Program.load(Path(__file__).with_name("package-smoke.mlir"))
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 6)).astype(np.float32)
    (expected,) = pattern_mlir.interpret(program, [x])
    compiled = pattern_mlir.compile(program, threads=2)
    np.testing.assert_allclose(compiled(x), expected, rtol=1e-5, atol=1e-6)
    write_library(program)
    assert "torch" not in sys.modules
    print("package: the installed wheel interprets, compiles and runs")


def write_library(program: Program) -> None:
    """Write a library for a phone, if there is a linker."""
    model = pattern_mlir.compile(program, "aarch64-linux-android")
    with tempfile.TemporaryDirectory() as folder:
        try:
            model.save_library(Path(folder) / "model")
        except LibraryError as error:
            if "no linker found" not in str(error):
                raise
            print(f"skipped: writing a library with the installed wheel ({error})")


if __name__ == "__main__":
    main()
