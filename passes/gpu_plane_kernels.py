"""Kernels on a GPU that go plane by plane: layouts, pools, resizing, element by element."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder, Number, Storage
from pattern_mlir.passes.gpu_planes import Block, Placement, over_plane, store_block, zero_slots
from pattern_mlir.runtime.vulkan.plan import MAXIMUM_GROUPS

PLAIN_INVOCATIONS = 64
"""Of a workgroup where the result is plain: one an element."""

PUSHES = ("channels", "target channels", "first channel", "elements")
"""Push constants: channels that are computed; channels of the result's buffer, and which of them
is the first; elements of a plain result."""


class PlaneKind(enum.Enum):
    """What a kernel makes of each pixel."""

    COPY = "copy"
    ADD = "add"
    MULTIPLY = "multiply"
    MAX_POOL = "max_pool"
    AVERAGE_POOL = "average_pool"
    ADAPTIVE_AVERAGE_POOL = "adaptive_average_pool"
    SELECT = "select"
    SHUFFLE = "shuffle"
    NEAREST = "nearest"
    BILINEAR = "bilinear"


@dataclass(frozen=True)
class Operand:
    """A tensor that a kernel reads.

    Attributes:
        layout: its blocks; None for plain NCHW of f32.
        plane: its height and width; 1 where it is repeated.
        channels, images: whether it has as many as the result; else one that is repeated.
    """

    layout: BlockLayout | None
    plane: Pair
    channels: bool = True
    images: bool = True


@dataclass(frozen=True)
class PlaneKernel:
    """A kernel on planes; equal ones share a function.

    Attributes:
        kind: what it computes.
        operands: what it reads.
        target: the result's blocks; None for plain NCHW of f32.
        plane: height and width of the result.
        window, strides, origin, dilations: of a pool, in pixels; ``origin`` is minus the padding.
            The window of `SHUFFLE` is its factor.
        include_pad: whether padding counts in a mean.
        divisor: what sums are divided by; 0 for what counts.
        pad_end: pixels below and right of the plane that count with ``include_pad``.
        activation: an `ActivationAttr`, or None.
        native: whether f16 is loaded as such.
        part: whether a plain result is a part of its buffer, as the push constants say.
    """

    kind: PlaneKind
    operands: tuple[Operand, ...]
    target: BlockLayout | None
    plane: Pair
    window: Pair = (1, 1)
    strides: Pair = (1, 1)
    origin: Pair = (0, 0)
    dilations: Pair = (1, 1)
    include_pad: bool = False
    divisor: int = 0
    pad_end: Pair = (0, 0)
    activation: Any = None
    native: bool = False
    part: bool = False

    @property
    def placement(self) -> Placement:
        """How the plane's blocks are shared by workgroups; the result is in blocks."""
        assert self.target is not None
        return Placement.of(self.target, self.plane)

    @property
    def table(self) -> bool:
        """Whether it reads where each pixel or channel comes from."""
        return self.kind in (PlaneKind.NEAREST, PlaneKind.BILINEAR, PlaneKind.SELECT)


@dataclass(frozen=True)
class Place:
    """A coordinate of a pixel: ``scale`` * ``base`` + ``offset``, ``base`` being a value.

    ``most`` is the largest that ``base`` can be; the least is 0.
    """

    base: Any
    scale: int
    offset: int
    most: int

    def value(self, build: KernelBuilder) -> Number:
        """Build the coordinate, which may be negative."""
        return build.add(build.multiply(self.base, self.scale), self.offset)

    def moved(self, stride: int, offset: int) -> Place:
        """Return the coordinate times ``stride`` plus ``offset``."""
        return Place(self.base, self.scale * stride, self.offset * stride + offset, self.most)


def build_plane_kernel(kernel: PlaneKernel) -> KernelBuilder:
    """Build the kernel: operands, the table where it reads one, then the result."""
    storages: list[Any] = [Storage.of(o.layout, kernel.native) for o in kernel.operands]
    if kernel.table:
        storages.append(ir.VectorType.get([4], ir.IntegerType.get_signless(32)))
    storages.append(Storage.of(kernel.target, kernel.native))
    plain = kernel.target is None
    invocations = PLAIN_INVOCATIONS if plain else kernel.placement.invocations
    build = KernelBuilder(storages, invocations, len(PUSHES))
    with build.body():
        _Planes(kernel, build, len(storages) - 1).body()
    return build


