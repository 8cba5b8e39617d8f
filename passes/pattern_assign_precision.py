"""`pattern-assign-precision`: what is stored in f16, and which sums are added up in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch_mlir import ir

from pattern_mlir.dialects import (
    AddOp,
    ConvOp,
    LayerNormOp,
    LinearOp,
    MultiplyOp,
    ParameterOp,
    SoftmaxOp,
    shape_of,
)
from pattern_mlir.dialects.half_sums import HALF_SUMS, HALF_TERMS
from pattern_mlir.dialects.layout import RelayoutOp, is_half, with_elements
from pattern_mlir.errors import InterpretError, PipelineError, did_you_mean
from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, walk
from pattern_mlir.passes.filters import array_of, is_parameter, is_sparse
from pattern_mlir.passes.half_errors import SumErrors, half_sum_errors
from pattern_mlir.passes.lane_operations import lane_operands
from pattern_mlir.passes.results import numbered

PRECISIONS = ("f32", "f16-linear-weights", "f16-acc32", "f16")
"""What tensors may be stored in and sums added up in, the most precise first."""

IN_SINGLE = (LayerNormOp, SoftmaxOp)
"""Operations whose results stay f32: they sum up whole rows of numbers far apart."""

LIMIT = 4.0
"""The error of sums in f16 over that of sums in f32 above which a layer keeps the latter."""


@dataclass(frozen=True)
class PatternAssignPrecision(Pass):
    """Store tensors and weights in f16 where ``precision`` says so; relayouts convert between.

    `f32` changes nothing. `f16-linear-weights` stores the weights of linear layers in f16.
    `f16-acc32` stores weights, and the results of pattern operations; all is computed in f32.
    Biases stay f32, and so do inputs and results of the network, softmax and layer norm, what is
    left of linalg, and layers whose weight is computed at run time or is too large for f16; these
    say so in `precision_reason`.

    `f16` also adds up the products of convolutions in f16, in chunks of at most 32 whose sums
    join a total in f32 (`f16_sums`). The error of each is measured on seeded inputs, against that
    of sums in f32 (`f16_errors`): one that exceeds 4 times keeps f32, and says so. Linear layers
    keep f32: they wait for their weights, not for sums.

    Precondition: `pattern-detect`. Source: docs/precision.md.

    Before (precision = 'f16-acc32'):
        func.func @f(%arg0: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2x1x1x1xf32>}
            : () -> tensor<2x1x1x1xf32>
          %1 = "pattern.conv"(%arg0, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 1, 1>}
            : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
          return %1 : tensor<1x2x4x4xf32>
        }

    After:
        func.func @f(%arg0: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
          %0 = "pattern.relayout"(%arg0) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf16>
          %1 = "pattern.parameter"() {name = "w", value = dense<1.000000e+00> :
            tensor<2x1x1x1xf32>} : () -> tensor<2x1x1x1xf16>
          %2 = "pattern.conv"(%0, %1) {dilations = array<i64: 1, 1>, groups = 1 : i64,
            operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>,
            strides = array<i64: 1, 1>}
            : (tensor<1x1x4x4xf16>, tensor<2x1x1x1xf16>) -> tensor<1x2x4x4xf16>
          %3 = "pattern.relayout"(%2) : (tensor<1x2x4x4xf16>) -> tensor<1x2x4x4xf32>
          return %3 : tensor<1x2x4x4xf32>
        }
    """

    precision: str = "f32"

    name: ClassVar[str] = "pattern-assign-precision"

    def __post_init__(self) -> None:
        """Raise PipelineError unless there is such a precision."""
        if self.precision not in PRECISIONS:
            raise PipelineError(
                f"unknown precision '{self.precision}'{did_you_mean(self.precision, PRECISIONS)}"
                f" (known: {', '.join(PRECISIONS)})"
            )

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Give results and weights their types, put relayouts between, then choose the sums."""
        if self.precision == "f32":
            return
        if self.precision == "f16-linear-weights":
            for op in walk(module, LinearOp):
                if _takes_half_weight(op, parameters):
                    _store_weight_in_half(op)
            return
        changed = [op for op in numbered(module) if _becomes_half(op, parameters)]
        errors: Mapping[Any, SumErrors] = {}
        if changed and self.precision == "f16":
            errors, reason = measured_errors(module, parameters)
        for op in changed:
            op.result.set_type(with_elements(op.result.type, ir.F16Type.get()))
            if isinstance(op, (ConvOp, LinearOp)):
                _store_weight_in_half(op)
        _convert_between(changed)
        for op in changed:
            if self.precision == "f16" and isinstance(op, (ConvOp, LinearOp)):
                choose_sums(op, errors.get(op.result), reason, _fits_chunks)


