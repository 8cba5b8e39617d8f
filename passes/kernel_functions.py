"""What builders of kernels share: private functions on buffers, constants, vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, vector


@dataclass(frozen=True)
class PlaneKernel:
    """A kernel that goes plane by plane, without tiles.

    Attributes:
        planes: how many there are, which threads share.
        lanes: of a vector.
    """

    planes: int
    lanes: int

    @property
    def tile(self) -> str:
        """Nothing is cut into tiles."""
        return ""

    @property
    def units(self) -> int:
        """Planes, which threads share."""
        return self.planes


class FunctionBuilder:
    """Builds private functions whose arguments are buffers that do not overlap, and numbers."""

    def __init__(self, lanes: int) -> None:
        """Use vectors of ``lanes`` f32."""
        self.index, self.f32 = ir.IndexType.get(), ir.F32Type.get()
        self.vector = ir.VectorType.get([lanes], self.f32)
        self.entry: Any = None
        self._constants: dict[int, Any] = {}

    def function(self, name: str, types: list[Any]) -> Any:
        """Start a function; return the insertion point in it."""
        function = func.FuncOp(name, (types, []), visibility="private")
        # One body of code for all callers: the hot loops are large.
        function.attributes["llvm.no_inline"] = ir.UnitAttr.get()
        # LLVM must not make calls of memset or memcpy out of loops: libm is the only import.
        function.attributes["llvm.passthrough"] = ir.ArrayAttr.get(
            [ir.StringAttr.get("no-builtins")]
        )
        alias = ir.DictAttr.get({"llvm.noalias": ir.UnitAttr.get()})
        function.arg_attrs = [
            alias if isinstance(type_, ir.MemRefType) else ir.DictAttr.get({}) for type_ in types
        ]
        self.entry = function.add_entry_block()
        self._constants = {}
        return ir.InsertionPoint(self.entry)

    def constant(self, value: int) -> Any:
        """Return an index constant, one a function and value."""
        if value not in self._constants:
            with ir.InsertionPoint.at_block_begin(self.entry):
                self._constants[value] = arith.constant(self.index, value)
        return self._constants[value]

    def splat(self, number: float) -> Any:
        """Build a vector of ``number`` in all lanes."""
        element = ir.FloatAttr.get(self.f32, number)
        return arith.constant(self.vector, ir.DenseElementsAttr.get_splat(self.vector, element))

    def load_index(self, table: Any, indices: list[Any]) -> Any:
        """Build the unsigned entry of ``table`` as an index."""
        return arith.index_castui(self.index, memref.load(table, indices))

    def load_vector(self, buffer: Any, indices: list[Any], alignment: int = 4) -> Any:
        """Build the vector that starts at ``indices``, at a multiple of ``alignment`` bytes."""
        return vector.load(self.vector, buffer, indices, alignment=alignment)
