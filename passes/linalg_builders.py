"""Builders of linalg, tensor and arith operations: what `convert-pattern-to-linalg` is made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, linalg, tensor

from pattern_mlir.dialects import shape_of

Access = tuple[Any, Sequence[Any]]
"""A tensor and, for each of its dimensions, the index (an affine expression of `Loops`, or 0)."""


@dataclass(frozen=True)
class Scalar:
    """A floating-point value in the body of a loop nest, with arithmetic; numbers are constants."""

    value: Any

    def constant(self, number: float) -> Scalar:
        """Return ``number`` in this value's type."""
        type_ = self.value.type
        if not isinstance(type_, ir.VectorType):
            return Scalar(arith.constant(type_, float(number)))
        element = ir.FloatAttr.get(type_.element_type, float(number))
        return Scalar(arith.constant(type_, ir.DenseElementsAttr.get_splat(type_, element)))

    def like(self, other: Scalar | float) -> Any:
        """Return the value of ``other``, made a constant where it is a number."""
        return (other if isinstance(other, Scalar) else self.constant(other)).value

    def __add__(self, other: Scalar | float) -> Scalar:
        """Sum."""
        return Scalar(arith.addf(self.value, self.like(other)))

    def __sub__(self, other: Scalar | float) -> Scalar:
        """Difference."""
        return Scalar(arith.subf(self.value, self.like(other)))

    def __mul__(self, other: Scalar | float) -> Scalar:
        """Product."""
        return Scalar(arith.mulf(self.value, self.like(other)))

    def __truediv__(self, other: Scalar | float) -> Scalar:
        """Quotient."""
        return Scalar(arith.divf(self.value, self.like(other)))

    def __neg__(self) -> Scalar:
        """Negation."""
        return Scalar(arith.negf(self.value))

    def maximum(self, other: Scalar | float) -> Scalar:
        """Larger of the two; NaN wins."""
        return Scalar(arith.maximumf(self.value, self.like(other)))

    def minimum(self, other: Scalar | float) -> Scalar:
        """Smaller of the two; NaN wins."""
        return Scalar(arith.minimumf(self.value, self.like(other)))

    def clamp(self, low: float, high: float) -> Scalar:
        """At least ``low``, then at most ``high``; NaN stays NaN."""
        return self.maximum(low).minimum(high)

    def if_positive(self, other: Scalar) -> Scalar:
        """Return this value where it is above 0, else ``other``."""
        positive = arith.cmpf(arith.CmpFPredicate.OGT, self.value, self.like(0))
        return Scalar(arith.select(positive, self.value, other.value))

    def converted(self, other: Scalar) -> Scalar:
        """Return this value in the type of ``other``."""
        return self.as_type(other.value.type)

    def as_type(self, new: Any) -> Scalar:
        """Return this value in the type ``new``, a scalar's or a vector's."""
        old = self.value.type
        if old == new:
            return self
        wider = element_of(old).width < element_of(new).width
        return Scalar((arith.extf if wider else arith.truncf)(new, self.value))

    def widened(self) -> Scalar:
        """Return an f16 as f32, which it is computed in; all else as it is."""
        return self.as_type(computed_type(self.value.type))

    def apply(self, function: Callable[[Any], Any]) -> Scalar:
        """Return ``function``, a builder of the math dialect, of this value."""
        return Scalar(function(self.value))


def element_of(type_: Any) -> Any:
    """Return the element type of a vector type, ``type_`` of a scalar."""
    return type_.element_type if isinstance(type_, ir.ShapedType) else type_


def computed_type(type_: Any) -> Any:
    """Return the type that values of ``type_`` are computed in: f16 only stores them."""
    return ir.F32Type.get() if isinstance(type_, ir.F16Type) else type_


def multiply_add(x: Scalar, weight: Scalar, total: Scalar) -> Scalar:
    """Return total + x * weight, which the target may compute without rounding the product."""
    fused = arith.FastMathFlags.contract
    product = arith.mulf(x.converted(total).value, weight.converted(total).value, fastmath=fused)
    return Scalar(arith.addf(total.value, product, fastmath=fused))


class Loops:
    """The loops of a nest, outermost first; each has a name of one letter."""

    def __init__(self, names: str) -> None:
        """Name the loops."""
        self._names = names

    def __len__(self) -> int:
        """Return how many loops there are."""
        return len(self._names)

    def __getitem__(self, name: str) -> Any:
        """Return the counter of loop ``name`` as an affine expression."""
        return ir.AffineExpr.get_dim(self._names.index(name))

    def counters(self) -> list[Any]:
        """Return the counters of all loops."""
        return self.at(self._names)

    def at(self, names: str) -> list[Any]:
        """Return the counters of those of the loops ``names`` that the nest has."""
        return [self[name] for name in names if name in self._names]


