"""Packed weights: where each array lies, and that nothing writes to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import Array, Network, activation, executable, noise
from torch_mlir import ir
from torch_mlir.dialects import bufferization

from pattern_mlir.dialects import ActivateOp, AddOp
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.convert_pattern_to_linalg import ConvertPatternToLinalg
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS, PatternPackWeights
from pattern_mlir.pipelines import run
from pattern_mlir.program import Program


def packed(program: Program) -> str:
    """Pack the weights of ``program`` and return its text."""
    run(program, [PatternPackWeights()])
    return program.text()


def test_packed_arrays_are_aligned_whole_and_in_order() -> None:
    program = Program.parse(
        """func.func @f() -> (tensor<3xf32>, tensor<2x2xf64>, tensor<3xi1>, tensor<2xi64>) {
          %a = "pattern.parameter"() {name = "a"} : () -> tensor<3xf32>
          %b = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "b"}
            : () -> tensor<2x2xf64>
          %c = arith.constant dense<[true, false, true]> : tensor<3xi1>
          %d = arith.constant dense<[-1, 2]> : tensor<2xi64>
          return %a, %b, %c, %d : tensor<3xf32>, tensor<2x2xf64>, tensor<3xi1>, tensor<2xi64>
        }"""
    )
    program.parameters.add("b", np.array([[1.0, 2.0], [3.0, 4.0]]))
    program.parameters.add("a", np.array([5, 6, 7], np.float32))
    packed(program)
    weights = program.parameters[WEIGHTS]
    assert weights.ctypes.data % 64 == 0
    assert weights[0:12].view(np.float32).tolist() == [5, 6, 7]
    assert weights[64:96].view(np.float64).tolist() == [3, 4, 1, 2]
    assert weights[128:131].view(np.bool_).tolist() == [True, False, True]
    assert weights[192:208].view(np.int64).tolist() == [-1, 2]
    assert weights.nbytes == 256


def test_the_same_array_is_packed_once_and_another_order_of_it_again() -> None:
    program = Program.parse(
        """func.func @f() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
          %a = "pattern.parameter"() {name = "a"} : () -> tensor<2xf32>
          %b = "pattern.parameter"() {name = "a"} : () -> tensor<2xf32>
          %c = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "a"}
            : () -> tensor<2xf32>
          %d = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
          return %a, %b, %c, %d : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
        }
        func.func @g() -> tensor<2xf32> {
          %d = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
          return %d : tensor<2xf32>
        }"""
    )
    program.parameters.add("a", np.array([5, 6], np.float32))
    packed(program)
    weights = program.parameters[WEIGHTS].view(np.float32).reshape(-1, 16)
    assert weights[:, :2].tolist() == [[5, 6], [6, 5], [1, 2]]


def test_packed_weights_are_never_written() -> None:
    weight = noise(0, 2, 3)
    network = Network(noise(1, 2, 3))

    def build(x: Any) -> Any:
        w = network.parameter(weight)
        return AddOp.build(x, ActivateOp.build(w, activation("relu")).result).result

    program = network.build(build)
    run(program, [ConvertPatternToLinalg(), PatternPackWeights()])
    with program.context, ir.Location.unknown():
        # A nest that would like to write in place of a weight.
        (view,) = walk(program.module.operation, bufferization.ToTensorOp)
        user = next(iter(view.result.uses)).owner.opview
        user.operands[1] = view.result
    native = executable(program)
    before = program.parameters[WEIGHTS].copy()
    native(np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(program.parameters[WEIGHTS], before)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({}, "parameter 'a' is not in the parameter store"),
        ({"a": np.zeros(3, np.float32)}, r"stored with shape \[3\]"),
        ({"a": np.zeros(2, np.float64)}, "stored as float64"),
    ],
)
def test_a_parameter_that_does_not_fit_fails_where_it_stands(
    stored: dict[str, Array], message: str
) -> None:
    program = Program.parse(
        """func.func @f() -> tensor<2xf32> {
          %a = "pattern.parameter"() {name = "a"} : () -> tensor<2xf32>
          return %a : tensor<2xf32>
        }"""
    )
    for name, array in stored.items():
        program.parameters.add(name, array)
    with pytest.raises(ir.MLIRError, match=message) as caught:
        packed(program)
    assert '"-":2:' in str(caught.value)
    assert WEIGHTS not in program.parameters
