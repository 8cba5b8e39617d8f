"""`convert-pattern-to-vector`: operations in lane blocks become calls of vector kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir.cost import (
    Machine,
    Products,
    Tiling,
    chains,
    choose_tiling,
    matrix_cycles,
)
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
    SelectChannelsOp,
    SoftmaxOp,
    SparseAttr,
    UpsampleOp,
    activation_of,
    integer,
    integers,
    shape_of,
)
from pattern_mlir.dialects.layout import RelayoutOp, layout_of
from pattern_mlir.layouts import LaneLayout, relayout_table
from pattern_mlir.parameters import Array, ParameterStore
from pattern_mlir.passes.activation_kernels import ACTIVATION_CYCLES, ActivationKernel
from pattern_mlir.passes.base import MachinePass, OperationFailure, walk
from pattern_mlir.passes.channel_statistics import StatisticsKernel
from pattern_mlir.passes.filters import array_of, filter_order, is_parameter, is_sparse
from pattern_mlir.passes.fkw_tables import weight_tables
from pattern_mlir.passes.kernel_calls import KernelCalls
from pattern_mlir.passes.kernel_functions import ELEMENT_BYTES
from pattern_mlir.passes.lane_kernel import Kind, LaneKernel
from pattern_mlir.passes.lane_operations import (
    NORM_LOADS,
    LaneOperation,
    channel_operand,
    describe,
    is_pixel,
    lane_operands,
)
from pattern_mlir.passes.linalg_builders import collapsed, expanded
from pattern_mlir.passes.linear_kernels import LinearKernel
from pattern_mlir.passes.mean_kernels import MeanKernel
from pattern_mlir.passes.mix_kernels import MixKernel
from pattern_mlir.passes.relayout_kernels import RelayoutKernel, ResizeKernel, list_vectors
from pattern_mlir.passes.results import is_numbered, result_mark
from pattern_mlir.passes.row_kernels import ROW_CYCLES, RowKernel, RowKind
from pattern_mlir.passes.tap_windows import windows_of
from pattern_mlir.passes.thread_shares import filter_groups, thread_shares, tile_parts
from pattern_mlir.passes.window_mean_kernels import WINDOW_CYCLES, WindowMeanKernel, windows
from pattern_mlir.relayout_cost import IN_RUN, change_cycles, relayout_cycles
from pattern_mlir.tap_lanes import making_cycles

LANE_OPERATIONS: Mapping[type[Any], str] = MappingProxyType(
    {
        ActivateOp: "planes",
        AddOp: "planes of equal shape, or one number a channel",
        AveragePoolOp: "windows that all count as many pixels",
        ConcatOp: "channels",
        ConvOp: "a known weight",
        LayerNormOp: "channels",
        MaxPoolOp: "any window",
        MultiplyOp: "planes of equal shape, or one number a channel",
        PixelShuffleOp: "any factors",
        SelectChannelsOp: "any channels",
        UpsampleOp: "nearest by whole factors",
    }
)
"""What has kernels in lane blocks, of f32 [N, C, H, W], and of which form it must be."""

OTHER_OPERATIONS: Mapping[type[Any], str] = MappingProxyType(
    {
        ActivateOp: "all",
        AdaptiveAveragePoolOp: "all",
        AveragePoolOp: "all",
        LayerNormOp: "any rows, and channels in lane blocks",
        LinearOp: "a known weight",
        RelayoutOp: "any layouts",
        SoftmaxOp: "any rows",
        UpsampleOp: "all",
    }
)
"""What has kernels of other kinds, of f32, and of which form it must be."""


OWN_CACHE = 768 << 10
"""Bytes of input that stay in a core's own cache.

Of more, convolutions prefetch the next tile, and what shares no plane goes plane by plane: a pool
of 64 planes of 112x112 took .61 to .80 of the time so, a depthwise convolution of as many .8.
"""

STREAMED_WEIGHTS = 256 << 10
"""Bytes of weights that a core's own cache does not keep until the next run."""

