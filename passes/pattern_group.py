"""`pattern-group`: like filters of a pattern-sparse convolution follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass
from pattern_mlir.passes.filters import (
    Order,
    assignment_of,
    library_of,
    natural_array,
    reorder,
    sparse_weights,
)
from pattern_mlir.patterns import group_filters


@dataclass(frozen=True)
class PatternGroup(Pass):
    """Order the filters of each pattern-sparse weight by likeness (FKR).

    Filters of like length stand together, among these those of like patterns; the kernels inside
    a filter stand by (pattern, channel) when they are packed. The order is local to the layer: the
    parameter yields its filters in `filter_order`, its convolutions write them to the channels of
    `output_channel`, and nothing else changes. Filters of a grouped convolution stay in their
    group. A weight that something else than convolutions reads keeps its order.

    Precondition: `pattern-detect` has run. Source: filter kernel reorder of arXiv 2001.00138.

    Before:
        func.func @f(%arg0: tensor<1x2x3x3xf32>) -> tensor<1x2x3x2xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 0.0]], [[0.0, 0.0]]],
              [[[2.0, 0.0]], [[3.0, 0.0]]]]> : tensor<2x2x1x2xf32>} : () -> tensor<2x2x1x2xf32,
              #pattern.sparse<#pattern.library<[1, 2], [[0]]>>>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
              operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
              strides = array<i64: 1, 1>} : (tensor<1x2x3x3xf32>, tensor<2x2x1x2xf32,
              #pattern.sparse<#pattern.library<[1, 2], [[0]]>>>) -> tensor<1x2x3x2xf32>
          return %1 : tensor<1x2x3x2xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x2x3x3xf32>) -> tensor<1x2x3x2xf32> {
          %0 = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "w", value =
              dense<[[[[1.000000e+00, 0.000000e+00]], [[0.000000e+00, 0.000000e+00]]],
              [[[2.000000e+00, 0.000000e+00]], [[3.000000e+00, 0.000000e+00]]]]> :
              tensor<2x2x1x2xf32>} : () -> tensor<2x2x1x2xf32,
              #pattern.sparse<#pattern.library<[1, 2], [[0]]>>>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
              operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0>,
              padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} :
              (tensor<1x2x3x3xf32>, tensor<2x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2],
              [[0]]>>>) -> tensor<1x2x3x2xf32>
          return %1 : tensor<1x2x3x2xf32>
        }
    """

    name: ClassVar[str] = "pattern-group"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Reorder each weight and what its convolutions make of it."""
        for parameter, groups in sparse_weights(module):
            reorder(parameter, _likeness_order(parameter, groups, parameters))


def _likeness_order(parameter: Any, groups: int, parameters: ParameterStore) -> Order:
    assignment = assignment_of(parameter, natural_array(parameter, parameters))
    patterns = len(library_of(parameter).patterns)
    blocks = np.split(np.arange(len(assignment)), groups)
    return np.concatenate([block[group_filters(assignment[block], patterns)] for block in blocks])
