"""`pattern-assign-layouts`: a layout for every tensor, chosen over the whole graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir.cost import Machine
from pattern_mlir.dialects import ConvOp, shape_of
from pattern_mlir.dialects.half_sums import HALF_SUMS
from pattern_mlir.dialects.layout import RelayoutOp, layout_of, with_layout
from pattern_mlir.layouts import Blocks, LaneLayout, grids
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import MachinePass, walk
from pattern_mlir.passes.lane_operations import LaneOperation, describe, lane_operands
from pattern_mlir.relayout_cost import change_cycles

MULTIPLES = (1, 2, 4)
"""Blocks are multiples of these, so that those of strided consumers fit."""


LARGEST_SHORT = 4
"""Rows or columns of a plane for which vectors shorter than the machine's are tried."""


_Table = npt.NDArray[np.float64]

_Factor = tuple[tuple[int, ...], _Table]
"""Nodes, and what their ways cost together: a table with an axis for each."""


@dataclass(frozen=True)
class PatternAssignLayouts(MachinePass):
    """Choose lane blocks for the tensors where they pay, at the least cost over the whole graph.

    The grid and block of an operation's result fix those of its inputs; where a producer chose
    otherwise, or has no kernel in lane blocks, a `pattern.relayout` stands between, at its price.
    All choices are made together: the sum of the costs of kernels, plain loops and relayouts
    (`pattern_mlir.cost`) is the least there is; two that read a tensor in the same layout share
    its copy. Then every tensor gets the halo and the fill that
    its consumers read; its producer writes them. A consumer of another fill gets a relayout.
    Kernels that permute the lanes of a block's own vectors instead read no halo along that axis.

    ``processor`` is the target's; ``lanes`` and ``registers`` unless 0 are other vectors for it.

    Precondition: `pattern-detect`. Source: lane blocks, docs/architecture.md.

    Before (lanes = 4):
        func.func @f(%arg0: tensor<1x32x8x8xf32>) -> tensor<1x32x8x8xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<32x32x3x3xf32>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>,
            strides = array<i64: 1, 1>}
            : (tensor<1x32x8x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x8x8xf32>
          return %1 : tensor<1x32x8x8xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x32x8x8xf32>) -> tensor<1x32x8x8xf32> {
          %0 = "pattern.parameter"() {name = "w"} : () -> tensor<32x32x3x3xf32>
          %1 = "pattern.relayout"(%arg0) : (tensor<1x32x8x8xf32>) -> tensor<1x32x8x8xf32,
            #pattern.lanes<[2, 2], [4, 4], [0, 0, 0, 0], 0.000000e+00 : f32>>
          %2 = "pattern.conv"(%1, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>,
            strides = array<i64: 1, 1>} : (tensor<1x32x8x8xf32, #pattern.lanes<[2, 2], [4, 4], [0,
            0, 0, 0], 0.000000e+00 : f32>>, tensor<32x32x3x3xf32>) -> tensor<1x32x8x8xf32,
            #pattern.lanes<[2, 2], [4, 4], [0, 0, 0, 0], 0.000000e+00 : f32>>
          %3 = "pattern.relayout"(%2) : (tensor<1x32x8x8xf32, #pattern.lanes<[2, 2], [4, 4], [0,
            0, 0, 0], 0.000000e+00 : f32>>) -> tensor<1x32x8x8xf32>
          return %3 : tensor<1x32x8x8xf32>
        }
    """

    name: ClassVar[str] = "pattern-assign-layouts"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Choose, then write the layouts into the types."""
        nodes = []
        # Where sums are f16, vectors hold twice as many of them.
        long_halves = any(HALF_SUMS in conv.attributes for conv in walk(module, ConvOp))
        for op in walk(module, ir.OpView):
            description = describe(op, parameters)
            if description is not None and not _has_layouts(op):
                nodes.append(_Node(op, description, self.machine, long_halves))
        edges = list(_edges(nodes))
        chosen = solve([node.costs for node in nodes], edges)
        for node, way in zip(nodes, chosen, strict=True):
            node.chosen = node.ways[way]
        running = [node for node in nodes if node.chosen is not None]
        layouts = _joined_layouts(running)
        copies = _Copies(running, layouts)
        for node in running:
            node.rewrite(layouts, copies)
        means = {node.op.operation for node in running if node.description.writes_plain}
        for value in layouts:
            _restore_plain_uses(value, means)


def _has_layouts(op: Any) -> bool:
    """Whether an earlier run chose layouts for ``op``."""
    values = [op.result, *(op.operation.operands[i] for i in lane_operands(op))]
    return any(layout_of(value) is not None for value in values)


class _Node:
    """An operation, the ways to run it, and what each costs; way 0 is plain loops."""

    def __init__(
        self, op: Any, description: LaneOperation, machine: Machine, long_halves: bool
    ) -> None:
        self.op = op
        self.description = description
        self.machine = machine
        self.chosen: Blocks | None = None
        self.ways: list[Blocks | None] = [None]
        costs = [machine.overhead * description.plain_cycles]
        lengths = [own.lanes for own in machine.vectors()]
        if long_halves and description.element == "f16":
            lengths.insert(0, 2 * machine.lanes)
        for lanes, grid in ((n, grid) for n in lengths for grid in grids(n)):
            if lanes != lengths[0] and max(description.input_plane) > LARGEST_SHORT:
                continue
            vectors = description.machine(machine, lanes)
            for block in sorted({description.result_block(grid, m) for m in MULTIPLES}):
                for rows in description.row_ways(grid, block):
                    self.ways.append((grid, block, rows))
                    costs.append(description.cycles(vectors, block, rows))
        self.costs = np.array(costs)

    def inputs(self) -> list[tuple[int, Any]]:
        """Return position and value of the operands that lie in lane blocks as the result does."""
        return [(i, self.op.operation.operands[i]) for i in lane_operands(self.op)]

    def required(self, position: int, way: Blocks | None) -> Blocks | None:
        """Return grid and block that ``way`` needs operand ``position`` in."""
        if way is None:
            return None
        grid, block, rows = way
        if position == 0 or self.op.operation.name != "pattern.conv":
            return grid, self.description.source_block(block), rows
        return grid, self.description.sums_block(block), rows

    def layout(self, position: int) -> LaneLayout:
        """Return the layout that the chosen way reads operand ``position`` in."""
        blocks = self.required(position, self.chosen)
        assert blocks is not None
        if position:
            return _layout(blocks)
        assert self.chosen is not None
        grid, block, rows = self.chosen
        vectors = self.description.machine(self.machine, grid[0] * grid[1])
        halo = self.description.read_halo(vectors, block, rows)
        return replace(_layout(blocks), halo=halo, fill=self.description.fill or 0.0)

    def copy_key(self, position: int, value: Any, layouts: dict[Any, LaneLayout]) -> Any:
        """Return what copy of operand ``position`` the operation reads; None for no copy."""
        needed = self.layout(position)
        fill = None if position else self.description.fill
        if value in layouts and _serves(layouts[value], needed, fill):
            return None
        return value, needed.blocks, needed.fill

    def rewrite(self, layouts: dict[Any, LaneLayout], copies: _Copies) -> None:
        """Write the result's layout into its type; read copies of what has another layout."""
        for position, value in self.inputs():
            key = self.copy_key(position, value, layouts)
            if key is not None:
                self.op.operation.operands[position] = copies.get(key, self.op)
        result = self.op.result
        if not self.description.writes_plain:
            result.set_type(with_layout(result.type, layouts[result]))


