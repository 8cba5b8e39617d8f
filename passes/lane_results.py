"""What becomes of a tile's sums: second operand, activation, pool, stores, halo."""

from __future__ import annotations

from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, scf, vector

from pattern_mlir.layouts import Pair
from pattern_mlir.passes.activation_loops import activated_in_loop, is_long
from pattern_mlir.passes.lane_kernel import Border, Cell
from pattern_mlir.passes.lane_tiles import KernelBuffers, LaneTiles, Tile, Window
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import Scalar


class LaneResults(LaneTiles):
    """Builds the end of a tile."""

    def _store_sums(
        self,
        buffers: KernelBuffers,
        tile: Tile,
        sums: dict[Cell, Any],
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build what becomes of ``sums``: they wait in the result until the last block's."""
        kernel = self._kernel
        if kernel.channel_blocks == 1:
            self._finish(buffers, tile, sums, kinds)
            return
        last = self.constant(kernel.channel_blocks - 1)
        is_last = arith.cmpi(arith.CmpIPredicate.eq, tile.channel_block, last)
        either = scf.IfOp(is_last, has_else=True)
        with ir.InsertionPoint(either.then_block):
            self._finish(buffers, tile, sums, kinds)
            scf.yield_([])
        with ir.InsertionPoint(either.else_block):
            for filter_ in range(kernel.block):
                window = self._target_window(buffers, tile, filter_)
                for (y, x), value in of_filter(sums, filter_).items():
                    self._store(value, window, y, x)
            scf.yield_([])

    def _finish(
        self,
        buffers: KernelBuffers,
        tile: Tile,
        sums: dict[Cell, Any],
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build second operand, activation, pool, and the stores of the tile and of its halo."""
        kernel = self._kernel
        for filter_ in range(kernel.block):
            own = self._combined(buffers, tile, of_filter(sums, filter_), filter_)
            if is_long(kernel.activation):
                sums |= {(filter_, y, x): value for (y, x), value in own.items()}
            else:
                out = {p: activated(kernel.activation, Scalar(v)).value for p, v in own.items()}
                self._store_tile(buffers, tile, out, filter_, kinds)
        if is_long(kernel.activation):
            values = activated_in_loop(self, kernel.activation, list(sums.values()))
            sums = dict(zip(sums, values, strict=True))
            for filter_ in range(kernel.block):
                self._store_tile(buffers, tile, of_filter(sums, filter_), filter_, kinds)

    def _combined(
        self, buffers: KernelBuffers, tile: Tile, sums: dict[Pair, Any], filter_: int
    ) -> dict[Pair, Any]:
        """Build the sums of a filter with the second operand."""
        kernel = self._kernel
        combine = {"add": arith.addf, "multiply": arith.mulf}[kernel.combine]
        if kernel.operand is not None:
            own = arith.muli(tile.image, self.constant(kernel.filters))
            own = arith.addi(own, tile.outputs[filter_])
            view = self._view(buffers.operand, kernel.operand, own, tile.operand_at)
            window = Window(view, kernel.operand)
            return {p: combine(v, self._load(window, *p)) for p, v in sums.items()}
        if kernel.operand_images:
            image = tile.image if kernel.operand_images > 1 else self.constant(0)
            number = self.load_scalar(buffers.operand, [image, tile.outputs[filter_]])
            factor = vector.broadcast(self.vector, number)
            return {p: combine(v, factor) for p, v in sums.items()}
        return sums

    def _store_tile(
        self,
        buffers: KernelBuffers,
        tile: Tile,
        out: dict[Pair, Any],
        filter_: int,
        kinds: list[tuple[Border, ...]],
    ) -> None:
        """Build the pool of a filter's results, and the stores of the tile and of its halo."""
        if self._kernel.max_pool:
            out = _halved(out)
        window = self._target_window(buffers, tile, filter_)
        out = {p: self.stored(v, window.view) for p, v in out.items()}
        for (y, x), value in out.items():
            self._store(value, window, y, x)
        self._finish_border(out, window, tile.kind, kinds)

    def _finish_border(
        self, out: dict[Pair, Any], window: Window, kind: Any, kinds: list[tuple[Border, ...]]
    ) -> None:
        """Build the stores of each kind of tile beside its own; lanes are shifted by shuffles."""
        todo = {number: stores for number, stores in enumerate(kinds) if stores}
        if not todo:
            return
        switch = scf.IndexSwitchOp([], kind, list(todo))
        with ir.InsertionPoint(switch.default_block):
            scf.yield_([])
        for stores, block in zip(todo.values(), switch.case_blocks, strict=True):
            with ir.InsertionPoint(block):
                type_ = next(iter(out.values())).type
                fill = self.splat(self._kernel.target.fill, type_)
                for border in stores:
                    lanes = [self._kernel.target.lanes if s is None else s for s in border.sources]
                    shuffled = vector.shuffle(out[border.cell], fill, lanes)
                    self._store_at(shuffled, window, border.offset)
                scf.yield_([])


def of_filter(sums: dict[Cell, Any], filter_: int) -> dict[Pair, Any]:
    """Return the sums of one filter by row and column."""
    return {(y, x): value for (f, y, x), value in sums.items() if f == filter_}


def _halved(out: dict[Pair, Any]) -> dict[Pair, Any]:
    """Build the maximum of each 2x2 of a tile; NaN wins."""
    groups: dict[Pair, list[Any]] = {}
    for (y, x), value in out.items():
        groups.setdefault((y // 2, x // 2), []).append(value)
    return {
        place: arith.maximumf(arith.maximumf(a, b), arith.maximumf(c, d))
        for place, (a, b, c, d) in groups.items()
    }
