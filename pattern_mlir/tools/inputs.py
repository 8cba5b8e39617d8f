"""Inputs of a network from files: arrays and pictures; noise where no file is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.errors import did_you_mean
from pattern_mlir.picture_files import open_picture
from pattern_mlir.runtime.plan import InputError, TensorSpec

Array = npt.NDArray[Any]


def input_files(specs: Sequence[TensorSpec], words: Sequence[str]) -> dict[str, Path]:
    """Return a file for each of ``specs`` by its name, from ``words`` such as `x.npy`, `a=x.npy`.

    Raises:
        InputError: a name is unknown or given twice, or there are too many files or too few.
    """
    files: dict[str, Path] = {}
    names = [spec.name for spec in specs]
    for word in words:
        name, equals, file = word.partition("=")
        if not equals or (name not in names and Path(word).exists()):
            free = [known for known in names if known not in files]
            if not free:
                raise InputError(f"the model takes {len(specs)} inputs, '{word}' is one too many")
            name, file = free[0], word
        if name not in names:
            raise InputError(
                f"the model has no input '{name}'{did_you_mean(name, names)}"
                f" (inputs: {', '.join(names)})"
            )
        if name in files:
            raise InputError(f"input '{name}' is given twice; name each input once")
        files[name] = Path(file)
    missing = [name for name in names if name not in files]
    if files and missing:
        raise InputError(f"no file for input '{missing[0]}'; give one for each input, or for none")
    return files


def noise(spec: TensorSpec, generator: np.random.Generator) -> Array:
    """Return an input of normal noise; of zeros, which are valid indices, if it is of integers."""
    if not np.issubdtype(spec.dtype, np.floating):
        return np.zeros(spec.shape, spec.dtype)
    return generator.standard_normal(spec.shape).astype(spec.dtype)


def read_array(path: Path) -> Array:
    """Return the array in a .npy file; raise InputError if it is none."""
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it holds several arrays")
    except (ValueError, EOFError) as error:
        raise InputError(f"'{path}' is no .npy file or picture: {error}") from error
    return array


def read_picture(
    path: Path, spec: TensorSpec, mean: Sequence[float], deviation: Sequence[float]
) -> Array:
    """Return a picture as input [1, C, H, W], resized, its pixels (p / 255 - mean) / deviation.

    Raises:
        PatternError: the input takes no picture, the file is none, or Pillow is not installed.
    """
    is_float = np.issubdtype(spec.dtype, np.floating)
    if not is_float or len(spec.shape) != 4 or spec.shape[1] not in (1, 3):
        raise InputError(
            f"input '{spec.name}' of shape {list(spec.shape)} and type {spec.dtype} takes no"
            " picture; a picture is [1, 1 or 3, height, width] of fractions"
        )
    channels, height, width = spec.shape[1:]
    for values in (mean, deviation):
        if len(values) not in (1, channels):
            raise InputError(f"--mean and --std need 1 or {channels} numbers, got {len(values)}")
    picture = open_picture(path, "RGB" if channels == 3 else "L")
    pixels = np.asarray(picture.resize((width, height)), np.float32).reshape(height, width, -1)
    pixels = (pixels / 255 - np.array(mean)) / np.array(deviation)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], spec.dtype)
