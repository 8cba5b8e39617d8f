"""`pattern-mark-separable`: proves that images of a batch do not meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch_mlir import ir
from torch_mlir.dialects import arith, func, linalg, tensor

from pattern_mlir.dialects import (
    ActivateOp,
    AdaptiveAveragePoolOp,
    AddOp,
    AveragePoolOp,
    ConcatOp,
    ConvOp,
    LayerNormOp,
    LinearOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    PixelShuffleOp,
    SelectChannelsOp,
    SoftmaxOp,
    UpsampleOp,
    integer,
    shape_of,
)
from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import Pass, only_block

SEPARABLE = "pattern.separable"
"""Module attribute: the network works on each image of a batch by itself."""

PLANEWISE = (
    AdaptiveAveragePoolOp,
    AveragePoolOp,
    ConvOp,
    MaxPoolOp,
    PixelShuffleOp,
    SelectChannelsOp,
    UpsampleOp,
)
"""Operations that work on each image of their first operand, [N, C, H, W]."""


@dataclass(frozen=True)
class PatternMarkSeparable(Pass):
    """Mark the module as separable if every result is computed image by image.

    Then the network for N images also runs any multiple of N, part by part. Values are followed
    from the arguments, whose first dimension is the images': an operation that keeps the images
    apart yields such a value again; one that is not known to do so ends the proof.

    Precondition: pattern operations on tensors.

    Before:
        func.func @f(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
          %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
            : (tensor<2x3xf32>) -> tensor<2x3xf32>
          return %0 : tensor<2x3xf32>
        }

    After:
        module attributes {pattern.separable} {
          func.func @f(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
            %0 = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
              : (tensor<2x3xf32>) -> tensor<2x3xf32>
            return %0 : tensor<2x3xf32>
          }
        }
    """

    name: ClassVar[str] = "pattern-mark-separable"

    def run(self, module: Any, parameters: ParameterStore) -> None:
        """Set or remove the mark."""
        block = only_block(forward_function(module))
        if _is_separable(block):
            module.attributes[SEPARABLE] = ir.UnitAttr.get()
        elif SEPARABLE in module.attributes:
            del module.attributes[SEPARABLE]


def _is_separable(block: Any) -> bool:
    arguments = list(block.arguments)
    if any(not isinstance(a.type, ir.RankedTensorType) or not a.type.shape for a in arguments):
        return False
    sizes = {a.type.shape[0] for a in arguments}
    if len(sizes) != 1:
        return False
    proof = _Proof(sizes.pop(), set(arguments))
    for op in block.operations:
        if isinstance(op, func.ReturnOp):
            return all(value in proof.images for value in op.operation.operands)
        proof.follow(op)
    return False


class _Proof:
    """Which values hold images in their first dimension, and which are the same for all images."""

    def __init__(self, count: int, images: set[Any]) -> None:
        self._count = count
        self.images = images
        self._shared: set[Any] = set()

    def follow(self, op: Any) -> None:
        """Sort the results of ``op``; what is in neither set stays unknown."""
        operands, results = list(op.operation.operands), list(op.operation.results)
        if isinstance(op, (ParameterOp, arith.ConstantOp, tensor.EmptyOp)) or (
            operands and all(value in self._shared for value in operands)
        ):
            self._shared.update(results)
        elif self._keeps_images_apart(op, operands):
            self.images.update(results)

    def _keeps_images_apart(self, op: Any, operands: list[Any]) -> bool:
        if isinstance(op, PLANEWISE):
            others = [value for value in operands[1:] if value not in self._shared]
            return operands[0] in self.images and all(value in self.images for value in others)
        if isinstance(op, (LayerNormOp, LinearOp, SoftmaxOp)):
            weights = all(value in self._shared for value in operands[1:])
            apart = len(shape_of(op.input)) > 1 and not (
                isinstance(op, LayerNormOp) and not op.axis
            )
            return operands[0] in self.images and apart and weights
        if isinstance(op, (ActivateOp, AddOp, MultiplyOp)):
            return all(value in self.images or self._repeats(value) for value in operands)
        if isinstance(op, ConcatOp):
            return op.axis != 0 and all(value in self.images for value in operands)
        if isinstance(op, (tensor.CollapseShapeOp, tensor.ExpandShapeOp)):
            return operands[0] in self.images and self._has_images_first(op.operation.results[0])
        return isinstance(op, linalg.GenericOp) and self._is_by_image(op, operands)

    def _repeats(self, value: Any) -> bool:
        """Whether ``value`` is the same for every image."""
        return value in self._shared and shape_of(value)[:1] == [1]

    def _has_images_first(self, value: Any) -> bool:
        return bool(value.type.shape) and value.type.shape[0] == self._count

    def _is_by_image(self, op: Any, operands: list[Any]) -> bool:
        """Whether a loop nest writes image i from image i and from what is the same for all."""
        maps = [list(ir.AffineMapAttr(a).value.results) for a in op.attributes["indexing_maps"]]
        outputs = operands[-len(op.operation.results) :]
        image = maps[-1][0] if maps[-1] else None
        if not isinstance(image, ir.AffineDimExpr):
            return False
        for value, indices in zip(operands, maps, strict=True):
            by_image = bool(indices) and indices[0] == image
            repeated = value in self._shared and not (indices and _involves(indices[0], image))
            written = value in outputs and value in self._shared and by_image
            if not ((value in self.images and by_image) or repeated or written):
                return False
            if any(_involves(index, image) for index in indices[1:]):
                return False
        return all(_stays_apart(inner, image) for inner in op.regions[0].blocks[0].operations)


def _stays_apart(op: Any, image: Any) -> bool:
    """Whether an operation in a loop nest's body asks neither for the image nor for a tensor."""
    if op.operation.name == "linalg.index":
        return bool(integer(op.operation.attributes["dim"]) != image.position)
    return bool(op.operation.name.startswith(("arith.", "math.", "linalg.yield")))


def _involves(expression: Any, dimension: Any) -> bool:
    """Whether an affine expression depends on ``dimension``."""
    if isinstance(expression, (ir.AffineDimExpr, ir.AffineConstantExpr)):
        return bool(expression == dimension)
    return _involves(expression.lhs, dimension) or _involves(expression.rhs, dimension)
