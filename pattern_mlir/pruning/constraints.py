"""The sets that weights are projected onto: patterns, connectivity, and their intersection."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pattern_mlir import pattern_selection
from pattern_mlir.patterns import Library
from pattern_mlir.pruning.layers import Array, LayerPlan

Mask = npt.NDArray[np.bool_]


def constraint_mask(
    constraint: str, plan: LayerPlan, weight: Array, library: Library | None, progress: float = 1.0
) -> Mask:
    """Return which weights stay under one of the plan's `constraints`, [filters, channels, KH, KW].

    With a ``progress`` below 1 that share of what goes in the end goes.
    """
    if constraint == "patterns":
        assert library is not None
        assert plan.taps is not None
        size = plan.shape[2] * plan.shape[3]
        extra = round((size - plan.taps) * (1 - progress))
        return pattern_selection.pattern_mask(weight, library, plan.block, extra)
    if constraint == "connectivity":
        rate = _partial(plan.rate, progress)
        kept = pattern_selection.connectivity_mask(weight, rate, plan.balanced, plan.block)
        return np.broadcast_to(kept[..., None, None], weight.shape)
    return pattern_selection.magnitude_mask(weight, _partial(plan.weight_rate, progress))


def _partial(rate: float, progress: float) -> float:
    return 1 / (1 - (1 - 1 / rate) * progress)


def joint_mask(
    plan: LayerPlan, weight: Array, library: Library | None, progress: float = 1.0
) -> Mask:
    """Return which weights stay under all of the plan's constraints.

    Patterns go first, then connectivity by what they leave of each kernel: of all weights in both
    sets that is the nearest one.
    """
    mask = np.ones(weight.shape, bool)
    for constraint in ("patterns", "connectivity", "weights"):
        if constraint in plan.constraints:
            left = np.where(mask, weight, weight.dtype.type(0))
            mask &= constraint_mask(constraint, plan, left, library, progress)
    return mask


def gradual_progress(done: int, of: int) -> float:
    """Return the share of what is pruned after ``done`` of ``of`` rounds.

    The cubic schedule of arXiv 1710.01878: fast at first, slow at the end.
    """
    return 1 - math.pow(1 - min(done / of, 1.0), 3)
