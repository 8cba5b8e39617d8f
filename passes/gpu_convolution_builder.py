"""Builds kernels of convolutions on a GPU: one generator for all variants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.dialects.half_sums import HALF_TERMS
from pattern_mlir.layouts import Pair
from pattern_mlir.passes.gpu_convolution import ROW, ConvolutionKernel, Variant
from pattern_mlir.passes.gpu_kernel_builder import KernelBuilder, Number, Storage
from pattern_mlir.passes.gpu_planes import Block, over_plane, store_block, zero_slots

PUSHES = ("channels", "source image", "target image", "residual image")
"""Push constants: channels of a group, then the slots of an image of each tensor."""

SOURCE, TABLE, TARGET, RESIDUAL = range(4)
"""The kernel's buffers."""


def build_convolution(kernel: ConvolutionKernel) -> KernelBuilder:
    """Build the kernel, a `gpu.module`; workgroups are filters, blocks, images."""
    layouts = [kernel.source, kernel.target]
    storages: list[Any] = [Storage.of(layout, kernel.native) for layout in layouts]
    word = ir.IntegerType.get_signless(32)
    storages.insert(TABLE, ir.VectorType.get([ROW], word))
    if kernel.residual is not None:
        storages.append(Storage.of(kernel.residual, kernel.native))
    build = KernelBuilder(storages, kernel.placement.invocations, len(PUSHES))
    with build.body():
        _Convolution(kernel, build).body()
    return build


