"""One-shot pruning: what stays, what goes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pattern_mlir import patterns, zoo
from pattern_mlir.errors import PatternError
from pattern_mlir.pruning import (
    extract_model_library,
    prunable_layers,
    prune_connectivity_,
    prune_one_shot,
    prune_patterns_,
    skip_first,
)


def test_every_kernel_keeps_one_pattern_of_the_library_or_nothing() -> None:
    model = zoo.create("vgg16-cifar")
    summary = prune_one_shot(model, patterns=8, taps=4, connectivity_rate=3.6)
    assert len(summary.library.patterns) == 8
    for _, module in prunable_layers(model, skip_first(model)):
        weight = module.weight.detach().numpy()
        assignment = patterns.assign(weight, summary.library)
        kept = int(np.ceil(assignment.size / 3.6))
        assert (assignment != patterns.EMPTY).sum() == kept
        assert np.count_nonzero(weight) == 4 * kept
    assert summary.compression == pytest.approx(8.1, rel=0.01)


def test_what_stays_is_what_it_was() -> None:
    before, after = zoo.create("resnet18", classes=2), zoo.create("resnet18", classes=2)
    prune_one_shot(after)
    for (name, old), new in zip(
        before.state_dict().items(), after.state_dict().values(), strict=True
    ):
        kept = new != 0
        assert torch.equal(old[kept], new[kept]), name


def test_first_1x1_and_depthwise_convolutions_stay_dense() -> None:
    model = zoo.create("mobilenet-v2", classes=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(PatternError, match="no 3x3 convolution"):
        prune_one_shot(model)
    prune_one_shot(model, prune_first=True)
    changed = [n for n, v in model.state_dict().items() if not torch.equal(v, before[n])]
    assert changed == ["features.0.0.weight"]


def test_balanced_connectivity_leaves_every_filter_equally_many_kernels() -> None:
    model = nn.Conv2d(10, 6, 3)
    prune_connectivity_(model, rate=3.6, balanced=True)
    assert model.weight.detach().numpy().any(axis=(2, 3)).sum(axis=1).tolist() == [3] * 6


def test_projection_keeps_the_largest_norm() -> None:
    model = nn.Conv2d(1, 1, 3)
    library = patterns.Library((3, 3), ((0, 1), (7, 8)))
    with torch.no_grad():
        model.weight.copy_(torch.arange(9.0).reshape(1, 1, 3, 3))
    prune_patterns_(model, library)
    assert model.weight.flatten().tolist() == [0] * 7 + [7, 8]


def test_the_library_is_what_most_kernels_like_best() -> None:
    model = nn.Conv2d(4, 4, 3)
    with torch.no_grad():
        model.weight.fill_(0.01)
        model.weight[:3, :, 0] = 1
        model.weight[:3, :, 1, 1] = 1
    assert extract_model_library(model, size=1).patterns == ((0, 1, 2, 4),)


def test_a_weight_that_is_not_finite_is_refused_by_name_and_nothing_changes() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3))
    with torch.no_grad():
        model[1].weight[0, 0, 0, 0] = torch.nan
    before = model[0].weight.clone()
    with pytest.raises(PatternError, match="layer '1' holds NaN"):
        prune_one_shot(model, prune_first=True)
    assert torch.equal(model[0].weight, before)
