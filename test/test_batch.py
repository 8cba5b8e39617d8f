"""A network whose images do not meet runs any multiple of the batch that it was exported for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_models import Function, exported, values

from pattern_mlir import compile, zoo
from pattern_mlir.runtime.plan import InputError


@pytest.mark.parametrize("images", [1, 2])
def test_a_network_runs_multiples_of_its_batch_image_by_image(images: int) -> None:
    model = zoo.create("resnet18", classes=5)
    compiled = compile(exported(model, values(images, 3, 32, 32)), threads=2)
    x = values(4, 3, 32, 32, seed=1)
    with torch.no_grad():
        expected = model(x)
    y = compiled(x)
    torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-4)
    parts = [compiled(part) for part in x.split(images)]
    assert torch.equal(torch.cat(parts), y)


def test_a_batch_that_is_no_multiple_is_refused() -> None:
    compiled = compile(exported(nn.Conv2d(3, 4, 3), values(2, 3, 8, 8)))
    with pytest.raises(InputError, match=r"has shape \[3, 3, 8, 8\]"):
        compiled(values(3, 3, 8, 8))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean(dim=0, keepdim=True),
        lambda x: torch.softmax(x, dim=0),
        lambda x: x.flip(0),
        lambda x: x.reshape(-1),
        lambda x: x.sum(),
        lambda x: torch.cat([x, x]),
        lambda x: x.transpose(0, 1),
        lambda x: x + torch.arange(2.0)[:, None, None, None],
    ],
)
def test_a_network_whose_images_meet_keeps_its_batch(function: Callable[[Tensor], Tensor]) -> None:
    compiled = compile(exported(Function(function), values(2, 2, 4, 4)))
    with pytest.raises(InputError, match=r"has shape \[4, 2, 4, 4\]"):
        compiled(np.zeros((4, 2, 4, 4), np.float32))


def test_inputs_of_different_multiples_are_refused() -> None:
    compiled = compile(exported(Function(torch.add), values(1, 3), values(1, 3)))
    assert compiled(values(2, 3), values(2, 3)).shape == (2, 3)
    with pytest.raises(InputError):
        compiled(values(2, 3), values(3, 3))


def test_what_is_the_same_for_every_image_is_repeated() -> None:
    table = values(1, 2, 4, 4, seed=1)
    model = Function(lambda x: torch.relu(x * table).softmax(dim=1) + 1)
    compiled = compile(exported(model, values(1, 2, 4, 4)))
    x = values(3, 2, 4, 4, seed=2)
    torch.testing.assert_close(compiled(x), model(x))
