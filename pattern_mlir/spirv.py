"""From kernels in the gpu dialect to SPIR-V, and from launches to a plan of dispatches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import func, gpu, memref
from torch_mlir.passmanager import PassManager

from pattern_mlir.dialects import integer
from pattern_mlir.dialects.layout import blocks_of_type
from pattern_mlir.errors import CompileError
from pattern_mlir.host_steps import HostCode, HostStep
from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.passes.buffers import (
    PLACE,
    WORK,
    Work,
    argument_attributes,
    buffer_role,
)
from pattern_mlir.passes.gpu_launches import ALTERNATIVE, COUNTS, PUSH, WEIGHTS
from pattern_mlir.passes.pattern_mark_separable import SEPARABLE
from pattern_mlir.passes.pattern_outline_host import CALL
from pattern_mlir.passes.pattern_outline_layers import BUFFERS
from pattern_mlir.passes.pattern_plan_memory import ARENA_BYTES, LIVE_BYTES
from pattern_mlir.passes.results import RESULT
from pattern_mlir.program import Program, tensor_spec
from pattern_mlir.report import KernelReport
from pattern_mlir.runtime.plan import PlannedLayer, ResultPlace
from pattern_mlir.runtime.vulkan.plan import (
    HOST_ARENA,
    HOST_WEIGHTS,
    Alternative,
    Dispatch,
    HostLayer,
    Range,
    VulkanPlan,
)
from pattern_mlir.runtime.vulkan.spirv import (
    FLOAT16,
    HEADER,
    MATRIX,
    OP_CAPABILITY,
    OP_F_CONVERT,
    OP_FUNCTION,
    OP_LOAD,
    OP_TYPE_FLOAT,
    OP_TYPE_VECTOR,
    Kernel,
    instructions,
    read_kernel,
)

VERSION = "v1.3"
"""The newest that Vulkan 1.1 takes."""

CAPABILITIES = ("Shader", "Float16", "StorageBuffer16BitAccess")
"""What kernels may use; each declares what it does."""

EXTENSIONS = ("SPV_KHR_storage_buffer_storage_class", "SPV_KHR_16bit_storage")

HALF_STORAGE = frozenset({OP_LOAD, OP_F_CONVERT})
"""Instructions with results of f16 that the storage's capability allows (SPV_KHR_16bit_storage)."""

TARGET_ENVIRONMENT = (
    f"#spirv.target_env<#spirv.vce<{VERSION}, [{', '.join(CAPABILITIES)}],"
    f" [{', '.join(EXTENSIONS)}]>, api=Vulkan, #spirv.resource_limits<>>"
)

TO_SPIRV = (
    f"builtin.module(canonicalize,gpu.module(gpu.func(convert-math-to-spirv)),"
    f"spirv-attach-target{{ver={VERSION} caps={','.join(CAPABILITIES)}"
    f" exts={','.join(EXTENSIONS)} client_api=Vulkan}},"
    "map-memref-spirv-storage-class{client-api=vulkan},convert-gpu-to-spirv,"
    "spirv.module(spirv-lower-abi-attrs,canonicalize,cse,spirv-update-vce))"
)
"""Upstream passes from `gpu.module` to `spirv.module`, which becomes its sibling.

The last ones give it its entry point and declare what it uses.
"""


@dataclass(frozen=True)
class VulkanCode:
    """A network for Vulkan but for its report.

    Attributes:
        plan: what runs.
        kernels: SPIR-V modules by name.
        weights: the packed weights, block after block; those of host steps last.
    """

    plan: VulkanPlan
    kernels: dict[str, bytes]
    weights: npt.NDArray[np.uint8]


def vulkan_code(program: Program, host: HostCode) -> VulkanCode:
    """Return plan, kernels and weights of ``program``, whose launches have their memory.

    ``host`` is what its host steps have become.

    Raises:
        CompileError: the module has no launches.
    """
    operation = program.module.operation
    if ARENA_BYTES not in operation.attributes or BUFFERS not in operation.attributes:
        raise CompileError(
            "the module has no launches with their memory; lower it with --target=vulkan1.1"
        )
    kernels = spirv_modules(program)
    names = [f"{WEIGHTS}:{number}" for number in range(len(program.parameters))]
    blocks = [program.parameters[name] for name in names if name in program.parameters]
    with program.context, ir.Location.unknown():
        plan = _plan(program, kernels, tuple(len(block) for block in blocks), host)
    weights = aligned_bytes(sum(plan.weight_bytes) + plan.host_weight_bytes)
    np.concatenate([*blocks, host.weights], out=weights)
    return VulkanCode(plan, kernels, weights)


