"""`pattern-balance`: every thread gets filters with about as many non-zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from pattern_mlir.dialects import ConvOp, i64_array, shape_of
from pattern_mlir.errors import PipelineError
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import (
    array_of,
    filter_order,
    is_parameter,
    is_sparse,
    natural_array,
    reorder,
    shared_filters,
    sparse_weights,
    split_uses,
)
from pattern_mlir.patterns import balance_filters, split_filters


@dataclass(frozen=True)
class PatternBalance(Pass):
    """Split the filters of each convolution over ``threads`` by their non-zeros.

    Thread t computes the filters from filter_boundaries[t] to filter_boundaries[t + 1]. Filters of
    a pattern-sparse weight are dealt out, the heaviest first, and keep their order within a
    thread; four that share channels and patterns stay together. Those of a grouped convolution, or
    of a weight that something else than convolutions reads, are split where they stand. A dense
    convolution gets equal numbers of filters.

    Precondition: `pattern-detect`, and `pattern-group` where its order is wanted. Source: the load
    balance of arXiv 2001.00138.

    Before (threads = 2):
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[0.0]],
              [[2.0]]], [[[3.0]], [[4.0]]]]> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32,
              #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
              operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
              strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32,
              #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x4x4xf32>
          return %1 : tensor<1x3x4x4xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
          %0 = "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w", value =
              dense<[[[[1.000000e+00]], [[0.000000e+00]]], [[[0.000000e+00]], [[2.000000e+00]]],
              [[[3.000000e+00]], [[4.000000e+00]]]]> : tensor<3x2x1x1xf32>} : () ->
              tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, filter_boundaries =
              array<i64: 0, 1, 3>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>,
              output_channel = array<i64: 2, 0, 1>, padding = array<i64: 0, 0, 0, 0>, strides =
              array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32,
              #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x4x4xf32>
          return %1 : tensor<1x3x4x4xf32>
        }
    """

    threads: int = 1

    name: ClassVar[str] = "pattern-balance"

    def __post_init__(self) -> None:
        """Raise PipelineError unless there is a thread."""
        if self.threads < 1:
            raise PipelineError(f"pattern-balance: threads must be at least 1, got {self.threads}")

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Split all filters where they stand, then those that may move in a better way."""
        for conv in walk(module, ConvOp):
            boundaries = split_filters(_work(conv, parameters), self.threads)
            conv.attributes["filter_boundaries"] = i64_array(boundaries.tolist())
        for parameter, groups in sparse_weights(module):
            if groups > 1:
                continue
            work = _nonzeros(natural_array(parameter, parameters))
            order = filter_order(parameter)
            block = shared_filters(parameter, parameters)
            order, boundaries = balance_filters(work, order, self.threads, block)
            reorder(parameter, order)
            for conv in split_uses(parameter)[0]:
                conv.attributes["filter_boundaries"] = i64_array(boundaries.tolist())


def _work(conv: Any, parameters: ParameterStore) -> npt.NDArray[np.int64]:
    """Return what each filter costs, in the order in which the weight holds them."""
    if is_sparse(conv.weight) and is_parameter(conv.weight):
        return _nonzeros(array_of(conv.weight.owner.opview, parameters))
    return np.ones(shape_of(conv.weight)[0], np.int64)


def _nonzeros(weight: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    counts: npt.NDArray[np.int64] = np.count_nonzero(weight, axis=(1, 2, 3))
    return counts
