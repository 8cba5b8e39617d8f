"""The interpreter on small modules: tensors, structured operations, functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import Array, noise

from pattern_mlir import interpret
from pattern_mlir.program import Program
from pattern_mlir.runtime.plan import InputError

NAN = float("nan")


def evaluate(text: str, *inputs: Any, dtype: Any = None) -> Any:
    """Return the result of the one function of a module, or its results where there are more."""
    results = interpret(Program.parse(text), list(inputs), dtype=dtype)
    return results[0] if len(results) == 1 else results


X = np.arange(24, dtype=np.float32).reshape(4, 6)


@pytest.mark.parametrize(
    ("operation", "result", "expected"),
    [
        ("tensor.extract_slice %x[1, 2] [2, 3] [1, 1]", "2x3", X[1:3, 2:5]),
        ("tensor.extract_slice %x[0, 1] [2, 3] [3, 2]", "2x3", X[0:4:3, 1:6:2]),
        ("tensor.extract_slice %x[2, 0] [1, 6] [1, 1]", "6", X[2]),
        ("tensor.collapse_shape %x [[0, 1]]", "24", X.reshape(24)),
        (
            "tensor.expand_shape %x [[0], [1, 2]] output_shape [4, 2, 3]",
            "4x2x3",
            X.reshape(4, 2, 3),
        ),
    ],
    ids=["part", "steps", "row", "collapse", "expand"],
)
def test_views_of_tensors(operation: str, result: str, expected: Array) -> None:
    into = "into" if "_shape" in operation else "to"
    actual = evaluate(
        f"""
        func.func @f(%x: tensor<4x6xf32>) -> tensor<{result}xf32> {{
          %y = {operation} : tensor<4x6xf32> {into} tensor<{result}xf32>
          return %y : tensor<{result}xf32>
        }}
        """,
        X,
    )
    np.testing.assert_array_equal(actual, expected)


def test_an_inserted_slice_leaves_the_rest_and_the_operand_as_they_were() -> None:
    text = """
      func.func @f(%x: tensor<4x6xf32>, %y: tensor<2x3xf32>)
          -> (tensor<4x6xf32>, tensor<4x6xf32>) {
        %z = tensor.insert_slice %y into %x[0, 1] [2, 3] [3, 2]
            : tensor<2x3xf32> into tensor<4x6xf32>
        return %z, %x : tensor<4x6xf32>, tensor<4x6xf32>
      }
    """
    actual, same = evaluate(text, X, -np.ones((2, 3), np.float32))
    expected = X.copy()
    expected[0:4:3, 1:6:2] = -1
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(same, X)


WINDOWS = """
  func.func @f(%x: tensor<4x6xf32>, %first: tensor<index>, %step: tensor<index>)
      -> (tensor<4x2xf32>, tensor<4x6xf32>) {
    %i = tensor.extract %first[] : tensor<index>
    %k = tensor.extract %step[] : tensor<index>
    %y = tensor.extract_slice %x[0, %i] [4, 2] [1, %k] : tensor<4x6xf32> to tensor<4x2xf32>
    %c = arith.constant dense<-1.0> : tensor<4x2xf32>
    %z = tensor.insert_slice %c into %x[0, %i] [4, 2] [1, %k]
        : tensor<4x2xf32> into tensor<4x6xf32>
    return %y, %z : tensor<4x2xf32>, tensor<4x6xf32>
  }
