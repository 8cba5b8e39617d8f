"""Pictures on disk, through Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pattern_mlir.errors import PatternError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Suffixes of pictures."""


def is_picture(path: Path) -> bool:
    """Whether ``path`` has the suffix of a picture."""
    return path.suffix.lower() in PICTURES


def open_picture(path: Path, mode: str) -> Any:
    """Return the picture in ``path`` as a Pillow image of ``mode``, such as "RGB" or "L".

    Raises:
        PatternError: the file is no picture, or Pillow is not installed.
        OSError: the file cannot be opened.
    """
    try:
        from PIL import Image
    except ImportError:
        raise PatternError("pictures need Pillow: pip install pillow") from None
    try:
        with Image.open(path) as picture:
            return picture.convert(mode)
    except Exception as error:  # a damaged file makes Pillow raise errors of many kinds
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise PatternError(f"'{path}' is no picture that Pillow can read: {error}") from error
