"""What an exported program must be before it is imported; each refusal says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument

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
    torch.ops.aten.feature_alpha_dropout.default: 2,
    torch.ops.aten.rrelu.default: 3,
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
    """Raise `ImportFailure` for a model in training mode, or values that cannot be compiled."""
    for node in exported.graph.nodes:
        position = TRAINING_ARGUMENTS.get(node.target)
        if position is None or len(node.args) <= position or node.args[position] is not True:
            continue
        if node.target is torch.ops.aten.batch_norm.default and node.args[3] is None:
            raise ImportFailure(
                f"the batch norm at {place(node)} keeps no statistics, so an image's result depends"
                " on the others of its batch; build it with track_running_stats=True"
            )
        raise ImportFailure(
            f"the model was exported in training mode ({node.target} at {place(node)});"
            " call model.eval() before torch.export.export"
        )
    _check_values(exported)
    _check_shapes(exported)


def check_functional(exported: ExportedProgram) -> None:
    """Raise `ImportFailure` for a decomposed model that changes a buffer or an input."""
    signature = exported.graph_signature
    for name in signature.buffers_to_mutate.values():
        raise ImportFailure(
            f"the model changes '{name}' while it runs; compiled networks keep no state, return"
            " the new value as an output"
        )
    for name in signature.user_inputs_to_mutate.values():
        raise ImportFailure(
            f"the model changes its input '{name}' in place; make the operation on it not in place"
        )


def _check_values(exported: ExportedProgram) -> None:
    """Raise `ImportFailure` for an input or output that is no tensor, or of an unknown type."""
    signature = exported.graph_signature
    for spec in signature.input_specs:
        if spec.kind == InputKind.USER_INPUT and not isinstance(spec.arg, TensorArgument):
            raise ImportFailure(
                f"input '{spec.arg.name}' is no tensor but {_described(spec.arg)};"
                " make it an attribute of the module, or a tensor"
            )
    outputs = [s for s in signature.output_specs if s.kind == OutputKind.USER_OUTPUT]
    for index, output in enumerate(outputs):
        if not isinstance(output.arg, TensorArgument):
            raise ImportFailure(
                f"output {index} is no tensor but {_described(output.arg)};"
                " let the model return tensors only"
            )
    targets = {spec.arg.name: spec.target for spec in signature.input_specs if spec.target}
    for node in exported.graph.nodes:
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            continue
        # An unused buffer does no harm, such as the batches that a batch norm counts.
        is_used = bool(node.users) or node.name not in targets
        if node.op == "placeholder" and is_used and value.dtype not in DTYPES:
            kind = "parameter" if node.name in targets else "input"
            raise ImportFailure(
                f"{kind} '{targets.get(node.name, node.name)}' has element type"
                f" {_name(value.dtype)}; convert the model to float32"
                f" (known are {', '.join(map(_name, DTYPES))})"
            )
        if node.op == "call_function" and value.is_complex():
            raise ImportFailure(
                f"the result of {node.target} at {place(node)} is complex; compiled networks"
                " compute with real numbers"
            )


def _described(argument: Any) -> str:
    value = getattr(argument, "value", argument)
    return "None" if value is None else f"the {type(value).__name__} {value}"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _check_shapes(exported: ExportedProgram) -> None:
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
