"""Small networks of the families that users bring, each with its family's own blocks.

Written from the papers, with fewer channels and blocks; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Callable[[], nn.Module]


def convolution(
    channels: int,
    filters: int,
    size: int | tuple[int, int],
    stride: int = 1,
    *,
    groups: int = 1,
    dilation: int = 1,
    activation: Activation | None = nn.ReLU,
) -> nn.Sequential:
    """Return convolution, batch norm and activation; planes keep their size at stride 1."""
    sizes = (size, size) if isinstance(size, int) else size
    padding = [(own - 1) // 2 * dilation for own in sizes]
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels,
            filters,
            sizes,
            stride,
            (padding[0], padding[1]),
            dilation,
            groups,
            bias=False,
        ),
        nn.BatchNorm2d(filters),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Residual(nn.Module):
    """activation(branch(x) + shortcut(x))."""

    def __init__(
        self, branch: nn.Module, shortcut: nn.Module, activation: Activation | None = nn.ReLU
    ) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut
        self.activation = activation() if activation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.branch(x) + self.shortcut(x))
        return y


class Joined(nn.Module):
    """The channels of all branches, one after the other."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def _shortcut(channels: int, filters: int, stride: int) -> nn.Module:
    if stride == 1 and channels == filters:
        return nn.Identity()
    return convolution(channels, filters, 1, stride, activation=None)


def _head(channels: int, classes: int = 10) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def vgg(width: int) -> nn.Module:
    """VGG (arXiv 1409.1556) with batch norm: 3x3 convolutions, 2x2 pools, two linear layers."""
    layers: list[nn.Module] = []
    channels = 3
    for filters in (width, 2 * width, 4 * width):
        layers += [convolution(channels, filters, 3), convolution(filters, filters, 3)]
        layers.append(nn.MaxPool2d(2))
        channels = filters
    classifier = [nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(9 * channels, 4 * width)]
    return nn.Sequential(*layers, *classifier, nn.ReLU(), nn.Dropout(), nn.Linear(4 * width, 10))


def _basic(channels: int, filters: int, stride: int = 1) -> nn.Module:
    branch = nn.Sequential(
        convolution(channels, filters, 3, stride),
        convolution(filters, filters, 3, activation=None),
    )
    return Residual(branch, _shortcut(channels, filters, stride))


def _bottleneck(
    channels: int, inner: int, filters: int, stride: int = 1, groups: int = 1
) -> nn.Module:
    branch = nn.Sequential(
        convolution(channels, inner, 1),
        convolution(inner, inner, 3, stride, groups=groups),
        convolution(inner, filters, 1, activation=None),
    )
    return Residual(branch, _shortcut(channels, filters, stride))


def _residual_stem(width: int) -> list[nn.Module]:
    return [convolution(3, width, 7, 2), nn.MaxPool2d(3, 2, 1)]


def resnet(width: int) -> nn.Module:
    """ResNet (arXiv 1512.03385) of basic blocks."""
    blocks = [_basic(width, width), _basic(width, 2 * width, 2)]
    return nn.Sequential(*_residual_stem(width), *blocks, *_head(2 * width))


def resnet_bottleneck(width: int) -> nn.Module:
    """ResNet (arXiv 1512.03385) of bottlenecks, the stride in the 3x3 convolution."""
    blocks = [_bottleneck(width, width, 4 * width), _bottleneck(4 * width, width, 4 * width, 2)]
    return nn.Sequential(*_residual_stem(width), *blocks, *_head(4 * width))


def resnext(width: int) -> nn.Module:
    """ResNeXt (arXiv 1611.05431): bottlenecks whose 3x3 convolution has groups."""
    blocks = [
        _bottleneck(width, 2 * width, 4 * width, groups=8),
        _bottleneck(4 * width, 2 * width, 4 * width, 2, groups=8),
    ]
    return nn.Sequential(*_residual_stem(width), *blocks, *_head(4 * width))


