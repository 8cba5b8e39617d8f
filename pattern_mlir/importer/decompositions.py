"""Operations that torch-mlir gets wrong, written with others before it sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten


def _instance_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    use_input_statistics: bool,
    momentum: float,
    epsilon: float,
    cudnn: bool,
) -> Any:
    """Return an instance norm; without weight and bias torch-mlir would end the process."""
    if use_input_statistics:
        return aten.group_norm.default(x, x.shape[1], weight, bias, epsilon)
    return aten.batch_norm.default(x, weight, bias, mean, variance, False, momentum, epsilon, cudnn)


def _conv1d_padding(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: str = "valid",
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Any:
    """Return a convolution of signals; torch-mlir drops the odd element of `same` padding."""
    total = dilation[0] * (weight.shape[2] - 1) if padding == "same" else 0
    padded = aten.constant_pad_nd.default(x, [total // 2, total - total // 2]) if total else x
    return aten.conv1d.default(padded, weight, bias, stride, [0], dilation, groups)


DECOMPOSITIONS: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        aten.conv1d.padding: _conv1d_padding,
        aten.instance_norm.default: _instance_norm,
    }
)
"""How each operation is written, for `ExportedProgram.run_decompositions`."""
