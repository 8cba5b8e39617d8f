"""`pattern-plan-memory`: every intermediate result at a planned place of one arena."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import arith, func, memref

from pattern_mlir.dialects import i64
from pattern_mlir.errors import PipelineError
from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, only_block, walk
from pattern_mlir.passes.buffers import (
    add_buffer_argument,
    argument_attributes,
    buffer_role,
    byte_size,
)
from pattern_mlir.passes.results import RESULT, placed

ARENA_BYTES = "pattern.arena_bytes"
"""Module attribute: the size of the arena."""

LIVE_BYTES = "pattern.live_bytes"
"""Module attribute: the most that is alive at a time; no plan takes less."""

ALIASES = frozenset(
    f"memref.{name}"
    for name in [
        "cast",
        "collapse_shape",
        "expand_shape",
        "memory_space_cast",
        "reinterpret_cast",
        "subview",
        "transpose",
        "view",
    ]
)
"""Operations whose result is the same memory as their first operand."""


SAME_START = frozenset(f"memref.{name}" for name in ("cast", "collapse_shape", "expand_shape"))
"""Those of them that begin where their operand does, whose elements follow in the same order."""


BRANCHES = frozenset(
    {"cf.br", "cf.cond_br", "cf.switch", "func.return", "scf.condition", "scf.yield"}
)
"""Operations whose operands become arguments of a block or results of an operation around it."""


@dataclass(frozen=True)
class Lifetime:
    """A buffer of ``size`` bytes, used from operation ``first`` to operation ``last``."""

    size: int
    first: int
    last: int

    def overlaps(self, other: Lifetime) -> bool:
        """Whether both are alive at some operation."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class PatternPlanMemory(Pass):
    """Give every buffer of the network a place in one arena, which it takes as last argument.

    Buffers that are never alive together may share memory; a buffer lives from its first to its
    last use, through all its views, or to the end where it may get another name (`scf.yield`). Each
    goes to the lowest free offset that is a multiple of ``alignment`` bytes: the largest first, or
    in another order that makes the arena smaller. Allocations inside loops move out of them. Calls
    marked `pattern.result` get the place of their result: which of a layer's buffers, and the
    offset in bytes.

    Before:
        func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
          %alloc = memref.alloc() : memref<4xf32>
          memref.copy %arg0, %alloc : memref<4xf32> to memref<4xf32>
          memref.copy %alloc, %arg1 : memref<4xf32> to memref<4xf32>
          return
        }

    After:
        func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32>,
            %arg2: memref<64xi8> {pattern.buffer = "arena"}) {
          %c0 = arith.constant 0 : index
          %view = memref.view %arg2[%c0][] : memref<64xi8> to memref<4xf32>
          memref.copy %arg0, %view : memref<4xf32> to memref<4xf32>
          memref.copy %view, %arg1 : memref<4xf32> to memref<4xf32>
          return
        }
    """

    alignment: int = 64

    name: ClassVar[str] = "pattern-plan-memory"

    def __post_init__(self) -> None:
        """Raise PipelineError unless every element type is aligned."""
        if self.alignment < 8 or self.alignment & (self.alignment - 1):
            raise PipelineError(
                "pattern-plan-memory: alignment must be a power of 2 of at least 8,"
                f" got {self.alignment}"
            )

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Replace each allocation by a view of the arena."""
        function = forward_function(module)
        if "arena" in map(buffer_role, argument_attributes(function)):
            return
        block = only_block(function)
        allocations = walk(function, memref.AllocOp)
        for op in walk(function, memref.DeallocOp):
            op.operation.erase()
        positions = {op.operation: index for index, op in enumerate(block.operations)}
        lifetimes = [self._lifetime(op, block, positions) for op in allocations]
        offsets, size = plan(lifetimes, self.alignment)
        # An arena of no bytes would be no buffer; the smallest one keeps the signature the same.
        size = max(size, self.alignment)
        starts = {op.result: offset for op, offset in zip(allocations, offsets, strict=True)}
        _place_results(function, starts)
        arena = add_buffer_argument(function, size, "arena")
        with ir.InsertionPoint.at_block_begin(block):
            for op, offset in zip(allocations, offsets, strict=True):
                with op.location:
                    start = arith.ConstantOp(ir.IndexType.get(), offset).result
                    view = memref.ViewOp(op.result.type, arena, start, []).result
                op.result.replace_all_uses_with(view)
        # Not before: the insertion point hangs on the block's first operation.
        for op in allocations:
            op.operation.erase()
        module.attributes[ARENA_BYTES] = i64(size)
        module.attributes[LIVE_BYTES] = i64(largest_live_set(lifetimes, self.alignment))

    def _lifetime(self, op: Any, block: Any, positions: dict[Any, int]) -> Lifetime:
        type_ = ir.MemRefType(op.result.type)
        if not type_.has_static_shape:
            raise OperationFailure(
                op, f"cannot plan a buffer of dynamic shape {type_}; export with fixed input sizes"
            )
        users = _users(op.result)
        used = [positions[_ancestor(user, block)] for user in users] or [0]
        last = len(positions) if any(map(_renames, users)) else max(used)
        return Lifetime(byte_size(type_), min(used), last)


def _place_results(function: Any, starts: dict[Any, int]) -> None:
    """Write down where the results of marked calls lie; ``starts`` are buffers in the arena.

    Buffers of a layer are arena, weights, inputs, outputs. A result in none of them, or in a part
    of one, loses its mark.
    """
    roles = map(buffer_role, argument_attributes(function))
    arguments = function.regions[0].blocks[0].arguments
    others = [value for value, role in zip(arguments, roles, strict=True) if not role]
    places = {value: (index, 0) for index, value in enumerate(others, start=2)}
    places |= {value: (0, offset) for value, offset in starts.items()}
    for call in walk(function, func.CallOp):
        attributes = call.operation.attributes
        if RESULT not in attributes:
            continue
        *_, target, _low, _high = call.operation.operands
        while not isinstance(target.owner, ir.Block) and target.owner.name in SAME_START:
            target = target.owner.operands[0]
        if target in places:
            attributes[RESULT] = placed(attributes[RESULT], *places[target])
        else:
            del attributes[RESULT]


def plan(lifetimes: Sequence[Lifetime], alignment: int) -> tuple[list[int], int]:
    """Return each buffer's offset and the arena's size, in bytes: of several orders the best.

    The largest first; those first that are large for long; in the order of their first use, and
    backwards from their last.
    """
    keys: tuple[Callable[[Lifetime], int], ...] = (
        lambda buffer: -buffer.size,
        lambda buffer: -buffer.size * (buffer.last - buffer.first + 1),
        lambda buffer: buffer.first,
        lambda buffer: -buffer.last,
    )
    numbers = range(len(lifetimes))
    plans = [
        _placed(
            lifetimes, [i for _, i in sorted((key(lifetimes[i]), i) for i in numbers)], alignment
        )
        for key in keys
    ]
    return min(plans, key=lambda own: own[1])


def _placed(
    lifetimes: Sequence[Lifetime], order: Sequence[int], alignment: int
) -> tuple[list[int], int]:
    """Return offsets and size where each goes to the lowest offset that is free all its life."""
    offsets = [0] * len(lifetimes)
    placed: list[int] = []
    for index in order:
        buffer = lifetimes[index]
        taken = sorted(
            (offsets[other], offsets[other] + aligned(lifetimes[other].size, alignment))
            for other in placed
            if buffer.overlaps(lifetimes[other])
        )
        offset = 0
        for start, end in taken:
            if offset + buffer.size <= start:
                break
            offset = max(offset, end)
        offsets[index] = offset
        placed.append(index)
    ends = (
        offset + aligned(b.size, alignment) for offset, b in zip(offsets, lifetimes, strict=True)
    )
    return offsets, max(ends, default=0)


def largest_live_set(lifetimes: Sequence[Lifetime], alignment: int) -> int:
    """Return the most bytes that are alive at one operation."""
    at_starts = (
        sum(aligned(b.size, alignment) for b in lifetimes if b.first <= buffer.first <= b.last)
        for buffer in lifetimes
    )
    return max(at_starts, default=0)


def aligned(size: int, alignment: int) -> int:
    """Return ``size`` rounded up to a multiple of ``alignment``."""
    return -(-size // alignment) * alignment


def _users(value: Any) -> list[Any]:
    """Return the operations that use ``value`` or a view of it."""
    users = []
    for use in value.uses:
        users.append(use.owner.operation)
        if use.owner.operation.name in ALIASES:
            users += _users(use.owner.operation.results[0])
    return users


def _renames(user: Any) -> bool:
    """Whether ``user`` may give a buffer that it takes to a value that is no view of it."""
    if user.name in ALIASES:
        return False
    return user.name in BRANCHES or any(isinstance(r.type, ir.MemRefType) for r in user.results)


def _ancestor(op: Any, block: Any) -> Any:
    """Return the operation of ``block`` that ``op`` is or lies in."""
    while op.block != block:
        op = op.parent.operation
    return op
