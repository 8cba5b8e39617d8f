"""The graph and schedule passes change no result, repeat themselves, and give the same bytes."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from native import Network, noise
from random_networks import random_network

from pattern_mlir import import_program, interpret, pruning, zoo
from pattern_mlir.dialects import (
    ActivateOp,
    AddOp,
    ConvOp,
    ParameterOp,
    integer,
    integers,
    shape_of,
)
from pattern_mlir.errors import PipelineError
from pattern_mlir.modules import forward_function
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import (
    filter_order,
    is_sparse,
    shared_filters,
    sparse_weights,
    split_uses,
)
from pattern_mlir.passes.pattern_assign_blocks import PatternAssignBlocks
from pattern_mlir.passes.pattern_balance import PatternBalance
from pattern_mlir.passes.pattern_detect import PatternDetect
from pattern_mlir.passes.pattern_fold_scales import PatternFoldScales
from pattern_mlir.passes.pattern_fuse import PatternFuse
from pattern_mlir.passes.pattern_group import PatternGroup
from pattern_mlir.pipelines import run, target_levels
from pattern_mlir.program import Program

STAGES: list[Pass] = [
    PatternFoldScales(),
    PatternFuse(),
    PatternDetect(),
    PatternGroup(),
    PatternBalance(threads=3),
]

seeds = given(seed=st.integers(0, 2**32 - 1))
thorough = settings(max_examples=30, deadline=None, print_blob=True)


def results(program: Program, seed: int, dtype: Any = None) -> list[Any]:
    """Interpret ``program`` on a random input."""
    rng = np.random.default_rng(seed)
    arguments = forward_function(program.module.operation).arguments
    inputs = [rng.standard_normal(shape_of(x)).astype(np.float32) for x in arguments]
    with np.errstate(all="ignore"):  # random products may overflow, before and after alike
        return list(interpret(program, inputs, dtype=dtype))


@seeds
@thorough
def test_fusing_grouping_and_balancing_change_no_bit_of_a_result(seed: int) -> None:
    program = random_network(seed)
    for stage in STAGES:
        before = results(program, seed)
        run(program, [stage])
        # A sparse sum runs in another order, and a folded number is rounded in another place.
        if not isinstance(stage, (PatternDetect, PatternFoldScales)):
            for expected, actual in zip(before, results(program, seed), strict=True):
                np.testing.assert_array_equal(actual, expected, err_msg=f"{stage.name}, {seed=}")


@seeds
@thorough
def test_detecting_leaves_out_nothing_but_zeros(seed: int) -> None:
    program = random_network(seed)
    before = results(program, seed, np.float64)
    run(program, [PatternDetect()])
    for expected, actual in zip(before, results(program, seed, np.float64), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6, err_msg=f"{seed=}")


@seeds
@thorough
def test_folding_scales_changes_no_result(seed: int) -> None:
    program = random_network(seed)
    before = results(program, seed, np.float64)
    run(program, [PatternFoldScales()])
    for expected, actual in zip(before, results(program, seed, np.float64), strict=True):
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=1)
        np.testing.assert_allclose(actual, expected, 1e-5, 1e-5 * scale, err_msg=f"{seed=}")


@seeds
@thorough
def test_a_pass_that_runs_twice_changes_nothing_more(seed: int) -> None:
    program = random_network(seed)
    for stage in STAGES:
        run(program, [stage])
        once = program.text()
        run(program, [stage])
        assert program.text() == once, f"{stage.name}, {seed=}"


@seeds
@settings(thorough, max_examples=5)
def test_blocks_for_a_gpu_change_no_result_and_stay_as_they_are(seed: int) -> None:
    program = random_network(seed)
    run(program, [PatternDetect(), PatternGroup()])
    before = results(program, seed)
    run(program, [PatternAssignBlocks()])
    for expected, actual in zip(before, results(program, seed), strict=True):
        np.testing.assert_array_equal(actual, expected, err_msg=f"{seed=}")
    once = program.text()
    run(program, [PatternAssignBlocks()])
    assert program.text() == once, f"{seed=}"


@seeds
@thorough
def test_the_schedule_does_not_depend_on_the_one_before(seed: int) -> None:
    fresh, again = random_network(seed), random_network(seed)
    run(fresh, STAGES)
    run(again, [*STAGES, PatternBalance(threads=2), PatternGroup(), PatternBalance(threads=3)])
    assert again.text() == fresh.text(), f"{seed=}"


@seeds
@thorough
def test_every_convolution_is_sparse_or_says_why_it_is_not(seed: int) -> None:
    program = random_network(seed)
    run(program, STAGES)
    for conv in walk(program.module.operation, ConvOp):
        assert is_sparse(conv.weight) != ("dense_reason" in conv.attributes), f"{conv}, {seed=}"


@pytest.mark.parametrize(("kept", "sparse"), [(0.28, True), (0.85, False)])
def test_a_weight_that_would_be_slower_sparse_stays_dense(kept: float, sparse: bool) -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((64, 64, 1, 1)) * (rng.random((64, 64, 1, 1)) < kept)
    network = Network(noise(0, 1, 64, 28, 28))
    program = network.build(
        lambda x: ConvOp.build(x, network.parameter(weight.astype(np.float32))).result
    )
    run(program, [PatternDetect(processor="x86-64-v4")])
    (conv,) = walk(program.module.operation, ConvOp)
    assert is_sparse(conv.weight) == sparse
    reason = str(conv.attributes.get("dense_reason", ""))
    assert bool(re.search(r"sparse code would take \S+ cycles, dense code \S+", reason)) != sparse


@seeds
@thorough
def test_no_thread_has_more_than_its_share_and_one_filter(seed: int) -> None:
    program = random_network(seed)
    run(program, STAGES)
    movable = [
        parameter for parameter, groups in sparse_weights(program.module.operation) if groups == 1
    ]
    for parameter in movable:
        weight = parameter.array(program.parameters)
        nonzeros = np.count_nonzero(weight, axis=(1, 2, 3))
        for conv in split_uses(parameter)[0]:
            boundaries = integers(conv.attributes["filter_boundaries"])
            loads = [nonzeros[a:b].sum() for a, b in pairwise(boundaries)]
            assert len(loads) == 3
            together = shared_filters(parameter, program.parameters)
            most = nonzeros.sum() / 3 + together * nonzeros.max()
            assert max(loads) <= most, f"{conv}, {seed=}"


@seeds
@thorough
def test_longer_filters_of_a_group_stand_first(seed: int) -> None:
    program = random_network(seed)
    run(program, [PatternDetect(), PatternGroup()])
    for parameter, groups in sparse_weights(program.module.operation):
        weight = parameter.array(program.parameters)
        lengths = weight.any(axis=(2, 3)).sum(axis=1).reshape(groups, -1)
        assert (np.diff(lengths, axis=1) <= 0).all(), f"{parameter}, {seed=}"


@seeds
@thorough
def test_the_channels_of_a_convolution_are_those_its_filters_had(seed: int) -> None:
    program = random_network(seed)
    run(program, STAGES)
    for parameter in walk(program.module.operation, ParameterOp):
        for conv in split_uses(parameter)[0]:
            channels = filter_order(conv, "output_channel")
            np.testing.assert_array_equal(channels, filter_order(parameter), f"{conv}, {seed=}")
            groups = integer(conv.groups)
            size = len(channels) // groups
            assert (channels // size == np.repeat(np.arange(groups), size)).all(), f"{seed=}"


def pruned_program(name: str) -> Program:
    """Return a network of the zoo at 32 x 32 pixels, pruned, as pattern operations."""
    model = zoo.create(name, classes=5)
    if name == "mobilenet-v2":  # its 3x3 convolutions are depthwise or the first
        pruning.prune_one_shot(model, connectivity_rate=3.0, pointwise_block=1)
    else:
        pruning.prune_one_shot(model, pointwise="dense")
    image = torch.zeros(zoo.input_shape(name, size=32))
    program = import_program(torch.export.export(model, (image,)))
    for level in target_levels("host")[:2]:
        run(program, level.stages)
    return program


@pytest.mark.parametrize("name", zoo.NAMES)
def test_a_pruned_network_goes_through_all_passes_and_gives_the_same_bytes(name: str) -> None:
    program = pruned_program(name)
    again = program.clone()
    for stage in STAGES:
        run(program, [stage])
        run(again, [stage])
        assert program.text() == again.text(), stage.name
    module = program.module.operation
    assert module.verify()
    assert not walk(module, ActivateOp) and not walk(module, AddOp), "an epilogue is not fused"
    convolutions = walk(module, ConvOp)
    assert sum(is_sparse(conv.weight) for conv in convolutions) >= len(convolutions) / 4


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PatternBalance(threads=0), "threads must be at least 1, got 0"),
        (lambda: PatternDetect(max_patterns=0), "max-patterns must be at least 1, got 0"),
        (lambda: PatternDetect(minimum_sparsity=1.5), "a fraction from 0 to 1, got 1.5"),
    ],
)
def test_an_option_out_of_range_is_refused(build: Any, message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        build()


def test_the_bindings_do_not_search_for_a_module_at_each_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = Program.parse(
        "func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {"
        ' %0 = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>}'
        " : (tensor<4xf32>) -> tensor<4xf32> return %0 : tensor<4xf32> }"
    )
    searched: list[str] = []

    class Finder:
        def find_spec(self, name: str, *_: Any) -> None:
            searched.append(name)

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert [type(op) for op in walk(program.module.operation, ActivateOp)] == [ActivateOp]
    assert searched == []
