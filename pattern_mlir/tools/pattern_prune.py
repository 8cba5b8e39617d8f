"""`pattern-prune`: prunes a model exported by PyTorch, at once, for those without a training loop.

With calibration inputs the weights that stay are corrected, layer by layer, in least squares.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import math
import os
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pattern_mlir import __version__
from pattern_mlir.errors import PatternError, PruningError, did_you_mean
from pattern_mlir.parameters import atomic_file
from pattern_mlir.tools.arguments import Parser, at_least, end_quietly_without_reader, run_tool

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram

    from pattern_mlir.pruning import Recipe


def _parser() -> Parser:
    parser = Parser(
        prog="pattern-prune",
        description=(__doc__ or "").partition(": ")[2].capitalize(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", type=Path, help="what torch.export.save wrote (.pt2)")
    parser.add_argument("-o", dest="output", type=Path, required=True, help="where to write (.pt2)")
    parser.add_argument("--version", action="version", version=f"pattern-prune {__version__}")
    parser.add_argument(
        "--rate", type=_number(1), help="weights over kept weights of the pruned layers"
    )
    parser.add_argument("--patterns", type=_patterns, help="how many, or elbow")
    parser.add_argument("--library", help="a fixed one, such as scp or corners")
    parser.add_argument("--balanced", action="store_true", help="equally many kernels a filter")
    parser.add_argument(
        "--global", dest="is_global", action="store_true", help="kernels of all layers compete"
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="NAME", help="stays dense; name or regex"
    )
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="all of the above as JSON")
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help=".npz with inputs, by their names"
    )
    parser.add_argument(
        "--ridge", type=_number(0), default=1e-3, help="how near corrected weights stay"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the summary")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="where to draw the patterns (.png or .svg)"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _number(least: float) -> Any:
    """Return a converter of arguments to finite numbers of at least ``least``."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number < math.inf:
            raise argparse.ArgumentTypeError(f"needs a number of at least {least}, got '{text}'")
        return number

    return convert


def _patterns(text: str) -> int | str:
    return text if text == "elbow" else at_least(1)(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code, 0 or 1."""
    return run_tool("pattern-prune", _run, arguments)


def _run(words: Sequence[str]) -> int:
    arguments = _parser().parse_args(words)
    if os.path.realpath(arguments.output) == os.path.realpath(arguments.model):
        raise PatternError(f"-o '{arguments.output}' is the input, which stays; give another file")
    if arguments.output.suffix != ".pt2":
        raise PatternError(f"-o needs the suffix .pt2, got '{arguments.output}'")
    try:
        import torch
    except ImportError:
        raise PatternError("pruning needs PyTorch: pip install 'pattern-mlir[torch]'") from None
    from pattern_mlir.importer import load_exported
    from pattern_mlir.importer.checks import check_exported
    from pattern_mlir.pruning.exported import prune_exported
    from pattern_mlir.pruning.pictures import draw_summary

    recipe = _recipe(arguments)
    exported = load_exported(arguments.model)
    check_exported(exported)
    batches = [] if arguments.calibration is None else _batches(arguments.calibration, exported)
    pruned = prune_exported(exported, recipe, batches, arguments.ridge)
    if arguments.picture is not None:
        draw_summary(arguments.picture, pruned.summary)
    data = io.BytesIO()
    torch.export.save(exported, data)
    with atomic_file(arguments.output) as temporary:
        temporary.write_bytes(data.getbuffer())
    if arguments.json is not None:
        with atomic_file(arguments.json) as temporary:
            temporary.write_text(pruned.summary.json())
    print(pruned.summary)
    for correction in pruned.corrections:
        print(
            f"{correction.name}: relative error {correction.before:.4f} pruned,"
            f" {correction.after:.4f} corrected"
        )
    return 0


def _recipe(arguments: argparse.Namespace) -> Recipe:
    """Return the recipe of the file, with what the other arguments change."""
    from pattern_mlir.pruning import Recipe

    base = Recipe() if arguments.recipe is None else Recipe.from_json(arguments.recipe.read_text())
    changes: dict[str, Any] = {"method": "one_shot"}
    for name, value in (
        ("compression", arguments.rate),
        ("patterns", arguments.patterns),
        ("library", arguments.library),
        ("balanced", arguments.balanced or None),
        ("allocation", "global" if arguments.is_global else None),
        ("skip", (*base.skip, *arguments.skip)),
    ):
        if value is not None:
            changes[name] = value
    return dataclasses.replace(base, **changes)


def _batches(path: Path, exported: ExportedProgram) -> list[list[Tensor]]:
    """Return the calibration inputs, in batches as ``exported`` takes them.

    Raises:
        PruningError: the file is no .npz file, or its arrays do not fit the program's inputs.
    """
    names, specs = _inputs(exported)
    arrays = _arrays(path)
    if len(names) == len(arrays) == 1:
        arrays = dict(zip(names, arrays.values(), strict=True))
    for name in arrays:
        if name not in names:
            raise PruningError(
                f"'{path}' has an array '{name}', which is no input of the model"
                f"{did_you_mean(name, names)} (inputs: {', '.join(names)})"
            )
    columns = []
    for name, spec in zip(names, specs, strict=True):
        if name not in arrays:
            raise PruningError(f"'{path}' has no array for input '{name}'")
        columns.append(_split(path, name, arrays[name], spec))
    if len({len(column) for column in columns}) > 1:
        raise PruningError(f"the arrays of '{path}' do not hold equally many inputs")
    return [list(batch) for batch in zip(*columns, strict=True)]


def _inputs(exported: ExportedProgram) -> tuple[list[str], list[Tensor]]:
    """Return the names of the inputs, and tensors of their shapes and types."""
    names = list(exported.graph_signature.user_inputs)
    values = {node.name: node.meta["val"] for node in exported.graph.nodes if "val" in node.meta}
    return [str(name) for name in names], [values[name] for name in names]


def _arrays(path: Path) -> dict[str, Any]:
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array")
        with file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise PruningError(
            f"'{path}' is no .npz file ({error}); write one with numpy.savez(path, x=inputs)"
        ) from None


def _split(path: Path, name: str, array: Any, spec: Tensor) -> Any:
    """Return ``array`` in batches of the shape of ``spec``."""
    import torch

    shape, batch = tuple(spec.shape), spec.shape[0] if spec.dim() else 1
    if (
        array.ndim != len(shape)
        or array.shape[1:] != shape[1:]
        or not len(array)
        or len(array) % batch
    ):
        raise PruningError(
            f"'{path}': array '{name}' of shape {list(array.shape)} does not fit the input"
            f" {list(shape)}; it must have the same shape but for a multiple of {batch} in front"
        )
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if tensor.is_floating_point() != spec.is_floating_point():
        raise PruningError(
            f"'{path}': array '{name}' has elements of type {array.dtype}, the input {spec.dtype}"
        )
    return torch.split(tensor.to(spec.dtype), batch)


def console() -> Any:
    """Run the tool as a program."""
    end_quietly_without_reader()
    sys.exit(main())


if __name__ == "__main__":
    console()