def measured_errors(module: Any, parameters: ParameterStore) -> tuple[Mapping[Any, SumErrors], str]:
    """Return the errors of sums in f16 by result, or none and why they are not known."""
    try:
        errors = half_sum_errors(module, parameters)
    except InterpretError as error:
        return {}, f"the error of sums in f16 is not known: {error}"
    operations = numbered(forward_function(module))
    return {operations[number].result: own for number, own in errors.items()}, ""


def _becomes_half(op: Any, parameters: ParameterStore) -> bool:
    """Whether the result of ``op`` is stored in f16 from now on."""
    if not isinstance(op.result.type.element_type, ir.F32Type) or isinstance(op, IN_SINGLE):
        return False
    return not isinstance(op, (ConvOp, LinearOp)) or _takes_half_weight(op, parameters)


def _takes_half_weight(op: Any, parameters: ParameterStore) -> bool:
    """Whether the weight of ``op`` can be stored in f16; writes down why not."""
    if not isinstance(op.weight.type.element_type, ir.F32Type):
        return False
    reason = ""
    if not is_parameter(op.weight):
        reason = "the weight is computed at run time"
    else:
        largest = float(np.abs(array_of(op.weight.owner.opview, parameters)).max(initial=0))
        if not largest <= np.finfo(np.float16).max:
            reason = f"a weight of {largest:.3g} is too large for f16"
    if reason:
        op.attributes["precision_reason"] = ir.StringAttr.get(reason)
    return not reason


def _store_weight_in_half(op: Any) -> None:
    """Give ``op`` a weight of f16: the same parameter, which rounds itself."""
    parameter = op.weight.owner.opview
    type_ = with_elements(op.weight.type, ir.F16Type.get())
    with ir.InsertionPoint(parameter), parameter.location:
        attributes = dict(parameter.attributes.items())
        half = ParameterOp.create(type_, [], attributes).result
    op.operation.operands[1] = half
    if not list(parameter.result.uses):
        parameter.operation.erase()


def _convert_between(changed: Sequence[Any]) -> None:
    """Put relayouts between results that are f16 from now on, and all that stays f32."""
    copies: dict[tuple[Any, str], Any] = {}
    for op in changed:
        for position in _value_positions(op):
            value = op.operation.operands[position]
            if not is_half(value):
                op.operation.operands[position] = _copy(value, ir.F16Type.get(), copies)
    results = {op.result for op in changed}
    for op in changed:
        for use in list(op.result.uses):
            user = use.owner.operation
            if results.isdisjoint(user.results) and not isinstance(user.opview, RelayoutOp):
                user.operands[use.operand_number] = _copy(op.result, ir.F32Type.get(), copies)


def _value_positions(op: Any) -> list[int]:
    """Return the positions of the operands of ``op`` that are stored as its result is."""
    if isinstance(op, (AddOp, MultiplyOp)):
        return [0, 1]
    return [0] if isinstance(op, LinearOp) else lane_operands(op)


def _copy(value: Any, element_type: Any, copies: dict[tuple[Any, str], Any]) -> Any:
    """Return ``value`` in another element type, one copy for all that read it so."""
    key = (value, str(element_type))
    if key not in copies:
        is_argument = isinstance(value.owner, ir.Block)
        point = (
            ir.InsertionPoint.at_block_begin(value.owner)
            if is_argument
            else ir.InsertionPoint.after(value.owner)
        )
        location = ir.Location.unknown() if is_argument else value.owner.location
        with point, location:
            copies[key] = RelayoutOp.build(value, None, element_type).result
    return copies[key]


def _fits_chunks(conv: Any) -> bool:
    """Whether the products of a kernel, or of each row of a dense one, fit into a chunk."""
    rows, columns = shape_of(conv.weight)[2:]
    by_rows = rows > 1 and columns <= HALF_TERMS and not is_sparse(conv.weight)
    return rows * columns <= HALF_TERMS or by_rows


def choose_sums(
    op: Any, errors: SumErrors | None, reason: str, fits: Callable[[Any], bool]
) -> None:
    """Let ``op`` add up in f16, or say why it does not.

    ``errors`` are those of its sums, or None and the ``reason``; ``fits`` says whether the products
    of a kernel are few enough.
    """
    if isinstance(op, LinearOp):
        reason = "a linear layer waits for its weights, not for sums"
    elif not fits(op):
        reason = f"kernels of more than {HALF_TERMS} weights, not row by row"
    elif errors is not None:
        numbers = [errors.half, errors.single]
        op.attributes["f16_errors"] = ir.DenseF64ArrayAttr.get(numbers)
        if not errors.ratio <= LIMIT:
            reason = f"sums in f16 err {errors.ratio:.1f} x as much as in f32"
    if reason:
        op.attributes["precision_reason"] = ir.StringAttr.get(reason)
    else:
        op.attributes[HALF_SUMS] = ir.UnitAttr.get()
