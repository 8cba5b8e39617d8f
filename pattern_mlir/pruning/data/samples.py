"""Labelled images in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset

from pattern_mlir.errors import PatternError


class DataError(PatternError):
    """A data set is not on the disk, is damaged, or is of another form."""


@dataclass(frozen=True, eq=False)
class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Labelled images in memory; a PyTorch data set.

    Attributes:
        images: [N, C, H, W], f32.
        labels: [N], i64, indices into ``classes``.
        classes: the classes' names.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the image [C, H, W] and the label, a scalar, of a sample."""
        return self.images[index], self.labels[index]

    def subset(self, indices: Sequence[int] | Tensor) -> Samples:
        """Return the samples at ``indices``, in their order."""
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def batches(
        self, size: int, generator: torch.Generator, shift: int = 0, flip: bool = False
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples once, shuffled, in batches of ``size``; the last one may be smaller.

        Args:
            size: samples in a batch.
            generator: draws the order, shifts and flips.
            shift: each image moves by up to so many pixels a side, zeros come in.
            flip: each image is mirrored, left to right, every second time.
        """
        order = torch.randperm(len(self), generator=generator)
        for chosen in torch.split(order, size):
            images = self.images[chosen]
            if flip:
                mirrored = torch.rand(len(images), generator=generator) < 0.5
                images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
            yield _shifted(images, shift, generator) if shift else images, self.labels[chosen]


def _shifted(images: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    count, channels, height, width = images.shape
    padded = F.pad(images, (shift, shift, shift, shift))
    corner = torch.randint(2 * shift + 1, (2, count, 1), generator=generator)
    rows = (corner[0] + torch.arange(height))[:, None, :, None]
    columns = (corner[1] + torch.arange(width))[:, None, None, :]
    sample = torch.arange(count)[:, None, None, None]
    return padded[sample, torch.arange(channels)[:, None, None], rows, columns]
