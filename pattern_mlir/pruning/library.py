"""Libraries for a model's layers: extracted from its weights, or fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pattern_mlir import pattern_selection
from pattern_mlir.errors import PruningError
from pattern_mlir.patterns import Library
from pattern_mlir.pruning.layers import Array, LayerPlan
from pattern_mlir.pruning.recipe import EXTRACTED, Recipe


def extract_libraries(
    plans: Sequence[LayerPlan], weights: Mapping[str, Array], recipe: Recipe
) -> dict[str, Library]:
    """Return the library of each layer that has patterns, by the layer's name.

    Kernels vote that survive connectivity pruning. Layers of one kernel size share a library, but
    for `scope` = layer.

    Raises:
        PruningError: the library cannot have as many patterns as the recipe says.
    """
    patterned = [plan for plan in plans if plan.taps is not None]
    if recipe.library != EXTRACTED:
        return {plan.name: pattern_selection.LIBRARIES[recipe.library] for plan in patterned}
    libraries: dict[str, Library] = {}
    for group in _groups(patterned, recipe.scope):
        taps, first = group[0].taps, group[0]
        assert taps is not None
        try:
            library = pattern_selection.extract_library(
                surviving_kernels(group, weights), recipe.patterns, taps, recipe.centre
            )
        except ValueError as error:
            raise PruningError(f"layer '{first.name}': {error}; change the recipe") from None
        libraries.update({plan.name: library for plan in group})
    return libraries


def surviving_kernels(plans: Sequence[LayerPlan], weights: Mapping[str, Array]) -> Iterator[Array]:
    """Yield the weight of each plan with the kernels that connectivity removes set to zero."""
    for plan in plans:
        weight = weights[plan.name]
        kept = pattern_selection.connectivity_mask(weight, plan.rate, plan.balanced, plan.block)
        yield np.where(kept[..., None, None], weight, weight.dtype.type(0))


def _groups(plans: Sequence[LayerPlan], scope: str) -> list[list[LayerPlan]]:
    """Return the layers that share a library."""
    groups: dict[object, list[LayerPlan]] = {}
    for plan in plans:
        groups.setdefault(plan.name if scope == "layer" else plan.kernel_size, []).append(plan)
    return list(groups.values())
