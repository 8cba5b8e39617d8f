"""`pattern.relayout`, and tensor layouts as the encodings of types."""

from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.block_layouts import BlockLayout
from pattern_mlir.dialects.attributes import BlocksAttr, LanesAttr, RowsAttr
from pattern_mlir.dialects.dialect import PatternOperation, require, shape_of
from pattern_mlir.layouts import LaneLayout


class RelayoutOp(PatternOperation, name="relayout", traits=[ext.Pure]):
    """The same tensor stored in another way: another layout, f16 for f32, or f32 for f16.

    Both at a time, as a reorder of oneDNN does: what changes the layout of a tensor converts its
    elements for nothing.

    Shapes: result as input. Layouts are the types' encodings; a type without one is plain NCHW.
    f32 is rounded to the nearest f16, ties to even.

    Example:
        %y = "pattern.relayout"(%x) : (tensor<1x4x6x6xf32>)
            -> tensor<1x4x6x6xf32, #pattern.lanes<[4, 4], [2, 2], [1, 1, 1, 1], 0.0 : f32>>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]

    STORED_APART = ("input",)

    @classmethod
    def build(
        cls, input: Any, layout: LaneLayout | BlockLayout | None, element_type: Any = None
    ) -> Any:
        """Create the operation; None is the plain layout, and the element type that it has."""
        type_ = with_layout(input.type, layout)
        return cls.create(with_elements(type_, element_type or type_.element_type), [input], {})

    def check(self) -> None:
        """The shape stays."""
        require(
            shape_of(self.result) == shape_of(self.input),
            f"changes {self.input.type} into {self.result.type}; only layout and f16 or f32 may"
            " change",
        )

    def interpret(self, x: Any) -> Any:
        """Layouts have no meaning here."""
        return x


def with_layout(type_: Any, layout: LaneLayout | BlockLayout | None) -> Any:
    """Return the tensor type ``type_`` in another layout, None for the plain one."""
    type_ = ir.RankedTensorType(type_)
    encoding = None if layout is None else _attribute(layout)
    return ir.RankedTensorType.get(list(type_.shape), type_.element_type, encoding)


def with_elements(type_: Any, element_type: Any) -> Any:
    """Return the tensor type ``type_`` with another element type, its encoding kept."""
    type_ = ir.RankedTensorType(type_)
    return ir.RankedTensorType.get(list(type_.shape), element_type, type_.encoding)


def is_half(value: Any) -> bool:
    """Whether the tensor ``value`` is of f16."""
    return isinstance(ir.RankedTensorType(value.type).element_type, ir.F16Type)


def layout_of(value: Any) -> LaneLayout | None:
    """Return the lane blocks that ``value`` lies in, or None."""
    return layout_of_type(value.type)


def layout_of_type(type_: Any) -> LaneLayout | None:
    """Return the lane blocks that tensors of ``type_`` lie in, or None."""
    encoding = ir.RankedTensorType(type_).encoding
    if not isinstance(encoding, (LanesAttr, RowsAttr)):
        return None
    block, halo = (_integers(a) for a in (encoding.block, encoding.halo))
    rows = isinstance(encoding, RowsAttr)
    grid = [1, ir.IntegerAttr(encoding.lanes).value] if rows else _integers(encoding.grid)
    return LaneLayout(
        (grid[0], grid[1]),
        (block[0], block[1]),
        (halo[0], halo[1], halo[2], halo[3]),
        ir.FloatAttr(encoding.fill).value,
        rows,
    )


def blocks_of(value: Any) -> BlockLayout | None:
    """Return the blocks of pixels that ``value`` lies in, or None."""
    return blocks_of_type(value.type)


def blocks_of_type(type_: Any) -> BlockLayout | None:
    """Return the blocks of pixels of a tensor type, or None."""
    encoding = ir.RankedTensorType(type_).encoding
    if not isinstance(encoding, BlocksAttr):
        return None
    block, halo = _integers(encoding.block), _integers(encoding.halo)
    return BlockLayout(
        (block[0], block[1]),
        ir.IntegerAttr(encoding.pixels).value,
        (halo[0], halo[1]),
        ir.StringAttr(encoding.storage).value == "f16",
    )


def _attribute(layout: LaneLayout | BlockLayout) -> Any:
    i64 = ir.IntegerType.get_signless(64)
    if isinstance(layout, BlockLayout):
        block, halo = (
            ir.ArrayAttr.get([ir.IntegerAttr.get(i64, value) for value in values])
            for values in (layout.block, layout.halo)
        )
        storage = ir.StringAttr.get("f16" if layout.half else "f32")
        return BlocksAttr.get(block, ir.IntegerAttr.get(i64, layout.pixels), halo, storage)
    grid, block, halo = (
        ir.ArrayAttr.get([ir.IntegerAttr.get(i64, value) for value in values])
        for values in (layout.grid, layout.block, layout.halo)
    )
    fill = ir.FloatAttr.get(ir.F32Type.get(), layout.fill)
    if layout.rows:
        return RowsAttr.get(ir.IntegerAttr.get(i64, layout.lanes), block, halo, fill)
    return LanesAttr.get(grid, block, halo, fill)


def _integers(attribute: Any) -> list[int]:
    return [int(ir.IntegerAttr(value).value) for value in ir.ArrayAttr(attribute)]
