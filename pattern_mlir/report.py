"""What the compiler did to each layer: patterns, kernels kept, balance, why it is dense."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pattern_mlir.runtime.plan import PlannedLayer

WORTH_A_WARNING = 0.1
"""Share of a network's time in plain loops from which the report begins with them."""


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
        imbalance: the busiest thread's share of the multiplications over the mean.
        layout: lane blocks of the result, rows x columns of blocks; empty where it is plain.
        index_bytes: bytes beside the kept weights that say where they belong (FKW).
        csr_bytes: the same for CSR, with an i32 column for each weight and an i32 row pointer.
        weight_bytes: bytes of the kept weights.
        dense_reason: why the layer is not sparse; empty for a sparse one.
        precision: what the layer's tensors are stored in and its products added up in, as
            `compile` takes it.
        half_error, single_error: RMS errors of sums in f16 and of sums in f32, of f16 both, over
            the RMS of the sums, as they were measured; 0 where they were not.
        precision_reason: why it is not the precision that was asked for; empty where it is.
        kernel_size: height and width of a kernel.
        library: the taps of each pattern, row by row from 0.
        usage: how many kernels follow each pattern.
        loads: the multiplications of vectors of each thread; empty where threads have equally many
            units.
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
    layout: str
    index_bytes: int
    csr_bytes: int
    weight_bytes: int
    dense_reason: str
    precision: str = "f32"
    half_error: float = 0.0
    single_error: float = 0.0
    precision_reason: str = ""
    kernel_size: tuple[int, int] = (1, 1)
    library: tuple[tuple[int, ...], ...] = ()
    usage: tuple[int, ...] = ()
    loads: tuple[int, ...] = ()


@dataclass(frozen=True)
class KernelReport:
    """What a convolution's kernel does on a GPU, counted by the compiler.

    Attributes:
        name: the layer's place in the model.
        variant: `runs`, `shared` or `dense`, and how many filters a workgroup computes.
        block: pixels of an invocation, height x width.
        products: multiply-accumulates an output, without those of pruned weights.
        issued: the same with those that the kernel computes all the same.
        loads: of input pixels, an output; a load may bring several.
        table_loads: of weights and indices, four words each, an output.
        stores: an output.
        intensity: vectors of products for each vector that is loaded, weights included.
        least_active: invocations with work in the workgroup that has the fewest.
        balance: the busiest core's work over the mean, as predicted.
        registers: that an invocation needs at least.
        microseconds: the least that the roofline of the GPU allows; a prediction.
    """

    name: str
    variant: str
    block: str
    products: float
    issued: float
    loads: float
    table_loads: float
    stores: float
    intensity: float
    least_active: int
    balance: float
    registers: int
    microseconds: float


@dataclass(frozen=True)
class LoopsShare:
    """What runs as plain loops at a place of the model.

    Attributes:
        place: such as `layer1.0`.
        reason: the operations and why they have no kernel.
        share: of the time that the whole network is expected to take, from 0 to 1.
    """

    place: str
    reason: str
    share: float


@dataclass(frozen=True)
class HostOperation:
    """An operation of a GPU's network that runs on the host.

    Attributes:
        place: such as `layer1.0`.
        reason: why it has no kernel for a GPU.
    """

    place: str
    reason: str


