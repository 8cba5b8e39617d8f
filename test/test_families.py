"""Every family of networks that users bring is right, dense and pruned, by the numeric rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import family_blocks
import numpy as np
import pytest
from numerics import compare
from torch import Tensor, nn
from torch_models import exported, values

import pattern_mlir
from pattern_mlir.pruning import prune_one_shot

WIDTH = 8
PLANE = (44, 36)
"""Of which strides and pools make odd sizes, too."""


class Scores(nn.Module):
    """The only tensor among the outputs of ``model``, which may be a dictionary of it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        scores = self.model(x)
        return scores["out"] if isinstance(scores, dict) else scores


# A pruned network has dense layers, too; all dense ones are in the long tests.
@pytest.mark.parametrize(
    "pruned",
    [pytest.param(False, marks=pytest.mark.slow, id="dense"), pytest.param(True, id="pruned")],
)
@pytest.mark.parametrize("name", family_blocks.FAMILIES)
def test_a_family_meets_the_numeric_rule(
    name: str, pruned: bool, record_property: Callable[[str, object], None]
) -> None:
    model = Scores(family_blocks.create(name, WIDTH))
    if pruned:
        prune_one_shot(model)
    shape = (1, 3, *PLANE)
    compiled = pattern_mlir.compile(exported(model, values(*shape)), threads=2)
    comparison = compare(model, compiled, shape)
    print(f"{name}, {'pruned' if pruned else 'dense'}: {comparison}")
    record_property("comparison", str(comparison))
    assert np.isfinite(comparison.ours)
    assert comparison.ours <= comparison.allowed, comparison
