"""Folding of batch norms into the convolutions and linear layers before them."""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram

aten = torch.ops.aten
FOLDABLE = (aten.conv2d.default, aten.conv2d.padding, aten.linear.default)
BATCH_NORMS = (aten.batch_norm.default, aten._native_batch_norm_legit_no_training.default)
"""Both take (input, weight, bias, mean, variance, …); epsilon is the argument at `EPSILON`."""
EPSILON = {BATCH_NORMS[0]: 7, BATCH_NORMS[1]: 6}


def fold_batch_norms(exported: ExportedProgram, tensors: dict[str, Any]) -> None:
    """Fold each batch norm whose producer has no other user; arithmetic in fp64.

    Changes ``exported``'s graph and the entries of ``tensors`` (by parameter name), never a
    tensor itself. A producer whose weight something else uses keeps its batch norm.
    """
    names = {
        spec.arg.name: spec.target
        for spec in exported.graph_signature.input_specs
        if spec.target is not None
    }
    for node in list(exported.graph.nodes):
        if node.op == "call_function" and node.target in BATCH_NORMS:
            _fold(exported.graph, node, names, tensors)
    exported.graph.eliminate_dead_code()
    exported.graph_module.recompile()


def _fold(graph: torch.fx.Graph, norm: Any, names: dict[str, str], tensors: dict[str, Any]) -> None:
    producer = norm.args[0]
    if not isinstance(producer, torch.fx.Node) or producer.target not in FOLDABLE:
        return
    arguments: list[Any] = [*producer.args, None][: max(3, len(producer.args))]
    weight, bias = arguments[1:3]
    gamma, beta, mean, variance = norm.args[1:5]
    # The folded bias takes the place of a parameter that nothing else reads.
    carrier: Any = next((p for p in (bias, beta, mean) if p is not None), None)
    owned = [p for p in (producer, weight, carrier) if isinstance(p, torch.fx.Node)]
    if len(owned) != 3 or any(len(p.users) != 1 for p in owned):
        return
    if any(isinstance(p, torch.fx.Node) and p.name not in names for p in (weight, carrier)):
        return

    def value(node: Any, default: float) -> torch.Tensor:
        if node is None:
            return torch.full_like(value(variance, 0.0), default)
        tensor: torch.Tensor = tensors[names[node.name]]
        return tensor.detach().double()

    epsilon = norm.args[EPSILON[norm.target]]
    scale = value(gamma, 1.0) / torch.sqrt(value(variance, 1.0) + epsilon)
    old = tensors[names[weight.name]]
    folded = old.detach().double() * scale.reshape(-1, *[1] * (old.dim() - 1))
    shifted = value(beta, 0.0) + (value(bias, 0.0) - value(mean, 0.0)) * scale
    tensors[names[weight.name]] = folded.to(old.dtype)
    tensors[names[carrier.name]] = shifted.to(old.dtype)

    arguments[2] = carrier
    with graph.inserting_before(norm):
        fused = graph.call_function(producer.target, tuple(arguments))
    fused.meta = {**producer.meta, "val": producer.meta["val"]}
    if norm.target is BATCH_NORMS[0]:
        norm.replace_all_uses_with(fused)
    else:
        for user in list(norm.users):
            user.replace_all_uses_with(fused)
            graph.erase_node(user)
    graph.erase_node(norm)
    graph.erase_node(producer)
