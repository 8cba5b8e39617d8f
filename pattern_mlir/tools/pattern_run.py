"""`pattern-run`: runs a package: on arrays or a photograph, for its results or for its speed.

Needs neither torch nor MLIR, but for --compare.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir import __version__
from pattern_mlir.compiled_model import CompiledModel, load
from pattern_mlir.errors import PatternError
from pattern_mlir.parameters import atomic_file
from pattern_mlir.profiling import profile
from pattern_mlir.runtime.plan import InputError, TensorSpec
from pattern_mlir.tools.arguments import Parser, at_least, end_quietly_without_reader, run_tool

Array = npt.NDArray[Any]

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Suffixes of inputs that are pictures."""


def _parser() -> Parser:
    parser = Parser(
        prog="pattern-run",
        description=(__doc__ or "").partition(": ")[2].capitalize(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("package", type=Path, help="what CompiledModel.save wrote")
    parser.add_argument("--version", action="version", version=f"pattern-run {__version__}")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help=".npy or a picture, for each input in order, or by name; noise where none is given",
    )
    parser.add_argument("--mean", type=_numbers, help="of a picture's channels, from 0 to 1")
    parser.add_argument("--std", type=_numbers, help="deviation of a picture's channels")
    parser.add_argument("--output", type=Path, help="where to write the results, .npy or .npz")
    parser.add_argument("--benchmark", action="store_true", help="time whole runs")
    parser.add_argument("--profile", action="store_true", help="time each layer")
    parser.add_argument("--repeat", type=at_least(1), default=30, help="runs of a measurement")
    parser.add_argument(
        "--chunk", type=at_least(0), default=0, help="units a thread takes at a time"
    )
    parser.add_argument("--compare", type=Path, metavar="MODEL.pt2", help="with PyTorch's results")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"needs numbers such as 0.5,0.5,0.5, got '{text}'"
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code, 0 or 1."""
    return run_tool("pattern-run", _run, arguments)


def _run(words: Sequence[str]) -> int:
    arguments = _parser().parse_args(words)
    if arguments.output is not None and arguments.output.suffix not in (".npy", ".npz"):
        raise PatternError(f"--output needs the suffix .npy or .npz, got '{arguments.output}'")
    model = load(arguments.package, arguments.chunk)
    inputs = _inputs(model.inputs, arguments)
    outputs = model.run(inputs)
    for spec, output in zip(model.outputs, outputs, strict=True):
        print(_summary(spec, output))
    if arguments.output is not None:
        _write(arguments.output, model.outputs, outputs)
    if arguments.benchmark:
        print(_benchmark(model, inputs, arguments.repeat))
    if arguments.profile:
        print(profile(model, inputs, arguments.repeat))
    if arguments.compare is not None:
        print(_compare(arguments.compare, inputs, model.outputs, outputs))
    return 0


def _inputs(specs: Sequence[TensorSpec], arguments: argparse.Namespace) -> list[Array]:
    """Return an array for each of ``specs``: from its file, or noise."""
    files: dict[str, str] = {}
    names = [spec.name for spec in specs]
    for text in arguments.input:
        name, equals, file = text.partition("=")
        if not equals or name not in names:
            free = [known for known in names if known not in files]
            if not free:
                raise InputError(f"the model takes {len(specs)} inputs, '{text}' is one too many")
            name, file = free[0], text
        files[name] = file
    rng = np.random.default_rng(0)
    return [
        _load(Path(files[spec.name]), spec, arguments)
        if spec.name in files
        else rng.standard_normal(spec.shape).astype(spec.dtype)
        for spec in specs
    ]


def _load(path: Path, spec: TensorSpec, arguments: argparse.Namespace) -> Array:
    if path.suffix.lower() in IMAGES:
        return _picture(path, spec, arguments.mean, arguments.std)
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it holds several arrays")
    except (ValueError, EOFError) as error:
        raise InputError(f"'{path}' is no .npy file or picture: {error}") from None
    return array


def _picture(
    path: Path, spec: TensorSpec, mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> Array:
    """Return a picture as input [1, C, H, W], resized, its pixels (p / 255 - mean) / deviation."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise PatternError("pictures need Pillow: pip install pillow") from None
    if len(spec.shape) != 4 or spec.shape[1] not in (1, 3):
        raise InputError(f"input '{spec.name}' of shape {list(spec.shape)} takes no picture")
    channels, height, width = spec.shape[1:]
    try:
        picture = Image.open(path).convert("RGB" if channels == 3 else "L")
    except UnidentifiedImageError:
        raise InputError(f"'{path}' is no picture that Pillow can read") from None
    pixels = np.asarray(picture.resize((width, height)), np.float32).reshape(height, width, -1)
    for values in (mean, deviation):
        if values is not None and len(values) not in (1, channels):
            raise InputError(f"--mean and --std need 1 or {channels} numbers, got {len(values)}")
    pixels = (pixels / 255 - np.array(mean or [0.0])) / np.array(deviation or [1.0])
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], spec.dtype)


def _summary(spec: TensorSpec, output: Array) -> str:
    best: Sequence[int] = np.argsort(output.reshape(-1))[:-6:-1].tolist()
    largest = ", ".join(f"{i}: {output.reshape(-1)[i]:.4g}" for i in best)
    return f"{spec.name} {list(output.shape)} {output.dtype}; largest at {largest}"


def _write(path: Path, specs: Sequence[TensorSpec], outputs: Sequence[Array]) -> None:
    if path.suffix == ".npy" and len(outputs) > 1:
        raise PatternError(f"the model has {len(outputs)} outputs; write them to a .npz file")
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        if path.suffix == ".npy":
            np.save(file, outputs[0])
        else:
            arrays: dict[str, Any] = {s.name: o for s, o in zip(specs, outputs, strict=True)}
            np.savez(file, **arrays)


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


def _compare(
    path: Path, inputs: Sequence[Array], specs: Sequence[TensorSpec], outputs: Sequence[Array]
) -> str:
    """Return how far the outputs are from those of the model in PyTorch."""
    try:
        import torch
        from torch.utils._pytree import tree_leaves
    except ImportError:
        raise PatternError("--compare needs PyTorch: pip install 'pattern-mlir[torch]'") from None
    from pattern_mlir.importer import load_exported

    with torch.no_grad():
        result = load_exported(path).module()(*map(torch.from_numpy, inputs))
    lines = []
    for spec, ours, theirs in zip(specs, outputs, tree_leaves(result), strict=True):
        expected = theirs.numpy().astype(np.float64)
        if expected.shape != ours.shape:
            raise PatternError(
                f"'{path}' gives '{spec.name}' the shape {list(expected.shape)}, the package"
                f" {list(ours.shape)}; they are different models"
            )
        difference = ours - expected
        rms, scale = (float(np.sqrt(np.square(v).mean())) for v in (difference, expected))
        lines.append(
            f"{spec.name}: RMS difference {rms:.2e} of {scale:.2e},"
            f" largest {np.abs(difference).max(initial=0):.2e}"
        )
    return "\n".join(lines)


def console() -> Any:
    """Run the tool as a program."""
    end_quietly_without_reader()
    sys.exit(main())


if __name__ == "__main__":
    console()
