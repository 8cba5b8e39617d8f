"""Activations of many instructions, as a loop over vectors that wait in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, memref, scf

from pattern_mlir.cost import LINE
from pattern_mlir.passes.kernel_functions import FunctionBuilder
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import Scalar

LONG_ACTIVATIONS = frozenset({"elu", "gelu", "gelu_tanh", "tanh"})
"""Activations of so many instructions that those of a tile at a time would be spilled."""

TOGETHER = 4
"""Vectors at a time at most: one alone would wait for each of its instructions."""


def is_long(activation: Any) -> bool:
    """Whether an `ActivationAttr` is one of `LONG_ACTIVATIONS`."""
    return activation is not None and activation.function_name in LONG_ACTIVATIONS


def activated_in_loop(
    builder: FunctionBuilder, activation: Any, values: Sequence[Any]
) -> list[Any]:
    """Build ``activation`` of each of the vectors ``values``, a few at a time.

    Together they would need more registers than there are, again and again: so each is stored and
    loaded twice.
    """
    type_ = ir.MemRefType.get([len(values), *builder.vector.shape], builder.f32)
    with ir.InsertionPoint.at_block_begin(builder.entry):
        waiting = memref.AllocaOp(type_, [], [], alignment=LINE).result
    zero = builder.constant(0)
    places = [[builder.constant(number), zero] for number in range(len(values))]
    for value, place in zip(values, places, strict=True):
        builder.store_vector(value, waiting, place, aligned=True)
    step = max(n for n in range(1, TOGETHER + 1) if len(values) % n == 0)
    loop = scf.ForOp(zero, builder.constant(len(values)), builder.constant(step))
    with ir.InsertionPoint(loop.body):
        for offset in range(step):
            place = [arith.addi(loop.induction_variable, builder.constant(offset)), zero]
            value = builder.load_vector(waiting, place, aligned=True)
            value = activated(activation, Scalar(value)).value
            builder.store_vector(value, waiting, place, aligned=True)
        scf.yield_([])
    return [builder.load_vector(waiting, place, aligned=True) for place in places]
