"""Which convolutions are pruned, and how far: found in the model, planned by the recipe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pattern_mlir import pattern_selection
from pattern_mlir.errors import PruningError
from pattern_mlir.pruning.recipe import EXTRACTED, Recipe

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Convolution:
    """A convolution of the model: its name, its weight [filters, channels, KH, KW], its groups."""

    name: str
    weight: Tensor
    groups: int


@dataclass(frozen=True)
class LayerPlan:
    """What the recipe means for one convolution.

    Attributes:
        name: the layer's name in the model.
        shape: of its weight, [filters, channels of a group, KH, KW].
        taps: how many weights a kernel keeps; None: all, without patterns.
        rate: kernels over kept kernels; 1: all stay.
        block: how many filters, one after the other, share channels and patterns.
        balanced: whether every filter keeps equally many kernels.
        weight_rate: weights over kept weights, wherever they are; 1 with patterns or connectivity.
        dense_reason: why nothing of it is pruned; empty where something is.
    """

    name: str
    shape: tuple[int, int, int, int]
    taps: int | None = None
    rate: float = 1.0
    block: int = 1
    balanced: bool = False
    weight_rate: float = 1.0
    dense_reason: str = ""

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Height and width of the kernels."""
        return self.shape[2], self.shape[3]

    @property
    def constraints(self) -> tuple[str, ...]:
        """The sets that the weight is projected onto, each with a dual of its own in ADMM."""
        names = {
            "connectivity": self.rate > 1,
            "patterns": self.taps is not None,
            "weights": self.weight_rate > 1,
        }
        return tuple(name for name, holds in names.items() if holds)


