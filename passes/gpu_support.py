"""Which operations have kernels on a GPU, and why others have none."""

from __future__ import annotations

from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import tensor

from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    RelayoutOp,
    UpsampleOp,
    shape_of,
)
from pattern_mlir.passes.filters import is_parameter

GPU_OPERATIONS = (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    RelayoutOp,
    UpsampleOp,
)
"""What has kernels for GPUs."""

GPU_ACTIVATIONS = frozenset(
    {
        "relu",
        "relu6",
        "clamp",
        "leaky_relu",
        "hard_sigmoid",
        "hard_swish",
        "sigmoid",
        "silu",
        "tanh",
        "gelu_tanh",
    }
)
"""Activations whose functions SPIR-V has."""

RESHAPES = (tensor.CollapseShapeOp, tensor.ExpandShapeOp)
"""Operations that compute nothing: the result is the operand's memory."""

IMAGE_RANK = 4
"""Dimensions that kernels tell apart; more are taken together where shapes are equal."""


def why_not_on_gpu(op: Any) -> str:
    """Return why ``op``, on tensors, has no kernel for a GPU; empty where it has one."""
    if not isinstance(op, GPU_OPERATIONS):
        return f"'{op.operation.name}' has no kernel for a GPU"
    for value in (*op.operation.operands, *op.operation.results):
        if reason := why_no_buffer(value):
            return reason
    return _activation(op) or _form(op)


def why_no_buffer(value: Any) -> str:
    """Return why kernels cannot read or write a tensor; empty where they can."""
    type_ = ir.RankedTensorType(value.type)
    if type_.has_static_shape and isinstance(type_.element_type, ir.F32Type):
        return ""
    plain = ir.RankedTensorType.get(type_.shape, type_.element_type)
    return f"kernels for GPUs run on f32, not {plain}"


def _activation(op: Any) -> str:
    own = op.attributes.get("function" if isinstance(op, ActivateOp) else "activation")
    if own is None or own.function_name in GPU_ACTIVATIONS:
        return ""
    return f"activation '{own.function_name}' has no kernel for a GPU"


def _form(op: Any) -> str:
    """Return which form of a known operation kernels do not have."""
    if isinstance(op, (ConvOp, LinearOp)) and not is_parameter(op.weight):
        return "a weight that is computed at run time has no kernel for a GPU"
    bias = op.optional_operand("bias") if isinstance(op, ConvOp) else None
    if bias is not None and not is_parameter(root(bias)):
        return "a bias that is computed at run time has no kernel for a GPU"
    if isinstance(op, ConcatOp) and (op.axis != 1 or len(shape_of(op.result)) != IMAGE_RANK):
        return "only channels of images are joined on a GPU"
    shapes = [shape_of(value) for value in op.operation.operands]
    if (
        isinstance(op, (AddOp, MultiplyOp))
        and len(shapes[0]) > IMAGE_RANK
        and shapes[0] != shapes[1]
    ):
        return "numbers of more than four dimensions are not repeated on a GPU"
    return ""


def root(value: Any) -> Any:
    """Return the value that has the same elements in the same order, before reshapes."""
    while not isinstance(value.owner, ir.Block) and isinstance(value.owner.opview, RESHAPES):
        value = value.owner.operands[0]
    return value
