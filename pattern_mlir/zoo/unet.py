"""A U-Net (arXiv 1505.04597) with batch norm and nearest-neighbour upsampling."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

WIDTHS = (16, 32, 64, 128)


def _double_convolution(channels: int, filters: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
        nn.Conv2d(filters, filters, 3, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """Stages down, stages up, and the former's results joined to the latter's by concat."""

    def __init__(self, classes: int) -> None:
        """Build the network; the input's sides must divide by 8."""
        super().__init__()
        pairs = list(zip((3, *WIDTHS), WIDTHS, strict=False))
        self.down = nn.ModuleList(_double_convolution(*pair) for pair in pairs)
        self.up = nn.ModuleList(
            _double_convolution(wide + narrow, narrow)
            for narrow, wide in reversed(list(pairwise(WIDTHS)))
        )
        self.pool = nn.MaxPool2d(2)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(WIDTHS[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores [N, classes, H, W] of images [N, 3, H, W]."""
        skipped: list[Tensor] = []
        for index, stage in enumerate(self.down):
            x = stage(self.pool(x) if index else x)
            skipped.append(x)
        skipped.pop()
        for stage in self.up:
            x = stage(torch.cat([skipped.pop(), self.upsample(x)], dim=1))
        y: Tensor = self.head(x)
        return y
