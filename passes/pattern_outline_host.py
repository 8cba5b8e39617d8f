"""`pattern-outline-host`: what has no kernel for a GPU becomes functions that the host runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir
from torch_mlir.dialects import arith, func

from pattern_mlir.dialects import ParameterOp, i64
from pattern_mlir.dialects.dialect import PatternOperation
from pattern_mlir.modules import forward_function, place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, only_block
from pattern_mlir.passes.filters import derived_parameter
from pattern_mlir.passes.gpu_support import RESHAPES, why_no_buffer, why_not_on_gpu
from pattern_mlir.passes.results import is_numbered

HOST_STEP = "host_"
"""How the names of host steps begin."""

CALL = "call_"
"""How the names of functions begin that stand for host steps in the network."""

REASONS = "pattern.reasons"
"""Attribute of a host step: place and reason of each operation that has no kernel."""

NUMBERED = "pattern.numbered"
"""Attribute of its call: how many operations it computes that have a number."""


@dataclass(frozen=True)
class PatternOutlineHost(Pass):
    """Move operations that have no kernel for a GPU into modules that are compiled for the host.

    Those in a row become one step: `module @host_<k>` with a function `@forward`, and in their
    place a call of `@call_host_<k>`, which is declared. Parameters and constants are repeated in
    the steps that need them; constants that kernels read become parameters. Reshapes stay where
    they are, unless they are of a step's own values. The step says which operations it has, and
    why.

    Before:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
            : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
          %1 = math.absf %0 : tensor<1x2x4x4xf32>
          return %1 : tensor<1x2x4x4xf32>
        }

    After:
        module {
          module @host_0 attributes
              {pattern.reasons = [["-:4:12", "'math.absf' has no kernel for a GPU"]]} {
            func.func @forward(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
              %0 = math.absf %arg0 : tensor<1x2x4x4xf32>
              return %0 : tensor<1x2x4x4xf32>
            }
          }
          func.func private @call_host_0(tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
          func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
            %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
              : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
            %1 = call @call_host_0(%0) {pattern.numbered = 0 : i64} : (tensor<1x2x4x4xf32>)
              -> tensor<1x2x4x4xf32>
            return %1 : tensor<1x2x4x4xf32>
          }
        }
    """

    name: ClassVar[str] = "pattern-outline-host"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Find the steps, then move each."""
        if "gpu.container_module" in module.attributes:
            return
        function = forward_function(module)
        if any(_is_call(op) for op in only_block(function).operations):
            return
        for op in list(only_block(function).operations):
            if isinstance(op, arith.ConstantOp):
                _as_parameter(op, parameters)
        for number, (members, after) in enumerate(_steps(only_block(function))):
            _outline(f"{HOST_STEP}{number}", members, after, function)


def host_modules(module: Any) -> dict[str, Any]:
    """Return the host steps below ``module`` by name."""
    found = {}
    for op in module.regions[0].blocks[0].operations:
        if op.operation.name == "builtin.module" and REASONS in op.operation.attributes:
            found[ir.StringAttr(op.operation.attributes["sym_name"]).value] = op.operation
    return found


def _is_call(op: Any) -> bool:
    return isinstance(op, func.CallOp) and NUMBERED in op.operation.attributes


def _as_parameter(op: Any, parameters: ParameterStore) -> None:
    """Make a constant that a kernel or the network's caller reads a parameter."""
    value = op.result
    if not isinstance(value.type, ir.RankedTensorType) or why_no_buffer(value):
        return
    if not _is_read_elsewhere(value):
        return
    array = np.array(ir.DenseElementsAttr(op.operation.attributes["value"]))
    shape = tuple(value.type.shape)
    with ir.InsertionPoint(op), op.location:
        element = value.type.element_type
        made = derived_parameter("constant", array.reshape(shape), element, parameters)
    value.replace_all_uses_with(made)


def _is_read_elsewhere(value: Any) -> bool:
    """Whether a kernel or the network's caller reads ``value``, as it is or reshaped."""
    users = [use.owner.opview for use in value.uses]
    return any(
        _on_gpu(user)
        or isinstance(user, func.ReturnOp)
        or (isinstance(user, RESHAPES) and _is_read_elsewhere(user.result))
        for user in users
    )


def _on_gpu(op: Any) -> bool:
    return isinstance(op, PatternOperation) and not why_not_on_gpu(op)


def _steps(block: Any) -> list[tuple[list[Any], Any]]:
    """Return the operations of each host step, and the operation before which it runs."""
    *operations, terminator = block.operations
    free = _free(block)
    steps: list[tuple[list[Any], Any]] = []
    members: list[Any] = []
    for op in (*operations, terminator):
        if op.operation in free:
            continue
        own = {value for member in members for value in member.operation.results}
        if isinstance(op, RESHAPES) and op.operation.operands[0] not in own:
            continue
        if op is not terminator and (isinstance(op, RESHAPES) or not _on_gpu(op)):
            members.append(op)
        elif members:
            steps.append((members, op))
            members = []
    return steps


def _free(block: Any) -> set[Any]:
    """Return what steps repeat: parameters, constants, and what is computed of these alone.

    What a kernel, the network's caller or a reshape for these reads is not.
    """
    found: set[Any] = set()
    *operations, _ = block.operations
    for op in operations:
        outside = [value.owner for value in _outside_values(op.operation)]
        known = all(not isinstance(own, ir.Block) and own in found for own in outside)
        pattern = isinstance(op, PatternOperation) and not isinstance(op, ParameterOp)
        if known and not pattern:
            found.add(op.operation)
    for op in reversed(operations):
        if op.operation not in found or isinstance(op, ParameterOp):
            continue
        users = [use.owner for result in op.operation.results for use in result.uses]
        if any(_reads_memory(user, found) for user in users):
            found.discard(op.operation)
    return found


