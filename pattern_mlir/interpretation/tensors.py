"""The meaning of operations of the tensor dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects.dialect import integer, integers
from pattern_mlir.errors import InterpretError
from pattern_mlir.interpretation.environment import Environment, RunBlock

Operation = Callable[[Any, Sequence[Any], Environment, RunBlock], Any]
"""Takes the operation, its operands' values and the environment; returns the result's value."""


def _shape(op: Any) -> tuple[int, ...]:
    type_ = ir.RankedTensorType(op.results[0].type)
    if not type_.has_static_shape:
        raise InterpretError(f"cannot interpret '{op.name}' with the dynamic shape {type_}")
    return tuple(type_.shape)


def _empty(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    dtype = environment.numpy_type(op.results[0].type)
    # NaN shows when something is read that nothing wrote.
    return np.full(_shape(op), np.nan if issubclass(dtype, np.floating) else 0, dtype)


def _reshape(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    return operands[0].reshape(_shape(op))


def _same(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    return operands[0]


def _full(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    return np.full(_shape(op), operands[0])


def _from_elements(
    op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock
) -> Any:
    return np.stack(operands).reshape(_shape(op))


def _check_indices(verb: str, indices: Sequence[Any], shape: Sequence[int]) -> None:
    for index, size in zip(indices, shape, strict=True):
        wrong = index[(index < 0) | (index >= size)]
        if wrong.size:
            raise InterpretError(f"{verb} element {wrong[0]} of a dimension of {size}")


def _extract(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    array, *indices = operands
    _check_indices("reads", indices, array.shape)
    return array[tuple(indices)]


def _insert(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    element, array, *indices = operands
    _check_indices("writes", indices, array.shape)
    result = array.copy()
    result[tuple(indices)] = element
    return result


def _dimension(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    shape = np.array(operands[0].shape)
    if not np.all((operands[1] >= 0) & (operands[1] < shape.size)):
        raise InterpretError(f"reads dimension {operands[1]} of {shape.size}")
    return shape[operands[1]]


def _concat(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    return np.concatenate(operands, axis=integer(op.attributes["dim"]))


def _window(op: Any, verb: str, shape: Sequence[int], dynamic: Sequence[Any]) -> tuple[Any, ...]:
    """Return the indices of the elements that an operation takes of a tensor of ``shape``.

    Their offsets, sizes and strides are static or dynamic.
    """
    remaining = iter(dynamic)
    least = ir.ShapedType.get_dynamic_size()
    offsets, sizes, strides = (
        [int(next(remaining)) if value == least else value for value in integers(op.attributes[a])]
        for a in ("static_offsets", "static_sizes", "static_strides")
    )
    indices = [
        first + step * np.arange(size)
        for first, size, step in zip(offsets, sizes, strides, strict=True)
    ]
    _check_indices(verb, indices, shape)
    return np.ix_(*indices)


def _extract_slice(
    op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock
) -> Any:
    array, *dynamic = operands
    return array[_window(op, "reads", array.shape, dynamic)].reshape(_shape(op))


def _insert_slice(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    part, array, *dynamic = operands
    window = _window(op, "writes", array.shape, dynamic)
    result = array.copy()
    result[window] = part.reshape(result[window].shape)
    return result


def _pad(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    if len(operands) > 1:
        raise InterpretError("cannot interpret 'tensor.pad' with dynamic widths")
    x, low, high = operands[0], *(integers(op.attributes[f"static_{s}"]) for s in ("low", "high"))
    if min([0, *low, *high]) < 0:
        raise InterpretError("cannot interpret 'tensor.pad' with negative widths")
    result = _generate(op, [], environment, run)
    window = tuple(slice(first, first + size) for first, size in zip(low, x.shape, strict=True))
    result[window] = x
    return result


def _generate(op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock) -> Any:
    """Run the body once, with the index arrays of all elements."""
    shape = _shape(op)
    block = op.regions[0].blocks[0]
    for argument, index in zip(block.arguments, np.indices(shape), strict=True):
        environment.bind(argument, index)
    (value,) = run(block, environment)
    return np.broadcast_to(value, shape).copy()


TENSOR_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        f"tensor.{name}": operation
        for name, operation in {
            "cast": _same,
            "collapse_shape": _reshape,
            "concat": _concat,
            "dim": _dimension,
            "empty": _empty,
            "expand_shape": _reshape,
            "extract": _extract,
            "extract_slice": _extract_slice,
            "from_elements": _from_elements,
            "generate": _generate,
            "insert": _insert,
            "insert_slice": _insert_slice,
            "pad": _pad,
            "reshape": _reshape,
            "splat": _full,
        }.items()
    }
)
"""Every operation of the tensor dialect that is interpreted, by its name."""
