"""`pattern-prepare-buffers`: what bufferization asks of a network on tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import bufferization

from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, only_block, walk


@dataclass(frozen=True)
class PatternPrepareBuffers(Pass):
    """Copy a value that the network returns again; promise what bufferization cannot see.

    Every result becomes a buffer of the caller's, so no two can be one value. The buffers that
    tensors are read from (`bufferization.to_tensor`) are those of torch-mlir's sorts and scans,
    which make a new one each: `restrict` says so. What reads a tensor as a buffer
    (`bufferization.to_buffer`) asks for it where it reads: bufferization sees no later use, and
    would let an operation in between write to the buffer.

    Before:
        func.func @forward(%arg0: memref<4xf32>, %arg1: tensor<4xf32>, %arg2: f32)
            -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = bufferization.to_buffer %arg1 : tensor<4xf32> to memref<4xf32>
          %1 = linalg.fill ins(%arg2 : f32) outs(%arg1 : tensor<4xf32>) -> tensor<4xf32>
          memref.copy %0, %arg0 : memref<4xf32> to memref<4xf32>
          %2 = bufferization.to_tensor %arg0 : memref<4xf32> to tensor<4xf32>
          return %2, %2 : tensor<4xf32>, tensor<4xf32>
        }

    After:
        func.func @forward(%arg0: memref<4xf32>, %arg1: tensor<4xf32>, %arg2: f32) ->
          (tensor<4xf32>, tensor<4xf32>) {
          %0 = linalg.fill ins(%arg2 : f32) outs(%arg1 : tensor<4xf32>) -> tensor<4xf32>
          %1 = bufferization.to_buffer %arg1 : tensor<4xf32> to memref<4xf32>
          memref.copy %1, %arg0 : memref<4xf32> to memref<4xf32>
          %2 = bufferization.to_tensor %arg0 restrict : memref<4xf32> to tensor<4xf32>
          %3 = bufferization.alloc_tensor() copy(%2) : tensor<4xf32>
          return %2, %3 : tensor<4xf32>, tensor<4xf32>
        }
    """

    name: ClassVar[str] = "pattern-prepare-buffers"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Mark buffers, ask for them where they are read, copy before the return what is in one."""
        for op in walk(module, bufferization.ToTensorOp):
            op.attributes["restrict"] = ir.UnitAttr.get()
        for op in walk(module, bufferization.ToBufferOp):
            _ask_where_it_is_read(op)
        *_, terminator = only_block(forward_function(module)).operations
        results = terminator.operation.operands
        seen: set[Any] = set()
        for position, value in enumerate(results):
            if value in seen and isinstance(value.type, ir.RankedTensorType):
                with terminator.location, ir.InsertionPoint(terminator):
                    copy = bufferization.AllocTensorOp(value.type, [], copy=value)
                results[position] = copy.result
            seen.add(value)


def _ask_where_it_is_read(to_buffer: Any) -> None:
    """Give each user of ``to_buffer`` one of its own, right before it."""
    for use in list(to_buffer.result.uses):
        with use.owner.location, ir.InsertionPoint(use.owner):
            own = to_buffer.operation.clone()
        use.owner.operation.operands[use.operand_number] = own.results[0]
    to_buffer.operation.erase()