"""


@pytest.mark.parametrize(("first", "step"), [(0, 1), (4, 1), (0, 5), (5, -5), (1, -1)])
def test_slices_whose_place_is_computed(first: int, step: int) -> None:
    columns = [first, first + step]
    part, whole = evaluate(WINDOWS, X, np.int64(first), np.int64(step))
    np.testing.assert_array_equal(part, X[:, columns])
    expected = X.copy()
    expected[:, columns] = -1
    np.testing.assert_array_equal(whole, expected)


def test_padding_low_and_high() -> None:
    text = """
      func.func @f(%x: tensor<4x6xf32>) -> tensor<5x9xf32> {
        %c = arith.constant 7.0 : f32
        %y = tensor.pad %x low[1, 0] high[0, 3] {
        ^bb0(%i: index, %j: index):
          tensor.yield %c : f32
        } : tensor<4x6xf32> to tensor<5x9xf32>
        return %y : tensor<5x9xf32>
      }
    """
    expected = np.pad(X, ((1, 0), (0, 3)), constant_values=7)
    np.testing.assert_array_equal(evaluate(text, X), expected)


def test_padding_with_a_value_that_depends_on_the_place() -> None:
    text = """
      func.func @f(%x: tensor<4x6xf32>) -> tensor<5x7xf32> {
        %y = tensor.pad %x low[1, 1] high[0, 0] {
        ^bb0(%i: index, %j: index):
          %c = arith.constant 10 : index
          %p = arith.muli %i, %c : index
          %q = arith.addi %p, %j : index
          %r = arith.index_cast %q : index to i32
          %s = arith.sitofp %r : i32 to f32
          tensor.yield %s : f32
        } : tensor<4x6xf32> to tensor<5x7xf32>
        return %y : tensor<5x7xf32>
      }
    """
    expected = np.add.outer(10 * np.arange(5), np.arange(7)).astype(np.float32)
    expected[1:, 1:] = X
    np.testing.assert_array_equal(evaluate(text, X), expected)


def test_tensors_built_element_by_element() -> None:
    text = """
      func.func @f(%x: tensor<4x6xf32>) -> (tensor<2x3xi64>, tensor<2x2xf32>, tensor<3xf32>,
          tensor<4x6xf32>, index) {
        %c1 = arith.constant 1 : index
        %c2 = arith.constant 2 : index
        %a = tensor.generate {
        ^bb0(%i: index, %j: index):
          %s = arith.muli %i, %c2 : index
          %t = arith.addi %s, %j : index
          %u = arith.index_cast %t : index to i64
          tensor.yield %u : i64
        } : tensor<2x3xi64>
        %e = tensor.extract %x[%c1, %c2] : tensor<4x6xf32>
        %f = tensor.extract %x[%c2, %c1] : tensor<4x6xf32>
        %b = tensor.from_elements %e, %f, %f, %e : tensor<2x2xf32>
        %c = tensor.splat %e : tensor<3xf32>
        %d = tensor.insert %f into %x[%c1, %c1] : tensor<4x6xf32>
        %n = tensor.dim %x, %c1 : tensor<4x6xf32>
        return %a, %b, %c, %d, %n
            : tensor<2x3xi64>, tensor<2x2xf32>, tensor<3xf32>, tensor<4x6xf32>, index
      }
    """
    generated, elements, splat, inserted, size = evaluate(text, X)
    assert generated.tolist() == [[0, 1, 2], [2, 3, 4]]
    assert elements.tolist() == [[8, 13], [13, 8]]
    assert splat.tolist() == [8, 8, 8]
    assert (
        inserted[1, 1] == 13 and (np.delete(inserted.ravel(), 7) == np.delete(X.ravel(), 7)).all()
    )
    assert size == 6


NAMED = [
    (
        "linalg.matmul ins(%x, %y : tensor<4x6xf32>, tensor<6x4xf32>) outs(%o : tensor<4x4xf32>)",
        "4x4",
        lambda x, y: x @ y,
    ),
    (
        "linalg.transpose ins(%x : tensor<4x6xf32>) outs(%o : tensor<6x4xf32>)"
        " permutation = [1, 0]",
        "6x4",
        lambda x, y: x.T,
    ),
    (
        "linalg.broadcast ins(%x : tensor<4x6xf32>) outs(%o : tensor<4x2x6xf32>) dimensions = [1]",
        "4x2x6",
        lambda x, y: np.stack([x, x], axis=1),
    ),
    (
        "linalg.reduce { arith.addf } ins(%x : tensor<4x6xf32>) outs(%o : tensor<4xf32>)"
        " dimensions = [1]",
        "4",
        lambda x, y: x.sum(axis=1),
    ),
    (
        "linalg.map { math.exp } ins(%x : tensor<4x6xf32>) outs(%o : tensor<4x6xf32>)",
        "4x6",
        lambda x, y: np.exp(x),
    ),
]


@pytest.mark.parametrize(("operation", "shape", "expected"), NAMED, ids=[n[0][:16] for n in NAMED])
def test_named_structured_operations(operation: str, shape: str, expected: Any) -> None:
    y = np.arange(24, dtype=np.float32).reshape(6, 4)[::-1]
    space = " " if "linalg.matmul" not in operation else f" -> tensor<{shape}xf32>"
    actual = evaluate(
        f"""
        func.func @f(%x: tensor<4x6xf32>, %y: tensor<6x4xf32>) -> tensor<{shape}xf32> {{
          %c = arith.constant 0.0 : f32
          %e = tensor.empty() : tensor<{shape}xf32>
          %o = linalg.fill ins(%c : f32) outs(%e : tensor<{shape}xf32>) -> tensor<{shape}xf32>
          %r = {operation}{space}
          return %r : tensor<{shape}xf32>
        }}
        """,
        X / 10,
        y,
    )
    np.testing.assert_allclose(actual, expected(X / np.float32(10), y), rtol=1e-6)


def test_a_generic_operation_with_windows_indices_and_reads_of_its_own() -> None:
    text = """
      #x = affine_map<(i, k) -> (i * 2 + k)>
      #w = affine_map<(i, k) -> (k)>
      #y = affine_map<(i, k) -> (i)>
      func.func @f(%x: tensor<9xf32>, %w: tensor<3xf32>) -> tensor<4xf32> {
        %o = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
        %y = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel",
            "reduction"]} ins(%x, %w : tensor<9xf32>, tensor<3xf32>) outs(%o : tensor<4xf32>) {
        ^bb0(%a: f32, %b: f32, %sum: f32):
          %i = linalg.index 0 : index
          %k = linalg.index 1 : index
          %e = tensor.extract %x[%k] : tensor<9xf32>
          %n = arith.index_cast %i : index to i32
          %m = arith.sitofp %n : i32 to f32
          %p = arith.mulf %a, %b : f32
          %q = arith.mulf %m, %e : f32
          %r = arith.addf %p, %q : f32
          %s = arith.addf %sum, %r : f32
          linalg.yield %s : f32
        } -> tensor<4xf32>
        return %y : tensor<4xf32>
      }
    """
    x, w = np.arange(1, 10, dtype=np.float32), np.array([1, 10, 100], np.float32)
    expected = [i + 1 + sum(x[2 * i + k] * w[k] + i * x[k] for k in range(3)) for i in range(4)]
    np.testing.assert_array_equal(evaluate(text, x, w), np.array(expected, np.float32))


@pytest.mark.parametrize(
    ("expression", "elements"),
    [
        ("i floordiv 2", [0, 0, 1, 1, 2, 2]),
        ("i ceildiv 2", [0, 1, 1, 2, 2, 3]),
        ("i mod 4", [0, 1, 2, 3, 0, 1]),
        ("5 - i", [5, 4, 3, 2, 1, 0]),
        ("(i floordiv 3) * 2 + i mod 3", [0, 1, 2, 2, 3, 4]),
        ("4", [4] * 6),
    ],
)
def test_maps_of_every_kind(expression: str, elements: list[int]) -> None:
    text = f"""
      func.func @f(%x: tensor<6xi32>) -> tensor<6xi32> {{
        %e = tensor.empty() : tensor<6xi32>
        %y = linalg.generic {{indexing_maps = [affine_map<(i) -> ({expression})>,
            affine_map<(i) -> (i)>], iterator_types = ["parallel"]}}
            ins(%x : tensor<6xi32>) outs(%e : tensor<6xi32>) {{
        ^bb0(%a: i32, %o: i32):
          linalg.yield %a : i32
        }} -> tensor<6xi32>
        return %y : tensor<6xi32>
      }}
    """
    x = np.arange(10, 16, dtype=np.int32)
    np.testing.assert_array_equal(evaluate(text, x), x[elements])


def test_a_reduction_with_two_results_runs_in_order() -> None:
    """The first of equal elements wins, as in torch-mlir's argmax."""
    text = """
      #x = affine_map<(i, k) -> (i, k)>
      #y = affine_map<(i, k) -> (i)>
      func.func @f(%x: tensor<3x5xf32>) -> (tensor<3xf32>, tensor<3xi64>) {
        %least = arith.constant dense<0xFF800000> : tensor<3xf32>
        %zeros = arith.constant dense<0> : tensor<3xi64>
        %y, %n = linalg.generic {indexing_maps = [#x, #y, #y], iterator_types = ["parallel",
            "reduction"]} ins(%x : tensor<3x5xf32>)
            outs(%least, %zeros : tensor<3xf32>, tensor<3xi64>) {
        ^bb0(%a: f32, %most: f32, %place: i64):
          %k = linalg.index 1 : index
          %own = arith.index_cast %k : index to i64
          %more = arith.cmpf ogt, %a, %most : f32
          %value = arith.select %more, %a, %most : f32
          %index = arith.select %more, %own, %place : i64
          linalg.yield %value, %index : f32, i64
        } -> (tensor<3xf32>, tensor<3xi64>)
        return %y, %n : tensor<3xf32>, tensor<3xi64>
      }
    """
    x = np.float32([[1, 5, 2, 5, 0], [-3, -1, -2, -1, -1], [4, 4, 4, 4, 9]])
    values, places = evaluate(text, x)
    np.testing.assert_array_equal(values, x.max(axis=1))
    np.testing.assert_array_equal(places, x.argmax(axis=1))


