"""The networks of the benchmark: weights, input, reference, and files for every engine."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from pattern_mlir import pattern_selection, zoo
from pattern_mlir.pruning import prune_one_shot

RATE = 3.6
"""One in so many kernels of a pruned layer stays."""

BLOCK = 4
"""Filters of a 1x1 convolution that keep the same channels."""


@dataclass(frozen=True)
class Network:
    """A network of the benchmark.

    Attributes:
        title: as tables show it.
        zoo_name: its name in the zoo.
        size: height and width of the input.
        convolutions_only: leave the classifier out.
        prunes_3x3: whether it has 3x3 convolutions to prune; they keep 4 of 9 taps.
        prunes_1x1: whether its 1x1 convolutions are pruned, too.
    """

    title: str
    zoo_name: str
    size: int = 224
    convolutions_only: bool = False
    prunes_3x3: bool = True
    prunes_1x1: bool = False


NETWORKS = {
    "vgg16-convolutions": Network("VGG-16, 13 convolutions", "vgg16", convolutions_only=True),
    "vgg16": Network("VGG-16", "vgg16"),
    "resnet18": Network("ResNet-18", "resnet18"),
    "resnet50": Network("ResNet-50", "resnet50", prunes_1x1=True),
    "mobilenet-v2": Network("MobileNetV2", "mobilenet-v2", prunes_3x3=False, prunes_1x1=True),
    "vgg16-cifar": Network("VGG-16 (CIFAR)", "vgg16-cifar", size=32),
}


@dataclass(frozen=True)
class Case:
    """A network with its weights pruned or all dense."""

    network: str
    pruned: bool

    @property
    def name(self) -> str:
        """The case's name in files and on the command line."""
        return self.network if self.pruned else f"{self.network}-dense"

    @property
    def title(self) -> str:
        """The case's name in tables."""
        return NETWORKS[self.network].title + (", pruned" if self.pruned else ", dense")


LIBRARY = "scp+corners"
"""The eight patterns of pruned networks: those of training keep the middle tap and its neighbours.

Largest weights of a network that was not trained give any others (arXiv 1909.05073, section 4).
"""

CASES = {
    case.name: case
    for case in (
        *(Case(name, pruned=True) for name in NETWORKS),
        *(Case(name, pruned=False) for name in ("resnet18", "resnet50", "mobilenet-v2")),
    )
}


def build(case: Case, rate: float = RATE) -> nn.Module:
    """Return the case's network in eval mode, seeded, with one in ``rate`` kernels left."""
    network = NETWORKS[case.network]
    model = zoo.create(network.zoo_name, seed=0)
    if network.convolutions_only:
        model = model.get_submodule("features")
    if case.pruned and network.prunes_3x3:
        prune_one_shot(model, library=LIBRARY, connectivity_rate=rate, pointwise="dense")
    if case.pruned and network.prunes_1x1:
        _prune_1x1(model, rate)
    _calibrate(model, network.size)
    return model


def _prune_1x1(model: nn.Module, rate: float) -> None:
    """Prune 1x1 convolutions in blocks of filters, in place."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1:
            weight = module.weight.detach().numpy()
            kept = pattern_selection.connectivity_mask(weight, rate, block=BLOCK)
            module.weight.data *= torch.from_numpy(kept)[..., None, None]


def _calibrate(model: nn.Module, size: int) -> None:
    """Give batch norms the statistics of their inputs, as training would; sums stay bounded."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        norm.reset_running_stats()
        norm.train()
    if norms:
        with torch.no_grad():
            model(torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(1)))
    model.eval()


def image(size: int) -> torch.Tensor:
    """Return the seeded input, [1, 3, size, size]."""
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(2))


@dataclass(frozen=True)
class Exported:
    """A network on disk.

    Attributes:
        folder: with `model.pt2`, `model.onnx`, `model.torchscript` and `input.npy`.
        reference: its output in f64.
    """

    folder: Path
    reference: npt.NDArray[np.float64]


def export(model: nn.Module, array: torch.Tensor, name: str, folder: Path) -> Exported:
    """Write ``model`` in every format to a folder in ``folder``, named by its contents.

    A folder that is there already is used again, and so is what workers converted in it.
    """
    digest = hashlib.sha256(array.numpy().tobytes())
    for key, value in model.state_dict().items():
        digest.update(key.encode() + value.numpy().tobytes())
    own = folder / f"{name}-{digest.hexdigest()[:12]}"
    reference = own / "reference.npy"
    if not reference.exists():
        own.mkdir(parents=True, exist_ok=True)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _write_formats(model, array, own)
            np.save(own / "input.npy", array.numpy())
            output = model.double()(array.double()).numpy()
            model.float()
        np.save(reference, output)
    return Exported(own, np.load(reference))


def _write_formats(model: nn.Module, array: torch.Tensor, folder: Path) -> None:
    torch.export.save(torch.export.export(model, (array,)), folder / "model.pt2")
    traced: Any = torch.jit.trace(model, (array,))  # type: ignore[no-untyped-call]
    traced.save(str(folder / "model.torchscript"))
    torch.onnx.export(
        model,
        (array,),
        str(folder / "model.onnx"),
        dynamo=False,
        opset_version=13,
        input_names=["input"],
        output_names=["output"],
    )
