"""Random valid networks of PyTorch: every operation of CNNs, odd sizes, joins, pruned or not.

A network is drawn from a `random.Random`: a seeded one for a run that can be repeated, or that of
hypothesis, which shrinks what fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from random_networks import random_weight
from torch import Tensor, nn
from torch_models import with_statistics

ACTIVATIONS: tuple[Callable[[], nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.Sigmoid,
    nn.Hardsigmoid,
    nn.SiLU,
    nn.Hardswish,
    nn.GELU,
    lambda: nn.GELU("tanh"),
    nn.Tanh,
    nn.PReLU,
    nn.Softplus,
    lambda: nn.Hardtanh(-0.5, 0.7),
)
MOST_ELEMENTS = 20_000
"""Of a value, so that networks stay small."""


class Step(nn.Module):
    """Calls ``function`` with a module, if there is one, and with values."""

    def __init__(self, text: str, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.text, self.function = text, function
        self.inner = nn.ModuleList(modules)

    def forward(self, *values: Tensor) -> Tensor:
        return self.function(*self.inner, *values)


class RandomModel(nn.Module):
    """Steps, each with the numbers of the values that it reads; value 0 is the input."""

    def __init__(
        self, steps: Sequence[tuple[Step, tuple[int, ...]]], outputs: Sequence[int]
    ) -> None:
        super().__init__()
        self.steps = nn.ModuleList(step for step, _ in steps)
        self.reads = [reads for _, reads in steps]
        self.outputs = tuple(outputs)

    def forward(self, x: Tensor) -> Any:
        values = [x]
        for step, reads in zip(self.steps, self.reads, strict=True):
            values.append(step(*(values[i] for i in reads)))
        results = tuple(values[i] for i in self.outputs)
        return results if len(results) > 1 else results[0]

    def text(self) -> str:
        """Return the network, a line a step."""
        lines = [
            f"%{i} = {step.text} {', '.join(f'%{read}' for read in reads)}"
            for i, (step, reads) in enumerate(zip(self.steps, self.reads, strict=True), start=1)
        ]
        return "\n".join([*lines, f"return {', '.join(f'%{i}' for i in self.outputs)}"])


@dataclass
class _Builder:
    random: Random
    shapes: list[tuple[int, ...]]
    steps: list[tuple[Step, tuple[int, ...]]] = field(default_factory=list)

    def step(self) -> None:
        """Append one operation, mostly on the last value; one that does not fit is left out."""
        planes = [i for i, shape in enumerate(self.shapes) if len(shape) == 4]
        source = planes[-1] if self.random.random() < 0.75 else self.random.choice(planes)
        kind = self.random.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
        made = kind(self, self.shapes[source])
        if made is None:
            return
        step, others = made if isinstance(made, tuple) else (made, ())
        reads = (source, *others)
        with torch.no_grad():
            try:
                shape = tuple(step.eval()(*(torch.zeros(self.shapes[i]) for i in reads)).shape)
            except (RuntimeError, ValueError):
                return  # a window that does not fit, a norm of one number
        if 0 in shape or int(np.prod(shape)) > MOST_ELEMENTS:
            return
        self.steps.append((step, reads))
        self.shapes.append(shape)

    def pick(self, *choices: Any) -> Any:
        """Return one of ``choices``."""
        return self.random.choice(choices)

    def size(self) -> tuple[int, int]:
        """Return a kernel's size: square mostly."""
        side = self.pick(1, 2, 3, 3, 5)
        return self.pick((side, side), (side, side), (1, side), (side, 1), (2, 3))

    def pair(self, *choices: int) -> tuple[int, int]:
        """Return one of ``choices`` for each axis, equal mostly."""
        first = self.pick(*choices)
        return first, self.pick(first, first, *choices)

    def same(self, shape: tuple[int, ...]) -> int:
        """Return the number of a value of ``shape``."""
        return self.random.choice([i for i, own in enumerate(self.shapes) if own == shape])

    def prune(self, layer: nn.Module) -> None:
        """Give ``layer`` weights that are pruned in some way, or not at all."""
        rng = np.random.default_rng(self.random.randrange(2**32))
        weight = layer.weight
        fan = float(np.sqrt(weight[0].numel()))
        array = random_weight(rng, tuple(weight.shape)) / fan
        weight.data = torch.from_numpy(array.astype(np.float32))

    def convolution(self, shape: tuple[int, ...]) -> Any:
        channels, size = shape[1], self.size()
        groups = self.pick(1, 1, *(g for g in (2, 3, 4, channels) if channels % g == 0))
        filters = groups * self.random.randint(1, max(1, 12 // groups))
        padding: Any = tuple(self.random.randint(0, side // 2) for side in size)
        stride = self.pair(1, 1, 2, 3)
        if stride == (1, 1) and self.random.random() < 0.2:
            padding = "same"
        options = {
            "stride": stride,
            "padding": padding,
            "dilation": self.pair(1, 1, 1, 2),
            "groups": groups,
            "bias": self.random.random() < 0.5,
        }
        layer = nn.Conv2d(channels, filters, size, **options)
        self.prune(layer)
        norm = [nn.BatchNorm2d(filters)] if self.random.random() < 0.3 else []
        after = [self.pick(*ACTIVATIONS)()] if self.random.random() < 0.4 else []
        inner = nn.Sequential(layer, *norm, *after)
        return Step(str(inner), lambda module, x: module(x), with_statistics(inner))

    def transposed(self, shape: tuple[int, ...]) -> Any:
        groups = self.pick(1, 1, *(g for g in (2, 3) if shape[1] % g == 0))
        stride, dilation = self.pair(1, 2, 2, 3), self.pair(1, 1, 2)
        layer = nn.ConvTranspose2d(
            shape[1],
            groups * self.random.randint(1, 4),
            self.size(),
            stride,
            self.pair(0, 1),
            self.random.randrange(min(max(a, b) for a, b in zip(stride, dilation, strict=True))),
            groups,
            self.random.random() < 0.5,
            dilation,
        )
        return Step(str(layer), lambda module, x: module(x), layer)

    def pool(self, shape: tuple[int, ...]) -> Any:
        size, stride = self.pair(2, 2, 3), self.pair(1, 2, 2)
        padding = tuple(self.random.randint(0, side // 2) for side in size)
        ceil = self.random.random() < 0.3
        if self.random.random() < 0.5:
            layer: nn.Module = nn.MaxPool2d(size, stride, padding, ceil_mode=ceil)
        else:
            layer = nn.AvgPool2d(size, stride, padding, ceil, self.random.random() < 0.5)
        return Step(str(layer), lambda module, x: module(x), layer)

    def adaptive(self, shape: tuple[int, ...]) -> Any:
        layer = nn.AdaptiveAvgPool2d((self.random.randint(1, 6), self.random.randint(1, 6)))
        return Step(str(layer), lambda module, x: module(x), layer)

    def activation(self, shape: tuple[int, ...]) -> Any:
        layer = self.pick(*ACTIVATIONS)()
        return Step(str(layer), lambda module, x: module(x), layer)

    def norm(self, shape: tuple[int, ...]) -> Any:
        channels = shape[1]
        groups = self.random.choice([g for g in range(1, channels + 1) if channels % g == 0])
        layer = self.pick(
            nn.BatchNorm2d(channels), nn.GroupNorm(groups, channels), nn.LayerNorm(shape[-1])
        )
        return Step(str(layer), lambda module, x: module(x), with_statistics(layer))

    def total(self, shape: tuple[int, ...]) -> Any:
        return Step("add", torch.add), (self.same(shape),)

    def product(self, shape: tuple[int, ...]) -> Any:
        return Step("sigmoid product", lambda x, y: x * y.sigmoid()), (self.same(shape),)

    def joined(self, shape: tuple[int, ...]) -> Any:
        fits = [
            i
            for i, own in enumerate(self.shapes)
            if len(own) == 4 and (own[0], own[2:]) == (shape[0], shape[2:])
        ]
        others = tuple(self.random.choice(fits) for _ in range(self.random.randint(1, 3)))
        return Step("cat", lambda *x: torch.cat(x, 1)), others

    def gate(self, shape: tuple[int, ...]) -> Any:
        channels = shape[1]
        inner = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, max(1, channels // 2), 1),
            nn.ReLU(),
            nn.Conv2d(max(1, channels // 2), channels, 1),
            self.pick(nn.Sigmoid, nn.Hardsigmoid)(),
        )
        return Step("squeeze and excite", lambda module, x: module(x) * x, inner)

    def resized(self, shape: tuple[int, ...]) -> Any:
        mode = self.pick("nearest", "bilinear")
        options: dict[str, Any] = {"mode": mode}
        if mode == "bilinear":
            options["align_corners"] = self.random.random() < 0.5
        if self.random.random() < 0.5:
            options["scale_factor"] = self.pick(2, 2.0, 1.5)
        else:
            options["size"] = (self.random.randint(1, 20), self.random.randint(1, 20))
        return Step(f"interpolate {options}", lambda x: F.interpolate(x, **options))

    def moved(self, shape: tuple[int, ...]) -> Any:
        channels, cut = shape[1], self.random.randrange(shape[1])
        groups = self.random.choice([g for g in range(1, channels + 1) if channels % g == 0])
        choices: list[Step] = [
            Step(f"channel shuffle {groups}", lambda x: F.channel_shuffle(x, groups)),
            Step(f"channels from {cut}", lambda x: x[:, cut:]),
            Step("every other channel", lambda x: x[:, ::2]),
            Step("flip", lambda x: x.flip(3)),
            Step("transposed planes", lambda x: x.transpose(2, 3)),
            Step("inner pixels", lambda x: x[:, :, 1:, :-1]),
            Step("pad", lambda x: F.pad(x, (1, 0, 2, 1))),
        ]
        if channels % 4 == 0:
            choices.append(Step("pixel shuffle", lambda x: F.pixel_shuffle(x, 2)))
        return self.pick(*choices)

    def channels_last(self, shape: tuple[int, ...]) -> Any:
        channels, filters = shape[1], self.random.randint(1, 12)
        inner = nn.Sequential(
            *[nn.LayerNorm(channels)] * self.pick(0, 1, 1),
            nn.Linear(channels, filters, bias=self.pick(False, True)),
            self.pick(*ACTIVATIONS[:-1])(),
        )
        order = self.pick((0, 3, 1, 2), (0, 3, 1, 2), (0, 1, 2, 3))
        text = f"{inner} with channels last, then {order}"
        return Step(text, lambda module, x: module(x.permute(0, 2, 3, 1)).permute(order), inner)

    def arithmetic(self, shape: tuple[int, ...]) -> Any:
        return self.pick(
            Step("times 0.5 plus 1", lambda x: x * 0.5 + 1),
            Step("minus mean", lambda x: x - x.mean((2, 3), keepdim=True)),
            Step("softmax", lambda x: x.softmax(-1)),
            Step("over one plus magnitude", lambda x: x / (1 + x.abs())),
            Step("clamp", lambda x: x.clamp(-0.5, 0.5)),
        )


_KINDS: dict[Callable[[_Builder, tuple[int, ...]], Any], float] = {
    _Builder.convolution: 8,
    _Builder.activation: 2,
    _Builder.pool: 2,
    _Builder.total: 2,
    _Builder.moved: 1.5,
    _Builder.joined: 1,
    _Builder.product: 1,
    _Builder.norm: 1,
    _Builder.gate: 1,
    _Builder.resized: 1,
    _Builder.transposed: 1,
    _Builder.channels_last: 1,
    _Builder.arithmetic: 0.7,
    _Builder.adaptive: 0.5,
}
"""Steps and how often they are tried."""


def random_model(random: Random) -> tuple[RandomModel, Tensor]:
    """Return a network in eval mode, and an input for it."""
    shape = tuple(random.randint(low, high) for low, high in ((1, 2), (1, 6), (4, 15), (4, 15)))
    torch.manual_seed(random.randrange(2**32))
    builder = _Builder(random, [shape])
    for _ in range(random.randint(1, 7)):
        builder.step()
    last = len(builder.steps)
    extra = [random.randrange(1, last + 1)] if last and random.random() < 0.3 else []
    model = RandomModel(builder.steps, list(dict.fromkeys([last, *extra])))
    return model.eval(), torch.randn(shape)
