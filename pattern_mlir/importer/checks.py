"""What an exported program must be before it is imported; each refusal says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, TensorArgument

from pattern_mlir.errors import ImportFailure

DTYPES = (
    torch.float32,
    torch.float64,
    torch.float16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
)
"""Element types of parameters and inputs."""

TRAINING_ARGUMENTS = {
    torch.ops.aten.batch_norm.default: 5,
    torch.ops.aten.dropout.default: 2,
    torch.ops.aten.dropout_.default: 2,
    torch.ops.aten.feature_dropout.default: 2,
    torch.ops.aten.alpha_dropout.default: 2,
}
"""Operations that behave differently in training, and which argument says that they train."""


def place(node: torch.fx.Node) -> str:
    """Return where in the model ``node`` comes from, such as `layer1.0.conv1`."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [str(path) for path, _ in stack.values() if path]
    name = paths[-1] if paths else ""
    for prefix in ("L['self'].", "self."):
        name = name.removeprefix(prefix)
    return name or "the model's forward"


def check_exported(exported: ExportedProgram) -> None:
    """Raise `ImportFailure` for a model in training mode, unknown shapes or changing buffers."""
    for node in exported.graph.nodes:
        position = TRAINING_ARGUMENTS.get(node.target)
        if position is not None and len(node.args) > position and node.args[position] is True:
            raise ImportFailure(
                f"the model was exported in training mode ({node.target} at {place(node)});"
                " call model.eval() before torch.export.export"
            )
    _check_shapes(exported)
    signature = exported.graph_signature
    changed = [*signature.buffers_to_mutate.values(), *signature.user_inputs_to_mutate.values()]
    if changed:
        raise ImportFailure(
            f"the model changes '{changed[0]}' while it runs; compiled networks keep no state,"
            " return the new value as an output"
        )


def _check_shapes(exported: ExportedProgram) -> None:
    for spec in exported.graph_signature.input_specs:
        if spec.kind == InputKind.USER_INPUT and not isinstance(spec.arg, TensorArgument):
            raise ImportFailure(
                f"input '{spec.arg.name}' is no tensor but {type(spec.arg).__name__};"
                " make it an attribute of the module, or a tensor"
            )
    for node in exported.graph.nodes:
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            continue
        unknown = [i for i, size in enumerate(value.shape) if not isinstance(size, int)]
        if unknown and node.op == "placeholder":
            raise ImportFailure(
                f"input '{node.name}' has a dynamic dimension {unknown[0]}; export with fixed"
                " sizes (without dynamic_shapes), once for each size that you need"
            )
        if unknown:
            raise ImportFailure(
                f"the shape of {node.target}'s result depends on data, at {place(node)};"
                " compiled networks need fixed shapes"
            )
        if node.op == "placeholder" and value.dtype not in DTYPES:
            raise ImportFailure(
                f"'{node.name}' has element type {value.dtype}; known are"
                f" {', '.join(str(d).removeprefix('torch.') for d in DTYPES)}"
            )


def check_tensors(exported: ExportedProgram, tensors: Mapping[str, Any]) -> None:
    """Raise `ImportFailure` for a parameter that is not finite."""
    used = {spec.target for spec in exported.graph_signature.input_specs if spec.target}
    for name, tensor in tensors.items():
        if name not in used or not isinstance(tensor, torch.Tensor):
            continue
        # One pass without a temporary: NaN and Inf survive a sum (an overflow is looked into).
        if tensor.is_floating_point() and not torch.isfinite(tensor.sum()):
            kind = "NaN" if tensor.isnan().any() else "Inf" if tensor.isinf().any() else ""
            if kind:
                raise ImportFailure(
                    f"parameter '{name}' holds {kind}; the model was damaged in training or on disk"
                )
