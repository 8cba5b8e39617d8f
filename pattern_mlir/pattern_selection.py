"""Which weights pruning keeps: libraries, and the masks of patterns, connectivity and magnitude.

numpy only: the pruner and the benchmarks choose by it, compiling does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pattern_mlir.patterns import Array, Library, natural_patterns


def _energies(weight: Array, block: int = 1) -> Array:
    """Return the squares of ``weight`` summed over blocks of filters, [blocks, channels, taps].

    The last block is smaller where ``block`` does not divide the filters.
    """
    if block < 1:
        raise ValueError(f"a block must have at least 1 filter, got {block}")
    squares = np.square(weight, dtype=np.float64).reshape(*weight.shape[:2], -1)
    return squares if block == 1 else np.add.reduceat(squares, np.arange(0, len(weight), block))


def _spread(blocks: Array, block: int, filters: int) -> Array:
    """Return what holds for a block of filters, [blocks, ...], for each filter, [filters, ...]."""
    return np.repeat(blocks, block, axis=0)[:filters]


def pattern_mask(
    weight: Array, library: Library, block: int = 1, extra: int = 0
) -> npt.NDArray[np.bool_]:
    """Return which weights stay when each kernel takes the pattern with the largest L2 norm.

    Args:
        weight: [filters, channels, KH, KW].
        library: the patterns to choose from (arXiv 1909.05073).
        block: how many filters, one after the other, share the pattern of a channel.
        extra: taps beside the pattern's that stay, the largest ones; for gradual pruning.
    """
    masks = library.masks
    best = (_energies(weight, block) @ masks.T).argmax(axis=2)
    kept: npt.NDArray[np.bool_] = masks[_spread(best, block, len(weight))]
    if extra > 0:
        outside = np.where(kept, -1.0, _energies(weight))
        order = np.argsort(-outside, axis=2, kind="stable")[..., :extra]
        np.put_along_axis(kept, order, True, axis=2)
    return kept.reshape(weight.shape)


def project(weight: Array, library: Library, block: int = 1) -> Array:
    """Return ``weight`` with each kernel cut to the pattern that `pattern_mask` chooses."""
    return np.where(pattern_mask(weight, library, block), weight, weight.dtype.type(0))


def magnitude_mask(weight: Array, rate: float) -> npt.NDArray[np.bool_]:
    """Return which weights stay when ceil(size / rate) do, the largest, wherever they are."""
    _check_rate(rate)
    kept = np.zeros(weight.size, bool)
    order = np.argsort(-np.abs(weight).reshape(-1), kind="stable")
    kept[order[: int(np.ceil(weight.size / rate))]] = True
    return kept.reshape(weight.shape)


def rank_patterns(
    weights: Iterable[Array], taps: int = 4, centre: bool = True
) -> tuple[Library, npt.NDArray[np.float64]]:
    """Return the patterns that are a kernel's best, most wanted first, and their shares of votes.

    Every kernel votes for the pattern of ``taps`` taps (with ``centre``, the middle tap among
    them) that keeps most of its energy. Its vote weighs its energy, the squared L2 norm, over the
    mean of its layer's kernels that are not empty; empty kernels, such as those that connectivity
    removes, have none. Source: arXiv 2001.07710.

    Raises:
        ValueError: there is no kernel that is not empty, kernels differ in size, or they have
            fewer taps than ``taps``.
    """
    size: tuple[int, int] | None = None
    votes: dict[tuple[int, ...], float] = {}
    for weight in weights:
        if size not in (None, weight.shape[2:]):
            raise ValueError(f"kernels differ in size: {size}, {weight.shape[2:]}")
        size = (weight.shape[2], weight.shape[3])
        count = size[0] * size[1]
        if not 1 <= taps <= count:
            raise ValueError(f"a {size[0]}x{size[1]} kernel cannot keep {taps} taps")
        energy = _energies(weight).reshape(-1, count)
        energy = energy[energy.any(axis=1)]
        order = energy.copy()
        if centre:
            order[:, count // 2] = np.inf
        best = np.sort(np.argsort(-order, axis=1, kind="stable")[:, :taps], axis=1)
        chosen, voters = np.unique(best, axis=0, return_inverse=True)
        totals = np.bincount(voters.reshape(-1), energy.sum(axis=1)) / max(energy.sum(), 1e-300)
        for row, total in zip(chosen.tolist(), totals * len(energy), strict=True):
            votes[tuple(row)] = votes.get(tuple(row), 0.0) + float(total)
    if size is None or not votes:
        raise ValueError("a library needs at least one kernel that is not empty")
    ranked = sorted(votes, key=lambda pattern: (-votes[pattern], pattern))
    shares = np.array([votes[pattern] for pattern in ranked])
    return Library(size, tuple(ranked)), shares / shares.sum()


def elbow(shares: Array) -> int:
    """Return how many patterns lie before the elbow of their cumulative ``shares``.

    That is where the curve is farthest above the straight line between its ends (the criterion of
    Satopaa et al., "Finding a 'kneedle' in a haystack", 2011).
    """
    curve = np.cumsum(shares)
    line = np.linspace(curve[0], curve[-1], len(curve))
    return int(np.argmax(curve - line)) + 1


ELBOW = "elbow"
"""The size of a library that ends at the elbow."""


def extract_library(
    weights: Iterable[Array], size: int | str = 8, taps: int = 4, centre: bool = True
) -> Library:
    """Return the ``size`` patterns that `rank_patterns` puts first, over a whole model.

    ``size`` is a number or `ELBOW`. Small weights can want fewer patterns than ``size``.

    Raises:
        ValueError: as `rank_patterns`, or there are fewer natural patterns than ``size``.
    """
    ranked, shares = rank_patterns(weights, taps, centre)
    height, width = ranked.kernel_size
    natural = math.comb(height * width - centre, taps - centre)
    count = elbow(shares) if isinstance(size, str) else size
    if not 1 <= count <= natural:
        raise ValueError(f"there are {natural} natural patterns, cannot choose {size}")
    return Library(ranked.kernel_size, ranked.patterns[:count])


_CROSS_ARMS = ((1, 3, 4, 5), (1, 3, 4, 7), (1, 4, 5, 7), (3, 4, 5, 7))
_CORNERS = ((0, 1, 3, 4), (1, 2, 4, 5), (3, 4, 6, 7), (4, 5, 7, 8))

LIBRARIES = {
    "scp": Library((3, 3), _CROSS_ARMS),
    "corners": Library((3, 3), _CORNERS),
    "scp+corners": Library((3, 3), _CROSS_ARMS + _CORNERS),
    "cross": Library((3, 3), ((1, 3, 4, 5, 7),)),
    "natural": natural_patterns(),
}
"""Fixed libraries by name.

