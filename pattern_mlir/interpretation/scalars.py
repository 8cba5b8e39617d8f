"""The meaning of arith and math operations, on scalars and element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import erf, erfc
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.errors import InterpretError

Operation = Callable[..., Any]
"""Takes the operation and its operands' values, returns the result's."""


def _constant(op: Any) -> Any:
    value = op.attributes["value"]
    if isinstance(value, ir.DenseElementsAttr):
        return np.array(value).reshape(tuple(ir.ShapedType(value.type).shape))
    if isinstance(value, (ir.IntegerAttr, ir.FloatAttr, ir.BoolAttr)):
        return value.value
    raise InterpretError("cannot read a constant whose data is a resource; import the model again")


def _plain(function: Callable[..., Any]) -> Operation:
    return lambda op, *operands: function(*operands)


def _integer(function: Callable[..., Any]) -> Operation:
    """Return ``function`` on integers, of which an i1 holds one bit: its sign."""

    def apply(op: Any, *operands: Any) -> Any:
        if operands[0].dtype != bool:
            return function(*operands)
        return function(*(_signed(op, value) for value in operands)) & 1

    return apply


def _unsigned(function: Callable[..., Any]) -> Operation:
    """Return ``function`` on operands that are taken for unsigned ones of their width."""

    def apply(op: Any, *operands: Any) -> Any:
        unsigned = [value.view(f"u{value.dtype.itemsize}") for value in operands]
        return np.asarray(function(*unsigned)).astype(operands[0].dtype)

    return apply


def _unchanged(op: Any, x: Any) -> Any:
    """Return ``x``, which the environment converts to the result's type."""
    return x


def _signed(op: Any, x: Any) -> Any:
    """Return ``x`` as a signed number: the one bit of an i1 is its sign."""
    return -x.astype(np.int8) if x.dtype == bool else x


def _without_sign(op: Any, x: Any) -> Any:
    return x if x.dtype == bool else x.view(f"u{x.dtype.itemsize}")


def _truncate_integer(op: Any, x: Any) -> Any:
    type_ = op.results[0].type
    element = type_.element_type if isinstance(type_, ir.ShapedType) else type_
    return x & 1 if str(element) == "i1" else x


def _float_to_unsigned(op: Any, x: Any) -> Any:
    return x.astype(np.uint64).astype(np.int64)


def _truncating_division(a: Any, b: Any) -> Any:
    quotient = a // b
    # Of a negative quotient with a remainder the floor is one too low.
    return quotient + ((a - quotient * b != 0) & ((a < 0) != (b < 0)))


def _ceiling_division(a: Any, b: Any) -> Any:
    quotient = a // b
    return quotient + (a - quotient * b != 0)


def _round_half_away(x: Any) -> Any:
    whole = np.trunc(x)
    # The difference is exact; a sum of x and a half may round up to the next number.
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(1, x), whole)


def _vectorized(function: Callable[[float], float]) -> Callable[[Any], Any]:
    return np.vectorize(function, otypes=[np.float64])


_FLOAT_ORDERED = {
    1: np.equal,
    2: np.greater,
    3: np.greater_equal,
    4: np.less,
    5: np.less_equal,
    6: np.not_equal,
}
"""Comparisons by their number in arith.cmpf; 8 to 13 are the same, true where one is NaN."""

_INTEGER_COMPARISONS = (
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
)
"""Comparisons by their number in arith.cmpi; 6 to 9 are the last four, unsigned."""


def _compare_floats(op: Any, a: Any, b: Any) -> Any:
    predicate = ir.IntegerAttr(op.attributes["predicate"]).value
    unordered = np.isnan(a) | np.isnan(b)
    if predicate in (0, 15):
        return np.full_like(unordered, predicate == 15)
    if predicate in (7, 14):
        return unordered if predicate == 14 else ~unordered
    ordered = _FLOAT_ORDERED[predicate if predicate < 7 else predicate - 7](a, b) & ~unordered
    return ordered if predicate < 7 else ordered | unordered


