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
    """Copy a value that the network returns again; promise that buffers hold one tensor each.

    Every result becomes a buffer of the caller's, so no two can be one value. The buffers that
    tensors are read from (`bufferization.to_tensor`) are those of torch-mlir's sorts and scans,
    which make a new one each: `restrict` says so.

    Before:
        func.func @forward(%arg0: memref<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = bufferization.to_tensor %arg0 : memref<4xf32> to tensor<4xf32>
          return %0, %0 : tensor<4xf32>, tensor<4xf32>
        }

    After:
        func.func @forward(%arg0: memref<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = bufferization.to_tensor %arg0 restrict : memref<4xf32> to tensor<4xf32>
          %1 = bufferization.alloc_tensor() copy(%0) : tensor<4xf32>
          return %0, %1 : tensor<4xf32>, tensor<4xf32>
        }
    """

    name: ClassVar[str] = "pattern-prepare-buffers"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Mark each buffer, then copy before the return what stands in it already."""
        for op in walk(module, bufferization.ToTensorOp):
            op.attributes["restrict"] = ir.UnitAttr.get()
        *_, terminator = only_block(forward_function(module)).operations
        results = terminator.operation.operands
        seen: set[Any] = set()
        for position, value in enumerate(results):
            if value in seen and isinstance(value.type, ir.RankedTensorType):
                with terminator.location, ir.InsertionPoint(terminator):
                    copy = bufferization.AllocTensorOp(value.type, [], copy=value)
                results[position] = copy.result
            seen.add(value)