def nest(
    loops: Loops,
    inputs: Sequence[Access],
    output: Access,
    body: Callable[..., Scalar],
) -> Any:
    """Build `linalg.generic`: output = body(*inputs, output) at every iteration of ``loops``.

    Loops that do not occur in the output's indices are reductions. Elements of f16 come to the body
    as f32, and its value is rounded to the output's type. Returns the resulting tensor.
    """
    accesses = [*inputs, output]
    maps = [
        ir.AffineMap.get(
            len(loops), 0, [ir.AffineExpr.get_constant(0) if i == 0 else i for i in indices]
        )
        for _, indices in accesses
    ]
    written = set(output[1])
    kinds = [
        ir.Attribute.parse(
            f"#linalg.iterator_type<{'parallel' if counter in written else 'reduction'}>"
        )
        for counter in loops.counters()
    ]
    op = linalg.GenericOp(
        [output[0].type],
        [value for value, _ in inputs],
        [output[0]],
        ir.ArrayAttr.get([ir.AffineMapAttr.get(map_) for map_ in maps]),
        ir.ArrayAttr.get(kinds),
    )
    block = op.regions[0].blocks.append(*(value.type.element_type for value, _ in accesses))
    with ir.InsertionPoint(block):
        value = body(*(Scalar(argument).widened() for argument in block.arguments))
        linalg.YieldOp([value.as_type(output[0].type.element_type).value])
    return op.results[0]


def elementwise(
    inputs: Sequence[Any], body: Callable[..., Scalar], element_type: Any = None
) -> Any:
    """Build body(*inputs) at every element; inputs of equal rank, dimensions equal or 1.

    The result is of ``element_type``, that of the first input unless given.
    """
    shape = [int(size) for size in np.broadcast_shapes(*map(tuple, map(shape_of, inputs)))]
    loops = Loops("abcdefgh"[: len(shape)])
    accesses = [(value, repeated(loops.counters(), value, shape)) for value in inputs]
    result = tensor.empty(shape, element_type or inputs[0].type.element_type)
    return nest(loops, accesses, (result, loops.counters()), lambda *scalars: body(*scalars[:-1]))


def repeated(counters: Sequence[Any], value: Any, shape: Sequence[int]) -> list[Any]:
    """Return the indices that read ``value`` again and again where it is 1 and ``shape`` is not."""
    return [
        counter if size == full else 0
        for counter, size, full in zip(counters, shape_of(value), shape, strict=True)
    ]


def filled(shape: Sequence[int], element_type: Any, number: float) -> Any:
    """Build a new tensor that holds ``number`` everywhere."""
    value = arith.constant(element_type, float(number))
    return linalg.fill(value, outs=[tensor.empty(list(shape), element_type)])


def constant(array: npt.NDArray[Any], element_type: Any = None) -> Any:
    """Build a constant tensor; floats become ``element_type``, integers stay i64."""
    if element_type is None:
        return arith.constant(None, ir.DenseElementsAttr.get(np.asarray(array, np.int64)))
    type_ = ir.RankedTensorType.get(list(array.shape), element_type)
    numbers = [ir.FloatAttr.get(element_type, float(number)) for number in array.flat]
    return arith.constant(None, ir.DenseElementsAttr.get(numbers, type_))


def padded(value: Any, low: Sequence[int], high: Sequence[int], number: float) -> Any:
    """Build ``value`` with planes grown by ``low`` = [top, left] and ``high`` = [bottom, right]."""
    if not any([*low, *high]):
        return value
    before, after = [0, 0, *low], [0, 0, *high]
    shape = [sum(sizes) for sizes in zip(before, shape_of(value), after, strict=True)]
    element_type = value.type.element_type
    op = tensor.PadOp(ir.RankedTensorType.get(shape, element_type), value, [], [], before, after)
    fill = arith.constant(element_type, float(number))
    fill.owner.move_before(op)
    index = ir.IndexType.get()
    block = op.regions[0].blocks.append(*[index] * len(shape))
    with ir.InsertionPoint(block):
        tensor.YieldOp(fill)
    return op.result


def expanded(value: Any, sizes: Sequence[Sequence[int]]) -> Any:
    """Build ``value`` with each dimension i cut into dimensions of ``sizes[i]``."""
    flat = [size for dimension in sizes for size in dimension]
    if len(flat) == len(sizes):
        return value
    type_ = ir.RankedTensorType.get(flat, value.type.element_type)
    return tensor.expand_shape(type_, value, _reassociation(list(map(len, sizes))), [], flat)


def collapsed(value: Any, lengths: Sequence[int]) -> Any:
    """Build ``value`` with runs of ``lengths`` dimensions joined into one each."""
    if all(length == 1 for length in lengths):
        return value
    shape, groups = shape_of(value), _reassociation(lengths)
    sizes = [int(np.prod([shape[i] for i in group])) for group in groups]
    type_ = ir.RankedTensorType.get(sizes, value.type.element_type)
    return tensor.collapse_shape(type_, value, groups)


def _reassociation(lengths: Sequence[int]) -> list[list[int]]:
    ends = itertools.accumulate(lengths)
    return [list(range(end - n, end)) for end, n in zip(ends, lengths, strict=True)]
