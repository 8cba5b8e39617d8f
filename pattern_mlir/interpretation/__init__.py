"""The reference interpreter: runs a module on tensors, operation by operation, with numpy.

Slow, and simple enough to be the definition that passes and lowerings are checked against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.passmanager import PassManager

from pattern_mlir.dialects import Pattern
from pattern_mlir.dialects.dialect import PatternOperation
from pattern_mlir.errors import InterpretError, PatternError
from pattern_mlir.interpretation.environment import Environment, Observer
from pattern_mlir.interpretation.linalg import LINALG_OPERATIONS
from pattern_mlir.interpretation.scalars import SCALAR_OPERATIONS
from pattern_mlir.interpretation.tensors import TENSOR_OPERATIONS
from pattern_mlir.modules import forward_function, place
from pattern_mlir.program import UNSIGNED_ATTRIBUTE, Program, tensor_specs
from pattern_mlir.runtime.plan import InputError, TensorSpec, check_inputs

Array = npt.NDArray[Any]

TERMINATORS = frozenset({"func.return", "linalg.yield", "tensor.yield"})

BODY_OPERATIONS = frozenset({"cf.assert", "linalg.index", "tensor.dim", "tensor.extract"})
"""What a body may hold beside operations on scalars: what is right for all iterations at once."""


def interpret(
    module: Program | ir.Module,
    inputs: Sequence[Any],
    *,
    dtype: type[np.floating[Any]] | None = None,
    observe: Observer | None = None,
) -> list[Array]:
    """Run a module's public function and return its results.

    The module is at any level from `pattern` to `linalg`: operations of the pattern dialect, and
    those of linalg, tensor, arith, math and func that torch-mlir and the passes make.

    Args:
        module: a program, or a module whose parameters all carry their `value`.
        inputs: an array for each argument, of its shape and element type.
        dtype: compute all floats in this type instead, such as `np.float64` for a reference.
        observe: is told each operation of the function, one after the other, and its results.

    Raises:
        InterpretError: an operation is not known, or an assertion of the module fails.
        InputError: the inputs do not fit the function.
    """
    program = module if isinstance(module, Program) else Program(module)
    program = program.clone()
    # Infinities and NaN are results like any other.
    with program.context, ir.Location.unknown(), np.errstate(all="ignore"):
        # Every structured operation is a generic one: one rule interprets them all.
        PassManager.parse("builtin.module(func.func(linalg-generalize-named-ops))").run(
            program.module.operation
        )
        function = forward_function(program.module.operation)
        environment = Environment(program.parameters, dtype, observe=observe)
        specs = tensor_specs(function.type.inputs, function.attributes.get("arg_attrs"))
        arrays = [_array(value, index) for index, value in enumerate(inputs)]
        if dtype is not None:
            specs = tuple(_replace_float(spec, dtype) for spec in specs)
            arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        results = _run_function(function, check_inputs(specs, arrays), environment)
        attributes = function.attributes.get("res_attrs", [{}] * len(results))
        return [
            result.view(f"u{result.dtype.itemsize}") if UNSIGNED_ATTRIBUTE in own else result
            for result, own in zip(results, attributes, strict=True)
        ]


def _array(value: Any, index: int) -> Array:
    try:
        return np.asarray(value)
    except (RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"input {index} has no form in numpy: {error}") from None


def _replace_float(spec: TensorSpec, dtype: type[np.floating[Any]]) -> TensorSpec:
    return replace(spec, dtype=np.dtype(dtype)) if spec.dtype.kind == "f" else spec


def _run_function(function: Any, inputs: Sequence[Array], environment: Environment) -> list[Array]:
    block = function.regions[0].blocks[0]
    for argument, array in zip(block.arguments, inputs, strict=True):
        environment.bind(argument, array)
    return [np.asarray(result) for result in run_block(block, environment)]


def run_block(block: Any, environment: Environment) -> list[Any]:
    """Run the operations of ``block``, whose arguments are bound; return what it yields."""
    for op in block.operations:
        operation = op.operation
        if operation.name in TERMINATORS:
            return [environment[operand] for operand in operation.operands]
        try:
            results = _run(op, environment)
        except PatternError as error:
            where = f"{place(operation.location)}: "
            # A body's operations often have the place of the operation around them.
            message = str(error).removeprefix(where)
            raise InterpretError(where + message) from None
        for result, value in zip(operation.results, results, strict=True):
            environment.bind(result, value)
        if environment.observe is not None and not environment.in_body:
            environment.observe(op, [environment[result] for result in operation.results])
    raise InterpretError("a block ends without a terminator")


def _run_body(block: Any, environment: Environment) -> list[Any]:
    """Run the body of an operation on tensors, for all its iterations at the same time."""
    environment.in_body = True
    try:
        return run_block(block, environment)
    finally:
        environment.in_body = False


def _run(op: Any, environment: Environment) -> Sequence[Any]:
    operation = op.operation
    name = operation.name
    if environment.in_body and name not in SCALAR_OPERATIONS and name not in BODY_OPERATIONS:
        raise InterpretError(f"cannot interpret '{name}' in the body of another operation")
    if name == "pattern.parameter":
        return [op.array(environment.parameters)]
    if name.startswith(f"{Pattern.DIALECT_NAMESPACE}.") and isinstance(op, PatternOperation):
        return [op.interpret(*_pattern_operands(op, environment))]
    operands = [environment[operand] for operand in operation.operands]
    if name in SCALAR_OPERATIONS:
        return [SCALAR_OPERATIONS[name](operation, *operands)]
    if name in TENSOR_OPERATIONS:
        return [TENSOR_OPERATIONS[name](operation, operands, environment, _run_body)]
    if name in LINALG_OPERATIONS:
        return LINALG_OPERATIONS[name](operation, operands, environment, _run_body)
    if name == "func.call":
        return _call(operation, operands, environment)
    if name == "cf.assert":
        if not np.all(operands[0]):
            raise InterpretError(f"the module asserts: {operation.attributes['msg']}")
        return []
    raise InterpretError(
        f"cannot interpret '{name}'; the interpreter runs modules on tensors, from the pattern"
        " level to linalg"
    )


def _pattern_operands(op: Any, environment: Environment) -> list[Any]:
    values = [op.optional_operand(field.name) for field in op._operand_fields()]
    return [None if value is None else _widened(environment[value]) for value in values]


def _widened(array: Array) -> Array:
    """Return an array of f16, which tensors are only stored in, as f32, which all compute in."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _call(operation: Any, operands: list[Any], environment: Environment) -> list[Array]:
    symbol = ir.FlatSymbolRefAttr(operation.attributes["callee"]).value
    module = operation
    while module.name != "builtin.module":
        module = module.parent.operation
    callee = ir.SymbolTable(module)[symbol]
    if callee.is_external:
        raise InterpretError(f"calls '{symbol}', which has no body")
    if symbol in environment.callers:
        raise InterpretError(f"calls '{symbol}', which calls itself without end")
    own = Environment(environment.parameters, environment.dtype, environment.callers | {symbol})
    return _run_function(callee, operands, own)
