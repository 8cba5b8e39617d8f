"""The interpreter on small modules: tensors, structured operations, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import Array

from pattern_mlir import interpret
from pattern_mlir.errors import InterpretError, PatternError
from pattern_mlir.program import Program

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


def line_about(text: str, *inputs: Any, kind: type[PatternError] = InterpretError) -> str:
    """Return the one line of the error that evaluating a module gives."""
    with pytest.raises(kind) as caught:
        evaluate(text, *inputs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


UNKNOWN = """
  func.func @f(%x: tensor<2xf32>) -> tensor<2xi32> {
    %y = tensor.bitcast %x : tensor<2xf32> to tensor<2xi32> loc("head.bits"("model.py":5:6))
    return %y : tensor<2xi32>
  }
"""


def test_an_operation_that_is_not_known_is_named_with_its_place() -> None:
    line = line_about(UNKNOWN, np.float32([1, 2]))
    assert line.startswith("head.bits: cannot interpret 'tensor.bitcast'")


def test_a_read_outside_of_a_tensor_is_an_error_at_its_place() -> None:
    text = """
      func.func @f(%x: tensor<2xf32>, %i: tensor<index>) -> tensor<f32> {
        %n = tensor.extract %i[] : tensor<index>
        %e = tensor.extract %x[%n] : tensor<2xf32> loc("pool"("model.py":1:1))
        %y = tensor.from_elements %e : tensor<f32>
        return %y : tensor<f32>
      }
    """
    x = np.float32([1, 2])
    assert evaluate(text, x, np.int64(1)) == 2
    for index in (2, -1):
        assert line_about(text, x, np.int64(index)) == (
            f"pool: reads element {index} of a dimension of 2"
        )


def test_an_assertion_that_fails_is_an_error() -> None:
    text = """
      func.func @f(%x: tensor<2xi1>) -> tensor<2xi1> {
        %c0 = arith.constant 0 : index
        %b = tensor.extract %x[%c0] : tensor<2xi1>
        cf.assert %b, "the index is in range" loc("embed"("model.py":1:1))
        return %x : tensor<2xi1>
      }
    """
    assert evaluate(text, np.array([True, False])).tolist() == [True, False]
    assert "embed: " in line_about(text, np.array([False, True]))
    assert "the index is in range" in line_about(text, np.array([False, True]))


def test_a_parameter_without_an_array_is_named() -> None:
    text = """
      func.func @f() -> tensor<2xf32> {
        %w = "pattern.parameter"() {name = "conv1.weight"} : () -> tensor<2xf32>
        return %w : tensor<2xf32>
      }
    """
    assert "'conv1.weight'" in line_about(text)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((np.float32([1, 2]),), "takes 2 inputs (input0, input1), got 1"),
        ((np.float32([1, 2, 3]), np.int32([1, 2])), "'input0' has shape [3]"),
        ((np.float64([1, 2]), np.int32([1, 2])), "'input0' has element type float64"),
        ((np.float32([1, 2]), np.float32([1, 2])), "'input1' has element type float32"),
        (("text", np.int32([1, 2])), "'input0' has shape []"),
    ],
    ids=["count", "shape", "double", "float", "text"],
)
def test_inputs_that_do_not_fit(inputs: Any, words: str) -> None:
    assert words in line_about(SUM, *inputs, kind=PatternError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("module {}", "0 public functions"),
        ("func.func @f() { return } func.func @g() { return }", "2 public functions"),
        ("func.func @f(%x: tensor<?xf32>) { return }", "not a tensor of fixed shape"),
        ("func.func @f(%x: tensor<2xbf16>) { return }", "type bf16"),
    ],
    ids=["none", "two", "dynamic", "bfloat16"],
)
def test_modules_that_are_no_network(text: str, words: str) -> None:
    assert words in line_about(text, np.float32([1, 2]), kind=PatternError)
