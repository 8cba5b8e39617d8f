"""`convert-pattern-to-gpu`: every operation as launches of kernels on buffers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import func

from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LayerNormOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    PixelShuffleOp,
    RelayoutOp,
    SelectChannelsOp,
    SoftmaxOp,
    UpsampleOp,
    activation_of,
    integer,
    integers,
    shape_of,
)
from pattern_mlir.dialects.layout import blocks_of
from pattern_mlir.gpu import DEFAULT_GPU, GPUS, Gpu, gpu
from pattern_mlir.layouts import Pair
from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, only_block
from pattern_mlir.passes.buffers import Work, argument_attributes, byte_size
from pattern_mlir.passes.filters import array_of, is_parameter
from pattern_mlir.passes.gpu_convolution import Variant, pack
from pattern_mlir.passes.gpu_convolution_builder import build_convolution
from pattern_mlir.passes.gpu_launches import HostCall, Launch, Launches, Memory
from pattern_mlir.passes.gpu_linear import INVOCATIONS, LinearKernel, build_linear, pack_linear
from pattern_mlir.passes.gpu_plane_kernels import (
    PLAIN_INVOCATIONS,
    Operand,
    PlaneKernel,
    PlaneKind,
    build_plane_kernel,
)
from pattern_mlir.passes.gpu_planes import halo_groups
from pattern_mlir.passes.gpu_row_kernels import INVOCATIONS as ROWS
from pattern_mlir.passes.gpu_row_kernels import RowKernel, RowKind, build_row_kernel
from pattern_mlir.passes.gpu_support import RESHAPES, root, why_no_buffer, why_not_on_gpu
from pattern_mlir.passes.gpu_variants import (
    Choice,
    Convolution,
    balance,
    choice_of,
    choose,
    convolution_of,
)
from pattern_mlir.passes.pattern_assign_blocks import check_options
from pattern_mlir.passes.pattern_outline_host import NUMBERED
from pattern_mlir.passes.pattern_outline_layers import BUFFERS
from pattern_mlir.passes.pattern_plan_memory import aligned
from pattern_mlir.passes.results import is_numbered
from pattern_mlir.program import NAME_ATTRIBUTE
from pattern_mlir.runtime.vulkan.plan import MAXIMUM_GROUPS, MAXIMUM_RANGE

MOST_CHOICES = 3
"""Kernels of a convolution, at most, among which the device that runs it decides."""

LEAST_SAVED = 0.01
"""What a further kernel saves at least of the network's time on the GPU that it is for."""