def kernel_reports(program: Program) -> tuple[KernelReport, ...]:
    """Return what the kernels of convolutions do, from the launches of ``program``."""
    function = forward_function(program.module.operation)
    launches = [
        op for op in function.regions[0].blocks[0].operations if isinstance(op, gpu.LaunchFuncOp)
    ]
    return tuple(
        _kernel_report(op)
        for op in launches
        if COUNTS in op.operation.attributes and ALTERNATIVE not in op.operation.attributes
    )


def _kernel_report(launch: Any) -> KernelReport:
    attributes = launch.operation.attributes
    counts = {named.name: named.attr.value for named in ir.DictAttr(attributes[COUNTS])}
    work = Work.from_attribute(attributes[WORK])
    *block, together = work.tile.split("x")
    names = ("products", "issued", "loads", "table_loads", "stores")
    each = {name: counts[name] / counts["outputs"] for name in names}
    return KernelReport(
        name=ir.StringAttr(attributes[PLACE]).value,
        variant=f"{work.kernel.removeprefix('conv ')} {together}",
        block="x".join(block),
        **each,
        intensity=counts["intensity"],
        least_active=counts["least_active"],
        balance=counts["balance"],
        registers=counts["registers"],
        microseconds=1e6 * counts["seconds"],
    )


def spirv_modules(program: Program) -> dict[str, bytes]:
    """Return the SPIR-V of each kernel of ``program``; equal ones are the same bytes."""
    modules = {}
    with program.context, ir.Location.unknown():
        for op in program.module.body.operations:
            if isinstance(op, gpu.GPUModuleOp):
                name = ir.StringAttr(op.operation.attributes["sym_name"]).value
                modules[name] = spirv_module(op)
    return modules


def spirv_module(kernel: Any) -> bytes:
    """Return the SPIR-V of a `gpu.module`, which stays as it is."""
    module = ir.Module.create()
    module.operation.attributes["gpu.container_module"] = ir.UnitAttr.get()
    # convert-math-to-spirv does not see what spirv-attach-target says.
    module.operation.attributes["spirv.target_env"] = ir.Attribute.parse(TARGET_ENVIRONMENT)
    copy = kernel.operation.clone(ip=ir.InsertionPoint(module.body))
    written = _written(copy)
    _run(TO_SPIRV, module)
    module.operation.verify()
    # gpu-module-to-binary wants the spirv.module where the kernel was.
    spirv = next(op for op in module.body.operations if op.operation.name == "spirv.module")
    copy = next(op for op in module.body.operations if isinstance(op, gpu.GPUModuleOp))
    block = copy.operation.regions[0].blocks[0]
    for op in list(block.operations):
        op.operation.erase()
    _decorate(spirv, written)
    block.append(spirv)
    _run("builtin.module(gpu-module-to-binary)", module)
    binary = next(op for op in module.body.operations if op.operation.name == "gpu.binary")
    objects = ir.ArrayAttr(binary.operation.attributes["objects"])
    return _with_needed_capabilities(bytes(gpu.ObjectAttr(objects[0]).object))


def _with_needed_capabilities(data: bytes) -> bytes:
    """Return a SPIR-V module without capabilities that the serializer declares needlessly.

    Shader implies Matrix, which no kernel uses. To load, convert and store f16 needs no Float16.
    """
    unused = {MATRIX} if _computes_half(data) else {MATRIX, FLOAT16}
    words = np.frombuffer(data, "<u4")
    first = end = HEADER
    while words[end] & 0xFFFF == OP_CAPABILITY:
        end += 2
    declared = words[first:end].reshape(-1, 2)
    kept = declared[~np.isin(declared[:, 1], list(unused))]
    return np.concatenate([words[:first], kept.reshape(-1), words[end:]]).tobytes()


def _computes_half(data: bytes) -> bool:
    """Whether a kernel does more with f16 than to load, convert and store it."""
    halves: set[int] = set()
    for operation, operands in instructions("kernel", data):
        first = operands[0] if operands else 0
        is_scalar = operation == OP_TYPE_FLOAT and operands[1] == 16
        if is_scalar or (operation == OP_TYPE_VECTOR and operands[1] in halves):
            halves.add(first)
        elif operation == OP_FUNCTION and not halves:
            return False
        elif first in halves and operation not in HALF_STORAGE:
            return True
    return False


