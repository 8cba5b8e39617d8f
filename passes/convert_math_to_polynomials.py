"""`convert-math-to-polynomials`: exp, expm1, tanh and erf of f32 as arithmetic, not as calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import log
from types import MappingProxyType
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import arith
from torch_mlir.dialects import math as math_dialect

from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.linalg_builders import Scalar, multiply_add

MAGIC = 1.5 * 2.0**23
"""Added to a number of less than 2**22, it leaves the nearest integer in the lowest bits."""

MAGIC_BITS = 0x4B400000
"""`MAGIC` as an integer of 32 bits."""

LN2_HIGH, LN2_LOW = 0.693359375, -2.12194440e-4
"""ln 2 in two parts, so that n * LN2_HIGH is exact."""

EXPONENTIAL = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 0.16666665459)
"""(exp(r) - 1 - r - r**2 / 2) / r**3 up to |r| = ln 2 / 2, highest power first (Cephes expf)."""


@dataclass(frozen=True)
class ConvertMathToPolynomials(Pass):
    """Write exp, expm1, tanh and erf of f32 with sums and products, of scalars and of vectors.

    Calls of libm take scalars: they cost a vector kernel its speed, and keep LLVM from making
    vectors of plain loops. Results are off by at most 3 units in the last place; NaN stays NaN.

    Source: expf of Cephes; erf in two pieces, a polynomial and 1 - exp of one.

    Before:
        func.func @f(%arg0: f32) -> f32 {
          %0 = math.exp %arg0 : f32
          return %0 : f32
        }

    After:
        func.func @f(%arg0: f32) -> f32 {
          %cst = arith.constant -1.040000e+02 : f32
          %0 = arith.maximumf %arg0, %cst : f32
          %cst_0 = arith.constant 8.900000e+01 : f32
          %1 = arith.minimumf %0, %cst_0 : f32
          %cst_1 = arith.constant 1.44269502 : f32
          %2 = arith.mulf %1, %cst_1 : f32
          %cst_2 = arith.constant 0x4B400000 : f32
          %3 = arith.addf %2, %cst_2 : f32
          %cst_3 = arith.constant 0x4B400000 : f32
          %4 = arith.subf %3, %cst_3 : f32
          %cst_4 = arith.constant -0.693359375 : f32
          %5 = arith.mulf %4, %cst_4 fastmath<contract> : f32
          %6 = arith.addf %1, %5 fastmath<contract> : f32
          %cst_5 = arith.constant 2.12194442E-4 : f32
          %7 = arith.mulf %4, %cst_5 fastmath<contract> : f32
          %8 = arith.addf %6, %7 fastmath<contract> : f32
          %9 = arith.mulf %8, %8 : f32
          %cst_6 = arith.constant 1.98756912E-4 : f32
          %cst_7 = arith.constant 0.00139819994 : f32
          %10 = arith.mulf %cst_6, %8 fastmath<contract> : f32
          %11 = arith.addf %cst_7, %10 fastmath<contract> : f32
          %cst_8 = arith.constant 0.00833345205 : f32
          %12 = arith.mulf %11, %8 fastmath<contract> : f32
          %13 = arith.addf %cst_8, %12 fastmath<contract> : f32
          %cst_9 = arith.constant 0.0416657962 : f32
          %14 = arith.mulf %13, %8 fastmath<contract> : f32
          %15 = arith.addf %cst_9, %14 fastmath<contract> : f32
          %cst_10 = arith.constant 0.166666657 : f32
          %16 = arith.mulf %15, %8 fastmath<contract> : f32
          %17 = arith.addf %cst_10, %16 fastmath<contract> : f32
          %cst_11 = arith.constant 5.000000e-01 : f32
          %18 = arith.mulf %17, %8 fastmath<contract> : f32
          %19 = arith.addf %cst_11, %18 fastmath<contract> : f32
          %20 = arith.bitcast %3 : f32 to i32
          %c1262485504_i32 = arith.constant 1262485504 : i32
          %21 = arith.subi %20, %c1262485504_i32 : i32
          %22 = arith.mulf %19, %9 fastmath<contract> : f32
          %23 = arith.addf %8, %22 fastmath<contract> : f32
          %c1_i32 = arith.constant 1 : i32
          %24 = arith.shrsi %21, %c1_i32 : i32
          %cst_12 = arith.constant 1.000000e+00 : f32
          %25 = arith.addf %23, %cst_12 : f32
          %c127_i32 = arith.constant 127 : i32
          %26 = arith.addi %24, %c127_i32 : i32
          %c23_i32 = arith.constant 23 : i32
          %27 = arith.shli %26, %c23_i32 : i32
          %28 = arith.bitcast %27 : i32 to f32
          %29 = arith.mulf %25, %28 : f32
          %30 = arith.subi %21, %24 : i32
          %c127_i32_13 = arith.constant 127 : i32
          %31 = arith.addi %30, %c127_i32_13 : i32
          %c23_i32_14 = arith.constant 23 : i32
          %32 = arith.shli %31, %c23_i32_14 : i32
          %33 = arith.bitcast %32 : i32 to f32
          %34 = arith.mulf %29, %33 : f32
          return %34 : f32
        }
    """

    name: ClassVar[str] = "convert-math-to-polynomials"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Replace each operation that has a formula."""
        expand_functions(module, _FORMULAS)


