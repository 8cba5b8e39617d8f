"""`pattern-run`: runs a package: on arrays or a photograph, for its results or for its speed.

Needs neither torch nor MLIR, but for --compare.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir import __version__
from pattern_mlir.compiled_model import CompiledModel, load
from pattern_mlir.errors import PatternError, PipelineError
from pattern_mlir.package import read as read_package
from pattern_mlir.parameters import atomic_file, write_text
from pattern_mlir.picture_files import is_picture
from pattern_mlir.profiling import profile
from pattern_mlir.runtime.plan import TensorSpec
from pattern_mlir.runtime.vulkan.device import devices
from pattern_mlir.runtime.vulkan.executable import TIMEOUT
from pattern_mlir.tools.arguments import Parser, at_least, end_quietly_without_reader, run_tool
from pattern_mlir.tools.comparison import compare
from pattern_mlir.tools.inputs import input_files, noise, read_array, read_picture
from pattern_mlir.tools.measured_times import compare_times

Array = npt.NDArray[Any]


def _parser() -> Parser:
    parser = Parser(
        prog="pattern-run",
        description=(__doc__ or "").partition(": ")[2].capitalize(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("package", nargs="?", type=Path, help="what CompiledModel.save wrote")
    parser.add_argument("--version", action="version", version=f"pattern-run {__version__}")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help=".npy or a picture, for each input in order, or by name; without any: noise",
    )
    parser.add_argument(
        "--mean", type=_numbers(-math.inf), help="of a picture's channels, from 0 to 1"
    )
    parser.add_argument("--std", type=_numbers(0), help="deviation of a picture's channels")
    parser.add_argument("--output", type=Path, help="where to write the results, .npy or .npz")
    parser.add_argument("--benchmark", action="store_true", help="time whole runs")
    parser.add_argument("--profile", action="store_true", help="time each layer")
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write what each layer is and takes"
    )
    parser.add_argument("--repeat", type=at_least(1), default=30, help="runs of a measurement")
    parser.add_argument(
        "--threads", type=at_least(1), help="threads that run it; as compiled unless given"
    )
    parser.add_argument(
        "--chunk", type=at_least(0), default=0, help="units a thread takes at a time"
    )
    parser.add_argument(
        "--device", help="vulkan:0 and the like for a package for a GPU; the first GPU unless given"
    )
    parser.add_argument("--list-devices", action="store_true", help="GPUs that there are")
    parser.add_argument(
        "--timeout",
        type=at_least(1),
        help=f"seconds that a wait for a GPU takes at most; {TIMEOUT:.0f} unless given",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="MODEL.pt2|BENCH.json",
        help="with PyTorch's results, and each layer with the interpreter's, which may take"
        " minutes; or what pattern-bench measured with the predicted times",
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _numbers(least: float) -> Callable[[str], list[float]]:
    """Return a converter of arguments to finite numbers above ``least``."""

    def convert(text: str) -> list[float]:
        try:
            numbers = [float(word) for word in text.split(",")]
        except ValueError:
            numbers = [math.nan]
        if not all(least < number < math.inf for number in numbers):
            above = f" above {least}" if math.isfinite(least) else ""
            raise argparse.ArgumentTypeError(
                f"needs numbers{above} such as 0.5,0.5,0.5, got '{text}'"
            )
        return numbers

    return convert


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code, 0 or 1."""
    return run_tool("pattern-run", _run, arguments)


def _run(words: Sequence[str]) -> int:
    arguments = _parser().parse_args(words)
    if arguments.list_devices:
        for found in devices():
            print(found)
        return 0
    if arguments.package is None:
        raise PipelineError("give a package, or --list-devices (pattern-run --help)")
    if arguments.output is not None and arguments.output.suffix not in (".npy", ".npz"):
        raise PatternError(f"--output needs the suffix .npy or .npz, got '{arguments.output}'")
    if arguments.compare is not None and arguments.compare.suffix == ".json":
        if arguments.benchmark or arguments.profile or arguments.input or arguments.output:
            raise PatternError(
                "--compare with a .json of pattern-bench runs nothing here; leave out --input,"
                " --output, --benchmark and --profile"
            )
        print(compare_times(arguments.compare, read_package(arguments.package, runnable=False)))
        return 0
    model = load(
        arguments.package,
        arguments.chunk,
        threads=arguments.threads,
        device=arguments.device,
        timeout=arguments.timeout,
    )
    inputs = _inputs(model.inputs, arguments)
    outputs = model.run(inputs)
    for spec, output in zip(model.outputs, outputs, strict=True):
        print(_summary(spec, output))
    if arguments.output is not None:
        _write(arguments.output, model.outputs, outputs)
    if (arguments.benchmark or arguments.profile) and model.device and not model.device.is_gpu:
        print(f"{model.device.name} is a CPU driver: its times tell nothing about a GPU")
    if arguments.benchmark:
        print(_benchmark(model, inputs, arguments.repeat))
    if arguments.profile:
        print(profile(model, inputs, arguments.repeat))
    if arguments.report is not None:
        from pattern_mlir.html_report import html

        write_text(arguments.report, html(model, profile(model, inputs, arguments.repeat)))
    if arguments.compare is not None:
        for line in compare(arguments.compare, model, inputs, outputs):
            print(line)
    return 0


def _inputs(specs: Sequence[TensorSpec], arguments: argparse.Namespace) -> list[Array]:
    """Return an array for each of ``specs``: from its file, or noise."""
    files = input_files(specs, arguments.input)
    normalised = arguments.mean is not None or arguments.std is not None
    if normalised and not any(map(is_picture, files.values())):
        raise PatternError("--mean and --std are for pictures, and no --input is one")
    mean, deviation = arguments.mean or [0.0], arguments.std or [1.0]
    inputs, generator = [], np.random.default_rng(0)
    for spec in specs:
        if spec.name not in files:
            inputs.append(noise(spec, generator))
        elif is_picture(files[spec.name]):
            inputs.append(read_picture(files[spec.name], spec, mean, deviation))
        else:
            inputs.append(read_array(files[spec.name]))
    return inputs


def _summary(spec: TensorSpec, output: Array) -> str:
    best: Sequence[int] = np.argsort(output.reshape(-1))[:-6:-1].tolist()
    largest = ", ".join(f"{i}: {output.reshape(-1)[i]:.4g}" for i in best)
    return f"{spec.name} {list(output.shape)} {output.dtype}; largest at {largest}"


def _write(path: Path, specs: Sequence[TensorSpec], outputs: Sequence[Array]) -> None:
    if path.suffix == ".npy" and len(outputs) > 1:
        raise PatternError(f"the model has {len(outputs)} outputs; write them to a .npz file")
    with atomic_file(path) as temporary:
        if path.suffix == ".npy":
            with temporary.open("wb") as file:
                np.save(file, outputs[0])
            return
        # np.savez takes names as keywords, and some are its own.
        with zipfile.ZipFile(temporary, "w") as archive:
            for spec, output in zip(specs, outputs, strict=True):
                with archive.open(f"{spec.name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, output, allow_pickle=False)


def _benchmark(model: CompiledModel, inputs: Sequence[Array], repeat: int) -> str:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        model.run(inputs)
        times.append(1e3 * (time.perf_counter() - start))
    low, high = np.percentile(times, [10, 90])
    return (
        f"median of {repeat} runs: {statistics.median(times):.3f} ms"
        f" (80 % within {low:.3f} to {high:.3f} ms)"
    )


def console() -> Any:
    """Run the tool as a program."""
    end_quietly_without_reader()
    sys.exit(main())


if __name__ == "__main__":
    console()
