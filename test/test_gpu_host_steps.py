"""What has no kernel for a GPU runs on the host between kernels, and the report says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_gpu_operations import conv, seeded
from torch import nn
from torch_models import Function, exported, values
from vulkan_networks import needs_driver, use_cpu_driver

import pattern_mlir
from pattern_mlir import compile
from pattern_mlir.gpu import DEFAULT_GPU
from pattern_mlir.passes.convert_pattern_to_gpu import CONVERSIONS
from pattern_mlir.passes.gpu_support import GPU_OPERATIONS
from pattern_mlir.runtime.vulkan.plan import Dispatch, HostLayer, VulkanPlan

pytestmark = needs_driver

IMAGE = (2, 6, 13, 17)


@pytest.fixture(autouse=True, scope="module")
def cpu_driver() -> None:
    use_cpu_driver()


def attention(queries: Any, keys: Any, x: torch.Tensor) -> torch.Tensor:
    """Return attention between the pixels of ``x``, whose products are of the host."""
    q, k = queries(x).flatten(2), keys(x).flatten(2)
    weights = torch.softmax(q.transpose(1, 2) @ k, -1)
    return torch.relu((x.flatten(2) @ weights).reshape(x.shape))


def tokens(table: Any, linear: Any, numbers: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = linear(table(numbers)).cumsum(1)
    return result


NUMBERS = torch.tensor([[1, 4, 2], [0, 3, 3]])
X, Y = values(*IMAGE), values(*IMAGE, seed=1)

MODELS: dict[str, tuple[nn.Module, list[torch.Tensor]]] = {
    "between kernels": (
        Function(lambda f, g, x: g(f(x).cumsum(3)), conv(6, 6, 3), conv(6, 4, 1)),
        [X],
    ),
    "first and last": (Function(lambda f, x: f(x.abs()).cumsum(2), conv(6, 4, 1)), [X]),
    "nothing else": (Function(lambda x: x.cumsum(2)), [X]),
    "several steps": (
        Function(
            lambda f, g, x: g(f(x).cumsum(2)).cumsum(3) + f(x.abs()), conv(6, 6, 1), conv(6, 6, 1)
        ),
        [X],
    ),
    "several results": (
        Function(lambda f, x: (f(x), f(x).cumsum(1), x.sort(3)[0]), conv(6, 4, 1)),
        [X],
    ),
    "attention": (Function(attention, conv(6, 6, 1), conv(6, 6, 1)), [X]),
    "integers": (
        Function(tokens, seeded(nn.Embedding(5, 16)), seeded(nn.Linear(16, 8))),
        [NUMBERS],
    ),
    "integers from kernel to host": (
        Function(lambda f, x: (f(x) > 0).long().sum(1), conv(6, 4, 1)),
        [X],
    ),
    "constant": (
        Function(lambda f, x: f(x + torch.arange(17.0)) * torch.linspace(0, 1, 17), conv(6, 6, 1)),
        [X],
    ),
    "weight of the run": (
        Function(lambda f, x, y: torch.conv2d(f(x), y[:1, :, :3, :3]), conv(6, 6, 1)),
        [X, Y],
    ),
    "one dimension": (
        nn.Sequential(seeded(nn.ConvTranspose1d(6, 4, 3)), nn.ReLU(), seeded(nn.Linear(19, 3))),
        [values(2, 6, 17)],
    ),
}


def expected(model: nn.Module, inputs: list[torch.Tensor]) -> list[Any]:
    with torch.no_grad():
        found = model.double()(*(x.double() if x.is_floating_point() else x for x in inputs))
    model.float()
    return list(found) if isinstance(found, tuple) else [found]


def check(model: nn.Module, inputs: list[torch.Tensor], **options: Any) -> Any:
    """Compare ``model`` on a GPU with PyTorch's in f64; return it."""
    program = exported(model, *inputs)
    chosen = {"cpu": DEFAULT_GPU, "precision": "f32", **options}
    compiled = compile(program, target="vulkan1.1", **chosen)
    found = compiled(*inputs)
    loose = options.get("precision", "f32") != "f32"
    limits = {"rtol": 2e-2, "atol": 5e-2} if loose else {"rtol": 1e-5, "atol": 2e-5}
    own = found if isinstance(found, tuple) else (found,)
    for ours, theirs in zip(own, expected(model, inputs), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), **limits)
    return compiled


@pytest.mark.parametrize("name", MODELS)
def test_the_host_computes_what_has_no_kernel(name: str) -> None:
    plan = check(*MODELS[name]).plan
    assert isinstance(plan, VulkanPlan)
    assert any(isinstance(step, HostLayer) for step in plan.steps)
    assert name == "nothing else" or any(isinstance(step, Dispatch) for step in plan.steps)


def test_a_whole_network_of_kernels_has_no_host_step() -> None:
    compiled = check(nn.Sequential(conv(6, 6, 3), nn.ReLU(), nn.MaxPool2d(2)), [X])
    assert compiled.contents.code == b"" and compiled.report().on_host == ()


def test_a_network_of_one_dimension_is_one_of_kernels() -> None:
    model = nn.Sequential(seeded(nn.Conv1d(6, 4, 3)), nn.ReLU(), seeded(nn.Linear(15, 3)))
    assert check(model, [values(2, 6, 17)]).report().on_host == ()


@pytest.mark.parametrize("precision", ["f16-acc32", "f16-packed"])
def test_the_host_reads_what_kernels_store_as_f16(precision: str) -> None:
    check(*MODELS["between kernels"], precision=precision)


def test_threads_share_a_host_step() -> None:
    check(*MODELS["attention"], threads=2)


def test_the_report_names_what_the_host_runs_and_why() -> None:
    model, inputs = MODELS["weight of the run"]
    report = compile(exported(model, *inputs), target="vulkan1.1").report()
    reasons = [own.reason for own in report.on_host]
    assert any("a weight that is computed at run time" in reason for reason in reasons), reasons
    text = str(report)
    assert "on the host, between kernels:" in text
    assert all(f"{own.place}: {own.reason}" in text for own in report.on_host)


def test_a_package_holds_the_code_of_its_host_steps(tmp_path: Path) -> None:
    model, inputs = MODELS["several steps"]
    compiled = check(model, inputs)
    compiled.save(tmp_path / "model.pattern")
    loaded = pattern_mlir.load(tmp_path / "model.pattern", threads=2)
    np.testing.assert_array_equal(loaded(*inputs).numpy(), compiled(*inputs).numpy())


def test_layers_of_the_host_are_timed_and_their_neighbours_traced() -> None:
    model, inputs = MODELS["between kernels"]
    compiled = check(model, inputs)
    array = inputs[0].numpy()
    times = compiled.profile(array)
    hosts = {step.layer for step in compiled.plan.steps if isinstance(step, HostLayer)}
    assert hosts and all(times[layer][1] > 0 for layer in hosts)
    last = {layer.result.operation: own for layer, own in compiled.trace([array]) if layer.result}
    np.testing.assert_allclose(
        last[max(last)], expected(model, inputs)[0].numpy(), rtol=1e-5, atol=2e-5
    )


def test_every_operation_with_a_kernel_has_its_conversion() -> None:
    assert set(CONVERSIONS) == set(GPU_OPERATIONS)
