"""Attributes of the `pattern` dialect: pattern library, weight encoding, tensor layouts."""

from collections.abc import Callable, Mapping, Sequence
from math import erf
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects.dialect import Pattern, require
from pattern_mlir.patterns import Library

ACTIVATIONS = {
    "relu": (),
    "relu6": (),
    "clamp": ("minimum", "maximum"),
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "sigmoid": (),
    "hard_sigmoid": (),
    "silu": (),
    "hard_swish": (),
    "gelu": (),
    "gelu_tanh": (),
    "tanh": (),
}
"""Every activation by name, with the names of its parameters."""


class LibraryAttr(Pattern.Attribute, name="library"):
    """`#pattern.library<[3, 3], [[0, 1, 3, 4], …]>`: the patterns that a layer's kernels use.

    Kernel height and width, then for each pattern its taps as row-major positions in the kernel.
    """

    kernel_size: ir.ArrayAttr
    patterns: ir.ArrayAttr

    @classmethod
    def from_library(cls, library: Library) -> Any:
        """Return the attribute of a `pattern_mlir.patterns.Library`."""
        return cls.get(
            _integer_array(library.kernel_size),
            ir.ArrayAttr.get([_integer_array(taps) for taps in library.patterns]),
        )

    def to_library(self) -> Library:
        """Return the library; raise ValueError where the attribute holds no valid one."""
        size = _integers(self.kernel_size)
        if len(size) != 2:
            raise ValueError(f"kernel size needs 2 values, height and width, got {size}")
        taps = tuple(tuple(_integers(pattern)) for pattern in ir.ArrayAttr(self.patterns))
        return Library(kernel_size=(size[0], size[1]), patterns=taps)


class SparseAttr(Pattern.Attribute, name="sparse"):
    """`#pattern.sparse<#pattern.library<…>>`: the encoding of a pattern-sparse weight's type.

    Every kernel (the last two dimensions) is empty or covered by one of the library's patterns.
    """

    library: LibraryAttr

    def to_library(self) -> Library:
        """Return the library; raise ValueError where the attribute holds no valid one."""
        return LibraryAttr(self.library).to_library()


class LanesAttr(Pattern.Attribute, name="lanes"):
    """`#pattern.lanes<[grid], [block], [halo], fill>`: a tensor layout in lane blocks.

    The plane is cut into ``grid`` = [rows, columns] equal blocks of ``block`` = [height, width]
    pixels, one a SIMD lane; ``halo`` = [top, left, bottom, right] vectors lie round it and hold
    ``fill`` where they lie outside the plane.
    """

    grid: ir.ArrayAttr
    block: ir.ArrayAttr
    halo: ir.ArrayAttr
    fill: ir.FloatAttr


class RowsAttr(Pattern.Attribute, name="rows"):
    """`#pattern.rows<pitch, [halo], fill>`: a tensor layout in plain rows.

    Rows lie ``pitch`` elements apart; ``halo`` and ``fill`` are as in `#pattern.lanes`.
    """

    pitch: ir.IntegerAttr
    halo: ir.ArrayAttr
    fill: ir.FloatAttr


class ChannelBlocksAttr(Pattern.Attribute, name="channel_blocks"):
    """`#pattern.channel_blocks<size>`: a tensor layout with ``size`` channels innermost."""

    size: ir.IntegerAttr


class ActivationAttr(Pattern.Attribute, name="activation"):
    """`#pattern.activation<"clamp", [0.0, 6.0]>`: an elementwise activation.

    The name is a key of `ACTIVATIONS`, the list holds its parameters.
    """

    function: ir.StringAttr
    parameters: ir.ArrayAttr

    @classmethod
    def build(cls, function: str, parameters: Sequence[float] = ()) -> Any:
        """Return the attribute of ``function`` with its ``parameters``."""
        values = [ir.FloatAttr.get(ir.F64Type.get(), float(value)) for value in parameters]
        return cls.get(ir.StringAttr.get(function), ir.ArrayAttr.get(values))

    @property
    def function_name(self) -> str:
        """The activation's name, a key of `ACTIVATIONS`."""
        return str(ir.StringAttr(self.function).value)

    @property
    def values(self) -> tuple[float, ...]:
        """The activation's parameters."""
        return tuple(ir.FloatAttr(value).value for value in ir.ArrayAttr(self.parameters))

    def check(self) -> None:
        """Raise `VerificationError` unless name and parameters are those of an activation."""
        name = self.function_name
        require(
            name in ACTIVATIONS,
            f"has unknown activation '{name}'; known are {', '.join(ACTIVATIONS)}",
        )
        wanted = ACTIVATIONS[name]
        require(
            len(self.values) == len(wanted),
            f"activation '{name}' takes {len(wanted)} parameters ({', '.join(wanted) or 'none'}),"
            f" got {len(self.values)}",
        )


def _integer_array(values: Sequence[int]) -> Any:
    i64 = ir.IntegerType.get_signless(64)
    return ir.ArrayAttr.get([ir.IntegerAttr.get(i64, int(value)) for value in values])


def _integers(attribute: Any) -> list[int]:
    return [int(ir.IntegerAttr(value).value) for value in ir.ArrayAttr(attribute)]


def activate(attribute: Any, x: Any) -> Any:
    """Return the activation ``attribute`` (None: identity) of array ``x``, in ``x``'s type."""
    if attribute is None:
        return x
    name, values = attribute.function_name, attribute.values
    if name == "clamp":
        return np.clip(x, *values).astype(x.dtype)
    if name == "leaky_relu":
        return np.where(x > 0, x, x * x.dtype.type(values[0]))
    if name == "elu":
        return np.where(x > 0, x, x.dtype.type(values[0]) * np.expm1(np.minimum(x, 0)))
    return _PLAIN_ACTIVATIONS[name](x).astype(x.dtype)


def _sigmoid(x: Any) -> Any:
    # The branch keeps exp from overflowing for large negative x.
    exponential = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + exponential), exponential / (1 + exponential))


def _gelu(x: Any) -> Any:
    return x * 0.5 * (1 + np.vectorize(erf, otypes=[np.float64])(x / np.sqrt(2)))


_PLAIN_ACTIVATIONS: Mapping[str, Callable[[Any], Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": _sigmoid,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "silu": lambda x: x * _sigmoid(x),
    "hard_swish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "gelu": _gelu,
    "gelu_tanh": lambda x: x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "tanh": np.tanh,
}
