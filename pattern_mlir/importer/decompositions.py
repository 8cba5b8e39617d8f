"""Operations that torch-mlir gets wrong or makes slow, written with others before it sees them."""

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


def _group_norm(
    x: Tensor,
    groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    epsilon: float = 1e-5,
    cudnn: bool = True,
) -> Any:
    """Return a group norm as a layer norm over groups of channels, which has a kernel."""
    rows = x.reshape(x.shape[0], groups, -1)
    y = aten.layer_norm.default(rows, [rows.shape[2]], None, None, epsilon).reshape(x.shape)
    channels = (1, -1, *[1] * (x.dim() - 2))
    y = y if weight is None else y * weight.reshape(channels)
    return y if bias is None else y + bias.reshape(channels)


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Return an attention as two products and a softmax, which have kernels."""
    if enable_gqa and query.shape[-3] != key.shape[-3]:
        repeats = query.shape[-3] // key.shape[-3]
        key, value = (x.repeat_interleave(repeats, -3) for x in (key, value))
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = aten.matmul.default(query * factor, key.transpose(-2, -1))
    if is_causal:
        shape = (query.shape[-2], key.shape[-2])
        mask = torch.ones(shape, dtype=torch.bool, device=query.device).tril()
    if mask is not None and mask.dtype == torch.bool:
        mask = torch.where(mask, 0.0, float("-inf")).to(query.dtype)
    if mask is not None:
        scores = scores + mask
    return aten.matmul.default(aten.softmax.int(scores, -1), value)


DECOMPOSITIONS: Mapping[Any, Callable[..., Any]] = MappingProxyType(
    {
        aten.conv1d.padding: _conv1d_padding,
        aten.group_norm.default: _group_norm,
        aten.instance_norm.default: _instance_norm,
        aten.scaled_dot_product_attention.default: _attention,
    }
)
"""How each operation is written, for `ExportedProgram.run_decompositions`."""