def test_a_loop_that_runs_never_leaves_the_initial_value() -> None:
    text = """
      func.func @f(%x: tensor<2x0xf32>) -> tensor<2xf32> {
        %o = arith.constant dense<3.0> : tensor<2xf32>
        %y = linalg.reduce { arith.addf } ins(%x : tensor<2x0xf32>) outs(%o : tensor<2xf32>)
            dimensions = [1]
        return %y : tensor<2xf32>
      }
    """
    assert evaluate(text, np.empty((2, 0), np.float32)).tolist() == [3, 3]


def test_a_convolution_and_a_pool_by_their_windows() -> None:
    text = """
      func.func @f(%x: tensor<1x2x7x6xf32>, %w: tensor<3x2x3x2xf32>, %v: tensor<2x2xf32>)
          -> (tensor<1x3x2x4xf32>, tensor<1x2x3x3xf32>) {
        %zero = arith.constant dense<0.0> : tensor<1x3x2x4xf32>
        %least = arith.constant dense<0xFF800000> : tensor<1x2x3x3xf32>
        %y = linalg.conv_2d_nchw_fchw {strides = dense<[2, 1]> : tensor<2xi64>,
            dilations = dense<[2, 2]> : tensor<2xi64>}
            ins(%x, %w : tensor<1x2x7x6xf32>, tensor<3x2x3x2xf32>)
            outs(%zero : tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32>
        %z = linalg.pooling_nchw_max {strides = dense<2> : tensor<2xi64>,
            dilations = dense<1> : tensor<2xi64>}
            ins(%x, %v : tensor<1x2x7x6xf32>, tensor<2x2xf32>)
            outs(%least : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
        return %y, %z : tensor<1x3x2x4xf32>, tensor<1x2x3x3xf32>
      }
    """
    x, w = noise(1, 1, 2, 7, 6), noise(2, 3, 2, 3, 2)
    convolution, pool = evaluate(text, x, w, np.zeros((2, 2), np.float32), dtype=np.float64)
    for i, j in np.ndindex(2, 4):
        window = x[0, :, 2 * i : 2 * i + 5 : 2, j : j + 3 : 2].astype(np.float64)
        np.testing.assert_allclose(convolution[0, :, i, j], (w * window).sum(axis=(1, 2, 3)))
    for i, j in np.ndindex(3, 3):
        window = x[0, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        np.testing.assert_array_equal(pool[0, :, i, j], window.max(axis=(1, 2)))


def test_a_sum_that_starts_from_what_nothing_wrote_is_nan() -> None:
    text = """
      func.func @f(%x: tensor<4x6xf32>) -> tensor<4xf32> {
        %o = tensor.empty() : tensor<4xf32>
        %y = linalg.reduce { arith.addf } ins(%x : tensor<4x6xf32>) outs(%o : tensor<4xf32>)
            dimensions = [1]
        return %y : tensor<4xf32>
      }
    """
    assert np.isnan(evaluate(text, X)).all()


def test_what_nothing_wrote_reads_as_nan() -> None:
    text = """
      func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> {
        %e = tensor.empty() : tensor<3xf32>
        %y = tensor.insert_slice %x into %e[1] [2] [1] : tensor<2xf32> into tensor<3xf32>
        return %y : tensor<3xf32>
      }
    """
    np.testing.assert_array_equal(evaluate(text, np.float32([1, 2])), np.float32([NAN, 1, 2]))


def test_functions_call_private_functions() -> None:
    text = """
      func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
        %y = call @twice(%x) : (tensor<2xf32>) -> tensor<2xf32>
        %z = call @twice(%y) : (tensor<2xf32>) -> tensor<2xf32>
        return %z : tensor<2xf32>
      }
      func.func private @twice(%x: tensor<2xf32>) -> tensor<2xf32> {
        %y = "pattern.add"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        return %y : tensor<2xf32>
      }
    """
    assert evaluate(text, np.float32([1, 2])).tolist() == [4, 8]


SUM = """
  func.func @f(%x: tensor<2xf32>, %n: tensor<2xi32>) -> (tensor<2xf32>, tensor<2xi32>) {
    %c = arith.constant dense<[0.1, 0.2]> : tensor<2xf32>
    %y = "pattern.add"(%x, %c) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    return %y, %n : tensor<2xf32>, tensor<2xi32>
  }
"""


def test_all_floats_can_be_computed_in_another_type() -> None:
    x, n = np.float32([0.1, 0.2]), np.int32([1, 2])
    same, wide = evaluate(SUM, x, n), evaluate(SUM, x, n, dtype=np.float64)
    assert [result.dtype for result in same] == [np.float32, np.int32]
    assert [result.dtype for result in wide] == [np.float64, np.int32]
    assert wide[0].tolist() == [2 * float(np.float32(0.1)), 2 * float(np.float32(0.2))]


def test_no_number_is_rounded_to_a_narrow_type_where_another_one_is_asked_for() -> None:
    text = """
      func.func @f(%x: tensor<f32>) -> tensor<f32> {
        %a = tensor.extract %x[] : tensor<f32>
        %n = arith.truncf %a : f32 to f16
        %w = arith.extf %n : f16 to f32
        %t = math.exp %w : f32
        %y = tensor.from_elements %t : tensor<f32>
        return %y : tensor<f32>
      }
    """
    third = np.array(1 / 3)
    wide = evaluate(text, third, dtype=np.float64)
    assert wide.dtype == np.float64 and wide == np.exp(third)
    narrow = np.exp(third.astype(np.float16).astype(np.float32))
    assert evaluate(text, third.astype(np.float32)) == narrow


def test_floats_of_any_type_fit_where_all_are_computed_in_another_one() -> None:
    x, n = np.float16([0.1, 0.2]), np.int32([1, 2])
    assert evaluate(SUM, x, n, dtype=np.float64)[0].tolist() == [
        float(np.float16(0.1)) + float(np.float32(0.1)),
        float(np.float16(0.2)) + float(np.float32(0.2)),
    ]
    with pytest.raises(InputError, match=r"'input0' has element type int32"):
        evaluate(SUM, n, n, dtype=np.float64)
