"""A zoo of plain networks, for tests, benchmarks and the demo; weights are seeded, not trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from pattern_mlir.errors import PatternError, did_you_mean
from pattern_mlir.zoo.mobilenet import MobileNetV2
from pattern_mlir.zoo.resnet import resnet18, resnet50
from pattern_mlir.zoo.segmentation import DilatedSegmentation
from pattern_mlir.zoo.unet import UNet
from pattern_mlir.zoo.vgg import vgg16, vgg16_cifar


@dataclass(frozen=True)
class Entry:
    """How to build a network, how many classes it has, and its usual input size in pixels."""

    build: Callable[[int], nn.Module]
    classes: int
    size: int


ENTRIES = {
    "vgg16": Entry(vgg16, 1000, 224),
    "vgg16-cifar": Entry(vgg16_cifar, 10, 32),
    "resnet18": Entry(resnet18, 1000, 224),
    "resnet50": Entry(resnet50, 1000, 224),
    "mobilenet-v2": Entry(MobileNetV2, 1000, 224),
    "unet": Entry(UNet, 2, 128),
    "dilated-segmentation": Entry(DilatedSegmentation, 21, 128),
}
NAMES = tuple(ENTRIES)


def entry(name: str) -> Entry:
    """Return the zoo's entry ``name``; raise PatternError if there is none."""
    if name not in ENTRIES:
        raise PatternError(
            f"the zoo has no network '{name}'{did_you_mean(name, NAMES)} (has: {', '.join(NAMES)})"
        )
    return ENTRIES[name]


def create(name: str, seed: int = 0, classes: int | None = None) -> nn.Module:
    """Return the network ``name`` in eval mode, its weights drawn from ``seed``.

    Weights follow He's initialisation (arXiv 1502.01852); batch norms have statistics and scales
    of their own, so that folding them changes every weight.
    """
    found = entry(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = found.build(classes or found.classes)
        for module in model.modules():
            _initialise(module)
    return model.eval()


def input_shape(name: str, batch: int = 1, size: int | None = None) -> tuple[int, int, int, int]:
    """Return the shape [batch, 3, H, W] of an input to the network ``name``."""
    pixels = size or entry(name).size
    return batch, 3, pixels, pixels


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.normal_(module.bias, std=0.05)
    elif isinstance(module, nn.BatchNorm2d):
        for statistic in (module.running_mean, module.bias):
            assert statistic is not None
            nn.init.normal_(statistic, std=0.1)
        assert module.running_var is not None
        nn.init.uniform_(module.running_var, 0.5, 1.5)
        nn.init.uniform_(module.weight, 0.5, 1.0)
