"""A report begins with what runs in plain loops, where that takes more than a tenth of the time."""

from __future__ import annotations

import torch
from torch_models import exported, values

import pattern_mlir
from pattern_mlir.profiling import profile
from pattern_mlir.report import loop_shares, warning_lines
from pattern_mlir.runtime.plan import PlannedLayer


def layer(place: str, kernel: str) -> PlannedLayer:
    return PlannedLayer(place, 1, place=place, kernel=kernel)


LAYERS = [layer("a", "conv"), layer("b", "loops"), layer("c", "loops"), layer("b", "loops")]
FALLBACKS, PLAIN = ("aten.erfc at b",), ("add at b: costs less so",)


def test_shares_are_of_places_the_largest_first() -> None:
    shares = loop_shares(LAYERS, [50, 10, 20, 20], FALLBACKS, PLAIN)
    assert [(own.place, round(own.share, 9)) for own in shares] == [("b", 0.3), ("c", 0.2)]
    assert shares[0].reason == "aten.erfc has no form of its own; add costs less so"
    assert shares[1].reason == "moves data"


def test_little_time_in_loops_is_no_warning() -> None:
    assert warning_lines(loop_shares(LAYERS, [91, 3, 3, 3], FALLBACKS, PLAIN), "expected") == []


def test_much_time_in_loops_is_named_with_place_and_reason() -> None:
    lines = warning_lines(loop_shares(LAYERS, [50, 10, 20, 20], FALLBACKS, PLAIN), "measured")
    assert lines == [
        "50% of the measured time goes to plain loops:",
        "  30.0% at b: aten.erfc has no form of its own; add costs less so",
        "  20.0% at c: moves data",
    ]


def test_report_and_profile_of_a_network_begin_with_its_loops() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Softplus(2, 3))
    x = values(1, 3, 64, 64)
    compiled = pattern_mlir.compile(exported(model, x))
    assert compiled.report().loops_share > 0.1
    assert "of the expected time goes to plain loops" in str(compiled.report()).splitlines()[0]
    assert "of the measured time goes to plain loops" in str(profile(compiled, [x.numpy()], 2))
    assert sum(layer.cycles for layer in compiled.layers if layer.kernel == "loops") > 0


def test_a_network_in_kernels_has_no_warning() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.ReLU())
    report = pattern_mlir.compile(exported(model, values(1, 8, 32, 32))).report()
    assert report.loops == () and "plain loops" not in str(report)
