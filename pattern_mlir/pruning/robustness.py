"""Robustness of a network over data: the localized Lipschitz constant (arXiv 1909.05095)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pattern_mlir.errors import PatternError

_ROWS = 256  # samples whose distances to all others are in memory at once


@dataclass(frozen=True)
class Robustness:
    """How fast a network's output changes between samples that are near each other.

    Attributes:
        constant: the largest ratio of output change to input change, both L2 norms.
        pair: the two samples where it is.
        mean: the mean ratio over the pairs.
        radius: the largest input change that counts.
        pairs: how many pairs of samples are that near.
    """

    constant: float
    pair: tuple[int, int]
    mean: float
    radius: float
    pairs: int


@dataclass(frozen=True)
class RobustnessComparison:
    """A dense and a pruned network over the same pairs of samples."""

    dense: Robustness
    pruned: Robustness

    @property
    def ratio(self) -> float:
        """The pruned network's constant over the dense one's; below 1, pruning made it steadier."""
        return self.pruned.constant / max(self.dense.constant, torch.finfo(torch.float64).tiny)

    def __str__(self) -> str:
        """Say it in two lines and a table."""
        rows = [
            f"{name:8}{found.constant:10.3f}{found.mean:10.3f}"
            for name, found in (("dense", self.dense), ("pruned", self.pruned))
        ]
        return "\n".join(
            [
                f"localized Lipschitz constant over {self.dense.pairs} pairs of samples not more"
                f" than {self.dense.radius:.4g} apart; pruned is {self.ratio:.3f} of dense",
                f"{'':8}{'largest':>10}{'mean':>10}",
                *rows,
            ]
        )


def neighbour_radius(inputs: Tensor) -> float:
    """Return the median distance (L2) of a sample to its nearest other one.

    Half of the samples have a partner within it: local, and yet with enough pairs.
    """
    nearest = torch.cat([_distances(inputs, start).min(dim=1).values for start in _starts(inputs)])
    return float(nearest[nearest.isfinite()].median()) if nearest.isfinite().any() else 0.0


def localized_lipschitz(
    model: nn.Module, inputs: Tensor, radius: float | None = None
) -> Robustness:
    """Return the localized Lipschitz constant of ``model`` over ``inputs``.

    The largest ||f(x) - f(y)|| / ||x - y||, L2 norms of flattened tensors, over the pairs of inputs
    with 0 < ||x - y|| <= radius: a bound from below of the network's constant there, in the domain
    of the data. Source: arXiv 1909.05095.

    Args:
        model: run in eval mode, as one call for each 256 samples; its mode comes back.
        inputs: [N, ...]; equal samples make no pair.
        radius: in the inputs' units; by default `neighbour_radius`.

    Raises:
        PatternError: there are no two samples so near, or outputs are not finite.
    """
    if radius is None:
        radius = neighbour_radius(inputs)
    outputs = _outputs(model, inputs)
    constant, pair, total, pairs = -1.0, (0, 0), 0.0, 0
    for start in _starts(inputs):
        distances = _distances(inputs, start)
        # Each pair once: the second sample comes after the first.
        rows = torch.arange(start, start + len(distances), device=inputs.device)
        later = torch.arange(len(inputs), device=inputs.device) > rows[:, None]
        near = (distances <= radius) & later
        if not near.any():
            continue
        ratios = torch.where(near, _differences(outputs, start) / distances, -1)
        pairs += int(near.sum())
        total += float(ratios[near].sum())
        largest = int(ratios.argmax())
        if float(ratios.flatten()[largest]) > constant:
            constant = float(ratios.flatten()[largest])
            pair = (start + largest // len(inputs), largest % len(inputs))
    if not pairs:
        raise PatternError(
            f"no two different samples of the {len(inputs)} are within {radius:g} of each other;"
            " give more samples or a larger radius"
        )
    return Robustness(constant, pair, total / pairs, radius, pairs)


def compare_robustness(
    dense: nn.Module, pruned: nn.Module, inputs: Tensor, radius: float | None = None
) -> RobustnessComparison:
    """Return `localized_lipschitz` of both networks over the same pairs of ``inputs``."""
    if radius is None:
        radius = neighbour_radius(inputs)
    return RobustnessComparison(
        localized_lipschitz(dense, inputs, radius), localized_lipschitz(pruned, inputs, radius)
    )


def _starts(samples: Tensor) -> range:
    return range(0, len(samples), _ROWS)


def _differences(samples: Tensor, start: int) -> Tensor:
    """Return distances [rows, N] of the samples from ``start`` on to all, in f64."""
    flat = samples.flatten(1).double()
    # Products of matrices would lose the small distances to cancellation.
    return torch.cdist(
        flat[start : start + _ROWS], flat, compute_mode="donot_use_mm_for_euclid_dist"
    )


def _distances(samples: Tensor, start: int) -> Tensor:
    """Return `_differences`, infinite where samples are equal: they make no pair."""
    distances = _differences(samples, start)
    return distances.masked_fill(distances == 0, torch.inf)


def _outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            outputs = torch.cat([model(batch) for batch in torch.split(inputs, _ROWS)])
    finally:
        model.train(training)
    if not outputs.isfinite().all():
        sample = int((~outputs.flatten(1).isfinite().all(dim=1)).nonzero()[0])
        raise PatternError(
            f"the output for sample {sample} holds NaN or Inf; check the model and its inputs"
        )
    return outputs
