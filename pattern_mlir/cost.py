"""The machine model: what kernels in lane blocks, plain loops and changes of layout cost.

Costs are cycles of one core. They choose between layouts and tiles; beside measured times, profiles
print them as predictions.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, combinations, product

from pattern_mlir.layouts import Pair, Wraps, wrapped

PLAIN_CYCLES = 1.0
"""A multiplication of a convolution in plain loops."""

USUAL_LATENCY = 4
"""`Machine.latency` of the processor on which the cycles above and below were measured."""

KERNEL_CYCLES = 2.0
"""A kernel's share of a tile beside its products: loads of channel and weights, the loop. They
start beside multiplications: a processor that starts more of these starts more of those."""

LOOP_CYCLES = 10.0
"""A loop over kernels of one pattern: its end comes unforeseen."""

FILTER_CYCLES = 30.0
"""A filter's share of a tile beside its kernels: bias, stores."""

HALO_CYCLES = 8.0
"""A vector of a halo: what makes the plane stores it beside its block, and more lies in caches."""

PERMUTING_REGISTERS = 2
"""What permuting lanes takes of the registers for sums. With 24 sums on AVX-512 up to 26 accesses a
kernel went to the stack, and tiles of 20 were faster by 4 %."""

KEPT = 0.5
"""The share of the last cache that inputs keep beside weights and results."""

EARLY = 3.0
"""What lies behind the last cache comes so many times as fast as it could: it is asked for early
and comes while others are multiplied. Measured on an Intel Ice Lake."""

LEAST_LANES = 4
"""Of the shortest vectors that kernels use."""

LINE = 64
"""Bytes of a line of the cache."""

WIDEST_STRIPS = 28
"""Rows and columns of a block up to which tiles may be uneven; of larger ones few are not full."""


MOST_CHAINS = 8
"""Sums under way that keep any processor busy."""


MOST_WEIGHTS = 9
"""Weights that wait in registers at a time; a kernel with more is swept over row by row."""


HALF_SPARE = 7
"""Registers that sums in f16 leave free: AArch64 multiplies f16 by a weight in the lower half only.

With 4 the hot loops of 3x3 convolutions were spilled, 1.72 instructions a multiplication for 1.41.
"""


