"""The `pattern` dialect: attributes, operations, and the interpreter that defines them."""

from pattern_mlir.dialects.attributes import (
    ACTIVATIONS,
    ActivationAttr,
    BlocksAttr,
    LanesAttr,
    LibraryAttr,
    RowsAttr,
    SparseAttr,
    activate,
)
from pattern_mlir.dialects.convolution import ConvOp
from pattern_mlir.dialects.dialect import (
    Pattern,
    VerificationError,
    create_context,
    i64,
    i64_array,
    integer,
    integers,
    load,
    shape_of,
    tensor_like,
)
from pattern_mlir.dialects.elementwise import (
    ActivateOp,
    AddOp,
    MultiplyOp,
    activation_of,
)
from pattern_mlir.dialects.layout import RelayoutOp
from pattern_mlir.dialects.linear import LinearOp
from pattern_mlir.dialects.normalization import LayerNormOp, SoftmaxOp
from pattern_mlir.dialects.pooling import (
    AdaptiveAveragePoolOp,
    AveragePoolOp,
    MaxPoolOp,
)
from pattern_mlir.dialects.rearrangement import PixelShuffleOp, SelectChannelsOp
from pattern_mlir.dialects.structure import ConcatOp, ParameterOp, UpsampleOp

__all__ = [
    "ACTIVATIONS",
    "ActivateOp",
    "ActivationAttr",
    "AdaptiveAveragePoolOp",
    "AddOp",
    "AveragePoolOp",
    "BlocksAttr",
    "ConcatOp",
    "ConvOp",
    "LanesAttr",
    "LayerNormOp",
    "LibraryAttr",
    "LinearOp",
    "MaxPoolOp",
    "MultiplyOp",
    "ParameterOp",
    "Pattern",
    "PixelShuffleOp",
    "RelayoutOp",
    "RowsAttr",
    "SelectChannelsOp",
    "SoftmaxOp",
    "SparseAttr",
    "UpsampleOp",
    "VerificationError",
    "activate",
    "activation_of",
    "create_context",
    "i64",
    "i64_array",
    "integer",
    "integers",
    "load",
    "shape_of",
    "tensor_like",
]
