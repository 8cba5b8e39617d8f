"""f16 storage and f16 sums: the numeric rules, kernel by kernel and network by network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from libraries import AARCH64, LibraryModel, needs_aarch64
from native import Array, Network, activation, noise
from numerics import compare
from random_networks import random_network, random_weight
from test_compare import SHAPE, Net, compared
from test_lane_blocks import VECTORS
from test_numerics import network
from test_zoo_native import SIZES
from torch_mlir import ir
from torch_models import exported, values

import pattern_mlir
from pattern_mlir import codegen, import_program, interpret, zoo
from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    UpsampleOp,
    i64_array,
    shape_of,
)
from pattern_mlir.dialects.half_sums import HALF_SUMS, HALF_TERMS
from pattern_mlir.dialects.layout import is_half
from pattern_mlir.errors import CompileError, PipelineError
from pattern_mlir.modules import forward_function
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.half_errors import half_sum_errors
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.pipelines import run, target_levels
from pattern_mlir.processors import DEFAULT
from pattern_mlir.program import Program
from pattern_mlir.pruning import prune_one_shot
from pattern_mlir.runtime.jit import Executable
from pattern_mlir.targets import target

thorough = settings(max_examples=8, deadline=None, print_blob=True)
seeds = st.integers(0, 2**32 - 1)

EPSILON = 2.0**-11
"""The largest relative error of rounding to f16."""


def compiled(program: Program, vectors: tuple[int, int], precision: str) -> Executable:
    """Compile ``program`` for vectors of so many lanes and registers.

    Code that adds up in f16 comes out as for a processor that does, and runs here all the same:
    LLVM rounds after each operation.
    """
    machine = dataclasses.replace(
        target("host"), processor=DEFAULT, lanes=vectors[0], registers=vectors[1]
    )
    able = dataclasses.replace(machine, features=f"{machine.features},+fullfp16")
    for level in target_levels(able, 2, precision):
        run(program, level.stages)
    code = codegen.object_code(program, machine)
    return Executable(code, codegen.layer_plan(program), program.parameters[WEIGHTS], 2)


def at_schedule(program: Program, precision: str) -> Program:
    """Return a copy of ``program`` whose tensors have the types of ``precision``."""
    copy = program.clone()
    able = dataclasses.replace(target("host"), features="+f16c,+fullfp16")
    for level in target_levels(able, 2, precision):
        run(copy, level.stages)
        if level.name == "schedule":
            break
    return copy


def check(
    program: Program, inputs: list[Array], vectors: tuple[int, int], precision: str = "f16-acc32"
) -> None:
    """Compare the compiled network with what the interpreter makes of the same types.

    Sums in another order round to a neighbour at most now and then: a few units in the last place.
    """
    with np.errstate(all="ignore"):
        expected = interpret(at_schedule(program, precision), inputs)
    actual = compiled(program, vectors, precision).run(inputs)
    tolerance = 4 * EPSILON if precision == "f16-acc32" else 40 * EPSILON
    for ours, theirs in zip(actual, expected, strict=True):
        scale = float(np.abs(theirs[np.isfinite(theirs)]).max(initial=1e-3))
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


@thorough
@given(
    seed=seeds,
    kernel=st.sampled_from([(1, 1), (3, 3), (3, 3), (5, 5), (7, 7), (1, 7)]),
    stride=st.sampled_from([1, 1, 2]),
    groups=st.sampled_from([1, 1, 4]),
    plane=st.tuples(st.integers(5, 30), st.integers(5, 30)),
    residual=st.booleans(),
    name=st.sampled_from([None, "relu", "hard_swish", "gelu"]),
    pool=st.booleans(),
    vectors=st.sampled_from(VECTORS),
    precision=st.sampled_from(["f16-acc32", "f16"]),
)
def test_a_convolution_of_any_kind(
    seed: int,
    kernel: tuple[int, int],
    stride: int,
    groups: int,
    plane: tuple[int, int],
    residual: bool,
    name: str | None,
    pool: bool,
    vectors: tuple[int, int],
    precision: str,
) -> None:
    rng = np.random.default_rng(seed)
    net = Network(noise(seed, 2, 8, *plane))
    weight = random_weight(rng, (8, 8 // groups, *kernel))
    padding = [kernel[0] // 2, kernel[1] // 2] * 2

    def build(x: Any) -> Any:
        first = ConvOp.build(x, net.parameter(noise(seed, 8, 8, 1, 1))).result
        other = None
        if residual and stride == 1:
            other = first
        bias = net.parameter(noise(seed + 1, 8))
        fits = pool and min(plane) // stride >= 4
        return ConvOp.build(
            first,
            net.parameter(weight),
            bias,
            other,
            strides=[stride] * 2,
            padding=padding,
            groups=groups,
            activation=activation(name),
            max_pool=i64_array([2, 2]) if fits else None,
        ).result

    check(net.build(build), list(net.inputs), vectors, precision)


@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize("precision", ["f16-acc32", "f16"])
def test_operations_without_products_and_a_skip(vectors: tuple[int, int], precision: str) -> None:
    net = Network(noise(0, 2, 4, 16, 16))
    narrow, wide = noise(1, 4, 4, 3, 3), noise(2, 4, 8, 3, 3)

    def build(x: Any) -> Any:
        skip = ConvOp.build(x, net.parameter(narrow), padding=[1] * 4).result
        skip = ActivateOp.build(skip, activation("gelu")).result
        down = MaxPoolOp.build(skip, kernel_size=[2, 2], strides=[2, 2]).result
        down = ConvOp.build(down, net.parameter(narrow), padding=[1] * 4).result
        up = UpsampleOp.build(down, [16, 16], "nearest").result
        y = ConvOp.build(
            ConcatOp.build(skip, up).result, net.parameter(wide), padding=[1] * 4
        ).result
        return MultiplyOp.build(AddOp.build(y, skip).result, skip).result

    check(net.build(build), list(net.inputs), vectors, precision)


@pytest.mark.parametrize("vectors", VECTORS)
def test_operations_in_plain_loops_and_on_plain_planes(vectors: tuple[int, int]) -> None:
    net = Network(noise(0, 2, 4, 13, 17))

    def build(x: Any) -> Any:
        gate = AdaptiveAveragePoolOp.build(x, [1, 1]).result
        gate = ActivateOp.build(gate, activation("sigmoid")).result
        x = MultiplyOp.build(x, gate).result  # a number a channel
        x = AddOp.build(x, AdaptiveAveragePoolOp.build(x, [13, 1]).result).result  # and a row
        x = AveragePoolOp.build(x, kernel_size=[3, 3], strides=[1, 1], padding=[1] * 4).result
        x = UpsampleOp.build(x, [20, 33], "bilinear").result
        x = AdaptiveAveragePoolOp.build(x, [3, 4]).result  # windows of different sizes
        return UpsampleOp.build(x, [7, 5], "nearest").result

    check(net.build(build), list(net.inputs), vectors)


@pytest.mark.parametrize("precision", ["f16-linear-weights", "f16-acc32"])
@pytest.mark.parametrize("vectors", VECTORS)
@pytest.mark.parametrize(("rows", "inputs", "filters"), [(1, 512, 10), (3, 37, 8), (2, 5, 7)])
def test_a_linear_layer(
    rows: int, inputs: int, filters: int, vectors: tuple[int, int], precision: str
) -> None:
    net = Network(noise(0, rows, inputs))

    def build(x: Any) -> Any:
        weight, bias = (net.parameter(noise(1, *s)) for s in ((filters, inputs), (filters,)))
        return LinearOp.build(x, weight, bias, activation=activation("relu")).result

    check(net.build(build), list(net.inputs), vectors, precision)


@settings(max_examples=4, deadline=None, print_blob=True)
@given(seed=seeds, vectors=st.sampled_from(VECTORS))
def test_a_random_network(seed: int, vectors: tuple[int, int]) -> None:
    """Errors grow over many operations: they are compared with those of the same types."""
    program = random_network(seed)
    rng = np.random.default_rng(seed)
    arguments = forward_function(program.module.operation).arguments
    inputs = [rng.standard_normal(shape_of(x)).astype(np.float32) for x in arguments]
    with np.errstate(all="ignore"):
        exact = interpret(program, inputs, dtype=np.float64)
        stored = interpret(at_schedule(program, "f16-acc32"), inputs)
    actual = compiled(program, vectors, "f16-acc32").run(inputs)
    for ours, theirs, truth in zip(actual, stored, exact, strict=True):
        known = np.isfinite(theirs) & np.isfinite(truth)
        np.testing.assert_array_equal(np.isfinite(ours[known]), True)
        errors = [float(np.sqrt(np.square(a[known] - truth[known]).mean())) for a in (ours, theirs)]
        scale = float(np.sqrt(np.square(truth[known]).mean()))
        assert errors[0] <= 1.5 * errors[1] + EPSILON * scale, f"{seed=}: {errors}"


@pytest.mark.parametrize("vectors", VECTORS)
def test_nan_and_infinity_survive(vectors: tuple[int, int]) -> None:
    x = np.ones((1, 8, 16, 16), np.float32)
    x[0, 0, 5, 5], x[0, 2, 9, 9] = 1e6, np.nan  # 1e6 is infinite in f16
    net = Network(x)
    weight = np.zeros((8, 8, 3, 3), np.float32)
    weight[:, ::2, 1, 1] = 1

    def build(value: Any) -> Any:
        y = ConvOp.build(value, net.parameter(weight), padding=[1] * 4).result
        return MaxPoolOp.build(y, kernel_size=[2, 2], strides=[2, 2]).result

    (y,) = compiled(net.build(build), vectors, "f16-acc32").run([x])
    expected = np.full((1, 8, 8, 8), 4, np.float32)
    expected[:, :, 2, 2], expected[:, :, 4, 4] = np.inf, np.nan
    np.testing.assert_array_equal(y, expected)


FAST = {("resnet18", True), ("dilated-segmentation", False)}
"""Networks, pruned or not, that run natively here; all do in `make check-all`, and under qemu."""


@pytest.mark.parametrize(
    ("name", "pruned"),
    [
        pytest.param(
            name,
            pruned,
            id=f"{name} {'pruned' if pruned else 'dense'}",
            marks=[] if (name, pruned) in FAST else pytest.mark.slow,
        )
        for name in zoo.NAMES
        for pruned in (True, False)
    ],
)
def test_a_network_stored_in_f16_meets_the_numeric_rule(
    name: str, pruned: bool, record_property: Callable[[str, object], None]
) -> None:
    small, _ = SIZES.get(name, [(64, 64), None])
    shape = (1, 3, *small)
    model = network(name, pruned=pruned, classes=10)
    compiled_model = pattern_mlir.compile(
        exported(model, torch.zeros(shape)), precision="f16-acc32"
    )
    comparison = compare(model, compiled_model, shape, half=True)
    record_property("comparison", str(comparison))
    assert comparison.ours <= comparison.allowed, comparison
    precisions = {layer.precision for layer in compiled_model.report().layers}
    assert precisions == {"f16-acc32"}


def under_qemu(model: torch.nn.Module, shape: tuple[int, ...], folder: Path) -> LibraryModel:
    """Return ``model`` in f16 as a library for a processor that adds up in f16."""
    return LibraryModel(
        pattern_mlir.compile(
            exported(model, torch.zeros(shape)),
            "aarch64-linux-gnu",
            cpu="cortex-a76",
            precision="f16",
        ),
        AARCH64,
        folder / "lib",
    )


@needs_aarch64
@pytest.mark.parametrize("images", [1, 2])
def test_sums_in_f16_of_an_arm_processor_are_those_of_the_interpreter(
    images: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 7, stride=2, padding=3),  # its kernels are larger than a chunk
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(3, 2, 1),
        torch.nn.Conv2d(16, 32, 3, padding=1),
        torch.nn.Hardswish(),
        torch.nn.Conv2d(32, 32, 3, padding=1, groups=32),
        torch.nn.Conv2d(32, 48, 1),
        torch.nn.Conv2d(48, 40, 5, stride=2, padding=2),
    )
    prune_one_shot(model, patterns=4, taps=4, connectivity_rate=2)
    x = values(images, 3, 64, 48)
    copy = at_schedule(import_program(exported(model, x)), "f16")
    convolutions = walk(copy.module.operation, ConvOp)
    assert [HALF_SUMS in conv.attributes for conv in convolutions] == [True] * 5
    (expected,) = interpret(copy, [x.numpy()])
    ((ours,), _) = under_qemu(model, tuple(x.shape), tmp_path).run(x.numpy())
    rms = np.sqrt(np.square(ours - expected).mean() / np.square(expected).mean())
    assert rms < 4 * EPSILON, rms


@needs_aarch64
def test_a_network_that_adds_up_in_f16_errs_at_most_4_times_as_much(tmp_path: Path) -> None:
    model, shape = network("resnet18", pruned=True, classes=10), (1, 3, 32, 32)
    library = under_qemu(model, shape, tmp_path)
    comparison = compare(model, lambda x: library.run(x)[0][0], shape, count=4, half=True)
    assert comparison.ours <= 4 * comparison.torch, comparison


def test_sums_in_f16_err_as_measured() -> None:
    """What the pass measures on a few sums is what all sums of the layer show."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(64, 64, 3), torch.nn.ReLU())
    x = torch.relu(values(1, 64, 10, 10))
    program = import_program(exported(net, x))
    for level in target_levels("host")[:3]:
        run(program, level.stages)
    with program.context, ir.Location.unknown():
        (errors,) = half_sum_errors(program.module.operation, program.parameters).values()
    copy = at_schedule(program, "f16")
    (conv,) = walk(copy.module.operation, ConvOp)
    assert HALF_SUMS in conv.attributes
    rms = []
    for precision in ("f16", "f16-acc32"):
        (y,) = interpret(at_schedule(program, precision), [x.numpy()])
        exact = net.double()(x.double()).detach().numpy()
        rms.append(float(np.sqrt(np.square(y - exact).mean() / np.square(exact).mean())))
    assert 1.2 < rms[0] / rms[1] < 4
    assert errors.half == pytest.approx(rms[0], rel=0.5)
    assert errors.single == pytest.approx(rms[1], rel=0.5)