def _layout(blocks: Blocks) -> LaneLayout:
    grid, block, rows = blocks
    return LaneLayout(grid, block, rows=rows)


class _Copies:
    """Copies of tensors in other layouts: one for all that read the same blocks.

    A plain copy in another element type is not made first: a relayout converts, too.
    """

    def __init__(self, nodes: Sequence[_Node], layouts: dict[Any, LaneLayout]) -> None:
        """Join the halos of those of ``nodes`` that read the same copy."""
        self._layouts: dict[Any, LaneLayout] = {}
        self._made: dict[Any, Any] = {}
        for node in nodes:
            for position, value in node.inputs():
                key, needed = node.copy_key(position, value, layouts), node.layout(position)
                if key is not None:
                    self._layouts[key] = _joined(self._layouts.get(key, needed), needed)

    def get(self, key: Any, user: Any) -> Any:
        """Return the copy; the first ``user`` in program order has it made before it."""
        if key not in self._made:
            value, element = key[0], key[0].type.element_type
            producer = None if isinstance(value.owner, ir.Block) else value.owner.opview
            if isinstance(producer, RelayoutOp) and layout_of(value) is None:
                value = producer.input
            with ir.InsertionPoint(user), user.location:
                self._made[key] = RelayoutOp.build(value, self._layouts[key], element).result
        return self._made[key]


