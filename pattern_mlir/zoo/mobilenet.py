"""MobileNetV2 (arXiv 1801.04381)."""

from __future__ import annotations

from torch import Tensor, nn

STAGES = (
    # expansion, channels, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _convolution(channels: int, filters: int, size: int, stride: int, groups: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, 1x1 projection; a shortcut where shapes are equal."""

    def __init__(self, channels: int, filters: int, stride: int, expansion: int) -> None:
        """Map ``channels`` to ``filters`` channels."""
        super().__init__()
        hidden = channels * expansion
        expand = [_convolution(channels, hidden, 1, 1, 1)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            _convolution(hidden, hidden, 3, stride, hidden),
            nn.Conv2d(hidden, filters, 1, bias=False),
            nn.BatchNorm2d(filters),
        )
        self.has_shortcut = stride == 1 and channels == filters

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, filters, H / stride, W / stride]."""
        y: Tensor = self.layers(x)
        return x + y if self.has_shortcut else y


class MobileNetV2(nn.Module):
    """A 3x3 stem, inverted residuals, a 1x1 convolution, global mean, one linear layer."""

    def __init__(self, classes: int) -> None:
        """Build the network at width 1.0."""
        super().__init__()
        layers = [_convolution(3, 32, 3, 2, 1)]
        channels = 32
        for expansion, filters, blocks, stride in STAGES:
            for position in range(blocks):
                first = stride if position == 0 else 1
                layers.append(InvertedResidual(channels, filters, first, expansion))
                channels = filters
        layers.append(_convolution(channels, 1280, 1, 1, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores [N, classes] of images [N, 3, H, W]."""
        y: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return y