def _reads_memory(user: Any, free: set[Any]) -> bool:
    """Whether ``user`` needs its operands in memory that kernels or the caller see."""
    if user.operation in free:
        return False
    return isinstance(user.opview, (func.ReturnOp, *RESHAPES)) or _on_gpu(user.opview)


def _outside_values(op: Any) -> Iterator[Any]:
    """Yield the values that ``op`` and what lies in it use, but for those that it defines."""
    inner: set[Any] = set()

    def visit(own: Any) -> Iterator[Any]:
        yield from (value for value in own.operands if value not in inner)
        for region in own.regions:
            for block in region.blocks:
                inner.update(block.arguments)
                for child in block.operations:
                    yield from visit(child.operation)
                    inner.update(child.operation.results)

    yield from visit(op)


def _outline(name: str, members: list[Any], after: Any, function: Any) -> None:
    """Move ``members`` into a module ``name`` before ``function``; call it before ``after``."""
    inside = {member.operation for member in members}
    results = [
        result
        for member in members
        for result in member.operation.results
        if isinstance(result.type, ir.RankedTensorType)
        and any(_ancestor(use.owner, after) not in inside for use in result.uses)
    ]
    step = _Step(inside)
    for member in members:
        step.visit(member.operation)
    types = [value.type for value in results]
    location = members[0].location
    with ir.InsertionPoint(function), location:
        nested = ir.Operation.create("builtin.module", regions=1)
        nested.regions[0].blocks.append()
        declared = func.FuncOp(
            f"{CALL}{name}",
            ([value.type for value in step.arguments], types),
            visibility="private",
        )
    nested.attributes["sym_name"] = ir.StringAttr.get(name)
    nested.attributes[REASONS] = _reasons(members)
    with ir.InsertionPoint(nested.regions[0].blocks[0]), location:
        step.build(members, results)
    with ir.InsertionPoint(after), location:
        call = func.CallOp(declared, step.arguments)
    numbered = sum(is_numbered(member) for member in members)
    call.operation.attributes[NUMBERED] = i64(numbered)
    for old, new in zip(results, call.operation.results, strict=True):
        old.replace_all_uses_with(new)
    for member in reversed(members):
        member.operation.erase()


def _ancestor(op: Any, sibling: Any) -> Any:
    """Return the operation of the block of ``sibling`` that ``op`` is or lies in."""
    while op.operation.block != sibling.operation.block:
        op = op.operation.parent
    return op.operation


def _reasons(members: list[Any]) -> Any:
    """Return place and reason of each operation that has no kernel, equal ones once."""
    found = dict.fromkeys(
        (place(member.location), why_not_on_gpu(member))
        for member in members
        if not isinstance(member, RESHAPES)
    )
    return ir.ArrayAttr.get([ir.ArrayAttr.get(list(map(ir.StringAttr.get, own))) for own in found])


class _Step:
    """A function of the host while it is built.

    Attributes:
        arguments: tensors of the network that it reads, in the order of its arguments.
    """

    def __init__(self, inside: set[Any]) -> None:
        """Begin with operations of the network, those that become this step."""
        self.arguments: list[Any] = []
        self._inside = inside
        self._repeated: dict[Any, None] = {}

    def visit(self, op: Any) -> None:
        """Note what ``op`` reads: arguments, and what is repeated."""
        for value in _outside_values(op):
            owner = value.owner
            if not isinstance(owner, ir.Block) and owner in self._inside:
                continue
            if isinstance(owner, ir.Block) or not _is_repeated(value, owner):
                if value not in self.arguments:
                    self.arguments.append(value)
            elif owner not in self._repeated:
                self.visit(owner)
                self._repeated[owner] = None

    def build(self, members: list[Any], results: list[Any]) -> None:
        """Build the function, `@forward`, of copies of ``members``."""
        inputs = [value.type for value in self.arguments]
        built = func.FuncOp("forward", (inputs, [value.type for value in results]))
        block = built.add_entry_block()
        values = dict(zip(self.arguments, block.arguments, strict=True))
        with ir.InsertionPoint(block):
            for op in (*self._repeated, *(member.operation for member in members)):
                copy = op.clone()
                _replace_operands(copy, values)
                values |= dict(zip(op.results, copy.results, strict=True))
            func.ReturnOp([values[value] for value in results])


def _is_repeated(value: Any, owner: Any) -> bool:
    """Whether a step computes ``value`` again: a constant, or a number that is no tensor."""
    if not isinstance(value.type, ir.RankedTensorType):
        return True
    if isinstance(owner.opview, (PatternOperation, func.CallOp)):
        return isinstance(owner.opview, ParameterOp)
    return all(
        not isinstance(own.owner, ir.Block) and _is_repeated(own, own.owner)
        for own in _outside_values(owner)
    )


def _replace_operands(op: Any, values: dict[Any, Any]) -> None:
    for position, operand in enumerate(op.operands):
        if operand in values:
            op.operands[position] = values[operand]
    for region in op.regions:
        for block in region.blocks:
            for inner in block.operations:
                _replace_operands(inner.operation, values)
