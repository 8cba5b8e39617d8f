"""A compiled network as static data and functions under its name, in LLVM IR.

The data is `pattern_model_description` of runtime/include/pattern_model.h, the functions are those
of the generated header.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from pattern_mlir.library.features import FeatureCheck
from pattern_mlir.runtime.library import ABI_VERSION
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer, TensorSpec

I32, I64, POINTER = ir.IntType(32), ir.IntType(64), ir.PointerType()
LAYER = ir.LiteralStructType([POINTER, I64, POINTER, I64, I64])
FEATURE = ir.LiteralStructType([POINTER, *[I32] * 5])
DESCRIPTION = ir.LiteralStructType([*[I32] * 4, *[I64] * 7, *[POINTER] * 5, I32])

WEIGHTS = "weights"
"""The symbol of the weights, after the library's prefix."""


@dataclass(frozen=True)
class Description:
    """What the runtime must know of a network.

    Attributes:
        name: of the library; prefix of its symbols.
        plan: layers, inputs, outputs.
        threads: that the layers are split for.
        signature: of the header.
        features: how to check that the processor has what the code needs.
        cpu: the processor that was compiled for, for messages.
        weight_bytes: size of the weights.
        checksum: CRC-32 of weights in a file; None where they are inside.
    """

    name: str
    plan: LayerPlan
    threads: int
    signature: int
    features: tuple[FeatureCheck, ...]
    cpu: str
    weight_bytes: int
    checksum: int | None


def batch_of(plan: LayerPlan) -> int:
    """Return how many images a run of the layers computes."""
    shapes = [spec.shape for spec in (*plan.inputs, *plan.outputs) if spec.shape]
    return max(shapes[0][0], 1) if shapes else 1


def tensor_bytes(spec: TensorSpec) -> int:
    """Return the bytes of an input or output, for a batch."""
    return math.prod(spec.shape) * spec.dtype.itemsize


def description_module(description: Description) -> ir.Module:
    """Return the module with the data and the functions of ``description``."""
    module = ir.Module(description.name)
    data = _Data(module, description.name).description(description)
    for function in _FUNCTIONS:
        function.build(module, description.name, data)
    return module


