"""The polynomials for exp, expm1, tanh and erf against f64, over all of f32."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch_models import Function, exported

import pattern_mlir

FUNCTIONS = {
    "exp": (torch.exp, np.exp),
    "expm1": (torch.expm1, np.expm1),
    "tanh": (torch.tanh, np.tanh),
    "erf": (torch.erf, np.vectorize(math.erf)),
}
LIMIT = 3
"""Units in the last place."""


def arguments() -> Any:
    """Return numbers of every size, the special ones among them."""
    rng = np.random.default_rng(0)
    exponents = rng.uniform(-40, 8, 20000)
    signed = np.exp2(exponents) * rng.choice([-1.0, 1.0], len(exponents))
    edges = [0.0, -0.0, np.inf, -np.inf, 88.72, 88.73, -87.3, -103.9, -104.1, 0.921875, 4.0, 3e38]
    return np.concatenate([signed, np.linspace(-110, 100, 20001), edges]).astype(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_off_by_a_few_units_in_the_last_place(name: str) -> None:
    ours, reference = FUNCTIONS[name]
    x = arguments()
    compiled = pattern_mlir.compile(exported(Function(ours), torch.from_numpy(x)))
    actual = compiled(x)
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64))
        rounded = expected.astype(np.float32)
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(actual[infinite], rounded[infinite])
    finite = ~infinite
    unit = np.spacing(np.abs(rounded[finite]))
    off = np.abs(actual[finite] - expected[finite]) / unit
    assert off.max() <= LIMIT, f"{name}({x[finite][off.argmax()]!r}) is off by {off.max():.2f}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_stays_nan(name: str) -> None:
    x = np.full(33, np.nan, np.float32)
    compiled = pattern_mlir.compile(exported(Function(FUNCTIONS[name][0]), torch.from_numpy(x)))
    assert np.isnan(compiled(x)).all()
