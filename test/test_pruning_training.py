"""Pruning while training: the methods by their formulas, and masks that hold exactly."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pruning_models import batches, network, recipe, run_epoch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pattern_mlir import pattern_selection, patterns
from pattern_mlir.errors import PruningError, TrainingError
from pattern_mlir.pruning import Pruner, apply_torch_masks, prune_one_shot, read_torch_masks

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=1e-2, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, 1e-2, weight_decay=1e-2),
    "AdamW": lambda p: torch.optim.AdamW(p, 1e-2, weight_decay=1e-2),
    "RMSprop": lambda p: torch.optim.RMSprop(p, 1e-3, momentum=0.9),
    "Adagrad": lambda p: torch.optim.Adagrad(p, 1e-2),
    "Rprop": lambda p: torch.optim.Rprop(p, 1e-3),
}


def assert_masked(model: nn.Module, pruner: Pruner) -> None:
    assert pruner.masks
    for name, mask in pruner.masks.items():
        weight = model.get_submodule(name).weight
        assert not weight[~mask].any(), name
        assert weight[mask].any(), name


@pytest.mark.parametrize("method", ["admm", "proximal", "gradual", "one_shot"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_masks_hold_after_every_step_of_any_optimizer(method: str, optimizer: str) -> None:
    model = network()
    pruner = Pruner(model, recipe(method=method))
    steps = OPTIMIZERS[optimizer](model.parameters())
    checked = 0

    def check() -> None:
        nonlocal checked
        if pruner.hardened:
            assert_masked(model, pruner)
            checked += 1

    for _ in range(pruner.recipe.epochs):
        run_epoch(model, pruner, steps, check)
    assert checked == 3 * pruner.recipe.retrain_epochs
    assert_masked(model, pruner)
    for name, library in pruner.libraries.items():
        patterns.assign(model.get_submodule(name).weight.detach().numpy(), library)


def test_masks_hold_with_mixed_precision_scaled_gradients_clipping_and_accumulation() -> None:
    model = network()
    pruner = Pruner(model, recipe(prune_epochs=1))
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for _ in range(pruner.recipe.epochs):
        for index, (x, y) in enumerate(batches(4)):
            with torch.autocast("cpu", torch.bfloat16):
                loss = functional.cross_entropy(model(x), y)
            scaler.scale((loss + pruner.penalty()) / 2).backward()
            if index % 2:
                scaler.unscale_(optimizer)
                if pruner.hardened:  # clipping must not see what is pruned
                    for name, mask in pruner.masks.items():
                        assert not model.get_submodule(name).weight.grad[~mask].any()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad()
            pruner.step()
            if pruner.hardened:
                assert_masked(model, pruner)
        pruner.end_epoch()


def test_an_average_of_the_weights_that_follows_is_masked_too() -> None:
    model = network()
    pruner = Pruner(model, recipe(prune_epochs=1))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    pruner.follow(average)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(pruner.recipe.epochs):
        run_epoch(model, pruner, optimizer, lambda: average.update_parameters(model))
    assert_masked(average.module, pruner)
    with pytest.raises(PruningError, match="no layer 'wide' with a weight of shape"):
        pruner.follow(nn.Linear(2, 2))


def test_the_penalty_and_its_gradient_are_those_of_the_formula() -> None:
    model = network()
    pruner = Pruner(model, recipe(rho=0.3, rho_final=0.7))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(2):
        run_epoch(model, pruner, optimizer)
    state, rho = pruner.state_dict(), pruner.recipe.rho_at(2)
    assert rho == pytest.approx(0.7) and pruner.recipe.rho_at(1) == pytest.approx(0.21**0.5)
    model.zero_grad()
    pruner.penalty().mul(3).backward()
    fused = {name: model.get_submodule(name).weight.grad.clone() for name in state["dual"]}
    model.zero_grad()
    expected = sum(
        rho / 2 * (model.get_submodule(name).weight - z[c] + state["dual"][name][c]).square().sum()
        for name, z in state["auxiliary"].items()
        for c in z
    )
    expected.mul(3).backward()
    torch.testing.assert_close(pruner.penalty(), expected)
    for name, gradient in fused.items():
        torch.testing.assert_close(gradient, model.get_submodule(name).weight.grad)


def test_a_round_projects_and_updates_the_duals_as_admm_says() -> None:
    model = network()
    pruner = Pruner(model, recipe(rho=0.5, rho_final=0.5, reextract=False))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    first = copy.deepcopy(pruner.state_dict())
    assert not any(dual.any() for of in first["dual"].values() for dual in of.values())
    for _ in range(2):
        before = copy.deepcopy(pruner.state_dict()["dual"])
        run_epoch(model, pruner, optimizer)
        after = pruner.state_dict()
        weight = model.wide.weight.detach().numpy()
        for constraint in ("patterns", "connectivity"):
            total = weight + before["wide"][constraint].numpy()
            if constraint == "patterns":
                z = pattern_selection.project(total, pruner.libraries["wide"])
            else:
                kept = pattern_selection.connectivity_mask(total, 2.0)
                z = np.where(kept[..., None, None], total, 0)
            np.testing.assert_array_equal(after["auxiliary"]["wide"][constraint].numpy(), z)
            u = after["dual"]["wide"][constraint].numpy()
            np.testing.assert_allclose(u, total - z, atol=1e-7)


def test_admm_brings_the_weights_to_the_patterns() -> None:
    def distance(rho: float) -> float:
        model = network()
        pruner = Pruner(model, recipe(prune_epochs=12, rho=rho, rho_final=rho))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(11):
            run_epoch(model, pruner, optimizer)
        dense = model.wide.weight.detach().clone()
        run_epoch(model, pruner, optimizer)
        assert pruner.hardened
        return float((dense - model.wide.weight.detach()).norm() / dense.norm())

    assert distance(1.0) < 0.5 * distance(0.0)


def test_the_dual_shrinks_as_rho_grows() -> None:
    model = network()
    pruner = Pruner(model, recipe(rho=0.1, rho_final=1.0, reextract=False))
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    run_epoch(model, pruner, optimizer)  # the weights stay: totals are W + scaled U
    before = pruner.state_dict()["dual"]["wide"]["connectivity"]
    run_epoch(model, pruner, optimizer)
    total = model.wide.weight + before * 0.1**0.5
    after = pruner.state_dict()
    torch.testing.assert_close(
        after["auxiliary"]["wide"]["connectivity"] + after["dual"]["wide"]["connectivity"],
        total.detach(),
    )


def test_the_proximal_step_shrinks_what_would_be_pruned_and_nothing_else() -> None:
    model = network()
    pruner = Pruner(model, recipe(method="proximal", rho=0.25, rho_final=0.25))
    before = model.wide.weight.detach().clone()
    pruner.step()
    ratio = (model.wide.weight / before).detach()
    kept = ratio == 1
    torch.testing.assert_close(ratio[~kept], torch.full_like(ratio[~kept], 1 / 1.25))
    assert kept.float().mean().item() == pytest.approx(4 / 9 / 2, rel=0.05)


def test_gradual_pruning_removes_more_each_round_until_patterns_are_left() -> None:
    model = network()
    pruner = Pruner(model, recipe(method="gradual", prune_epochs=4))
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    kept = [model.wide.weight.numel()]
    while not pruner.hardened:
        run_epoch(model, pruner, optimizer, lambda: pruner.masks and assert_masked(model, pruner))
        kept.append(int(pruner.masks["wide"].sum()))
    assert kept == sorted(set(kept), reverse=True) and len(kept) == 5
    assert kept[-1] == 16 * 8 * 4 // 2


@pytest.mark.parametrize("reextract", [True, False])
def test_the_library_is_extracted_anew_in_each_round_if_asked_for(reextract: bool) -> None:
    model = network()
    pruner = Pruner(model, recipe(reextract=reextract, library="extracted"))
    before = pruner.libraries["wide"]
    with torch.no_grad():  # all kernels want one pattern now
        for convolution in (model.wide, model.grouped):
            convolution.weight.fill_(0.01)
            convolution.weight[..., 1, :] = 1
            convolution.weight[..., 2, 2] = 1
    pruner.end_epoch()
    assert (pruner.libraries["wide"].patterns[0] == (3, 4, 5, 8)) == reextract
    assert (pruner.libraries["wide"] == before) != reextract


@pytest.mark.parametrize("scope", ["model", "layer"])
def test_layers_share_a_library_or_have_their_own(scope: str) -> None:
    pruner = Pruner(network(), recipe(scope=scope))
    assert (pruner.libraries["wide"] == pruner.libraries["grouped"]) == (scope == "model")


def test_several_epochs_make_a_round() -> None:
    model = network()
    pruner = Pruner(model, recipe(prune_epochs=5, epochs_per_round=2))
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    changed = []
    while not pruner.hardened:
        before = pruner.state_dict()["auxiliary"]["wide"]["patterns"]
        run_epoch(model, pruner, optimizer)
        now = pruner.state_dict()["auxiliary"].get("wide", {}).get("patterns")
        changed.append(now is not before)
    assert changed == [False, True, False, True, True]


def test_a_loss_that_is_nan_is_one_error_that_names_the_last_checkpoint() -> None:
    model = network()
    pruner = Pruner(model, recipe())
    pruner.last_checkpoint = "good.safetensors"
    with pytest.raises(TrainingError, match=r"the loss is nan in step 0 .*'good.safetensors'"):
        pruner.step(torch.tensor(torch.nan))
    with torch.no_grad():
        model.wide.weight[0, 0, 0, 0] = torch.inf
    with pytest.raises(TrainingError, match="layer 'wide' is NaN or Inf at the end of epoch 0"):
        pruner.end_epoch()


def test_masks_go_to_torch_prune_and_back() -> None:
    model, plain = network(), network()
    pruner = Pruner(model, recipe(method="one_shot"))
    apply_torch_masks(plain, pruner.masks)
    assert nn.utils.prune.is_pruned(plain)
    for name, mask in read_torch_masks(plain).items():
        assert torch.equal(mask, pruner.masks[name])
    x, _ = next(batches())
    torch.testing.assert_close(plain.eval()(x), model.eval()(x))
    with pytest.raises(PruningError, match="computed or not initialised"):
        prune_one_shot(plain)
    with pytest.raises(PruningError, match="no layer 'wide'"):
        apply_torch_masks(nn.Linear(2, 2), {"wide": pruner.masks["wide"]})


def test_a_closed_pruner_leaves_gradients_alone() -> None:
    model = network()
    prune_one_shot(model)
    x, y = next(batches())
    functional.cross_entropy(model(x), y).backward()
    assert model.wide.weight.grad[model.wide.weight == 0].any()