def test_a_layer_that_errs_too_much_in_f16_goes_back_and_the_report_says_so() -> None:
    large = np.tile(np.float32([3 + 3 * 2**-9, -3]), (1, 16)).reshape(1, 32, 1, 1)
    large = np.sort(large, axis=1)[:, ::-1].copy()
    net = torch.nn.Sequential(torch.nn.Hardtanh(1, 1.0001), torch.nn.Conv2d(32, 1, 1, bias=False))
    net[1].weight.data = torch.from_numpy(large)
    report = pattern_mlir.compile(
        exported(net, values(1, 32, 8, 8)),
        target="aarch64-linux-gnu",
        cpu="cortex-a76",
        precision="f16",
    ).report()
    (layer,) = report.layers
    assert layer.precision == "f16-acc32" and layer.half_error > 4 * layer.single_error
    assert layer.precision_reason.startswith("sums in f16 err ")
    text = str(report)
    assert "precision f16\n" in text and f"1: f16-acc32, {layer.precision_reason}" in text


def test_results_and_weights_are_halved_in_memory() -> None:
    model, shape = network("resnet18", pruned=False, classes=10), (1, 3, 64, 64)
    program = exported(model, torch.zeros(shape))
    reports = [
        pattern_mlir.compile(
            program, target="aarch64-linux-gnu", cpu="cortex-a76", precision=precision
        ).report()
        for precision in ("f32", "f16-acc32")
    ]
    assert reports[1].arena_bytes <= 0.51 * reports[0].arena_bytes
    assert reports[1].weight_bytes <= 0.58 * reports[0].weight_bytes  # with tables of indices


