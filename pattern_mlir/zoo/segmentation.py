"""A segmentation net with dilated convolutions, after DeepLabv3 (arXiv 1706.05587)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 64
RATES = (1, 6, 12)


def _convolution(
    channels: int, filters: int, size: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Module:
    padding = dilation * (size // 2)
    return nn.Sequential(
        nn.Conv2d(channels, filters, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
    )


class DilatedSegmentation(nn.Module):
    """A stem of stride 8, dilated convolutions, parallel rates and image mean, and upsampling."""

    def __init__(self, classes: int) -> None:
        """Build the network."""
        super().__init__()
        self.backbone = nn.Sequential(
            _convolution(3, 16, stride=2),
            _convolution(16, 32, stride=2),
            _convolution(32, WIDTH, stride=2),
            _convolution(WIDTH, WIDTH, dilation=2),
            _convolution(WIDTH, WIDTH, dilation=4),
        )
        self.branches = nn.ModuleList(_convolution(WIDTH, 32, dilation=rate) for rate in RATES)
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(WIDTH, 32, 1), nn.ReLU())
        self.project = _convolution(32 * (len(RATES) + 1), WIDTH, size=1)
        self.head = nn.Conv2d(WIDTH, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores [N, classes, H, W] of images [N, 3, H, W]."""
        y = self.backbone(x)
        image = functional.interpolate(self.image(y), size=y.shape[2:], mode="bilinear")
        y = torch.cat([*(branch(y) for branch in self.branches), image], dim=1)
        scores: Tensor = self.head(self.project(y))
        return functional.interpolate(scores, size=x.shape[2:], mode="bilinear")