@dataclass(frozen=True)
class Machine:
    """What a processor offers to kernels in lane blocks.

    Attributes:
        lanes: 32-bit lanes of a vector.
        registers: vector registers.
        units: multiplications of vectors that can start in a cycle.
        unit_lanes: 32-bit lanes of such a multiplication; that of a longer vector takes several.
        load_cycles: a vector load from the nearest cache, in multiplications that could start.
        latency: multiplications that must be under way to keep the unit busy.
        weights_a_register: weights of a kernel that a vector register holds; multiplications of
            AArch64 name one of its lanes.
        temporaries: registers beside sums and weights.
        pair_cycles: what an instruction takes that loads two neighbouring vectors, at most; 0 where
            there is none.
        prefetches: whether kernels ask early for what they read next.
        issue: multiplications and loads that start in a cycle; infinite where loads hide behind
            multiplications.
        shape_share: what each further shape of tile adds to a layer's cost, as a share of it: its
            code must be compiled and cached.
        cache_rates: pairs (bytes, rate): data that is used again and again and takes up no more
            than so many bytes reaches the registers at so many bytes a cycle.
        row_cycles: a row of pixels that is not in the nearest cache, beside its bytes; the rest of
            a row is fetched ahead.
        element_bytes: of an element in memory.
        sum_registers: registers that a vector of sums takes.
        conversions: multiplications that could start while a loaded vector becomes f32.
        permuting_units: multiplications and permutations of lanes that start together in the time
            of `units` multiplications; 0 where neighbours' lanes are rather loaded.
        stream_rates: the pairs (bytes, rate) of what lies in caches and beyond: data that is read
            or written once and is no more than so many bytes moves at so many bytes a cycle.
        corrections: pairs (kind of kernel, factor): what kernels of the kind took on this processor
            over what the rest of the model says of them (`pattern_mlir.calibration`).
        longest: lanes of the longest vector, where kernels use shorter ones; 0 where `lanes`.
    """

    lanes: int
    registers: int
    units: int = 2
    unit_lanes: int = 8
    load_cycles: float = 1.28
    latency: int = 4
    weights_a_register: int = 1
    temporaries: int = 4
    pair_cycles: int = 0
    prefetches: bool = True
    issue: float = math.inf
    shape_share: float = 0.02
    cache_rates: tuple[tuple[float, float], ...] = (
        (32 << 10, 64.0),
        (96 << 10, 44.0),
        (1 << 20, 30.0),
        (math.inf, 20.0),
    )
    row_cycles: float = 0.5
    element_bytes: int = 4
    sum_registers: int = 1
    conversions: int = 0
    permuting_units: float = 0.0
    stream_rates: tuple[tuple[float, float], ...] = ((1 << 20, 20.0), (math.inf, 6.0))
    corrections: tuple[tuple[str, float], ...] = ()
    longest: int = 0

    @property
    def overhead(self) -> float:
        """Cycles of the model in a clock cycle: what is not multiplying or moving takes so many.

        A cycle of the model is the time in which it lets multiplications start. A measured
        processor may start more of them in a clock cycle; more then must be under way.
        """
        return self.latency / USUAL_LATENCY

    @property
    def multiplications_a_cycle(self) -> int:
        """Vectors whose multiplication can start in a cycle."""
        return min(self.units, max(1, self.units * self.unit_lanes // self.lanes))

    def vectors(self) -> tuple[Machine, ...]:
        """Return the machine with each length of vectors that kernels may use, the longest first.

        On planes of few pixels long vectors are mostly empty, and fill the caches.
        """
        halves = [self]
        while halves[-1].lanes % 2 == 0 and halves[-1].lanes // 2 >= LEAST_LANES:
            halves.append(self.with_lanes(halves[-1].lanes // 2))
        return tuple(halves)

    def with_lanes(self, lanes: int) -> Machine:
        """Return the machine with vectors of ``lanes``."""
        return replace(self, lanes=lanes, longest=self.longest or self.lanes)

    def widest(self, lanes: int) -> tuple[Machine, int]:
        """Return the machine with the longest vectors for ``lanes``, and how many hold them."""
        own = min(lanes, self.longest or self.lanes)
        return self.with_lanes(own), -(-lanes // own)

    def for_half(self, lanes: int, half_sums: bool) -> Machine:
        """Return the machine as it works on f16 in vectors of ``lanes``.

        Vectors longer than its own are sums in several registers, unless they are f16, too.
        """
        half = replace(self, lanes=lanes, element_bytes=2, permuting_units=0)
        if half_sums:
            spare = self.registers - HALF_SPARE
            return replace(half, unit_lanes=2 * self.unit_lanes, registers=spare)
        registers = -(-lanes // self.lanes)
        return replace(half, sum_registers=registers, conversions=1)

    def sums(self, weights: int) -> int:
        """Return how many sums fit into registers beside ``weights`` and an input vector."""
        weight_registers = -(-weights // self.weights_a_register)
        spare = self.registers - weight_registers - self.temporaries
        return max(1, spare // self.sum_registers)

    def transfer_cycles(self, vectors: int, reused: float) -> float:
        """Return what it takes to read ``vectors`` from caches that hold ``reused`` others."""
        size = self.element_bytes * self.lanes
        cached = self.cache_rates[:-1]
        rates = (rate for most, rate in cached if reused * size <= most)
        return vectors * size / next(rates, cached[-1][1])

    def miss_cycles(self, vectors: int, reused: float) -> float:
        """Return what it takes besides if ``reused`` outgrow what the last cache keeps of them."""
        size = self.element_bytes * self.lanes
        missing = max(0.0, 1 - KEPT * self.cache_rates[-2][0] / (reused * size))
        return missing * vectors * size / (EARLY * self.cache_rates[-1][1])

    def stream_cycles(self, size: float) -> float:
        """Return what it takes to read or write ``size`` bytes once.

        Of more than the cache holds half are found there: the rest was needed for other data.
        """
        (cached, near), (_, far) = self.stream_rates
        if size <= cached:
            return size / near
        return cached / 2 / near + (size - cached / 2) / far

    def fetch_cycles(self, size: float) -> float:
        """Return what it takes to bring ``size`` bytes near that a layer reads or writes.

        As many are there already as a quarter of the cache holds.
        """
        (cached, _), (_, far) = self.stream_rates
        return max(0.0, size - cached / 4) / far

    def corrected(self, kind: str, cycles: float) -> float:
        """Return what a kernel of ``kind`` takes for which the model says ``cycles``."""
        return cycles * dict(self.corrections).get(kind, 1.0)

    def start_cycles(self, rows: int, reused: float) -> float:
        """Return what it takes to turn to ``rows`` of pixels, see `transfer_cycles`."""
        size = self.element_bytes * self.lanes * reused
        return self.row_cycles * rows * (size > self.cache_rates[0][0])


Tile = tuple[int, int, int, int]
"""Row and column of a tile in its block, its height and width."""


@dataclass(frozen=True)
class Tiling:
    """How a block of outputs is cut into tiles, and channels into blocks; and what that costs.

    Attributes:
        tiles: they cover the block.
        channel_block: channels that all filters sum up before the next ones.
        cycles: of one block of filters on all tiles.
        halo_cycles: of the halos that are stored for them; none where lanes are not permuted, since
            then nothing can be done about them. Of the windows that are made where taps lie in
            lanes.
        filter_block: filters that are computed together.
        wraps: whether vectors outside of the input's block are its own with permuted lanes.
        group: filters whose sums wait in memory while a channel's inputs stay in registers; 0 where
            sums stay (`pattern_mlir.input_stationary`).
        taps_in_lanes: whether all taps of a kernel are multiplied at once
            (`pattern_mlir.tap_lanes`).
    """

    tiles: tuple[Tile, ...]
    channel_block: int
    cycles: float
    filter_block: int
    wraps: Wraps = (False, False)
    halo_cycles: float = 0.0
    group: int = 0
    taps_in_lanes: bool = False

    @property
    def filter_cycles(self) -> float:
        """Of one filter on all tiles, and of halos."""
        return (self.cycles + self.halo_cycles) / self.filter_block

    @property
    def most_sums(self) -> int:
        """Sums of the largest tile."""
        return self.filter_block * math.prod(largest(self.tiles))


def largest(tiles: Sequence[Tile]) -> Pair:
    """Return the height and width of the tile with the most pixels."""
    return max(((height, width) for _, _, height, width in tiles), key=math.prod)


def tap_groups(taps: Sequence[Pair], block: int) -> list[list[int]]:
    """Return the numbers of ``taps`` in groups whose weights wait in registers at a time.

    A kernel with few weights is one group; of a larger one each row is.
    """
    rows = {row: [i for i, tap in enumerate(taps) if tap[0] == row] for row, _ in taps}
    return list(rows.values()) if len(taps) * block > MOST_WEIGHTS else [list(range(len(taps)))]


def chains(sums: int, taps: int) -> int:
    """Return in how many chains each of ``sums`` is added up, so that none waits for itself."""
    return max(1, min(taps, -(-MOST_CHAINS // sums)))


@dataclass(frozen=True)
class Products:
    """What a filter block's kernels multiply on a tile.

    Attributes:
        patterns: the taps of each, which equally many kernels have.
        strides: of the convolution.
        filter_block: filters that are computed together.
        row_block: columns of a block of the input, where it lies in rows; 0 for lane blocks.
        origin: the input pixel of tap (0, 0) for output (0, 0); None where all vectors are loaded.
        halo: whether the input has vectors above and below, left and right of its blocks.
    """

    patterns: tuple[tuple[Pair, ...], ...]
    strides: Pair = (1, 1)
    filter_block: int = 1
    row_block: int = 0
    origin: Pair | None = None
    halo: Wraps = (True, True)

    @property
    def can_wrap(self) -> bool:
        """Whether a kernel's vectors outside of the input's block can be made from its own."""
        groups = (tap_groups(taps, self.filter_block) for taps in self.patterns)
        in_lanes = self.origin is not None and not self.row_block
        return in_lanes and all(len(group) == 1 for group in groups)

    @property
    def places(self) -> tuple[set[int], set[int]]:
        """The rows and the columns of all taps."""
        taps = [tap for own in self.patterns for tap in own]
        return {row for row, _ in taps}, {column for _, column in taps}


@functools.cache
def choose_tiling(
    machine: Machine,
    products: Products,
    outputs: Pair,
    kernels: float = 1.0,
    unit: int = 1,
    channels: int = 1,
    channel_blocks: int = 1,
    planes: float = 0.0,
) -> Tiling:
    """Return the cheapest tiling of a block of ``outputs`` = (height, width).

    Args:
        machine: the processor.
        products: what is multiplied.
        outputs: rows and columns of outputs, before the pool. In rows, tiles are as wide.
        kernels: kernels that a block of filters has, on average.
        unit: sizes of tiles are multiples of this: 2 for a 2x2 pool.
        channels: of the input.
        channel_blocks: the most blocks that channels may be cut into.
        planes: of the input that are made for each filter.
    """
    block = products.filter_block
    groups = (group for taps in products.patterns for group in tap_groups(taps, block))
    sums = machine.sums(max(map(len, groups)) * block)
    # The smallest tile that a pool, a repetition, rows or no halo allow is taken even if it spills.
    whole = not products.halo[0], not products.halo[1] or bool(products.row_block)
    least = [size if all_ else unit for size, all_ in zip(outputs, whole, strict=True)]
    rooms = [max(own // block, math.prod(least)) for own in (sums, sums - PERMUTING_REGISTERS)]
    best: Tiling | None = None
    for strips, wraps in ways(machine, products, outputs, (rooms[0], rooms[1]), unit):
        shapes = strips.shapes
        for parts in range(1, channel_blocks + 1):
            channel_block = -(-channels // parts)
            cycles = (1 + machine.shape_share * len(shapes)) * sum(
                count
                * (
                    kernels * _kernel_cycles(machine, products, shape, channel_block, wraps)
                    + machine.overhead * FILTER_CYCLES
                    + machine.overhead * parts * LOOP_CYCLES * len(products.patterns)
                    + (parts - 1) * _reload_cycles(machine, shape, block)
                )
                for shape, count in shapes.items()
            )
            halo = planes * block * halo_cycles(machine, products, outputs, wraps)
            tiling = Tiling(strips.tiles, channel_block, cycles, block, wraps, halo)
            if best is None or tiling.filter_cycles < best.filter_cycles:
                best = tiling
    assert best is not None, f"a tile of {unit}x{unit} outputs always fits"
    return best


@dataclass(frozen=True)
class Strips:
    """A block cut into strips, and each of them into tiles.

    Attributes:
        cuts: height of each strip, and the widths of its tiles.
        upright: strips lie side by side: what is called height is width.
    """

    cuts: tuple[tuple[int, tuple[int, ...]], ...]
    upright: bool = False

    @property
    def shapes(self) -> Counter[Pair]:
        """How many tiles there are of each height and width."""
        return Counter(
            (width, height) if self.upright else (height, width)
            for height, widths in self.cuts
            for width in widths
        )

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles, strip by strip."""
        found, y = [], 0
        for height, widths in self.cuts:
            for x, width in zip(accumulate(widths, initial=0), widths, strict=False):
                found.append((x, y, width, height) if self.upright else (y, x, height, width))
            y += height
        return tuple(found)


def ways(
    machine: Machine, products: Products, outputs: Pair, rooms: Pair, unit: int
) -> Iterator[tuple[Strips, Wraps]]:
    """Yield ways to cut a block of ``outputs`` into tiles, and to come by vectors outside of it.

    Tiles have no more pixels than the first of ``rooms``, than the second where lanes are permuted.
    """
    for permutes, room in enumerate(rooms):
        for strips in _cuts(machine, products, outputs, room, unit):
            for wraps in _wraps(machine, products, strips):
                if any(wraps) == bool(permutes):
                    yield strips, wraps


def _cuts(
    machine: Machine, products: Products, outputs: Pair, room: int, unit: int
) -> Iterator[Strips]:
    """Yield ways to cut a block of ``outputs`` into tiles of no more than ``room`` pixels.

    Sizes are multiples of ``unit``.
    """
    for widths in _splits(outputs[1], unit):
        # The fewest rows of tiles that registers allow: fewer tiles load less.
        heights = next((r for r in _splits(outputs[0], unit) if max(r) * max(widths) <= room), None)
        if heights is not None and not (products.row_block and len(widths) > 1):
            yield Strips(tuple((height, widths) for height in heights))
    # Uneven tiles save loads, which cost nothing where they hide behind multiplications.
    if math.isfinite(machine.issue) and not products.row_block and max(outputs) <= WIDEST_STRIPS:
        for upright in (False, True):
            height, width = outputs[::-1] if upright else outputs
            yield from (Strips(cuts, upright) for cuts in _strips(height, width, room, unit))


def _strips(
    height: int, width: int, room: int, unit: int
) -> Iterator[tuple[tuple[int, tuple[int, ...]], ...]]:
    """Yield ways to cut a block into strips of two heights, each with the fewest tiles."""
    fewest = {
        own: widths
        for own in range(unit, height, unit)
        if (widths := next((w for w in _splits(width, unit) if own * max(w) <= room), None))
    }
    for (high, wide), (low, narrow) in combinations(reversed(fewest.items()), 2):
        for count in range(1, height // high + 1):
            others, left = divmod(height - count * high, low)
            if others and not left:
                yield ((high, wide),) * count + ((low, narrow),) * others


def _wraps(machine: Machine, products: Products, strips: Strips) -> list[Wraps]:
    """Return the ways to come by vectors outside of the input's block for tiles of these strips."""
    can_wrap = products.can_wrap
    whole = len(strips.cuts) == 1, all(len(widths) == 1 for _, widths in strips.cuts)
    # Without a halo it is done even where it does not pay.
    ways = (
        [False] * there + [True] * (can_wrap and one and (machine.permuting_units > 0 or not there))
        for there, one in zip(products.halo, whole[::-1] if strips.upright else whole, strict=True)
    )
    # Of equal ways along both axes rather than along one: it takes less memory.
    both = ((down, right) for down, right in product(*ways))
    return sorted(both, key=lambda wraps: wraps[0] != wraps[1])


def _splits(size: int, unit: int) -> Iterator[tuple[int, ...]]:
    """Yield the ways to cut ``size`` into parts that are nearly equal, the fewest first."""
    for parts in range(1, size // unit + 1):
        least, more = divmod(size // unit, parts)
        yield tuple((least + (part < more)) * unit for part in range(parts))


@functools.cache
def _kernel_cycles(
    machine: Machine, products: Products, shape: Pair, channels: int, wraps: Wraps
) -> float:
    """Return what a kernel costs on a tile of ``shape`` while ``channels`` are used again."""
    return statistics.fmean(
        _pattern_cycles(machine, products, taps, shape, channels, wraps)
        for taps in products.patterns
    )


def _pattern_cycles(
    machine: Machine,
    products: Products,
    taps: tuple[Pair, ...],
    shape: Pair,
    channels: int,
    wraps: Wraps,
) -> float:
    """Return what a kernel of ``taps`` takes: the slowest of multiplying, loading and moving.

    What it takes beside them passes while sums wait for themselves.
    """
    block, strides, row_block = products.filter_block, products.strides, products.row_block
    used = {
        (group, y * strides[0] + taps[tap][0], x * strides[1] + taps[tap][1])
        for group, members in enumerate(tap_groups(taps, block))
        for y, x, tap in product(range(shape[0]), range(shape[1]), members)
    }
    # Along an axis that wraps the tile is the whole block.
    under = shape[0] * strides[0], shape[1] * strides[1]
    origin = products.origin or (0, 0)
    vectors = {
        (group, *wrapped((y + origin[0], x + origin[1]), under, wraps)[0]) for group, y, x in used
    }
    sums = shape[0] * shape[1] * block
    pace = machine.multiplications_a_cycle
    waiting = machine.latency * pace / (sums * chains(sums, len(taps)))
    multiplying = sums * len(taps) + machine.conversions * len(vectors)
    read = float(len(vectors))
    if row_block:
        # Vectors that are not aligned share memory, and some lie across two lines of the cache.
        stored = {(group, y, x % row_block) for group, y, x in vectors}
        size = machine.lanes * machine.element_bytes
        read += sum(x not in range(row_block) for _, _, x in vectors) * size / LINE
        vectors = stored
    loading = (read + len(taps) * block / 2) * machine.load_cycles
    # Filters together use all pixels under the tile, one kernel only those of its pattern.
    height, width = (
        size * stride if wrap else (size - 1) * stride + 1 + max(places) - min(places)
        for size, stride, places, wrap in zip(shape, strides, products.places, wraps, strict=True)
    )
    reused = channels * height * (row_block or width)
    # Loads go in pairs of neighbours: half of the rows have one that is left over.
    rows = (shape[0] - 1) * strides[0] + 1 + max(y for y, _ in taps) - min(y for y, _ in taps)
    issuing: float = (sums * len(taps) + read + rows / 2) / machine.issue
    moving: float = machine.transfer_cycles(len(vectors), reused)
    slowest = max(multiplying / pace, loading / pace, issuing, moving)
    if any(wraps):
        permuting = multiplying + len(used) - len(vectors)
        share = machine.units / (machine.permuting_units or machine.units)
        slowest = max(slowest, permuting * share / pace)
    slowest = max(slowest + KERNEL_CYCLES, sums * len(taps) * waiting / pace)
    # A tile as wide as its block is read from end to end.
    slowest += machine.start_cycles(1 if wraps[1] else height, reused)
    return slowest + machine.miss_cycles(len(vectors), reused)


def halo_cycles(machine: Machine, products: Products, outputs: Pair, wraps: Wraps) -> float:
    """Return what storing the halo of a plane costs from which a block of ``outputs`` is made."""
    if not machine.permuting_units or products.origin is None:
        return 0.0
    inside, whole = 1, 1
    axes = zip(outputs, products.strides, products.places, wraps, strict=True)
    for size, stride, places, wrap in axes:
        reach = (size - 1) * stride + 1 + max(places) - min(places)
        inside *= size * stride
        whole *= size * stride if wrap else max(reach, size * stride)
    return machine.overhead * HALO_CYCLES * (whole - inside)


def _reload_cycles(machine: Machine, shape: Pair, block: int) -> float:
    """Return what it costs to load a tile's sums for a further block of channels, and to store."""
    sums = shape[0] * shape[1] * block
    return 3 * sums * machine.load_cycles + machine.overhead * FILTER_CYCLES


def matrix_cycles(machine: Machine, multiplications: int, size: float) -> float:
    """Return what a product of matrices takes, of which ``size`` bytes are read once."""
    pace = machine.lanes * machine.multiplications_a_cycle
    (cached, near), (_, far) = machine.stream_rates
    # Until the next run the layers between need the caches for themselves.
    return max(multiplications / pace, size / (near if size <= cached else far))
