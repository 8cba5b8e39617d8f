"""Changes between plain tensors and lane blocks, as loop nests on tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import shape_of
from pattern_mlir.layouts import LaneLayout
from pattern_mlir.passes.linalg_builders import Loops, collapsed, expanded, nest, padded


def to_lanes(x: Any, layout: LaneLayout) -> Any:
    """Build ``x`` [N, C, H, W] as [N, C, vectors, lanes] in ``layout``."""
    images, channels, height, width = shape_of(x)
    top, left, bottom, right = layout.halo
    covered = layout.pixels
    far = [covered[0] + bottom - height, covered[1] + right - width]
    source = padded(x, [top, left], far, layout.fill)
    loops = Loops("ncyxrq")  # vector (y, x) of the block in row r, column q of the grid
    place = [
        *loops.at("nc"),
        loops["r"] * layout.block[0] + loops["y"],
        loops["q"] * layout.block[1] + loops["x"],
    ]
    shape = [images, channels, layout.rows, layout.pitch, *layout.grid]
    blocks = tensor.empty(shape, x.type.element_type)
    blocks = nest(loops, [(source, place)], (blocks, loops.counters()), lambda value, _: value)
    vectors = collapsed(blocks, [1, 1, 2, 2])
    return _with_spare_vectors(vectors, layout)


def from_lanes(x: Any, layout: LaneLayout, shape: Sequence[int]) -> Any:
    """Build ``x`` [N, C, vectors, lanes] in ``layout`` as plain ``shape`` [N, C, H, W]."""
    images, channels, height, width = shape
    x = _slice(x, [images, channels, layout.rows * layout.pitch, layout.lanes])
    x = expanded(x, [[images], [channels], [layout.rows, layout.pitch], list(layout.grid)])
    loops = Loops("ncryqx")
    place = [
        *loops.at("nc"),
        loops["y"] + layout.halo[0],
        loops["x"] + layout.halo[1],
        *loops.at("rq"),
    ]
    sizes = [images, channels, layout.grid[0], layout.block[0], layout.grid[1], layout.block[1]]
    blocks = tensor.empty(sizes, x.type.element_type)
    blocks = nest(loops, [(x, place)], (blocks, loops.counters()), lambda value, _: value)
    return _slice(collapsed(blocks, [1, 1, 2, 2]), [images, channels, height, width])


def physical_type(type_: Any, layout: LaneLayout) -> Any:
    """Return the type of a tensor's vectors: [N, C, vectors, lanes]."""
    images, channels = list(type_.shape)[:2]
    return ir.RankedTensorType.get(
        [images, channels, layout.plane, layout.lanes], type_.element_type
    )


def _with_spare_vectors(vectors: Any, layout: LaneLayout) -> Any:
    """Build ``vectors`` with planes as far apart as the layout says."""
    images, channels, count, lanes = shape_of(vectors)
    if count == layout.plane:
        return vectors
    shape = [images, channels, layout.plane, lanes]
    whole = tensor.empty(shape, vectors.type.element_type)
    return tensor.insert_slice(
        vectors, whole, [], [], [], [0] * 4, [images, channels, count, lanes], [1] * 4
    )


def _slice(x: Any, sizes: Sequence[int]) -> Any:
    """Build the first ``sizes`` elements of each dimension."""
    if list(sizes) == shape_of(x):
        return x
    type_ = ir.RankedTensorType.get(list(sizes), x.type.element_type)
    return tensor.extract_slice(
        type_, x, [], [], [], [0] * len(sizes), list(sizes), [1] * len(sizes)
    )
