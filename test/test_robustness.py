"""The localized Lipschitz constant: its definition, its bounds, and what is refused."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from pattern_mlir.errors import PatternError
from pattern_mlir.pruning.robustness import (
    compare_robustness,
    localized_lipschitz,
    neighbour_radius,
)


def samples(count: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("count", [12, 300])
def test_the_constant_is_the_largest_ratio_over_pairs_within_the_radius(count: int) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    inputs, radius = samples(count, 2, 3), 2.5
    outputs = model(inputs).detach().double()
    ratios = {}
    for i, j in itertools.combinations(range(count), 2):
        distance = (inputs[i].double() - inputs[j].double()).norm()
        if 0 < distance <= radius:
            ratios[i, j] = float((outputs[i] - outputs[j]).norm() / distance)
    found = localized_lipschitz(model, inputs, radius)
    assert found.constant == pytest.approx(max(ratios.values()))
    assert ratios[found.pair] == pytest.approx(found.constant)
    assert found.mean == pytest.approx(sum(ratios.values()) / len(ratios))
    assert found.pairs == len(ratios)


def test_a_linear_network_stays_below_its_spectral_norm_and_reaches_it_along_its_axis() -> None:
    model = nn.Linear(4, 4, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.diag(torch.tensor([5.0, 1, 1, 1])))
    assert localized_lipschitz(model, samples(50, 4), radius=9).constant <= 5
    along = torch.tensor([[0.0, 0, 0, 0], [1, 0, 0, 0]])
    assert localized_lipschitz(model, along, radius=1).constant == pytest.approx(5)


def test_pairs_beyond_the_radius_do_not_count() -> None:
    inputs = torch.tensor([[0.0], [1.0], [10.0]])

    class Step(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x > 5, 1000.0, x)

    assert localized_lipschitz(Step(), inputs, radius=2).constant == pytest.approx(1)
    assert localized_lipschitz(Step(), inputs, radius=20).constant == pytest.approx(111)


def test_by_default_half_of_the_samples_have_a_partner_within_the_radius() -> None:
    assert neighbour_radius(torch.tensor([[0.0], [1.0], [3.0], [6.0], [10.0]])) == 2


def test_dense_and_pruned_networks_meet_the_same_pairs() -> None:
    torch.manual_seed(0)
    dense, pruned = nn.Linear(4, 3), nn.Linear(4, 3)
    with torch.no_grad():
        pruned.weight.copy_(dense.weight / 2)
    compared = compare_robustness(dense, pruned, samples(40, 4))
    assert compared.ratio == pytest.approx(0.5)
    assert compared.dense.pairs == compared.pruned.pairs > 0
    assert "pruned is 0.500 of dense" in str(compared)


def test_the_model_runs_in_eval_mode_and_keeps_its_own() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train()
    inputs = samples(20, 4)
    assert localized_lipschitz(model, inputs) == localized_lipschitz(model, inputs)
    assert model.training


def test_mistakes_end_in_one_clear_line() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(PatternError, match="larger radius"):
        localized_lipschitz(model, torch.tensor([[0.0, 0], [9, 9]]), radius=1)
    with pytest.raises(PatternError, match="no two different samples"):
        localized_lipschitz(model, torch.zeros(3, 2))
    with pytest.raises(PatternError, match="sample 1 holds NaN"):
        localized_lipschitz(model, torch.tensor([[0.0, 0], [torch.nan, 1]]), radius=1)
