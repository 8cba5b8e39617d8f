"""Scalar operations of arith and math in the interpreter, against Python's own arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pattern_mlir import interpret
from pattern_mlir.program import Program

NAN = float("nan")


def applied(operation: str, types: str, *operands: Any) -> Any:
    """Return a scalar operation such as `arith.addf %0, %1 : f32` of arrays, element by element.

    ``types`` are those of the operands and the result, such as `f32 f32 f32`.
    """
    *kinds, result = types.split()
    count = np.size(operands[0])
    maps = ", ".join(["affine_map<(i) -> (i)>"] * (len(kinds) + 1))
    arguments = ", ".join(f"%a{i}: tensor<{count}x{kind}>" for i, kind in enumerate(kinds))
    values = ", ".join(f"%a{i}" for i in range(len(kinds)))
    tensors = ", ".join(f"tensor<{count}x{kind}>" for kind in kinds)
    scalars = ", ".join(f"%{i}: {kind}" for i, kind in enumerate(kinds))
    text = f"""
        func.func @f({arguments}) -> tensor<{count}x{result}> {{
          %empty = tensor.empty() : tensor<{count}x{result}>
          %y = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
              ins({values} : {tensors}) outs(%empty : tensor<{count}x{result}>) {{
          ^bb0({scalars}, %out: {result}):
            %r = {operation}
            linalg.yield %r : {result}
          }} -> tensor<{count}x{result}>
          return %y : tensor<{count}x{result}>
        }}
        """
    return interpret(Program.parse(text), operands)[0]


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "ne": lambda a, b: a != b,
}
PAIRS = [(a, b) for a in (-1.0, 0.0, 2.0, math.inf, NAN) for b in (-0.0, 2.0, -math.inf, NAN)]
LEFT, RIGHT = (np.array(side, np.float32) for side in zip(*PAIRS, strict=True))


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("unordered", [False, True])
def test_comparisons_of_floats_know_nan(name: str, unordered: bool) -> None:
    predicate = ("u" if unordered else "o") + name
    actual = applied(f"arith.cmpf {predicate}, %0, %1 : f32", "f32 f32 i1", LEFT, RIGHT)
    for result, (a, b) in zip(actual, PAIRS, strict=True):
        has_nan = math.isnan(a) or math.isnan(b)
        assert result == (unordered if has_nan else COMPARISONS[name](a, b)), (a, b)


@pytest.mark.parametrize(
    ("predicate", "meaning"),
    [
        ("ord", lambda has_nan: not has_nan),
        ("uno", lambda has_nan: has_nan),
        ("true", lambda has_nan: True),
        ("false", lambda has_nan: False),
    ],
)
def test_comparisons_that_ask_for_nan_only(predicate: str, meaning: Callable[[bool], bool]) -> None:
    actual = applied(f"arith.cmpf {predicate}, %0, %1 : f32", "f32 f32 i1", LEFT, RIGHT)
    assert actual.tolist() == [meaning(math.isnan(a) or math.isnan(b)) for a, b in PAIRS]


@pytest.mark.parametrize(
    ("name", "of_nan", "of_numbers"),
    [("maximumf", NAN, 2.0), ("minimumf", NAN, 1.0), ("maxnumf", 1.0, 2.0), ("minnumf", 1.0, 1.0)],
)
def test_maximum_and_minimum_with_nan(name: str, of_nan: float, of_numbers: float) -> None:
    a, b = np.array([1, NAN, 1], np.float32), np.array([NAN, 1, 2], np.float32)
    actual = applied(f"arith.{name} %0, %1 : f32", "f32 f32 f32", a, b)
    np.testing.assert_array_equal(actual, np.array([of_nan, of_nan, of_numbers], np.float32))


def wrapped(value: int) -> int:
    """Return ``value`` as an i8 holds it."""
    return (value + 128) % 256 - 128


def toward_zero(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


INTEGER_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "addi": lambda a, b: a + b,
    "subi": lambda a, b: a - b,
    "muli": lambda a, b: a * b,
    "divsi": toward_zero,
    "remsi": lambda a, b: a - b * toward_zero(a, b),
    "floordivsi": lambda a, b: a // b,
    "ceildivsi": lambda a, b: -(-a // b),
    "divui": lambda a, b: (a % 256) // (b % 256),
    "remui": lambda a, b: (a % 256) % (b % 256),
    "maxsi": max,
    "minsi": min,
    "maxui": lambda a, b: max(a % 256, b % 256),
    "minui": lambda a, b: min(a % 256, b % 256),
    "andi": lambda a, b: a & b,
    "ori": lambda a, b: a | b,
    "xori": lambda a, b: a ^ b,
}


@pytest.mark.parametrize("name", INTEGER_OPERATIONS)
@settings(max_examples=15, deadline=None)
@given(a=st.integers(-128, 127), b=st.integers(-128, 127))
@example(a=-128, b=2)
@example(a=-7, b=2)
@example(a=7, b=-2)
@example(a=-128, b=-128)
def test_integer_arithmetic_wraps_and_rounds_as_its_name_says(name: str, a: int, b: int) -> None:
    assume(not ("div" in name or "rem" in name) or (b != 0 and (a, b) != (-128, -1)))
    operands = np.array([a], np.int8), np.array([b], np.int8)
    actual = applied(f"arith.{name} %0, %1 : i8", "i8 i8 i8", *operands)
    assert actual.dtype == np.int8
    assert actual[0] == wrapped(INTEGER_OPERATIONS[name](a, b))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shli", lambda a, b: wrapped(a << b)),
        ("shrsi", lambda a, b: a >> b),
        ("shrui", lambda a, b: wrapped((a % 256) >> b)),
    ],
)
def test_shifts(name: str, expected: Callable[[int, int], int]) -> None:
    pairs = [(a, b) for a in (-128, -3, 0, 5, 127) for b in range(8)]
    a, b = (np.array(side, np.int8) for side in zip(*pairs, strict=True))
    actual = applied(f"arith.{name} %0, %1 : i8", "i8 i8 i8", a, b)
    assert actual.tolist() == [expected(a, b) for a, b in pairs]


BITS = [(a, b) for a in (0, 1) for b in (0, 1)]
OF_BITS = [name for name in INTEGER_OPERATIONS if "div" not in name and "rem" not in name]


@pytest.mark.parametrize("name", OF_BITS)
def test_an_i1_is_an_integer_of_one_bit(name: str) -> None:
    """As a signed number it is 0 or -1, so true is the lesser one."""
    a, b = (np.array(side, np.bool_) for side in zip(*BITS, strict=True))
    actual = applied(f"arith.{name} %0, %1 : i1", "i1 i1 i1", a, b)
    sign = 1 if name.endswith("ui") else -1
    expected = [INTEGER_OPERATIONS[name](sign * a, sign * b) % 2 == 1 for a, b in BITS]
    assert actual.tolist() == expected


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge"])
@pytest.mark.parametrize("sign", ["s", "u"])
def test_comparisons_of_bits(name: str, sign: str) -> None:
    a, b = (np.array(side, np.bool_) for side in zip(*BITS, strict=True))
    actual = applied(f"arith.cmpi {sign}{name}, %0, %1 : i1", "i1 i1 i1", a, b)
    of_true = 1 if sign == "u" else -1
    assert actual.tolist() == [COMPARISONS[name](of_true * a, of_true * b) for a, b in BITS]


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge"])
@pytest.mark.parametrize("sign", ["s", "u"])
def test_comparisons_of_integers_with_and_without_sign(name: str, sign: str) -> None:
    pairs = [(a, b) for a in (-128, -1, 0, 1, 127) for b in (-128, -1, 0, 127)]
    a, b = (np.array(side, np.int8) for side in zip(*pairs, strict=True))
    actual = applied(f"arith.cmpi {sign}{name}, %0, %1 : i8", "i8 i8 i1", a, b)
    modulus = 256 if sign == "u" else None
    for result, (left, right) in zip(actual, pairs, strict=True):
        numbers = [n % modulus if modulus else n for n in (left, right)]
        assert result == COMPARISONS[name](*numbers), (left, right)


CONVERSIONS = [
    ("arith.extsi %0 : i8 to i32", "i8 i32", [-1, 127], [-1, 127]),
    ("arith.extui %0 : i8 to i32", "i8 i32", [-1, 127], [255, 127]),
    ("arith.extui %0 : i1 to i32", "i1 i32", [True, False], [1, 0]),
    ("arith.extsi %0 : i1 to i32", "i1 i32", [True, False], [-1, 0]),
    ("arith.trunci %0 : i32 to i8", "i32 i8", [300, -129], [44, 127]),
    ("arith.trunci %0 : i32 to i1", "i32 i1", [3, 2], [True, False]),
    ("arith.sitofp %0 : i8 to f32", "i8 f32", [-1, 127], [-1, 127]),
    ("arith.uitofp %0 : i8 to f32", "i8 f32", [-1, 127], [255, 127]),
    ("arith.uitofp %0 : i1 to f32", "i1 f32", [True, False], [1, 0]),
    ("arith.sitofp %0 : i1 to f32", "i1 f32", [True, False], [-1, 0]),
    ("arith.fptosi %0 : f32 to i32", "f32 i32", [-2.9, 2.9], [-2, 2]),
    ("arith.fptoui %0 : f32 to i8", "f32 i8", [200.5, 2.9], [-56, 2]),
    ("arith.truncf %0 : f64 to f32", "f64 f32", [0.1, 1e300], [np.float32(0.1), math.inf]),
    ("arith.extf %0 : f16 to f32", "f16 f32", [0.5, math.inf], [0.5, math.inf]),
    ("arith.index_cast %0 : i8 to index", "i8 index", [-1, 5], [-1, 5]),
    ("arith.index_castui %0 : i8 to index", "i8 index", [-1, 5], [255, 5]),
    ("arith.negf %0 : f32", "f32 f32", [0.0, -1.5], [-0.0, 1.5]),
    ("arith.select %0, %1, %2 : f32", "i1 f32 f32 f32", [True, False], [1, 20]),
]
NUMPY = {"f16": np.float16, "f32": np.float32, "f64": np.float64, "i1": np.bool_}
NUMPY |= {"i8": np.int8, "i32": np.int32, "index": np.int64}


@pytest.mark.parametrize(
    ("operation", "types", "values", "expected"), CONVERSIONS, ids=[c[0] for c in CONVERSIONS]
)
def test_conversions(operation: str, types: str, values: Any, expected: Any) -> None:
    kinds = types.split()
    others = [np.array([1, 2]) * 10**i for i in range(len(kinds) - 2)]
    operands = [
        np.array(v).astype(NUMPY[k]) for v, k in zip([values, *others], kinds, strict=False)
    ]
    actual = applied(operation, types, *operands)
    np.testing.assert_array_equal(actual, np.array(expected).astype(NUMPY[kinds[-1]]))
    assert actual.dtype == NUMPY[kinds[-1]]


def test_conversions_of_whole_tensors_are_those_of_their_elements() -> None:
    text = """
      func.func @f(%x: tensor<3xi32>) -> (tensor<3xi8>, tensor<3xi1>) {
        %y = arith.trunci %x : tensor<3xi32> to tensor<3xi8>
        %z = arith.trunci %x : tensor<3xi32> to tensor<3xi1>
        return %y, %z : tensor<3xi8>, tensor<3xi1>
      }
    """
    bytes_, bits = interpret(Program.parse(text), [np.array([300, 2, -1], np.int32)])
    assert bytes_.tolist() == [44, 2, -1]
    assert bits.tolist() == [False, False, True]


FLOATS = np.array([-2.5, -1.5, -0.5, -0.3, 0.3, 0.5, 1.5, 2.5])
UNARY: dict[str, Callable[[float], float]] = {
    "absf": abs,
    "asinh": math.asinh,
    "atan": math.atan,
    "ceil": math.ceil,
    "cos": math.cos,
    "cosh": math.cosh,
    "erf": math.erf,
    "erfc": math.erfc,
    "exp": math.exp,
    "exp2": lambda x: 2.0**x,
    "expm1": math.expm1,
    "floor": math.floor,
    "round": lambda x: math.copysign(math.floor(abs(x) + 0.5), x),
    "roundeven": round,
    "sin": math.sin,
    "sinh": math.sinh,
    "tan": math.tan,
    "tanh": math.tanh,
    "trunc": math.trunc,
}
OF_POSITIVE: dict[str, Callable[[float], float]] = {
    "cbrt": lambda x: x ** (1 / 3),
    "log": math.log,
    "log10": math.log10,
    "log1p": math.log1p,
    "log2": math.log2,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "sqrt": math.sqrt,
}
INSIDE_ONE: dict[str, Callable[[float], float]] = {
    "acos": math.acos,
    "asin": math.asin,
    "atanh": math.atanh,
}
ABOVE_ONE: dict[str, Callable[[float], float]] = {"acosh": math.acosh}
DOMAINS = [
    (UNARY, FLOATS),
    (OF_POSITIVE, np.abs(FLOATS)),
    (INSIDE_ONE, FLOATS / 3),
    (ABOVE_ONE, np.abs(FLOATS) + 1),
]
FUNCTIONS = [(name, f, x) for functions, x in DOMAINS for name, f in functions.items()]


@pytest.mark.parametrize(("name", "function", "x"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS])
def test_functions_of_the_math_dialect(
    name: str, function: Callable[[float], float], x: Any
) -> None:
    actual = applied(f"math.{name} %0 : f64", "f64 f64", x)
    np.testing.assert_allclose(actual, [function(value) for value in x], rtol=1e-14)


def test_the_absolute_value_of_an_integer() -> None:
    assert applied("math.absi %0 : i8", "i8 i8", np.array([-128, -3, 3], np.int8)).tolist() == [
        -128,  # has no positive one
        3,
        3,
    ]


def test_a_half_is_rounded_away_from_zero_and_nothing_else_is() -> None:
    least_below = np.nextafter(np.float32(0.5), np.float32(0))
    odd = 2**23 + 1  # adding a half gives a tie, which is rounded to even
    x = np.array([least_below, 0.5, -1.5, -0.2, odd, -odd, math.inf, NAN], np.float32)
    actual = applied("math.round %0 : f32", "f32 f32", x)
    np.testing.assert_array_equal(actual, np.float32([0, 1, -2, -0.0, odd, -odd, math.inf, NAN]))
    assert np.signbit(actual[3])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("operation", "types", "value", "expected"),
    [
        ("math.log %0 : f32", "f32 f32", 0, -math.inf),
        ("math.sqrt %0 : f32", "f32 f32", -1, NAN),
        ("math.exp %0 : f32", "f32 f32", 1000, math.inf),
        ("arith.divf %0, %0 : f32", "f32 f32", 0, NAN),
        ("arith.truncf %0 : f64 to f16", "f64 f16", 1e6, math.inf),
    ],
)
def test_infinities_and_nan_are_results_like_any_other(
    operation: str, types: str, value: float, expected: float
) -> None:
    operand = np.array([value], NUMPY[types.split()[0]])
    np.testing.assert_array_equal(applied(operation, types, operand), [expected])


@pytest.mark.parametrize(
    ("operation", "types", "expected"),
    [
        ("math.powf %0, %1 : f64", "f64 f64 f64", lambda a, b, c: a**b),
        ("math.atan2 %0, %1 : f64", "f64 f64 f64", lambda a, b, c: math.atan2(a, b)),
        ("math.copysign %0, %1 : f64", "f64 f64 f64", lambda a, b, c: math.copysign(a, b)),
        ("math.fma %0, %1, %2 : f64", "f64 f64 f64 f64", lambda a, b, c: a * b + c),
        ("arith.remf %0, %1 : f64", "f64 f64 f64", lambda a, b, c: math.fmod(a, b)),
        ("math.fpowi %0, %1 : f64, i32", "f64 i32 f64", lambda a, b, c: a ** int(b)),
    ],
    ids=lambda value: value.partition(" ")[0] if isinstance(value, str) else "",
)
def test_functions_of_several_numbers(
    operation: str, types: str, expected: Callable[[float, float, float], float]
) -> None:
    operands = [np.abs(FLOATS), FLOATS[::-1] * 2, FLOATS]
    kinds = types.split()[:-1]
    given = [x.astype(NUMPY[kind]) for x, kind in zip(operands, kinds, strict=False)]
    numbers = [given[i] if i < len(given) else FLOATS for i in range(3)]
    actual = applied(operation, types, *given)
    np.testing.assert_allclose(actual, [expected(*row) for row in zip(*numbers, strict=True)])
