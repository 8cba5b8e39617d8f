"""Kernels for several GPUs in one package: the device that runs it is measured, once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_gpu_operations import MODELS, conv, outputs
from test_vulkan_plan import PLAN, check
from torch import nn
from torch_models import exported, values
from vulkan_networks import needs_driver, use_cpu_driver

import pattern_mlir
from pattern_mlir import compile
from pattern_mlir.compiled_model import CompiledModel
from pattern_mlir.passes.convert_pattern_to_gpu import MOST_CHOICES
from pattern_mlir.runtime.vulkan import choice
from pattern_mlir.runtime.vulkan.device import Device
from pattern_mlir.runtime.vulkan.executable import VulkanExecutable
from pattern_mlir.runtime.vulkan.failures import MissingFeature
from pattern_mlir.runtime.vulkan.plan import Alternative, Dispatch, VulkanPlan
from pattern_mlir.runtime.vulkan.spirv import PlanError

pytestmark = needs_driver

NAME = "patterns"
(SHAPE,) = MODELS[NAME][1]
X = values(*SHAPE)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_cpu_driver()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def network() -> CompiledModel:
    return compile(exported(MODELS[NAME][0], X), target="vulkan1.1", precision="f32")


def plan_of(network: CompiledModel) -> VulkanPlan:
    plan = network.contents.plan
    assert isinstance(plan, VulkanPlan)
    return plan


def expected() -> Any:
    model = MODELS[NAME][0]
    (result,) = outputs(model.double(), [X.double()])
    model.float()
    return result


def check_result(found: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), expected(), rtol=1e-5, atol=1e-5)


def choices() -> list[Path]:
    return list(choice.cache_folder().glob("*.choice"))


def executable(network: CompiledModel) -> VulkanExecutable:
    network.prepare()
    found = network._executable
    assert isinstance(found, VulkanExecutable)
    return found


def test_a_gpu_that_is_named_has_one_kernel_for_each_layer() -> None:
    compiled = compile(exported(MODELS[NAME][0], X), target="vulkan1.1", cpu="mali-g76")
    assert plan_of(compiled).alternatives == ()


def test_a_package_for_any_gpu_holds_few_kernels_for_each_layer(network: CompiledModel) -> None:
    plan = plan_of(network)
    steps = [own.step for own in plan.alternatives]
    assert steps and max(map(steps.count, steps)) < MOST_CHOICES
    for own in plan.alternatives:
        step = plan.steps[own.step]
        assert isinstance(step, Dispatch) and step.kernel != own.dispatch.kernel
    assert len(network.report().kernels) == 1


def test_a_layer_that_takes_little_of_the_time_has_one_kernel() -> None:
    small = MODELS[NAME][0]
    model = nn.Sequential(small, nn.Upsample(scale_factor=8), conv(32, 64, padding=1))
    plans = [
        plan_of(compile(exported(own, X), target="vulkan1.1", precision="f32"))
        for own in (small, model)
    ]
    for plan, few in zip(plans, (False, True), strict=True):
        step = next(
            i for i, own in enumerate(plan.steps) if "conv" in plan.layers[own.layer].kernel
        )
        assert (step in {own.step for own in plan.alternatives}) != few


def test_every_choice_computes_the_same(
    network: CompiledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = network.contents
    for number, own in enumerate(plan_of(network).alternatives):
        monkeypatch.setattr(choice, "_measured", lambda *_, number=number: [number])
        for path in choices():
            path.unlink()
        model = CompiledModel(contents)
        check_result(model(X))
        assert executable(model).plan.steps[own.step] == own.dispatch
        assert executable(model).plan.alternatives == ()


def test_a_device_is_measured_once(
    network: CompiledModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network.save(tmp_path / "any.pattern")
    first = pattern_mlir.load(tmp_path / "any.pattern")
    check_result(first(X))
    (path,) = choices()
    numbers = json.loads(path.read_text())

    def fail(*_: Any) -> list[int]:
        raise AssertionError("measured again")

    monkeypatch.setattr(choice, "_measured", fail)
    second = pattern_mlir.load(tmp_path / "any.pattern")
    check_result(second(X))
    assert executable(second).plan == executable(first).plan
    taken = [plan_of(network).alternatives[number] for number in numbers]
    assert all(executable(second).plan.steps[own.step] == own.dispatch for own in taken)


def test_the_fastest_is_taken(network: CompiledModel, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = 1e6
    times = {"value": [slow, 1.0]}
    monkeypatch.setattr(choice.Network, "step_times", lambda self: times["value"])
    check_result(CompiledModel(network.contents)(X))
    assert [json.loads(path.read_text()) for path in choices()] == [[0]]
    choices()[0].unlink()
    times["value"] = [1.0, slow]
    check_result(CompiledModel(network.contents)(X))
    assert [json.loads(path.read_text()) for path in choices()] == [[]]


@pytest.mark.parametrize("text", ["", "[7]", "{}", '["x"]', "[-1]"])
def test_a_damaged_choice_is_measured_again(network: CompiledModel, text: str) -> None:
    CompiledModel(network.contents).prepare()
    (path,) = choices()
    path.write_text(text)
    check_result(CompiledModel(network.contents)(X))
    assert set(json.loads(path.read_text())) <= set(range(len(plan_of(network).alternatives)))


def test_a_device_without_a_clock_takes_the_first(
    network: CompiledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, count: int) -> Any:
        raise MissingFeature("no clock")

    monkeypatch.setattr(Device, "query_pool", refuse)
    model = CompiledModel(network.contents)
    check_result(model(X))
    assert executable(model).plan.steps == plan_of(network).steps and choices() == []


def test_an_alternative_writes_what_its_step_does() -> None:
    first = PLAN.steps[0]
    assert isinstance(first, Dispatch)
    check(replace(PLAN, alternatives=(Alternative(0, first),)))
    for own, message in (
        (Alternative(9, first), "of step 9"),
        (Alternative(1, first), "does not write what step 1 does"),
        (Alternative(0, replace(first, kernel="none")), "which is no kernel"),
    ):
        with pytest.raises(PlanError, match=message):
            check(replace(PLAN, alternatives=(own,)))


def test_two_images_run_on_the_kernels_that_were_chosen() -> None:
    model, (shape,) = MODELS["patterns of two images"]
    x = values(*shape)
    compiled = compile(exported(model, x), target="vulkan1.1", precision="f32")
    with torch.no_grad():
        theirs = model.double()(x.double()).numpy()
    model.float()
    np.testing.assert_allclose(compiled(x).numpy(), theirs, rtol=1e-5, atol=1e-5)
