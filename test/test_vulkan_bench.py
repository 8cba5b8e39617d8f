"""What the benchmark on GPUs measures by is right, and without a GPU it times nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import vulkan_networks as networks
import vulkan_peers
from vulkan_networks import needs_driver
from vulkan_peers import Result

from harness import gpu_peak
from harness.gpu_peak import Peak
from harness.rounds import summarise
from pattern_mlir.runtime.plan import PlannedLayer, TensorSpec
from pattern_mlir.runtime.vulkan.device import find_device
from pattern_mlir.runtime.vulkan.executable import VulkanExecutable
from pattern_mlir.runtime.vulkan.plan import Dispatch, Range, VulkanPlan

pytestmark = needs_driver


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networks.use_cpu_driver()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_without_a_gpu_nothing_is_timed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["vulkan_peers.py", "--work", str(tmp_path / "work")])
    vulkan_peers.main()
    said = capsys.readouterr().out
    assert said.startswith("nothing is timed: llvmpipe") and " ms" not in said
    assert not (tmp_path / "work").exists()


def run(make: Any, x: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return what a kernel of `gpu_peak` writes for ``x``."""
    spec = TensorSpec("x", x.shape, x.dtype)
    ranges = (Range("input:0", 0, x.nbytes), Range("output:0", 0, x.nbytes))
    groups = x.size // gpu_peak.VECTOR // gpu_peak.INVOCATIONS
    step = Dispatch("peak", ranges, (groups, 1, 1), (), 0)
    plan = VulkanPlan((PlannedLayer("peak", 1),), (step,), (spec,), (spec,), (), 0, 0)
    kernels = {"peak": gpu_peak.spirv(make)}
    weights = np.empty(0, np.uint8)
    (y,) = VulkanExecutable(plan, kernels, weights, find_device("vulkan")).run([x])
    return y


def test_the_kernel_for_bandwidth_copies_everything() -> None:
    x = np.random.default_rng(0).standard_normal(1024).astype(np.float32)
    np.testing.assert_array_equal(run(gpu_peak.copy_kernel, x), x)


def test_the_kernel_for_products_does_all_its_steps() -> None:
    x = np.random.default_rng(0).uniform(0, 0.01, 1024).astype(np.float32)
    sums = [np.square(x, dtype=np.float64)]
    for _ in range(gpu_peak.SUMS - 1):
        sums.append(sums[-1] + x)
    wanted = sum(own * (1.0 + x.astype(np.float64)) ** gpu_peak.STEPS for own in sums)
    np.testing.assert_allclose(run(gpu_peak.product_kernel, x), wanted, rtol=1e-4)


def test_shares_of_a_layer_are_of_the_measured_peak() -> None:
    layer = PlannedLayer("k", 1, place="conv1", kernel="conv", multiplications=2000, bytes=500)
    table = vulkan_peers.layer_table([(layer, 100.0)], Peak(bandwidth=10e9, products=40e9))
    assert table.rows == (("conv1", "conv", "", "0.1", "0.50", "0.50"),)


def test_ratios_are_to_our_best_and_failures_have_their_reason() -> None:
    results = [
        Result("pattern_mlir, f32", summarise([0.004]), 1e-6),
        Result("pattern_mlir, f16-acc32", summarise([0.002]), 1e-3),
        Result("ncnn, f32", summarise([0.006]), 1e-6),
        Result("ncnn, f16", failure="cannot be installed"),
    ]
    rows = vulkan_peers.engines(results).rows
    assert [row[3] for row in rows] == ["2.00", "1.00", "3.00", ""]
    assert rows[3][1] == "cannot be installed"
