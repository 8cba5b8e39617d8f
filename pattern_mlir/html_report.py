"""The report of a compiled network as one HTML file: tables, pictures of patterns, memory, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.errors import PatternError
from pattern_mlir.profiling import Profile
from pattern_mlir.report import BufferLife, LayerReport, loop_shares, warning_lines

TEMPLATE = Path(__file__).parent / "templates" / "report.html"

KINDS = ("conv", "linear", "matmul", "loops", "relayout", "other")
"""Kinds of kernels that have a colour of their own in the bars."""


@dataclass(frozen=True)
class Bar:
    """The time of a layer.

    Attributes:
        number, place, kernel, layout, tile: of the layer.
        kind: which of `KINDS` it is drawn as.
        microseconds: measured, or cycles in thousands where nothing was measured.
        share: of all time, from 0 to 1.
        width: of the bar, in percent of the longest.
        peak_fraction: of the processor's peak; 0 where it is not known.
    """

    number: int
    place: str
    kernel: str
    layout: str
    tile: str
    kind: str
    microseconds: float
    share: float
    width: float
    peak_fraction: float


@dataclass(frozen=True)
class Rectangle:
    """A buffer of the memory plan, in percent of layers and of the arena."""

    x: float
    y: float
    width: float
    height: float
    hue: int
    title: str


def html(model: CompiledModel, profile: Profile | None = None) -> str:
    """Return the report of ``model`` as a file of its own; with a ``profile``, of measured times.

    Raises:
        PatternError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise PatternError("an HTML report needs jinja2; install pattern-mlir[report]") from error
    report = model.report()
    times = _times(model, profile)
    loops = (
        profile.loops
        if profile is not None
        else loop_shares(model.layers, times, report.fallbacks, report.plain)
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.lstrip_blocks = True
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        model=model,
        report=report,
        profile=profile,
        total=sum(times),
        bars=bars(model, times, profile),
        loops=loops,
        warning=warning_lines(loops, "expected" if profile is None else "measured"),
        rectangles=rectangles(report.buffers, report.arena_bytes),
        live=live_bytes(report.buffers),
        pictures=_pictures,
        loads=_loads,
        bytes=_bytes,
        kinds=KINDS,
    )


def _times(model: CompiledModel, profile: Profile | None) -> list[float]:
    """Return each layer's microseconds, or without a profile its expected cycles in thousands."""
    if profile is None:
        return [layer.cycles / 1e3 for layer in model.layers]
    return [own.nanoseconds / 1e3 for own in profile.layers]


def bars(model: CompiledModel, times: Sequence[float], profile: Profile | None) -> list[Bar]:
    """Return a bar for each layer of ``model``, in the order in which they run."""
    total, longest = max(sum(times), 1e-9), max([1e-9, *times])
    fractions = [own.peak_fraction for own in profile.layers] if profile else [0.0] * len(times)
    return [
        Bar(
            number,
            layer.place,
            layer.kernel,
            layer.layout,
            layer.tile,
            layer.kernel if layer.kernel in KINDS else "other",
            time,
            time / total,
            100 * time / longest,
            fraction,
        )
        for number, (layer, time, fraction) in enumerate(
            zip(model.layers, times, fractions, strict=True)
        )
    ]


def rectangles(buffers: Sequence[BufferLife], arena_bytes: int) -> list[Rectangle]:
    """Return the memory plan as a picture: layers from left to right, addresses upwards."""
    layers = 1 + max((life.last for life in buffers), default=0)
    return [
        Rectangle(
            100 * life.first / layers,
            100 * (1 - (life.offset + life.bytes) / arena_bytes),
            100 * (life.last - life.first + 1) / layers,
            100 * life.bytes / arena_bytes,
            number * 47 % 360,
            f"{_bytes(life.bytes)} at {life.offset}, layers {life.first} to {life.last}",
        )
        for number, life in enumerate(buffers)
    ]


def live_bytes(buffers: Sequence[BufferLife]) -> list[int]:
    """Return how many bytes are in use during each layer."""
    layers = 1 + max((life.last for life in buffers), default=-1)
    return [
        sum(life.bytes for life in buffers if life.first <= number <= life.last)
        for number in range(layers)
    ]


def _pictures(layer: LayerReport) -> list[dict[str, Any]]:
    """Return the patterns of ``layer``: its cells (row, column, kept) and how many follow it."""
    rows, columns = layer.kernel_size
    return [
        {
            "cells": [
                (place // columns, place % columns, place in taps)
                for place in range(rows * columns)
            ],
            "rows": rows,
            "columns": columns,
            "count": count,
        }
        for taps, count in zip(layer.library, layer.usage, strict=True)
    ]


def _loads(layer: LayerReport) -> list[float]:
    """Return each thread's share of the busiest one's multiplications, in percent."""
    most = max([1, *layer.loads])
    return [100 * load / most for load in layer.loads]


def _bytes(size: float) -> str:
    """Return ``size`` bytes in words."""
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"
