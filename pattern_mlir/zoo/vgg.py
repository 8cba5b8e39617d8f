"""VGG-16 (arXiv 1409.1556), for 224² images and in its form for CIFAR's 32²."""

from __future__ import annotations

from torch import Tensor, nn

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class Vgg(nn.Module):
    """3x3 convolutions in stages, each ended by a 2x2 max-pool; then a classifier."""

    def __init__(
        self, classifier: nn.Module, pooled: int, batch_norm: bool, filters: int = 64
    ) -> None:
        """Put ``classifier`` behind the stages, which end in ``pooled`` x ``pooled`` pixels.

        The first stage has ``filters``, the others as many times more as in the paper.
        """
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage in STAGES:
            for width in (count * filters // 64 for count in stage):
                layers.append(nn.Conv2d(channels, width, 3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU(inplace=True))
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(pooled)
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores [N, classes] of images [N, 3, H, W]."""
        y: Tensor = self.classifier(self.pool(self.features(x)).flatten(1))
        return y


def vgg16(classes: int) -> nn.Module:
    """VGG-16 with its three linear layers."""
    classifier = nn.Sequential(
        nn.Linear(512 * 7 * 7, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, classes),
    )
    return Vgg(classifier, pooled=7, batch_norm=False)


def vgg16_cifar(classes: int, filters: int = 64) -> nn.Module:
    """VGG-16 for 32² images: batch norm, one linear layer; ``filters`` in its first stage."""
    return Vgg(nn.Linear(8 * filters, classes), pooled=1, batch_norm=True, filters=filters)
