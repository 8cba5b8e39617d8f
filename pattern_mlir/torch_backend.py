"""`torch.compile(model, backend="pattern_mlir")`: the compiler as a TorchDynamo back end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._dynamo.source import LocalSource

from pattern_mlir.compiler import compile as compile_program
from pattern_mlir.errors import CompileError


class _WithConstants(torch.nn.Module):
    """A captured graph whose weights are its own, so that only real inputs are arguments."""

    def __init__(self, graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> None:
        super().__init__()
        self.graph_module = graph
        self.constants = {i: inputs[i] for i in _constant_inputs(graph, inputs)}
        for i, value in self.constants.items():
            self.register_buffer(f"constant_{i}", value.detach())
        self.count = len(inputs)

    def forward(self, *arguments: Any) -> Any:
        remaining = iter(arguments)
        return self.graph_module(
            *(
                getattr(self, f"constant_{i}") if i in self.constants else next(remaining)
                for i in range(self.count)
            )
        )


def _constant_inputs(graph: torch.fx.GraphModule, inputs: Sequence[Any]) -> list[int]:
    """Return which inputs are tensors of the model itself, not arguments of the call."""
    placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
    return [
        i
        for i, (node, value) in enumerate(zip(placeholders, inputs, strict=True))
        if getattr(value, "_dynamo_static_input_type", None) is not None
        and not isinstance(getattr(node.meta.get("grapharg"), "source", None), LocalSource)
    ]


def compile_graph(graph: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
    """Compile a captured graph; the signature is TorchDynamo's for back ends.

    Weights are taken as they are now: compile again after changing them.

    Raises:
        CompileError: gradients are asked for, which the compiled code does not compute, or sizes
            or numbers change from call to call.
    """
    if torch.is_grad_enabled() and any(
        isinstance(value, torch.Tensor) and value.requires_grad for value in example_inputs
    ):
        raise CompileError(
            "the pattern_mlir back end computes no gradients;"
            " call the model under torch.no_grad() or torch.inference_mode()"
        )
    if any(isinstance(value, (torch.SymInt, torch.SymFloat)) for value in example_inputs):
        raise CompileError(
            "the pattern_mlir back end needs fixed sizes and numbers;"
            " call torch.compile with dynamic=False"
        )
    wrapper = _WithConstants(graph, example_inputs).eval()
    inputs = [value for i, value in enumerate(example_inputs) if i not in wrapper.constants]
    exported = torch.export.export(wrapper, tuple(inputs))
    model = compile_program(exported)

    def call(*arguments: Any) -> Any:
        return model(*(a for i, a in enumerate(arguments) if i not in wrapper.constants))

    return call
