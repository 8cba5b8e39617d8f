"""What the dispatches of a network are while they are collected: buffers, kernels, weights."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import arith, func, gpu, memref

from pattern_mlir.dialects import i64
from pattern_mlir.modules import place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.buffers import BUFFER, PLACE, Work, argument_attributes
from pattern_mlir.passes.buffers import WORK as WORK_ATTRIBUTE
from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder
from pattern_mlir.passes.results import RESULT, result_fields
from pattern_mlir.runtime.vulkan.plan import MAXIMUM_RANGE, RANGE_ALIGNMENT

PUSH = "pattern.push"
"""Attribute of a launch: its push constants."""

COUNTS = "pattern.counts"
"""Attribute of a convolution's launch: what it does exactly, see `pattern_mlir.gpu_report`."""

ALTERNATIVE = "pattern.alternative"
"""Attribute of a launch that computes what the one before it does, in another way."""

WEIGHTS = "weights"
"""What the packed weights are called: `weights:0` and so on, as buffers and in the store."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Memory:
    """Where something lies: a tensor's buffer by its number, an argument, or a part of weights.

    Attributes:
        kind: `tensor`, `argument` or `weights`.
        number: of the tensor, the argument or the block of weights.
        offset: in bytes.
        size: in bytes.
    """

    kind: str
    number: int
    offset: int
    size: int


@dataclass(frozen=True)
class Launch:
    """A dispatch: kernel, buffers in the order of its arguments, workgroups, push constants.

    Each of ``alternatives`` computes the same.
    """

    kernel: str
    buffers: tuple[Memory, ...]
    groups: tuple[int, int, int]
    push: tuple[int, ...]
    place: Any
    work: Work
    counts: Any = None
    result: Any = None
    alternatives: tuple[Launch, ...] = ()


@dataclass(frozen=True)
class HostCall:
    """The run of a host step: the function that stands for it, what it reads, what it writes."""

    function: str
    buffers: tuple[Memory, ...]
    place: Any


@dataclass
class Launches:
    """The dispatches of a network, its kernels, and its weights."""

    launches: list[Launch | HostCall] = field(default_factory=list)
    kernels: dict[Hashable, tuple[str, KernelBuilder]] = field(default_factory=dict)
    tensors: list[int] = field(default_factory=list)
    weights: list[list[Array]] = field(default_factory=lambda: [[]])
    _filled: int = 0

    def add(self, launch: Launch | HostCall) -> None:
        """Add a dispatch, or a host step, that follows those that there are."""
        self.launches.append(launch)

    def kernel(self, key: Hashable, word: str, build: Callable[[], KernelBuilder]) -> str:
        """Return the name of the kernel ``key``, building it where there is none."""
        if key not in self.kernels:
            self.kernels[key] = f"{word}_{len(self.kernels)}", build()
        return self.kernels[key][0]

    def tensor(self, size: int) -> Memory:
        """Return memory for a tensor of ``size`` bytes."""
        self.tensors.append(_rounded(size, 16))
        return Memory("tensor", len(self.tensors) - 1, 0, self.tensors[-1])

    def weight(self, array: Array) -> Memory:
        """Return where ``array`` lies among the weights; blocks are as large as a binding."""
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        size = _rounded(len(data), RANGE_ALIGNMENT)
        if self._filled and self._filled + size > MAXIMUM_RANGE:
            self.weights.append([])
            self._filled = 0
        memory = Memory("weights", len(self.weights) - 1, self._filled, size)
        self.weights[-1] += [data, np.zeros(size - len(data), np.uint8)]
        self._filled += size
        return memory

    def complete(self, number: int, type_: Any, memory: Memory) -> None:
        """Mark that the launches so far complete the result of the operation ``number``.

        It lies in ``memory``, which the last launch writes; see `pattern_mlir.passes.results`.
        """
        last = self.launches[-1]
        assert isinstance(last, Launch)
        mark = {**result_fields(number, type_), "binding": i64(last.buffers.index(memory))}
        self.launches[-1] = replace(last, result=ir.DictAttr.get(mark))

    def emit(self, function: Any, module: Any, parameters: ParameterStore) -> None:
        """Build kernels and launches in place of ``function``'s body; store the weights."""
        blocks = [np.concatenate(block) for block in self.weights if block]
        for number, block in enumerate(blocks):
            parameters.add(f"{WEIGHTS}:{number}", block)
        body = module.regions[0].blocks[0]
        for name, build in self.kernels.values():
            build.module.attributes["sym_name"] = ir.StringAttr.get(name)
            body.append(build.module)
        module.attributes["gpu.container_module"] = ir.UnitAttr.get()
        byte = ir.IntegerType.get_signless(8)
        types = [ir.MemRefType.get([len(block)], byte) for block in blocks]
        block = function.regions[0].blocks[0]
        known = argument_attributes(function)
        weights = [block.add_argument(type_, function.location) for type_ in types]
        roles = [
            ir.DictAttr.get({BUFFER: ir.StringAttr.get(f"{WEIGHTS}:{number}")})
            for number in range(len(blocks))
        ]
        function.attributes["function_type"] = ir.TypeAttr.get(
            ir.FunctionType.get([argument.type for argument in block.arguments], [])
        )
        function.attributes["arg_attrs"] = ir.ArrayAttr.get([*known, *roles])
        with ir.InsertionPoint(block), function.location:
            tensors = [
                memref.AllocOp(ir.MemRefType.get([size], byte), [], []).result
                for size in self.tensors
            ]
            builds = dict(self.kernels.values())
            places = {"tensor": tensors, "argument": list(block.arguments), "weights": weights}
            for launch in self.launches:
                with launch.place:
                    if isinstance(launch, HostCall):
                        _emit_call(launch, places, body)
                    else:
                        _emit(launch, builds[launch.kernel], places)
                        for other in launch.alternatives:
                            operation = _emit(other, builds[other.kernel], places)
                            operation.attributes[ALTERNATIVE] = ir.UnitAttr.get()
            func.ReturnOp([])


