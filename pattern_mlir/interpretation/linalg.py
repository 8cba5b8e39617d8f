"""The meaning of linalg.generic, which every structured operation can be written as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects.dialect import integer
from pattern_mlir.errors import InterpretError
from pattern_mlir.interpretation.environment import Environment, RunBlock

Operation = Callable[[Any, Sequence[Any], Environment, RunBlock], Sequence[Any]]
"""Takes the operation, its operands' values and the environment; returns the results' values."""


def _generic(
    op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock
) -> Sequence[Any]:
    """Run reductions one after the other, and all parallel iterations of one at once."""
    maps = [ir.AffineMapAttr(attribute).value for attribute in op.attributes["indexing_maps"]]
    parallel = ["parallel" in str(kind) for kind in op.attributes["iterator_types"]]
    sizes = _loop_sizes(maps, operands)
    outputs = len(op.results)
    arrays = [*operands[:-outputs], *(output.copy() for output in operands[-outputs:])]
    block = op.regions[0].blocks[0]
    counters = _parallel_counters(sizes, parallel)
    _check_writes(maps[-outputs:], counters)
    reductions = [i for i, is_parallel in enumerate(parallel) if not is_parallel]
    for position in np.ndindex(*(sizes[i] for i in reductions)):
        for loop, value in zip(reductions, position, strict=True):
            counters[loop] = value
        indices = [tuple(_evaluate(e, counters) for e in map_.results) for map_ in maps]
        for argument, array, index in zip(block.arguments, arrays, indices, strict=True):
            environment.bind(argument, array[index])
        environment.counters = counters
        yielded = run(block, environment)
        for value, array, index in zip(yielded, arrays[-outputs:], indices[-outputs:], strict=True):
            array[index] = value
    return arrays[-outputs:]


def _check_writes(maps: Sequence[Any], counters: Sequence[Any]) -> None:
    """Refuse iterations that run at the same time and write the same element."""
    iterations = np.broadcast_shapes(*map(np.shape, counters))
    for map_ in maps:
        index = [_evaluate(expression, counters) for expression in map_.results]
        if np.broadcast_shapes(*map(np.shape, index)) != iterations:
            raise InterpretError("parallel iterations write the same element of a result")


def _index(
    op: Any, operands: Sequence[Any], environment: Environment, run: RunBlock
) -> Sequence[Any]:
    return [environment.counters[integer(op.attributes["dim"])]]


def _loop_sizes(maps: Sequence[Any], operands: Sequence[Any]) -> list[int]:
    """Return how often each loop runs: a dimension that it indexes alone says so."""
    sizes = [0] * maps[0].n_dims
    for map_, operand in zip(maps, operands, strict=True):
        for expression, size in zip(map_.results, operand.shape, strict=True):
            if isinstance(expression, ir.AffineDimExpr):
                sizes[expression.position] = size
    return sizes


def _parallel_counters(sizes: Sequence[int], parallel: Sequence[bool]) -> list[Any]:
    """Return the counters of parallel loops as arrays that broadcast against each other."""
    rank = sum(parallel)
    counters: list[Any] = [0] * len(sizes)
    axis = 0
    for loop, size in enumerate(sizes):
        if parallel[loop]:
            counters[loop] = np.arange(size).reshape([-1 if i == axis else 1 for i in range(rank)])
            axis += 1
    return counters


def _evaluate(expression: Any, counters: Sequence[Any]) -> Any:
    if isinstance(expression, ir.AffineConstantExpr):
        return expression.value
    if isinstance(expression, ir.AffineDimExpr):
        return counters[expression.position]
    lhs, rhs = (_evaluate(e, counters) for e in (expression.lhs, expression.rhs))
    for kind, function in _AFFINE_OPERATIONS.items():
        if isinstance(expression, kind):
            return function(lhs, rhs)
    raise AssertionError(f"unknown affine expression {expression}")


_AFFINE_OPERATIONS: Mapping[type, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ir.AffineAddExpr: lambda a, b: a + b,
        ir.AffineMulExpr: lambda a, b: a * b,
        ir.AffineModExpr: lambda a, b: a % b,
        ir.AffineFloorDivExpr: lambda a, b: a // b,
        ir.AffineCeilDivExpr: lambda a, b: -(-a // b),
    }
)

LINALG_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {"linalg.generic": _generic, "linalg.index": _index}
)
"""Every operation of linalg that is left after `linalg-generalize-named-ops`."""