def _run(pipeline: str, module: Any) -> None:
    """Run upstream passes; to verify after each would take as long as they do."""
    manager = PassManager.parse(pipeline)
    manager.enable_verifier(False)
    manager.run(module.operation)


def _written(kernel: Any) -> set[str]:
    """Return the variables that a kernel's buffers become in SPIR-V, of those that it writes."""
    found = set()
    for op in kernel.operation.regions[0].blocks[0].operations:
        if not isinstance(op, gpu.GPUFuncOp):
            continue
        name = ir.StringAttr(op.operation.attributes["sym_name"]).value
        for argument in op.operation.regions[0].blocks[0].arguments:
            if any(use.owner.name != "memref.load" for use in argument.uses):
                found.add(f"{name}_arg_{argument.arg_number}")
    return found


def _decorate(spirv: Any, written: set[str]) -> None:
    """Mark buffers that a kernel never writes, for drivers to cache."""
    for op in spirv.operation.regions[0].blocks[0].operations:
        if op.operation.name != "spirv.GlobalVariable":
            continue
        type_ = str(ir.TypeAttr(op.operation.attributes["type"]).value)
        name = ir.StringAttr(op.operation.attributes["sym_name"]).value
        if type_.endswith("StorageBuffer>") and name not in written:
            op.operation.attributes["non_writable"] = ir.UnitAttr.get()


def _plan(
    program: Program, kernels: dict[str, bytes], weight_bytes: tuple[int, ...], host: HostCode
) -> VulkanPlan:
    module = program.module.operation
    function = forward_function(module)
    specs: dict[str, list[Any]] = {"input": [], "output": []}
    for description in module.attributes[BUFFERS]:
        role, name, type_ = ir.ArrayAttr(description)
        spec = tensor_spec(ir.StringAttr(name).value, ir.TypeAttr(type_).value)
        specs[ir.StringAttr(role).value].append(spec)
    buffers = _buffers(function, len(specs["input"]))
    layers: list[PlannedLayer] = []
    steps: list[Dispatch | HostLayer] = []
    alternatives: list[Alternative] = []
    operations: list[tuple[str, str, int]] = []
    read = {name: read_kernel(name, data) for name, data in kernels.items()}
    for op in function.regions[0].blocks[0].operations:
        if isinstance(op, func.CallOp):
            own = host.steps[ir.FlatSymbolRefAttr(op.attributes["callee"]).value[len(CALL) :]]
            ranges = _host_ranges(op, own, buffers)
            steps += [HostLayer(ranges, len(layers) + i) for i in range(len(own.layers))]
            layers += own.layers
            operations += [(layer.place, layer.symbol, -1) for layer in own.layers]
        if not isinstance(op, gpu.LaunchFuncOp):
            continue
        if ALTERNATIVE in op.operation.attributes:
            instead = _dispatch(op, buffers, read, steps[-1].layer)
            alternatives.append(Alternative(len(steps) - 1, instead))
            continue
        step = _dispatch(op, buffers, read, len(layers))
        layer = _layer(op, step, len(specs["input"]))
        # The launches of an operation follow each other.
        if layers and operations[-1] == _operation(op):
            layers[-1], step = _joined(layers[-1], layer), replace(step, layer=len(layers) - 1)
        else:
            layers.append(layer)
            operations.append(_operation(op))
        steps.append(step)
    return VulkanPlan(
        layers=tuple(layers),
        steps=tuple(steps),
        inputs=tuple(specs["input"]),
        outputs=tuple(specs["output"]),
        weight_bytes=weight_bytes,
        arena_bytes=ir.IntegerAttr(module.attributes[ARENA_BYTES]).value,
        live_bytes=ir.IntegerAttr(module.attributes[LIVE_BYTES]).value,
        features=tuple(sorted({name for kernel in read.values() for name in kernel.features})),
        separable=SEPARABLE in module.attributes,
        alternatives=tuple(alternatives),
        host_arena_bytes=host.arena_bytes,
        host_weight_bytes=host.weights.nbytes,
    )


def _host_ranges(call: Any, step: HostStep, buffers: dict[Any, str]) -> tuple[Range, ...]:
    """Return the memory that the layers of a host step find: arena, weights, inputs, outputs."""
    views = [
        _range(view, buffers, number < step.inputs)
        for number, view in enumerate(call.operation.operands)
    ]
    return (
        Range(HOST_ARENA, 0, step.arena_bytes),
        Range(HOST_WEIGHTS, step.first, step.weight_bytes, read_only=True),
        *views,
    )


