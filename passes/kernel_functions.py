"""What builders of kernels share: private functions on buffers, constants, vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, vector

from pattern_mlir.passes.linalg_builders import Scalar

ELEMENT_BYTES: Mapping[str, int] = MappingProxyType({"f16": 2, "f32": 4})
"""Bytes of the element types that kernels read and write; they compute in f32."""


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
        self.index, self.f32, self.f16 = ir.IndexType.get(), ir.F32Type.get(), ir.F16Type.get()
        self.vector = ir.VectorType.get([lanes], self.f32)
        self.half_vector = ir.VectorType.get([lanes], self.f16)
        self.entry: Any = None
        self._constants: dict[int, Any] = {}

    def scratch_types(self) -> list[Any]:
        """Return the types of buffers before the result's that only the kernel itself uses."""
        return []

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

    def element(self, name: str) -> Any:
        """Return the element type ``name``, a key of `ELEMENT_BYTES`."""
        return {"f16": self.f16, "f32": self.f32}[name]

    def splat(self, number: float, type_: Any = None) -> Any:
        """Build a vector of ``number`` in all lanes, of f32 or of ``type_``."""
        type_ = type_ or self.vector
        element = ir.FloatAttr.get(type_.element_type, number)
        return arith.constant(type_, ir.DenseElementsAttr.get_splat(type_, element))

    def load_index(self, table: Any, indices: list[Any]) -> Any:
        """Build the unsigned entry of ``table`` as an index."""
        return arith.index_castui(self.index, memref.load(table, indices))

    def load_scalar(self, buffer: Any, indices: list[Any]) -> Any:
        """Build the element at ``indices`` in f32."""
        return Scalar(memref.load(buffer, indices)).widened().value

    def store_scalar(self, value: Any, buffer: Any, indices: list[Any]) -> None:
        """Build the store of ``value`` in the buffer's element type."""
        memref.store(Scalar(value).as_type(buffer.type.element_type).value, buffer, indices)

    def load_stored(self, buffer: Any, indices: list[Any], aligned: bool = False) -> Any:
        """Build the vector that starts at ``indices`` in the buffer's element type."""
        half = buffer.type.element_type == self.f16
        type_ = self.half_vector if half else self.vector
        alignment = vector_alignment(type_, aligned)
        return vector.load(type_, buffer, indices, alignment=alignment)

    def load_vector(self, buffer: Any, indices: list[Any], aligned: bool = False) -> Any:
        """Build the vector that starts at ``indices``, in f32.

        ``aligned``: it starts at a multiple of its size.
        """
        return Scalar(self.load_stored(buffer, indices, aligned)).as_type(self.vector).value

    def stored(self, value: Any, buffer: Any) -> Any:
        """Build the vector ``value`` in the element type of ``buffer``."""
        half = buffer.type.element_type == self.f16
        return Scalar(value).as_type(self.half_vector if half else self.vector).value

    def store_vector(
        self, value: Any, buffer: Any, indices: list[Any], aligned: bool = False
    ) -> None:
        """Build the store of a vector, in the element type of ``buffer``."""
        value = self.stored(value, buffer)
        vector.store(value, buffer, indices, alignment=vector_alignment(value.type, aligned))

    def gather(self, buffer: Any, origin: list[Any], positions: Any, known: Any, fill: Any) -> Any:
        """Build the vector of elements ``positions`` behind ``origin``, in f32.

        Where ``known``, a vector of i1, is false, it holds that of ``fill``. Processors gather no
        elements of two bytes: those are loaded one by one.
        """
        if buffer.type.element_type == self.f32:
            return vector.gather(self.vector, buffer, origin, positions, known, fill)
        zero = arith.constant(
            positions.type,
            ir.DenseElementsAttr.get_splat(
                positions.type, ir.IntegerAttr.get(positions.type.element_type, 0)
            ),
        )
        places = arith.maxsi(positions, zero)
        values = self.splat(0.0, self.half_vector)
        for lane in range(self.vector.shape[0]):
            place = arith.index_cast(self.index, vector.extract(places, [], [lane]))
            element = memref.load(buffer, [*origin[:-1], arith.addi(origin[-1], place)])
            values = vector.insert(element, values, [], [lane])
        return arith.select(known, Scalar(values).as_type(self.vector).value, fill)


def vector_alignment(type_: Any, aligned: bool) -> int:
    """Return the bytes of which a vector's address is a multiple: of its size if ``aligned``."""
    size = ELEMENT_BYTES[str(type_.element_type)]
    return size * (type_.shape[0] if aligned else 1)
