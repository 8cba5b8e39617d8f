"""Textured shapes under noise: made images, harder than digits, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from pattern_mlir.pruning.data.samples import DataError, Samples

Plane = npt.NDArray[np.float64]

SIZE = 32

OUTLINES: dict[str, Callable[[Plane, Plane], Plane]] = {
    "disc": np.hypot,
    "square": lambda u, v: 1.15 * np.maximum(np.abs(u), np.abs(v)),
    "triangle": lambda u, v: 1.5 * np.maximum(v, np.abs(u) * np.sqrt(3) / 2 - v / 2),
    "cross": lambda u, v: np.maximum(
        np.maximum(np.abs(u), np.abs(v)), 2.5 * np.minimum(np.abs(u), np.abs(v))
    ),
    "ring": lambda u, v: 1 + np.abs(np.hypot(u, v) - 0.8) - 0.25,
}
"""A shape is where its outline, of coordinates in units of its radius, is below 1."""

TEXTURES: dict[str, Callable[[Plane, Plane], Plane]] = {
    "stripes": lambda s, t: np.sign(np.sin(s)),
    "checks": lambda s, t: np.sign(np.sin(s) * np.sin(t)),
}
"""A texture is light or dark, 1 or -1, of coordinates in radians."""

CLASSES = tuple(f"{texture} {outline}" for outline in OUTLINES for texture in TEXTURES)


def shapes(count: int, seed: int = 0, noise: float = 0.15) -> Samples:
    """Return ``count`` images [N, 3, 32, 32] of a textured shape before a textured background.

    A class is an outline and a texture. Place, size, angle, colours, contrast, the texture's
    period, the background's texture and the noise are drawn for each image from ``seed`` and its
    index, so the first images of a longer set are those of a shorter one.

    Args:
        count: how many images; classes take turns.
        seed: of the set; another seed makes other images, for instance to test on.
        noise: standard deviation of the normal noise on each pixel; without noise pixels are from
            about -1 to 1.

    Raises:
        DataError: ``count`` or ``noise`` is negative, or ``count`` is 0.
    """
    if count < 1 or noise < 0:
        raise DataError(f"cannot make {count} shapes with noise {noise}; ask for at least one")
    labels = torch.arange(count) % len(CLASSES)
    images = np.stack([_image(label, (seed, i), noise) for i, label in enumerate(labels.tolist())])
    return Samples(torch.from_numpy(images), labels, CLASSES)


def _image(label: int, seed: tuple[int, int], noise: float) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    texture, outline = (label % len(TEXTURES), label // len(TEXTURES))
    x, y = np.meshgrid(*[np.arange(SIZE) - (SIZE - 1) / 2] * 2)
    radius = generator.uniform(7, 11)
    room = (SIZE / 2 - radius) * 0.8
    x, y = x - generator.uniform(-room, room), y - generator.uniform(-room, room)
    inside = list(OUTLINES.values())[outline](*_turned(x, y, generator, radius)) < 1
    surface = list(TEXTURES.values())[texture](*_turned(x, y, generator, _period(generator)))
    # Behind it, another texture of less contrast: texture alone does not show where the shape is.
    behind = list(TEXTURES.values())[generator.integers(len(TEXTURES))]
    background = behind(*_turned(x, y, generator, _period(generator)))
    colour, shade = generator.uniform(-0.5, 0.5, (2, 3, 1, 1))
    contrast, faint = generator.uniform(0.3, 0.7), generator.uniform(0.0, 0.3)
    clean = np.where(inside, colour + contrast * surface, shade + faint * background)
    noisy: Plane = clean + noise * generator.standard_normal(clean.shape)
    return noisy.astype(np.float32)


def _period(generator: np.random.Generator) -> float:
    """Return how many pixels a radian of a texture is."""
    return float(generator.uniform(5, 8) / (2 * np.pi))


def _turned(
    x: Plane, y: Plane, generator: np.random.Generator, scale: float
) -> tuple[Plane, Plane]:
    """Return coordinates turned by a drawn angle, in units of ``scale`` pixels."""
    angle = generator.uniform(0, 2 * np.pi)
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    return cosine * x + sine * y, cosine * y - sine * x
