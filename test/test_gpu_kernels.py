"""What kernels for a GPU load, store and multiply is what the compiler says, and little."""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spirv_counts import regions
from test_numerics import network
from torch_mlir import ir
from torch_models import exported

from pattern_mlir import compile, import_program, zoo
from pattern_mlir.compiler import lower
from pattern_mlir.dialects import ConvOp
from pattern_mlir.dialects.layout import blocks_of
from pattern_mlir.gpu import gpu
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.gpu_convolution import ConvolutionKernel, Table, Variant, pack
from pattern_mlir.passes.gpu_convolution_builder import build_convolution
from pattern_mlir.passes.gpu_variants import (
    Choice,
    Convolution,
    choose,
    convolution_of,
    preferred,
)
from pattern_mlir.pipelines import target_levels
from pattern_mlir.program import Program
from pattern_mlir.report import KernelReport
from pattern_mlir.runtime.vulkan.spirv import read_kernel
from pattern_mlir.spirv import spirv_module, spirv_modules
from pattern_mlir.targets import VULKAN, GpuTarget


@functools.cache
def laid_out(name: str, machine: str, precision: str) -> Program:
    """Return the convolutions of a pruned network at the level `layouts`."""
    model = network(name, pruned=True)
    if name == "vgg16":
        model = model.features  # type: ignore[assignment]
    program = import_program(exported(model, torch.zeros(zoo.input_shape(name, size=224))))
    for level in target_levels(GpuTarget(VULKAN, machine), precision=precision):
        lower(program, level)
        if level.name == "layouts":
            break
    return program


@functools.cache
def choices(name: str, machine: str, precision: str) -> list[tuple[str, Convolution, Choice]]:
    """Return the 3x3 convolutions with patterns and planes of 28x28 and more, and their kernels."""
    program = laid_out(name, machine, precision)
    found = []
    with program.context, ir.Location.unknown():
        for op in walk(program.module.operation, ConvOp):
            own = convolution_of(op, program.parameters)
            source, target = blocks_of(op.input), blocks_of(op.result)
            assert own is not None and source is not None and target is not None
            if own.window == (3, 3) and own.assignment is not None and min(own.plane) >= 28:
                choice = choose(own, source, target, gpu(machine), native=precision != "f32")
                found.append((op.weight.owner.opview.parameter_name, own, choice))
    return found


def table_of(own: Convolution, choice: Choice) -> Table:
    order = choice.order
    assignment = None if own.assignment is None else own.assignment[order]
    bias = np.zeros(len(order), np.float32)
    return pack(choice.kernel, own.weight[order], assignment, bias, own.channels[order], own.groups)


def executed(kernel: ConvolutionKernel, table: Table, module: bytes) -> tuple[int, int, int]:
    """Return loads, stores and products of one invocation of each group, from code and table.

    How often each loop runs, and which arm, is read out of the packed weight.
    """
    counts = [np.array(region.counts) for region in regions(module)]
    total = np.zeros(3, np.int64)
    for group in range(len(table.work)):
        header = table.words[group * kernel.header_rows :][: kernel.header_rows].reshape(-1)
        if kernel.variant is Variant.SHARED:
            first, last = int(header[0]), int(header[1])
            rows = table.words[first:last].astype(np.int64)
            visits = np.zeros(len(kernel.patterns) + 1, np.int64)
            for filter_ in range(kernel.together):
                word, place = divmod(filter_, kernel.patterns_a_word)
                mask = (1 << kernel.pattern_bits) - 1
                numbers = rows[:, 2 + word] >> kernel.pattern_bits * place & mask
                own = np.bincount(numbers, minlength=len(visits))
                visits = own if filter_ == 0 else visits + own
            arms = [region for region in counts if region[2]]
            total += (last - first) * loop_body(counts)
            per_pattern = len(arms) // kernel.together
            assert per_pattern == len(kernel.patterns)
            for pattern in range(per_pattern):
                total += visits[pattern + 1] * arms[pattern]
        else:
            starts = header[: len(kernel.patterns) + 1].astype(np.int64)
            loops = [region for region in counts if region[2]]
            for pattern, body in enumerate(loops):
                trips = (starts[pattern + 1] - starts[pattern]) // kernel.entry_rows(pattern)
                total += trips * body
    loads, stores, products = total.tolist()
    return loads, stores, products


def loop_body(counts: list[Any]) -> Any:
    """Return the loop over channels of `shared`: the last that loads before the first arm."""
    first = next(i for i, region in enumerate(counts) if region[2])
    return next(region for region in reversed(counts[:first]) if region[0])


