"""`convert-layers-to-abi`: layer functions take an array of buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import llvm

from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.pattern_outline_layers import LAYERS


@dataclass(frozen=True)
class ConvertLayersToAbi(Pass):
    """Give every layer the signature `void layer(void *const buffers[], int64_t lo, int64_t hi)`.

    A layer loads the addresses of those buffers that it uses.

    Precondition: the LLVM dialect, with bare pointers for buffers.

    Before:
        module attributes {pattern.layers = [@layer_0]} {
          llvm.func @layer_0(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: i64, %arg3: i64) {
            llvm.store %arg2, %arg1 : i64, !llvm.ptr
            llvm.return
          }
        }

    After:
        module attributes {pattern.layers = [@layer_0]} {
          llvm.func @layer_0(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64) {
            %0 = llvm.getelementptr %arg0[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
            %1 = llvm.load %0 : !llvm.ptr -> !llvm.ptr
            llvm.store %arg1, %1 : i64, !llvm.ptr
            llvm.return
          }
        }
    """

    name: ClassVar[str] = "convert-layers-to-abi"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Change the signature of every layer that does not have it yet."""
        layers = {str(name) for name in module.attributes[LAYERS]}
        signature = ir.Type.parse("!llvm.func<void (ptr, i64, i64)>")
        for function in walk(module, llvm.LLVMFuncOp):
            type_ = ir.TypeAttr(function.attributes["function_type"])
            if f"@{ir.StringAttr(function.attributes['sym_name']).value}" not in layers:
                continue
            if type_.value != signature:
                _convert(function, signature)


def _convert(function: Any, signature: Any) -> None:
    block = function.regions[0].blocks[0]
    old = list(block.arguments)
    pointer, i64 = ir.Type.parse("!llvm.ptr"), ir.IntegerType.get_signless(64)
    with function.location:
        buffers, *bounds = (
            block.add_argument(type_, function.location) for type_ in (pointer, i64, i64)
        )
        for argument, bound in zip(old[-2:], bounds, strict=True):
            argument.replace_all_uses_with(bound)
        with ir.InsertionPoint.at_block_begin(block):
            for index, argument in enumerate(old[:-2]):
                if any(True for _ in argument.uses):
                    address = llvm.GEPOp(pointer, buffers, [], [index], pointer, 0).result
                    argument.replace_all_uses_with(llvm.LoadOp(pointer, address).result)
    for index in reversed(range(len(old))):
        block.erase_argument(index)
    function.attributes["function_type"] = ir.TypeAttr.get(signature)
    for name in ("arg_attrs", "res_attrs"):
        if name in function.attributes:
            del function.attributes[name]
