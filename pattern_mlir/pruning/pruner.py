"""The pruner: finds the patterns of a model and trains its weights into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pattern_mlir.errors import CheckpointError, TrainingError
from pattern_mlir.patterns import Library
from pattern_mlir.pruning.constraints import constraint_mask, gradual_progress, joint_mask
from pattern_mlir.pruning.distributed import shared_weight
from pattern_mlir.pruning.inspection import Summary, summarise
from pattern_mlir.pruning.layers import (
    Array,
    LayerPlan,
    find_convolutions,
    plan_layers,
    to_array,
    unwrapped,
)
from pattern_mlir.pruning.library import extract_libraries
from pattern_mlir.pruning.masks import MaskedWeights
from pattern_mlir.pruning.penalty import AdmmState
from pattern_mlir.pruning.recipe import Recipe


class Pruner:
    """Prunes a model while it is trained: five lines of a training loop.

    Example:
        pruner = Pruner(model, Recipe())
        for epoch in range(pruner.recipe.epochs):
            for x, y in loader:
                loss = criterion(model(x), y) + pruner.penalty()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                pruner.step(loss)
            pruner.end_epoch()
        print(pruner.summary())

    Once hardened, after `Recipe.pruning_epochs` epochs, the masks are final and hold after every
    `step`, whatever the optimizer did: weights are set to zero, and gradients as soon as they are
    accumulated, so neither momentum nor clipping sees them.

    Attributes:
        recipe: what is pruned, and how.
        plans: what that means for each convolution, in the model's order.
        libraries: the library of each layer with patterns, by the layer's name.
        epoch: how many epochs have ended.
        steps: how many steps were made.
        hardened: whether the masks are final.
        last_checkpoint: where the last checkpoint was saved, for the message of an error.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        """Find the layers of ``model`` and make the first projection; weights change only if the
        recipe has no epochs to prune in.

        In a distributed run all ranks must do this together; the weights of rank 0 count.

        Raises:
            PruningError: the model has no layer to prune, a weight that is not finite, a layer
                that no pattern fits, or a rate cannot be met.
        """
        self.recipe = recipe
        convolutions = find_convolutions(model)
        shared = [shared_weight(c) for c in convolutions]
        self.plans = plan_layers(shared, recipe)
        pruned = {plan.name for plan in self.plans if not plan.dense_reason}
        self._model = unwrapped(model)
        self._weights = {c.name: c.weight for c in convolutions if c.name in pruned}
        self._masked = MaskedWeights(self._weights)
        self._admm = AdmmState()
        self._factors: list[Tensor] = []
        self.libraries: dict[str, Library] = {}
        self.epoch = self.steps = 0
        self.hardened = False
        self.last_checkpoint = ""
        arrays = {c.name: to_array(c.weight) for c in shared if c.name in pruned}
        self.libraries = extract_libraries(self.pruned_plans, arrays, recipe)
        self._project(arrays)

    @property
    def pruned_plans(self) -> tuple[LayerPlan, ...]:
        """The plans of the layers that are pruned."""
        return tuple(plan for plan in self.plans if not plan.dense_reason)

    @property
    def masks(self) -> dict[str, Tensor]:
        """Which weights stay, by layer; empty while nothing is masked."""
        return self._masked.masks

    def penalty(self) -> Tensor:
        """Return what to add to the loss: the penalty of ADMM, zero otherwise and once hardened."""
        if self.recipe.method != "admm" or self.hardened:
            return next(iter(self._weights.values())).new_zeros(())
        return self._admm.penalty(self.recipe.rho_at(self.epoch), self._weights)

    def step(self, loss: Tensor | None = None) -> None:
        """Enforce the masks; call it after every step of the optimizer.

        Raises:
            TrainingError: ``loss``, if given, is NaN or Inf.
        """
        if loss is not None and not bool(torch.isfinite(loss.detach())):
            raise TrainingError(
                f"the loss is {loss.item():g} in step {self.steps} (epoch {self.epoch}); lower the"
                f" learning rate or rho and resume{self._from_checkpoint()}"
            )
        self.steps += 1
        if self._factors and not self.hardened:
            with torch.no_grad():
                torch._foreach_mul_(list(self._weights.values()), self._factors)
        self._masked.enforce()

    def end_epoch(self) -> None:
        """End an epoch: project and update the duals, or make the masks final.

        Raises:
            TrainingError: a weight is NaN or Inf.
        """
        for name, weight in self._weights.items():
            if not bool(torch.isfinite(weight.detach()).all()):
                raise TrainingError(
                    f"the weight of layer '{name}' is NaN or Inf at the end of epoch {self.epoch};"
                    f" lower the learning rate or rho and resume{self._from_checkpoint()}"
                )
        self.epoch += 1
        is_round = self.epoch % self.recipe.epochs_per_round == 0
        if not self.hardened and (is_round or self.epoch >= self.recipe.pruning_epochs):
            arrays = self._arrays()
            if self.recipe.reextract:
                self.libraries = extract_libraries(self.pruned_plans, arrays, self.recipe)
            self._project(arrays)

    def _from_checkpoint(self) -> str:
        return f" from '{self.last_checkpoint}'" if self.last_checkpoint else ""

    def _arrays(self) -> dict[str, Array]:
        convolutions = find_convolutions(self._model)
        return {
            c.name: to_array(shared_weight(c).weight)
            for c in convolutions
            if c.name in self._weights
        }

    def _project(self, arrays: Mapping[str, Array]) -> None:
        """Make a round: what the method does between epochs, or the last one, which hardens."""
        method, of = self.recipe.method, self.recipe.pruning_epochs
        if self.epoch >= of:
            self.hardened = True
            self._admm, self._factors = AdmmState(), []
            self._mask(arrays, 1.0)
        elif method == "gradual":
            self._mask(arrays, gradual_progress(self.epoch, of))
        elif method == "proximal":
            self._set_factors(self._joint_masks(arrays, 1.0))
        else:
            self._update_duals(arrays)

    def _joint_masks(self, arrays: Mapping[str, Array], progress: float) -> dict[str, Tensor]:
        return {
            plan.name: self._like(
                plan.name,
                joint_mask(plan, arrays[plan.name], self.libraries.get(plan.name), progress),
            )
            for plan in self.pruned_plans
        }

    def _mask(self, arrays: Mapping[str, Array], progress: float) -> None:
        if progress > 0:
            self._masked.set(self._joint_masks(arrays, progress))

    def _set_factors(self, masks: Mapping[str, Tensor]) -> None:
        """Prepare the proximal step of rho/2 times the squared distance to the pruned weights.

        With the nearest weights that are pruned under ``masks``, kept weights stay and others are
        divided by 1 + rho.
        """
        shrink = 1 / (1 + self.recipe.rho_at(self.epoch))
        self._factors = [
            torch.where(masks[name], 1.0, shrink).to(weight.dtype)
            for name, weight in self._weights.items()
        ]

    def _update_duals(self, arrays: Mapping[str, Array]) -> None:
        """Set Z to the projection of W + U, and U to what is left of it."""
        # U is the dual over rho: where rho grows, U shrinks (Boyd et al., ADMM, section 3.4.1).
        before, now = (self.recipe.rho_at(max(e, 0)) for e in (self.epoch - 1, self.epoch))
        scale = before / now if now else 1.0
        auxiliary: dict[str, dict[str, Tensor]] = {}
        duals: dict[str, dict[str, Tensor]] = {}
        for plan in self.pruned_plans:
            name, weight = plan.name, arrays[plan.name]
            auxiliary[name], duals[name] = {}, {}
            for constraint in plan.constraints:
                old = self._admm.dual.get(name, {}).get(constraint)
                total = weight if old is None else weight + scale * to_array(old)
                kept = constraint_mask(constraint, plan, total, self.libraries.get(name))
                projected = np.where(kept, total, total.dtype.type(0))
                auxiliary[name][constraint] = self._like(name, projected)
                residual = total - projected if self.epoch else np.zeros_like(total)
                duals[name][constraint] = self._like(name, residual)
        self._admm.set(auxiliary, duals)

    def _like(self, name: str, array: Array) -> Tensor:
        """Return ``array`` as a tensor beside the layer's weight, masks as bool."""
        weight = self._weights[name].detach()
        is_mask = array.dtype == np.bool_
        result = torch.empty_like(weight, dtype=torch.bool if is_mask else weight.dtype)
        return result.copy_(torch.from_numpy(np.ascontiguousarray(array)))

    def follow(self, model: nn.Module) -> None:
        """Hold the masks in ``model``, too: an average of weights (EMA, SWA) of the pruned model.

        It has the same layers. Call `step` after the average was updated, or the update once more
        after the last step.

        Raises:
            PruningError: a layer is missing, or of another shape.
        """
        self._masked.follow(model)

    def close(self) -> None:
        """Leave the model as it is: gradients are masked no more."""
        self._masked.close()

    def summary(self) -> Summary:
        """Return what is left of each layer now."""
        weights = {c.name: to_array(c.weight) for c in find_convolutions(self._model)}
        return summarise(self.plans, weights, self.libraries)

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, beside model and optimizer."""
        return {
            "recipe": self.recipe.to_dict(),
            "epoch": self.epoch,
            "steps": self.steps,
            "hardened": self.hardened,
            "rates": {plan.name: [plan.rate, plan.weight_rate] for plan in self.pruned_plans},
            "libraries": {
                name: [list(library.kernel_size), [list(taps) for taps in library.patterns]]
                for name, library in self.libraries.items()
            },
            "masks": self._masked.masks,
            "auxiliary": self._admm.auxiliary,
            "dual": self._admm.dual,
            "factors": dict(zip(self._weights, self._factors, strict=False)),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``; the model's weights are loaded apart.

        Raises:
            CheckpointError: ``state`` is of another recipe or of another model.
        """
        self._check_state(state)
        self.epoch, self.steps = state["epoch"], state["steps"]
        self.hardened = state["hardened"]
        self.libraries = {
            name: Library((size[0], size[1]), tuple(tuple(taps) for taps in taps_of))
            for name, (size, taps_of) in state["libraries"].items()
        }
        rates = state["rates"]
        self.plans = tuple(
            plan
            if plan.dense_reason
            else replace(plan, rate=rates[plan.name][0], weight_rate=rates[plan.name][1])
            for plan in self.plans
        )
        self._masked.set({n: self._move(n, m) for n, m in state["masks"].items()}, enforce=False)
        self._admm = AdmmState()
        self._admm.set(*(self._move_all(state[key]) for key in ("auxiliary", "dual")))
        self._factors = [self._move(name, f) for name, f in state["factors"].items()]

    def _check_state(self, state: Mapping[str, Any]) -> None:
        own, other = self.recipe.to_dict(), state["recipe"]
        differing = sorted(k for k in own.keys() | other.keys() if own.get(k) != other.get(k))
        if differing:
            first = differing[0]
            raise CheckpointError(
                f"the checkpoint is of another recipe: {', '.join(differing)} differ"
                f" ({first} = {other.get(first)!r} there, {own.get(first)!r} here); resume with"
                " its recipe, or start anew"
            )
        if list(state["rates"]) != list(self._weights):
            raise CheckpointError(
                f"the checkpoint is of another model: it prunes {', '.join(state['rates'])}; this"
                f" one has {', '.join(self._weights)}"
            )
        tensors = [(n, t) for key in ("masks", "factors") for n, t in state[key].items()]
        tensors += [(n, t) for n, of in state["dual"].items() for t in of.values()]
        for name, tensor in tensors:
            if tensor.shape != self._weights[name].shape:
                raise CheckpointError(
                    f"the checkpoint is of another model: layer '{name}' has shape"
                    f" {list(tensor.shape)} there, {list(self._weights[name].shape)} here"
                )

    def _move(self, name: str, tensor: Tensor) -> Tensor:
        weight = self._weights[name].detach()
        return torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)

    def _move_all(
        self, tensors: Mapping[str, Mapping[str, Tensor]]
    ) -> dict[str, dict[str, Tensor]]:
        return {
            name: {constraint: self._move(name, tensor) for constraint, tensor in of.items()}
            for name, of in tensors.items()
        }


def prune_one_shot(model: nn.Module, **options: Any) -> Summary:
    """Prune ``model`` in place, at once and without training; return what is left.

    ``options`` are fields of `Recipe`.

    Raises:
        PruningError: as `Recipe` and `Pruner`.
    """
    fields = {"method": "one_shot", "retrain_epochs": 0, **options}
    pruner = Pruner(model, Recipe.from_dict(fields))
    pruner.close()
    return pruner.summary()
