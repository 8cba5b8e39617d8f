"""Vectors beyond a block of pixels, made from the block's own by permuting their lanes."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import arith, vector

from pattern_mlir.layouts import LaneLayout, Pair


class NeighbourLanes:
    """Builds such vectors of one layout, in one function.

    Lanes are rotated, then those outside the grid of blocks become the fill, by a mask that LLVM
    cannot see through. It would merge a known one into a permutation of two vectors, which takes
    longer, and a register for its indices.
    """

    def __init__(self, layout: LaneLayout, entry: Any, number: Any) -> None:
        """Build masks at the beginning of the block ``entry``, whose argument is ``number``.

        Of ``number``, an index, only that it is less than 2**62 is used.
        """
        self._layout, self._entry, self._number = layout, entry, number
        self._masks: dict[Pair, Any] = {}

    def build(self, value: Any, off: Pair, fill: Any) -> Any:
        """Build the vector that lies ``off`` blocks down and right of ``value``."""
        lanes = self._layout.lanes
        turn = off[0] * self._layout.grid[1] + off[1]
        rotated = vector.shuffle(value, value, [(lane + turn) % lanes for lane in range(lanes)])
        return arith.select(self._mask(off), rotated, fill)

    def _mask(self, off: Pair) -> Any:
        """Return which lanes hold a neighbour that is ``off`` blocks away."""
        if off not in self._masks:
            kept = [source is not None for source in self._layout.lanes_off(*off)]
            i32 = ir.IntegerType.get_signless(32)
            type_ = ir.VectorType.get([len(kept)], i32)
            with ir.InsertionPoint.at_block_begin(self._entry):
                shift = arith.constant(ir.IndexType.get(), 62)
                zero = arith.index_cast(i32, arith.shrui(self._number, shift))
                ones = ir.DenseElementsAttr.get(np.array(kept, np.int32), type=type_)
                zeros = vector.broadcast(type_, zero)
                self._masks[off] = arith.cmpi(
                    arith.CmpIPredicate.ult, zeros, arith.constant(type_, ones)
                )
        return self._masks[off]
