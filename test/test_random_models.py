"""Random networks give the same on every target, in the interpreter, and in PyTorch."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from torch_models import arrays, at_level, exported, in_double
from vulkan_networks import needs_driver, use_cpu_driver

import pattern_mlir
from harness.emulated import COMPILER, EMULATOR, PACKAGES, Emulated, missing_packages
from pattern_mlir.errors import CompileError

Runner = Callable[[ExportedProgram, Array], list[Array]]

SEEDS = int(os.environ.get("PATTERN_SEEDS", "5000"))
"""Networks of the host's slow test."""

CHUNK = 100
"""Seeds of a slow test."""


needs_emulator = pytest.mark.skipif(
    bool(missing_packages(EMULATOR, COMPILER)),
    reason=f"needs the Debian packages {PACKAGES[EMULATOR]} and {PACKAGES[COMPILER]}",
)


class Refused(Exception):
    """A target has no form for a network, and says so in one line."""


def run_on_host(program: ExportedProgram, x: Array) -> list[Array]:
    return pattern_mlir.compile(program, threads=2).run([x])


def run_under_qemu(program: ExportedProgram, x: Array) -> list[Array]:
    compiled = pattern_mlir.compile(program, "aarch64-linux-gnu", threads=2)
    return Emulated(compiled.contents, 2).run([x])


def run_on_lavapipe(program: ExportedProgram, x: Array) -> list[Array]:
    use_cpu_driver()
    try:
        compiled = pattern_mlir.compile(program, "vulkan1.1", precision="f32")
    except CompileError as error:
        assert "\n" not in str(error), error
        raise Refused(str(error)) from None
    return compiled.run([x])


@dataclass(frozen=True)
class Target:
    """How a target runs networks.

    Attributes:
        run: an exported network on an input.
        few, many: networks of the short test, and of the slow one.
        needs: a mark that skips where something is missing.
    """

    run: Runner
    few: int
    many: int
    needs: Any = ()


TARGETS: Mapping[str, Target] = {
    "host": Target(run_on_host, 200, SEEDS),
    "aarch64": Target(run_under_qemu, 8, min(SEEDS, 300), needs_emulator),
    "vulkan": Target(run_on_lavapipe, 24, min(SEEDS, 300), needs_driver),
}

CHUNKS = [
    pytest.param(name, first, marks=target.needs)
    for name, target in TARGETS.items()
    for first in range(0, target.many, CHUNK)
]


def check(random: Random, target: Target) -> None:
    """Compare a random network's results: allowed is a little more than PyTorch's own f32 error.

    The interpreter computes in f64, on factors of batch norms that are folded in f32: a layer norm
    behind one of nearly equal numbers makes as much of their rounding as of PyTorch's.

    Raises:
        Refused: the target cannot run it.
    """
    with torch.random.fork_rng(devices=[]):
        model, x = random_model(random)
    with torch.no_grad():
        expected = arrays(copy.deepcopy(model).double()(in_double(x)))
        theirs = arrays(model(x))
    program = exported(model, x)
    interpreted = pattern_mlir.interpret(_at_pattern_level(program), [x.numpy()], dtype=np.float64)
    results = target.run(program, x.numpy())
    for ours, oracle, reference, own in zip(results, interpreted, expected, theirs, strict=True):
        scale = float(np.abs(reference).max(initial=1e-3))
        rounding = float(np.abs(own - reference).max(initial=0))
        allowed, exact = max(8 * rounding, 2e-5 * scale), max(rounding, 1e-6 * scale)
        assert ours.shape == reference.shape, model.text()
        for name, values, bound in (("compiled", ours, allowed), ("oracle", oracle, exact)):
            error = np.abs(values - reference).max(initial=0)
            assert error <= bound, f"{name}: error {error:.3g} of {scale:.3g}\n{model.text()}"


def _at_pattern_level(program: ExportedProgram) -> Any:
    return at_level(pattern_mlir.import_program(program), "pattern")


def say(refused: Sequence[str], count: int) -> None:
    """Print how many of ``count`` networks were refused, and why."""
    print(f"{len(refused)} of {count} networks refused")
    for reason, times in Counter(refused).most_common():
        print(f"  {times} x {reason}")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=target.needs) for name, target in TARGETS.items()]
)
def test_a_random_network_is_right(name: str) -> None:
    target, refused, drawn = TARGETS[name], [], []

    @given(random=st.randoms(use_true_random=False))
    @settings(
        max_examples=target.few,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    def is_right(random: Random) -> None:
        drawn.append(1)
        try:
            check(random, target)
        except Refused as refusal:
            refused.append(str(refusal))

    is_right()
    say(refused, len(drawn))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "first"), CHUNKS)
def test_many_random_networks_are_right(name: str, first: int) -> None:
    target, wrong, refused = TARGETS[name], [], []
    seeds = range(first, min(first + CHUNK, target.many))
    for seed in seeds:
        try:
            check(Random(seed), target)
        except Refused as refusal:
            refused.append(str(refusal))
        except Exception as error:
            wrong.append(f"seed {seed}: {type(error).__name__}: {error}")
    say(refused, len(seeds))
    assert not wrong, "\n\n".join(wrong)
