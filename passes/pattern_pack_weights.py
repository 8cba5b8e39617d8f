"""`pattern-pack-weights`: all parameters and literals in one block of memory beside the code."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import arith, bufferization, func, memref

from pattern_mlir.dialects import ParameterOp, shape_of
from pattern_mlir.dialects.element_types import numpy_type
from pattern_mlir.modules import is_network
from pattern_mlir.parameters import ALIGNMENT, Array, ParameterStore, aligned_bytes
from pattern_mlir.passes.base import OperationFailure, Pass, walk
from pattern_mlir.passes.buffers import add_buffer_argument, argument_attributes, buffer_role
from pattern_mlir.passes.filters import array_of

WEIGHTS = "pattern.weights"
"""The name of the packed weights in the parameter store."""


@dataclass(frozen=True)
class PatternPackWeights(Pass):
    """Pack parameters and literals into the array `pattern.weights` of the parameter store.

    Each array starts at a multiple of 64 bytes, in the order in which the module names them; the
    same parameter in the same filter order, and the same literal, are stored once. Every public
    function gets the packed bytes as its last argument and reads views of them. Literals of one
    repeated value stay as they are.

    Before:
        func.func @f(%arg0: tensor<1x4xf32>) -> (tensor<2x4xf32>, tensor<2xf32>) {
          %0 = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2x4xf32>}
            : () -> tensor<2x4xf32>
          %cst = arith.constant dense<[0.5, 1.5]> : tensor<2xf32>
          return %0, %cst : tensor<2x4xf32>, tensor<2xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x4xf32>, %arg1: memref<128xi8> {pattern.buffer = "weights"})
            -> (tensor<2x4xf32>, tensor<2xf32>) {
          %c0 = arith.constant 0 : index
          %view = memref.view %arg1[%c0][] : memref<128xi8> to memref<2x4xf32>
          %0 = bufferization.to_tensor %view restrict : memref<2x4xf32> to tensor<2x4xf32>
          %c64 = arith.constant 64 : index
          %view_0 = memref.view %arg1[%c64][] : memref<128xi8> to memref<2xf32>
          %1 = bufferization.to_tensor %view_0 restrict : memref<2xf32> to tensor<2xf32>
          return %0, %1 : tensor<2x4xf32>, tensor<2xf32>
        }
    """

    name: ClassVar[str] = "pattern-pack-weights"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Lay the arrays out, fill the block, then replace each array by a view."""
        functions = [f for f in walk(module, func.FuncOp) if _is_open(f)]
        if not functions:
            return
        packed = {f: [op for op in walk(f, ir.OpView) if _is_packed(op)] for f in functions}
        arrays = {_key(op): op for ops in packed.values() for op in ops}
        offsets, size = {}, 0
        for key, op in arrays.items():
            offsets[key] = size
            size += -(-_byte_count(op) // ALIGNMENT) * ALIGNMENT
        weights = aligned_bytes(size)
        for key, op in arrays.items():
            start = offsets[key]
            target = weights[start : start + _byte_count(op)].view(_numpy_type(op))
            target.reshape(shape_of(op.result))[...] = _array(op, parameters)
        parameters.add(WEIGHTS, weights)
        for function, ops in packed.items():
            argument = add_buffer_argument(function, size, "weights")
            for op in ops:
                _replace_by_view(op, argument, offsets[_key(op)])


def _is_open(function: Any) -> bool:
    """Whether ``function`` is public, has a body, and takes no weights yet."""
    roles = map(buffer_role, argument_attributes(function))
    return is_network(function) and "weights" not in roles


def _is_packed(op: Any) -> bool:
    """Whether ``op`` is a parameter, or a literal of different numbers that numpy can hold."""
    if isinstance(op, ParameterOp):
        return True
    if not isinstance(op, arith.ConstantOp) or not isinstance(op.type, ir.RankedTensorType):
        return False
    known = numpy_type(op.type.element_type) is not None
    return known and isinstance(op.value, ir.DenseElementsAttr) and not op.value.is_splat


def _key(op: Any) -> Hashable:
    """Return what tells the array of ``op`` from others."""
    if isinstance(op, ParameterOp):
        attributes = op.attributes
        element = str(ir.RankedTensorType(op.result.type).element_type)
        return op.parameter_name, attributes.get("filter_order"), attributes.get("value"), element
    literal: Hashable = op.value
    return literal


def _numpy_type(op: Any) -> type[np.generic]:
    element_type = ir.RankedTensorType(op.result.type).element_type
    found = numpy_type(element_type)
    if found is None:
        raise OperationFailure(
            op, f"parameters of type {element_type} cannot be packed; convert the model to float32"
        )
    return found


def _byte_count(op: Any) -> int:
    return int(np.prod(shape_of(op.result), dtype=np.int64)) * np.dtype(_numpy_type(op)).itemsize


def _array(op: Any, parameters: ParameterStore) -> Array:
    if not isinstance(op, ParameterOp):
        return np.array(op.value)
    array = array_of(op, parameters)
    if array.dtype != _numpy_type(op):
        raise OperationFailure(
            op,
            f"parameter '{op.parameter_name}' is stored as {array.dtype}, but the module declares"
            f" {op.result.type}; module and .safetensors do not belong together",
        )
    return array


def _replace_by_view(op: Any, weights: Any, offset: int) -> None:
    type_ = ir.RankedTensorType(op.result.type)
    with ir.InsertionPoint(op), op.location:
        start = arith.constant(ir.IndexType.get(), offset)
        view = memref.view(ir.MemRefType.get(type_.shape, type_.element_type), weights, start, [])
        # Not writable: bufferization must copy what something wants to change in place.
        value = bufferization.to_tensor(type_, view, restrict=True)
    op.result.replace_all_uses_with(value)
    op.operation.erase()