def test_f16_weights_of_linear_layers_leave_all_else_as_it_was() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 5))
    x = values(2, 3, 8, 8)
    program = exported(net, x)
    plain, half = (
        pattern_mlir.compile(program, precision=p) for p in ("f32", "f16-linear-weights")
    )
    rounded = torch.nn.Sequential(*net)
    rounded[2].weight.data = net[2].weight.data.half().float()
    torch.testing.assert_close(half(x), rounded(x), rtol=1e-5, atol=1e-6)
    assert [layer.precision for layer in half.report().layers] == ["f32", "f16-linear-weights"]
    saved = plain.report().weight_bytes - half.report().weight_bytes
    assert saved >= 2 * 144 * 5 - 64


def test_the_network_keeps_the_types_of_its_inputs_and_outputs() -> None:
    net = torch.nn.Conv2d(3, 4, 3)
    model = pattern_mlir.compile(exported(net, values(1, 3, 8, 8)), precision="f16-acc32")
    assert [spec.dtype for spec in (*model.inputs, *model.outputs)] == [np.float32] * 2


def test_a_tensor_is_converted_where_its_layout_changes() -> None:
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.Conv2d(16, 8, 3))
    model = pattern_mlir.compile(exported(net, values(1, 3, 32, 32)), precision="f16-acc32")
    assert [layer.kernel for layer in model.layers] == ["relayout", "conv", "conv", "relayout"]


