"""What the compiler did to each layer: patterns, kernels kept, balance, why it is dense."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir import patterns
from pattern_mlir.dialects import ConvOp, LinearOp, SparseAttr, integers, shape_of
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.filters import is_parameter
from pattern_mlir.program import Program


@dataclass(frozen=True)
class LayerReport:
    """One convolution or linear layer.

    Attributes:
        name: the layer's name in the model, taken from its weight's.
        kind: such as `conv 3x3`, `conv 3x3 stride 2`, `depthwise 3x3` or `linear`.
        shape: filters x input channels (of a group).
        patterns: how many patterns its library has; 0 for a dense layer.
        kernels_kept: kernels with a weight that is not zero.
        kernels: all kernels.
        multiplications: multiply-accumulates an input, zeros left out.
        dense_multiplications: the same with zeros.
        imbalance: the busiest thread's share of the weights over the mean share.
        dense_reason: why the layer is not sparse; empty for a sparse one.
    """

    name: str
    kind: str
    shape: str
    patterns: int
    kernels_kept: int
    kernels: int
    multiplications: int
    dense_multiplications: int
    imbalance: float
    dense_reason: str


@dataclass(frozen=True)
class Report:
    """All layers of a compiled network, what fell back, and what memory it takes.

    Attributes:
        layers: convolutions and linear layers in program order.
        fallbacks: operations that the compiler has no form of its own for, with their places;
            they run as plain loops.
        threads: how many threads the network was scheduled for.
        arena_bytes: memory for all intermediate results.
        weight_bytes: memory for all weights.
    """

    layers: tuple[LayerReport, ...]
    fallbacks: tuple[str, ...]
    threads: int
    arena_bytes: int
    weight_bytes: int

    @property
    def compression(self) -> float:
        """Multiply-accumulates of the dense network over those of the pruned one."""
        kept = sum(layer.multiplications for layer in self.layers)
        return sum(layer.dense_multiplications for layer in self.layers) / max(kept, 1)

    def json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=2)

    def __str__(self) -> str:
        """Return the report as a table for a terminal."""
        from rich.console import Console

        console = Console(width=132, highlight=False)
        with console.capture() as capture:
            console.print(_table(self))
        return capture.get() + "\n".join(self._closing_lines())

    def _closing_lines(self) -> list[str]:
        kept = sum(layer.multiplications for layer in self.layers)
        lines = [
            f"{kept / 1e6:.1f} M multiply-accumulates an input,"
            f" {self.compression:.2f} x fewer than dense",
            f"{self.threads} threads, {self.weight_bytes / 1e6:.1f} MB of weights,"
            f" {self.arena_bytes / 1e6:.1f} MB of intermediate results",
        ]
        if self.fallbacks:
            lines.append(f"plain loops run {len(self.fallbacks)} operations that have no own form:")
            lines += [f"  {fallback}" for fallback in self.fallbacks]
        return lines


def _table(report: Report) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    table.add_column("layer", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for heading in ("shape", "patterns", "kernels kept", "M MACs", "imbalance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("dense because")
    for layer in report.layers:
        table.add_row(
            layer.name,
            layer.kind,
            layer.shape,
            str(layer.patterns or "-"),
            f"{layer.kernels_kept} of {layer.kernels}",
            f"{layer.multiplications / 1e6:.1f}",
            f"{layer.imbalance:.3f}",
            layer.dense_reason,
        )
    return table


def layer_reports(program: Program) -> tuple[LayerReport, ...]:
    """Describe the layers of ``program``, a module of pattern operations after its schedule."""
    operations = [
        op for op in walk(program.module.operation, ir.OpView) if isinstance(op, (ConvOp, LinearOp))
    ]
    return tuple(_layer(op, program) for op in operations)


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
        name=producer.parameter_name.removesuffix(".weight"),
        kind=_kind(op, weight.shape),
        shape=f"{weight.shape[0]} x {weight.shape[1]}",
        patterns=len(encoding.to_library().patterns) if sparse else 0,
        kernels_kept=int(kernels.any(axis=2).sum()),
        kernels=weight.shape[0] * weight.shape[1],
        multiplications=int(work.sum()) * outputs,
        dense_multiplications=weight.size * outputs,
        imbalance=_imbalance(op, work),
        dense_reason=_dense_reason(op),
    )


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
        dense_reason=_dense_reason(op),
    )


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


def _imbalance(op: Any, work: Any) -> float:
    if "filter_boundaries" not in op.attributes:
        return 1.0
    boundaries = np.array(integers(op.attributes["filter_boundaries"]))
    return float(patterns.imbalance(work, np.arange(len(work)), boundaries))


def _dense_reason(op: Any) -> str:
    if isinstance(op, LinearOp):
        return "linear layers have no kernels to prune"
    if "dense_reason" in op.attributes:
        return str(ir.StringAttr(op.attributes["dense_reason"]).value)
    return ""