class _Convolution:
    """A kernel while it is built."""

    def __init__(self, kernel: ConvolutionKernel, build: KernelBuilder) -> None:
        self.kernel = kernel
        self.build = build
        self.image = build.group("z")
        self.group = build.group("x")
        self.header = self._header()
        outputs = kernel.block_pixels()
        self.places = {
            tap: [self._place(kernel.pixel(output, tap)) for output in outputs]
            for tap in kernel.all_taps
        }

    def _place(self, pixel: Pair) -> tuple[Pair, int]:
        """Return the slot, and the place in it, of a pixel from the block's first one."""
        row, column = pixel
        slot, part = divmod(column, self.kernel.source.pixels)
        return (row, slot), part

    def _header(self) -> list[Any]:
        """Build the words of the workgroup's header."""
        rows = self.kernel.header_rows
        return self._words(self.build.multiply(self.group, rows), rows * ROW)

    def _words(self, row: Number, count: int) -> list[Any]:
        """Build ``count`` words of the table from ``row`` on."""
        build, words = self.build, []
        for number in range(-(-count // ROW)):
            words += build.elements(build.load(TABLE, build.add(row, number)))
        return words[:count]

    def _weights(self, words: Sequence[Any], count: int) -> list[Any]:
        """Build ``count`` weights, f32 or of sums in f16 f16, out of ``words``."""
        if self.kernel.half_sums:
            return [half for word in words for half in self.build.halves_of(word)][:count]
        if not self.kernel.half_weights:
            return [self.build.as_real(word) for word in words[:count]]
        pairs = [number for word in words for number in self.build.unpack(word)]
        return pairs[:count]

    def _start(self, index: int) -> Any:
        """Build a word at the header's start as an index."""
        return self.build.as_index(self.header[index])

    def _filter(self, number: int) -> tuple[Any, Any]:
        """Build channel and bias of a filter."""
        channel, bias = self.header[self.kernel.starts + 2 * number :][:2]
        return self.build.as_index(channel), self.build.as_real(bias)

    def body(self) -> None:
        """Build the blocks' sums and stores, and the halo's zeros."""
        kernel = self.kernel
        over_plane(
            self.build, kernel.target, kernel.plane, kernel.placement, self._compute, self._clear
        )

    def _channel(self, number: int, layout: BlockLayout, buffer: int) -> Any:
        """Build the first slot of a filter's channel in the result or the residual."""
        build = self.build
        word = "target image" if buffer == TARGET else "residual image"
        first = build.multiply(self.image, build.push_constant(PUSHES.index(word)))
        plane = layout.channel(self.kernel.plane)
        return build.add(first, build.multiply(self._filter(number)[0], plane))

    def _clear(self, position: Number) -> None:
        for number in range(self.kernel.together):
            start = self.build.add(self._channel(number, self.kernel.target, TARGET), position)
            zero_slots(self.build, TARGET, self.kernel.target, self.kernel.plane, start)

    def _compute(self, block: Block) -> None:
        build, kernel = self.build, self.kernel
        position = block.source(build, kernel.source, kernel.source_plane, kernel.steps)
        image = build.multiply(self.image, build.push_constant(PUSHES.index("source image")))
        self.base = build.add(image, position)
        self.block = block
        sums = [self._filter(f)[1] for f in range(kernel.together) for _ in kernel.block_pixels()]
        variants: dict[Variant, Callable[[list[Any]], list[Any]]] = {
            Variant.RUNS: self._runs,
            Variant.SHARED: self._shared,
            Variant.DENSE: self._dense,
        }
        self._finish(variants[kernel.variant](sums))

    def _tap(
        self,
        sums: list[Any],
        number: int,
        weights: Sequence[Any],
        taps: Sequence[int],
        patch: _Patch,
    ) -> None:
        """Build the products of a filter's ``taps`` and add them to its sums."""
        for tap, weight in zip(taps, weights, strict=True):
            places = self.places[tap]
            for index, place in enumerate(places, start=number * len(places)):
                pixel = patch.pixel(*place)
                sums[index] = self.build.multiply_add(weight, pixel, sums[index])

    def _runs(self, sums: list[Any]) -> list[Any]:
        build, kernel = self.build, self.kernel
        for pattern, taps in enumerate(kernel.patterns):

            def entry(row: Any, sums: list[Any], pattern: int, taps: Sequence[int]) -> list[Any]:
                count = kernel.weight_words(len(taps))
                channel, *words = self._words(row, 1 + count)
                patch = _Patch(self, build.as_index(channel))
                self._tap(sums, 0, self._weights(words, len(taps)), taps, patch)
                return sums

            sums = self._loop(
                self._start(pattern),
                self._start(pattern + 1),
                kernel.entry_rows(pattern),
                sums,
                partial(entry, pattern=pattern, taps=taps),
                len(taps),
            )
            if kernel.chunk and pattern + 1 < len(kernel.patterns):
                self._put_down(sums, first=pattern == 0)
                sums = self._zeros()
        return self._picked_up(sums) if kernel.chunk and len(kernel.patterns) > 1 else sums

    def _shared(self, sums: list[Any]) -> list[Any]:
        build, kernel = self.build, self.kernel
        mask = build.word((1 << kernel.pattern_bits) - 1)
        slots = kernel.slots(kernel.all_taps)

        def entry(row: Any, sums: list[Any]) -> list[Any]:
            channel, start, *numbers = self._words(row, ROW)
            patch = _Patch(self, build.as_index(channel))
            patch.load(slots)
            weights = build.as_index(start)
            size = kernel.outputs
            for number in range(kernel.together):
                word, place = divmod(number, kernel.patterns_a_word)
                shift = build.word(kernel.pattern_bits * place)
                own = arith.andi(arith.shrui(numbers[word], shift), mask)
                kept = slice(number * size, (number + 1) * size)
                cases = [
                    partial(self._case, pattern, weights, sums[kept], patch)
                    for pattern in range(len(kernel.patterns))
                ]
                *sums[kept], weights = build.switch(
                    build.as_index(own), [*sums[kept], weights], cases
                )
            return sums

        return self._in_chunks(self._start(0), self._start(1), sums, entry)

    def _case(self, pattern: int, row: Any, sums: list[Any], patch: _Patch) -> list[Any]:
        """Build what a kernel of a pattern adds to its filter; the next weights' row follows."""
        kernel, taps = self.kernel, self.kernel.patterns[pattern]
        words = self._words(row, kernel.weight_words(len(taps)))
        sums = list(sums)
        self._tap(sums, 0, self._weights(words, len(taps)), taps, patch.anew())
        return [*sums, self.build.add(row, kernel.weight_rows(pattern))]

    def _dense(self, sums: list[Any]) -> list[Any]:
        build, kernel = self.build, self.kernel
        taps, plane = kernel.patterns[0], kernel.source.channel(kernel.source_plane)
        count = kernel.together * len(taps)
        rows, first = self._start(0), self._start(1)

        def channel(number: Any, sums: list[Any]) -> list[Any]:
            row = build.add(rows, build.multiply(number, kernel.channel_rows))
            words = self._words(row, kernel.weight_words(count))
            weights = self._weights(words, count)
            patch = _Patch(self, build.add(first, build.multiply(number, plane)))
            for filter_ in range(kernel.together):
                own = weights[filter_ * len(taps) : (filter_ + 1) * len(taps)]
                self._tap(sums, filter_, own, taps, patch)
            return sums

        return self._in_chunks(0, build.push_constant(PUSHES.index("channels")), sums, channel)

    def _in_chunks(
        self,
        lower: Number,
        upper: Number,
        sums: list[Any],
        body: Callable[[Any, list[Any]], list[Any]],
    ) -> list[Any]:
        """Build a loop over all entries; with chunks, sums of each join those in the result."""
        build, chunk = self.build, self.kernel.chunk
        if not chunk:
            terms = max(map(len, self.kernel.patterns))
            return self._loop(lower, upper, 1, sums, body, terms)
        self._put_down(sums, first=True)

        def part(start: Any, _: list[Any]) -> list[Any]:
            end = build.minimum(build.add(start, chunk), upper)
            self._put_down(build.loop(start, end, 1, self._zeros(), body), first=False)
            return []

        build.loop(lower, upper, chunk, [], part)
        return self._picked_up(self._zeros())

    def _loop(
        self,
        lower: Number,
        upper: Number,
        step: int,
        sums: list[Any],
        body: Callable[[Any, list[Any]], list[Any]],
        terms: int,
    ) -> list[Any]:
        """Build a loop over entries; of each, at most ``terms`` products join a sum.

        Sums in f16 are of as many entries as `HALF_TERMS` allows, then join those in f32.
        """
        build = self.build
        if not self.kernel.half_sums:
            return build.loop(lower, upper, step, sums, body)
        many = max(1, HALF_TERMS // terms) * step

        def part(start: Any, sums: list[Any]) -> list[Any]:
            end = build.minimum(build.add(start, many), upper)
            own = build.loop(start, end, step, [build.half(0.0)] * len(sums), body)
            wide = [arith.extf(build.f32, value) for value in own]
            return [arith.addf(total, value) for total, value in zip(sums, wide, strict=True)]

        return build.loop(lower, upper, many, sums, part)

    def _zeros(self) -> list[Any]:
        count = self.kernel.together * self.kernel.outputs
        return [self.build.real(0.0)] * count

    def _put_down(self, sums: list[Any], first: bool) -> None:
        """Build the stores of ``sums``, added to what lies there but for the ``first``."""
        with self.build.where(self.block.active):
            self._store(sums if first else self._picked_up(sums))

    def _picked_up(self, sums: list[Any]) -> list[Any]:
        """Build ``sums`` with those added that wait in the result."""
        waiting = self._read(TARGET, self.kernel.target)
        return [arith.addf(own, other) for own, other in zip(sums, waiting, strict=True)]

    def _read(self, buffer: int, layout: BlockLayout) -> list[Any]:
        """Build all outputs of the block, filter by filter, from a tensor like the result."""
        build, plane = self.build, self.kernel.plane
        position, pixels = self.block.position(build, layout, plane), []
        for number in range(self.kernel.together):
            start = build.add(self._channel(number, layout, buffer), position)
            for row, column in product(*map(range, layout.block)):
                slot = build.load(buffer, build.add(start, layout.offset(plane, row, column)))
                pixels += build.pixels(buffer, slot)
        return pixels

    def _store(self, sums: list[Any]) -> None:
        build, kernel = self.build, self.kernel
        position = self.block.position(build, kernel.target, kernel.plane)
        outputs = kernel.block_pixels()
        for number in range(kernel.together):
            own = sums[number * len(outputs) : (number + 1) * len(outputs)]
            pixels = dict(zip(outputs, own, strict=True))
            start = build.add(self._channel(number, self.kernel.target, TARGET), position)
            store_block(build, TARGET, kernel.target, kernel.plane, self.block, start, pixels)

    def _finish(self, sums: list[Any]) -> None:
        """Build residual, activation and stores."""
        kernel = self.kernel
        with self.build.where(self.block.active):
            if kernel.residual is not None:
                added = self._read(RESIDUAL, kernel.residual)
                sums = [arith.addf(a, b) for a, b in zip(sums, added, strict=True)]
            self._store([self.build.activated(kernel.activation, value) for value in sums])


class _Patch:
    """The input pixels under a block, each slot loaded once."""

    def __init__(self, owner: _Convolution, channel: Any, slots: dict[Pair, Any] | None = None):
        self.owner = owner
        self.channel = channel
        self.slots = {} if slots is None else slots
        self.pixels: dict[Pair, list[Any]] = {}

    def anew(self) -> _Patch:
        """Return the loaded slots, to be taken apart into pixels anew: f16 waits packed."""
        return _Patch(self.owner, self.channel, self.slots)

    def load(self, slots: Sequence[Pair]) -> None:
        """Build the loads of ``slots`` (row, column)."""
        build, kernel = self.owner.build, self.owner.kernel
        for slot in slots:
            if slot not in self.slots:
                start = build.add(self.channel, self.owner.base)
                offset = kernel.source.offset(kernel.source_plane, *slot)
                self.slots[slot] = build.load(SOURCE, build.add(start, offset))

    def pixel(self, slot: Pair, part: int) -> Any:
        """Return a pixel of a slot (row, column), which is loaded where it was not."""
        if slot not in self.pixels:
            self.load([slot])
            build = self.owner.build
            parts = build.halves if self.owner.kernel.half_sums else build.pixels
            self.pixels[slot] = parts(SOURCE, self.slots[slot])
        return self.pixels[slot][part]