def test_layers_of_a_package_in_f16_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = exported(Net(), values(*SHAPE))
    torch.export.save(program, tmp_path / "model.pt2")
    package = tmp_path / "model.pattern"
    model = pattern_mlir.compile(program, precision="f16-acc32")
    model.save(package)
    assert compared(capsys, package).startswith("all ")
    assert str(pattern_mlir.load(package).report()) == str(model.report())
    places = [layer.result for layer in pattern_mlir.load(package).layers if layer.result]
    assert any(place.half and place.layout for place in places)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"precision": "f61"}, "unknown precision 'f61'; did you mean 'f16'"),
        ({"precision": "f16", "cpu": "x86-64-v3"}, "x86-64-v3 cannot add up in f16; compile with"),
        ({"precision": "f16-acc32", "cpu": "x86-64"}, "x86-64 cannot convert to f16; compile with"),
        (
            {"precision": "f16", "target": "aarch64-linux-gnu"},
            "generic cannot add up in f16; compile with precision f16-acc32",
        ),
    ],
)
def test_what_cannot_be_is_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((CompileError, PipelineError), match=message):
        pattern_mlir.compile(exported(torch.nn.ReLU(), values(1, 3)), **arguments)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_chunks_of_sums_in_f16_have_at_most_32_terms(seed: int) -> None:
    """Of equal numbers, whose sum loses bits beyond 32 terms, none is lost."""
    size = int(np.random.default_rng(seed).integers(1, 200))
    net = Network(np.ones((1, size, 16, 16), np.float32))
    weight = np.full((4, size, 1, 1), 2.0**-5 + 2.0**-10, np.float32)
    program = net.build(lambda x: ConvOp.build(x, net.parameter(weight)).result)
    expected = interpret(at_schedule(program, "f16"), list(net.inputs))[0]
    exact = size * (2.0**-5 + 2.0**-10)
    assert np.abs(expected / exact - 1).max() < HALF_TERMS * EPSILON


def test_half_types_stand_on_every_tensor_between_pattern_operations() -> None:
    model = network("unet", pruned=True, classes=3)
    program = import_program(exported(model, torch.zeros(1, 3, 64, 64)))
    typed = at_schedule(program, "f16-acc32")
    convolutions = walk(typed.module.operation, ConvOp)
    assert convolutions and all(
        is_half(conv.result) and is_half(conv.weight) for conv in convolutions
    )
