"""Builds functions that a GPU runs: arithmetic on indices, slots of pixels, loops, branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, gpu, memref, scf, vector

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.passes.convert_math_to_polynomials import WITH_NATIVE_EXP, expand_functions
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import Scalar

ABI = "spirv.entry_point_abi"
"""Attribute of a kernel: its workgroup's size."""

PUSH_CONSTANTS = "push_constants"
"""The global variable of a kernel's push constants."""

Number = Any
"""An index: a Python integer that is known when compiling, or a value."""


@dataclass(frozen=True)
class Storage:
    """How the slots of a layout are seen in a buffer.

    Attributes:
        pixels: of a slot.
        half: whether they are f16.
        native: whether f16 is loaded as such, which needs capabilities; else two come in a word.
    """

    pixels: int
    half: bool
    native: bool

    @classmethod
    def of(cls, layout: BlockLayout | None, native: bool) -> Storage:
        """Return how tensors in ``layout`` are stored; plain ones are f32."""
        if layout is None:
            return cls(1, False, False)
        # Vectors of 8 do not exist in SPIR-V's core.
        return cls(layout.pixels, layout.half, native and layout.half and layout.pixels <= 4)

    @property
    def words(self) -> int:
        """Words of a slot."""
        return self.pixels // 2 if self.half else self.pixels

    def type(self) -> Any:
        """Return the element type of a buffer of slots."""
        if self.native:
            return ir.VectorType.get([self.pixels], ir.F16Type.get())
        scalar = ir.IntegerType.get_signless(32) if self.half else ir.F32Type.get()
        return ir.VectorType.get([self.words], scalar) if self.words > 1 else scalar


