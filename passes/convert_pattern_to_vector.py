"""`convert-pattern-to-vector`: operations in lane blocks become calls of vector kernels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir.cost import Machine, choose_tiling
from pattern_mlir.dialects import (
    ActivateOp,
    AddOp,
    ConcatOp,
    ConvOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    SparseAttr,
    UpsampleOp,
    activation_of,
    integer,
    shape_of,
)
from pattern_mlir.dialects.layout import RelayoutOp, layout_of
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.parameters import Array, ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, walk
from pattern_mlir.passes.filters import array_of, filter_order, is_parameter
from pattern_mlir.passes.kernel_calls import KernelCalls
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel
from pattern_mlir.passes.lane_operations import LaneOperation, describe, lane_operands
from pattern_mlir.passes.lane_relayout import from_lanes, to_lanes
from pattern_mlir.passes.linalg_builders import collapsed, expanded
from pattern_mlir.passes.linear_kernels import LinearKernel
from pattern_mlir.patterns import PackedWeights, pack

LANE_OPERATIONS = (ActivateOp, AddOp, ConcatOp, ConvOp, MaxPoolOp, MultiplyOp, UpsampleOp)
"""What has kernels in lane blocks."""


CHUNK = 256
"""Products that are added up in one f32 sum, where there are more than twice as many."""


@dataclass(frozen=True)
class ConvertPatternToVector(Pass):
    """Lower operations whose result lies in lane blocks, and the changes of layout around them.

    A tensor in lane blocks becomes tensor<images x channels x vectors x lanes>. Operations that
    are equal but for their weights call one function. Weights are packed (FKW): each filter's
    counts by pattern, each kernel's channel and taps; zeros are left out.

    Precondition: `pattern-assign-layouts`, with the same ``lanes`` and ``registers``.

    Before (lanes = 4):
        func.func @f(%arg0: tensor<1x3xf32>) -> tensor<1x1xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<1x3xf32>
          %1 = "pattern.parameter"() {name = "b"} : () -> tensor<1xf32>
          %2 = "pattern.linear"(%arg0, %0, %1)
            : (tensor<1x3xf32>, tensor<1x3xf32>, tensor<1xf32>) -> tensor<1x1xf32>
          return %2 : tensor<1x1xf32>
        }

    After:
        func.func private @linear_0(%arg0: memref<1x3xf32> {llvm.noalias}, %arg1:
          memref<1x3xf32> {llvm.noalias}, %arg2: memref<1xf32> {llvm.noalias}, %arg3:
          memref<1x1xf32> {llvm.noalias}, %arg4: index, %arg5: index) attributes {llvm.no_inline,
          llvm.passthrough = ["no-builtins"]} {
          %c3 = arith.constant 3 : index
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          scf.for %arg6 = %arg4 to %arg5 step %c1 {
            %0 = arith.muli %arg6, %c1 : index
            scf.for %arg7 = %c0 to %c1 step %c1 {
              %1 = arith.addi %0, %c0 : index
              %2 = arith.addi %arg7, %c0 : index
              %cst = arith.constant 0.000000e+00 : f32
              %3 = scf.for %arg8 = %c0 to %c3 step %c1 iter_args(%arg9 = %cst) -> (f32) {
                %6 = memref.load %arg0[%2, %arg8] : memref<1x3xf32>
                %7 = memref.load %arg1[%1, %arg8] : memref<1x3xf32>
                %8 = arith.mulf %6, %7 : f32
                %9 = arith.addf %arg9, %8 : f32
                scf.yield %9 : f32
              }
              %4 = memref.load %arg2[%1] : memref<1xf32>
              %5 = arith.addf %3, %4 : f32
              memref.store %5, %arg3[%2, %1] : memref<1x1xf32>
            }
          }
          return
        }
        func.func @f(%arg0: tensor<1x3xf32>) -> tensor<1x1xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<1x3xf32>
          %1 = "pattern.parameter"() {name = "b"} : () -> tensor<1xf32>
          %alloc = memref.alloc() : memref<1x1xf32>
          %2 = bufferization.to_buffer %arg0 read_only : tensor<1x3xf32> to memref<1x3xf32>
          %3 = bufferization.to_buffer %0 read_only : tensor<1x3xf32> to memref<1x3xf32>
          %4 = bufferization.to_buffer %1 read_only : tensor<1xf32> to memref<1xf32>
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          call @linear_0(%2, %3, %4, %alloc, %c0, %c1) {pattern.extent = 1 : i64, pattern.work =
            {bytes = 32 : i64, kernel = "linear", layout = "", multiplications = 3 : i64, tile =
            "1 filters"}} : (memref<1x3xf32>, memref<1x3xf32>, memref<1xf32>, memref<1x1xf32>,
            index, index) -> ()
          %5 = bufferization.to_tensor %alloc restrict writable : memref<1x1xf32> to
            tensor<1x1xf32>
          return %5 : tensor<1x1xf32>
        }
    """

    lanes: int = 16
    registers: int = 32

    name: ClassVar[str] = "convert-pattern-to-vector"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Lower operations in program order; what they replace goes at the end."""
        lowering = _Lowering(module, parameters, Machine(self.lanes, self.registers))
        for op in walk(module, ir.OpView):
            with op.location, ir.InsertionPoint(op):
                if isinstance(op, RelayoutOp):
                    lowering.relayout(op)
                elif isinstance(op, LANE_OPERATIONS) and layout_of(op.result):
                    lowering.operation(op)
                elif isinstance(op, LinearOp) and _has_kernel(op):
                    lowering.linear(op)
        lowering.finish()