@pytest.mark.parametrize(
    ("name", "machine", "precision"),
    [
        ("vgg16", "adreno-740", "f32"),
        ("vgg16", "adreno-740", "f16-acc32"),
        ("resnet18", "adreno-740", "f32"),
        ("resnet18", "adreno-740", "f16-acc32"),
        ("resnet18", "adreno-640", "f32"),
        ("resnet18", "mali-g76", "f16-acc32"),
        ("resnet18", "mali-g715", "f16-acc32"),
        ("vgg16", "mali-g76", "f16-acc32"),
        ("vgg16", "mali-g715", "f16-acc32"),
    ],
)
def test_a_load_feeds_more_than_two_products(name: str, machine: str, precision: str) -> None:
    found = choices(name, machine, precision)
    assert len(found) >= 8
    for layer, _own, choice in found:
        assert choice.tally.intensity >= 2.2, (layer, choice.tally)
        assert choice.tally.least_active >= 64, (layer, choice.tally)


@pytest.mark.parametrize(
    ("seconds", "least", "taken"),
    [
        ((1.0, 1.05, 1.2), (3.0, 3.0, 3.0), 1),
        ((1.0, 1.05, 1.2), (1.0, 2.0, 3.0), 2),
        ((1.0, 1.4, 1.2), (1.0, 2.5, 3.0), 2),
        ((1.0, 1.6, 1.7), (1.0, 2.5, 3.0), 0),
    ],
)
def test_few_loads_are_worth_a_part_of_the_time(
    seconds: tuple[float, ...], least: tuple[float, ...], taken: int
) -> None:
    assert preferred(seconds, (1.0, 2.0, 3.0), least) == taken


@pytest.mark.parametrize(
    ("machine", "precision"),
    [("adreno-740", "f32"), ("adreno-740", "f16-acc32"), ("mali-g76", "f16-acc32")],
)
def test_the_counts_are_those_of_the_emitted_code(machine: str, precision: str) -> None:
    program = laid_out("resnet18", machine, precision)
    for layer, own, choice in choices("resnet18", machine, precision):
        kernel, tally = choice.kernel, choice.tally
        with program.context, ir.Location.unknown():
            module = spirv_module(build_convolution(kernel).module)
        loads, _, products = executed(kernel, table_of(own, choice), module)
        blocks = kernel.placement.blocks
        headers = len(own.weight) // kernel.together * kernel.header_rows
        assert products * blocks == tally.issued, layer
        assert (loads + headers) * blocks == tally.loads + tally.table_loads, layer


@pytest.mark.parametrize("machine", ["adreno-640", "mali-g715"])
def test_the_report_says_what_kernels_do(machine: str) -> None:
    model = network("unet", pruned=True, classes=5)
    shape = zoo.input_shape("unet", size=64)
    program = exported(model, torch.zeros(shape))
    report = compile(program, target=VULKAN, cpu=machine, precision="f32").report()
    assert report.gpu == machine
    assert len(report.kernels) == sum(layer.kind != "linear" for layer in report.layers)
    for kernel in report.kernels:
        check_report(kernel)
        assert kernel.name in str(report)


def check_report(kernel: KernelReport) -> None:
    assert kernel.stores >= 1 and kernel.issued >= kernel.products > 0
    assert kernel.balance >= 1 and kernel.microseconds > 0


@pytest.mark.parametrize(
    ("precision", "native", "features"),
    [
        ("f32", False, ()),
        ("f16-acc32", False, ()),
        ("f16-acc32", True, ("storageBuffer16BitAccess",)),
        ("f16", True, ("shaderFloat16", "storageBuffer16BitAccess")),
    ],
)
def test_kernels_need_what_they_use(
    precision: str, native: bool, features: tuple[str, ...]
) -> None:
    program = laid_out("resnet18", "adreno-740", precision)
    _, _, choice = choices("resnet18", "adreno-740", precision)[0]
    kernel = replace(choice.kernel, native=native)
    with program.context, ir.Location.unknown():
        module = spirv_module(build_convolution(kernel).module)
    assert read_kernel("kernel", module).features == features


@pytest.mark.skipif(not shutil.which("spirv-val"), reason="install Debian's spirv-tools")
@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("mobilenet-v2", "f32"),
        ("dilated-segmentation", "f16-acc32"),
        ("unet", "f16-packed"),
        ("unet", "f16"),
    ],
)
def test_every_kernel_is_valid_and_other_compilers_understand_it(
    name: str, precision: str, tmp_path: Path
) -> None:
    model = network(name, pruned=True, classes=5)
    program = import_program(exported(model, torch.zeros(zoo.input_shape(name, size=64))))
    for level in target_levels(VULKAN, precision=precision):
        lower(program, level)
    for kernel, module in spirv_modules(program).items():
        path = tmp_path / f"{kernel}.spv"
        path.write_bytes(module)
        commands = [["spirv-val", "--target-env", "vulkan1.1", str(path)]]
        if shutil.which("spirv-cross"):
            commands += [
                ["spirv-cross", "--version", "450", "--vulkan-semantics", str(path)],
                ["spirv-cross", "--msl", str(path)],
            ]
        for command in commands:
            result = subprocess.run(command, capture_output=True, text=True)
            assert result.returncode == 0, (kernel, result.stdout + result.stderr)
