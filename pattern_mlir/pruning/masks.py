"""Masks that hold exactly: in the model, in averages of it, and in `torch.nn.utils.prune`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from pattern_mlir.errors import PruningError
from pattern_mlir.pruning.layers import unwrapped


class MaskedWeights:
    """Weights whose pruned elements are zero, and get no gradient.

    Attributes:
        masks: which elements stay, bool tensors by layer; empty while nothing is masked.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        """Mask nothing of ``weights`` yet; those in models that follow are found by their names."""
        self.masks: dict[str, Tensor] = {}
        self._weights = dict(weights)
        self._pruned: dict[str, Tensor] = {}
        self._followers: list[dict[str, Tensor]] = []
        self._hooks = [
            weight.register_post_accumulate_grad_hook(  # type: ignore[no-untyped-call]
                self._hook(name)
            )
            for name, weight in self._weights.items()
            if weight.requires_grad
        ]

    def _hook(self, name: str) -> Callable[[Tensor], None]:
        def mask_gradient(weight: Tensor) -> None:
            # masked_fill, as 0 * Inf is NaN; the sum in .grad is masked, whatever it holds.
            if name in self._pruned and weight.grad is not None:
                weight.grad.masked_fill_(self._pruned[name], 0)

        return mask_gradient

    def close(self) -> None:
        """Mask gradients no more."""
        for hook in self._hooks:
            hook.remove()

    def set(self, masks: Mapping[str, Tensor], enforce: bool = True) -> None:
        """Take ``masks`` for the weights, and set what they prune to zero unless told not to."""
        self.masks = dict(masks)
        self._pruned = {name: ~mask for name, mask in masks.items()}
        if enforce:
            self.enforce()

    @torch.no_grad()
    def enforce(self) -> None:
        """Set every pruned weight to zero, in the model and in those that follow."""
        for name, pruned in self._pruned.items():
            for weights in (self._weights, *self._followers):
                weights[name].masked_fill_(pruned, 0)

    def follow(self, model: nn.Module) -> None:
        """Mask the weights of the same names in ``model``, too."""
        weights = {name: _weight(model, name, w.shape) for name, w in self._weights.items()}
        self._followers.append(weights)
        self.enforce()


def _weight(model: nn.Module, name: str, shape: torch.Size) -> Tensor:
    """Return the weight of layer ``name``; raise PruningError where it has not ``shape``."""
    try:
        weight: Any = unwrapped(model).get_submodule(name)._parameters.get("weight")
    except AttributeError:
        weight = None
    if weight is None or weight.shape != shape:
        raise PruningError(
            f"the model has no layer '{name}' with a weight of shape {list(shape)}; give one with"
            " the layers of the pruned model"
        )
    detached: Tensor = weight.detach()
    return detached


def apply_torch_masks(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Hand ``masks`` to `torch.nn.utils.prune`: each layer gets `weight_orig` and `weight_mask`.

    Raises:
        PruningError: a layer is missing, or of another shape.
    """
    for name, mask in masks.items():
        _weight(model, name, mask.shape)
    for name, mask in masks.items():
        module = unwrapped(model).get_submodule(name)
        prune.custom_from_mask(module, "weight", mask)  # type: ignore[no-untyped-call]


def read_torch_masks(model: nn.Module) -> dict[str, Tensor]:
    """Return the masks of `torch.nn.utils.prune` on weights of convolutions, as bool, by layer."""
    found: dict[str, Tensor] = {}
    for name, module in unwrapped(model).named_modules():
        mask = module._buffers.get("weight_mask")
        if isinstance(module, nn.Conv2d) and mask is not None:
            found[name] = mask.bool()
    return found