def wide_resnet(width: int) -> nn.Module:
    """Wide ResNet (arXiv 1605.07146): norm and activation before each convolution."""

    def block(channels: int, filters: int, stride: int) -> nn.Module:
        layers = [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, filters, 3, stride, 1)]
        layers += [nn.BatchNorm2d(filters), nn.ReLU(), nn.Conv2d(filters, filters, 3, 1, 1)]
        shortcut = nn.Conv2d(channels, filters, 1, stride) if stride > 1 else nn.Identity()
        return Residual(nn.Sequential(*layers), shortcut, None)

    blocks = [block(2 * width, 2 * width, 1), block(2 * width, 4 * width, 2)]
    last = [nn.BatchNorm2d(4 * width), nn.ReLU()]
    return nn.Sequential(nn.Conv2d(3, 2 * width, 3, 1, 1), *blocks, *last, *_head(4 * width))


def densenet(width: int) -> nn.Module:
    """DenseNet (arXiv 1608.06993): each layer sees what all before it made; average pools."""

    def layer(channels: int, growth: int) -> nn.Module:
        return nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False),
        )

    def block(channels: int, count: int, growth: int) -> list[nn.Module]:
        return [Joined(nn.Identity(), layer(channels + i * growth, growth)) for i in range(count)]

    growth, channels = width // 2, width
    layers = _residual_stem(width)
    for _ in range(2):
        layers += block(channels, 3, growth)
        channels += 3 * growth
        layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels // 2, 1)]
        layers.append(nn.AvgPool2d(2, 2))
        channels //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *_head(channels))


