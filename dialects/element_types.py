"""Element types of tensors, and the numpy types that hold them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

NUMPY_TYPES: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        "f16": np.float16,
        "f32": np.float32,
        "f64": np.float64,
        "i1": np.bool_,
        "i8": np.int8,
        "i16": np.int16,
        "i32": np.int32,
        "i64": np.int64,
        "index": np.int64,
    }
)
"""Every element type that has a numpy type, by its name in MLIR; memory layouts are equal."""


def numpy_type(element_type: Any) -> type[np.generic] | None:
    """Return the numpy type of an MLIR element type, or None where numpy has none."""
    return NUMPY_TYPES.get(str(element_type))
