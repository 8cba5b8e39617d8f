"""`pattern-detect`: which convolutions are pattern-sparse, read from the weights themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects import ConvOp, LibraryAttr, ParameterOp, SparseAttr, integer
from pattern_mlir.errors import PipelineError
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import MachinePass, OperationFailure, walk
from pattern_mlir.passes.filters import array_of, is_parameter, split_uses
from pattern_mlir.passes.lane_operations import is_pixel, least_cycles
from pattern_mlir.patterns import Library, detect_library


@dataclass(frozen=True)
class PatternDetect(MachinePass):
    """Find the pattern library of each convolution's weight and write it into the weight's type.

    A weight is pattern-sparse if its kernels that are not empty follow at most ``max_patterns``
    patterns and at least the fraction ``minimum_sparsity`` of it is zero. Patterns have any size
    and any number of taps; a kernel belongs to the smallest pattern that covers it, of equals to
    the first. A convolution that stays dense says why, in `dense_reason`. Convolutions that share
    a parameter share its type. Nothing but zeros is left out: no result changes.

    With a ``processor``, the target's (``lanes`` and ``registers`` unless 0 are other vectors for
    it), a weight whose convolutions would take longer sparse than dense, by `pattern_mlir.cost`,
    stays dense: single weights of a 1x1 convolution cost a load each, dense ones share it.

    Precondition: the arrays of all weights are in the parameter store or in the module. Source:
    arXiv 2001.00138 (pattern and connectivity pruning), 1909.05073.

    Before:
        func.func @f(%arg0: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]],
              [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
              operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
              strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) ->
              tensor<1x2x2x2xf32>
          return %1 : tensor<1x2x2x2xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<[[[[1.000000e+00, 2.000000e+00],
              [0.000000e+00, 0.000000e+00]]], [[[0.000000e+00, 3.000000e+00], [0.000000e+00,
              4.000000e+00]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32,
              #pattern.sparse<#pattern.library<[2, 2], [[0, 1], [1, 3]]>>>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
              operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
              strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32,
              #pattern.sparse<#pattern.library<[2, 2], [[0, 1], [1, 3]]>>>) -> tensor<1x2x2x2xf32>
          return %1 : tensor<1x2x2x2xf32>
        }
    """

    max_patterns: int = 32
    minimum_sparsity: float = 0.1
    processor: str = ""

    name: ClassVar[str] = "pattern-detect"

    def __post_init__(self) -> None:
        """Raise PipelineError where an option is out of range."""
        if self.processor:
            super().__post_init__()
        elif self.lanes or self.registers:
            raise PipelineError("pattern-detect: lanes and registers go with a processor")
        if self.max_patterns < 1:
            raise PipelineError(
                f"pattern-detect: max-patterns must be at least 1, got {self.max_patterns}"
            )
        if not 0 <= self.minimum_sparsity <= 1:
            raise PipelineError(
                "pattern-detect: minimum-sparsity is a fraction from 0 to 1,"
                f" got {self.minimum_sparsity}"
            )

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Set the type of every convolution weight, and the reasons of those that stay dense."""
        for conv in walk(module, ConvOp):
            if not is_parameter(conv.weight):
                _set_reason(conv, "its weight is computed at run time")
        for parameter in walk(module, ParameterOp):
            convolutions, others = split_uses(parameter)
            if not convolutions:
                continue
            found = self._detect(parameter, parameters, convolutions, others)
            if isinstance(found, Library) and self.processor:
                found = self._break_even(found, parameter, parameters, convolutions)
            library = found if isinstance(found, Library) else None
            parameter.result.set_type(_weight_type(parameter.result.type, library))
            for conv in convolutions:
                _set_reason(conv, None if isinstance(found, Library) else found)

    def _detect(
        self,
        parameter: Any,
        parameters: ParameterStore,
        convolutions: list[Any],
        others: list[Any],
    ) -> Library | str:
        """Return the library of a weight, or why its convolutions stay dense."""
        weight = array_of(parameter, parameters)
        if np.isnan(weight).any():
            raise OperationFailure(
                parameter,
                f"parameter '{parameter.parameter_name}' holds NaN;"
                " the model was damaged in training or on disk",
            )
        if others:
            return f"its weight is also read by '{others[0].operation.name}'"
        if all(is_pixel(conv) for conv in convolutions):
            return "its planes are single pixels: it runs as a linear layer"
        if any(integer(conv.groups) > 1 for conv in convolutions) and weight.shape[1] == 1:
            return "depthwise: each filter has only one kernel"
        return detect_library(weight, self.max_patterns, self.minimum_sparsity)

    def _break_even(
        self,
        library: Library,
        parameter: Any,
        parameters: ParameterStore,
        convolutions: list[Any],
    ) -> Library | str:
        """Return ``library``, or that its convolutions are faster without it."""
        machine, cycles = self.machine, []
        for choice in (library, None):
            parameter.result.set_type(_weight_type(parameter.result.type, choice))
            cycles.append(sum(least_cycles(conv, parameters, machine) for conv in convolutions))
        sparse, dense = cycles
        if sparse <= dense:
            return library
        return f"sparse code would take {sparse:.3g} cycles, dense code {dense:.3g}"


def _weight_type(type_: Any, library: Library | None) -> Any:
    encoding = None if library is None else SparseAttr.get(LibraryAttr.from_library(library))
    return ir.RankedTensorType.get(list(type_.shape), type_.element_type, encoding)


def _set_reason(conv: Any, reason: str | None) -> None:
    if reason is not None:
        conv.attributes["dense_reason"] = ir.StringAttr.get(reason)
    elif "dense_reason" in conv.attributes:
        del conv.attributes["dense_reason"]