class _Lowering:
    """What the operations lowered so far have become."""

    def __init__(self, module: Any, parameters: ParameterStore, machine: Machine) -> None:
        self._parameters = parameters
        self._machine = machine
        self._physical: dict[Any, Any] = {}
        self._calls = KernelCalls(module)
        self._replaced: list[Any] = []

    def finish(self) -> None:
        """Erase what was lowered, users first.

        Raises:
            OperationFailure: something without a kernel reads lane blocks.
        """
        gone = {op.operation for op in self._replaced}
        for op in self._replaced:
            for use in op.result.uses:
                if use.owner.operation not in gone:
                    raise OperationFailure(
                        use.owner, "has no kernel in lane blocks; put a relayout before it"
                    )
        for op in reversed(self._replaced):
            op.operation.erase()

    def _vectors(self, op: Any, value: Any) -> Any:
        """Return the vectors of ``value``, an operand of ``op`` in lane blocks."""
        if value not in self._physical:
            raise OperationFailure(
                op, "reads lane blocks that neither a kernel nor a relayout of this function makes"
            )
        return self._physical[value]

    def relayout(self, op: Any) -> None:
        """Lower a change of layout: a copy where blocks stay, else by way of a plain tensor."""
        value, before, after = op.input, layout_of(op.input), layout_of(op.result)
        self._replaced.append(op)
        if before and after and (before.grid, before.block) == (after.grid, after.block):
            self._physical[op.result] = self._copied(op, before, after)
            return
        if before is not None:
            value = from_lanes(self._vectors(op, value), before, shape_of(op.input))
        if after is None:
            op.result.replace_all_uses_with(value)
        else:
            self._physical[op.result] = to_lanes(value, after)

    def _copied(self, op: Any, before: LaneLayout, after: LaneLayout) -> Any:
        shape = shape_of(op.input)
        tiling = choose_tiling(self._machine, after.block, ((0, 0),), (1, 1), 1, 1.0, 1)
        kernel = LaneKernel(
            kind=Kind.COPY,
            images=shape[0],
            channels=shape[1],
            filters=shape[1],
            source=before,
            target=after,
            plane=(shape[2], shape[3]),
            tile_rows=tiling.rows,
            tile_columns=tiling.columns,
        )
        return self._calls.call([kernel], [[self._vectors(op, op.input)]])

    def operation(self, op: Any) -> None:
        """Lower an operation to the call of its kernel; a concatenation to one for each piece."""
        kernel = self._kernel(op)
        inputs = [self._vectors(op, op.operation.operands[i]) for i in lane_operands(op)]
        if isinstance(op, ConcatOp):
            kernels, first = [], 0
            for value in op.operands:
                source, channels = layout_of(value), shape_of(value)[1]
                assert source is not None
                own = replace(kernel, source=source, channels=channels, filters=channels)
                own = replace(own, target_channels=kernel.filters, first_channel=first)
                kernels.append(own)
                first += channels
            self._physical[op.result] = self._calls.call(kernels, [[value] for value in inputs])
        else:
            tables = self._tables(op, kernel) if isinstance(op, ConvOp) else []
            values = [inputs[0], *tables, *inputs[1:]]
            boundaries = op.attributes.get("filter_boundaries") if kernel.block == 1 else None
            count = self._multiplications(op, kernel) if isinstance(op, ConvOp) else 0
            self._physical[op.result] = self._calls.call([kernel], [values], count, boundaries)
        self._replaced.append(op)

    def linear(self, op: Any) -> None:
        """Lower a fully connected layer to the call of its kernel."""
        *rows, inputs = shape_of(op.input)
        filters = shape_of(op.weight)[0]
        kernel = LinearKernel(
            int(np.prod(rows)), inputs, filters, self._machine.lanes, activation_of(op)
        )
        x = collapsed(op.input, [len(rows), 1]) if rows else expanded(op.input, [[1, inputs]])
        bias = op.optional_operand("bias")
        if bias is None:
            name = f"{op.weight.owner.opview.parameter_name}.bias"
            bias = self._table(name, np.zeros(filters, np.float32))
        count = kernel.rows * inputs * filters
        y = self._calls.call([kernel], [[x, op.weight, bias]], count)
        y = expanded(y, [rows, [filters]]) if rows else collapsed(y, [2])
        op.result.replace_all_uses_with(y)
        self._replaced.append(op)

    def _kernel(self, op: Any) -> LaneKernel:
        description = describe(op, self._parameters)
        positions = lane_operands(op)
        layouts = [layout_of(op.operation.operands[i]) for i in positions]
        target, source = layout_of(op.result), layouts[0]
        assert description is not None and target is not None and source is not None
        tiling = description.tiling(self._machine, target.block)
        joined = isinstance(op, ConcatOp)
        return LaneKernel(
            kind=description.kind,
            images=description.images,
            channels=description.channels,
            filters=description.filters,
            source=source,
            target=target,
            plane=description.result_plane,
            tile_rows=tiling.rows,
            tile_columns=tiling.columns,
            block=description.filter_block,
            patterns=description.taps,
            origin=(-description.padding[0], -description.padding[1]),
            strides=description.strides,
            repeat=description.repeat,
            operand=layouts[1] if len(layouts) > 1 and not joined else None,
            combine="multiply" if isinstance(op, MultiplyOp) else "add",
            activation=op.attributes["function"]
            if isinstance(op, ActivateOp)
            else activation_of(op),
            max_pool=description.max_pool,
            chunk=_chunk(description),
        )

    def _multiplications(self, op: Any, kernel: LaneKernel) -> int:
        """Return the multiply-accumulates of a convolution, without those of pruned weights."""
        weight = array_of(op.weight.owner.opview, self._parameters)
        sparse = isinstance(ir.RankedTensorType(op.weight.type).encoding, SparseAttr)
        kept = np.count_nonzero(weight) if sparse else weight.size
        rows, columns = (size * kernel.shrink for size in kernel.plane)
        return int(kept) * kernel.images * rows * columns

    def _tables(self, op: Any, kernel: LaneKernel) -> list[Any]:
        """Return the packed weight, the bias, and where filters write, as parameters."""
        parameter = op.weight.owner.opview
        weight = array_of(parameter, self._parameters)
        groups, filters = integer(op.groups), kernel.filters
        description = describe(op, self._parameters)
        assert description is not None
        if kernel.block > 1:
            tables = _shared_kernel_tables(weight, kernel.block, groups)
        else:
            try:
                tables = _kernel_tables(pack(weight, description.library), groups)
            except ValueError as error:
                raise OperationFailure(op, str(error)) from None
        order = filter_order(op, "output_channel")
        name = f"{parameter.parameter_name}.fkw"
        values = [self._table(f"{name}.{key}", table) for key, table in tables.items()]
        bias = op.optional_operand("bias")
        if bias is None:
            bias = self._table(f"{name}.bias", np.zeros(filters, np.float32))
        channels = self._table(f"{name}.output_channel", order.astype(np.uint16))
        return [*values, bias, channels]

    def _table(self, name: str, array: Array) -> Any:
        """Return ``array`` as a parameter; a convolution with the same weight shares it."""
        signed = array.view(f"i{array.dtype.itemsize}") if array.dtype.kind == "u" else array
        while name in self._parameters and not np.array_equal(self._parameters[name], signed):
            name += "'"
        if name not in self._parameters:
            self._parameters.add(name, signed)
        bits = signed.dtype.itemsize * 8
        element = (
            ir.F32Type.get() if signed.dtype.kind == "f" else ir.IntegerType.get_signless(bits)
        )
        return ParameterOp.build(name, ir.RankedTensorType.get(list(array.shape), element)).result