def _buffers(function: Any, inputs: int) -> dict[Any, str]:
    """Return the buffer that each argument is: inputs, outputs, weights, the arena."""
    names, plain = {}, 0
    arguments = function.regions[0].blocks[0].arguments
    for argument, attributes in zip(arguments, argument_attributes(function), strict=True):
        role = buffer_role(attributes)
        if not role:
            role = f"input:{plain}" if plain < inputs else f"output:{plain - inputs}"
            plain += 1
        names[argument] = role
    return names


def _operation(launch: Any) -> tuple[str, str, int]:
    """Return place, kind of kernel and number of the operation that a launch computes."""
    attributes = launch.operation.attributes
    number = integer(attributes[RESULT]["operation"]) if RESULT in attributes else -1
    place, kernel = attributes[PLACE], Work.from_attribute(attributes[WORK]).kernel
    return ir.StringAttr(place).value, kernel, number


def _joined(first: PlannedLayer, other: PlannedLayer) -> PlannedLayer:
    """Return a layer of two launches."""
    return replace(
        other,
        extent=first.extent + other.extent,
        multiplications=first.multiplications + other.multiplications,
        bytes=first.bytes + other.bytes,
    )


def _result(launch: Any, step: Dispatch, inputs: int) -> ResultPlace | None:
    """Return where the result lies that a launch completes; None where it is not known."""
    if RESULT not in launch.operation.attributes:
        return None
    mark = launch.operation.attributes[RESULT]
    type_ = ir.RankedTensorType(ir.TypeAttr(mark["type"]).value)
    own = step.ranges[integer(mark["binding"])]
    kind, _, number = own.buffer.partition(":")
    buffer = {"arena": 0, "input": 2, "output": 2 + inputs}[kind] + int(number or 0)
    layout = blocks_of_type(type_)
    operation = integer(mark["operation"])
    return ResultPlace(operation, buffer, own.offset, tuple(type_.shape), layout)


def _layer(launch: Any, step: Dispatch, inputs: int) -> PlannedLayer:
    attributes = launch.operation.attributes
    work = Work.from_attribute(attributes[WORK])
    return PlannedLayer(
        symbol=_kernel(launch),
        extent=math.prod(_numbers(launch.operation.operands[:3])),
        place=ir.StringAttr(attributes[PLACE]).value,
        kernel=work.kernel,
        multiplications=work.multiplications,
        bytes=work.bytes,
        layout=work.layout,
        tile=work.tile,
        result=_result(launch, step, inputs),
    )


def _kernel(launch: Any) -> str:
    symbol = ir.SymbolRefAttr(launch.operation.attributes["kernel"])
    return str(symbol.value[0])


def _numbers(values: Any) -> list[int]:
    return [ir.IntegerAttr(value.owner.attributes["value"]).value for value in values]


def _dispatch(
    launch: Any, buffers: dict[Any, str], kernels: dict[str, Kernel], layer: int
) -> Dispatch:
    operands = list(launch.operation.operands)
    x, y, z = _numbers(operands[:3])
    name = _kernel(launch)
    read_only = kernels[name].read_only
    ranges = [
        _range(view, buffers, number in read_only) for number, view in enumerate(operands[6:])
    ]
    push = tuple(number % (1 << 32) for number in launch.operation.attributes[PUSH])
    return Dispatch(name, tuple(ranges), (x, y, z), push, layer)


def _range(view: Any, buffers: dict[Any, str], read_only: bool) -> Range:
    """Return the part of a buffer that a chain of views leads to."""
    offset, type_, size = 0, ir.MemRefType(view.type), None
    if type_.has_static_shape:
        size = math.prod(type_.shape) * _element_bytes(type_.element_type)
    while view not in buffers:
        own = view.owner.opview
        if isinstance(own, memref.CastOp):
            view = own.source
            continue
        assert isinstance(own, memref.ViewOp), own
        offset += _numbers([own.byte_shift])[0]
        if size is None:
            type_ = ir.MemRefType(own.result.type)
            counts = _numbers(own.sizes) if len(own.sizes) else list(type_.shape)
            size = math.prod(counts) * _element_bytes(type_.element_type)
        view = own.source
    assert size is not None
    return Range(buffers[view], offset, size, read_only)


def _element_bytes(type_: Any) -> int:
    if isinstance(type_, ir.VectorType):
        return int(type_.shape[0] * type_.element_type.width) // 8
    return int(type_.width) // 8