def googlenet(width: int) -> nn.Module:
    """GoogLeNet (arXiv 1409.4842): branches of 1x1, 3x3, 5x5 and a pool, pools that round up."""

    def inception(channels: int) -> nn.Module:
        return Joined(
            convolution(channels, width, 1),
            nn.Sequential(convolution(channels, width, 1), convolution(width, 2 * width, 3)),
            nn.Sequential(convolution(channels, width // 2, 1), convolution(width // 2, width, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), convolution(channels, width, 1)),
        )

    stem = [convolution(3, width, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True)]
    body = [inception(width), nn.MaxPool2d(3, 2, ceil_mode=True), inception(5 * width)]
    return nn.Sequential(*stem, *body, *_head(5 * width))


def inception(width: int) -> nn.Module:
    """Inception v3 (arXiv 1512.00567): 1x7 and 7x1 convolutions, branches that split, averages."""
    mixed = Joined(
        convolution(width, width, 1),
        nn.Sequential(
            convolution(width, width, 1),
            convolution(width, width, (1, 7)),
            convolution(width, width, (7, 1)),
        ),
        nn.Sequential(
            convolution(width, width, 1),
            Joined(convolution(width, width, (1, 3)), convolution(width, width, (3, 1))),
        ),
        nn.Sequential(nn.AvgPool2d(3, 1, 1), convolution(width, width, 1)),
    )
    stem = [convolution(3, width, 3, 2), nn.MaxPool2d(3, 2)]
    reduced = Joined(convolution(5 * width, width, 3, 2), nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*stem, mixed, reduced, *_head(6 * width))


def squeezenet(width: int) -> nn.Module:
    """SqueezeNet 1.1 (arXiv 1602.07360): fire modules, and classes from a 1x1 convolution."""

    def fire(channels: int) -> nn.Module:
        squeeze = width // 2
        return nn.Sequential(
            nn.Conv2d(channels, squeeze, 1),
            nn.ReLU(),
            Joined(
                nn.Sequential(nn.Conv2d(squeeze, width, 1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(squeeze, width, 3, padding=1), nn.ReLU()),
            ),
        )

    stem = [nn.Conv2d(3, width, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)]
    body = [fire(width), fire(2 * width), nn.MaxPool2d(3, 2, ceil_mode=True), fire(2 * width)]
    classes = [nn.Dropout(), nn.Conv2d(2 * width, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
    return nn.Sequential(*stem, *body, *classes, nn.Flatten())


class ShuffleUnit(nn.Module):
    """A unit of ShuffleNet v2 (arXiv 1807.11164): half of the channels pass by; then a shuffle."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        half = filters // 2
        self.stride = stride
        source = channels if stride > 1 else half
        self.branch = nn.Sequential(
            convolution(source, half, 1),
            convolution(half, half, 3, stride, groups=half, activation=None),
            convolution(half, half, 1),
        )
        self.passed = nn.Sequential(
            convolution(channels, channels, 3, stride, groups=channels, activation=None),
            convolution(channels, half, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            y = torch.cat((self.passed(x), self.branch(x)), 1)
        else:
            kept, changed = x.chunk(2, 1)
            y = torch.cat((kept, self.branch(changed)), 1)
        images, channels, height, width = y.shape
        pairs = y.view(images, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        return pairs.view(images, channels, height, width)


def shufflenet(width: int) -> nn.Module:
    """ShuffleNet v2 (arXiv 1807.11164)."""
    stem = [convolution(3, width, 3, 2), nn.MaxPool2d(3, 2, 1)]
    units = [ShuffleUnit(width, 4 * width, 2), ShuffleUnit(4 * width, 4 * width, 1)]
    return nn.Sequential(*stem, *units, convolution(4 * width, 8 * width, 1), *_head(8 * width))


class SqueezeExcitation(nn.Module):
    """Each channel times a gate that comes from the means of all (arXiv 1709.01507)."""

    def __init__(self, channels: int, inner: int, activation: Activation, gate: Activation) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            activation(),
            nn.Conv2d(inner, channels, 1),
            gate(),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.gate(x) * x
        return y


def _inverted(
    channels: int,
    inner: int,
    filters: int,
    size: int,
    stride: int,
    activation: Activation,
    excitation: nn.Module | None = None,
) -> nn.Module:
    """Return a 1x1 expansion, a depthwise convolution, a gate, a 1x1 projection, a shortcut."""
    branch = nn.Sequential(
        convolution(channels, inner, 1, activation=activation),
        convolution(inner, inner, size, stride, groups=inner, activation=activation),
        excitation or nn.Identity(),
        convolution(inner, filters, 1, activation=None),
    )
    return Residual(branch, nn.Identity(), None) if stride == 1 and channels == filters else branch


def mobilenet_v2(width: int) -> nn.Module:
    """MobileNetV2 (arXiv 1801.04381): inverted residuals with ReLU6."""
    block = partial(_inverted, size=3, activation=nn.ReLU6)
    return nn.Sequential(
        convolution(3, width, 3, 2, activation=nn.ReLU6),
        block(width, 6 * width, width, stride=1),
        block(width, 6 * width, 2 * width, stride=2),
        block(2 * width, 12 * width, 2 * width, stride=1),
        convolution(2 * width, 8 * width, 1, activation=nn.ReLU6),
        *_head(8 * width),
    )


def mobilenet_v3(width: int) -> nn.Module:
    """MobileNetV3 (arXiv 1905.02244): squeeze-and-excite, 5x5 depthwise, hard swish."""
    swish = nn.Hardswish

    def gated(channels: int) -> nn.Module:
        return SqueezeExcitation(channels, channels // 4, nn.ReLU, nn.Hardsigmoid)

    last = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 8 * width), nn.Hardswish()]
    return nn.Sequential(
        convolution(3, width, 3, 2, activation=swish),
        _inverted(width, 4 * width, width, 3, 1, nn.ReLU, gated(4 * width)),
        _inverted(width, 4 * width, 2 * width, 5, 2, swish, gated(4 * width)),
        _inverted(2 * width, 6 * width, 2 * width, 5, 1, swish, gated(6 * width)),
        convolution(2 * width, 8 * width, 1, activation=swish),
        *last,
        nn.Dropout(0.2),
        nn.Linear(8 * width, 10),
    )


def efficientnet(width: int) -> nn.Module:
    """EfficientNet (arXiv 1905.11946): inverted residuals with squeeze-and-excite and SiLU."""

    def gated(channels: int, inner: int) -> nn.Module:
        return SqueezeExcitation(channels, inner, nn.SiLU, nn.Sigmoid)

    return nn.Sequential(
        convolution(3, width, 3, 2, activation=nn.SiLU),
        _inverted(width, 4 * width, width, 3, 1, nn.SiLU, gated(4 * width, width // 4)),
        _inverted(width, 6 * width, 2 * width, 5, 2, nn.SiLU, gated(6 * width, width // 4)),
        _inverted(2 * width, 6 * width, 2 * width, 3, 1, nn.SiLU, gated(6 * width, width // 2)),
        convolution(2 * width, 8 * width, 1, activation=nn.SiLU),
        *_head(8 * width),
    )


def regnet(width: int) -> nn.Module:
    """RegNetY (arXiv 2003.13678): groups of equal width, and squeeze-and-excite."""

    def block(channels: int, filters: int, stride: int) -> nn.Module:
        branch = nn.Sequential(
            convolution(channels, filters, 1),
            convolution(filters, filters, 3, stride, groups=filters // 8),
            SqueezeExcitation(filters, max(1, channels // 4), nn.ReLU, nn.Sigmoid),
            convolution(filters, filters, 1, activation=None),
        )
        return Residual(branch, _shortcut(channels, filters, stride))

    blocks = [block(width, 2 * width, 2), block(2 * width, 2 * width, 1)]
    return nn.Sequential(convolution(3, width, 3, 2), *blocks, *_head(2 * width))


def mnasnet(width: int) -> nn.Module:
    """MNASNet (arXiv 1807.11626): a separable stem, then inverted residuals of 3x3 and 5x5."""
    return nn.Sequential(
        convolution(3, width, 3, 2),
        convolution(width, width, 3, groups=width),
        convolution(width, width // 2, 1, activation=None),
        _inverted(width // 2, 2 * width, width, 3, 2, nn.ReLU),
        _inverted(width, 3 * width, width, 5, 1, nn.ReLU),
        _inverted(width, 6 * width, 2 * width, 5, 2, nn.ReLU),
        convolution(2 * width, 8 * width, 1),
        *_head(8 * width),
    )


class LayerNorm2d(nn.LayerNorm):
    """A layer norm over channels of [N, C, H, W], through channels last."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    """7x7 depthwise; layer norm, two linear layers and GELU on channels last; a layer scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.mlp = nn.Sequential(
            nn.LayerNorm(channels, eps=1e-6),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
        )
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mlp(self.depthwise(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return x + self.scale * y


def convnext(width: int) -> nn.Module:
    """ConvNeXt (arXiv 2201.03545)."""
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 4),
        LayerNorm2d(width, eps=1e-6),
        ConvNextBlock(width),
        LayerNorm2d(width, eps=1e-6),
        nn.Conv2d(width, 2 * width, 2, 2),
        ConvNextBlock(2 * width),
        nn.AdaptiveAvgPool2d(1),
        LayerNorm2d(2 * width, eps=1e-6),
        nn.Flatten(),
        nn.Linear(2 * width, 10),
    )


def _backbone(width: int) -> nn.Module:
    """Return a dilated ResNet at an eighth of the image's size."""
    last = Residual(
        nn.Sequential(
            convolution(2 * width, 2 * width, 3, dilation=2),
            convolution(2 * width, 2 * width, 3, dilation=2, activation=None),
        ),
        nn.Identity(),
    )
    return nn.Sequential(*_residual_stem(width), _basic(width, 2 * width, 2), last)


class Resized(nn.Module):
    """Scores of ``head`` over features of ``backbone``, resized to the image."""

    def __init__(self, backbone: nn.Module, head: nn.Module, align_corners: bool = False) -> None:
        super().__init__()
        self.backbone, self.head, self.align_corners = backbone, head, align_corners

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        scores = self.head(self.backbone(x))
        options = {"mode": "bilinear", "align_corners": self.align_corners}
        return {"out": F.interpolate(scores, x.shape[-2:], **options)}


def fcn(width: int) -> nn.Module:
    """FCN (arXiv 1411.4038)."""
    head = nn.Sequential(convolution(2 * width, width, 3), nn.Dropout(0.1), nn.Conv2d(width, 6, 1))
    return Resized(_backbone(width), head)


class PooledContext(nn.Module):
    """The mean of the image, through a 1x1 convolution, at every pixel."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), convolution(channels, filters, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(self.layers(x), x.shape[-2:], mode="bilinear", align_corners=False)


def deeplab(width: int) -> nn.Module:
    """DeepLab v3 (arXiv 1706.05587): dilations side by side, and the mean of the image."""
    channels = 2 * width
    rates = [convolution(channels, width, 3, dilation=rate) for rate in (2, 4, 6)]
    head = nn.Sequential(
        Joined(convolution(channels, width, 1), *rates, PooledContext(channels, width)),
        convolution(5 * width, width, 1),
        convolution(width, width, 3),
        nn.Conv2d(width, 6, 1),
    )
    return Resized(_backbone(width), head, align_corners=True)


class LiteHead(nn.Module):
    """LR-ASPP (arXiv 1905.02244): deep features gated by their mean, added to shallow ones."""

    def __init__(self, width: int) -> None:
        super().__init__()
        swish = nn.Hardswish
        self.low = nn.Sequential(
            convolution(3, width, 3, 2, activation=swish),
            _inverted(width, 4 * width, width, 3, 2, nn.ReLU),
        )
        self.high = _inverted(width, 4 * width, 2 * width, 5, 2, swish)
        self.features = convolution(2 * width, 4 * width, 1)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(2 * width, 4 * width, 1, bias=False), nn.Sigmoid()
        )
        self.low_scores, self.high_scores = nn.Conv2d(width, 6, 1), nn.Conv2d(4 * width, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        low = self.low(x)
        high = self.high(low)
        gated = self.features(high) * self.gate(high)
        gated = F.interpolate(gated, low.shape[-2:], mode="bilinear", align_corners=False)
        scores: Tensor = self.low_scores(low) + self.high_scores(gated)
        return F.interpolate(scores, x.shape[-2:], mode="bilinear", align_corners=False)


class UNet(nn.Module):
    """U-Net (arXiv 1505.04597): two levels down, two up, skips between."""

    def __init__(self, width: int, transposed: bool) -> None:
        super().__init__()
        channels = [width, 2 * width, 4 * width]
        sources = [3, *channels]
        self.down = nn.ModuleList(
            nn.Sequential(convolution(a, b, 3), convolution(b, b, 3))
            for a, b in zip(sources, channels, strict=False)
        )

        def up(a: int, b: int) -> nn.Module:
            if transposed:
                return nn.ConvTranspose2d(a, b, 2, 2)
            return nn.Sequential(nn.Upsample(scale_factor=2), convolution(a, b, 3))

        pairs = list(zip(channels[:0:-1], channels[-2::-1], strict=True))
        self.up = nn.ModuleList(up(a, b) for a, b in pairs)
        self.joined = nn.ModuleList(convolution(2 * b, b, 3) for _, b in pairs)
        self.scores = nn.Conv2d(width, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for number, down in enumerate(self.down):
            x = down(F.max_pool2d(x, 2) if number else x)
            skips.append(x)
        for up, joined, skip in zip(self.up, self.joined, skips[-2::-1], strict=True):
            x = joined(torch.cat([up(x), skip], 1))
        scores: Tensor = self.scores(x)
        return scores


FAMILIES: dict[str, Callable[[int], nn.Module]] = {
    "vgg": vgg,
    "resnet": resnet,
    "resnet-bottleneck": resnet_bottleneck,
    "resnext": resnext,
    "wide-resnet": wide_resnet,
    "densenet": densenet,
    "googlenet": googlenet,
    "inception": inception,
    "squeezenet": squeezenet,
    "shufflenet": shufflenet,
    "mobilenet-v2": mobilenet_v2,
    "mobilenet-v3": mobilenet_v3,
    "efficientnet": efficientnet,
    "regnet": regnet,
    "mnasnet": mnasnet,
    "convnext": convnext,
    "fcn": fcn,
    "deeplab": deeplab,
    "lr-aspp": LiteHead,
    "unet": partial(UNet, transposed=False),
    "unet-transposed": partial(UNet, transposed=True),
}
"""Each family's small network by name; the argument is its width in channels."""


def create(name: str, width: int, seed: int = 0) -> nn.Module:
    """Return a family's network with seeded weights and batch norms' statistics, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = FAMILIES[name](width)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.2, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.2)
    return model.eval()
