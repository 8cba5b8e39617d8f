"""Steps of a GPU's network that the host runs: from their modules to code and layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from torch_mlir import ir

from pattern_mlir import codegen
from pattern_mlir.parameters import Array
from pattern_mlir.passes.pattern_outline_host import REASONS, host_modules
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS
from pattern_mlir.passes.pattern_plan_memory import aligned
from pattern_mlir.program import Program
from pattern_mlir.report import HostOperation
from pattern_mlir.runtime.plan import PlannedLayer
from pattern_mlir.targets import Target

ALIGNMENT = 256
"""What the weights of each step begin at a multiple of, in bytes."""


@dataclass(frozen=True)
class HostStep:
    """What the host runs in one go.

    Attributes:
        layers: in order; their functions take an arena, weights, inputs and outputs.
        inputs: how many tensors it reads.
        first: where its weights begin among those of all steps, in bytes.
        weight_bytes: how many they are.
        arena_bytes: memory for its intermediate results, which nothing else reads.
    """

    layers: tuple[PlannedLayer, ...]
    inputs: int
    first: int
    weight_bytes: int
    arena_bytes: int


@dataclass(frozen=True)
class HostCode:
    """All host steps of a network.

    Attributes:
        steps: by name.
        code: an object file with the functions of all layers.
        weights: of all steps.
    """

    steps: Mapping[str, HostStep]
    code: bytes
    weights: Array

    @property
    def arena_bytes(self) -> int:
        """Memory for intermediate results: steps run one after the other."""
        return max((step.arena_bytes for step in self.steps.values()), default=0)


def host_programs(program: Program) -> dict[str, Program]:
    """Return the host steps of ``program`` by name, each as a program of its own."""
    texts = {
        name: module.get_asm(enable_debug_info=True)
        for name, module in host_modules(program.module.operation).items()
    }
    return {
        name: Program(ir.Module.parse(text, context=program.context), program.parameters.copy())
        for name, text in texts.items()
    }


def host_operations(program: Program) -> tuple[HostOperation, ...]:
    """Return what of ``program`` the host runs, and why."""
    with program.context:
        found = [
            HostOperation(*(ir.StringAttr(word).value for word in ir.ArrayAttr(own)))
            for module in host_modules(program.module.operation).values()
            for own in ir.ArrayAttr(module.attributes[REASONS])
        ]
    return tuple(dict.fromkeys(found))


def host_code(programs: Mapping[str, Program], machine: Target) -> HostCode:
    """Return the code of ``programs``, which are in the LLVM dialect."""
    steps, blocks, first = {}, [np.zeros(0, np.uint8)], 0
    for name, program in programs.items():
        plan, weights = codegen.layer_plan(program), program.parameters[WEIGHTS]
        layers = tuple(
            replace(layer, symbol=f"{name}_{layer.symbol}", result=None) for layer in plan.layers
        )
        # A step without weights has a block all the same: a range is never empty.
        size = aligned(max(weights.nbytes, 1), ALIGNMENT)
        steps[name] = HostStep(layers, len(plan.inputs), first, size, plan.arena_bytes)
        blocks.append(np.pad(weights, (0, size - weights.nbytes)))
        first += size
    code = codegen.joined_object_code(programs, machine) if programs else b""
    return HostCode(steps, code, np.concatenate(blocks))
