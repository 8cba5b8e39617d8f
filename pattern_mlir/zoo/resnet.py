"""ResNet-18 and ResNet-50 (arXiv 1512.03385; stride on the 3x3 convolution)."""

from __future__ import annotations

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        """Map ``channels`` to ``width`` channels."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, width, H / stride, W / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        out: Tensor = self.relu(self.bn2(self.conv2(y)) + self.shortcut(x))
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        """Map ``channels`` to 4 * ``width`` channels."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = _shortcut(channels, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, 4 * width, H / stride, W / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        out: Tensor = self.relu(self.bn3(self.conv3(y)) + self.shortcut(x))
        return out


class ResNet(nn.Module):
    """A 7x7 stem, four stages of blocks, global mean, one linear layer."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, ...],
        classes: int,
        filters: int = 64,
        small_images: bool = False,
    ) -> None:
        """Stack ``depths`` blocks a stage, the first of them of ``filters`` channels.

        For ``small_images`` the stem is one 3x3 convolution of stride 2 without a pool.
        """
        super().__init__()
        size = 3 if small_images else 7
        self.conv1 = nn.Conv2d(3, filters, size, stride=2, padding=size // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small_images else nn.MaxPool2d(3, stride=2, padding=1)
        channels = filters
        for index, depth in enumerate(depths):
            width = filters << index
            blocks: list[nn.Module] = []
            for position in range(depth):
                blocks.append(block(channels, width, 2 if index and not position else 1))
                channels = width * block.expansion
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
        self.stages = len(depths)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores [N, classes] of images [N, 3, H, W]."""
        y: Tensor = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for index in range(self.stages):
            y = self.get_submodule(f"layer{index + 1}")(y)
        y = self.fc(self.avgpool(y).flatten(1))
        return y


def resnet18(classes: int) -> nn.Module:
    """ResNet-18."""
    return ResNet(BasicBlock, (2, 2, 2, 2), classes)


def resnet18_small(classes: int, filters: int = 16) -> nn.Module:
    """ResNet-18 for 32² images, ``filters`` instead of 64 in its first stage."""
    return ResNet(BasicBlock, (2, 2, 2, 2), classes, filters, small_images=True)


def resnet50(classes: int) -> nn.Module:
    """ResNet-50."""
    return ResNet(Bottleneck, (3, 4, 6, 3), classes)


def _shortcut(channels: int, filters: int, stride: int) -> nn.Module:
    if channels == filters and stride == 1:
        return nn.Identity()
    convolution = nn.Conv2d(channels, filters, 1, stride, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters))
