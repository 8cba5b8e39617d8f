"""Where results lie: the number of an operation, and the mark on the call that completes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch_mlir import ir

from pattern_mlir.dialects import ParameterOp, i64, integer
from pattern_mlir.dialects.dialect import PatternOperation
from pattern_mlir.dialects.layout import RelayoutOp, layout_of_type
from pattern_mlir.passes.base import walk
from pattern_mlir.runtime.plan import ResultPlace

RESULT = "pattern.result"
"""Attribute of a layer, or the call of a kernel: which result it completes, and where that lies."""


def is_numbered(op: Any) -> bool:
    """Whether ``op`` is a pattern operation that computes, whatever the layouts are."""
    return isinstance(op, PatternOperation) and not isinstance(op, (ParameterOp, RelayoutOp))


def numbered(module: Any) -> list[Any]:
    """Return the operations that have a number: their position in the list.

    Passes from the end of level `graph` to `convert-pattern-to-vector` keep them all, in order.
    """
    return [op for op in walk(module, ir.OpView) if is_numbered(op)]


def result_mark(number: int, type_: Any) -> Any:
    """Return the mark of the call that completes the result, of ``type_``, of an operation."""
    return ir.DictAttr.get(result_fields(number, type_))


def result_fields(number: int, type_: Any) -> dict[str, Any]:
    """Return what a mark says of the result, of ``type_``, of an operation."""
    return {"operation": i64(number), "type": ir.TypeAttr.get(type_)}


def placed(mark: Any, buffer: int, offset: int) -> Any:
    """Return ``mark`` with the result's place: see `ResultPlace`."""
    known = {key: mark[key] for key in ("operation", "type")}
    return ir.DictAttr.get({**known, "buffer": i64(buffer), "offset": i64(offset)})


def result_place(mark: Any) -> ResultPlace:
    """Return the place that a mark holds."""
    type_ = ir.RankedTensorType(ir.TypeAttr(mark["type"]).value)
    layout = layout_of_type(type_)
    operation, buffer, offset = (integer(mark[key]) for key in ("operation", "buffer", "offset"))
    # What fills the halo is not read back, and may be infinite, which JSON cannot say.
    layout = layout and replace(layout, fill=0.0)
    half = isinstance(type_.element_type, ir.F16Type)
    return ResultPlace(operation, buffer, offset, tuple(type_.shape), layout, half)
