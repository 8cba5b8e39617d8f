"""Products of two matrices as functions on buffers: a tile of the result stays in registers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref, scf, vector

from pattern_mlir.passes.kernel_functions import FunctionBuilder

CHUNK = 256
"""Products that are added up before their sum joins the total: one long f32 sum loses bits."""


@dataclass(frozen=True)
class MatmulKernel:
    """The product of [matrices, rows, inner] and [matrices, inner, columns].

    Attributes:
        matrices, rows, inner, columns: sizes; ``columns`` is at least ``lanes``.
        lanes: of a vector.
        tile_rows: rows of a tile.
        tile_vectors: vectors in a row of a tile.
    """

    matrices: int
    rows: int
    inner: int
    columns: int
    lanes: int
    tile_rows: int
    tile_vectors: int

    @property
    def blocks(self) -> int:
        """Blocks of rows of a matrix; the last may have fewer."""
        return -(-self.rows // self.tile_rows)

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "matmul"

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""

    @property
    def tile(self) -> str:
        """The tile in words."""
        return f"{self.tile_rows}x{self.tile_vectors} vectors"

    @property
    def units(self) -> int:
        """Blocks of rows of all matrices, which threads share."""
        return self.matrices * self.blocks

    @property
    def multiplications(self) -> int:
        """Multiply-accumulates."""
        return self.matrices * self.rows * self.inner * self.columns


def choose_tile(rows: int, columns: int, lanes: int, sums: int) -> tuple[int, int]:
    """Return rows and vectors of the tile with the fewest loads for ``sums`` in registers."""
    vectors = -(-columns // lanes)
    shapes = [
        (height, width)
        for height, width in product(range(1, min(rows, 8) + 1), range(1, min(vectors, 4) + 1))
        if height * width <= sums
    ]
    return min(shapes, key=lambda shape: (1 / shape[0] + 1 / shape[1], shape))


class MatmulBuilder(FunctionBuilder):
    """Builds the function of a `MatmulKernel` at the current insertion point."""

    def __init__(self, kernel: MatmulKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of both factors and of the result."""
        kernel = self._kernel
        shapes = (
            [kernel.matrices, kernel.rows, kernel.inner],
            [kernel.matrices, kernel.inner, kernel.columns],
            [kernel.matrices, kernel.rows, kernel.columns],
        )
        return [ir.MemRefType.get(shape, self.f32) for shape in shapes]

    def build(self) -> None:
        """Build the loops over blocks of rows and over tiles of columns."""
        kernel = self._kernel
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            *buffers, low, high = self.entry.arguments
            units = scf.ForOp(low, high, self.constant(1))
            with ir.InsertionPoint(units.body):
                unit, blocks = units.induction_variable, self.constant(kernel.blocks)
                matrix = arith.divui(unit, blocks)
                block = arith.remui(unit, blocks)
                # The last block overlaps the one before: its rows are computed twice.
                row = arith.minui(
                    arith.muli(block, self.constant(kernel.tile_rows)),
                    self.constant(kernel.rows - kernel.tile_rows),
                )
                self._row_of_tiles(buffers, matrix, row)
                scf.yield_([])
            func.return_([])

    def _row_of_tiles(self, buffers: list[Any], matrix: Any, row: Any) -> None:
        """Build the tiles of a block of rows; vectors at the end overlap those before."""
        kernel = self._kernel
        width = kernel.tile_vectors * kernel.lanes
        whole = kernel.columns // width * width
        tiles = scf.ForOp(self.constant(0), self.constant(whole), self.constant(width))
        with ir.InsertionPoint(tiles.body):
            starts = [
                arith.addi(tiles.induction_variable, self.constant(i * kernel.lanes))
                for i in range(kernel.tile_vectors)
            ]
            self._tile(buffers, matrix, row, starts)
            scf.yield_([])
        rest = -(-(kernel.columns - whole) // kernel.lanes)
        if rest:
            places = [
                min(whole + i * kernel.lanes, kernel.columns - kernel.lanes) for i in range(rest)
            ]
            self._tile(buffers, matrix, row, [self.constant(place) for place in places])

    def _tile(self, buffers: list[Any], matrix: Any, row: Any, starts: list[Any]) -> None:
        """Build a tile: the sums over the inner dimension, chunk by chunk."""
        kernel, (left, right, result) = self._kernel, buffers
        rows = [arith.addi(row, self.constant(i)) for i in range(kernel.tile_rows)]
        cells = list(product(range(len(rows)), range(len(starts))))
        zeros = [self.splat(0.0)] * len(cells)
        end = self.constant(kernel.inner)
        chunks = scf.ForOp(self.constant(0), end, self.constant(CHUNK), zeros)
        with ir.InsertionPoint(chunks.body):
            first = chunks.induction_variable
            last = arith.minui(arith.addi(first, self.constant(CHUNK)), end)
            inner = scf.ForOp(first, last, self.constant(1), zeros)
            with ir.InsertionPoint(inner.body):
                k, sums = inner.induction_variable, list(inner.inner_iter_args)
                vectors = [self.load_vector(right, [matrix, k, start]) for start in starts]
                for position, (r, v) in enumerate(cells):
                    scalar = memref.load(left, [matrix, rows[r], k])
                    factor = vector.broadcast(self.vector, scalar)
                    sums[position] = vector.fma(factor, vectors[v], sums[position])
                scf.yield_(sums)
            pairs = zip(chunks.inner_iter_args, inner.results, strict=True)
            scf.yield_([arith.addf(total, part) for total, part in pairs])
        for (r, v), value in zip(cells, chunks.results, strict=True):
            self.store_vector(value, result, [matrix, rows[r], starts[v]])
