"""`pattern-pack-weights`: all parameters and literals in one block of memory beside the code."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, bufferization, func, memref

from pattern_mlir.dialects import ParameterOp, shape_of
from pattern_mlir.errors import ParameterError
from pattern_mlir.parameters import Array, ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, walk

WEIGHTS = "pattern.weights"
"""The name of the packed weights in the parameter store."""

BUFFER = "pattern.buffer"
"""Argument attribute: what a function's buffer argument holds."""

ALIGNMENT = 64
"""Bytes: a cache line, and a vector of every target."""

_NUMPY_TYPES: dict[str, type[np.generic]] = {
    "index": np.int64,
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "i1": np.bool_,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
}


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
        weights = _aligned_bytes(size)
        for key, op in arrays.items():
            start = offsets[key]
            target = weights[start : start + _byte_count(op)].view(_numpy_type(op))
            target.reshape(shape_of(op.result))[...] = _array(op, parameters)
        parameters.add(WEIGHTS, weights)
        for function, ops in packed.items():
            argument = _add_argument(function, size)
            for op in ops:
                _replace_by_view(op, argument, offsets[_key(op)])


def _is_open(function: Any) -> bool:
    """Whether ``function`` is public, has a body, and takes no weights yet."""
    known = function.attributes.get("arg_attrs", [])
    return (
        "sym_visibility" not in function.attributes
        and not function.is_external
        and not any(BUFFER in attributes for attributes in known)
    )


def _is_packed(op: Any) -> bool:
    """Whether ``op`` is a parameter, or a literal of different numbers that numpy can hold."""
    if isinstance(op, ParameterOp):
        return True
    if not isinstance(op, arith.ConstantOp) or not isinstance(op.type, ir.RankedTensorType):
        return False
    known = str(op.type.element_type) in _NUMPY_TYPES
    return known and isinstance(op.value, ir.DenseElementsAttr) and not op.value.is_splat


def _key(op: Any) -> Hashable:
    """Return what tells the array of ``op`` from others."""
    if isinstance(op, ParameterOp):
        attributes = op.attributes
        return op.parameter_name, attributes.get("filter_order"), attributes.get("value")
    literal: Hashable = op.value
    return literal


def _numpy_type(op: Any) -> type[np.generic]:
    element_type = str(ir.RankedTensorType(op.result.type).element_type)
    if element_type not in _NUMPY_TYPES:
        raise OperationFailure(
            op, f"parameters of type {element_type} cannot be packed; convert the model to float32"
        )
    return _NUMPY_TYPES[element_type]


def _byte_count(op: Any) -> int:
    return int(np.prod(shape_of(op.result), dtype=np.int64)) * np.dtype(_numpy_type(op)).itemsize


def _array(op: Any, parameters: ParameterStore) -> Array:
    if not isinstance(op, ParameterOp):
        return np.array(op.value)
    try:
        array: Array = op.array(parameters)
    except ParameterError as error:
        raise OperationFailure(op, str(error)) from None
    if array.dtype != _numpy_type(op):
        raise OperationFailure(
            op,
            f"parameter '{op.parameter_name}' is stored as {array.dtype}, but the module declares"
            f" {op.result.type}; module and .safetensors do not belong together",
        )
    return array


def _aligned_bytes(size: int) -> npt.NDArray[np.uint8]:
    """Return ``size`` zeros that start at a multiple of `ALIGNMENT` in memory."""
    block = np.zeros(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size]


def _add_argument(function: Any, size: int) -> Any:
    """Add the argument for ``size`` bytes of weights and return it."""
    type_ = ir.MemRefType.get([size], ir.IntegerType.get_signless(8))
    argument = function.entry_block.add_argument(type_, function.location)
    inputs, results = function.type.inputs, function.type.results
    known = function.attributes.get("arg_attrs", [ir.DictAttr.get({})] * len(inputs))
    function.attributes["function_type"] = ir.TypeAttr.get(
        ir.FunctionType.get([*inputs, type_], results)
    )
    own = ir.DictAttr.get({BUFFER: ir.StringAttr.get("weights")})
    function.attributes["arg_attrs"] = ir.ArrayAttr.get([*known, own])
    return argument


def _replace_by_view(op: Any, weights: Any, offset: int) -> None:
    type_ = ir.RankedTensorType(op.result.type)
    with ir.InsertionPoint(op), op.location:
        start = arith.constant(ir.IndexType.get(), offset)
        view = memref.view(ir.MemRefType.get(type_.shape, type_.element_type), weights, start, [])
        # Not writable: bufferization must copy what something wants to change in place.
        value = bufferization.to_tensor(type_, view, restrict=True)
    op.result.replace_all_uses_with(value)
    op.operation.erase()