def unwrapped(model: nn.Module) -> nn.Module:
    """Return the module inside DistributedDataParallel, AveragedModel or a compiled module."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        is_wrapper = isinstance(
            model,
            (
                nn.parallel.DistributedDataParallel,
                nn.DataParallel,
                torch.optim.swa_utils.AveragedModel,
            ),
        )
        inner = model.module if is_wrapper else inner
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def find_convolutions(model: nn.Module) -> list[Convolution]:
    """Return the model's 2-d convolutions, in the order of its modules; tied weights once.

    Raises:
        PruningError: there is none, or one's weight is not a parameter of its own, is not of
            floating point, or holds NaN or Inf.
    """
    found: list[Convolution] = []
    for name, module in unwrapped(model).named_modules():
        if not isinstance(module, nn.Conv2d):
            continue
        weight = module._parameters.get("weight")
        if weight is None or isinstance(weight, nn.parameter.UninitializedParameter):
            raise PruningError(
                f"the weight of layer '{name}' is computed or not initialised; remove its"
                " parametrization (torch.nn.utils.prune.remove after"
                " torch.nn.utils.prune) and run the model once"
            )
        if not any(weight is other.weight for other in found):
            found.append(Convolution(name, weight, module.groups))
    if not found:
        raise PruningError("the model has no convolution to prune")
    check_finite(found)
    return found


def check_finite(convolutions: Sequence[Convolution]) -> None:
    """Raise PruningError where a weight holds NaN or Inf."""
    for convolution in convolutions:
        if not bool(torch.isfinite(convolution.weight.detach()).all()):
            raise PruningError(
                f"the weight of layer '{convolution.name}' holds NaN or Inf; nothing was pruned,"
                " train or load the model anew"
            )


def to_array(weight: Tensor) -> Array:
    """Return a weight as an array in f32 or f64 on the CPU; memory is shared where it can be."""
    detached = weight.detach().cpu()
    return (detached if detached.dtype == torch.float64 else detached.float()).numpy()


def plan_layers(convolutions: Sequence[Convolution], recipe: Recipe) -> tuple[LayerPlan, ...]:
    """Return a plan for each of ``convolutions``.

    Raises:
        PruningError: nothing is left to prune, `skip` names no layer, a rate cannot be met, or no
            pattern of the library fits a layer.
    """
    for expression in recipe.skip:
        if not any(_skipped(c.name, (expression,)) for c in convolutions):
            raise PruningError(
                f"skip: no convolution is called '{expression}'"
                f" (there are {', '.join(c.name for c in convolutions)})"
            )
    plans = [_plan(index, convolutions, recipe) for index in range(len(convolutions))]
    pruned = [index for index, plan in enumerate(plans) if not plan.dense_reason]
    if not pruned:
        reasons = sorted({f"{plan.name}: {plan.dense_reason}" for plan in plans})
        raise PruningError(f"the recipe leaves every convolution dense ({'; '.join(reasons)})")
    rated = _rated([plans[i] for i in pruned], [convolutions[i] for i in pruned], recipe)
    for index, plan in zip(pruned, rated, strict=True):
        _check_rate(plan)
        plans[index] = _unstructured(plan) if recipe.unstructured else plan
    return tuple(plans)


def _skipped(name: str, expressions: Sequence[str]) -> bool:
    return any(name == e or re.fullmatch(e, name) for e in expressions)


def _plan(index: int, convolutions: Sequence[Convolution], recipe: Recipe) -> LayerPlan:
    """Return the plan of one convolution, before rates are given out."""
    convolution = convolutions[index]
    filters, channels, height, width = convolution.weight.shape
    plan = LayerPlan(convolution.name, (filters, channels, height, width))
    is_depthwise = convolution.groups > 1 and channels == 1
    reason = _dense_reason(index, convolutions, recipe, is_depthwise)
    if reason:
        return replace(plan, dense_reason=reason)
    size = (height, width)
    with_patterns = size != (1, 1) and (
        size == (3, 3) or is_depthwise or recipe.other_sizes == "patterns"
    )
    taps = _taps(plan, recipe) if with_patterns else None
    block = recipe.late_block if filters >= recipe.late_filters else 1
    if size == (1, 1):
        block = max(block, recipe.pointwise_block)
    if convolution.groups > 1 and filters // convolution.groups % block:
        block = 1  # filters of two groups have no channel in common
    return replace(
        plan,
        taps=None if taps == height * width else taps,
        rate=1.0 if is_depthwise else float("inf"),
        block=block,
        balanced=recipe.balanced,
    )


def _dense_reason(
    index: int, convolutions: Sequence[Convolution], recipe: Recipe, is_depthwise: bool
) -> str:
    convolution = convolutions[index]
    size = tuple(convolution.weight.shape[2:])
    is_other = size not in ((1, 1), (3, 3))
    reasons = {
        "skipped by name": _skipped(convolution.name, recipe.skip),
        "first convolution": index == 0 and recipe.first == "dense",
        "last convolution": index == len(convolutions) - 1 and recipe.last == "dense",
        "depthwise": is_depthwise and (recipe.depthwise == "dense" or size == (1, 1)),
        "grouped": convolution.groups > 1 and not is_depthwise and recipe.grouped == "dense",
        "1x1": size == (1, 1) and recipe.pointwise == "dense",
        f"{size[0]}x{size[1]} kernels": is_other and recipe.other_sizes == "dense",
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _taps(plan: LayerPlan, recipe: Recipe) -> int:
    """Return how many taps a kernel keeps; for other sizes the same share as of 3x3 kernels."""
    height, width = plan.kernel_size
    if recipe.library != EXTRACTED:
        library = pattern_selection.LIBRARIES[recipe.library]
        if library.kernel_size != plan.kernel_size:
            raise PruningError(
                f"layer '{plan.name}': no pattern of library '{recipe.library}' fits its"
                f" {height}x{width} kernels; skip it, or set other_sizes to connectivity or dense"
            )
        return len(library.patterns[0])
    taps = recipe.taps if plan.kernel_size == (3, 3) else round(recipe.taps * height * width / 9)
    if taps > height * width:
        raise PruningError(
            f"layer '{plan.name}': no pattern of {taps} taps fits its {height}x{width} kernels;"
            " give fewer taps"
        )
    return max(taps, 1)


def _cost(plan: LayerPlan) -> int:
    """Return how many weights a kept kernel has."""
    return plan.taps or plan.shape[2] * plan.shape[3]


def _rated(
    plans: Sequence[LayerPlan], convolutions: Sequence[Convolution], recipe: Recipe
) -> list[LayerPlan]:
    """Give every plan whose rate is open (infinite) its connectivity rate."""
    open_ = [plan for plan in plans if plan.rate > 1]
    if recipe.allocation == "uniform":
        rates = [_uniform_rate(plan, recipe) for plan in open_]
    else:
        rates = _global_rates(open_, plans, convolutions, recipe)
    given = iter(rates)
    return [replace(plan, rate=next(given)) if plan.rate > 1 else plan for plan in plans]


def _uniform_rate(plan: LayerPlan, recipe: Recipe) -> float:
    if plan.kernel_size == (1, 1) and recipe.pointwise_rate is not None:
        return recipe.pointwise_rate
    if recipe.compression is None:
        return recipe.connectivity_rate
    size = plan.shape[2] * plan.shape[3]
    rate = recipe.compression * _cost(plan) / size
    if rate < 1:
        raise PruningError(
            f"layer '{plan.name}': {_cost(plan)} of {size} taps alone compress it"
            f" {size / _cost(plan):.3g} times; ask for at least that, not {recipe.compression:g}"
        )
    return rate


def _global_rates(
    open_: Sequence[LayerPlan],
    plans: Sequence[LayerPlan],
    convolutions: Sequence[Convolution],
    recipe: Recipe,
) -> list[float]:
    size = {plan.name: int(np.prod(plan.shape)) for plan in plans}
    if recipe.compression is None:
        kept = sum(
            size[p.name] * _cost(p) / (p.shape[2] * p.shape[3]) / _uniform_rate(p, recipe)
            for p in open_
        )
    else:
        closed = [plan for plan in plans if plan.rate == 1]
        fixed = sum(size[p.name] * _cost(p) // (p.shape[2] * p.shape[3]) for p in closed)
        kept = sum(size.values()) / recipe.compression - fixed
    names = {plan.name for plan in open_}
    weights = (to_array(c.weight) for c in convolutions if c.name in names)
    try:
        return pattern_selection.allocate_rates(weights, map(_cost, open_), kept)
    except ValueError as error:
        raise PruningError(f"compression {recipe.compression:g} cannot be met: {error}") from None


def _check_rate(plan: LayerPlan) -> None:
    """Raise PruningError where a layer has too few kernels for its rate."""
    filters, channels, _, _ = plan.shape
    blocks = -(-filters // plan.block)
    units = channels if plan.balanced else blocks * channels
    if plan.rate > units:
        of = "a filter" if plan.balanced else "the layer"
        shared = f", which blocks of {plan.block} filters share" if plan.block > 1 else ""
        raise PruningError(
            f"layer '{plan.name}': rate {plan.rate:.3g} cannot be met, {of} has {units} kernels"
            f"{shared}; skip the layer or lower the rate"
        )


def _unstructured(plan: LayerPlan) -> LayerPlan:
    """Return the plan that keeps as many weights, wherever they are."""
    rate = plan.rate * plan.shape[2] * plan.shape[3] / _cost(plan)
    return LayerPlan(plan.name, plan.shape, weight_rate=rate)