def _compare_integers(op: Any, a: Any, b: Any) -> Any:
    predicate = ir.IntegerAttr(op.attributes["predicate"]).value
    if predicate > 5:
        a, b = (x.view(f"u{x.dtype.itemsize}") for x in (a, b))
        predicate -= 4
    return _INTEGER_COMPARISONS[predicate](_signed(op, a), _signed(op, b))


def _named(
    dialect: str,
    functions: Mapping[str, Callable[..., Any]],
    rule: Callable[[Callable[..., Any]], Operation] = _plain,
) -> dict[str, Operation]:
    return {f"{dialect}.{name}": rule(function) for name, function in functions.items()}


SCALAR_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "arith.constant": _constant,
        "arith.cmpf": _compare_floats,
        "arith.cmpi": _compare_integers,
        "arith.select": _plain(np.where),
        **_named(
            "arith",
            {
                "addf": np.add,
                "divf": np.divide,
                "maximumf": np.maximum,
                "maxnumf": np.fmax,
                "minimumf": np.minimum,
                "minnumf": np.fmin,
                "mulf": np.multiply,
                "negf": np.negative,
                "remf": np.fmod,
                "subf": np.subtract,
            },
        ),
        **_named(
            "arith",
            {
                "addi": np.add,
                "andi": np.bitwise_and,
                "ceildivsi": _ceiling_division,
                "divsi": _truncating_division,
                "floordivsi": np.floor_divide,
                "maxsi": np.maximum,
                "minsi": np.minimum,
                "muli": np.multiply,
                "ori": np.bitwise_or,
                "remsi": np.fmod,
                "shli": np.left_shift,
                "shrsi": np.right_shift,
                "subi": np.subtract,
                "xori": np.bitwise_xor,
            },
            _integer,
        ),
        **_named(
            "arith",
            {
                "divui": np.floor_divide,
                "maxui": np.maximum,
                "minui": np.minimum,
                "remui": np.remainder,
                "shrui": np.right_shift,
            },
            _unsigned,
        ),
        **{f"arith.{name}": _unchanged for name in ["extf", "fptosi", "truncf"]},
        **{f"arith.{name}": _signed for name in ["extsi", "index_cast", "sitofp"]},
        **{f"arith.{name}": _without_sign for name in ["extui", "index_castui", "uitofp"]},
        "arith.trunci": _truncate_integer,
        "arith.fptoui": _float_to_unsigned,
        **_named(
            "math",
            {
                "absf": np.abs,
                "absi": np.abs,
                "acos": np.arccos,
                "acosh": np.arccosh,
                "asin": np.arcsin,
                "asinh": np.arcsinh,
                "atan": np.arctan,
                "atan2": np.arctan2,
                "atanh": np.arctanh,
                "cbrt": np.cbrt,
                "ceil": np.ceil,
                "copysign": np.copysign,
                "cos": np.cos,
                "cosh": np.cosh,
                "erf": _vectorized(erf),
                "erfc": _vectorized(erfc),
                "exp": np.exp,
                "exp2": np.exp2,
                "expm1": np.expm1,
                "floor": np.floor,
                "fma": lambda a, b, c: a * b + c,
                "fpowi": np.power,
                "log": np.log,
                "log10": np.log10,
                "log1p": np.log1p,
                "log2": np.log2,
                "powf": np.power,
                "round": _round_half_away,
                "roundeven": np.rint,
                "rsqrt": lambda x: 1 / np.sqrt(x),
                "sin": np.sin,
                "sinh": np.sinh,
                "sqrt": np.sqrt,
                "tan": np.tan,
                "tanh": np.tanh,
                "trunc": np.trunc,
            },
        ),
    }
)
"""Every operation on scalars by its name; results take the type that their SSA name has."""
