"""The filters of sparse convolutions and their order: what the schedule passes share.

A reorder of filters is local to a layer (FKR, arXiv 2001.00138): the parameter yields its filters
in another order, and each convolution writes them to the channels that they had before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir.dialects import (
    ConvOp,
    ParameterOp,
    SparseAttr,
    i64_array,
    integer,
    integers,
    shape_of,
)
from pattern_mlir.errors import ParameterError
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import OperationFailure, walk
from pattern_mlir.patterns import Library, assign, sharing_block

WIDEST_BLOCK = 4
"""Filters that are computed together at most."""

Order = npt.NDArray[np.int64]
"""A permutation: position i holds what was at order[i]."""


def split_uses(parameter: Any) -> tuple[list[Any], list[Any]]:
    """Return the convolutions whose weight ``parameter`` is, and its users in any other role."""
    convolutions: list[Any] = []
    others: list[Any] = []
    for use in parameter.result.uses:
        user = use.owner.opview
        is_weight = isinstance(user, ConvOp) and user.operands[use.operand_number] == user.weight
        (convolutions if is_weight else others).append(user)
    return convolutions, others


def sparse_weights(module: Any) -> list[tuple[Any, int]]:
    """Return each pattern-sparse weight whose filters may move, and the groups they stay within.

    A weight that something else than convolutions reads, or that is used with different groups,
    keeps its order.
    """
    found = []
    for parameter in walk(module, ParameterOp):
        if not is_sparse(parameter.result):
            continue
        convolutions, others = split_uses(parameter)
        groups = {integer(conv.groups) for conv in convolutions}
        if not others and len(groups) == 1:
            found.append((parameter, groups.pop()))
    return found


def is_parameter(value: Any) -> bool:
    """Whether ``value`` is a parameter of the model, known when it is compiled."""
    return not isinstance(value.owner, ir.Block) and isinstance(value.owner.opview, ParameterOp)


def layer_name(parameter: Any) -> str:
    """Return what reports call the layer whose weight is ``parameter``."""
    return str(parameter.parameter_name).removesuffix(".weight")


def derived_parameter(
    name: str, array: npt.NDArray[Any], element_type: Any, parameters: ParameterStore
) -> Any:
    """Build the parameter ``array``, which is computed from others; an equal one is used again."""
    while name in parameters and not np.array_equal(parameters[name], array):
        name += "'"
    if name not in parameters:
        parameters.add(name, np.ascontiguousarray(array))
    type_ = ir.RankedTensorType.get(list(array.shape), element_type)
    return ParameterOp.build(name, type_).result


def reshaped_parameter(value: Any, shape: list[int], parameters: ParameterStore) -> Any:
    """Build the parameter ``value`` in another shape."""
    parameter = value.owner.opview
    array = np.reshape(parameter.array(parameters), shape)
    layer, _, role = parameter.parameter_name.rpartition(".")
    name = ".".join(part for part in (layer, "planes", role) if part)
    return derived_parameter(name, array, value.type.element_type, parameters)


def is_sparse(weight: Any) -> bool:
    """Whether the type of the value ``weight`` says that its kernels follow patterns."""
    return isinstance(ir.RankedTensorType(weight.type).encoding, SparseAttr)


def filter_order(op: Any, attribute: str = "filter_order") -> Order:
    """Return the order in ``op``'s ``attribute``; the natural order where it has none."""
    if attribute in op.attributes:
        return np.array(integers(op.attributes[attribute]))
    return np.arange(shape_of(op.result if isinstance(op, ParameterOp) else op.weight)[0])


def array_of(parameter: Any, parameters: ParameterStore) -> npt.NDArray[Any]:
    """Return the array of ``parameter``, in its filter order.

    Raises:
        OperationFailure: the store has none, or one of another shape.
    """
    try:
        array: npt.NDArray[Any] = parameter.array(parameters)
    except ParameterError as error:
        raise OperationFailure(parameter, str(error)) from None
    return array


def shared_filters(parameter: Any, parameters: ParameterStore) -> int:
    """Return how many filters of a sparse weight in a row share channels and patterns."""
    return sharing_block(assignment_of(parameter, array_of(parameter, parameters)), WIDEST_BLOCK)


def assignment_of(parameter: Any, weight: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Return the pattern of each kernel of ``weight``, in the library of a sparse ``parameter``.

    Raises:
        OperationFailure: a kernel follows no pattern.
    """
    try:
        return assign(weight, library_of(parameter))
    except ValueError as error:
        raise OperationFailure(
            parameter, f"parameter '{parameter.parameter_name}': {error}"
        ) from None


def library_of(parameter: Any) -> Library:
    """Return the patterns that the type of a sparse ``parameter`` names."""
    library: Library = SparseAttr(ir.RankedTensorType(parameter.result.type).encoding).to_library()
    return library


def natural_array(parameter: Any, parameters: ParameterStore) -> npt.NDArray[Any]:
    """Return the array of ``parameter`` with its filters as they are stored."""
    return array_of(parameter, parameters)[np.argsort(filter_order(parameter))]


def reorder(parameter: Any, order: Order) -> None:
    """Let ``parameter`` yield its stored filters in ``order``; all convolutions stay the same.

    How the filters were split over threads is forgotten: it was right for the old order.
    """
    moves = np.argsort(filter_order(parameter))[order]
    if (moves == np.arange(len(moves))).all():
        return
    _set_order(parameter, "filter_order", order)
    for conv in split_uses(parameter)[0]:
        _set_order(conv, "output_channel", filter_order(conv, "output_channel")[moves])
        if "filter_boundaries" in conv.attributes:
            del conv.attributes["filter_boundaries"]


def _set_order(op: Any, attribute: str, order: Order) -> None:
    if (order != np.arange(len(order))).any():
        op.attributes[attribute] = i64_array(order.tolist())
    elif attribute in op.attributes:
        del op.attributes[attribute]
