"""One-shot pruning: library extraction, projection onto patterns, and connectivity.

The functions change a model's weights in place and train nothing. Sources: arXiv 1909.05073
(PCONV), 2001.07710 (library extraction), 2001.00138 (PatDNN).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pattern_mlir import patterns
from pattern_mlir.errors import PatternError
from pattern_mlir.patterns import Library

Skip = Callable[[str, nn.Conv2d], bool]
"""Whether a layer, by name and module, stays as it is."""


@dataclass(frozen=True)
class PrunedLayer:
    """A pruned convolution: how many of its kernels and weights are left."""

    name: str
    kernels_kept: int
    kernels: int
    weights_kept: int
    weights: int


@dataclass(frozen=True)
class PruningSummary:
    """What was pruned, and onto which patterns."""

    library: Library
    layers: tuple[PrunedLayer, ...]

    @property
    def compression(self) -> float:
        """Weights of the pruned layers over those that are left."""
        kept = sum(layer.weights_kept for layer in self.layers)
        return sum(layer.weights for layer in self.layers) / max(kept, 1)

    def __str__(self) -> str:
        """Say it in one line."""
        kept = sum(layer.kernels_kept for layer in self.layers)
        kernels = sum(layer.kernels for layer in self.layers)
        return (
            f"pruned {len(self.layers)} convolutions onto {len(self.library.patterns)} patterns:"
            f" {kept} of {kernels} kernels and one in {self.compression:.2f} weights are left"
        )


def prunable_layers(
    model: nn.Module, skip: Skip | None = None, kernel_size: tuple[int, int] = (3, 3)
) -> list[tuple[str, nn.Conv2d]]:
    """Return the convolutions with ``kernel_size`` and one group that ``skip`` does not name.

    Raises:
        PatternError: there is none, or one's weight is not finite.
    """
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
        and module.groups == 1
        and module.kernel_size == kernel_size
        and not (skip is not None and skip(name, module))
    ]
    if not found:
        size = f"{kernel_size[0]}x{kernel_size[1]}"
        raise PatternError(f"the model has no {size} convolution to prune; nothing was changed")
    for name, module in found:
        if not torch.isfinite(module.weight).all():
            raise PatternError(
                f"the weight of layer '{name}' holds NaN or Inf; nothing was changed,"
                " train or load the model anew"
            )
    return found


def skip_first(model: nn.Module) -> Skip:
    """Return a `Skip` of the model's first convolution, which prunes badly: it sees 3 channels."""
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    return lambda name, module: module is first


def extract_model_library(
    model: nn.Module, size: int = 8, taps: int = 4, centre: bool = True, skip: Skip | None = None
) -> Library:
    """Return the patterns that are most often a kernel's best in the whole model."""
    layers = prunable_layers(model, skip)
    return patterns.extract_library((_array(m) for _, m in layers), size, taps, centre)


def prune_patterns_(model: nn.Module, library: Library, skip: Skip | None = None) -> None:
    """Cut every kernel to the pattern of ``library`` that keeps the largest L2 norm, in place."""
    for _, module in prunable_layers(model, skip, library.kernel_size):
        _assign(module, patterns.project(_array(module), library))


def prune_connectivity_(
    model: nn.Module,
    rate: float,
    balanced: bool = False,
    skip: Skip | None = None,
    kernel_size: tuple[int, int] = (3, 3),
) -> None:
    """Keep one in ``rate`` kernels of every layer, by L2 norm, in place.

    With ``balanced`` every filter keeps equally many.
    """
    for _, module in prunable_layers(model, skip, kernel_size):
        weight = _array(module)
        kept = patterns.connectivity_mask(weight, rate, balanced)
        _assign(module, np.where(kept[..., None, None], weight, weight.dtype.type(0)))


def prune_one_shot(
    model: nn.Module,
    *,
    patterns: int = 8,
    taps: int = 4,
    connectivity_rate: float = 3.6,
    balanced: bool = False,
    prune_first: bool = False,
) -> PruningSummary:
    """Prune the 3x3 convolutions of ``model`` in place: library, projection, connectivity.

    Args:
        model: any module; 1x1, grouped and depthwise convolutions stay as they are.
        patterns: how many patterns the library has.
        taps: how many weights a kernel keeps.
        connectivity_rate: kernels before over kernels after.
        balanced: keep equally many kernels in every filter.
        prune_first: prune the first convolution, too.
    """
    skip = None if prune_first else skip_first(model)
    library = extract_model_library(model, patterns, taps, skip=skip)
    prune_patterns_(model, library, skip)
    prune_connectivity_(model, connectivity_rate, balanced, skip)
    layers = tuple(_describe(name, module) for name, module in prunable_layers(model, skip))
    return PruningSummary(library, layers)


def _describe(name: str, module: nn.Conv2d) -> PrunedLayer:
    weight = _array(module)
    return PrunedLayer(
        name=name,
        kernels_kept=int(weight.any(axis=(2, 3)).sum()),
        kernels=weight.shape[0] * weight.shape[1],
        weights_kept=int(np.count_nonzero(weight)),
        weights=weight.size,
    )


def _array(module: nn.Conv2d) -> patterns.Array:
    return module.weight.detach().cpu().numpy()


def _assign(module: nn.Conv2d, weight: patterns.Array) -> None:
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