def _emit_call(call: HostCall, places: dict[str, list[Any]], body: Any) -> None:
    """Build views of the buffers and the call; its function, declared in ``body``, takes these."""
    index, byte = ir.IndexType.get(), ir.IntegerType.get_signless(8)
    types = [ir.MemRefType.get([memory.size], byte) for memory in call.buffers]
    views = [
        memref.view(type_, places[own.kind][own.number], arith.constant(index, own.offset), [])
        for own, type_ in zip(call.buffers, types, strict=True)
    ]
    declared = next(
        op
        for op in body.operations
        if isinstance(op, func.FuncOp) and op.sym_name.value == call.function
    )
    declared.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(types, []))
    func.CallOp([], ir.FlatSymbolRefAttr.get(call.function), views)


def _emit(launch: Launch, build: KernelBuilder, places: dict[str, list[Any]]) -> Any:
    """Build views of the buffers and the launch; return it."""
    index = ir.IndexType.get()

    def constant(number: int) -> Any:
        return arith.constant(index, number)

    views = []
    for memory, argument in zip(launch.buffers, build.entry.arguments, strict=True):
        source, type_ = places[memory.kind][memory.number], argument.type
        count = memory.size // _element_bytes(type_.element_type)
        views.append(memref.view(type_, source, constant(memory.offset), [constant(count)]))
    operation = gpu.LaunchFuncOp(
        [launch.kernel, "main"],
        tuple(constant(count) for count in launch.groups),
        (constant(build.invocations), constant(1), constant(1)),
        views,
    ).operation
    operation.attributes[PUSH] = ir.DenseI32ArrayAttr.get(launch.push)
    operation.attributes[WORK_ATTRIBUTE] = launch.work.attribute()
    operation.attributes[PLACE] = ir.StringAttr.get(place(launch.place))
    if launch.counts is not None:
        operation.attributes[COUNTS] = launch.counts
    if launch.result is not None:
        operation.attributes[RESULT] = launch.result
    return operation


def _element_bytes(type_: Any) -> int:
    if isinstance(type_, ir.VectorType):
        return int(type_.shape[0] * type_.element_type.width) // 8
    return int(type_.width) // 8


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit
