"""What the interpreter refuses: one line that says what and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pattern_mlir import interpret
from pattern_mlir.errors import InterpretError, PatternError
from pattern_mlir.program import Program
from pattern_mlir.runtime.plan import InputError


def line_about(text: str, *inputs: Any, kind: type[PatternError] = InterpretError) -> str:
    """Return the one line of the error that evaluating a module gives."""
    with pytest.raises(kind) as caught:
        interpret(Program.parse(text), inputs)
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
    assert interpret(Program.parse(text), [x, np.int64(1)])[0] == 2
    for index in (2, -1):
        assert line_about(text, x, np.int64(index)) == (
            f"pool: reads element {index} of a dimension of 2"
        )


@pytest.mark.parametrize(
    ("first", "step", "wrong"), [(3, 1, 4), (-1, 1, -1), (0, 4, 4), (0, -1, -1)]
)
@pytest.mark.parametrize("write", [False, True])
def test_a_slice_outside_of_a_tensor_is_an_error_at_its_place(
    write: bool, first: int, step: int, wrong: int
) -> None:
    window = "[%i] [2] [%k]"
    operation = (
        f"tensor.insert_slice %x into %w{window} : tensor<2xf32> into tensor<4xf32>"
        if write
        else f"tensor.extract_slice %w{window} : tensor<4xf32> to tensor<2xf32>"
    )
    type_ = "tensor<4xf32>" if write else "tensor<2xf32>"
    text = f"""
      func.func @f(%x: tensor<2xf32>, %w: tensor<4xf32>, %first: tensor<index>,
          %step: tensor<index>) -> {type_} {{
        %i = tensor.extract %first[] : tensor<index>
        %k = tensor.extract %step[] : tensor<index>
        %y = {operation} loc("crop"("model.py":1:1))
        return %y : {type_}
      }}
    """
    inputs = np.zeros(2, np.float32), np.zeros(4, np.float32), np.int64(first), np.int64(step)
    verb = "writes" if write else "reads"
    assert line_about(text, *inputs) == f"crop: {verb} element {wrong} of a dimension of 4"


def test_a_write_outside_of_a_tensor_is_an_error_at_its_place() -> None:
    text = """
      func.func @f(%x: tensor<2xf32>, %i: tensor<index>) -> tensor<2xf32> {
        %n = tensor.extract %i[] : tensor<index>
        %c = arith.constant 7.0 : f32
        %y = tensor.insert %c into %x[%n] : tensor<2xf32> loc("pool"("model.py":1:1))
        return %y : tensor<2xf32>
      }
    """
    x = np.float32([1, 2])
    assert interpret(Program.parse(text), [x, np.int64(1)])[0].tolist() == [1, 7]
    for index in (2, -1):
        assert line_about(text, x, np.int64(index)) == (
            f"pool: writes element {index} of a dimension of 2"
        )


BODY = """
  func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {{
    %e = tensor.empty() : tensor<2xf32>
    %y = linalg.generic {{indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}}
        outs(%e : tensor<2xf32>) {{
    ^bb0(%o: f32):
      %i = linalg.index 0 : index
      %c1 = arith.constant 1 : index
      %j = arith.addi %i, %c1 : index
      {operation} loc("{place}")
      linalg.yield %q : f32
    }} -> tensor<2xf32> loc("gather")
    return %y : tensor<2xf32>
  }}
