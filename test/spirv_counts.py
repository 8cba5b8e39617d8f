"""Counts what a SPIR-V kernel does, from its bytes alone: loads, stores, multiply-adds.

A region is a stretch of a kernel without branches: the body of a loop or an arm of a branch, but
for the loops and arms in it. Regions are numbered in the order in which they begin.
"""

from __future__ import annotations

from dataclasses import dataclass

from pattern_mlir.runtime.vulkan.spirv import instructions

STORAGE_BUFFER = 12
FUSED_MULTIPLY_ADD = 50
"""In GLSL.std.450."""

EXT_INST, VARIABLE, LOAD, STORE, ACCESS_CHAIN = 12, 59, 61, 62, 65
LOOP_MERGE, SELECTION_MERGE, LABEL, BRANCH, BRANCH_CONDITIONAL, SWITCH = (
    246,
    247,
    248,
    249,
    250,
    251,
)


@dataclass
class Region:
    """Loads and stores of storage buffers, and multiply-adds of scalars, each time it runs."""

    loads: int = 0
    stores: int = 0
    products: int = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.loads, self.stores, self.products


def regions(module: bytes) -> list[Region]:
    """Return the regions of a kernel."""
    found = [Region()]
    of_label: dict[int, Region] = {}
    buffers: set[int] = set()
    current, merge = found[0], None
    for opcode, operands in instructions("kernel", module):
        variable = opcode == VARIABLE and operands[2] == STORAGE_BUFFER
        if variable or (opcode == ACCESS_CHAIN and operands[2] in buffers):
            buffers.add(operands[1])
        elif opcode == LOAD:
            current.loads += operands[2] in buffers
        elif opcode == STORE:
            current.stores += operands[0] in buffers
        elif opcode == EXT_INST:
            current.products += operands[3] == FUSED_MULTIPLY_ADD
        elif opcode == LABEL:
            current = of_label.get(operands[0], current)
        elif opcode in (LOOP_MERGE, SELECTION_MERGE):
            merge = operands[0]
            of_label[merge] = current
        elif opcode == BRANCH:
            of_label.setdefault(operands[0], current)
        elif opcode in (BRANCH_CONDITIONAL, SWITCH):
            targets = (
                operands[1:3] if opcode == BRANCH_CONDITIONAL else (operands[1], *operands[3::2])
            )
            for target in dict.fromkeys(targets):
                if target != merge and target not in of_label:
                    of_label[target] = Region()
                    found.append(of_label[target])
    return found
