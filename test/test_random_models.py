"""Random networks give the same natively, in the interpreter, and in PyTorch."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from native import Array
from random_models import random_model
from torch.export import ExportedProgram
from torch_models import arrays, exported, in_double

import pattern_mlir

Runner = Callable[[ExportedProgram, Array], list[Array]]

FEW = 200
SEEDS = range(int(os.environ.get("PATTERN_SEEDS", "5000")))
"""Of the networks of the slow test."""

CHUNK = 100
"""Seeds of a slow test."""


def run_on_host(program: ExportedProgram, x: Array) -> list[Array]:
    return pattern_mlir.compile(program, threads=2).run([x])


RUNNERS: Mapping[str, Runner] = {"host": run_on_host}
"""How each target runs an exported network."""


def check(random: Random, runner: Runner) -> None:
    """Compare a random network's results: allowed is a little more than PyTorch's own f32 error."""
    with torch.random.fork_rng(devices=[]):
        model, x = random_model(random)
    with torch.no_grad():
        expected = arrays(copy.deepcopy(model).double()(in_double(x)))
        theirs = arrays(model(x))
    program = exported(model, x)
    interpreted = pattern_mlir.interpret(_at_pattern_level(program), [x.numpy()], dtype=np.float64)
    results = runner(program, x.numpy())
    for ours, oracle, reference, own in zip(results, interpreted, expected, theirs, strict=True):
        scale = float(np.abs(reference).max(initial=1e-3))
        allowed = max(8 * float(np.abs(own - reference).max(initial=0)), 2e-5 * scale)
        assert ours.shape == reference.shape, model.text()
        for name, values, bound in (("compiled", ours, allowed), ("oracle", oracle, 1e-6 * scale)):
            error = np.abs(values - reference).max(initial=0)
            assert error <= bound, f"{name}: error {error:.3g} of {scale:.3g}\n{model.text()}"


def _at_pattern_level(program: ExportedProgram) -> Any:
    imported = pattern_mlir.import_program(program)
    from torch_models import at_level

    return at_level(imported, "pattern")


@pytest.mark.parametrize("target", RUNNERS)
@given(random=st.randoms(use_true_random=False))
@settings(
    max_examples=FEW,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_a_random_network_is_right(target: str, random: Random) -> None:
    check(random, RUNNERS[target])


@pytest.mark.slow
@pytest.mark.parametrize("target", RUNNERS)
@pytest.mark.parametrize("first", SEEDS[::CHUNK])
def test_many_random_networks_are_right(target: str, first: int) -> None:
    wrong = []
    for seed in range(first, min(first + CHUNK, SEEDS.stop)):
        try:
            check(Random(seed), RUNNERS[target])
        except Exception as error:
            wrong.append(f"seed {seed}: {type(error).__name__}: {error}")
    assert not wrong, "\n\n".join(wrong)
