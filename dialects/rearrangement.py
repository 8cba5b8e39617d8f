"""Operations that move channels: `pattern.select_channels`, `pattern.pixel_shuffle`."""

from collections.abc import Sequence
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import ext

from pattern_mlir.dialects.dialect import (
    I64ArrayAttr,
    PatternOperation,
    i64_array,
    integers,
    require,
    shape_of,
    tensor_like,
)


class SelectChannelsOp(PatternOperation, name="select_channels", traits=[ext.Pure]):
    """Take channels of an input, each any number of times: a slice, a split, a channel shuffle.

    Shapes: input [N, C, H, W]; result [N, as many as `channels`, H, W].

    Attributes: `channels`: result channel i is input channel `channels[i]`.

    Example:
        %y = "pattern.select_channels"(%x) {channels = array<i64: 0, 2, 1, 3>}
            : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    channels: I64ArrayAttr

    @classmethod
    def build(cls, input: Any, channels: Sequence[int]) -> Any:
        """Create the operation."""
        images, _, *plane = shape_of(input)
        result = tensor_like(input, [images, len(channels), *plane])
        return cls.create(result, [input], {"channels": i64_array(channels)})

    def check(self) -> None:
        """Channels exist, shapes fit together."""
        x, channels = shape_of(self.input), integers(self.attributes["channels"])
        require(len(x) == 4, f"needs an input of rank 4 (NCHW), got rank {len(x)}")
        require(
            len(channels) > 0 and all(0 <= channel < x[1] for channel in channels),
            f"attribute 'channels' needs numbers from 0 to {x[1] - 1}, got {channels}",
        )
        shape = [x[0], len(channels), *x[2:]]
        require(
            shape_of(self.result) == shape,
            f"result has shape {shape_of(self.result)}, but the channels give {shape}",
        )

    def interpret(self, x: Any) -> Any:
        """Take the channels."""
        return x[:, integers(self.attributes["channels"])]


class PixelShuffleOp(PatternOperation, name="pixel_shuffle", traits=[ext.Pure]):
    """Put groups of channels side by side: `factor` rows and columns become one plane's.

    Pixel (y, x) of channel c is pixel (y / rows, x / columns) of input channel
    (c * rows + y mod rows) * columns + x mod columns (PyTorch's PixelShuffle; with it, a
    transposed convolution is a convolution). Rows and columns at the end may be left out.

    Shapes: input [N, C * rows * columns, H, W]; result [N, C, OH, OW], at most [H * rows,
    W * columns].

    Attributes: `factor` = [rows, columns].

    Example:
        %y = "pattern.pixel_shuffle"(%x) {factor = array<i64: 2, 2>}
            : (tensor<1x8x6x6xf32>) -> tensor<1x2x12x12xf32>
    """

    result: ext.Result[ir.RankedTensorType]
    input: ext.Operand[ir.RankedTensorType]
    factor: I64ArrayAttr

    @classmethod
    def build(cls, input: Any, factor: Sequence[int], plane: Sequence[int] | None = None) -> Any:
        """Create the operation; ``plane`` is the result's, all of it unless given."""
        images, channels, height, width = shape_of(input)
        rows, columns = factor
        size = list(plane) if plane is not None else [height * rows, width * columns]
        result = tensor_like(input, [images, channels // (rows * columns), *size])
        return cls.create(result, [input], {"factor": i64_array(factor)})

    def check(self) -> None:
        """Channels divide, shapes fit together."""
        x, y, factor = (
            shape_of(self.input),
            shape_of(self.result),
            integers(self.attributes["factor"]),
        )
        require(len(x) == 4, f"needs an input of rank 4 (NCHW), got rank {len(x)}")
        require(
            len(factor) == 2 and min(factor) >= 1,
            f"attribute 'factor' needs 2 values of at least 1, got {factor}",
        )
        rows, columns = factor
        require(
            x[1] % (rows * columns) == 0,
            f"{x[1]} channels do not divide by factor {rows} x {columns}",
        )
        most = [x[2] * rows, x[3] * columns]
        require(
            len(y) == 4
            and y[:2] == [x[0], x[1] // (rows * columns)]
            and all(0 < size <= limit for size, limit in zip(y[2:], most, strict=True)),
            f"result has shape {y}, but the shuffle gives at most"
            f" {[x[0], x[1] // (rows * columns), *most]}",
        )

    def interpret(self, x: Any) -> Any:
        """Move the axes."""
        rows, columns = integers(self.attributes["factor"])
        images, channels, height, width = x.shape
        parts = x.reshape(images, -1, rows, columns, height, width)
        whole = parts.transpose(0, 1, 4, 2, 5, 3).reshape(
            images, channels // (rows * columns), height * rows, width * columns
        )
        _, _, last_row, last_column = shape_of(self.results[0])
        return whole[:, :, :last_row, :last_column]