def _joined(layout: LaneLayout, other: LaneLayout) -> LaneLayout:
    """Return ``layout`` with a halo as wide as that of ``other``, too."""
    top, left, bottom, right = map(max, layout.halo, other.halo)
    return replace(layout, halo=(top, left, bottom, right))


def _serves(layout: LaneLayout, needed: LaneLayout, fill: float | None) -> bool:
    """Whether an operation can read a tensor in ``layout`` that it needs as ``needed``."""
    return (
        layout.blocks == needed.blocks
        and all(own >= need for own, need in zip(layout.halo, needed.halo, strict=True))
        and (fill is None or layout.fill == fill)
    )


def _joined_layouts(nodes: Sequence[_Node]) -> dict[Any, LaneLayout]:
    """Return the layout of each result: the largest halo, and the fill, that its readers need."""
    layouts = {}
    for node in nodes:
        assert node.chosen is not None
        if not node.description.writes_plain:
            layouts[node.op.result] = _layout(node.chosen)
    fills: dict[Any, set[float]] = {}
    for node in nodes:
        for position, value in node.inputs():
            own, needed = layouts.get(value), node.layout(position)
            if own is None or own.blocks != needed.blocks:
                continue
            layouts[value] = _joined(own, needed)
            if not position and node.description.fill is not None:
                fills.setdefault(value, set()).add(node.description.fill)
    for value, wanted in fills.items():
        if len(wanted) == 1:
            layouts[value] = replace(layouts[value], fill=wanted.pop())
    return layouts


def _edges(nodes: Sequence[_Node]) -> Iterator[_Factor]:
    """Yield what changes of layout cost between each producer and those that read its result.

    Two that read it in the same layout share a copy; of more, each is taken to need its own. What
    a tensor costs that comes from elsewhere, or goes elsewhere, is added to the node.
    """
    indices = {
        node.op.result: number
        for number, node in enumerate(nodes)
        if not node.description.writes_plain
    }
    readers: dict[int, list[tuple[int, list[Blocks | None]]]] = {}
    for number, node in enumerate(nodes):
        for position, value in node.inputs():
            needs = [node.required(position, way) for way in node.ways]
            if value in indices:
                readers.setdefault(indices[value], []).append((number, needs))
                continue
            node.costs = node.costs + _changes(node.machine, value, [None], needs)[0]
    for producer, own in readers.items():
        node = nodes[producer]
        changes = [_changes(node.machine, node.op.result, node.ways, needs) for _, needs in own]
        if len(own) == 2 and own[0][0] != own[1][0]:
            (one, first), (other, second) = own
            yield (producer, one, other), for_two_readers(changes[0], changes[1], first, second)
            continue
        for (number, _), costs in zip(own, changes, strict=True):
            yield (producer, number), costs
    known = {(node.op.operation, position) for node in nodes for position, _ in node.inputs()}
    for node in nodes:
        if node.description.writes_plain:
            continue
        uses = {(use.owner.operation, use.operand_number) for use in node.op.result.uses}
        if uses - known:
            plain = _changes(node.machine, node.op.result, node.ways, [None])
            node.costs = node.costs + plain[:, 0]


