"""Pictures in a folder for each class, as ImageNet's training and validation sets are unpacked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pattern_mlir.picture_files import is_picture, open_picture
from pattern_mlir.pruning.data.samples import DataError

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels from 0 to 1, channel by channel."""


class ImageFolder(Dataset[tuple[Tensor, int]]):
    """The pictures of `folder/class/picture.jpeg`, read when they are asked for.

    A picture's shorter side is scaled to 256 / 224 of the size and its middle cut out; pixels have
    mean 0 and deviation 1 in each channel over ImageNet.

    Attributes:
        classes: the names of the folders, sorted; labels are indices into it.
        files: the pictures with their labels.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        size: int = 224,
        classes: Sequence[str] | None = None,
    ) -> None:
        """Find the pictures.

        Args:
            folder: one set, such as `imagenet/train`.
            size: height and width of the images, in pixels.
            classes: the classes of another set, to which this one's labels shall refer.

        Raises:
            DataError: there are no class folders, one is empty, or one is not in ``classes``.
        """
        root = Path(folder)
        if not root.is_dir():
            raise DataError(f"'{root}' is no folder; name one that holds a folder for each class")
        found = sorted(path for path in root.iterdir() if path.is_dir())
        if not found:
            raise DataError(
                f"'{root}' holds no folders; put each class's pictures into a folder of its own"
            )
        self.classes = tuple(classes or (path.name for path in found))
        self._size = size
        self.files: list[tuple[Path, int]] = []
        labels = {name: label for label, name in enumerate(self.classes)}
        for path in found:
            if path.name not in labels:
                raise DataError(f"'{path}' is no class of the other set ({len(labels)} classes)")
            pictures = sorted(file for file in path.iterdir() if is_picture(file))
            if not pictures:
                raise DataError(f"'{path}' holds no picture; remove it, or unpack its class anew")
            self.files += [(file, labels[path.name]) for file in pictures]

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return a picture [3, size, size], f32, and its label.

        Raises:
            PatternError: the file is damaged, or Pillow is not installed.
        """
        path, label = self.files[index]
        picture = open_picture(path, "RGB")
        scale = self._size * 256 / 224 / min(picture.size)
        width, height = (max(self._size, round(side * scale)) for side in picture.size)
        left, top = (width - self._size) // 2, (height - self._size) // 2
        picture = picture.resize((width, height), resample=2)  # bilinear
        pixels = np.asarray(picture, np.float32)[top : top + self._size, left : left + self._size]
        pixels = (pixels / 255 - np.array(MEAN)) / np.array(DEVIATION)
        return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32)), label
