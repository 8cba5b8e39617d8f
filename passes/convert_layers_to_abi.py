"""`convert-layers-to-abi`: layer functions take an array of buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import llvm

from pattern_mlir.errors import PassFailure
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, walk
from pattern_mlir.passes.pattern_outline_layers import LAYERS


@dataclass(frozen=True)
class ConvertLayersToAbi(Pass):
    """Give every layer the signature `void layer(void *const buffers[], int64_t lo, int64_t hi)`.

    A layer loads the addresses of those buffers that it uses. Where the ABI reserves a register for
    the frame pointer, as that of AArch64 does, all functions leave it alone (`frame-pointer`): so
    profilers find callers.

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
    frame_pointer: bool = False

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Change the signature of every layer that does not have it yet."""
        if LAYERS not in module.attributes:
            raise PassFailure("the module has no layers; run pattern-outline-layers before")
        signature = ir.Type.parse("!llvm.func<void (ptr, i64, i64)>")
        functions = {f"@{f.attributes['sym_name'].value}": f for f in walk(module, llvm.LLVMFuncOp)}
        for name in map(str, module.attributes[LAYERS]):
            if name not in functions:
                raise PassFailure(f"layer {name} is no llvm.func; run convert-func-to-llvm before")
            if ir.TypeAttr(functions[name].attributes["function_type"]).value != signature:
                _convert(functions[name], signature)
        if self.frame_pointer:
            kept = ir.Attribute.parse('#llvm.framePointerKind<"non-leaf">')
            for function in functions.values():
                if len(function.regions[0].blocks):
                    function.attributes["frame_pointer"] = kept


def _convert(function: Any, signature: Any) -> None:
    block = function.regions[0].blocks[0]
    old = list(block.arguments)
    pointer, i64 = ir.Type.parse("!llvm.ptr"), ir.IntegerType.get_signless(64)
    types = [argument.type for argument in old]
    if types != [*[pointer] * (len(old) - 2), i64, i64]:
        raise OperationFailure(
            function,
            "takes no bare pointers and two bounds;"
            " run convert-func-to-llvm{use-bare-ptr-memref-call-conv=1}",
        )
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
