"""What kernels take on this processor over what the machine model says of them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from statistics import median

import torch
from torch import nn

from pattern_mlir.compiler import compile
from pattern_mlir.errors import PatternError
from pattern_mlir.measured_machine import keep, measurement_path, measurements
from pattern_mlir.processors import MEASURED
from pattern_mlir.profiling import LayerProfile, profile_of
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.runtime.peak import Peak, vector_lanes
from pattern_mlir.runtime.rates import PAUSE

ROUNDS, RUNS = 30, 5
"""Of the sample network, and runs in each; the fastest counts."""

KEPT = 3.6
"""One in so many kernels of a sparse sample is kept."""

SHORTEST = 2000.0
"""Nanoseconds of a layer that counts: shorter ones are mostly calls."""

FACTORS = (0.1, 10.0)
"""The least and the largest correction that is believed."""

KERNELS = (("sparse", 3), ("dense", 3), ("1x1", 1), ("sparse 1x1", 1), ("depthwise", 3))
"""Kinds of convolutions that are sampled with either stride, and the sizes of their kernels."""

Shape = tuple[int, int, int]
"""Channels, height, width."""


def calibrate() -> Mapping[str, float]:
    """Time layers of each kind here, and keep what they took over what the model said of them.

    From then on ``cpu="measured"`` predicts layers, and weighs sparse code against dense, by these
    figures. Takes the better part of a minute on one thread.

    Returns:
        The factor of each kind of kernel, see `Machine.corrections`.

    Raises:
        PatternError: the file of measurements cannot be written.
    """
    plain = replace(measurements(), corrections=())
    try:
        keep(plain)
        factors = corrections(_sampled())
        keep(replace(plain, corrections=tuple(sorted(factors.items()))))
    except OSError as error:
        raise PatternError(
            f"calibration: {measurement_path()} cannot be written ({error}); make its folder"
            " writable"
        ) from None
    return factors


def corrections(layers: Iterable[LayerProfile]) -> dict[str, float]:
    """Return for each kind of kernel the median of time over prediction among ``layers``.

    A layer's kind is the name of its sample, or its kernel if that has no sample of its own.
    Results of the network do not count: much of the time goes to memory that is new.
    """
    found = defaultdict(list)
    for own in layers:
        kernel, layout = own.layer.kernel, own.layer.layout
        counts = kernel != "loops" and not (kernel == "relayout" and not layout)
        if counts and own.predicted and own.nanoseconds >= SHORTEST:
            sample = own.layer.place.split(".")[0].replace("_", " ")
            kind = sample if kernel == "conv" else kernel
            found[kind].append(own.nanoseconds / own.predicted)
    least, most = FACTORS
    return {kind: min(max(median(own), least), most) for kind, own in found.items()}


def _sampled() -> tuple[LayerProfile, ...]:
    """Return the times of layers of each kind, of sizes that networks have."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _Samples().eval()
        images = [torch.rand(1, *shape) for shape in network.shapes]
    dense = (
        name
        for name, samples in network.named_children()
        if "sparse" not in name and any(isinstance(own, nn.Conv2d) for own in samples.modules())
    )
    prune_one_shot(
        network,
        library="scp+corners",
        connectivity_rate=KEPT,
        skip=tuple(f"{name}.*" for name in dense),
        first="prune",
        last="prune",
    )
    model = compile(torch.export.export(network, tuple(images)), threads=1, cpu=MEASURED)
    peak, peaks, runs = Peak(vector_lanes()), [], []
    for run in range(ROUNDS * RUNS):
        time.sleep(PAUSE if run and run % RUNS == 0 else 0.0)
        peaks.append(peak.measure())
        runs.append([took for _, took in model.profile(*(image.numpy() for image in images))])
    # What else runs on a processor only makes it slower.
    least = [min(own) for own in zip(*runs, strict=True)]
    return profile_of(model.layers, [least], [max(peaks)], 1).layers


class _Samples(nn.Module):
    """Layers by their kind, each on an image of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Shape] = []
        for kind, samples in _samples().items():
            self.add_module(kind.replace(" ", "_"), nn.ModuleList(own for own, _ in samples))
            self.shapes += [shape for _, shape in samples]

    def forward(self, *images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        layers = (layer for chain in self.children() for layer in chain.children())
        return tuple(layer(image) for layer, image in zip(layers, images, strict=True))


def _samples() -> Mapping[str, list[tuple[nn.Module, Shape]]]:
    """Return for each kind layers and the shapes of their images."""
    sizes = [(64, 56), (128, 28), (256, 14)]
    samples: dict[str, list[tuple[nn.Module, Shape]]] = {}
    for prefix, stride in (("", 1), ("strided ", 2)):
        for kind, kernel in KERNELS:
            samples[prefix + kind] = [
                (
                    _convolution(channels, kernel, stride, kind == "depthwise"),
                    (channels, size, size),
                )
                for channels, size in sizes
            ]
    for kind in ("1x1", "sparse 1x1"):
        samples[kind] += [(nn.Conv2d(4 * n, n, 1), (4 * n, size, size)) for n, size in sizes]
    # What reads a convolution's result lies in lane blocks as it does.
    samples["1x1"] += [
        (nn.Sequential(nn.Conv2d(n, n, 1), nn.MaxPool2d(3, 2, 1)), (n, size, size))
        for n, size in sizes
    ]
    samples["1x1"].append(
        (nn.Sequential(nn.Conv2d(512, 512, 1), nn.AdaptiveAvgPool2d(1)), (512, 7, 7))
    )
    samples["few channels"] = [
        (nn.Conv2d(3, filters, size, stride, size // 2), (3, 224, 224))
        for filters, size, stride in ((64, 7, 2), (32, 7, 2), (32, 3, 2), (64, 3, 1))
    ]
    samples["linear"] = [(nn.Sequential(nn.Flatten(), nn.Linear(4096, 1000)), (4096, 1, 1))]
    return samples


def _convolution(channels: int, kernel: int, stride: int, depthwise: bool) -> nn.Conv2d:
    groups = channels if depthwise else 1
    return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=groups)
