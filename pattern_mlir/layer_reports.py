"""Collects the report of each layer from a module whose layouts are assigned."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import func

from pattern_mlir import patterns
from pattern_mlir.dialects import ConvOp, LinearOp, SparseAttr, integers, shape_of
from pattern_mlir.dialects.attributes import is_stored_in_half
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.dialects.half_sums import HALF_SUMS
from pattern_mlir.dialects.layout import is_half, layout_of
from pattern_mlir.modules import place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.buffers import LOADS
from pattern_mlir.passes.filters import is_parameter, layer_name
from pattern_mlir.passes.lane_operations import describe
from pattern_mlir.passes.results import is_numbered
from pattern_mlir.program import Program
from pattern_mlir.report import LayerReport

INDEX_TABLES = ("counts", "starts", "channels", "output_channel")
"""Parameters of a packed weight, beside its taps and the bias."""


def layer_reports(program: Program) -> tuple[LayerReport, ...]:
    """Describe the layers of ``program``, a module of pattern operations with their layouts."""
    operations = [
        op for op in walk(program.module.operation, ir.OpView) if isinstance(op, (ConvOp, LinearOp))
    ]
    return tuple(_with_precision(_layer(op, program), op) for op in operations)


def with_index_bytes(
    layers: Sequence[LayerReport], parameters: ParameterStore
) -> tuple[LayerReport, ...]:
    """Return ``layers`` with the sizes of the tables that their kernels read."""
    sized = []
    for layer in layers:
        names = [f"{layer.name}.weight.fkw.{table}" for table in INDEX_TABLES]
        if layer.index_bytes and all(name in parameters for name in names):
            size = sum(parameters[name].nbytes for name in names)
            layer = dataclasses.replace(layer, index_bytes=size)
        sized.append(layer)
    return tuple(sized)


def with_loads(layers: Sequence[LayerReport], program: Program) -> tuple[LayerReport, ...]:
    """Return ``layers`` with what each thread multiplies in the kernels of ``program``."""
    loads = {
        named.name: tuple(integers(named.attr))
        for call in walk(program.module.operation, func.CallOp)
        if LOADS in call.attributes
        for named in ir.DictAttr(call.attributes[LOADS])
    }
    shared = []
    for layer in layers:
        own = loads.get(layer.name, ())
        layer = dataclasses.replace(layer, loads=own, imbalance=patterns.imbalance(own))
        shared.append(layer)
    return tuple(shared)


def _layer(op: Any, program: Program) -> LayerReport:
    if not is_parameter(op.weight):
        return _computed_weight(op)
    producer = op.weight.owner.opview
    weight = producer.array(program.parameters)
    kernels = weight.reshape(*weight.shape[:2], -1)
    nonzeros = np.count_nonzero(kernels, axis=(1, 2))
    outputs = _positions(op)
    encoding = ir.RankedTensorType(op.weight.type).encoding
    sparse = isinstance(encoding, SparseAttr)
    # A dense layer multiplies its zeros, too.
    work = nonzeros if sparse else np.full_like(nonzeros, kernels[0].size)
    return LayerReport(
        name=layer_name(producer),
        kind=_kind(op, weight.shape),
        shape=f"{weight.shape[0]} x {weight.shape[1]}",
        patterns=len(encoding.to_library().patterns) if sparse else 0,
        kernels_kept=int(kernels.any(axis=2).sum()),
        kernels=weight.shape[0] * weight.shape[1],
        multiplications=int(work.sum()) * outputs,
        dense_multiplications=weight.size * outputs,
        imbalance=1.0,
        layout=_layout(op),
        **_sizes(weight, encoding.to_library() if sparse else None),
        dense_reason=_dense_reason(op),
        kernel_size=_kernel_size(weight.shape),
        **_pattern_use(weight, encoding.to_library() if sparse else None),
    )


def _with_precision(layer: LayerReport, op: Any) -> LayerReport:
    """Return ``layer``, which ``op`` is, with its precision, errors and reason."""
    words = {(True, True): "f16-acc32", (False, True): "f16-linear-weights"}
    blocks = is_stored_in_half(op.result.type) and not is_half(op.result)
    precision = words.get((is_half(op.result), is_half(op.weight)), "f32")
    precision = "f16-acc32" if blocks else precision
    half_error = single_error = 0.0
    if "f16_errors" in op.attributes:
        half_error, single_error = ir.DenseF64ArrayAttr(op.attributes["f16_errors"])
    reason = op.attributes.get("precision_reason")
    return dataclasses.replace(
        layer,
        precision="f16" if HALF_SUMS in op.attributes else precision,
        half_error=half_error,
        single_error=single_error,
        precision_reason="" if reason is None else ir.StringAttr(reason).value,
    )


def _kernel_size(shape: Sequence[int]) -> tuple[int, int]:
    return (shape[2], shape[3]) if len(shape) == 4 else (1, 1)


def _pattern_use(weight: Any, library: patterns.Library | None) -> dict[str, Any]:
    """Return the patterns of a sparse weight, and how many kernels follow each."""
    if library is None:
        return {}
    followed = patterns.assign(weight, library)
    counts = np.bincount(followed[followed >= 0].reshape(-1), minlength=len(library.patterns))
    return {"library": library.patterns, "usage": tuple(counts.tolist())}


def _computed_weight(op: Any) -> LayerReport:
    shape = shape_of(op.weight)
    size = int(np.prod(shape))
    return LayerReport(
        name="(weight computed at run time)",
        kind=_kind(op, shape),
        shape=f"{shape[0]} x {shape[1]}",
        patterns=0,
        kernels_kept=shape[0] * shape[1],
        kernels=shape[0] * shape[1],
        multiplications=size * _positions(op),
        dense_multiplications=size * _positions(op),
        imbalance=1.0,
        layout=_layout(op),
        **_sizes(None, None),
        dense_reason=_dense_reason(op),
    )


def plain_operations(program: Program) -> tuple[str, ...]:
    """Return the pattern operations that have got no kernel, with their places and the reason."""
    found = []
    for op in walk(program.module.operation, ir.OpView):
        name = op.operation.name
        if is_numbered(op):
            known = describe(op, program.parameters) is not None
            reason = "costs less so" if known else "has no vector kernel of this form"
            found.append(f"{name.removeprefix('pattern.')} at {place(op.location)}: {reason}")
    return tuple(found)


def _layout(op: Any) -> str:
    if isinstance(op, LinearOp) or (layout := layout_of(op.result)) is None:
        return ""
    return layout.words


def _sizes(weight: Any, library: patterns.Library | None) -> dict[str, Any]:
    """Return the bytes of a sparse weight, and of what says where its taps belong."""
    if library is None:
        return {"index_bytes": 0, "csr_bytes": 0, "weight_bytes": 0}
    packed = patterns.pack(weight, library)
    tables = (packed.output_channel, packed.counts, packed.channels)
    starts = 8 * len(packed.output_channel)
    return {
        "index_bytes": sum(table.nbytes for table in tables) + starts,
        "csr_bytes": 4 * int(np.count_nonzero(weight)) + 4 * (len(weight) + 1),
        "weight_bytes": packed.taps.nbytes,
    }


def _positions(op: Any) -> int:
    """Return at how many positions each filter is applied."""
    if isinstance(op, LinearOp):
        return int(np.prod(shape_of(op.result)[:-1]))
    windows = (integers(op.strides), integers(op.padding), integers(op.dilations))
    images, _, height, width = conv_shape(shape_of(op.input), shape_of(op.weight), *windows)
    return images * height * width


def _kind(op: Any, weight_shape: Any) -> str:
    if isinstance(op, LinearOp):
        return "linear"
    groups = int(ir.IntegerAttr(op.groups).value)
    window = f"{weight_shape[2]}x{weight_shape[3]}"
    words = [f"depthwise {window}" if weight_shape[1] == 1 and groups > 1 else f"conv {window}"]
    strides, dilations = integers(op.strides), integers(op.dilations)
    words += [f"stride {max(strides)}"] if max(strides) > 1 else []
    words += [f"dilation {max(dilations)}"] if max(dilations) > 1 else []
    words += [f"groups {groups}"] if groups > 1 and weight_shape[1] > 1 else []
    return " ".join(words)


def _dense_reason(op: Any) -> str:
    if isinstance(op, LinearOp):
        return "linear layers have no kernels to prune"
    if "dense_reason" in op.attributes:
        return str(ir.StringAttr(op.attributes["dense_reason"]).value)
    return ""
