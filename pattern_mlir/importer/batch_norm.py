"""Folding of batch norms into the convolutions and linear layers before them.

What does not fold becomes a product and a sum, a number a channel each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.export import ExportedProgram

aten = torch.ops.aten
TRANSPOSED = aten.conv_transpose2d.input
FOLDABLE = (aten.conv2d.default, aten.conv2d.padding, aten.linear.default, TRANSPOSED)
BATCH_NORMS = (aten.batch_norm.default, aten._native_batch_norm_legit_no_training.default)
"""Both take (input, weight, bias, mean, variance, …); epsilon is the argument at `EPSILON`."""
EPSILON = {BATCH_NORMS[0]: 7, BATCH_NORMS[1]: 6}


def fold_batch_norms(exported: ExportedProgram, tensors: dict[str, Any]) -> None:
    """Fold each batch norm whose producer has no other user; arithmetic in fp64.

    Changes ``exported``'s graph and the entries of ``tensors`` (by parameter name), never a
    tensor itself. Where a producer's weight has another user, and where there is no producer,
    the batch norm becomes x * scale + shift.
    """
    names = {
        spec.arg.name: spec.target
        for spec in exported.graph_signature.input_specs
        if spec.target is not None
    }
    graph = exported.graph
    for node in _batch_norms(graph):
        _fold(exported, node, names, tensors)
    for node in _batch_norms(graph):
        if node.users:  # those that share statistics are done together
            _separate(exported, node, names, tensors)
    exported.graph.eliminate_dead_code()
    exported.graph_module.recompile()


def _batch_norms(graph: torch.fx.Graph) -> list[Any]:
    return [n for n in graph.nodes if n.op == "call_function" and n.target in BATCH_NORMS]


def _fold(
    exported: ExportedProgram, norm: Any, names: dict[str, str], tensors: dict[str, Any]
) -> None:
    producer = norm.args[0]
    if not isinstance(producer, torch.fx.Node) or producer.target not in FOLDABLE:
        return
    arguments: list[Any] = [*producer.args, None][: max(3, len(producer.args))]
    weight, bias = arguments[1:3]
    _, beta, mean, _ = norm.args[1:5]
    # The folded bias takes the place of a parameter that nothing else reads.
    carrier: Any = next((p for p in (bias, beta, mean) if p is not None), None)
    owned = [p for p in (producer, weight, carrier) if isinstance(p, torch.fx.Node)]
    if len(owned) != 3 or any(len(p.users) != 1 for p in owned):
        return
    if not _are_parameters([weight, bias, *norm.args[1:5]], names):
        return

    scale, shift = _scale_and_shift(norm, names, tensors)
    old = tensors[names[weight.name]]
    folded = _scaled(producer, old.detach().double(), scale)
    if bias is not None:
        shift = shift + tensors[names[bias.name]].detach().double() * scale
    tensors[names[weight.name]] = folded.to(old.dtype)
    tensors[names[carrier.name]] = shift.to(old.dtype)

    arguments[2] = carrier
    graph = exported.graph
    with graph.inserting_before(norm):
        fused = graph.call_function(producer.target, tuple(arguments))
    fused.meta = dict(producer.meta)
    _replace(exported, norm, fused)
    graph.erase_node(producer)


def _scaled(producer: Any, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Return the weight of ``producer`` with each filter times its entry of ``scale``."""
    if producer.target is not TRANSPOSED:
        return weight * scale.reshape(-1, *[1] * (weight.dim() - 1))
    groups = producer.args[6] if len(producer.args) > 6 else 1
    # Filters of a group are the second dimension; groups of channels the first.
    grouped = weight.reshape(groups, -1, *weight.shape[1:])
    return (grouped * scale.reshape(groups, 1, -1, 1, 1)).reshape(weight.shape)


def _are_parameters(nodes: Sequence[Any], names: dict[str, str]) -> bool:
    """Whether each of ``nodes`` that is there is a tensor of the model."""
    return all(node is None or node.name in names for node in nodes)


def _scale_and_shift(
    norm: Any, names: dict[str, str], tensors: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return s and t, fp64 and one number a channel, such that ``norm`` computes x * s + t."""

    def value(node: Any, default: float) -> Any:
        return default if node is None else tensors[names[node.name]].detach().double()

    gamma, beta, mean, variance = norm.args[1:5]
    deviation = torch.sqrt(value(variance, 1.0) + norm.args[EPSILON[norm.target]])
    scale = value(gamma, 1.0) / deviation
    return scale, value(beta, 0.0) - value(mean, 0.0) * scale


def _separate(
    exported: ExportedProgram, norm: Any, names: dict[str, str], tensors: dict[str, Any]
) -> None:
    """Turn ``norm``, and all that have its arguments, into a product and a sum.

    Scale and shift take the places of its weight and bias, or variance and mean, if nothing else
    reads these.
    """
    gamma, beta, mean, variance = norm.args[1:5]
    rank = norm.args[0].meta["val"].dim()
    equals = [
        node
        for node in variance.users
        if node.target in BATCH_NORMS
        and node.args[1:] == norm.args[1:]
        and node.args[0].meta["val"].dim() == rank
    ]
    carriers = [gamma or variance, beta or mean]
    if any(set(carrier.users) != set(equals) for carrier in carriers):
        return
    if not _are_parameters(norm.args[1:5], names):
        return
    shape = (1, -1, *[1] * (rank - 2))
    for carrier, value in zip(carriers, _scale_and_shift(norm, names, tensors), strict=True):
        old = tensors[names[carrier.name]]
        tensors[names[carrier.name]] = value.reshape(shape).to(old.dtype)
        carrier.meta["val"] = carrier.meta["val"].reshape(shape)
    graph = exported.graph
    for equal in equals:
        with graph.inserting_before(equal):
            product = graph.call_function(aten.mul.Tensor, (equal.args[0], carriers[0]))
            total = graph.call_function(aten.add.Tensor, (product, carriers[1]))
        for node in (product, total):
            node.meta = {**equal.meta, "val": equal.args[0].meta["val"]}
        _replace(exported, equal, total)


def _replace(exported: ExportedProgram, norm: Any, node: Any) -> None:
    """Use ``node`` for the result of ``norm``, which the newer form returns in a tuple."""
    is_tuple = norm.target is not BATCH_NORMS[0]
    for old in list(norm.users) if is_tuple else [norm]:
        old.replace_all_uses_with(node)
        exported.graph_signature.replace_all_uses(old.name, node.name)
        exported.graph.erase_node(old)
    if is_tuple:
        exported.graph.erase_node(norm)
