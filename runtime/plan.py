"""What the runtime must know of a compiled network beside its code and weights: its signature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.errors import PatternError
from pattern_mlir.layouts import LaneLayout, relayout_table

Array = npt.NDArray[Any]


class InputError(PatternError):
    """An input has the wrong shape or element type, or there are too many or too few."""


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: its name in the model, its shape and element type."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def empty(self) -> npt.NDArray[np.generic]:
        """Return an uninitialised array of this kind."""
        return np.empty(self.shape, self.dtype)


@dataclass(frozen=True)
class ResultPlace:
    """Where the result of an operation of the model lies once its layer has run.

    Attributes:
        operation: its number among the model's pattern operations (`pattern_mlir.passes.results`).
        buffer: which of the layer's buffers it lies in, see `LayerPlan`.
        offset: where it begins there, in bytes.
        shape: of the result.
        layout: the lane blocks, or blocks of a GPU, that it lies in, their fill left out; None for
            plain.
        half: whether its elements are f16, else f32.
    """

    operation: int
    buffer: int
    offset: int
    shape: tuple[int, ...]
    layout: LaneLayout | BlockLayout | None = None
    half: bool = False

    @property
    def bytes(self) -> int:
        """How many bytes it takes, halos among them."""
        if isinstance(self.layout, BlockLayout):
            return self.layout.bytes(self.shape)
        size = 2 if self.half else 4
        if self.layout is None:
            return size * math.prod(self.shape)
        return size * math.prod(self.shape[:2]) * self.layout.plane * self.layout.lanes

    def read(self, buffer: Array) -> Array:
        """Return the result in f32, of ``shape``, out of ``buffer``; halos are left out."""
        half = self.layout.half if isinstance(self.layout, BlockLayout) else self.half
        stored = np.dtype(np.float16 if half else np.float32)
        values = buffer.reshape(-1).view(np.uint8)[self.offset : self.offset + self.bytes]
        if self.layout is None:
            return np.array(values.view(stored).reshape(self.shape), np.float32)
        *images, height, width = self.shape
        table: Array
        if isinstance(self.layout, BlockLayout):
            table = self.layout.elements((height, width))
        else:
            table = relayout_table(self.layout, None, (height, width))
        planes = values.view(stored).reshape(math.prod(images), -1)
        return np.asarray(planes[:, table].reshape(self.shape), np.float32)


@dataclass(frozen=True)
class PlannedLayer:
    """A layer function, and what is known of it.

    Attributes:
        symbol: the function's name.
        extent: how many independent units it computes.
        boundaries: thread t of those compiled for computes units b[t] to b[t + 1] - 1; None for
            equal parts.
        place: where in the model it comes from, such as `layer1.0.conv1`.
        kernel: its kind, such as `conv`; `loops` without a kernel of its own.
        multiplications: multiply-accumulates of an input, without those of pruned weights; 0
            where they are not counted.
        bytes: of inputs, weights and result; 0 where they are not counted.
        layout: of the result; empty where it is plain.
        tile: rows x columns of outputs that are in registers at a time.
        cycles: what the layer is expected to take one core; 0 for unknown.
        result: where the result lies that the layer completes; None where that is not known.
    """

    symbol: str
    extent: int
    boundaries: tuple[int, ...] | None = None
    place: str = ""
    kernel: str = "loops"
    multiplications: int = 0
    bytes: int = 0
    layout: str = ""
    tile: str = ""
    cycles: int = 0
    result: ResultPlace | None = None


@dataclass(frozen=True)
class LayerPlan:
    """The layers in the order in which they run, and the memory around them.

    Attributes:
        layers: functions `void layer(void *const buffers[], int64_t lo, int64_t hi)`; buffers are
            arena, weights, inputs, outputs.
        inputs: in the order of the model's arguments.
        outputs: in the order of the model's results.
        arena_bytes: memory for intermediate results.
        live_bytes: the most of it that is in use at a time.
        separable: whether a multiple of the images can be run part by part.
    """

    layers: tuple[PlannedLayer, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    arena_bytes: int
    live_bytes: int
    separable: bool = False


class Signature(Protocol):
    """What plans for any machine have in common: what goes in and comes out."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """In the order of the model's arguments."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """In the order of the model's results."""

    @property
    def separable(self) -> bool:
        """Whether a multiple of the images can be run part by part."""


def count_parts(plan: Signature, inputs: Sequence[Array]) -> int:
    """Return how often a separable network must run for the images in ``inputs``; at least 1."""
    if not plan.separable or len(inputs) != len(plan.inputs):
        return 1
    parts = {
        len(array) / spec.shape[0] if array.ndim else 0.0
        for spec, array in zip(plan.inputs, inputs, strict=True)
    }
    part = parts.pop()
    return int(part) if not parts and part >= 1 and part.is_integer() else 1


def part_of(array: Array, part: int, parts: int) -> Array:
    """Return the ``part``-th of ``parts`` equal parts of ``array``."""
    if parts == 1:
        return array
    size = len(array) // parts
    return array[part * size : (part + 1) * size]


def repeated(spec: TensorSpec, parts: int) -> TensorSpec:
    """Return ``spec`` for ``parts`` times as many images."""
    return spec if parts == 1 else replace(spec, shape=(parts * spec.shape[0], *spec.shape[1:]))


def parts_of_run(
    plan: Signature, inputs: Sequence[Array]
) -> tuple[list[Array], list[tuple[list[Array], list[Array]]]]:
    """Return new outputs for ``inputs``, and the inputs and outputs of each part of the run.

    A separable network takes any multiple of the images that it was exported for.

    Raises:
        InputError: the inputs do not fit.
    """
    parts = count_parts(plan, inputs)
    arrays = check_inputs([repeated(spec, parts) for spec in plan.inputs], inputs)
    outputs = [repeated(spec, parts).empty() for spec in plan.outputs]
    runs = [
        (
            [part_of(array, part, parts) for array in arrays],
            [part_of(array, part, parts) for array in outputs],
        )
        for part in range(parts)
    ]
    return outputs, runs


def check_inputs(specs: Sequence[TensorSpec], inputs: Sequence[Array]) -> list[Array]:
    """Return ``inputs`` as contiguous arrays; raise InputError where one does not fit its spec."""
    if len(inputs) != len(specs):
        names = ", ".join(spec.name for spec in specs)
        raise InputError(f"the model takes {len(specs)} inputs ({names}), got {len(inputs)}")
    for spec, array in zip(specs, inputs, strict=True):
        if tuple(array.shape) != spec.shape:
            raise InputError(
                f"input '{spec.name}' has shape {list(array.shape)}, but the model was exported"
                f" for {list(spec.shape)}; resize the input, or export again for its size"
            )
        if array.dtype != spec.dtype:
            raise InputError(
                f"input '{spec.name}' has element type {array.dtype}, but the model takes"
                f" {spec.dtype}; convert it with .astype('{spec.dtype}')"
            )
    return [np.asarray(array, order="C") for array in inputs]
