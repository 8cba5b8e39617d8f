"""How torch-mlir's importer sees parameters and places: as names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch_mlir import ir
from torch_mlir.extras.fx_importer import ContextCache, FxImporterHooks

from pattern_mlir.dialects import ParameterOp
from pattern_mlir.importer.checks import place
from pattern_mlir.parameters import ParameterStore

INTEGER_WIDTHS = {
    torch.int64: 64,
    torch.int32: 32,
    torch.int16: 16,
    torch.int8: 8,
    torch.uint8: 8,
}


class ParameterHooks(FxImporterHooks):
    """Turns every parameter, buffer and constant tensor into a `pattern.parameter`."""

    def __init__(self, tensors: Mapping[str, Any], parameters: ParameterStore) -> None:
        """Read ``tensors`` by name; put the arrays of those that are used into ``parameters``."""
        self._tensors = tensors
        self._parameters = parameters
        self._names: dict[tuple[Any, ...], str] = {}
        self._constants = 0

    def resolve_literal(self, gni: Any, literal: Any, info: Any) -> Any:
        """Return the value of a tensor, or None for the importer's own way."""
        if not isinstance(literal, torch.Tensor) or literal.numel() == 0:
            return None
        name = info.input_spec.target if info is not None else None
        tensor = self._tensors.get(name, literal) if name is not None else literal
        tensor = tensor.detach().contiguous()
        name = self._unique_name(name, tensor)
        vtensor = gni._cc.tensor_to_vtensor_type(tensor)
        parameter = ParameterOp.build(
            name, ir.RankedTensorType.get(list(tensor.shape), _element_type(tensor.dtype))
        )
        cast = ir.Operation.create(
            "torch_c.from_builtin_tensor", results=[vtensor], operands=[parameter.result]
        )
        return cast.result

    def _unique_name(self, name: str | None, tensor: torch.Tensor) -> str:
        """Return the name of the parameter; tied weights (the same memory) share one."""
        key = (tensor.data_ptr(), tuple(tensor.shape), tensor.dtype)
        if key not in self._names:
            if name is None:
                name, self._constants = f"constant.{self._constants}", self._constants + 1
            array = tensor.numpy()
            if tensor.dtype == torch.uint8:  # integers have no sign in MLIR
                array = array.view(np.int8)
            self._parameters.add(name, array)
            self._names[key] = name
        return self._names[key]


class NamedLocations(ContextCache):
    """Gives operations the location `loc("layer1.0.conv1"(file:line))`."""

    def get_node_location(self, node: torch.fx.Node) -> Any:
        """Return the module's path in the model, around the source line."""
        source = super().get_node_location(node) or ir.Location.unknown(context=self._c)
        return ir.Location.name(place(node), childLoc=source, context=self._c)


def _element_type(dtype: torch.dtype) -> Any:
    if dtype in INTEGER_WIDTHS:
        return ir.IntegerType.get_signless(INTEGER_WIDTHS[dtype])
    if dtype == torch.bool:
        return ir.IntegerType.get_signless(1)
    types = {torch.float16: ir.F16Type, torch.float32: ir.F32Type, torch.float64: ir.F64Type}
    return types[dtype].get()