def expand_functions(root: Any, formulas: Mapping[str, Callable[[Scalar], Scalar]]) -> None:
    """Replace each operation of f32 below ``root`` that has one of ``formulas``."""
    for op in walk(root, ir.OpView):
        formula = formulas.get(op.operation.name)
        if formula is None or not _is_f32(op.operation.results[0].type):
            continue
        with op.location, ir.InsertionPoint(op):
            result = formula(Scalar(op.operation.operands[0]))
        op.operation.results[0].replace_all_uses_with(result.value)
        op.operation.erase()


def _is_f32(type_: Any) -> bool:
    element = type_.element_type if isinstance(type_, ir.VectorType) else type_
    return isinstance(element, ir.F32Type)


def _polynomial(coefficients: Sequence[float], x: Scalar) -> Scalar:
    """Build the polynomial of ``coefficients``, highest power first, by Horner's rule."""
    first, *rest = coefficients
    return reduce(
        lambda total, coefficient: multiply_add(total, x, x.constant(coefficient)),
        rest,
        x.constant(first),
    )


def _integers(x: Scalar) -> Any:
    """Return the type of 32-bit integers for as many lanes as ``x`` has."""
    i32 = ir.IntegerType.get_signless(32)
    type_ = x.value.type
    return ir.VectorType.get(type_.shape, i32) if isinstance(type_, ir.VectorType) else i32


def _integer(type_: Any, number: int) -> Any:
    if not isinstance(type_, ir.VectorType):
        return arith.constant(type_, number)
    element = ir.IntegerAttr.get(type_.element_type, number)
    return arith.constant(type_, ir.DenseElementsAttr.get_splat(type_, element))


def _power_of_two(x: Scalar, exponent: Any) -> Scalar:
    """Build 2**exponent, of integers from -126 to 127, in the type of ``x``."""
    type_ = exponent.type
    biased = arith.addi(exponent, _integer(type_, 127))
    bits = arith.shli(biased, _integer(type_, 23))
    return Scalar(arith.bitcast(x.value.type, bits))


def _reduced(x: Scalar) -> tuple[Scalar, Any]:
    """Build exp(r) - 1 and the integer n of x = n * ln 2 + r, |r| at most ln 2 / 2."""
    shifted = x * (1 / log(2)) + MAGIC
    whole = shifted - MAGIC
    rest = multiply_add(whole, x.constant(-LN2_HIGH), x)
    rest = multiply_add(whole, x.constant(-LN2_LOW), rest)
    square = rest * rest
    tail = multiply_add(_polynomial(EXPONENTIAL, rest), rest, rest.constant(0.5))
    type_ = _integers(x)
    exponent = arith.subi(arith.bitcast(type_, shifted.value), _integer(type_, MAGIC_BITS))
    return multiply_add(tail, square, rest), exponent


