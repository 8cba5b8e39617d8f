"""Calls of kernels from the network's function; equal kernels share a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, bufferization, func, memref

from pattern_mlir.dialects import i64, i64_array
from pattern_mlir.modules import forward_function
from pattern_mlir.passes.activation_kernels import ActivationBuilder, ActivationKernel
from pattern_mlir.passes.buffers import BOUNDARIES, EXTENT, LOADS, WORK, Work, byte_size
from pattern_mlir.passes.channel_statistics import StatisticsBuilder, StatisticsKernel
from pattern_mlir.passes.lane_kernel import LaneKernel
from pattern_mlir.passes.lane_kernel_builder import LaneKernelBuilder
from pattern_mlir.passes.linear_kernels import LinearBuilder, LinearKernel
from pattern_mlir.passes.matmul_kernels import MatmulBuilder, MatmulKernel
from pattern_mlir.passes.mean_kernels import MeanBuilder, MeanKernel
from pattern_mlir.passes.mix_kernels import MixBuilder, MixKernel
from pattern_mlir.passes.relayout_kernels import RelayoutBuilder, RelayoutKernel, ResizeKernel
from pattern_mlir.passes.results import RESULT
from pattern_mlir.passes.row_kernels import RowBuilder, RowKernel
from pattern_mlir.passes.tap_windows import TapWindowsBuilder, TapWindowsKernel
from pattern_mlir.passes.thread_shares import ThreadShares
from pattern_mlir.passes.window_mean_kernels import WindowMeanBuilder, WindowMeanKernel

Kernel = (
    ActivationKernel
    | LaneKernel
    | LinearKernel
    | MatmulKernel
    | MeanKernel
    | MixKernel
    | RelayoutKernel
    | RowKernel
    | StatisticsKernel
    | TapWindowsKernel
    | WindowMeanKernel
)

_BUILDERS: Mapping[type, Any] = MappingProxyType(
    {
        ActivationKernel: ActivationBuilder,
        LaneKernel: LaneKernelBuilder,
        LinearKernel: LinearBuilder,
        MatmulKernel: MatmulBuilder,
        MeanKernel: MeanBuilder,
        MixKernel: MixBuilder,
        RelayoutKernel: RelayoutBuilder,
        ResizeKernel: RelayoutBuilder,
        RowKernel: RowBuilder,
        StatisticsKernel: StatisticsBuilder,
        TapWindowsKernel: TapWindowsBuilder,
        WindowMeanKernel: WindowMeanBuilder,
    }
)


class KernelCalls:
    """Builds kernels' functions when they are first called, and their calls."""

    def __init__(self, module: Any) -> None:
        """Put functions before the network's in ``module``."""
        self._module = module
        self._names: dict[Kernel, str] = {}

    def call(
        self,
        kernels: Sequence[Kernel],
        values: Sequence[Sequence[Any]],
        multiplications: int = 0,
        shares: ThreadShares | None = None,
        cycles: float = 0.0,
        result: Any = None,
    ) -> Any:
        """Build calls of ``kernels`` on tensors ``values`` that fill one new tensor; return it.

        ``shares`` says what each thread computes, None for equally many units; ``cycles`` is what
        all calls together are expected to take; ``result`` is the mark of the last one.
        """
        target_type = _builder(kernels[0]).buffer_types()[-1]
        target = memref.AllocOp(target_type, [], []).result
        for kernel, own in zip(kernels, values, strict=True):
            scratch = _builder(kernel).scratch_types()
            types = _builder(kernel).buffer_types()[: -1 - len(scratch)]
            buffers = [_buffer(value, type_) for value, type_ in zip(own, types, strict=True)]
            bounds = [arith.constant(ir.IndexType.get(), bound) for bound in (0, kernel.units)]
            buffers += [memref.AllocOp(type_, [], []).result for type_ in scratch]
            call = func.CallOp([], self._function(kernel), [*buffers, target, *bounds])
            call.attributes[EXTENT] = i64(kernel.units)
            moved = sum(byte_size(value.type) for value in own) + byte_size(target_type)
            share = round(cycles * kernel.units / sum(own.units for own in kernels))
            work = Work(kernel.word, multiplications, moved, kernel.layout, kernel.tile, share)
            call.attributes[WORK] = work.attribute()
            if shares is not None:
                call.attributes[BOUNDARIES] = i64_array(shares.boundaries)
                loads = {shares.layer: i64_array(shares.loads)}
                call.attributes[LOADS] = ir.DictAttr.get(loads)
        if result is not None:
            call.attributes[RESULT] = result
        type_ = ir.RankedTensorType.get(target_type.shape, target_type.element_type)
        return bufferization.to_tensor(type_, target, restrict=True, writable=True)

    def _function(self, kernel: Kernel) -> str:
        if kernel not in self._names:
            self._names[kernel] = f"{kernel.word}_{len(self._names)}"
            with ir.InsertionPoint(forward_function(self._module)), ir.Location.unknown():
                _builder(kernel, self._names[kernel]).build()
        return self._names[kernel]


def _builder(kernel: Kernel, name: str = "") -> Any:
    return _BUILDERS[type(kernel)](kernel, name)


def _buffer(value: Any, type_: Any) -> Any:
    """Return ``value``, which is only read, as a buffer of ``type_``.

    A table whose length is data gets the kernel's upper bound for a length.
    """
    own = ir.RankedTensorType(value.type)
    buffer = bufferization.to_buffer(
        ir.MemRefType.get(own.shape, own.element_type), value, read_only=True
    )
    if list(own.shape) == list(type_.shape):
        return buffer
    shape = list(type_.shape)
    return memref.ReinterpretCastOp(type_, buffer, [], [], [], [0], shape, [1] * len(shape)).result