`scp` has the four patterns of PCONV (arXiv 1909.05073): the middle tap and three of its four
neighbours, whose mean is the shape of its enhanced Laplacian of Gaussian; `corners` the four 2x2
blocks with the middle tap; `cross` the middle tap and all four neighbours; `natural` all 56.
"""


def connectivity_mask(
    weight: Array, rate: float, balanced: bool = False, block: int = 1
) -> npt.NDArray[np.bool_]:
    """Return which kernels stay, [filters, channels], when one in ``rate`` does, by L2 norm.

    The layer keeps ceil(filters * channels / rate) kernels, or with ``balanced`` every filter
    ceil(channels / rate) of its own (arXiv 1909.05073). With ``block`` that many filters, one
    after the other, share their channels: ``filters`` above are blocks then.
    """
    _check_rate(rate)
    norms = _energies(weight, block).sum(axis=2)
    # A last block that is smaller must not lose for that.
    sizes = np.diff(np.append(np.arange(0, len(weight), block), len(weight)))
    rows = norms / sizes[:, None]
    rows = rows if balanced else rows.reshape(1, -1)
    count = int(np.ceil(rows.shape[1] / rate))
    kept = np.zeros(rows.shape, bool)
    np.put_along_axis(kept, np.argsort(-rows, axis=1, kind="stable")[:, :count], True, axis=1)
    chosen: npt.NDArray[np.bool_] = _spread(kept.reshape(norms.shape), block, len(weight))
    return chosen


def _check_rate(rate: float) -> None:
    if not rate >= 1:
        raise ValueError(f"a rate must be at least 1, got {rate}")


def allocate_rates(weights: Iterable[Array], costs: Iterable[int], kept: float) -> list[float]:
    """Return a connectivity rate for each layer, such that all of them keep ``kept`` weights.

    Kernels compete over all layers by their squared L2 norm over that of all kernels of their
    layer that are not smaller: LAMP (arXiv 2010.07611), whose units are weights, for kernels. So
    every layer keeps one.

    Args:
        weights: of the layers.
        costs: how many weights a kept kernel of each layer has.
        kept: how many weights stay, at most one kernel more or less.

    Raises:
        ValueError: one kernel in each layer has more weights than ``kept``.
    """
    scores, prices, layers, counts = [], [], [], []
    for index, (weight, cost) in enumerate(zip(weights, costs, strict=True)):
        norms = -np.sort(-_energies(weight).sum(axis=2).reshape(-1))
        scores.append(norms / np.maximum(np.cumsum(norms), 1e-300))
        scores[-1][0] = np.inf
        prices.append(np.full(norms.size, cost))
        layers.append(np.full(norms.size, index))
        counts.append(norms.size)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    total = np.cumsum(np.concatenate(prices)[order])
    if total[len(counts) - 1] > kept:
        raise ValueError(
            f"one kernel in each of {len(counts)} layers has {total[len(counts) - 1]} weights,"
            f" more than the {kept:.0f} that may stay"
        )
    chosen = np.concatenate(layers)[order[: int(np.searchsorted(total, kept, side="right"))]]
    return [n / int((chosen == index).sum()) for index, n in enumerate(counts)]
