"""What is left of each layer: kernels, patterns, balance, compression; a table and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pattern_mlir import patterns
from pattern_mlir.patterns import Library
from pattern_mlir.pruning.layers import Array, LayerPlan


@dataclass(frozen=True)
class LayerSummary:
    """One convolution.

    Attributes:
        name: its name in the model.
        shape: of its weight, [filters, channels of a group, KH, KW].
        kernels_kept, kernels: those with a weight that is not zero, and all.
        weights_kept, weights: those that are not zero, and all.
        histogram: how many kernels follow each pattern of its library, in the library's order;
            empty without patterns.
        others: kernels that are not empty and follow none of them: before the masks are final.
        imbalance: the kernels of the filter with the most over the mean of all filters.
        block: how many filters share channels and patterns.
        dense_reason: why nothing of it is pruned; empty where something is.
    """

    name: str
    shape: tuple[int, int, int, int]
    kernels_kept: int
    kernels: int
    weights_kept: int
    weights: int
    histogram: tuple[int, ...]
    others: int
    imbalance: float
    block: int
    dense_reason: str

    @property
    def compression(self) -> float:
        """Weights over kept weights."""
        return self.weights / max(self.weights_kept, 1)


@dataclass(frozen=True)
class Summary:
    """A pruned model.

    Attributes:
        layers: its convolutions.
        libraries: the library of each layer that has patterns, by the layer's name.
    """

    layers: tuple[LayerSummary, ...]
    libraries: dict[str, Library]

    @property
    def library(self) -> Library:
        """The library of the first layer that has one: the model's, if layers share theirs."""
        return next(iter(self.libraries.values()))

    @property
    def compression(self) -> float:
        """Weights of the pruned layers over those that are left."""
        pruned = [layer for layer in self.layers if not layer.dense_reason]
        kept = sum(layer.weights_kept for layer in pruned)
        return sum(layer.weights for layer in pruned) / max(kept, 1)

    @property
    def total_compression(self) -> float:
        """The same over all convolutions."""
        kept = sum(layer.weights_kept for layer in self.layers)
        return sum(layer.weights for layer in self.layers) / max(kept, 1)

    def json(self) -> str:
        """Return the summary as JSON."""
        fields = asdict(self)
        fields |= {"compression": self.compression, "total_compression": self.total_compression}
        return json.dumps(fields, indent=2)

    def __str__(self) -> str:
        """Return the summary as a table for a terminal."""
        from rich.console import Console

        console = Console(width=132, highlight=False)
        with console.capture() as capture:
            console.print(_table(self))
        return capture.get() + self.line()

    def line(self) -> str:
        """Return the summary in one line."""
        pruned = [layer for layer in self.layers if not layer.dense_reason]
        distinct = {taps for library in self.libraries.values() for taps in library.patterns}
        onto = f" onto {len(distinct)} patterns" if distinct else ""
        kept, kernels = (sum(getattr(p, n) for p in pruned) for n in ("kernels_kept", "kernels"))
        return (
            f"pruned {len(pruned)} of {len(self.layers)} convolutions{onto}: {kept} of {kernels}"
            f" kernels and one in {self.compression:.2f} weights are left (of all convolutions:"
            f" one in {self.total_compression:.2f})"
        )


def summarise(
    plans: Sequence[LayerPlan], weights: Mapping[str, Array], libraries: Mapping[str, Library]
) -> Summary:
    """Describe ``weights``, the layers' by name, that were pruned by ``plans``."""
    layers = tuple(_layer(plan, weights[plan.name], libraries.get(plan.name)) for plan in plans)
    return Summary(layers, dict(libraries))


def _layer(plan: LayerPlan, weight: Array, library: Library | None) -> LayerSummary:
    kept = weight.any(axis=(2, 3))
    counts, others = _histogram(weight, library)
    of_filters = kept.sum(axis=1)
    return LayerSummary(
        name=plan.name,
        shape=plan.shape,
        kernels_kept=int(kept.sum()),
        kernels=kept.size,
        weights_kept=int(np.count_nonzero(weight)),
        weights=weight.size,
        histogram=counts,
        others=others,
        imbalance=float(of_filters.max() / max(of_filters.mean(), 1e-9)),
        block=plan.block,
        dense_reason=plan.dense_reason,
    )


def _histogram(weight: Array, library: Library | None) -> tuple[tuple[int, ...], int]:
    """Return how many kernels follow each pattern, and how many follow none."""
    if library is None:
        return (), 0
    kept = patterns.supports(weight)
    covered = np.any(np.all(~kept[:, :, None] | library.masks, axis=3), axis=2)
    following = np.where(covered[..., None], kept, False).astype(np.float32)
    assignment = patterns.assign(following.reshape(weight.shape), library)
    counts = patterns.histograms(assignment, len(library.patterns)).sum(axis=0)
    return tuple(counts.tolist()), int((~covered).sum())


def _table(summary: Summary) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    table.add_column("layer", no_wrap=True)
    for heading in ("weight", "kernels kept", "compression", "imbalance", "block"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("kernels of each pattern")
    table.add_column("dense because")
    for layer in summary.layers:
        others = f" + {layer.others}" if layer.others else ""
        table.add_row(
            layer.name,
            "x".join(map(str, layer.shape)),
            f"{layer.kernels_kept} of {layer.kernels}",
            f"{layer.compression:.2f}",
            f"{layer.imbalance:.2f}",
            str(layer.block),
            " ".join(map(str, layer.histogram)) + others,
            layer.dense_reason,
        )
    return table