CHUNK = 256
"""Products that are added up in one f32 sum, where there are more than twice as many."""


@dataclass(frozen=True)
class ConvertPatternToVector(MachinePass):
    """Lower operations whose result lies in lane blocks, and the changes of layout around them.

    A tensor in lane blocks becomes tensor<images x channels x vectors x lanes>. Operations that
    are equal but for their weights call one function. Weights are packed (FKW): each filter's
    counts by pattern, each kernel's channel and taps; zeros are left out. Kernels that keep inputs
    in registers have each channel's counts, and each kernel's filter; those with taps in lanes read
    windows (`tap_windows`). A call that completes the result of an operation says so, by the
    operation's number: `pattern.result`.

    Precondition: `pattern-assign-layouts`, with the same options.

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
          call @linear_0(%2, %3, %4, %alloc, %c0, %c1) {pattern.extent = 1 : i64, pattern.result =
            {operation = 0 : i64, type = tensor<1x1xf32>}, pattern.work = {bytes = 32 : i64, cycles
            = 1 : i64, kernel = "linear", layout = "", multiplications = 3 : i64, tile = "1
            filters"}} : (memref<1x3xf32>, memref<1x3xf32>, memref<1xf32>, memref<1x1xf32>, index,
            index) -> ()
          %5 = bufferization.to_tensor %alloc restrict writable : memref<1x1xf32> to
            tensor<1x1xf32>
          return %5 : tensor<1x1xf32>
        }
    """

    name: ClassVar[str] = "convert-pattern-to-vector"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Lower operations in program order; what they replace goes at the end."""
        lowering = _Lowering(module, parameters, self.machine)
        for op in walk(module, ir.OpView):
            lowering.number += is_numbered(op)
            with op.location, ir.InsertionPoint(op):
                if isinstance(op, RelayoutOp) and (layout_of(op.input) or layout_of(op.result)):
                    lowering.relayout(op)
                elif _is_in_lanes(op):
                    lowering.operation(op)
                elif isinstance(op, AdaptiveAveragePoolOp) and layout_of(op.input):
                    lowering.mean(op)
                elif _is_over_rows(op):
                    lowering.rows(op)
                elif _is_linear(op):
                    lowering.linear(op)
                elif _is_plain(op, UpsampleOp):
                    (lowering.bilinear if _is_bilinear(op) else lowering.nearest)(op)
                elif _is_plain(op, (AdaptiveAveragePoolOp, AveragePoolOp)):
                    lowering.windows(op)
                elif _is_plain(op, ActivateOp):
                    lowering.activate(op)
        lowering.finish()


class _Lowering:
    """What the operations lowered so far have become."""

    def __init__(self, module: Any, parameters: ParameterStore, machine: Machine) -> None:
        self._parameters = parameters
        self._machine = machine
        self._physical: dict[Any, Any] = {}
        self._calls = KernelCalls(module)
        self.number = -1
        """Of the operation that is lowered, see `numbered`."""
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

    def _mark(self, op: Any) -> Any:
        """Return the mark of the call that completes the result of ``op``."""
        return result_mark(self.number, op.result.type)

    def relayout(self, op: Any) -> None:
        """Lower a change of layout: a copy where blocks stay, else element by element."""
        before, after = layout_of(op.input), layout_of(op.result)
        self._replaced.append(op)
        if before and after and before.blocks == after.blocks:
            self._physical[op.result] = self._copied(op, before, after)
            return
        images, channels, *plane = shape_of(op.input)
        table = relayout_table(before, after, (plane[0], plane[1]))
        x = self._vectors(op, op.input) if before else op.input
        x = collapsed(x, [2, 2])
        lanes, size = self._machine.lanes, shape_of(x)[1]
        listing = None
        if after and after.lanes == lanes:
            same = _element(op.input) == _element(op.result)
            from_vectors = before is not None and before.lanes == lanes and same
            listing = list_vectors(table, lanes, size, from_vectors)
        kernel = RelayoutKernel(
            planes=images * channels,
            source_size=size,
            target_size=len(table),
            lanes=lanes,
            fill=after.fill if after else 0.0,
            layout=after.words if after else "",
            source_type=_element(op.input),
            target_type=_element(op.result),
            runs=listing.runs if listing else 0,
            singles=listing.singles if listing else 0,
            shuffles=listing.shuffles if listing else (),
        )
        name = f"relayout.{before.words if before else 'plain'}.{kernel.layout or 'plain'}"
        values = [x, self._table(name, table)]
        if listing and kernel.places:
            values.append(self._table(f"{name}.vectors", listing.table))
        ends = (before and before.blocks, after and after.blocks)
        cycles = change_cycles(self._machine, kernel.planes, (plane[0], plane[1]), *ends)
        cycles *= 1 - (1 - IN_RUN) * kernel.in_runs
        if not kernel.shuffles:
            cycles = self._machine.corrected(kernel.word, cycles)
        y = self._calls.call([kernel], [values], cycles=cycles)
        if after is None:
            op.result.replace_all_uses_with(expanded(y, [[images, channels], plane]))
        else:
            vectors = [after.plane, after.lanes]
            self._physical[op.result] = expanded(y, [[images, channels], vectors])

    def _copied(self, op: Any, before: LaneLayout, after: LaneLayout) -> Any:
        shape = shape_of(op.input)
        row_block = before.block[1] if before.rows else 0
        products = Products((((0, 0),),), row_block=row_block)
        machine = self._machine.with_lanes(after.lanes)
        tiling = choose_tiling(machine, products, after.block)
        kernel = LaneKernel(
            kind=Kind.COPY,
            images=shape[0],
            channels=shape[1],
            filters=shape[1],
            source=before,
            target=after,
            plane=(shape[2], shape[3]),
            tiles=tiling.tiles,
            source_type=_element(op.input),
            target_type=_element(op.result),
        )
        cycles = shape[0] * shape[1] * tiling.cycles
        return self._calls.call([kernel], [[self._vectors(op, op.input)]], cycles=cycles)

    def operation(self, op: Any) -> None:
        """Lower an operation to the call of its kernel; a concatenation to one for each piece."""
        kernel, cycles = self._kernel(op)
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
            self._physical[op.result] = self._calls.call(
                kernels, [[value] for value in inputs], cycles=cycles, result=self._mark(op)
            )
        else:
            tables = self._operand_tables(op, kernel)
            if isinstance(op, LayerNormOp):
                tables.insert(0, self._statistics(op, kernel, inputs[0]))
            if kernel.taps_in_lanes:
                inputs[0] = self._tap_windows(kernel, inputs[0])
            values = [inputs[0], *tables, *inputs[1:]]
            count, shares = 0, None
            if isinstance(op, ConvOp):
                weights = self._weights(op)
                count = int(weights.sum()) * kernel.positions
                shares = thread_shares(op, kernel, weights)
            self._physical[op.result] = self._calls.call(
                [kernel], [values], count, shares, cycles, self._mark(op)
            )
        self._replaced.append(op)

    def mean(self, op: Any) -> None:
        """Lower the mean of planes in lane blocks."""
        layout = layout_of(op.input)
        assert layout is not None
        images, channels, *plane = shape_of(op.input)
        size = (plane[0], plane[1])
        kernel = MeanKernel(images * channels, layout.lanes, layout, size, _element(op.input))
        x = collapsed(self._vectors(op, op.input), [2, 2])
        description = describe(op, self._parameters)
        assert description is not None
        machine = self._machine.with_lanes(layout.lanes)
        cycles = description.predicted(machine, layout.block, layout.rows)
        y = self._calls.call([kernel], [[x]], cycles=cycles, result=self._mark(op))
        op.result.replace_all_uses_with(expanded(y, [[images, channels, 1, 1]]))
        self._replaced.append(op)

    def bilinear(self, op: Any) -> None:
        """Lower a bilinear resizing: columns first, so that long rows are mixed as a whole."""
        images, channels, rows, columns = shape_of(op.input)
        planes, lanes = images * channels, self._machine.lanes
        result_rows, result_columns = shape_of(op.result)[2:]
        element = _element(op.result)
        x = collapsed(op.input, [2, 1, 1])
        kernels = (
            (1, MixKernel(planes, lanes, rows, columns, result_columns, False, element)),
            (0, MixKernel(planes, lanes, rows, result_columns, result_rows, True, element)),
        )
        for axis, kernel in kernels:
            *positions, weights = op.weights(axis)
            tables = [*(own.astype(np.int32) for own in positions), weights.astype(np.float32)]
            names = [f"bilinear.{key}.{kernel.size}" for key in ("low", "high", "weight")]
            values = [self._table(name, table) for name, table in zip(names, tables, strict=True)]
            mark = self._mark(op) if axis == 0 else None
            x = self._calls.call([kernel], [[x, *values]], result=mark)
        y = expanded(x, [[images, channels], [result_rows], [result_columns]])
        op.result.replace_all_uses_with(y)
        self._replaced.append(op)

    def nearest(self, op: Any) -> None:
        """Lower a resizing to the nearest pixels."""
        images, channels, rows, columns = shape_of(op.input)
        plane = shape_of(op.result)[2:]
        table = op.sources(0)[:, None] * columns + op.sources(1)
        table = table.astype(np.int32).reshape(-1)
        element = _element(op.result)
        kernel = ResizeKernel(
            planes=images * channels,
            lanes=self._machine.lanes,
            source_size=rows * columns,
            target_size=len(table),
            fill=0.0,
            layout="",
            source_type=element,
            target_type=element,
        )
        cycles = relayout_cycles(self._machine, kernel.planes * kernel.target_size)
        values = [collapsed(op.input, [2, 2]), self._table("nearest", table)]
        y = self._calls.call([kernel], [values], cycles=cycles, result=self._mark(op))
        op.result.replace_all_uses_with(expanded(y, [[images, channels], plane]))
        self._replaced.append(op)

    def windows(self, op: Any) -> None:
        """Lower means over windows of plain planes."""
        images, channels, *plane = shape_of(op.input)
        size = shape_of(op.result)[2:]
        kernel = WindowMeanKernel(
            images * channels,
            self._machine.lanes,
            (plane[0], plane[1]),
            (size[0], size[1]),
            _element(op.result),
        )
        tables = dict(zip(("rows", "columns", "divisors"), windows(op), strict=True))
        values = [self._table(f"windows.{key}", table) for key, table in tables.items()]
        x = collapsed(op.input, [2, 1, 1])
        cycles = kernel.planes * float(np.prod(size)) * WINDOW_CYCLES
        y = self._calls.call([kernel], [[x, *values]], cycles=cycles, result=self._mark(op))
        op.result.replace_all_uses_with(expanded(y, [[images, channels], [size[0]], [size[1]]]))
        self._replaced.append(op)

    def activate(self, op: Any) -> None:
        """Lower the activation of a plain tensor."""
        shape = shape_of(op.input)
        size, element = int(np.prod(shape)), _element(op.result)
        function = op.attributes["function"]
        kernel = ActivationKernel(size, self._machine.lanes, function, element)
        cycles = ACTIVATION_CYCLES * -(-size // kernel.lanes)
        x = collapsed(op.input, [len(shape)])
        y = self._calls.call([kernel], [[x]], cycles=cycles, result=self._mark(op))
        op.result.replace_all_uses_with(expanded(y, [shape]))
        self._replaced.append(op)

    def rows(self, op: Any) -> None:
        """Lower a softmax or a layer norm to the call of its kernel."""
        x, *factors = op.operation.operands
        *sizes, size = shape_of(x)
        norm = isinstance(op, LayerNormOp)
        kernel = RowKernel(
            RowKind.LAYER_NORM if norm else RowKind.SOFTMAX,
            int(np.prod(sizes)),
            size,
            self._machine.lanes,
            op.epsilon_value if norm else 0.0,
        )
        x = collapsed(x, [len(sizes), 1]) if sizes else expanded(x, [[1, size]])
        cycles = ROW_CYCLES[kernel.kind] * kernel.rows * -(-size // kernel.lanes)
        mark = self._mark(op)
        y = self._calls.call([kernel], [[x, *factors]], cycles=cycles, result=mark)
        y = expanded(y, [sizes, [size]]) if sizes else collapsed(y, [2])
        op.result.replace_all_uses_with(y)
        self._replaced.append(op)

    def linear(self, op: Any) -> None:
        """Lower a fully connected layer, or a convolution of single pixels, to a call."""
        pixel = isinstance(op, ConvOp)
        x = collapsed(op.input, [1, 3]) if pixel else op.input
        weight = collapsed(op.weight, [1, 3]) if pixel else op.weight
        *rows, inputs = shape_of(x)
        filters = shape_of(weight)[0]
        kernel = LinearKernel(
            int(np.prod(rows)),
            inputs,
            filters,
            self._machine.lanes,
            activation_of(op),
            _element(op.result),
            _element(op.weight),
            self._machine.prefetches,
        )
        x = collapsed(x, [len(rows), 1]) if rows else expanded(x, [[1, inputs]])
        bias = op.optional_operand("bias")
        if bias is None:
            name = f"{op.weight.owner.opview.parameter_name}.bias"
            bias = self._table(name, np.zeros(filters, np.float32))
        count = kernel.rows * inputs * filters
        size = ELEMENT_BYTES[kernel.weight_type] * inputs * filters
        cycles = self._machine.corrected(kernel.word, matrix_cycles(self._machine, count, size))
        mark = self._mark(op)
        y = self._calls.call([kernel], [[x, weight, bias]], count, cycles=cycles, result=mark)
        if pixel:
            y = expanded(y, [rows, [filters, 1, 1]])
        else:
            y = expanded(y, [rows, [filters]]) if rows else collapsed(y, [2])
        op.result.replace_all_uses_with(y)
        self._replaced.append(op)

    def _kernel(self, op: Any) -> tuple[LaneKernel, float]:
        """Return an operation's kernel, and the cycles that it is expected to take."""
        description = describe(op, self._parameters)
        positions = lane_operands(op)
        layouts = [layout_of(op.operation.operands[i]) for i in positions]
        target, source = layout_of(op.result), layouts[0]
        assert description is not None and target is not None and source is not None
        machine = description.machine(self._machine, target.lanes)
        halo = description.has_halo(source.halo)
        tiling = description.tiling(machine, target.block, target.rows, halo)
        joined = isinstance(op, ConcatOp)
        outgrows_cache = _outgrows_cache(description, source)
        kernel = LaneKernel(
            kind=description.kind,
            images=description.images,
            channels=description.channels,
            filters=description.filters,
            source=source,
            target=target,
            plane=description.result_plane,
            tiles=tiling.tiles,
            block=tiling.filter_block,
            patterns=description.taps,
            origin=(-description.padding[0], -description.padding[1]),
            strides=description.strides,
            repeat=description.repeat,
            operand=layouts[1] if len(layouts) > 1 and not joined else None,
            operand_images=_operand_images(op),
            combine="multiply" if isinstance(op, MultiplyOp) else "add",
            divisor=description.divisor,
            activation=op.attributes["function"]
            if isinstance(op, ActivateOp)
            else activation_of(op),
            max_pool=description.max_pool,
            chunk=_chunk(description, tiling),
            channel_block=tiling.channel_block,
            by_plane=outgrows_cache and not description.shares_planes,
            prefetch=machine.prefetches and outgrows_cache and description.shares_planes,
            pair_cycles=machine.pair_cycles,
            source_type=description.element,
            target_type=description.element,
            half_sums=description.half_sums,
            wraps=tiling.wraps,
            tile_parts=tile_parts(description, tiling, machine),
            weights_ahead=machine.prefetches and _streams_weights(description),
        )
        if tiling.group:
            sizes = np.diff(filter_groups(op, kernel, tiling.group))
            kernel = replace(kernel, groups=len(sizes), group=int(sizes.max()), prefetch=False)
        if tiling.taps_in_lanes:
            kernel = replace(kernel, taps_in_lanes=True, prefetch=False, pair_cycles=0)
        return kernel, description.predicted(machine, target.block, target.rows)

    def _weights(self, op: Any) -> npt.NDArray[np.int64]:
        """Return how many weights of each filter of a convolution are multiplied."""
        weight = array_of(op.weight.owner.opview, self._parameters)
        weight = weight.reshape(len(weight), -1)
        sparse = isinstance(ir.RankedTensorType(op.weight.type).encoding, SparseAttr)
        kept = weight != 0 if sparse else np.ones_like(weight, bool)
        counts: npt.NDArray[np.int64] = kept.sum(axis=1)
        return counts

    def _operand_tables(self, op: Any, kernel: LaneKernel) -> list[Any]:
        """Return what the kernel of ``op`` reads between its input and its second operand."""
        if isinstance(op, ConvOp):
            return self._tables(op, kernel)
        if isinstance(op, SelectChannelsOp):
            return [self._table("channels", np.array(integers(op.channels), np.uint16))]
        if isinstance(op, LayerNormOp):
            return [op.weight, op.bias]
        position = channel_operand(op)
        return [] if position is None else [collapsed(op.operation.operands[position], [1, 3])]

    def _statistics(self, op: Any, kernel: LaneKernel, x: Any) -> Any:
        """Return mean and scale of each pixel over the channels of ``x``."""
        source = kernel.source
        own = StatisticsKernel(
            kernel.images, source.lanes, kernel.channels, source.plane, op.epsilon_value
        )
        loads = NORM_LOADS * kernel.images * kernel.channels * source.plane
        return self._calls.call([own], [[x]], cycles=loads * self._machine.load_cycles)

    def _tap_windows(self, kernel: LaneKernel, x: Any) -> Any:
        """Return what the taps of every pixel of ``x`` see, for each channel and pattern."""
        machine = self._machine.with_lanes(kernel.source.lanes)
        cycles = making_cycles(machine, kernel.patterns, kernel.images * kernel.channels)
        return self._calls.call([windows_of(kernel)], [[x]], cycles=cycles)

    def _tables(self, op: Any, kernel: LaneKernel) -> list[Any]:
        """Return the packed weight, the bias, and where filters write, as parameters."""
        parameter = op.weight.owner.opview
        weight = array_of(parameter, self._parameters)
        order = filter_order(op, "output_channel").astype(np.uint16)
        description = describe(op, self._parameters)
        assert description is not None
        shared = kernel.block > 1 and not is_sparse(op.weight)
        library = None if shared else description.library
        bounds = filter_groups(op, kernel, kernel.group) if kernel.groups else None
        try:
            tables = weight_tables(weight, library, kernel, integer(op.groups), bounds)
        except ValueError as error:
            raise OperationFailure(op, str(error)) from None
        name = f"{parameter.parameter_name}.fkw"
        values = [self._table(f"{name}.{key}", table) for key, table in tables.items()]
        bias = op.optional_operand("bias")
        if bias is None:
            bias = self._table(f"{name}.bias", np.zeros(kernel.filters, np.float32))
        return [*values, bias, self._table(f"{name}.output_channel", order)]

    def _table(self, name: str, array: Array) -> Any:
        """Return ``array`` as a parameter; a convolution with the same weight shares it."""
        signed = array.view(f"i{array.dtype.itemsize}") if array.dtype.kind == "u" else array
        while name in self._parameters and not _same(self._parameters[name], signed):
            name += "'"
        if name not in self._parameters:
            self._parameters.add(name, signed)
        bits = signed.dtype.itemsize * 8
        floats = {2: ir.F16Type, 4: ir.F32Type}
        element = (
            floats[signed.dtype.itemsize].get()
            if signed.dtype.kind == "f"
            else ir.IntegerType.get_signless(bits)
        )
        return ParameterOp.build(name, ir.RankedTensorType.get(list(array.shape), element)).result


