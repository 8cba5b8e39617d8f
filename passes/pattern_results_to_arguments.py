"""`pattern-results-to-arguments`: the network writes its results into buffers of its caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import func, memref

from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, only_block
from pattern_mlir.passes.buffers import argument_attributes


@dataclass(frozen=True)
class PatternResultsToArguments(Pass):
    """Give the network an argument for each result, behind the others.

    A buffer that is allocated and returned, maybe in another shape, is replaced by the argument;
    another one is copied.
    Calls stay as they are: upstream's `buffer-results-to-out-params` would drop what is written on
    them.

    Precondition: bufferization.

    Before:
        func.func @forward(%arg0: memref<4xf32>) -> (memref<4xf32> {pattern.name = "y"}) {
          %alloc = memref.alloc() : memref<4xf32>
          memref.copy %arg0, %alloc : memref<4xf32> to memref<4xf32>
          return %alloc : memref<4xf32>
        }

    After:
        func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32> {pattern.name = "y"}) {
          memref.copy %arg0, %arg1 : memref<4xf32> to memref<4xf32>
          return
        }
    """

    name: ClassVar[str] = "pattern-results-to-arguments"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Add the arguments, then return nothing."""
        function = forward_function(module)
        types = list(function.type.results)
        if not types:
            return
        block = only_block(function)
        *_, terminator = block.operations
        attributes = argument_attributes(function)
        known = function.attributes.get("res_attrs", [ir.DictAttr.get({})] * len(types))
        with terminator.location, ir.InsertionPoint(terminator):
            for value in list(terminator.operation.operands):
                _write(value, block.add_argument(value.type, terminator.location), block)
            func.ReturnOp([])
        terminator.operation.erase()
        function.attributes["arg_attrs"] = ir.ArrayAttr.get([*attributes, *known])
        function.attributes["function_type"] = ir.TypeAttr.get(
            ir.FunctionType.get([*function.type.inputs, *types], [])
        )
        if "res_attrs" in function.attributes:
            del function.attributes["res_attrs"]


def _write(value: Any, argument: Any, block: Any) -> None:
    """Let ``argument`` hold what ``value`` does."""
    producer = _producer(value)
    if isinstance(producer, memref.ExpandShapeOp):
        buffer = producer.operation.operands[0]
        if _is_allocated(buffer, block):
            with ir.InsertionPoint.at_block_begin(block):
                groups = producer.operation.attributes["reassociation"]
                collapsed = memref.CollapseShapeOp(buffer.type, argument, groups).result
            value.replace_all_uses_with(argument)
            producer.operation.erase()
            _replace(buffer, collapsed)
            return
    if _is_allocated(value, block):
        _replace(value, argument)
    else:
        memref.CopyOp(value, argument)


def _producer(value: Any) -> Any:
    return None if isinstance(value.owner, ir.Block) else value.owner.opview


def _is_allocated(value: Any, block: Any) -> bool:
    producer = _producer(value)
    return isinstance(producer, memref.AllocOp) and producer.operation.block == block


def _replace(buffer: Any, other: Any) -> None:
    allocation = buffer.owner
    buffer.replace_all_uses_with(other)
    allocation.erase()
