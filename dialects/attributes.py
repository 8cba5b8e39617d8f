"""Attributes of the `pattern` dialect: pattern library, weight encoding, tensor layouts."""

from collections.abc import Callable, Mapping, Sequence
from math import erf
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects.dialect import (
    Pattern,
    TensorEncoding,
    VerificationError,
    require,
)
from pattern_mlir.errors import did_you_mean
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
        if size is None or len(size) != 2:
            raise ValueError(
                f"kernel size needs 2 integers, height and width, got {self.kernel_size}"
            )
        patterns = [_integers(pattern) for pattern in ir.ArrayAttr(self.patterns)]
        taps = tuple(tuple(pattern) for pattern in patterns if pattern is not None)
        if len(taps) < len(patterns):
            raise ValueError(f"patterns need to be lists of integers, got {self.patterns}")
        return Library(kernel_size=(size[0], size[1]), patterns=taps)


class SparseAttr(TensorEncoding, name="sparse"):
    """`#pattern.sparse<#pattern.library<…>>`: the encoding of a pattern-sparse weight's type.

    Every kernel (the last two dimensions) is empty or covered by one of the library's patterns.
    """

    library: LibraryAttr

    def to_library(self) -> Library:
        """Return the library; raise ValueError where the attribute holds no valid one."""
        return LibraryAttr(self.library).to_library()

    def check_tensor(self, type_: Any) -> None:
        """The library is valid and for kernels of the weight's size."""
        try:
            size = list(self.to_library().kernel_size)
        except ValueError as error:
            raise VerificationError(f"weight has a bad pattern library: {error}") from None
        shape = list(type_.shape)
        require(
            len(shape) == 4 and shape[2:] == size,
            f"pattern library is for {size[0]}x{size[1]} kernels, but the weight has shape {shape}",
        )


class LanesAttr(TensorEncoding, name="lanes"):
    """`#pattern.lanes<[grid], [block], [halo], fill>`: a tensor layout in lane blocks.

    The plane is cut into ``grid`` = [rows, columns] equal blocks of ``block`` = [height, width]
    pixels, one a SIMD lane; ``halo`` = [top, left, bottom, right] vectors lie round it and hold
    ``fill`` where they lie outside the plane.
    """

    grid: ir.ArrayAttr
    block: ir.ArrayAttr
    halo: ir.ArrayAttr
    fill: ir.FloatAttr

    def check_tensor(self, type_: Any) -> None:
        """The blocks cover the plane."""
        _check_cover(self, _sizes(self, "grid", "rows, columns", 1), type_)


class RowsAttr(TensorEncoding, name="rows"):
    """`#pattern.rows<lanes, [block], [halo], fill>`: a tensor layout in rows, for small planes.

    A row of the plane is cut into ``lanes`` parts of ``block`` = [height, width] pixels: the grid
    of `#pattern.lanes` with a single row. Of the ``halo``, rows above and below are stored; what
    lies left and right is read from the neighbouring lanes, by loads that are not aligned.
    """

    lanes: ir.IntegerAttr
    block: ir.ArrayAttr
    halo: ir.ArrayAttr
    fill: ir.FloatAttr

    def check_tensor(self, type_: Any) -> None:
        """The blocks cover the plane."""
        _check_cover(self, [1, ir.IntegerAttr(self.lanes).value], type_)


class BlocksAttr(TensorEncoding, name="blocks"):
    """`#pattern.blocks<[block], pixels, [halo], storage>`: a tensor layout of a GPU.

    A plane is cut into ``block`` = [height in pixels, width in slots], one an invocation; a slot is
    a vector of ``pixels``. ``halo`` = [vertical, horizontal] blocks of zeros lie round the grid on
    both sides. ``storage`` is "f32" or "f16", which arithmetic in f32 rounds to.
    """

    block: ir.ArrayAttr
    pixels: ir.IntegerAttr
    halo: ir.ArrayAttr
    storage: ir.StringAttr

    def check_tensor(self, type_: Any) -> None:
        """Sizes are at least 1, and f16 fills whole words."""
        _plane(self, type_)
        _sizes(self, "block", "height, slots", 1)
        _sizes(self, "halo", "vertical, horizontal", 0)
        pixels = ir.IntegerAttr(self.pixels).value
        storage = ir.StringAttr(self.storage).value
        sizes = {"f32": (1, 2, 4), "f16": (2, 4, 8)}
        require(
            storage in sizes and pixels in sizes[storage],
            f"{self}: a slot holds 1, 2 or 4 pixels of f32 or 2, 4 or 8 of f16",
        )


def is_stored_in_half(type_: Any) -> bool:
    """Whether elements of tensors of ``type_`` are f16 in memory, by element type or layout."""
    if isinstance(type_.encoding, BlocksAttr):
        return bool(ir.StringAttr(type_.encoding.storage).value == "f16")
    return isinstance(type_.element_type, ir.F16Type)


def _check_cover(layout: Any, grid: list[int], type_: Any) -> None:
    """Check that a ``grid`` of blocks of ``layout`` covers the planes of a tensor."""
    plane = _plane(layout, type_)
    block = _sizes(layout, "block", "height, width", 1)
    _sizes(layout, "halo", "top, left, bottom, right", 0)
    covered = [count * size for count, size in zip(grid, block, strict=True)]
    require(
        all(size >= least for size, least in zip(covered, plane, strict=True)),
        f"{layout} covers {covered[0]}x{covered[1]} pixels, but the planes have"
        f" {plane[0]}x{plane[1]}",
    )


def _plane(layout: Any, type_: Any) -> list[int]:
    """Return height and width of the planes of a tensor in ``layout``."""
    shape = list(type_.shape)
    require(len(shape) == 4, f"{layout} lays out tensors of rank 4 (NCHW), got rank {len(shape)}")
    return shape[2:]


def _sizes(layout: Any, parameter: str, names: str, least: int) -> list[int]:
    """Return the checked integers of a layout's ``parameter``, one for each of ``names``."""
    attribute = getattr(layout, parameter)
    values = _integers(attribute)
    count = len(names.split(","))
    if values is None or len(values) != count or min(values) < least:
        raise VerificationError(
            f"{layout}: {parameter} needs {count} integers of at least {least} ({names}),"
            f" got {attribute}"
        )
    return values


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
        if name not in ACTIVATIONS:
            raise VerificationError(
                f"has unknown activation '{name}'{did_you_mean(name, ACTIVATIONS)}"
                f" (known: {', '.join(ACTIVATIONS)})"
            )
        require(
            all(isinstance(value, ir.FloatAttr) for value in ir.ArrayAttr(self.parameters)),
            f"activation '{name}' takes floats such as [1.0], got {self.parameters}",
        )
        wanted = ACTIVATIONS[name]
        require(
            len(self.values) == len(wanted),
            f"activation '{name}' takes the parameters [{', '.join(wanted)}],"
            f" got {list(self.values)}",
        )


def _integer_array(values: Sequence[int]) -> Any:
    i64 = ir.IntegerType.get_signless(64)
    return ir.ArrayAttr.get([ir.IntegerAttr.get(i64, int(value)) for value in values])


def _integers(attribute: Any) -> list[int] | None:
    """Return the integers of an array attribute, or None where it is none of integers."""
    array = attribute.maybe_downcast()  # parameters of an attribute have the base class
    if not isinstance(array, ir.ArrayAttr):
        return None
    if not all(isinstance(value, ir.IntegerAttr) for value in array):
        return None
    return [int(value.value) for value in array]


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
