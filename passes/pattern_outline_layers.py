"""`pattern-outline-layers`: every loop nest of the network becomes a function of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import arith, func, scf

from pattern_mlir.cost import PLAIN_CYCLES
from pattern_mlir.dialects import i64
from pattern_mlir.modules import forward_function, place
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import OperationFailure, Pass, only_block
from pattern_mlir.passes.buffers import (
    BOUNDARIES,
    EXTENT,
    PLACE,
    WORK,
    Work,
    argument_attributes,
    buffer_role,
)
from pattern_mlir.passes.results import RESULT
from pattern_mlir.program import NAME_ATTRIBUTE, UNSIGNED_ATTRIBUTE

LAYERS = "pattern.layers"
"""Module attribute: the layer functions in the order in which they run."""

BUFFERS = "pattern.buffers"
"""Module attribute: what each buffer is, `[role, name, type]`, in the order of the arguments.

A fourth entry says that its integers are unsigned.
"""

PURE_PREFIXES = ("arith.", "affine.apply", "memref.get_global", "math.", "index.")
VIEWS = frozenset(
    f"memref.{name}"
    for name in [
        "cast",
        "collapse_shape",
        "dim",
        "expand_shape",
        "extract_strided_metadata",
        "reinterpret_cast",
        "subview",
        "transpose",
        "view",
    ]
)


@dataclass(frozen=True)
class PatternOutlineLayers(Pass):
    """Turn the network's function into layer functions that a runtime calls one after the other.

    A layer takes all buffers (arena, weights, inputs, outputs) and the units lo to hi - 1 that it
    shall compute: its outermost parallel loop of more than one iteration runs over these only, so
    that threads can share a layer. What computes nothing in memory is repeated in every layer
    that needs it. What plain loops are expected to take is written down: a cycle an iteration.
    Operations whose results others use share their layer, which has one unit.

    Precondition: `pattern-plan-memory`, and loops instead of linalg.

    Before:
        func.func @forward(%arg0: memref<4xf32>, %arg1: memref<8xi8> {pattern.buffer = "weights"},
            %arg2: memref<4xf32>, %arg3: memref<64xi8> {pattern.buffer = "arena"}) {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c4 = arith.constant 4 : index
          scf.parallel (%arg4) = (%c0) to (%c4) step (%c1) {
            %0 = memref.load %arg0[%arg4] : memref<4xf32>
            memref.store %0, %arg2[%arg4] : memref<4xf32>
            scf.reduce
          }
          return
        }

    After:
        module attributes {pattern.buffers = [["arena", "arena", memref<64xi8>], ["weights",
          "weights", memref<8xi8>], ["input", "input0", memref<4xf32>], ["output",
          "output0", memref<4xf32>]], pattern.layers = [@layer_0]} {
          func.func @layer_0(%arg0: memref<64xi8>, %arg1: memref<8xi8>, %arg2:
            memref<4xf32>, %arg3: memref<4xf32>, %arg4: index, %arg5: index) attributes
            {llvm.passthrough = ["no-builtins"], pattern.extent = 4 : i64, pattern.place =
            "-:6:7", pattern.work = {bytes = 0 : i64, cycles = 4 : i64, kernel = "loops",
            layout = "", multiplications = 0 : i64, tile = ""}} {
            %c1 = arith.constant 1 : index
            scf.parallel (%arg6) = (%arg4) to (%arg5) step (%c1) {
              %0 = memref.load %arg2[%arg6] : memref<4xf32>
              memref.store %0, %arg3[%arg6] : memref<4xf32>
              scf.reduce
            }
            return
          }
        }
    """

    name: ClassVar[str] = "pattern-outline-layers"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Outline every layer, then drop the network's function."""
        if LAYERS in module.attributes:
            return
        function = forward_function(module)
        order = _buffer_order(function)
        _describe_buffers(module, function, order)
        block = only_block(function)
        producers = {result: op for op in block.operations for result in op.operation.results}
        names = []
        for index, group in enumerate(_groups(block, producers)):
            layer = _Layer(function, order, producers)
            layer.build(f"layer_{index}", group)
            names.append(ir.FlatSymbolRefAttr.get(f"layer_{index}"))
        module.attributes[LAYERS] = ir.ArrayAttr.get(names)
        function.operation.erase()