def _changes(
    machine: Machine, value: Any, made: Sequence[Blocks | None], needed: Sequence[Blocks | None]
) -> _Table:
    """Return what it costs to change each layout of ``value`` into each; None is plain."""
    images, channels, *plane = shape_of(value)
    size = (plane[0], plane[1])
    return np.array(
        [[change_cycles(machine, images * channels, size, a, b) for b in needed] for a in made]
    )


def for_two_readers(
    one: _Table, other: _Table, first: Sequence[Blocks | None], second: Sequence[Blocks | None]
) -> _Table:
    """Return what copies cost for two readers of a tensor, [ways of producer, first, second].

    ``one`` and ``other`` are what each costs alone, [ways of producer, ways of reader]; ``first``
    and ``second`` are the layouts that their ways need. They share a copy in the same layout.
    """
    same = np.array([[float(a == b) for b in second] for a in first])
    return np.asarray(one[:, :, None] + other[:, None, :] - one[:, :, None] * same)


def _restore_plain_uses(value: Any, means: set[Any]) -> None:
    """Give users of ``value`` that know no layouts a plain copy; ``means`` know them."""
    users = [use for use in value.uses if not (use.owner.operation in means or _takes_lanes(use))]
    if not users:
        return
    with ir.InsertionPoint.after(value.owner), value.owner.location:
        plain = RelayoutOp.build(value, None).result
    for use in users:
        use.owner.operation.operands[use.operand_number] = plain


def _takes_lanes(use: Any) -> bool:
    user = use.owner.opview
    if isinstance(user, RelayoutOp):
        return True
    if len(user.operation.results) != 1:
        return False
    type_ = user.operation.results[0].type
    return (
        isinstance(type_, ir.RankedTensorType)
        and layout_of(user.operation.results[0]) is not None
        and use.operand_number in lane_operands(user)
    )


def solve(costs: Sequence[_Table], edges: Sequence[_Factor]) -> list[int]:
    """Return the way of each node with the least sum of node and edge costs: exactly.

    Eliminates variables one after the other, that with the fewest neighbours first; CNN graphs
    are narrow, so the tables stay small.
    """
    factors: list[_Factor] = [((node,), table) for node, table in enumerate(costs)]
    factors += edges
    eliminated: list[tuple[int, tuple[int, ...], npt.NDArray[np.intp]]] = []
    remaining = set(range(len(costs)))
    while remaining:
        node = min(remaining, key=lambda n: (len(_neighbours(n, factors)), n))
        scope = (*sorted(_neighbours(node, factors)), node)
        table = sum(_aligned(own, scope, costs) for own in factors if node in own[0])
        factors = [own for own in factors if node not in own[0]]
        factors.append((scope[:-1], np.min(table, axis=-1)))
        eliminated.append((node, scope[:-1], np.argmin(table, axis=-1)))
        remaining.remove(node)
    chosen = [0] * len(costs)
    for node, scope, best in reversed(eliminated):
        chosen[node] = int(best[tuple(chosen[other] for other in scope)])
    return chosen


def _neighbours(node: int, factors: Any) -> set[int]:
    return {other for scope, _ in factors if node in scope for other in scope} - {node}


def _aligned(factor: Any, scope: tuple[int, ...], costs: Any) -> Any:
    """Return a factor's table with one axis for each node of ``scope``, of size 1 where unused."""
    own, table = factor
    order = sorted(range(len(own)), key=lambda axis: scope.index(own[axis]))
    shape = [len(costs[node]) if node in own else 1 for node in scope]
    return np.transpose(table, order).reshape(shape)