@dataclass(frozen=True)
class BufferLife:
    """An intermediate result in the arena.

    Attributes:
        offset, bytes: where it lies.
        first, last: numbers of the layers that write it and read it last.
    """

    offset: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Report:
    """All layers of a compiled network, what fell back, and what memory it takes.

    Attributes:
        layers: convolutions and linear layers in program order.
        fallbacks: operations that the compiler has no form of its own for, with their places;
            they run as plain loops.
        plain: operations of its own that run as plain loops all the same, with the reason.
        threads: how many threads the network was scheduled for.
        arena_bytes: memory for all intermediate results.
        weight_bytes: memory for all weights.
        precision: what was asked for.
        gpu: the GPU that kernels were chosen for; empty for a processor.
        kernels: of convolutions on a GPU.
        loops: what runs as plain loops, by place, with its expected share of the time.
        on_host: what of a network for a GPU runs on the host.
        buffers: the memory plan: every intermediate result in the order of their first use.
    """

    layers: tuple[LayerReport, ...]
    fallbacks: tuple[str, ...]
    plain: tuple[str, ...]
    threads: int
    arena_bytes: int
    weight_bytes: int
    precision: str = "f32"
    gpu: str = ""
    kernels: tuple[KernelReport, ...] = ()
    loops: tuple[LoopsShare, ...] = ()
    on_host: tuple[HostOperation, ...] = ()
    buffers: tuple[BufferLife, ...] = field(default=(), repr=False)

    @property
    def loops_share(self) -> float:
        """The expected share of the time in plain loops, from 0 to 1."""
        return sum(own.share for own in self.loops)

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

        console = Console(width=148, highlight=False)
        with console.capture() as capture:
            console.print(_table(self))
            if self.kernels:
                console.print(_kernel_table(self))
        first = warning_lines(self.loops, "expected")
        return "\n".join([*first, capture.get() + "\n".join(self._closing_lines())])

    def _closing_lines(self) -> list[str]:
        kept = sum(layer.multiplications for layer in self.layers)
        lines = [
            f"{kept / 1e6:.1f} M multiply-accumulates an input,"
            f" {self.compression:.2f} x fewer than dense",
            f"{f'kernels for {self.gpu}' if self.gpu else f'{self.threads} threads'},"
            f" {self.weight_bytes / 1e6:.1f} MB of weights,"
            f" {self.arena_bytes / 1e6:.1f} MB of intermediate results",
        ]
        index, csr, weights = (
            sum(getattr(layer, name) for layer in self.layers)
            for name in ("index_bytes", "csr_bytes", "weight_bytes")
        )
        if weights:
            lines.append(
                f"sparse weights: {index / weights:.1%} over their non-zeros (CSR:"
                f" {csr / weights:.1%})"
            )
        lines += self._precision_lines()
        if self.on_host:
            lines.append("on the host, between kernels:")
            lines += [f"  {own.place}: {own.reason}" for own in self.on_host]
        if self.plain:
            lines.append("in plain loops:")
            lines += [f"  {operation}" for operation in self.plain]
        if self.fallbacks:
            lines.append("in plain loops, without a form of their own:")
            lines += [f"  {fallback}" for fallback in self.fallbacks]
        return lines

    def _precision_lines(self) -> list[str]:
        """Return what precision was asked for, and the layers that have another, and why."""
        if self.precision == "f32":
            return []
        lines = [f"precision {self.precision}"]
        for layer in self.layers:
            if layer.precision_reason:
                lines.append(f"  {layer.name}: {layer.precision}, {layer.precision_reason}")
        return lines


def loop_shares(
    layers: Sequence[PlannedLayer],
    times: Sequence[float],
    fallbacks: Sequence[str],
    plain: Sequence[str],
) -> tuple[LoopsShare, ...]:
    """Return what runs as plain loops in ``layers``, the largest share of ``times`` first.

    ``fallbacks`` and ``plain`` are those of a `Report`.
    """
    reasons: dict[str, list[str]] = {}
    for text in fallbacks:
        name, _, place = text.partition(" at ")
        reasons.setdefault(place, []).append(f"{name} has no form of its own")
    for text in plain:
        name, _, rest = text.partition(" at ")
        place, _, reason = rest.partition(": ")
        reasons.setdefault(place, []).append(f"{name} {reason}")
    total = max(sum(times), 1e-9)
    spent: dict[str, float] = {}
    for layer, time in zip(layers, times, strict=True):
        if layer.kernel == "loops":
            spent[layer.place] = spent.get(layer.place, 0.0) + time / total
    shares = [
        LoopsShare(place, "; ".join(dict.fromkeys(reasons.get(place, ["moves data"]))), share)
        for place, share in spent.items()
    ]
    return tuple(sorted(shares, key=lambda own: -own.share))


def warning_lines(loops: Sequence[LoopsShare], kind: str) -> list[str]:
    """Return the first lines of a report on time that goes to plain loops, if that is much.

    ``kind`` says what the time is: `expected` or `measured`.
    """
    share = sum(own.share for own in loops)
    if share <= WORTH_A_WARNING:
        return []
    return [
        f"{share:.0%} of the {kind} time goes to plain loops:",
        *(f"  {own.share:.1%} at {own.place}: {own.reason}" for own in loops if own.share > 0.005),
    ]


def _table(report: Report) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    table.add_column("layer", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    for heading in ("shape", "patterns", "kernels kept", "M MACs", "imbalance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("lanes", no_wrap=True)
    half = report.precision != "f32"
    if half:
        table.add_column("precision", no_wrap=True)
        table.add_column("f16 sums err", justify="right", no_wrap=True)
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
            layer.layout,
            *([layer.precision, _error(layer)] if half else []),
            layer.dense_reason,
        )
    return table


def _error(layer: LayerReport) -> str:
    """Return the error of sums in f16, and how many times that of sums in f32 it is."""
    if not layer.single_error:
        return "-"
    return f"{layer.half_error:.1e} ({layer.half_error / layer.single_error:.1f} x)"


def _kernel_table(report: Report) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, title="an output's products, loads and stores; predictions")
    table.add_column("layer", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    table.add_column("block", no_wrap=True)
    for heading in (
        "products",
        "loads",
        "weights",
        "stores",
        "products a load",
        "active",
        "balance",
        "us",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for kernel in report.kernels:
        table.add_row(
            kernel.name,
            kernel.variant,
            kernel.block,
            f"{kernel.products:.1f}",
            f"{kernel.loads:.2f}",
            f"{kernel.table_loads:.2f}",
            f"{kernel.stores:.2f}",
            f"{kernel.intensity:.2f}",
            str(kernel.least_active),
            f"{kernel.balance:.2f}",
            f"{kernel.microseconds:.0f}",
        )
    return table
