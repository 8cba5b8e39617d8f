"""The activations' formulas as scalar arithmetic in the body of a loop nest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt
from types import MappingProxyType
from typing import Any

from torch_mlir.dialects import math as math_dialect

from pattern_mlir.passes.linalg_builders import Scalar


def activated(activation: Any, x: Scalar) -> Scalar:
    """Build the `ActivationAttr` ``activation`` (None: identity) of ``x``; NaN stays NaN."""
    if activation is None:
        return x
    return _FORMULAS[activation.function_name](x, *activation.values)


def _sigmoid(x: Scalar) -> Scalar:
    return x.constant(1) / _one_plus_exponential(-x)


def _one_plus_exponential(x: Scalar) -> Scalar:
    return x.apply(math_dialect.exp) + 1


def _hard_sigmoid(x: Scalar) -> Scalar:
    return (x + 3).clamp(0, 6) / 6


def _leaky_relu(x: Scalar, negative_slope: float) -> Scalar:
    return x.if_positive(x * negative_slope)


def _elu(x: Scalar, alpha: float) -> Scalar:
    return x.if_positive(x.minimum(0).apply(math_dialect.expm1) * alpha)


def _gelu(x: Scalar) -> Scalar:
    return x * 0.5 * ((x * sqrt(0.5)).apply(math_dialect.erf) + 1)


def _gelu_tanh(x: Scalar) -> Scalar:
    inner = (x + x * x * x * 0.044715) * sqrt(2 / pi)
    return x * 0.5 * (inner.apply(math_dialect.tanh) + 1)


_FORMULAS: Mapping[str, Callable[..., Scalar]] = MappingProxyType(
    {
        "relu": lambda x: x.maximum(0),
        "relu6": lambda x: x.clamp(0, 6),
        "clamp": lambda x, low, high: x.clamp(low, high),
        "leaky_relu": _leaky_relu,
        "elu": _elu,
        "sigmoid": _sigmoid,
        "hard_sigmoid": _hard_sigmoid,
        "silu": lambda x: x / _one_plus_exponential(-x),
        "hard_swish": lambda x: x * _hard_sigmoid(x),
        "gelu": _gelu,
        "gelu_tanh": _gelu_tanh,
        "tanh": lambda x: x.apply(math_dialect.tanh),
    }
)