def _exponential(x: Scalar) -> Scalar:
    # In two factors: the result may be infinite, or too small for a normal number.
    less_one, exponent = _reduced(x.clamp(-104.0, 89.0))
    half = arith.shrsi(exponent, _integer(exponent.type, 1))
    value = (less_one + 1) * _power_of_two(x, half)
    return value * _power_of_two(x, arith.subi(exponent, half))


def _exponential_less_one(x: Scalar) -> Scalar:
    less_one, exponent = _reduced(x.clamp(-80.0, 88.0))
    power = _power_of_two(x, exponent)
    value = multiply_add(less_one, power, power - 1)
    overflow = arith.cmpf(arith.CmpFPredicate.OGT, x.value, x.like(88.0))
    # Between 88 and infinity 1 more or less is nothing.
    return Scalar(arith.select(overflow, _exponential(x).value, value.value))


def _hyperbolic_tangent(x: Scalar) -> Scalar:
    magnitude = x.apply(math_dialect.absf)
    less_one, exponent = _reduced((magnitude * -2).clamp(-80.0, 0.0))
    power = _power_of_two(x, exponent)
    less_one = multiply_add(less_one, power, power - 1)
    value = -less_one / (less_one + 2)
    return Scalar(math_dialect.copysign(value.value, x.value))


INNER_ERROR = (
    -5.96761703e-4,
    4.99119423e-3,
    -2.67681349e-2,
    1.12819925e-1,
    -3.76125336e-1,
    1.28379166e-1,
)
"""(erf(x) - x) / x by powers of x**2, up to `SPLIT`."""

OUTER_ERROR = (
    -1.72853470e-5,
    3.83197126e-4,
    -3.88396438e-3,
    2.42546219e-2,
    -1.06777877e-1,
    -6.34846687e-1,
    -1.28717512e-1,
    0.0,
)
"""ln(1 - erf(x)) + x by powers of x, from `SPLIT` to 4."""

SPLIT = 0.921875
"""Where the two pieces of erf meet."""


def error_function(x: Scalar, exponential: Callable[[Scalar], Scalar]) -> Scalar:
    """Build erf(x) with a builder of exp."""
    magnitude, square = x.apply(math_dialect.absf), x * x
    inner = multiply_add(_polynomial(INNER_ERROR, square), x, x)
    near = magnitude.minimum(4.0)
    outer = -exponential(_polynomial(OUTER_ERROR, near) - near) + 1
    outer = Scalar(math_dialect.copysign(outer.value, x.value))
    is_outer = arith.cmpf(arith.CmpFPredicate.OGT, magnitude.value, x.like(SPLIT))
    return Scalar(arith.select(is_outer, outer.value, inner.value))


def native_exponential(x: Scalar) -> Scalar:
    """Build exp(x) as an operation."""
    return x.apply(math_dialect.exp)


def exponential_less_one_near_zero(x: Scalar) -> Scalar:
    """Build exp(x) - 1, a polynomial where the difference would lose what is small.

    Its sums may be added in any order, which drivers of GPUs are free to do.
    """
    near = x.clamp(-log(2) / 2, log(2) / 2)
    tail = multiply_add(_polynomial(EXPONENTIAL, near), near, near.constant(0.5))
    inner = multiply_add(tail, near * near, near)
    is_outer = arith.cmpf(
        arith.CmpFPredicate.OGT, x.apply(math_dialect.absf).value, x.like(log(2) / 2)
    )
    return Scalar(arith.select(is_outer, (native_exponential(x) - 1).value, inner.value))


WITH_NATIVE_EXP: Mapping[str, Callable[[Scalar], Scalar]] = MappingProxyType(
    {
        "math.erf": lambda x: error_function(x, native_exponential),
        "math.expm1": exponential_less_one_near_zero,
    }
)
"""Formulas for machines that have exp and tanh, such as SPIR-V's."""


_FORMULAS: Mapping[str, Callable[[Scalar], Scalar]] = MappingProxyType(
    {
        "math.erf": lambda x: error_function(x, _exponential),
        "math.exp": _exponential,
        "math.expm1": _exponential_less_one,
        "math.tanh": _hyperbolic_tangent,
    }
)
