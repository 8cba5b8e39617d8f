"""PyTorch models through the whole compiler, judged by PyTorch in f64."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from native import Array, noise
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.utils._pytree import tree_leaves, tree_map_only

import pattern_mlir
from pattern_mlir.passes.convert_pattern_to_linalg import ConvertPatternToLinalg
from pattern_mlir.pipelines import run, target_levels
from pattern_mlir.program import Program
from pattern_mlir.report import Report

TENSOR_LEVELS = ("pattern", "graph", "schedule", "layouts")
"""The levels of a module that hold pattern operations."""


class Function(nn.Module):
    """A module that calls ``function`` with ``modules`` before its inputs."""

    def __init__(self, function: Callable[..., Any], *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.inner = nn.ModuleList(modules)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*self.inner, *inputs)


def values(*shape: int, seed: int = 0) -> Tensor:
    """Return seeded noise."""
    return torch.from_numpy(noise(seed, *shape))


def with_statistics(model: nn.Module) -> nn.Module:
    """Give the batch norms of ``model`` statistics, scales and shifts that are not 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            tensors = [module.running_mean, module.running_var, module.weight, module.bias]
            for tensor in (t for t in tensors if t is not None):
                tensor.data.uniform_(0.5, 1.5, generator=generator)
    return model


def exported(model: nn.Module, *inputs: Any, **keywords: Any) -> ExportedProgram:
    return torch.export.export(model.eval(), inputs, keywords)


def at_level(program: Program, name: str) -> Program:
    """Take ``program`` to the level ``name``, in place."""
    for level in target_levels("host"):
        run(program, level.stages)
        if level.name == name:
            return program
    raise AssertionError(f"there is no level {name}")


def levels(program: Program) -> Iterator[Program]:
    """Yield ``program`` at each level that the interpreter runs, and last on dense linalg."""
    text = ""
    for level in target_levels("host", threads=2):
        if level.name in ("torch", *TENSOR_LEVELS):
            run(program, level.stages)
        if level.name in TENSOR_LEVELS and program.text() != text:
            text = program.text()
            yield program
    run(program, [ConvertPatternToLinalg()])
    yield program


def arrays(outputs: Any) -> list[Array]:
    """Return the tensors of nested ``outputs`` as arrays."""
    return [
        np.asarray(leaf.detach() if isinstance(leaf, Tensor) else leaf)
        for leaf in tree_leaves(outputs)
    ]


def in_double(values: Any) -> Any:
    """Return nested tensors with the floats among them in f64."""
    return tree_map_only(
        Tensor, lambda x: x.double() if x.is_floating_point() else x.clone(), values
    )


def check(model: nn.Module, *inputs: Any, rtol: float = 1e-5) -> Report:
    """Compare ``model`` natively, and interpreted at each level, with PyTorch in f64."""
    program = pattern_mlir.import_program(exported(model, *inputs))
    expected = arrays(copy.deepcopy(model).double()(*in_double(inputs)))
    compiled = pattern_mlir.compile(program)
    assert_close(arrays(compiled(*inputs)), expected, rtol)
    flat = arrays(inputs)
    for lowered in levels(program):
        results = pattern_mlir.interpret(lowered, flat, dtype=np.float64)
        assert_close(results, expected, min(rtol, 1e-6))
    return compiled.report()


def assert_close(actual: list[Array], expected: list[Array], rtol: float) -> None:
    """Compare element by element, and by the largest one of each array."""
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.shape == theirs.shape
        if theirs.dtype.kind == "f":
            scale = float(np.abs(theirs).max(initial=0))
            np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * scale)
        else:
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