class _Layer:
    """Builds one layer's function out of operations of the network's."""

    def __init__(self, function: Any, order: list[int], producers: dict[Any, Any]) -> None:
        self._function = function
        self._arguments = [function.regions[0].blocks[0].arguments[i] for i in order]
        self._producers = producers

    def build(self, name: str, group: list[Any]) -> None:
        """Move the operations of ``group`` into a new function before the network's."""
        cycles = round(PLAIN_CYCLES * sum(iterations(op.operation) for op in group))
        index = ir.IndexType.get()
        types = [*(_passed(argument.type) for argument in self._arguments), index, index]
        with ir.InsertionPoint(self._function), group[0].location:
            layer = func.FuncOp(name, (types, []))
            self._block = layer.add_entry_block()
            with ir.InsertionPoint(self._block):
                self._return = func.ReturnOp([])
        self._values = dict(zip(self._arguments, self._block.arguments, strict=False))
        for op in group:
            op.operation.move_before(self._return.operation)
            self._rewire(op.operation)
        extent = _restrict(group, *list(self._block.arguments)[-2:])
        # LLVM must not make calls of memset or memcpy out of loops: libm is the only import.
        layer.attributes["llvm.passthrough"] = ir.ArrayAttr.get([ir.StringAttr.get("no-builtins")])
        layer.attributes[EXTENT] = i64(extent)
        layer.attributes[PLACE] = ir.StringAttr.get(place(group[0].location))
        for known in (BOUNDARIES, RESULT, WORK):
            if known in group[0].operation.attributes:
                layer.attributes[known] = group[0].operation.attributes[known]
        if WORK not in layer.attributes:
            layer.attributes[WORK] = Work("loops", 0, 0, "", "", cycles).attribute()

    def _rewire(self, op: Any) -> None:
        """Make ``op`` and all within it use this function's values."""
        for position, operand in enumerate(op.operands):
            if operand in self._values or operand in self._producers:
                op.operands[position] = self._value(operand, op)
        for region in op.regions:
            for block in region.blocks:
                for inner in block.operations:
                    self._rewire(inner.operation)

    def _value(self, operand: Any, user: Any) -> Any:
        """Return this function's value for ``operand``; its pure producer is cloned."""
        if operand not in self._values:
            producer = self._producers[operand].operation
            if producer.block == self._block:
                return operand
            clone = producer.clone(ip=ir.InsertionPoint.at_block_begin(self._block))
            for result, copy in zip(producer.results, clone.results, strict=True):
                self._values[result] = copy
            self._rewire_clone(clone)
        return self._values[operand]

    def _rewire_clone(self, clone: Any) -> None:
        for position, operand in enumerate(clone.operands):
            clone.operands[position] = value = self._value(operand, clone)
            # Clones go to the front, users before what they use: put them right.
            if not isinstance(value.owner, ir.Block) and clone.is_before_in_block(value.owner):
                clone.move_after(value.owner)


def _passed(type_: Any) -> Any:
    """Return the type that a buffer is passed as: one of no elements has no strides in LLVM."""
    return ir.MemRefType.get([0], type_.element_type) if 0 in type_.shape else type_


