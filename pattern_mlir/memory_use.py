"""Which part of the arena holds an intermediate result, and during which layers."""

from __future__ import annotations

from typing import Any

from torch_mlir import ir

from pattern_mlir.passes.buffers import byte_size
from pattern_mlir.passes.pattern_outline_layers import LAYERS, VIEWS
from pattern_mlir.program import Program
from pattern_mlir.report import BufferLife


def buffer_lives(program: Program) -> tuple[BufferLife, ...]:
    """Return the lives of all intermediate results of ``program``, whose layers are outlined."""
    module = program.module
    functions = {
        ir.StringAttr(op.operation.attributes["sym_name"]).value: op.operation
        for op in module.body.operations
        if op.operation.name == "func.func"
    }
    names = [ir.FlatSymbolRefAttr(name).value for name in module.operation.attributes[LAYERS]]
    lives: list[BufferLife] = []
    current: dict[tuple[int, int], int] = {}
    was_read: set[tuple[int, int]] = set()
    for number, name in enumerate(names):
        for place, (reads, _writes) in sorted(_uses(functions[name]).items()):
            if place not in current or (place in was_read and not reads):
                # What is overwritten after it was read is another result.
                current[place] = len(lives)
                was_read.discard(place)
                lives.append(BufferLife(*place, number, number))
            index = current[place]
            life = lives[index]
            lives[index] = BufferLife(life.offset, life.bytes, life.first, number)
            if reads:
                was_read.add(place)
    return tuple(lives)


def _uses(function: Any) -> dict[tuple[int, int], tuple[bool, bool]]:
    """Return each part (offset, bytes) of the arena that a layer uses: whether it reads, writes."""
    arena = function.regions[0].blocks[0].arguments[0]
    found: dict[tuple[int, int], tuple[bool, bool]] = {}
    for use in arena.uses:
        view = use.owner.operation
        if view.name != "memref.view":
            continue
        offset = view.operands[1].owner.opview.literal_value
        place = (offset, byte_size(ir.MemRefType(view.results[0].type)))
        reads, writes = _accesses(view.results[0])
        before = found.get(place, (False, False))
        found[place] = (before[0] or reads, before[1] or writes)
    return found


def _accesses(value: Any) -> tuple[bool, bool]:
    """Return whether a buffer is read, and whether it is written; a kernel writes its last one."""
    reads = writes = False
    for use in value.uses:
        user, position = use.owner.operation, use.operand_number
        if user.name in VIEWS:
            inner = _accesses(user.results[0])
            reads, writes = reads or inner[0], writes or inner[1]
        elif user.name == "memref.store" or (
            user.name == "func.call" and position == len(user.operands) - 3
        ):
            writes = True
        else:
            reads = True
    return reads, writes
