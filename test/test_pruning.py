"""One-shot pruning: what stays, what goes, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pattern_mlir import pattern_selection, patterns, zoo
from pattern_mlir.errors import PatternError, PruningError
from pattern_mlir.pruning import Pruner, Recipe, prune_one_shot
from pattern_mlir.pruning.layers import (
    Convolution,
    LayerPlan,
    find_convolutions,
    plan_layers,
)


def weights(model: nn.Module) -> dict[str, np.ndarray]:
    return {c.name: c.weight.detach().numpy() for c in find_convolutions(model)}


def plans(model: nn.Module, **options: object) -> dict[str, LayerPlan]:
    pruner = Pruner(model, Recipe(**options))
    return {plan.name: plan for plan in pruner.plans}


def test_every_kernel_keeps_one_pattern_of_the_library_or_nothing() -> None:
    model = zoo.create("unet")
    summary = prune_one_shot(model, patterns=8, taps=4, connectivity_rate=3.6)
    assert len(summary.library.patterns) == 8
    for name, weight in list(weights(model).items())[1:-1]:
        assignment = patterns.assign(weight, summary.library)
        kept = int(np.ceil(assignment.size / 3.6))
        assert (assignment != patterns.EMPTY).sum() == kept, name
        assert np.count_nonzero(weight) == 4 * kept, name
    assert summary.compression == pytest.approx(8.1, rel=0.01)


def test_what_stays_is_what_it_was() -> None:
    before, after = zoo.create("unet"), zoo.create("unet")
    prune_one_shot(after)
    for (name, old), new in zip(
        before.state_dict().items(), after.state_dict().values(), strict=True
    ):
        kept = new != 0
        assert torch.equal(old[kept], new[kept]), name


def test_first_and_depthwise_convolutions_stay_dense_and_1x1_ones_lose_whole_kernels() -> None:
    model = zoo.create("mobilenet-v2", classes=2)
    before = weights(zoo.create("mobilenet-v2", classes=2))
    summary = prune_one_shot(model)
    for layer, weight in zip(summary.layers, weights(model).values(), strict=True):
        is_pointwise = layer.shape[2:] == (1, 1)
        assert np.array_equal(weight, before[layer.name]) != is_pointwise, layer.name
        if is_pointwise:
            assert layer.kernels_kept / layer.kernels == pytest.approx(1 / 3.6, rel=0.05)
    assert not summary.libraries


def test_an_intersection_is_the_nearest_weight_that_meets_both_constraints() -> None:
    model = nn.Conv2d(3, 2, 3)
    before = model.weight.detach().numpy().copy()
    prune_one_shot(nn.Sequential(model), library="scp", connectivity_rate=2.0, first="prune")
    cut = pattern_selection.project(before, pattern_selection.LIBRARIES["scp"])
    energy = np.square(cut).sum((2, 3)).ravel()
    nearest = np.where(energy >= np.sort(energy)[-3], 1, 0).reshape(2, 3)[..., None, None]
    np.testing.assert_array_equal(model.weight.detach().numpy(), cut * nearest)


def test_skipped_layers_are_named_exactly_or_by_a_regular_expression() -> None:
    model = nn.Sequential(*(nn.Conv2d(4, 4, 3) for _ in range(4)))
    found = plans(model, skip=("1", "[23]"), first="prune")
    assert [name for name, plan in found.items() if not plan.dense_reason] == ["0"]
    with pytest.raises(PruningError, match="no convolution is called 'conv9'"):
        plans(model, skip=("conv9",))
    with pytest.raises(PruningError, match=r"skip = '\[' is no pattern"):
        Recipe(skip=("[",))


def test_each_kind_of_convolution_follows_its_policy() -> None:
    model = nn.ModuleDict(
        {
            "stem": nn.Conv2d(3, 8, 3),
            "usual": nn.Conv2d(8, 8, 3),
            "point": nn.Conv2d(8, 8, 1),
            "depthwise": nn.Conv2d(8, 8, 3, groups=8),
            "grouped": nn.Conv2d(8, 8, 3, groups=2),
            "large": nn.Conv2d(8, 8, 5),
            "late": nn.Conv2d(8, 32, 3),
            "head": nn.Conv2d(32, 4, 3),
        }
    )
    found = plans(model, late_block=16, late_filters=32, last="dense")
    constraints = {name: plan.constraints for name, plan in found.items()}
    both = ("connectivity", "patterns")
    assert constraints == {
        "stem": (),
        "usual": both,
        "point": ("connectivity",),
        "depthwise": (),
        "grouped": both,
        "large": ("connectivity",),
        "late": both,
        "head": (),
    }
    assert found["stem"].dense_reason == "first convolution"
    assert found["head"].dense_reason == "last convolution"
    assert (found["point"].block, found["late"].block, found["usual"].block) == (4, 16, 1)
    found = plans(
        model,
        first="prune",
        depthwise="patterns",
        other_sizes="patterns",
        pointwise="dense",
        grouped="dense",
    )
    assert found["depthwise"].constraints == ("patterns",)
    assert (found["large"].constraints, found["large"].taps) == (both, 11)
    assert not found["point"].constraints and not found["grouped"].constraints
    assert found["stem"].constraints == both


def test_tied_weights_are_pruned_once() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3))
    model[1].weight = model[0].weight
    assert list(plans(model, first="prune")) == ["0"]


def test_balanced_connectivity_leaves_every_filter_equally_many_kernels() -> None:
    model = nn.Conv2d(10, 6, 3)
    prune_one_shot(model, balanced=True, first="prune")
    assert weights(model)[""].any(axis=(2, 3)).sum(axis=1).tolist() == [3] * 6


@pytest.mark.parametrize("balanced", [False, True])
def test_four_filters_of_a_1x1_convolution_share_their_channels(balanced: bool) -> None:
    model = nn.Conv2d(20, 10, 1)  # the last block has two filters
    prune_one_shot(model, first="prune", connectivity_rate=4.0, balanced=balanced)
    kept = weights(model)[""][:, :, 0, 0] != 0
    for start in (0, 4, 8):
        assert (kept[start : start + 4] == kept[start]).all()
    assert kept[[0, 4, 8]].sum() == 15
    if balanced:
        assert kept.sum(axis=1).tolist() == [5] * 10


def test_sixteen_filters_of_a_late_layer_share_channels_and_patterns() -> None:
    model = nn.Conv2d(12, 32, 3)
    prune_one_shot(model, first="prune", late_block=16, late_filters=32)
    kept = weights(model)[""] != 0
    for start in (0, 16):
        assert (kept[start : start + 16] == kept[start]).all()
    assert kept[0].any() and not np.array_equal(kept[0], kept[16])


def test_global_allocation_meets_the_budget_and_spares_the_layer_that_matters() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Conv2d(16, 16, 3) for _ in range(3)))
    with torch.no_grad():
        model[1].weight[:, 1:] *= 0.01  # nearly all energy is in one of sixteen channels
    summary = prune_one_shot(model, first="prune", allocation="global", compression=8.0)
    assert summary.compression == pytest.approx(8.0, rel=0.01)
    assert summary.layers[1].kernels_kept < min(
        summary.layers[0].kernels_kept, summary.layers[2].kernels_kept
    )


def test_unstructured_pruning_keeps_as_many_weights_the_largest_ones() -> None:
    model = nn.Conv2d(10, 6, 3)
    before = np.abs(model.weight.detach().numpy())
    summary = prune_one_shot(model, first="prune", unstructured=True)
    kept = weights(model)[""] != 0
    assert summary.compression == pytest.approx(8.1, rel=0.02)
    assert before[kept].min() >= before[~kept].max()


def test_a_summary_is_a_table_a_line_and_json() -> None:
    model = zoo.create("unet")
    summary = prune_one_shot(model, **{"last": "dense"})
    assert "down.0.3" in str(summary) and summary.line() in str(summary)
    layer = next(layer for layer in summary.layers if layer.name == "down.1.0")
    assert sum(layer.histogram) == layer.kernels_kept and layer.others == 0
    assert '"total_compression"' in summary.json()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connectivity_rate": 200.0}, r"layer '0': rate 200 cannot be met, the layer has 16"),
        ({"balanced": True, "connectivity_rate": 5.0}, "rate 5 cannot be met, a filter has 4"),
        ({"compression": 1.5}, "4 of 9 taps alone compress it 2.25 times"),
        ({"compression": 200.0, "allocation": "global"}, "compression 200 cannot be met"),
        ({"patterns": 57}, "there are 56 natural patterns, cannot choose 57"),
        ({"taps": 10}, "no pattern of 10 taps fits its 3x3 kernels"),
        ({"method": "magic"}, "method = 'magic' is not known"),
        ({"library": "corner"}, "did you mean 'corners'"),
        ({"connectivity_rate": float("nan")}, "must be a number of at least 1"),
        ({"patterns": 0}, "patterns = 0 must be a whole number of at least 1"),
    ],
)
def test_a_recipe_that_cannot_be_met_is_refused_and_nothing_changes(
    options: dict[str, object], message: str
) -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3))
    before = model[0].weight.clone()
    with pytest.raises(PruningError, match=message):
        prune_one_shot(model, **{"first": "prune", **options})
    assert torch.equal(model[0].weight, before)


def test_a_layer_that_no_fixed_pattern_fits_is_refused_by_name() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 5))
    with pytest.raises(PruningError, match="layer '1': no pattern of library 'scp' fits its 5x5"):
        prune_one_shot(model, library="scp", other_sizes="patterns")


def test_a_weight_that_is_not_finite_is_refused_by_name_and_nothing_changes() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3))
    with torch.no_grad():
        model[1].weight[0, 0, 0, 0] = torch.nan
    before = model[0].weight.clone()
    with pytest.raises(PatternError, match="layer '1' holds NaN"):
        prune_one_shot(model, first="prune")
    assert torch.equal(model[0].weight, before)


def test_a_model_without_convolutions_or_with_computed_weights_is_refused() -> None:
    with pytest.raises(PruningError, match="no convolution"):
        prune_one_shot(nn.Linear(2, 2))
    model = nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 2, 3))
    with pytest.raises(PruningError, match="computed or not initialised"):
        prune_one_shot(model)


@pytest.mark.parametrize("name", zoo.NAMES)
def test_every_network_of_the_zoo_has_a_recipe_that_fits_it(name: str) -> None:
    recipe = Recipe.named(name)
    assert Recipe.from_json(recipe.to_json()) == recipe
    with torch.device("meta"):  # only shapes matter
        model = zoo.entry(name).build(2)
    convolutions = [
        Convolution(path, module.weight, module.groups)
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
    ]
    found = plan_layers(convolutions, recipe)
    assert sum(not plan.dense_reason for plan in found) > len(found) / 2


def test_a_recipe_is_read_strictly() -> None:
    with pytest.raises(PruningError, match="no field 'patern'; did you mean 'patterns'"):
        Recipe.from_json('{"patern": 8}')
    with pytest.raises(PruningError, match="no JSON"):
        Recipe.from_json("{")
    with pytest.raises(PruningError, match="no recipe for 'resnet19'; did you mean 'resnet18'"):
        Recipe.named("resnet19")