def _same(array: Array, other: Array) -> bool:
    return array.dtype == other.dtype and np.array_equal(array, other)


def _element(value: Any) -> str:
    """Return the element type of a tensor by its name."""
    return str(ir.RankedTensorType(value.type).element_type)


def _outgrows_cache(description: LaneOperation, source: LaneLayout) -> bool:
    """Whether an operation's input is too large to stay in a core's own cache."""
    size = ELEMENT_BYTES[description.element] * source.plane * source.lanes
    size *= description.images * description.channels
    return size > OWN_CACHE


def _streams_weights(description: LaneOperation) -> bool:
    """Whether an operation's weights come from beyond a core's own cache."""
    weights = description.kernels * max(map(len, description.taps))
    size = ELEMENT_BYTES[description.element] * weights
    return description.kind is Kind.CONVOLVE and size > STREAMED_WEIGHTS


def _chunk(description: LaneOperation, tiling: Tiling) -> int:
    """Return how many kernels of a filter are added up at a time: one long f32 sum loses bits.

    Where inputs stay in registers, of how many channels.
    """
    taps = max(map(len, description.library.patterns))
    share = tiling.channel_block / description.channels
    if description.half_sums or tiling.taps_in_lanes:
        return 0  # chunks are those of sums in f16; each lane adds up few products
    products = description.kernels / description.filters * taps
    if tiling.group:
        parts = math.ceil(products / (2 * CHUNK))
        return -(-description.channels // parts) if parts > 1 else 0
    products /= chains(tiling.most_sums, taps)
    # Each block of channels goes on with the sums of those before it.
    is_long = products * share > 2 * CHUNK or products > 4 * CHUNK
    return max(1, CHUNK // taps) if is_long else 0


def _is_in_lanes(op: Any) -> bool:
    """Whether ``op`` has a kernel in lane blocks, and a result that lies in them."""
    has_kernel = isinstance(op, tuple(LANE_OPERATIONS))
    return has_kernel and layout_of(op.operation.results[0]) is not None


def _is_over_rows(op: Any) -> bool:
    """Whether ``op`` is a softmax or layer norm of f32, over its rows."""
    if isinstance(op, LayerNormOp) and op.axis != len(shape_of(op.input)) - 1:
        return False
    return isinstance(op, (LayerNormOp, SoftmaxOp)) and _element(op.result) == "f32"


def _is_linear(op: Any) -> bool:
    """Whether ``op`` is a fully connected layer of known types whose weight is known."""
    if not (isinstance(op, LinearOp) or (isinstance(op, ConvOp) and is_pixel(op))):
        return False
    bias = op.optional_operand("bias")
    known = {_element(value) for value in (op.result, op.weight)} <= ELEMENT_BYTES.keys()
    fits = is_parameter(op.weight) and not is_sparse(op.weight)
    return fits and known and (bias is None or _element(bias) == "f32")


def _operand_images(op: Any) -> int:
    """Return for how many images the operand of ``op`` has one number a channel."""
    position = channel_operand(op)
    return 0 if position is None else shape_of(op.operation.operands[position])[0]


def _is_bilinear(op: Any) -> bool:
    """Whether a resizing mixes pixels."""
    return bool(ir.StringAttr(op.attributes["mode"]).value == "bilinear")


def _is_plain(op: Any, kinds: Any) -> bool:
    """Whether ``op``, one of ``kinds``, is of plain tensors that kernels of their own take."""
    if not isinstance(op, kinds) or _element(op.result) not in ELEMENT_BYTES:
        return False
    shape = shape_of(op.result)
    return bool(shape) and 0 not in [*shape, *shape_of(op.input)]