class _Data:
    """Builds constants under the prefix of a library, of internal linkage unless said else."""

    def __init__(self, module: ir.Module, name: str) -> None:
        self._module = module
        self._name = name

    def description(self, own: Description) -> ir.GlobalVariable:
        plan = own.plan
        words = [ABI_VERSION, own.signature, own.threads, int(plan.separable)]
        counts = [len(plan.layers), len(plan.inputs), len(plan.outputs), len(own.features)]
        sizes = [plan.arena_bytes, own.weight_bytes]
        weights = (
            self._external(WEIGHTS, ir.ArrayType(ir.IntType(8), own.weight_bytes))
            if own.checksum is None
            else ir.Constant(POINTER, None)
        )
        layers = [self._layer(index, layer) for index, layer in enumerate(plan.layers)]
        features = [self._feature(check, own.cpu) for check in own.features]
        fields = [
            *(ir.Constant(I32, word) for word in words),
            *(ir.Constant(I64, number) for number in (batch_of(plan), *counts, *sizes)),
            self._array("layers", LAYER, layers),
            self._numbers("input_bytes", [tensor_bytes(spec) for spec in plan.inputs]),
            self._numbers("output_bytes", [tensor_bytes(spec) for spec in plan.outputs]),
            self._array("features", FEATURE, features),
            weights,
            ir.Constant(I32, own.checksum or 0),
        ]
        return self._constant("description", ir.Constant(DESCRIPTION, fields))

    def _layer(self, index: int, layer: PlannedLayer) -> ir.Constant:
        function = ir.Function(
            self._module,
            ir.FunctionType(ir.VoidType(), [POINTER, I64, I64]),
            f"{self._name}_{layer.symbol}",
        )
        _hide(function)
        known = layer.boundaries
        boundaries = (
            ir.Constant(POINTER, None)
            if known is None
            else self._numbers(f"boundaries_{index}", known)
        )
        numbers = (layer.extent, 0 if known is None else len(known) - 1, 0)
        extent, parts, chunk = (ir.Constant(I64, number) for number in numbers)
        return ir.Constant(LAYER, [function, extent, boundaries, parts, chunk])

    def _feature(self, check: FeatureCheck, cpu: str) -> ir.Constant:
        message = (
            f"the processor has no {check.name}, which the code for {cpu} needs;"
            " compile the model for this processor or a lesser one"
        )
        numbers = (check.leaf, check.subleaf, check.word, check.bit, check.state)
        return ir.Constant(
            FEATURE,
            [
                self._string(f"missing_{check.name}", message),
                *(ir.Constant(I32, number) for number in numbers),
            ],
        )

    def _string(self, name: str, text: str) -> ir.GlobalVariable:
        data = bytearray(text.encode() + b"\0")
        return self._constant(name, ir.Constant(ir.ArrayType(ir.IntType(8), len(data)), data))

    def _numbers(self, name: str, numbers: Sequence[int]) -> ir.Constant | ir.GlobalVariable:
        return self._array(name, I64, [ir.Constant(I64, number) for number in numbers])

    def _array(
        self, name: str, type_: ir.Type, elements: Sequence[ir.Constant]
    ) -> ir.Constant | ir.GlobalVariable:
        if not elements:
            return ir.Constant(POINTER, None)
        return self._constant(name, ir.Constant(ir.ArrayType(type_, len(elements)), elements))

    def _constant(self, name: str, value: ir.Constant) -> ir.GlobalVariable:
        variable = ir.GlobalVariable(self._module, value.type, f"{self._name}_{name}")
        variable.initializer = value
        variable.global_constant = True
        variable.linkage = "internal"
        return variable

    def _external(self, name: str, type_: ir.Type) -> ir.GlobalVariable:
        variable = ir.GlobalVariable(self._module, type_, f"{self._name}_{name}")
        variable.global_constant = True
        _hide(variable)
        return variable


def _hide(value: ir.Function | ir.GlobalVariable) -> None:
    value.linkage = "external"
    value.visibility = "hidden"


@dataclass(frozen=True)
class _Forwarder:
    """A function of the header, and the one of the runtime that it calls.

    Attributes:
        name: after the library's prefix.
        runtime: the runtime's function.
        result: its result's type.
        arguments: its arguments' types.
        describes: whether the description comes before them.
        untimed: whether NULL, for no times, comes after them.
    """

    name: str
    runtime: str
    result: ir.Type
    arguments: tuple[ir.Type, ...]
    describes: bool = False
    untimed: bool = False

    def build(self, module: ir.Module, prefix: str, description: ir.GlobalVariable) -> None:
        before = [description] if self.describes else []
        after = [ir.Constant(POINTER, None)] if self.untimed else []
        types = [*(POINTER for _ in before), *self.arguments, *(POINTER for _ in after)]
        callee = module.globals.get(self.runtime)
        if callee is None:
            callee = ir.Function(module, ir.FunctionType(self.result, types), self.runtime)
            _hide(callee)
        own = ir.Function(
            module, ir.FunctionType(self.result, self.arguments), f"{prefix}_{self.name}"
        )
        builder = ir.IRBuilder(own.append_basic_block())
        builder.ret(builder.call(callee, [*before, *own.args, *after], tail=True))


_RUN = (POINTER, POINTER, POINTER, I64)
_FUNCTIONS = (
    _Forwarder("create", "pattern_model_create", I32, (POINTER, POINTER), describes=True),
    _Forwarder("run", "pattern_model_run", I32, _RUN, untimed=True),
    _Forwarder("run_timed", "pattern_model_run", I32, (*_RUN, POINTER)),
    _Forwarder("last_error", "pattern_model_last_error", POINTER, (POINTER,)),
    _Forwarder("destroy", "pattern_model_destroy", I32, (POINTER,)),
)

FUNCTION_NAMES = tuple(function.name for function in _FUNCTIONS)
"""The functions of a library, after its prefix: all that it exports."""
