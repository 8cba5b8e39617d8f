"""Sums, differences, products and quotients with constants, as additions and multiplications."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects import AddOp, MultiplyOp, shape_of
from pattern_mlir.parameters import Array, ParameterStore
from pattern_mlir.passes.filters import derived_parameter, is_parameter
from pattern_mlir.passes.torch_operands import NoForm, builtin, constant

OPERATIONS = ("add", "sub", "mul", "div")


def constant_arithmetic(op: Any, parameters: ParameterStore) -> Any:
    """Build `torch.aten.add`, `.sub`, `.mul` or `.div`, by number or by a parameter's tensor.

    The constant becomes one number a channel where it can, which kernels of planes take.

    Raises:
        NoForm: no operand is constant, the shape changes, or a divisor is zero.
    """
    word = op.name.removeprefix("torch.aten.").partition(".")[0]
    x, (array, name) = _operands(op, commutes=word in ("add", "mul"), parameters=parameters)
    if word in ("add", "sub") and len(op.operands) > 2:
        array = array * constant(op.operands[2])
    if word == "div" and (array == 0).any():
        raise NoForm
    array = {"sub": np.negative, "div": np.reciprocal}.get(word, np.asarray)(array)
    kind = AddOp if word in ("add", "sub") else MultiplyOp
    type_ = np.dtype(f"f{x.type.element_type.width // 8}")
    shaped = _by_channel(array, shape_of(x)).astype(type_)
    value = derived_parameter(f"{name}.{word}", shaped, x.type.element_type, parameters)
    return kind.build(x, value).result


def _operands(op: Any, commutes: bool, parameters: ParameterStore) -> tuple[Any, tuple[Array, str]]:
    """Return the operand that is no constant, and the one that is: in f64, with a name."""
    first, second = list(op.operands)[:2]
    for value, other in ((first, second), (second, first))[: 2 if commutes else 1]:
        if not str(value.type).startswith("!torch.vtensor"):
            continue
        x, known = builtin(value), _known(other, parameters)
        if known is not None and not is_parameter(x) and x.type.shape:
            return x, known
    raise NoForm


def _known(value: Any, parameters: ParameterStore) -> tuple[Array, str] | None:
    if isinstance(value.owner, ir.Block):
        return None
    if value.owner.name.startswith("torch.constant."):
        number = constant(value)
        return (np.array(float(number)), f"number {number}") if number is not None else None
    if not str(value.type).startswith("!torch.vtensor"):
        return None
    tensor = builtin(value)
    if not is_parameter(tensor):
        return None
    parameter = tensor.owner.opview
    return parameter.array(parameters).astype(np.float64), parameter.parameter_name


def _by_channel(array: Array, shape: list[int]) -> Array:
    """Return ``array`` with the rank of ``shape``, and one number a channel of [N, C, H, W]."""
    if array.ndim > len(shape):
        raise NoForm
    sizes = [1] * (len(shape) - array.ndim) + list(array.shape)
    if list(np.broadcast_shapes(tuple(sizes), tuple(shape))) != shape:
        raise NoForm
    grown: Array = array.reshape(sizes)
    if len(sizes) == 4 and [sizes[0], *sizes[2:]] == [1, 1, 1]:
        grown = np.array(np.broadcast_to(grown, (1, shape[1], 1, 1)))
    return grown
