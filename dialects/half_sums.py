"""Sums in f16: what `f16_sums` means, term by term."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

HALF_TERMS = 32
"""Products that are added up in f16 before their sum joins the total in f32, at most."""

HALF_SUMS = "f16_sums"
"""Attribute of a convolution whose products are added up in f16."""


def summed_in_half(products: Iterable[npt.NDArray[Any]], shape: tuple[int, ...]) -> Any:
    """Return the sum of ``products``, each of ``shape``, in f32: chunks of them in f16.

    Products of two f16 are exact in f32; each sum is rounded to f16 once, as by an f16 FMA.
    """
    total, part = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for number, product in enumerate(products):
        if number and number % HALF_TERMS == 0:
            total += part
            part[...] = 0
        part = (part + product).astype(np.float16).astype(np.float32)
    return total + part
