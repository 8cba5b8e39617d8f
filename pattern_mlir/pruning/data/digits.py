"""The digits that scikit-learn bundles (UCI, Optical Recognition of Handwritten Digits)."""

from __future__ import annotations

import torch

from pattern_mlir.pruning.data.samples import DataError, Samples


def digits() -> Samples:
    """Return the 1797 digits, [1797, 1, 8, 8], pixels from -1 (paper) to 1 (ink).

    Raises:
        DataError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("the digits need scikit-learn: pip install scikit-learn") from None
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8) / 8 - 1
    return Samples(images, torch.tensor(labels, dtype=torch.int64), tuple("0123456789"))