def _chunk(description: LaneOperation) -> int:
    """Return how many kernels of a filter are added up at a time: one long f32 sum loses bits."""
    taps = max(map(len, description.library.patterns))
    products = description.kernels / description.filters * taps
    return max(1, CHUNK // taps) if products > 2 * CHUNK else 0


def _has_kernel(op: Any) -> bool:
    """Whether a linear layer is of f32 and its weight is known."""
    return is_parameter(op.weight) and str(op.result.type.element_type) == "f32"


def _kernel_tables(packed: PackedWeights, groups: int) -> dict[str, npt.NDArray[Any]]:
    """Return the tables of a packed weight as its kernel reads them.

    `counts` u16 [filters, patterns]; `starts` u32 [filters, 2], a filter's first kernel and first
    tap; `channels` u16 [kernels], counted over all groups; `taps`.
    """
    filters, group_channels = packed.shape[:2]
    counts = packed.counts.astype(np.int64)
    sizes = np.array([len(taps) for taps in packed.library.patterns])
    owner = np.repeat(np.arange(filters), counts.sum(axis=1))
    channels = packed.channels + owner // (filters // groups) * group_channels
    lengths = np.stack([counts.sum(axis=1), counts @ sizes], axis=1)
    return {
        "counts": packed.counts,
        "starts": (np.cumsum(lengths, axis=0) - lengths).astype(np.uint32),
        "channels": channels.astype(np.uint16),
        "taps": packed.taps,
    }


def _shared_kernel_tables(weight: Array, block: int, groups: int) -> dict[str, npt.NDArray[Any]]:
    """Return the tables of a dense weight whose kernel computes ``block`` filters at a time.

    As `_kernel_tables`, with blocks for filters; `taps` are [block, channel, tap, filter].
    """
    filters, group_channels = weight.shape[:2]
    units = filters // block
    taps = weight.reshape(units, block, group_channels, -1).transpose(0, 2, 3, 1)
    first = np.arange(units) // (units // groups) * group_channels
    lengths = np.array([[group_channels, taps[0].size]])
    return {
        "counts": np.full((units, 1), group_channels, np.uint16),
        "starts": (np.arange(units)[:, None] * lengths).astype(np.uint32),
        "channels": (first[:, None] + np.arange(group_channels)).reshape(-1).astype(np.uint16),
        "taps": np.ascontiguousarray(taps).reshape(-1),
    }
