"""How far a package's results, and those of its layers, are from the model's in f64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import InterpretError, PatternError
from pattern_mlir.runtime.plan import PlannedLayer

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from pattern_mlir.program import Program

Array = npt.NDArray[Any]

BOUND = 1e-4
"""RMS difference over RMS above which a layer departs; rounding to f32 is at most a tenth of it."""

HALF_BOUND = 2e-2
"""The same of a package that stores weights or tensors in f16."""

UNSEEN = ("loops", "matmul")
"""Kernels of what is no pattern operation any more: where its result lies is not known."""


@dataclass(frozen=True)
class Difference:
    """The RMS of a difference, and that of what the reference gives."""

    rms: float
    reference: float
    bound: float = BOUND

    @property
    def departs(self) -> bool:
        """Whether it is more than rounding; NaN is."""
        return not self.rms <= self.bound * self.reference

    def __str__(self) -> str:
        """Return both in words."""
        return f"RMS difference {self.rms:.2e} of {self.reference:.2e}"


def compare(
    path: Path, model: CompiledModel, inputs: Sequence[Array], outputs: Sequence[Array]
) -> Iterator[str]:
    """Yield a line for each of the ``outputs`` for ``inputs``, and one about the layers.

    ``path`` is the `.pt2` that ``model`` was made from. Outputs are compared with PyTorch's, layers
    with the reference interpreter's in f64; the file's model runs part by part where there are more
    images than it was exported for.

    Raises:
        PatternError: the file cannot be read, or the package was made from another model.
    """
    exported, parts = _exported(path), model.parts(inputs)
    expected = _results_of_torch(path, exported, parts)
    if [array.shape for array in expected] != [array.shape for array in outputs]:
        raise PatternError(
            f"'{path}' gives outputs of shape {_shapes(expected)}, the package"
            f" {_shapes(outputs)}; they are different models"
        )
    for spec, ours, theirs in zip(model.outputs, outputs, expected, strict=True):
        with np.errstate(invalid="ignore"):  # the difference of two Inf is NaN, as it should be
            difference = ours - theirs
        known = Difference(_rms(difference), _rms(theirs))
        yield f"{spec.name}: {known}, largest {np.abs(difference).max(initial=0):.2e}"
    yield _compare_layers(_reference(path, exported, model), model, parts)


def _shapes(arrays: Sequence[Array]) -> str:
    return ", ".join(str(list(array.shape)) for array in arrays)


def _rms(values: Array) -> float:
    return math.sqrt(float(np.square(values).sum()) / max(values.size, 1))


def _exported(path: Path) -> ExportedProgram:
    try:
        from pattern_mlir.importer import load_exported
    except ImportError:
        raise PatternError("--compare needs PyTorch: pip install 'pattern-mlir[torch]'") from None
    return load_exported(path)


def _results_of_torch(
    path: Path, exported: ExportedProgram, parts: Sequence[Sequence[Array]]
) -> list[Array]:
    """Return the outputs of a model for all ``parts`` together, as f64."""
    import torch
    from torch.utils._pytree import tree_leaves

    module = exported.module()
    try:
        with torch.no_grad():
            results = [tree_leaves(module(*map(torch.from_numpy, inputs))) for inputs in parts]
    except Exception as error:  # torch raises errors of many kinds where inputs do not fit
        reason = str(error).strip().partition("\n")[0]
        raise PatternError(
            f"'{path}' does not take these inputs; is the package made from it? ({reason})"
        ) from error
    tensors = [[own for own in part if isinstance(own, torch.Tensor)] for part in results]
    return [
        # A single part may have outputs without images.
        (own[0] if len(parts) == 1 else torch.cat(own)).double().numpy()
        for own in zip(*tensors, strict=True)
    ]


def _reference(path: Path, exported: ExportedProgram, model: CompiledModel) -> Program:
    """Return the model with the operations that the layers of the package ``model`` compute."""
    from pattern_mlir.compiler import lower, open_program
    from pattern_mlir.dialects import shape_of
    from pattern_mlir.passes.results import numbered
    from pattern_mlir.pipelines import target_levels
    from pattern_mlir.targets import HOST, VULKAN

    program = open_program(exported)
    for level in target_levels(HOST if model.device is None else VULKAN):
        lower(program, level)
        if level.name == "graph":
            break
    shapes = [tuple(shape_of(op.result)) for op in numbered(program.module.operation)]
    for layer in model.layers:
        place = layer.result
        found = None if place is None else shapes[place.operation : place.operation + 1]
        if place is not None and found != [place.shape]:
            raise PatternError(
                f"'{path}' has other layers than the package, where {layer.place} gives"
                f" {list(place.shape)}, here {list(found[0]) if found else 'nothing'}: the package"
                " was made from another model, or by another version of pattern_mlir"
            )
    return program


def _compare_layers(
    program: Program, model: CompiledModel, parts: Sequence[Sequence[Array]]
) -> str:
    """Return which layer of ``model`` is the first to depart from ``program``, over all parts."""
    known = [layer for layer in model.layers if layer.result is not None]
    sums, compared, reason = np.zeros((len(known), 2)), len(known), ""
    for inputs in parts:
        reference, reason = _interpreted(program, inputs)
        for index, (layer, ours) in enumerate(model.trace(inputs)):
            if layer.result is not None and layer.result.operation < len(reference):
                theirs = reference[layer.result.operation]
                sums[index] += np.array(_squares(ours, theirs)) / (len(parts) * max(ours.size, 1))
            else:
                compared = min(compared, index)
    bound = BOUND if model.report().precision == "f32" else HALF_BOUND
    for layer, (difference, scale) in zip(known[:compared], np.sqrt(sums), strict=False):
        found = Difference(float(difference), float(scale), bound)
        if found.departs:
            blind = _uncompared_before(layer, model.layers)
            return f"first layer that departs: {layer.place} ({layer.kernel}): {found}{blind}"
    within = f"layers agree within {bound:.0e}"
    if reason:
        return f"{compared} of {len(known)} {within}; the others were not compared: {reason}"
    loops = [layer.place for layer in model.layers if _is_unseen(layer)]
    rest = f"; in plain loops, not compared: {_names(loops)}" if loops else ""
    return (
        f"all {compared} {within}{rest}" if compared else f"no layer has a kernel to compare{rest}"
    )


def _uncompared_before(layer: PlannedLayer, layers: Sequence[PlannedLayer]) -> str:
    """Return which layers right before ``layer``, if any, may be what departs."""
    before = takewhile(lambda other: other.result is None, reversed(layers[: layers.index(layer)]))
    unseen = [other.place for other in before if _is_unseen(other)]
    return f"; or before it, not compared: {_names(reversed(unseen))}" if unseen else ""


def _is_unseen(layer: PlannedLayer) -> bool:
    """Whether ``layer`` computes a result, or a part of one, that cannot be compared."""
    return layer.result is None and layer.kernel in UNSEEN


def _names(places: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(places))


def _squares(ours: Array, theirs: Array) -> tuple[float, float]:
    """Return the sums of squares of the difference and of the reference, equal Inf and NaN as 0."""
    with np.errstate(invalid="ignore"):
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        difference = np.where(same, 0, ours - theirs)
    finite = np.where(np.isfinite(theirs), theirs, 0)
    return float(np.square(difference).sum()), float(np.square(finite).sum())


def _interpreted(program: Program, inputs: Sequence[Array]) -> tuple[list[Array], str]:
    """Return the results of numbered operations in f64, and why the interpreter stopped, if so."""
    from pattern_mlir.interpretation import interpret
    from pattern_mlir.passes.results import is_numbered

    results: list[Array] = []

    def observe(op: Any, values: Sequence[Array]) -> None:
        if is_numbered(op):
            results.extend(values)

    try:
        interpret(program, inputs, dtype=np.float64, observe=observe)
    except InterpretError as error:
        return results, str(error)
    return results, ""
