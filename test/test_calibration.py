"""What kernels take here over what the machine model says: measured, kept, and used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch_models import exported

import pattern_mlir
from pattern_mlir import calibration, measured_machine
from pattern_mlir.calibration import calibrate, corrections
from pattern_mlir.errors import PatternError
from pattern_mlir.measured_machine import Measurements, keep, measurements
from pattern_mlir.processors import MEASURED, machine
from pattern_mlir.profiling import LayerProfile
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.runtime.plan import PlannedLayer
from pattern_mlir.runtime.rates import Rates
from pattern_mlir.tools import pattern_opt

RATES = Rates(4.0, 60.0, 30.0, 25.0, 32 << 10, 1 << 20, 2.0)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a folder of measurements that no other test uses."""
    monkeypatch.setattr(measured_machine.platformdirs, "user_cache_path", lambda _: tmp_path)
    keep(Measurements(RATES))
    return tmp_path


def layer(
    place: str, took: float, predicted: float, kernel: str = "conv", layout: str = ""
) -> LayerProfile:
    planned = PlannedLayer(place, 1, None, place, kernel, layout=layout)
    return LayerProfile(planned, took, 0.0, 0.0, predicted)


def test_a_correction_is_the_median_of_time_over_prediction() -> None:
    layers = [layer("sparse.0", 4e3, 2e3), layer("sparse.1", 9e3, 3e3), layer("sparse.2", 9e3, 1e3)]
    assert corrections(layers) == {"sparse": 3.0}


def test_kernels_without_a_sample_of_their_own_count_by_their_names() -> None:
    layers = [
        layer("strided_1x1.0", 2e3, 1e3),
        layer("strided_1x1.0", 3e3, 1e3, "relayout", "4x4 of 7x7"),
        layer("1x1.3.1", 5e3, 1e3, "max_pool"),
    ]
    assert corrections(layers) == {"strided 1x1": 2.0, "relayout": 3.0, "max_pool": 5.0}


def test_layers_that_say_nothing_are_left_out_and_wild_factors_are_bounded() -> None:
    layers = [
        layer("short.0", 100.0, 1.0),
        layer("unknown.0", 1e6, 0.0),
        layer("dense.0", 1e6, 1e6, "loops"),
        layer("slow.0", 1e6, 1.0),
        layer("result.0", 1e6, 1e3, "relayout"),
    ]
    assert corrections(layers) == {"slow": 10.0}


def test_a_calibration_is_kept_for_the_measured_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_sampled", lambda: (layer("sparse.0", 4e3, 2e3),))
    assert calibrate() == {"sparse": 2.0}
    assert measurements() == Measurements(RATES, (("sparse", 2.0),))
    assert machine(MEASURED).corrected("sparse", 10.0) == 20.0
    assert machine(MEASURED).corrected("dense", 10.0) == 10.0


def test_a_calibration_starts_from_the_model_without_corrections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(Measurements(RATES, (("sparse", 9.0),)))
    seen: list[Measurements] = []

    def sampled() -> tuple[LayerProfile, ...]:
        seen.append(measurements())
        return ()

    monkeypatch.setattr(calibration, "_sampled", sampled)
    calibrate()
    assert seen == [Measurements(RATES)]


def test_pattern_opt_calibrates_and_says_what_it_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibration, "_sampled", lambda: (layer("sparse.0", 4e3, 2e3),))
    assert pattern_opt.main(["--calibrate"]) == 0
    assert capsys.readouterr().out == "sparse: 2.00 times what the machine model says\n"
    assert measurements().corrections == (("sparse", 2.0),)


def test_pattern_opt_does_not_calibrate_beside_other_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert pattern_opt.main(["--calibrate", "--target=host"]) == 1
    assert "--calibrate goes alone" in capsys.readouterr().err


def test_where_nothing_can_be_kept_calibration_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    monkeypatch.setattr(measured_machine.platformdirs, "user_cache_path", lambda _: in_the_way)
    with pytest.raises(PatternError, match=r"cannot be written .*; make its folder writable"):
        calibrate()


def test_the_samples_have_a_layer_of_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "ROUNDS", 2)
    monkeypatch.setattr(calibration, "RUNS", 1)
    monkeypatch.setattr(calibration, "SHORTEST", 0.0)
    shapes = ("sparse", "dense", "1x1", "sparse 1x1", "depthwise")
    convolutions = {f"{prefix}{shape}" for prefix in ("", "strided ") for shape in shapes}
    kinds = {*convolutions, "few channels", "relayout", "max_pool", "mean", "linear"}
    assert set(calibrate()) == kinds


@pytest.mark.parametrize(
    ("kind", "conv", "is_pruned"),
    [
        ("sparse", nn.Conv2d(16, 16, 3, padding=1), True),
        ("dense", nn.Conv2d(16, 16, 3, padding=1), False),
        ("strided dense", nn.Conv2d(16, 16, 3, 2, padding=1), False),
        ("1x1", nn.Conv2d(16, 16, 1), False),
        ("sparse 1x1", nn.Conv2d(16, 16, 1), True),
        ("depthwise", nn.Conv2d(16, 16, 3, padding=1, groups=16), False),
        ("few channels", nn.Conv2d(3, 16, 3, 2, padding=1), False),
    ],
)
def test_a_prediction_is_corrected_by_the_kind_of_kernel(
    kind: str, conv: nn.Conv2d, is_pruned: bool
) -> None:
    model = nn.Sequential(conv).eval()
    if is_pruned:
        prune_one_shot(model, connectivity_rate=2.0, first="prune")
    predictions = []
    for factor in (1.0, 0.5):
        keep(Measurements(RATES, ((kind, factor),)))
        predictions.append(_cycles(model, channels=conv.in_channels))
    assert predictions[1] == pytest.approx(predictions[0] / 2, rel=1e-3)


def _cycles(model: nn.Module, size: int = 32, channels: int = 16) -> int:
    program = exported(model, torch.zeros(1, channels, size, size))
    layers = pattern_mlir.compile(program, cpu=MEASURED).layers
    (own,) = (layer for layer in layers if layer.kernel == "conv")
    return own.cycles


def test_a_prediction_has_what_moves_through_the_caches_beside_what_is_multiplied() -> None:
    keep(Measurements(RATES))
    own = machine(MEASURED)
    few, many = (_cycles(nn.Conv2d(16, 64, 1).eval(), size) for size in (160, 320))
    multiplied = 16 * 64 / (own.lanes * own.multiplications_a_cycle)
    moved = 4 * (16 + 64) / own.stream_rates[1][1]
    assert many - few > (320**2 - 160**2) * (multiplied + moved)


def test_other_processors_know_no_corrections() -> None:
    assert machine("znver4").corrected("sparse", 7.0) == 7.0
    assert np.isfinite(machine("znver4").stream_cycles(1e9))
