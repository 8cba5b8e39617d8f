"""Pruning an exported program at once, with a correction of the weights that stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from pattern_mlir.errors import PruningError
from pattern_mlir.pruning.constraints import joint_mask
from pattern_mlir.pruning.inspection import Summary, summarise
from pattern_mlir.pruning.layers import Convolution, check_finite, plan_layers, to_array
from pattern_mlir.pruning.least_squares import (
    CONVOLUTIONS,
    Correction,
    arguments_of,
    corrected_weights,
)
from pattern_mlir.pruning.library import extract_libraries
from pattern_mlir.pruning.recipe import Recipe
from pattern_mlir.pruning.record import attach_record


@dataclass(frozen=True)
class PrunedProgram:
    """What was done to a program.

    Attributes:
        summary: what is left of each layer.
        corrections: each pruned layer's error on the calibration inputs; empty without any.
    """

    summary: Summary
    corrections: tuple[Correction, ...]


def find_exported_convolutions(exported: ExportedProgram) -> list[Convolution]:
    """Return the convolutions of ``exported`` in the order in which they run; tied weights once.

    A layer has the name of its weight, without `.weight`. Convolutions whose weight is computed
    are none of them.

    Raises:
        PruningError: there is none, or one's weight holds NaN or Inf.
    """
    keys = weight_keys(exported)
    found: dict[str, Convolution] = {}
    for node in exported.graph.nodes:
        if node.op != "call_function" or node.target not in CONVOLUTIONS:
            continue
        arguments = arguments_of(node)
        key = keys.get(getattr(arguments["weight"], "name", ""))
        if key is None or exported.state_dict[key].dim() != 4:
            continue
        name = key.removesuffix(".weight")
        found.setdefault(name, Convolution(name, exported.state_dict[key], arguments["groups"]))
    if not found:
        raise PruningError("the program has no 2-d convolution with a weight of its own to prune")
    check_finite(list(found.values()))
    return list(found.values())


def weight_keys(exported: ExportedProgram) -> dict[str, str]:
    """Return the name in `state_dict` of each placeholder that stands for a parameter or buffer."""
    kinds = (InputKind.PARAMETER, InputKind.BUFFER)
    return {
        spec.arg.name: spec.target
        for spec in exported.graph_signature.input_specs
        if spec.kind in kinds and spec.target in exported.state_dict
    }


@torch.no_grad()
def prune_exported(
    exported: ExportedProgram,
    recipe: Recipe,
    batches: Sequence[Sequence[Tensor]] = (),
    ridge: float = 1e-3,
) -> PrunedProgram:
    """Prune the weights of ``exported`` in place, at once; after an error they are as they were.

    Args:
        exported: a program in evaluation mode.
        recipe: what is pruned; its method and epochs do not matter.
        batches: calibration inputs, each as the program takes it; with them the weights that stay
            are corrected, layer by layer (`least_squares`).
        ridge: how much corrected weights stay near those they were, over the mean energy of an
            input.

    Raises:
        PruningError: the program has nothing to prune, the recipe cannot be met, or the
            calibration inputs give NaN or Inf.
    """
    convolutions = find_exported_convolutions(exported)
    plans = plan_layers(convolutions, recipe)
    weights = {c.name: to_array(c.weight) for c in convolutions}
    pruned = [plan for plan in plans if not plan.dense_reason]
    libraries = extract_libraries(pruned, weights, recipe)
    masks = {p.name: joint_mask(p, weights[p.name], libraries.get(p.name)) for p in pruned}
    keys = {c.name: _key(exported, c.name) for c in convolutions}
    new: dict[str, Any] = {keys[n]: np.where(m, weights[n], 0) for n, m in masks.items()}
    corrections: tuple[Correction, ...] = ()
    if batches:
        kept = {keys[name]: mask for name, mask in masks.items()}
        new, corrections = corrected_weights(exported, new, kept, batches, ridge)
    attach_record(exported, pruned, libraries, masks)
    _store(exported, new)
    left = {c.name: to_array(exported.state_dict[keys[c.name]]) for c in convolutions}
    return PrunedProgram(summarise(plans, left, libraries), corrections)


def _key(exported: ExportedProgram, name: str) -> str:
    return f"{name}.weight" if f"{name}.weight" in exported.state_dict else name


def _store(exported: ExportedProgram, weights: Mapping[str, Any]) -> None:
    for key, array in weights.items():
        old = exported.state_dict[key]
        value = torch.from_numpy(np.ascontiguousarray(array)).to(old.dtype)
        is_parameter = isinstance(old, torch.nn.Parameter)
        exported.state_dict[key] = (
            torch.nn.Parameter(value, old.requires_grad) if is_parameter else value
        )
