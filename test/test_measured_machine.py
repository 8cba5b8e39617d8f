"""The machine model of a processor that no table knows: measured once, kept in a file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch_models import exported, values

import pattern_mlir
from pattern_mlir import measured_machine as subject
from pattern_mlir.cost import Machine
from pattern_mlir.measured_machine import Measurements
from pattern_mlir.processors import MEASURED, PROCESSORS, machine
from pattern_mlir.runtime.peak import vector_lanes
from pattern_mlir.runtime.rates import Rates, measure_rates

ZEN_4 = Rates(4.05, 59.8, 31.9, 26.9, 32 << 10, 1 << 20, 2.0)
"""What `measure_rates(16)` found on an AMD EPYC (Zen 4)."""


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the lanes of each measurement; none of them takes time."""
    calls: list[int] = []

    def measured(lanes: int) -> Rates:
        calls.append(lanes)
        return ZEN_4

    monkeypatch.setattr(subject, "measure_rates", measured)
    return calls


def test_a_core_reads_and_multiplies() -> None:
    rates = measure_rates(vector_lanes())
    figures = (rates.latency, rates.first, rates.second, rates.beyond, rates.half_vectors)
    assert all(np.isfinite(figures)), rates
    assert all(figure > 0 for figure in figures), rates
    assert 0 < rates.first_bytes < rates.second_bytes, rates


def test_a_processor_is_measured_once(measurements: list[int], tmp_path: Path) -> None:
    first, second = (subject.measured_machine(tmp_path) for _ in range(2))
    assert first == second
    assert measurements == [vector_lanes()]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 1}',
        '{"version": 4, "corrections": {}, "rates": {"latency": 1}}',
        '{"version": 4, "corrections": [1], "rates": {}}',
    ],
)
def test_a_file_that_cannot_be_used_is_measured_anew(
    measurements: list[int], tmp_path: Path, text: str
) -> None:
    subject.measurement_path(tmp_path).write_text(text)
    subject.measured_machine(tmp_path)
    subject.measured_machine(tmp_path)
    assert len(measurements) == 1


def test_where_nothing_can_be_kept_each_process_measures(
    measurements: list[int], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    for _ in range(2):
        subject.measured_machine(in_the_way)
    assert len(measurements) == 1


def test_a_process_keeps_its_model_when_another_writes_the_file(
    measurements: list[int], tmp_path: Path
) -> None:
    first = subject.measured_machine(tmp_path)
    path = subject.measurement_path(tmp_path)
    path.write_text(path.read_text().replace(str(ZEN_4.first), "7.0"))
    assert subject.measured_machine(tmp_path) == first
    subject.keep(Measurements(dataclasses.replace(ZEN_4, first=8.0)), tmp_path)
    assert subject.measured_machine(tmp_path).load_cycles == pytest.approx(8.0)


def test_what_was_measured_of_a_known_processor_is_near_its_entry() -> None:
    measured, known = subject.machine_of(Measurements(ZEN_4), 16), PROCESSORS["znver4"].machine
    assert (measured.lanes, measured.registers) == (known.lanes, known.registers)
    assert measured.latency == known.latency
    assert measured.load_cycles == pytest.approx(known.load_cycles, rel=0.2)
    for (size, rate), (known_size, known_rate) in zip(
        measured.cache_rates, known.cache_rates, strict=True
    ):
        assert size == known_size
        assert rate == pytest.approx(known_rate, rel=0.2)


@pytest.mark.parametrize(("half_vectors", "times"), [(1.1, 1), (2.0, 2)])
def test_shorter_vectors_start_more_often_only_where_that_was_measured(
    half_vectors: float, times: int
) -> None:
    rates = dataclasses.replace(ZEN_4, half_vectors=half_vectors)
    longest, half, *_ = subject.machine_of(Measurements(rates), 16).vectors()
    assert half.multiplications_a_cycle == times * longest.multiplications_a_cycle


def test_a_network_compiles_by_what_was_measured(
    measurements: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(subject.platformdirs, "user_cache_path", lambda _: tmp_path)
    torch.manual_seed(0)
    model, x = nn.Conv2d(3, 4, 3, padding=1).eval(), values(1, 3, 8, 8)
    compiled = pattern_mlir.compile(exported(model, x), cpu=MEASURED)
    np.testing.assert_allclose(compiled(x.numpy()), model(x).detach().numpy(), atol=1e-5)
    assert measurements == [vector_lanes()]
    assert isinstance(machine(MEASURED), Machine)
