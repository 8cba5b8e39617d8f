"""CIFAR-10 and CIFAR-100 from files on disk, in the binary version of their publisher."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pattern_mlir.pruning.data.samples import DataError, Samples

MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""Of CIFAR-10's training images, channel by channel, pixels from 0 to 1."""

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class _Form:
    """A data set on disk: a record is ``labels`` bytes, of which the last counts, and pixels."""

    title: str
    folder: str
    training: tuple[str, ...]
    test: tuple[str, ...]
    names: str
    labels: int
    classes: int


_CIFAR10 = _Form(
    "CIFAR-10",
    "cifar-10-batches-bin",
    tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    ("test_batch.bin",),
    "batches.meta.txt",
    labels=1,
    classes=10,
)
_CIFAR100 = _Form(
    "CIFAR-100",
    "cifar-100-binary",
    ("train.bin",),
    ("test.bin",),
    "fine_label_names.txt",
    labels=2,
    classes=100,
)


def cifar10(folder: str | os.PathLike[str], training: bool = True) -> Samples:
    """Return CIFAR-10's 50000 training images, or its 10000 test images, [N, 3, 32, 32].

    Args:
        folder: holds `data_batch_1.bin` and so on, or the folder `cifar-10-batches-bin`.
        training: which images.

    Returns:
        Pixels with mean 0 and deviation 1 in each channel over CIFAR-10's training images.

    Raises:
        DataError: a file is missing or damaged, or the folder holds the Python version, pickles.
    """
    return _read(Path(folder), _CIFAR10, training)


def cifar100(folder: str | os.PathLike[str], training: bool = True) -> Samples:
    """Return CIFAR-100 with its 100 fine classes; as `cifar10`.

    Args:
        folder: holds `train.bin` and `test.bin`, or the folder `cifar-100-binary`.
        training: which images.
    """
    return _read(Path(folder), _CIFAR100, training)


def _read(folder: Path, form: _Form, training: bool) -> Samples:
    if (folder / form.folder).is_dir():
        folder = folder / form.folder
    files = form.training if training else form.test
    _check_present(folder, form, files)
    records = np.concatenate([_records(folder / file, form) for file in files])
    pixels = records[:, form.labels :].reshape(-1, 3, 32, 32).astype(np.float32) / 255
    shape = (1, 3, 1, 1)
    pixels -= np.array(MEAN, np.float32).reshape(shape)
    pixels /= np.array(DEVIATION, np.float32).reshape(shape)
    labels = torch.from_numpy(records[:, form.labels - 1].astype(np.int64))
    return Samples(torch.from_numpy(pixels), labels, _class_names(folder / form.names, form))


def _check_present(folder: Path, form: _Form, files: Sequence[str]) -> None:
    missing = [file for file in files if not (folder / file).is_file()]
    if not missing:
        return
    stems = [Path(file).stem for file in files]
    pickles = [p for stem in stems for place in (stem, f"*/{stem}") for p in folder.glob(place)]
    if any(path.is_file() for path in pickles):
        raise DataError(
            f"'{folder}' holds the Python version of {form.title}, which is pickles that can run"
            " any code and are not read; unpack the binary version in its place"
        )
    raise DataError(
        f"'{folder}' holds no '{missing[0]}'; unpack the binary version of {form.title} and name"
        f" its folder, '{form.folder}'"
    )


def _records(path: Path, form: _Form) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    size = form.labels + PIXELS
    data = np.fromfile(path, np.uint8)
    if not len(data) or len(data) % size:
        raise DataError(
            f"'{path}' has {len(data)} bytes, not a multiple of a record's {size};"
            f" unpack {form.title} anew"
        )
    records = data.reshape(-1, size)
    largest = int(records[:, form.labels - 1].max())
    if largest >= form.classes:
        raise DataError(
            f"'{path}' holds label {largest}, {form.title} has {form.classes} classes;"
            " unpack it anew"
        )
    return records


def _class_names(path: Path, form: _Form) -> tuple[str, ...]:
    if not path.is_file():
        return tuple(str(index) for index in range(form.classes))
    names = tuple(path.read_text().split())
    if len(names) != form.classes:
        raise DataError(
            f"'{path}' names {len(names)} classes, {form.title} has {form.classes}; unpack it anew"
        )
    return names