@dataclass(frozen=True)
class ConvertPatternToGpu(Pass):
    """Make `gpu.func` kernels, one for each different one, and launches of them on buffers.

    Arguments of the network become buffers of bytes, in the order inputs, outputs, weights; the
    module attribute `pattern.buffers` says what the first two are. Weights are packed for their
    kernels into blocks that a binding can reach. Each convolution gets the variant that takes
    least on ``gpu``; a workgroup's control flow depends on its number alone.

    ``precision`` is that of `pattern-assign-blocks`: with f16-acc32 and f16, f16 is loaded as such
    where ``gpu`` can, which takes a capability; else two come in a word.

    With ``alternatives``, a convolution also gets the kernels that would be chosen for other GPUs,
    in the same layouts, `MOST_CHOICES` in all: launches marked `pattern.alternative` follow the one
    that each can replace. One that saves less than `LEAST_SAVED` of the time of all convolutions on
    its GPU is left out.

    Precondition: `pattern-outline-host`, then `pattern-assign-blocks`. Calls of host steps take
    buffers, operands before results; another operation without a kernel is an error.

    Before:
        func.func @f(%arg0: tensor<4xf32>) -> tensor<4xf32> {
          %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
            : (tensor<4xf32>) -> tensor<4xf32>
          return %0 : tensor<4xf32>
        }

    After:
        func.func @f(%arg0: memref<16xi8>, %arg1: memref<16xi8>) {
          %c0 = arith.constant 0 : index
          %c4 = arith.constant 4 : index
          %view = memref.view %arg0[%c0][%c4] : memref<16xi8> to memref<?xf32>
          %c0_0 = arith.constant 0 : index
          %c4_1 = arith.constant 4 : index
          %view_2 = memref.view %arg1[%c0_0][%c4_1] : memref<16xi8> to memref<?xf32>
          %c1 = arith.constant 1 : index
          %c1_3 = arith.constant 1 : index
          %c1_4 = arith.constant 1 : index
          %c64 = arith.constant 64 : index
          %c1_5 = arith.constant 1 : index
          %c1_6 = arith.constant 1 : index
          gpu.launch_func  @copy_0::@main blocks in (%c1, %c1_3, %c1_4) threads in (%c64, %c1_5,
              %c1_6)  args(%view : memref<?xf32>, %view_2 : memref<?xf32>) {pattern.place =
              "-:2:12", pattern.push = array<i32: 1, 1, 0, 4>, pattern.result = {binding = 1 :
              i64, operation = 0 : i64, type = tensor<4xf32>}, pattern.work = {bytes = 32 : i64,
              cycles = 0 : i64, kernel = "activate", layout = "", multiplications = 0 : i64, tile
              = ""}}
          return
        }
        gpu.module @copy_0 {
          spirv.GlobalVariable @push_constants : !spirv.ptr<!spirv.struct<(i32 [0], i32 [4], i32
              [8], i32 [12]), Block>, PushConstant>
          gpu.func @main(%arg0: memref<?xf32>, %arg1: memref<?xf32>) kernel attributes
              {spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [64, 1, 1]>} {
            %push_constants_addr = spirv.mlir.addressof @push_constants :
                !spirv.ptr<!spirv.struct<(i32 [0], i32 [4], i32 [8], i32 [12]), Block>,
                PushConstant>
            %cst0_i32 = spirv.Constant 0 : i32
            %0 = spirv.AccessChain %push_constants_addr[%cst0_i32] : !spirv.ptr<!spirv.struct<(i32
                [0], i32 [4], i32 [8], i32 [12]), Block>, PushConstant>, i32 -> !spirv.ptr<i32,
                PushConstant>
            %1 = spirv.Load "PushConstant" %0 : i32
            %2 = arith.index_castui %1 : i32 to index
            %push_constants_addr_0 = spirv.mlir.addressof @push_constants :
                !spirv.ptr<!spirv.struct<(i32 [0], i32 [4], i32 [8], i32 [12]), Block>,
                PushConstant>
            %cst3_i32 = spirv.Constant 3 : i32
            %3 = spirv.AccessChain %push_constants_addr_0[%cst3_i32] :
                !spirv.ptr<!spirv.struct<(i32 [0], i32 [4], i32 [8], i32 [12]), Block>,
                PushConstant>, i32 -> !spirv.ptr<i32, PushConstant>
            %4 = spirv.Load "PushConstant" %3 : i32
            %5 = arith.index_castui %4 : i32 to index
            %c64 = arith.constant 64 : index
            %c65535 = arith.constant 65535 : index
            %block_id_y = gpu.block_id y
            %6 = arith.muli %block_id_y, %c65535 : index
            %block_id_x = gpu.block_id x
            %7 = arith.addi %6, %block_id_x : index
            %8 = arith.muli %7, %c64 : index
            %thread_id_x = gpu.thread_id x
            %9 = arith.addi %8, %thread_id_x : index
            %10 = arith.cmpi ult, %9, %5 : index
            scf.if %10 {
              %11 = arith.divui %9, %2 : index
              %12 = arith.remui %9, %2 : index
              %13 = memref.load %arg0[%11] : memref<?xf32>
              %cst = arith.constant 0.000000e+00 : f32
              %14 = arith.maximumf %13, %cst : f32
              memref.store %14, %arg1[%9] : memref<?xf32>
            }
            gpu.return
          }
        }
    """

    gpu: str = DEFAULT_GPU
    precision: str = "f32"
    alternatives: bool = False

    name: ClassVar[str] = "convert-pattern-to-gpu"

    def __post_init__(self) -> None:
        """Raise PipelineError unless GPU and precision are known."""
        check_options(self.name, self.gpu, self.precision)

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Collect the launches, then replace the network by them."""
        function = forward_function(module)
        if "gpu.container_module" in module.attributes:
            return
        block = only_block(function)
        network = _Network(self, parameters, block)
        *operations, terminator = block.operations
        for op in operations:
            network.convert(op.opview)
        results = list(terminator.operation.operands)
        network.finish(terminator.location)
        _describe_buffers(module, function, results)
        emptied = func.FuncOp(
            ir.StringAttr(function.attributes["sym_name"]).value,
            (network.argument_types(), []),
            ip=ir.InsertionPoint(function),
            loc=function.location,
        )
        emptied.attributes["arg_attrs"] = ir.ArrayAttr.get(
            _names(function, len(block.arguments), len(results))
        )
        emptied.add_entry_block()
        function.operation.erase()
        network.launches.emit(emptied, module, parameters)


def _names(function: Any, inputs: int, outputs: int) -> list[Any]:
    """Return the attributes of inputs and outputs."""
    known = function.attributes.get("res_attrs", [ir.DictAttr.get({})] * outputs)
    return [*argument_attributes(function)[:inputs], *known]


def _describe_buffers(module: Any, function: Any, results: list[Any]) -> None:
    """Write down role, name and type of inputs and outputs."""
    attributes = _names(function, len(function.type.inputs), len(results))
    types = [*function.type.inputs, *(value.type for value in results)]
    roles = ["input"] * len(function.type.inputs) + ["output"] * len(results)
    counts = {"input": 0, "output": 0}
    descriptions = []
    for role, own, type_ in zip(roles, attributes, types, strict=True):
        name = f"{role}{counts[role]}"
        counts[role] += 1
        if NAME_ATTRIBUTE in own:
            name = ir.StringAttr(own[NAME_ATTRIBUTE]).value
        buffer = ir.MemRefType.get(list(type_.shape), type_.element_type)
        descriptions.append(
            ir.ArrayAttr.get(
                [ir.StringAttr.get(role), ir.StringAttr.get(name), ir.TypeAttr.get(buffer)]
            )
        )
    module.attributes[BUFFERS] = ir.ArrayAttr.get(descriptions)


def _bytes(value: Any) -> int:
    """Return the bytes of a tensor where it lies: plain ones end at a multiple of 16."""
    layout = blocks_of(value)
    if layout is not None:
        return layout.bytes(shape_of(value))
    return max(16, aligned(byte_size(ir.RankedTensorType(value.type)), 16))


@dataclass(frozen=True)
class _Chosen:
    """A convolution, and the kernel that is chosen for it on each GPU."""

    own: Convolution
    choices: list[Choice]


class _Network:
    """A network while its launches are collected."""

    def __init__(self, settings: ConvertPatternToGpu, parameters: ParameterStore, block: Any):
        self.machine = gpu(settings.gpu)
        others = [known for name, known in GPUS.items() if name != settings.gpu]
        self.machines = [self.machine, *(others if settings.alternatives else [])]
        self.native = settings.precision in ("f16-acc32", "f16") and self.machine.half_storage
        self.parameters = parameters
        self.launches = Launches()
        self._block = block
        self._places: dict[Any, Memory] = {}
        self._sizes: list[int] = []
        self._numbered = 0
        self._chosen = {
            op.opview.result: found
            for op in block.operations
            if isinstance(op.opview, ConvOp) and (found := self._choose(op.opview)) is not None
        }
        self._seconds = [
            sum(found.choices[number].seconds for found in self._chosen.values())
            for number in range(len(self.machines))
        ]
        for number, argument in enumerate(block.arguments):
            self._sizes.append(_bytes(argument))
            self._places[argument] = Memory("argument", number, 0, self._sizes[-1])
        *_, terminator = block.operations
        self._copies: list[tuple[Any, Memory]] = []
        for value in terminator.operation.operands:
            memory = Memory("argument", len(self._sizes), 0, _bytes(value))
            self._sizes.append(memory.size)
            source = root(value)
            if isinstance(source.owner, ir.Block) or source in self._places or is_parameter(source):
                self._copies.append((value, memory))
            else:
                self._places[source] = memory

    def argument_types(self) -> list[Any]:
        """Return the types of the buffers of inputs and outputs."""
        byte = ir.IntegerType.get_signless(8)
        return [ir.MemRefType.get([size], byte) for size in self._sizes]

    def memory(self, value: Any) -> Memory:
        """Return where ``value`` lies or shall lie."""
        value = root(value)
        if value not in self._places:
            if is_parameter(value):
                array = array_of(value.owner.opview, self.parameters)
                self._places[value] = self.launches.weight(array.astype(np.float32))
            else:
                self._places[value] = self.launches.tensor(_bytes(value))
        return self._places[value]

    def convert(self, op: Any) -> None:
        """Add the launches of an operation.

        Raises:
            OperationFailure: it has no kernel.
        """
        if isinstance(op, (ParameterOp, *RESHAPES)):
            return
        if isinstance(op, func.CallOp):
            self.host_step(op)
            return
        if reason := why_not_on_gpu(op):
            raise OperationFailure(op, f"{reason}; run pattern-outline-host first")
        CONVERSIONS[type(op)](self, op)
        if is_numbered(op):
            self.launches.complete(self._numbered, op.result.type, self.memory(op.result))
            self._numbered += 1

    def host_step(self, op: Any) -> None:
        """Add the call of a host step, which reads its operands and writes its results."""
        values = (*op.operation.operands, *op.operation.results)
        symbol = ir.FlatSymbolRefAttr(op.operation.attributes["callee"]).value
        self.launches.add(HostCall(symbol, tuple(map(self.memory, values)), op.location))
        self._numbered += integer(op.operation.attributes[NUMBERED])

    def finish(self, location: Any) -> None:
        """Copy results that lie elsewhere: arguments, and what is returned twice."""
        for value, memory in self._copies:
            if reason := why_no_buffer(value):
                raise OperationFailure(self._block.owner, reason)
            size = math.prod(shape_of(value))
            whole = Operand(None, (1, size))
            kernel = PlaneKernel(PlaneKind.COPY, (whole,), None, (1, size))
            buffers = [self.memory(value), memory]
            self._launch_plane("copy", kernel, buffers, location, (1, 1), (1, 0))

    # Convolutions and linear layers.

    def convolution(self, op: Any) -> None:
        """Add the launch of a convolution."""
        chosen = self._chosen.get(op.result)
        if chosen is None:
            raise OperationFailure(
                op,
                "needs a weight that is a parameter, layouts, and no max_pool;"
                " run pattern-assign-blocks first, or compile with --target=host",
            )
        first, *others = [
            self._convolution(op, chosen.own, choice, machine)
            for choice, machine in self._kept(chosen)
        ]
        self.launches.add(replace(first, alternatives=tuple(others)))

    def _choose(self, op: Any) -> _Chosen | None:
        """Return the kernels for each GPU; None without a constant weight, or layouts."""
        own = convolution_of(op, self.parameters)
        source, target = blocks_of(op.input), blocks_of(op.result)
        if own is None or source is None or target is None:
            return None
        machines = self.machines
        return _Chosen(own, [choose(own, source, target, m, self.native) for m in machines])

    def _kept(self, chosen: _Chosen) -> list[tuple[Choice, Gpu]]:
        """Return the first kernel and those that save enough, each with the GPU that it is for."""
        choices = zip(chosen.choices, self.machines, self._seconds, strict=True)
        first, machine, _ = next(choices)
        kept = [(first, machine)]
        for choice, machine, whole in choices:
            without = min(choice_of(k.kernel, chosen.own, machine).seconds for k, _ in kept)
            if len(kept) < MOST_CHOICES and without - choice.seconds >= LEAST_SAVED * whole:
                kept.append((choice, machine))
        return kept

    def _convolution(self, op: Any, own: Convolution, choice: Choice, machine: Gpu) -> Launch:
        """Return the launch of the kernel that was chosen for ``machine``."""
        source, target = choice.kernel.source, choice.kernel.target
        kernel = choice.kernel
        residual = op.optional_operand("residual")
        if residual is not None:
            kernel = replace(kernel, residual=blocks_of(residual))
        order, assignment = choice.order, None
        if own.assignment is not None and kernel.variant is not Variant.DENSE:
            assignment = own.assignment[order]
        table = pack(
            kernel,
            own.weight[order],
            assignment,
            self._bias(op, own.channels)[order],
            own.channels[order],
            own.groups,
        )
        channels = own.weight.shape[1] * own.groups
        filters = len(own.weight)
        buffers = [op.input, op.result, *([residual] if residual is not None else [])]
        memories = [self.memory(value) for value in buffers]
        memories.insert(1, self.launches.weight(table.words))
        place = kernel.placement
        planes = place.groups + halo_groups(target, own.plane, place)
        word = f"conv_{kernel.variant.value}"
        images = [
            channels * source.channel(own.source_plane),
            filters * target.channel(own.plane),
            filters * kernel.residual.channel(own.plane) if kernel.residual else 0,
        ]
        predicted = balance(table.work, place.groups, machine.cores)
        return Launch(
            kernel=self.launches.kernel(kernel, word, lambda: build_convolution(kernel)),
            buffers=tuple(memories),
            groups=(len(table.work), planes, own.images),
            push=(own.weight.shape[1], *images),
            place=op.location,
            work=Work(
                f"conv {kernel.variant.value}",
                own.images * own.products,
                sum(memory.size for memory in memories),
                target.text,
                f"{target.size[0]}x{target.size[1]}x{kernel.together}",
            ),
            counts=_counts(choice, predicted),
        )

    def _bias(self, op: Any, channels: Any) -> Any:
        """Return the bias of each filter in the order of the weight."""
        bias = op.optional_operand("bias")
        if bias is None:
            return np.zeros(len(channels), np.float32)
        value = root(bias)
        if not is_parameter(value):
            raise OperationFailure(op, "needs a bias that is a parameter; compile for host")
        return array_of(value.owner.opview, self.parameters).reshape(-1)[channels]

    def linear(self, op: Any) -> None:
        """Add the launches of a linear layer, one for each block of its weights."""
        if not is_parameter(op.weight):
            raise OperationFailure(op, "needs a weight that is a parameter; compile for host")
        weight = array_of(op.weight.owner.opview, self.parameters)
        filters, inputs = weight.shape
        rows = math.prod(shape_of(op.input)[:-1])
        bias = op.optional_operand("bias")
        half = self._half
        kernel = LinearKernel(half, False, bias is not None, activation_of(op))
        kernel = replace(kernel, aligned=inputs % kernel.inputs == 0)
        word = 2 if half else 4
        each = max(1, MAXIMUM_RANGE // (word * (inputs + kernel.inputs)))
        each = max(INVOCATIONS, each // INVOCATIONS * INVOCATIONS)
        for first in range(0, filters, each):
            own = weight[first : first + each]
            packed = pack_linear(kernel, own)
            memories = [self.memory(op.input), self.launches.weight(packed)]
            memories += [self.memory(op.result), *([self.memory(bias)] if bias is not None else [])]
            self.launches.add(
                Launch(
                    kernel=self.launches.kernel(kernel, "linear", lambda: build_linear(kernel)),
                    buffers=tuple(memories),
                    groups=(-(-len(own) // INVOCATIONS), rows, 1),
                    push=(len(own), filters, first, len(packed), inputs),
                    place=op.location,
                    work=Work(
                        "linear",
                        rows * own.size,
                        sum(memory.size for memory in memories),
                        "",
                        f"1x1x{INVOCATIONS}",
                    ),
                )
            )

    @property
    def _half(self) -> bool:
        """Whether the network's tensors are f16."""
        found = (
            blocks_of(result)
            for op in self._block.operations
            for result in op.operation.results
            if isinstance(result.type, ir.RankedTensorType)
        )
        return any(layout is not None and layout.half for layout in found)

    # What goes plane by plane.

    def relayout(self, op: Any) -> None:
        """Add the launch of a change of layout."""
        self._planes(op, PlaneKind.COPY, [op.input])

    def binary(self, op: Any) -> None:
        """Add the launch of a sum or product."""
        kind = PlaneKind.ADD if isinstance(op, AddOp) else PlaneKind.MULTIPLY
        self._planes(op, kind, list(op.operation.operands), activation=activation_of(op))

    def activate(self, op: Any) -> None:
        """Add the launch of an activation."""
        function = op.attributes["function"]
        self._planes(op, PlaneKind.COPY, [op.input], activation=function)

    def pool(self, op: Any) -> None:
        """Add the launch of a pool with a window."""
        _, window, strides, padding, dilations = op.windows()
        average = isinstance(op, AveragePoolOp)
        self._planes(
            op,
            PlaneKind.AVERAGE_POOL if average else PlaneKind.MAX_POOL,
            [op.input],
            window=(window[0], window[1]),
            strides=(strides[0], strides[1]),
            origin=(-padding[0], -padding[1]),
            dilations=(dilations[0], dilations[1]),
            include_pad="count_include_pad" in op.attributes,
            divisor=integer(op.attributes["divisor"]) if "divisor" in op.attributes else 0,
            pad_end=(padding[2], padding[3]),
        )

    def adaptive_pool(self, op: Any) -> None:
        """Add the launch of a mean over as many windows as the result has pixels."""
        self._planes(op, PlaneKind.ADAPTIVE_AVERAGE_POOL, [op.input])

    def upsample(self, op: Any) -> None:
        """Add the launch of a change of size, which reads where each row and column comes from."""
        mode = ir.StringAttr(op.attributes["mode"]).value
        lines = []
        for axis in (0, 1):
            low, high, weight = op.weights(axis)
            line = np.zeros((len(low), 4), np.uint32)
            line[:, 0], line[:, 1] = low, high
            line[:, 2] = weight.astype(np.float32).view(np.uint32)
            lines.append(line)
        kind = PlaneKind.NEAREST if mode == "nearest" else PlaneKind.BILINEAR
        table = self.launches.weight(np.concatenate(lines))
        self._planes(op, kind, [op.input], table=table)

    def concat(self, op: Any) -> None:
        """Add the launches that copy the pieces of a concatenation."""
        axis, whole, target = op.axis, shape_of(op.result), blocks_of(op.result)
        images = axis <= 1 and len(whole) == 4
        first = 0
        for piece in op.operation.operands:
            own = shape_of(piece)
            # Rows are joined as planes of one row, which lie one after the other.
            shape = (
                own if images else [math.prod(own[:axis]), own[axis], 1, math.prod(own[axis + 1 :])]
            )
            count, channels, *plane = shape
            of_all = whole[1] if images else whole[axis]
            start = first * (whole[1] if images and axis == 0 else 1)
            operand = Operand(
                blocks_of(piece), (plane[0], plane[1]), channels=channels > 1, images=count > 1
            )
            kernel = PlaneKernel(
                PlaneKind.COPY,
                (operand,),
                target,
                (plane[0], plane[1]),
                native=self.native,
                part=target is None,
            )
            buffers = [self.memory(piece), self.memory(op.result)]
            self._launch_plane(
                "concat", kernel, buffers, op.location, (count, channels), (of_all, start)
            )
            first += own[axis]

    def select_channels(self, op: Any) -> None:
        """Add the launch that copies channels, which a table names."""
        channels = integers(op.attributes["channels"])
        table = np.zeros((len(channels), 4), np.uint32)
        table[:, 0], table[:, 1] = channels, shape_of(op.input)[1]
        self._planes(op, PlaneKind.SELECT, [op.input], table=self.launches.weight(table))

    def pixel_shuffle(self, op: Any) -> None:
        """Add the launch that puts channels side by side."""
        rows, columns = integers(op.attributes["factor"])
        self._planes(op, PlaneKind.SHUFFLE, [op.input], window=(rows, columns))

    def softmax(self, op: Any) -> None:
        """Add the launch of a softmax over rows."""
        self._rows(op, RowKernel(RowKind.SOFTMAX), len(shape_of(op.result)) - 1)

    def layer_norm(self, op: Any) -> None:
        """Add the launch of a layer norm over rows."""
        self._rows(op, RowKernel(RowKind.LAYER_NORM, op.epsilon_value), op.axis)

    def _rows(self, op: Any, kernel: RowKernel, axis: int) -> None:
        """Add the launch of a kernel over the rows along ``axis`` of plain tensors."""
        shape = shape_of(op.result)
        elements, step = shape[axis], math.prod(shape[axis + 1 :])
        rows = math.prod(shape) // elements
        memories = [self.memory(value) for value in (*op.operation.operands, op.result)]
        word = kernel.kind.value
        self.launches.add(
            Launch(
                kernel=self.launches.kernel(kernel, word, lambda: build_row_kernel(kernel)),
                buffers=tuple(memories),
                groups=(-(-rows // ROWS), 1, 1),
                push=(rows, elements, step),
                place=op.location,
                work=Work(word, 0, sum(memory.size for memory in memories), "", ""),
            )
        )

    def _planes(
        self,
        op: Any,
        kind: PlaneKind,
        operands: list[Any],
        table: Memory | None = None,
        **fields: Any,
    ) -> None:
        """Add the launch of a kernel that goes plane by plane."""
        images, channels, *plane = _as_images(op.result)
        described = []
        for value in operands:
            own_images, own_channels, height, width = _as_images(value)
            described.append(
                Operand(
                    blocks_of(value),
                    (height, width),
                    channels=own_channels == channels and channels > 1,
                    images=own_images == images and images > 1,
                )
            )
        kernel = PlaneKernel(
            kind,
            tuple(described),
            blocks_of(op.result),
            (plane[0], plane[1]),
            native=self.native,
            **fields,
        )
        memories = [self.memory(value) for value in operands]
        memories += [*([table] if table else []), self.memory(op.result)]
        word = op.operation.name.removeprefix("pattern.")
        self._launch_plane(word, kernel, memories, op.location, (images, channels), (channels, 0))

    def _launch_plane(
        self,
        word: str,
        kernel: PlaneKernel,
        memories: list[Memory],
        location: Any,
        shape: Pair,
        target: Pair,
    ) -> None:
        """Add a launch for ``shape`` images and channels; ``target``: of all, and the first."""
        images, channels = shape
        elements = images * channels * kernel.plane[0] * kernel.plane[1]
        if kernel.target is None:
            wanted = -(-elements // PLAIN_INVOCATIONS)
            groups = min(wanted, MAXIMUM_GROUPS), -(-wanted // MAXIMUM_GROUPS), 1
        else:
            place = kernel.placement
            halo = halo_groups(kernel.target, kernel.plane, place)
            groups = channels, place.groups + halo, images
        kind = kernel.kind.value
        self.launches.add(
            Launch(
                kernel=self.launches.kernel(kernel, kind, lambda: build_plane_kernel(kernel)),
                buffers=tuple(memories),
                groups=groups,
                push=(channels, *target, elements),
                place=location,
                work=Work(
                    word,
                    0,
                    sum(memory.size for memory in memories),
                    kernel.target.text if kernel.target else "",
                    "",
                ),
            )
        )


def _counts(choice: Any, predicted: float) -> Any:
    """Return what a convolution does as an attribute."""
    tally = choice.tally
    i64 = ir.IntegerType.get_signless(64)
    numbers = {
        name: ir.IntegerAttr.get(i64, getattr(tally, name))
        for name in (
            "products",
            "issued",
            "loads",
            "words",
            "table_loads",
            "stores",
            "outputs",
            "registers",
            "least_active",
        )
    }
    reals = {
        "balance": predicted,
        "intensity": tally.intensity,
        "seconds": choice.seconds,
    }
    values = {name: ir.FloatAttr.get(ir.F64Type.get(), value) for name, value in reals.items()}
    return ir.DictAttr.get({**numbers, **values})


def _as_images(value: Any) -> list[int]:
    """Return the shape of a tensor as [N, C, H, W]."""
    shape = shape_of(value)
    if len(shape) > 4:
        shape = [*shape[:3], math.prod(shape[3:])]
    return [1] * (1 - min(len(shape), 1)) + shape + [1] * (4 - max(len(shape), 1))


CONVERSIONS: Mapping[type, Callable[[_Network, Any], None]] = MappingProxyType(
    {
        ActivateOp: _Network.activate,
        AdaptiveAveragePoolOp: _Network.adaptive_pool,
        AddOp: _Network.binary,
        AveragePoolOp: _Network.pool,
        ConcatOp: _Network.concat,
        ConvOp: _Network.convolution,
        LayerNormOp: _Network.layer_norm,
        LinearOp: _Network.linear,
        MaxPoolOp: _Network.pool,
        MultiplyOp: _Network.binary,
        PixelShuffleOp: _Network.pixel_shuffle,
        RelayoutOp: _Network.relayout,
        SelectChannelsOp: _Network.select_channels,
        SoftmaxOp: _Network.softmax,
        UpsampleOp: _Network.upsample,
    }
)