"""


@pytest.mark.parametrize(
    ("place", "shown"), [("gather", "gather"), ("index", "gather: index")], ids=["same", "other"]
)
def test_an_error_in_a_body_says_each_place_once(place: str, shown: str) -> None:
    text = BODY.format(operation="%q = tensor.extract %x[%j] : tensor<2xf32>", place=place)
    line = line_about(text, np.float32([1, 2]))
    assert line == f"{shown}: reads element 2 of a dimension of 2"


def test_a_body_of_scalars_may_not_work_on_tensors() -> None:
    slice_ = """
      %s = tensor.extract_slice %x[%i] [1] [1] : tensor<2xf32> to tensor<1xf32>
      %c0 = arith.constant 0 : index
      %q = tensor.extract %s[%c0] : tensor<1xf32>
    """
    line = line_about(BODY.format(operation=slice_, place="gather"), np.float32([1, 2]))
    assert line.startswith("gather: ")
    assert line.endswith("cannot interpret 'tensor.extract_slice' in the body of another operation")


def test_an_assertion_that_fails_is_an_error() -> None:
    text = """
      func.func @f(%x: tensor<2xi1>) -> tensor<2xi1> {
        %c0 = arith.constant 0 : index
        %b = tensor.extract %x[%c0] : tensor<2xi1>
        cf.assert %b, "the index is in range" loc("embed"("model.py":1:1))
        return %x : tensor<2xi1>
      }
    """
    (result,) = interpret(Program.parse(text), [np.array([True, False])])
    assert result.tolist() == [True, False]
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


def call(name: str, callee: str) -> str:
    """Return a private function that calls another one."""
    return f"""
      func.func private @{name}(%x: tensor<2xf32>) -> tensor<2xf32> {{
        %y = call @{callee}(%x) : (tensor<2xf32>) -> tensor<2xf32>
        return %y : tensor<2xf32>
      }}
    """


NETWORK = call("f", "g").replace("private ", "")


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ("func.func private @g(tensor<2xf32>) -> tensor<2xf32>", "calls 'g', which has no body"),
        (call("g", "g"), "calls 'g', which calls itself"),
        (call("g", "h") + call("h", "g"), "calls 'g', which calls itself"),
        (call("g", "f"), "calls 'g', which calls itself"),
    ],
    ids=["declared", "itself", "each-other", "the-network"],
)
def test_calls_that_lead_nowhere(functions: str, words: str) -> None:
    assert words in line_about(NETWORK + functions, np.float32([1, 2]))


REFUSED = {
    "cannot interpret 'linalg.softmax'": (
        "tensor<2xf32>",
        """linalg.softmax dimension(0) ins(%x : tensor<2xf32>)
        outs(%x : tensor<2xf32>) -> tensor<2xf32>""",
    ),
    "cannot interpret 'scf.if'": (
        "tensor<2xf32>",
        """scf.if %b -> tensor<2xf32> { scf.yield %x : tensor<2xf32> }
        else { scf.yield %w : tensor<2xf32> }""",
    ),
    "'tensor.pad' with negative widths": (
        "tensor<3xf32>",
        """tensor.pad %x low[-1] high[2] {
        ^bb0(%i: index):
          tensor.yield %c : f32
        } : tensor<2xf32> to tensor<3xf32>""",
    ),
    "'tensor.pad' with dynamic widths": (
        "tensor<4xf32>",
        """tensor.pad %x low[%n] high[0] {
        ^bb0(%i: index):
          tensor.yield %c : f32
        } : tensor<2xf32> to tensor<4xf32>""",
    ),
    "with the dynamic shape": (
        "tensor<?xf32>",
        "tensor.empty(%n) : tensor<?xf32>",
    ),
    "data is a resource": (
        "tensor<2xf32>",
        "arith.constant dense_resource<w> : tensor<2xf32>",
    ),
    "reads dimension 2 of 1": (
        "index",
        "tensor.dim %x, %n : tensor<2xf32>",
    ),
    "write the same element": (
        "tensor<2xf32>",
        """linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>,
            affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "parallel"]}
            ins(%w : tensor<2xf32>) outs(%x : tensor<2xf32>) {
        ^bb0(%a: f32, %o: f32):
          linalg.yield %a : f32
        } -> tensor<2xf32>""",
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_operations_that_are_refused(words: str) -> None:
    type_, operation = REFUSED[words]
    text = f"""
      func.func @f(%x: tensor<2xf32>, %w: tensor<2xf32>, %m: tensor<index>, %d: tensor<i1>)
          -> {type_} {{
        %c = arith.constant 0.0 : f32
        %n = tensor.extract %m[] : tensor<index>
        %b = tensor.extract %d[] : tensor<i1>
        %y = {operation} loc("head")
        return %y : {type_}
      }}
    """
    x = np.float32([1, 2])
    line = line_about(text, x, x, np.int64(2), np.bool_(True))
    assert line.startswith("head: ") and words in line


TWO_INPUTS = """
  func.func @f(%x: tensor<2xf32>, %n: tensor<2xi32>) -> tensor<2xf32> {
    return %x : tensor<2xf32>
  }
"""


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((np.float32([1, 2]),), "takes 2 inputs (input0, input1), got 1"),
        ((np.float32([1, 2, 3]), np.int32([1, 2])), "'input0' has shape [3]"),
        ((np.float64([1, 2]), np.int32([1, 2])), "'input0' has element type float64"),
        ((np.float32([1, 2]), np.float32([1, 2])), "'input1' has element type float32"),
        (("text", np.int32([1, 2])), "'input0' has shape []"),
        (([[1, 2], [3]], np.int32([1, 2])), "input 0 has no form in numpy"),
    ],
    ids=["count", "shape", "double", "float", "text", "ragged"],
)
def test_inputs_that_do_not_fit(inputs: Any, words: str) -> None:
    assert words in line_about(TWO_INPUTS, *inputs, kind=InputError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("module {}", "0 public functions"),
        ("func.func @f() { return } func.func @g() { return }", "2 public functions"),
        ("func.func @f(%x: tensor<?xf32>) { return }", "not a tensor of fixed shape"),
        ("func.func @f(%x: tensor<2xbf16>) { return }", "type bf16"),
        ("func.func @f(%x: memref<2xf32>) { return }", "buffers such as memref<2xf32>"),
    ],
    ids=["none", "two", "dynamic", "bfloat16", "buffer"],
)
def test_modules_that_are_no_network(text: str, words: str) -> None:
    assert words in line_about(text, np.float32([1, 2]), kind=PatternError)
