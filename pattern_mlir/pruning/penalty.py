"""The penalty of ADMM: one fused pass over all weights forward, one backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class _Penalty(torch.autograd.Function):
    """strength * sum_l count_l * |W_l - M_l|^2 / 2 + constant."""

    @staticmethod
    def forward(
        ctx: Any,
        strength: float,
        counts: Sequence[int],
        constant: Tensor,
        means: Sequence[Tensor],
        *weights: Tensor,
    ) -> Tensor:
        differences = torch._foreach_sub(list(weights), list(means))
        ctx.save_for_backward(*differences)
        ctx.scales = [strength * count for count in counts]
        norms = torch.stack([norm.float() for norm in torch._foreach_norm(differences)])
        squares = norms.square() * norms.new_tensor(counts)
        return strength * (squares.sum() / 2 + constant)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        scale = outputs[0]
        if scale.is_cpu:  # one pass; elsewhere a number would cost a wait
            number = scale.item()
            gradients = torch._foreach_mul(ctx.saved_tensors, [number * s for s in ctx.scales])
        else:
            gradients = torch._foreach_mul(ctx.saved_tensors, ctx.scales)
            torch._foreach_mul_(gradients, scale)
        return (None, None, None, None, *gradients)


class AdmmState:
    """Auxiliary weights and duals of every layer and constraint (arXiv 1804.03294, 2001.00138).

    The penalty is rho/2 |W - Z + U|^2, summed over layers and over the layer's constraints, with
    Z the projection of W + U and U the dual over rho. With the mean M of Z - U over the n
    constraints of a layer it is rho/2 (n |W - M|^2 + what does not depend on W): one pass.

    Attributes:
        auxiliary, dual: tensors by layer and constraint, each of the weight's shape.
    """

    def __init__(self) -> None:
        """Hold nothing yet: every dual is zero."""
        self.auxiliary: dict[str, dict[str, Tensor]] = {}
        self.dual: dict[str, dict[str, Tensor]] = {}
        self._means: dict[str, Tensor] = {}
        self._constant = torch.zeros(())

    def set(
        self, auxiliary: dict[str, dict[str, Tensor]], dual: dict[str, dict[str, Tensor]]
    ) -> None:
        """Take new auxiliary weights and duals."""
        self.auxiliary, self.dual = auxiliary, dual
        self._means.clear()
        constants = []
        for name, of_layer in auxiliary.items():
            targets = torch.stack([of_layer[c] - dual[name][c] for c in of_layer])
            self._means[name] = targets.mean(0)
            constants.append((targets - self._means[name]).float().square().sum() / 2)
        self._constant = torch.stack(constants).sum() if constants else torch.zeros(())

    def penalty(self, strength: float, weights: dict[str, Tensor]) -> Tensor:
        """Return the penalty with rho = ``strength``, a scalar that autograd knows."""
        counts = [len(self.auxiliary[name]) for name in self._means]
        means = list(self._means.values())
        parameters = [weights[name] for name in self._means]
        value: Tensor = _Penalty.apply(  # type: ignore[no-untyped-call]
            strength, counts, self._constant, means, *parameters
        )
        return value