class _Planes:
    """A kernel while it is built."""

    def __init__(self, kernel: PlaneKernel, build: KernelBuilder, target: int) -> None:
        self.kernel = kernel
        self.build = build
        self.target = target

    def _push(self, name: str) -> Any:
        return self.build.push_constant(PUSHES.index(name))

    def body(self) -> None:
        """Build one pixel after the other, each at its own invocation or in blocks."""
        if self.kernel.target is None:
            self._plain()
        else:
            self._blocks(self.kernel.target)

    def _plain(self) -> None:
        build, (height, width) = self.build, self.kernel.plane
        group = build.add(build.multiply(build.group("y"), MAXIMUM_GROUPS), build.group("x"))
        number = build.add(build.multiply(group, PLAIN_INVOCATIONS), build.invocation())
        with build.where(build.below(number, self._push("elements"))):
            plane, pixel = build.split(number, height * width)
            row, column = build.split(pixel, width)
            self.image = arith.divui(build.value(plane), self._push("channels"))
            self.channel = arith.remui(build.value(plane), self._push("channels"))
            value = self._pixel(Place(row, 1, 0, height - 1), Place(column, 1, 0, width - 1))
            if self.kernel.part:
                images = build.multiply(self.image, self._push("target channels"))
                first = build.add(images, self._push("first channel"), self.channel)
                number = build.add(build.multiply(first, height * width), pixel)
            build.store(value, self.target, number)

    def _blocks(self, layout: BlockLayout) -> None:
        build, plane = self.build, self.kernel.plane
        self.channel, self.image = build.group("x"), build.group("z")
        images = build.multiply(self.image, self._push("target channels"))
        number = build.add(images, self._push("first channel"), self.channel)
        start = build.multiply(number, layout.channel(plane))

        def compute(block: Block) -> None:
            (height, width), (rows, columns) = layout.size, layout.grid(plane)
            pixels = {
                (y, x): self._pixel(
                    Place(block.row, height, y, rows - 1),
                    Place(block.column, width, x, columns - 1),
                )
                for y in range(height)
                for x in range(width)
            }
            place = build.add(start, block.position(build, layout, plane))
            with build.where(block.active):
                store_block(build, self.target, layout, plane, block, place, pixels)

        def clear(position: Number) -> None:
            zero_slots(build, self.target, layout, plane, build.add(start, position))

        over_plane(build, layout, plane, self.kernel.placement, compute, clear)

    def _pixel(self, row: Place, column: Place) -> Any:
        """Build the result's pixel."""
        kinds: dict[PlaneKind, Callable[[Place, Place], Any]] = {
            PlaneKind.COPY: lambda y, x: self._fetch(0, y, x),
            PlaneKind.ADD: lambda y, x: arith.addf(self._fetch(0, y, x), self._fetch(1, y, x)),
            PlaneKind.MULTIPLY: lambda y, x: arith.mulf(self._fetch(0, y, x), self._fetch(1, y, x)),
            PlaneKind.MAX_POOL: self._max_pool,
            PlaneKind.AVERAGE_POOL: self._average_pool,
            PlaneKind.ADAPTIVE_AVERAGE_POOL: self._adaptive_average_pool,
            PlaneKind.SELECT: self._select,
            PlaneKind.SHUFFLE: self._shuffle,
            PlaneKind.NEAREST: self._nearest,
            PlaneKind.BILINEAR: self._bilinear,
        }
        value = kinds[self.kernel.kind](row, column)
        return self.build.activated(self.kernel.activation, value)

    def _channel(self, operand: Operand) -> Number:
        """Build which plane of an operand the pixel's channel reads."""
        build, image = self.build, self.image if operand.images else 0
        if not operand.channels:
            return image
        every = self._push("channels") if operand.images else 0
        return build.add(build.multiply(image, every), self.channel)

    def _fetch(self, number: int, row: Place, column: Place, index: Number = None) -> Any:
        """Build the pixel of an operand, of plane ``index`` or the one that belongs to the channel.

        Outside of the plane it is any number.
        """
        build, operand = self.build, self.kernel.operands[number]
        layout, plane = operand.layout, operand.plane
        index = self._channel(operand) if index is None else index
        places = [
            Place(0, 0, 0, 0) if size == 1 else place
            for place, size in zip((row, column), plane, strict=True)
        ]
        if layout is None:
            y, x = (self._kept(place, size) for place, size in zip(places, plane, strict=True))
            pixel = build.add(build.multiply(y, plane[1]), x)
            return build.load(number, build.add(build.multiply(index, plane[0] * plane[1]), pixel))
        (block_row, y), (block_column, x) = (
            self._split(place, layout, plane, axis) for axis, place in enumerate(places)
        )
        x, part = build.split(x, layout.pixels)
        slot = build.add(build.multiply(y, layout.block[1]), x)
        start = build.add(
            build.multiply(index, layout.channel(plane)),
            build.multiply(slot, layout.stride(plane)),
            build.multiply(block_row, layout.row(plane)),
            block_column,
            layout.first(plane),
        )
        return self._part(build.pixels(number, build.load(number, start)), part)

    def _kept(self, place: Place, size: int) -> Number:
        """Build a coordinate, moved to the nearest pixel of the plane."""
        build = self.build
        if size == 1:
            return 0
        value = arith.maxsi(build.value(place.value(build)), build.value(0))
        return arith.minsi(value, build.value(size - 1))

    def _split(
        self, place: Place, layout: BlockLayout, plane: Pair, axis: int
    ) -> tuple[Number, Number]:
        """Build the block that a coordinate lies in and the rest, which is constant if it can."""
        build, size = self.build, layout.size[axis]
        if size > 1 and place.scale % size:
            return build.split(self._kept(place, plane[axis]), size)
        block, rest = divmod(place.offset, size)
        number = build.add(build.multiply(place.base, place.scale // size), block)
        last = layout.grid(plane)[axis] - 1
        reach = place.most * place.scale // size + block
        if block < -layout.halo[axis] or reach > last + layout.halo[axis]:
            kept = arith.maxsi(build.value(number), build.value(0))
            number = arith.minsi(kept, build.value(last))
        return number, rest

    def _part(self, pixels: list[Any], part: Number) -> Any:
        """Build pixel ``part`` of a slot."""
        if isinstance(part, int):
            return pixels[part]
        value = pixels[0]
        for index, pixel in enumerate(pixels[1:], start=1):
            value = self.build.select(self.build.below(part, index), value, pixel)
        return value

    def _inside(self, row: Place, column: Place) -> Any:
        """Build whether a pixel of the first operand lies in its plane."""
        build = self.build
        return build.both(
            *(
                build.below(place.value(build), size)
                for place, size in zip((row, column), self.kernel.operands[0].plane, strict=True)
            )
        )

    def _window(self, row: Place, column: Place, outside: float) -> list[Any]:
        """Build the pixels under the window; ``outside`` stands where there is none."""
        kernel, found = self.kernel, []
        for i in range(kernel.window[0]):
            for j in range(kernel.window[1]):
                y, x = (
                    place.moved(stride, origin + step * dilation)
                    for place, stride, origin, step, dilation in zip(
                        (row, column),
                        kernel.strides,
                        kernel.origin,
                        (i, j),
                        kernel.dilations,
                        strict=True,
                    )
                )
                value, fill = self._fetch(0, y, x), self.build.real(outside)
                found.append(self.build.select(self._inside(y, x), value, fill))
        return found

    def _max_pool(self, row: Place, column: Place) -> Any:
        first, *rest = self._window(row, column, float("-inf"))
        for value in rest:
            first = arith.maximumf(first, value)
        return first

    def _average_pool(self, row: Place, column: Place) -> Any:
        first, *rest = self._window(row, column, 0.0)
        for value in rest:
            first = arith.addf(first, value)
        return arith.divf(first, self._divisor(row, column))

    def _divisor(self, row: Place, column: Place) -> Any:
        """Build how many pixels a mean is of."""
        build, kernel = self.build, self.kernel
        if kernel.divisor:
            return build.real(kernel.divisor)
        counts = []
        for axis, place in enumerate((row, column)):
            size = kernel.operands[0].plane[axis]
            low, high = 0, size
            if kernel.include_pad:
                low, high = kernel.origin[axis], size + kernel.pad_end[axis]
            start = place.moved(kernel.strides[axis], kernel.origin[axis]).value(build)
            first = arith.maxsi(build.value(start), build.value(low))
            last = arith.minsi(
                build.value(build.add(start, kernel.window[axis])), build.value(high)
            )
            counts.append(build.subtract(last, first))
        return self._real(build.multiply(*counts))

    def _real(self, number: Number) -> Any:
        """Build the f32 of a number."""
        build = self.build
        return arith.sitofp(build.f32, arith.index_cast(build.i32, build.value(number)))

    def _adaptive_average_pool(self, row: Place, column: Place) -> Any:
        build, kernel = self.build, self.kernel
        bounds = []
        for axis, place in enumerate((row, column)):
            size, count = kernel.operands[0].plane[axis], kernel.plane[axis]
            scaled = build.multiply(place.value(build), size)
            first, _ = build.split(scaled, count)
            last, _ = build.split(build.add(scaled, size + count - 1), count)
            bounds.append((first, build.minimum(last, size)))

        def rows(y: Any, total: list[Any]) -> list[Any]:
            row = Place(y, 1, 0, height - 1)

            def columns(x: Any, total: list[Any]) -> list[Any]:
                pixel = self._fetch(0, row, Place(x, 1, 0, width - 1))
                return [arith.addf(total[0], pixel)]

            own = build.loop(*bounds[1], 1, [build.real(0.0)], columns)
            return [arith.addf(total[0], own[0])]

        height, width = kernel.operands[0].plane
        total = build.loop(*bounds[0], 1, [build.real(0.0)], rows)
        sizes = [build.subtract(last, first) for first, last in bounds]
        return arith.divf(total[0], self._real(build.multiply(*sizes)))

    def _select(self, row: Place, column: Place) -> Any:
        build = self.build
        channel, every, _, _ = build.elements(build.load(1, self.channel))
        images = build.multiply(self.image, build.as_index(every))
        return self._fetch(0, row, column, build.add(images, build.as_index(channel)))

    def _shuffle(self, row: Place, column: Place) -> Any:
        build, (rows, columns) = self.build, self.kernel.window
        planes = build.multiply(self.image, self._push("channels"))
        (y, down), (x, right) = self._divided(row, rows), self._divided(column, columns)
        group = build.multiply(build.add(planes, self.channel), rows)
        index = build.add(build.multiply(build.add(group, down), columns), right)
        return self._fetch(0, y, x, index)

    def _divided(self, place: Place, size: int) -> tuple[Place, Number]:
        """Build quotient and remainder of a coordinate that is not negative."""
        if place.scale % size == 0:
            offset, rest = divmod(place.offset, size)
            return Place(place.base, place.scale // size, offset, place.most), rest
        quotient, rest = self.build.split(place.value(self.build), size)
        most = (place.most * place.scale + place.offset) // size
        return Place(quotient, 1, 0, most), rest

    def _source(self, position: Number, size: int, most: int) -> tuple[Place, Place, Any]:
        """Build the two pixels and the second one's weight that the table has for a position."""
        build = self.build
        kept = build.minimum(position, size - 1)
        low, high, weight, _ = build.elements(build.load(1, kept))
        first, second = (Place(build.as_index(word), 1, 0, most) for word in (low, high))
        return first, second, build.as_real(weight)

    def _sources(self, row: Place, column: Place) -> list[tuple[Place, Place, Any]]:
        build, (height, width) = self.build, self.kernel.plane
        sizes = self.kernel.operands[0].plane
        below = build.add(build.minimum(column.value(build), width - 1), height)
        return [
            self._source(row.value(build), height, sizes[0] - 1),
            self._source(below, height + width, sizes[1] - 1),
        ]

    def _nearest(self, row: Place, column: Place) -> Any:
        (y, _, _), (x, _, _) = self._sources(row, column)
        return self._fetch(0, y, x)

    def _bilinear(self, row: Place, column: Place) -> Any:
        (top, bottom, down), (left, right, across) = self._sources(row, column)
        one = self.build.real(1.0)

        def mixed(a: Any, b: Any, weight: Any) -> Any:
            rest = arith.subf(one, weight)
            return arith.addf(arith.mulf(a, rest), arith.mulf(b, weight))

        first, second = (
            mixed(self._fetch(0, top, x), self._fetch(0, bottom, x), down) for x in (left, right)
        )
        return mixed(first, second, across)