def iterations(op: Any) -> int:
    """Return how often the innermost loops in ``op`` run; a loop of unknown length counts once."""
    inner = [
        iterations(child.operation)
        for region in op.regions
        for block in region.blocks
        for child in block.operations
    ]
    if op.name not in ("scf.parallel", "scf.for"):
        return sum(inner)
    # Lower bounds, upper bounds and steps; neither kind reduces anything here.
    rank = 1 if op.name == "scf.for" else len(op.operands) // 3
    count = 1
    for dimension in range(rank):
        low, high, step = (_constant(op.operands[part * rank + dimension]) for part in range(3))
        if low is not None and high is not None and step is not None:
            count *= max(0, -(-(high - low) // step))
    return count * (sum(inner) or 1)


def _is_pure(op: Any) -> bool:
    return op.name.startswith(PURE_PREFIXES) or op.name in VIEWS


def _groups(block: Any, producers: dict[Any, Any]) -> list[list[Any]]:
    """Return the operations of each layer, in order."""
    operations = list(block.operations)
    positions = {op.operation: index for index, op in enumerate(operations)}
    groups: list[list[Any]] = []
    reach = -1
    for index, op in enumerate(operations[:-1]):
        # Something pure may hang on a value that an operation with effects computed.
        if _is_pure(op.operation) and not (index <= reach and _depends_on(op, groups[-1])):
            continue
        if index > reach or not groups:
            groups.append([])
        groups[-1].append(op)
        used = (use.owner.operation for result in op.operation.results for use in result.uses)
        reach = max([reach, *(positions[_outermost(user, block)] for user in used)])
    if len(operations[-1].operation.operands):
        raise OperationFailure(
            operations[-1], "the network returns values; run pattern-results-to-arguments before"
        )
    return groups


def _depends_on(op: Any, group: list[Any]) -> bool:
    results = {result for member in group for result in member.operation.results}
    return any(operand in results for operand in op.operation.operands)


def _outermost(op: Any, block: Any) -> Any:
    while op.block != block:
        op = op.parent.operation
    return op


def _restrict(group: list[Any], lo: Any, hi: Any) -> int:
    """Make the outermost parallel loop run from lo to hi; return how often it ran before."""
    op = group[0]
    if EXTENT in op.operation.attributes:
        op.operation.operands[-2], op.operation.operands[-1] = lo, hi
        return int(ir.IntegerAttr(op.operation.attributes[EXTENT]).value)
    if len(group) > 1 or not isinstance(op, scf.ParallelOp) or len(op.operation.results):
        return 1
    rank = len(op.operation.operands) // 3
    for dimension in range(rank):
        lower, upper, step = (op.operation.operands[part * rank + dimension] for part in range(3))
        bounds = [_constant(value) for value in (lower, upper, step)]
        if bounds[0] == 0 and bounds[2] == 1 and bounds[1] is not None and bounds[1] > 1:
            op.operation.operands[dimension] = lo
            op.operation.operands[rank + dimension] = hi
            for value in (lower, upper):
                if not any(True for _ in value.uses):
                    value.owner.erase()
            return int(bounds[1])
    return 1


def _constant(value: Any) -> int | None:
    producer = None if isinstance(value.owner, ir.Block) else value.owner.opview
    return producer.literal_value if isinstance(producer, arith.ConstantOp) else None


def _buffer_order(function: Any) -> list[int]:
    """Return the arguments' positions in the order arena, weights, inputs, outputs."""
    roles = [buffer_role(attributes) for attributes in argument_attributes(function)]
    if roles.count("arena") != 1 or roles.count("weights") != 1:
        raise OperationFailure(
            function, "needs an arena and weights; run pattern-pack-weights, pattern-plan-memory"
        )
    others = [index for index, role in enumerate(roles) if not role]
    return [roles.index("arena"), roles.index("weights"), *others]


def _describe_buffers(module: Any, function: Any, order: list[int]) -> None:
    """Write down each buffer's role, name and type: inputs stand before the weights."""
    attributes = argument_attributes(function)
    weights = order[1]
    descriptions, counts = [], Counter[str]()
    for index in order:
        role = buffer_role(attributes[index])
        name = role
        if not role:
            role = "input" if index < weights else "output"
            name = f"{role}{counts[role]}"
            counts[role] += 1
        if NAME_ATTRIBUTE in attributes[index]:
            name = ir.StringAttr(attributes[index][NAME_ATTRIBUTE]).value
        words = [ir.StringAttr.get(role), ir.StringAttr.get(name)]
        sign = [ir.UnitAttr.get()] if UNSIGNED_ATTRIBUTE in attributes[index] else []
        type_ = ir.TypeAttr.get(function.type.inputs[index])
        descriptions.append(ir.ArrayAttr.get([*words, type_, *sign]))
    module.attributes[BUFFERS] = ir.ArrayAttr.get(descriptions)
