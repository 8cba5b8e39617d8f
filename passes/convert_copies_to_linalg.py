"""`convert-copies-to-linalg`: copies of buffers become loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import linalg, memref

from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk


@dataclass(frozen=True)
class ConvertCopiesToLinalg(Pass):
    """Turn every `memref.copy` into `linalg.copy`; drop those of a buffer onto itself.

    A `memref.copy` between strided buffers becomes a call of a function that compiled code does
    not bring along, and one between others a call of memcpy; a `linalg.copy` becomes a loop.

    Before:
        func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
          memref.copy %arg0, %arg1 : memref<4xf32> to memref<4xf32>
          memref.copy %arg1, %arg1 : memref<4xf32> to memref<4xf32>
          return
        }

    After:
        func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
          linalg.copy {cast = #linalg.type_fn<cast_signed>} ins(%arg0 : memref<4xf32>)
            outs(%arg1 : memref<4xf32>)
          return
        }
    """

    name: ClassVar[str] = "convert-copies-to-linalg"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Replace each copy."""
        for op in walk(module, memref.CopyOp):
            if op.source != op.target:
                with op.location, ir.InsertionPoint(op):
                    linalg.copy(op.source, outs=[op.target])
            op.operation.erase()