class KernelBuilder:
    """Builds one kernel, `gpu.func @main`, in a `gpu.module` of its own."""

    def __init__(self, storages: Sequence[Storage | Any], invocations: int, pushes: int) -> None:
        """Start a kernel.

        Args:
            storages: of each buffer, its `Storage` or the type of its elements.
            invocations: of a workgroup.
            pushes: how many push constants it reads.
        """
        self.index, self.f32 = ir.IndexType.get(), ir.F32Type.get()
        self.i32 = ir.IntegerType.get_signless(32)
        self._storages = list(storages)
        self._pushes = pushes
        self._constants: dict[Any, Any] = {}
        self._positions: dict[int, Any] = {}
        self._calls_functions = False
        self.module = gpu.GPUModuleOp("kernel", ip=False)
        body = self.module.regions[0].blocks.append()
        dynamic = ir.ShapedType.get_dynamic_size()
        types = [
            ir.MemRefType.get([dynamic], s.type() if isinstance(s, Storage) else s)
            for s in storages
        ]
        with ir.InsertionPoint(body):
            if pushes:
                self._declare_push_constants()
            function = gpu.GPUFuncOp(ir.TypeAttr.get(ir.FunctionType.get(types, [])), "main")
        function.attributes["gpu.kernel"] = ir.UnitAttr.get()
        function.attributes[ABI] = ir.Attribute.parse(
            f"#spirv.entry_point_abi<workgroup_size = [{invocations}, 1, 1]>"
        )
        self.entry = function.regions[0].blocks.append(*types)
        self.invocations = invocations

    def _push_type(self) -> Any:
        members = ", ".join(f"i32 [{4 * index}]" for index in range(self._pushes))
        return ir.Type.parse(f"!spirv.ptr<!spirv.struct<({members}), Block>, PushConstant>")

    def _declare_push_constants(self) -> None:
        ir.Operation.create(
            "spirv.GlobalVariable",
            attributes={
                "sym_name": ir.StringAttr.get(PUSH_CONSTANTS),
                "type": ir.TypeAttr.get(self._push_type()),
            },
        )

    @contextmanager
    def body(self) -> Iterator[None]:
        """Insert into the kernel; end it afterwards, with what SPIR-V has no function for."""
        with ir.InsertionPoint(self.entry):
            yield
            gpu.ReturnOp([])
        if self._calls_functions:
            expand_functions(self.module, WITH_NATIVE_EXP)

    # Indices. Integers are folded, so that addresses hold constants wherever they can.

    def value(self, number: Number) -> Any:
        """Return ``number`` as a value; constants stand at the kernel's start, once each."""
        return self._constant(number, self.index, arith.constant) if _known(number) else number

    def _constant(self, number: Any, type_: Any, build: Callable[[Any, Any], Any]) -> Any:
        key = (number, str(type_))
        if key not in self._constants:
            with ir.InsertionPoint.at_block_begin(self.entry):
                self._constants[key] = build(type_, number)
        return self._constants[key]

    def real(self, number: float) -> Any:
        """Return ``number`` as an f32."""
        return self._constant(float(number), self.f32, arith.constant)

    def half(self, number: float) -> Any:
        """Return ``number`` as an f16."""
        return self._constant(float(number), ir.F16Type.get(), arith.constant)

    def word(self, number: int) -> Any:
        """Return ``number`` as an i32."""
        return self._constant(number, self.i32, arith.constant)

    def add(self, *terms: Number) -> Number:
        """Build a sum."""
        total = sum(term for term in terms if _known(term))
        result: Number = None
        for term in (t for t in terms if not _known(t)):
            result = term if result is None else _build("arith.addi", self.index, result, term)
        if result is None:
            return total
        return _build("arith.addi", self.index, result, self.value(total)) if total else result

    def subtract(self, a: Number, b: Number) -> Number:
        """Build a difference, which may be negative."""
        if _known(b):
            return self.add(a, -b)
        return arith.subi(self.value(a), self.value(b))

    def multiply(self, a: Number, b: Number) -> Number:
        """Build a product."""
        if _known(a):
            a, b = b, a
        if _known(a):
            return a * b
        if _known(b) and b in (0, 1):
            return a if b else 0
        return _build("arith.muli", self.index, a, self.value(b))

    def split(self, number: Number, size: int) -> tuple[Number, Number]:
        """Build quotient and remainder of a number that is not negative."""
        if _known(number):
            quotient, rest = divmod(number, size)
            return quotient, rest
        if size == 1:
            return number, 0
        return (
            arith.divui(number, self.value(size)),
            arith.remui(number, self.value(size)),
        )

    def minimum(self, a: Number, b: Number) -> Number:
        """Build the smaller of two numbers that are not negative."""
        if _known(a) and _known(b):
            return min(a, b)
        return arith.minui(self.value(a), self.value(b))

    def below(self, number: Number, limit: Number) -> Any:
        """Build whether 0 <= ``number`` < ``limit``; a constant where both are known."""
        if _known(number) and _known(limit):
            return self.truth(0 <= number < limit)
        return arith.cmpi(arith.CmpIPredicate.ult, self.value(number), self.value(limit))

    def truth(self, value: bool) -> Any:
        """Return a constant truth."""
        return self._constant(int(value), ir.IntegerType.get_signless(1), arith.constant)

    def both(self, *conditions: Any) -> Any:
        """Build whether all ``conditions`` hold."""
        result = conditions[0]
        for condition in conditions[1:]:
            result = arith.andi(result, condition)
        return result

    def select(self, condition: Any, a: Any, b: Any) -> Any:
        """Build ``a`` where ``condition`` holds, else ``b``; both f32, or both indices."""
        if _known(a) or _known(b):
            a, b = self.value(a), self.value(b)
        return arith.select(condition, a, b)

    # What an invocation is.

    def invocation(self) -> Any:
        """Return the number of this invocation in its workgroup."""
        return gpu.thread_id(gpu.Dimension.x)

    def group(self, dimension: str) -> Any:
        """Return the workgroup's number in a dimension, `x`, `y` or `z`."""
        return gpu.block_id(getattr(gpu.Dimension, dimension))

    def push_constant(self, position: int) -> Any:
        """Return a push constant as an index; it is read once, at the kernel's start."""
        return self._constant(position, self._push_type(), self._read_push_constant)

    def _read_push_constant(self, type_: Any, position: int) -> Any:
        pointer = ir.Operation.create(
            "spirv.mlir.addressof",
            results=[type_],
            attributes={"variable": ir.FlatSymbolRefAttr.get(PUSH_CONSTANTS)},
        ).result
        number = ir.Operation.create(
            "spirv.Constant",
            results=[self.i32],
            attributes={"value": ir.IntegerAttr.get(self.i32, position)},
        ).result
        member = ir.Operation.create(
            "spirv.AccessChain",
            results=[ir.Type.parse("!spirv.ptr<i32, PushConstant>")],
            operands=[pointer, number],
        ).result
        word = ir.Operation.create("spirv.Load", results=[self.i32], operands=[member]).result
        return arith.index_castui(self.index, word)

    # Memory.

    def load(self, buffer: int, index: Number) -> Any:
        """Build the load of an element of a buffer."""
        return memref.load(self.entry.arguments[buffer], [self.value(index)])

    def store(self, value: Any, buffer: int, index: Number) -> None:
        """Build the store of an element to a buffer."""
        memref.store(value, self.entry.arguments[buffer], [self.value(index)])

    def pixels(self, buffer: int, slot: Any) -> list[Any]:
        """Build the pixels, f32, of a slot that was loaded from ``buffer``."""
        storage = self._storages[buffer]
        if not storage.half:
            return [slot] if storage.pixels == 1 else self.elements(slot)
        if storage.native:
            wide = ir.VectorType.get([storage.pixels], self.f32)
            return self.elements(arith.extf(wide, slot))
        words = [slot] if storage.words == 1 else self.elements(slot)
        return [pixel for word in words for pixel in self.unpack(word)]

    def halves(self, buffer: int, slot: Any) -> list[Any]:
        """Build the pixels, f16, of a slot of f16 that was loaded from ``buffer``."""
        storage = self._storages[buffer]
        if storage.native:
            return self.elements(slot)
        words = [slot] if storage.words == 1 else self.elements(slot)
        return [pixel for word in words for pixel in self.halves_of(word)]

    def halves_of(self, word: Any) -> list[Any]:
        """Build the two f16 that a word holds."""
        pair = ir.VectorType.get([2], ir.F16Type.get())
        one = ir.VectorType.get([1], self.i32)
        return self.elements(vector.bitcast(pair, vector.from_elements(one, [word])))

    def slot(self, buffer: int, pixels: Sequence[Any]) -> Any:
        """Build a slot of ``buffer`` out of ``pixels``, f32."""
        storage = self._storages[buffer]
        if not storage.half:
            return (
                pixels[0] if storage.pixels == 1 else vector.from_elements(storage.type(), pixels)
            )
        if storage.native:
            wide = ir.VectorType.get([storage.pixels], self.f32)
            # A folded constant of f16 would need the capability to compute with f16.
            return ir.Operation.create(
                "spirv.FConvert",
                results=[storage.type()],
                operands=[vector.from_elements(wide, pixels)],
            ).result
        pair = ir.VectorType.get([2], self.f32)
        words = [
            ir.Operation.create(
                "spirv.GL.PackHalf2x16",
                results=[self.i32],
                operands=[vector.from_elements(pair, pixels[index : index + 2])],
            ).result
            for index in range(0, storage.pixels, 2)
        ]
        return words[0] if len(words) == 1 else vector.from_elements(storage.type(), words)

    def elements(self, value: Any) -> list[Any]:
        """Build the elements of a vector."""
        type_ = ir.VectorType(value.type)
        element = type_.element_type
        return [
            _build("vector.extract", element, value, static_position=self._position(index))
            for index in range(type_.shape[0])
        ]

    def _position(self, index: int) -> Any:
        """Return the attribute of a position in a vector."""
        if index not in self._positions:
            self._positions[index] = ir.DenseI64ArrayAttr.get([index])
        return self._positions[index]

    def unpack(self, word: Any) -> list[Any]:
        """Build the two f32 that a word holds as f16."""
        pair = ir.VectorType.get([2], self.f32)
        return self.elements(_build("spirv.GL.UnpackHalf2x16", pair, word))

    def as_real(self, word: Any) -> Any:
        """Build the f32 of a word's bits."""
        return arith.bitcast(self.f32, word)

    def as_index(self, word: Any) -> Any:
        """Build the index that a word holds."""
        return arith.index_castui(self.index, word)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Build a * b + c."""
        return _build("math.fma", c.type, a, b, c)

    def activated(self, activation: Any, value: Any) -> Any:
        """Build the `ActivationAttr` ``activation`` (None: identity) of ``value``."""
        result = activated(activation, Scalar(value)).value
        self._calls_functions |= _is_called_between(value, result)
        return result

    # Control.

    def loop(
        self,
        lower: Number,
        upper: Number,
        step: Number,
        values: Sequence[Any],
        body: Callable[[Any, list[Any]], Sequence[Any]],
    ) -> list[Any]:
        """Build a loop that takes ``values`` through ``body``; return what they become."""
        bounds = [self.value(number) for number in (lower, upper, step)]
        loop = scf.ForOp(*bounds, list(values))
        with ir.InsertionPoint(loop.body):
            scf.YieldOp(list(body(loop.induction_variable, list(loop.inner_iter_args))))
        return list(loop.results)

    @contextmanager
    def where(self, condition: Any) -> Iterator[None]:
        """Insert what runs where ``condition`` holds."""
        branch = scf.IfOp(condition)
        with ir.InsertionPoint(branch.then_block):
            yield
            scf.YieldOp([])

    def either(
        self, condition: Any, then: Callable[[], None], otherwise: Callable[[], None]
    ) -> None:
        """Build ``then`` where ``condition`` holds, else ``otherwise``."""
        branch = scf.IfOp(condition, has_else=True)
        for block, build in ((branch.then_block, then), (branch.else_block, otherwise)):
            with ir.InsertionPoint(block):
                build()
                scf.YieldOp([])

    def switch(
        self,
        number: Any,
        values: Sequence[Any],
        cases: Sequence[Callable[[], Sequence[Any]]],
    ) -> list[Any]:
        """Build case i where ``number`` is i + 1; else ``values`` stay as they are."""
        types = [value.type for value in values]
        operation = ir.Operation.create(
            "scf.index_switch",
            results=types,
            operands=[number],
            attributes={"cases": ir.DenseI64ArrayAttr.get(range(1, len(cases) + 1))},
            regions=1 + len(cases),
        )
        for region, build in zip(operation.regions, [lambda: values, *cases], strict=True):
            with ir.InsertionPoint(region.blocks.append()):
                scf.YieldOp(list(build()))
        return list(operation.results)


def _build(name: str, type_: Any, *operands: Any, **attributes: Any) -> Any:
    """Build an operation with one result; the bindings' own builders take thrice the time."""
    return ir.Operation.create(name, [type_], operands, attributes).result


def _is_called_between(value: Any, result: Any) -> bool:
    """Whether ``result`` is computed from ``value`` by a function that SPIR-V does not have."""
    if result == value or isinstance(result.owner, ir.Block):
        return False
    operation = result.owner
    if operation.name in WITH_NATIVE_EXP:
        return True
    return any(_is_called_between(value, operand) for operand in operation.operands)


def _known(number: Number) -> bool:
    return isinstance(number, int)
