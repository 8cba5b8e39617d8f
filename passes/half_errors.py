"""How far sums in f16 are from the truth, layer by layer: measured on inputs that noise gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir

from pattern_mlir.dialects import ConvOp, ParameterOp, integer, integers
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.dialects.half_sums import summed_in_half
from pattern_mlir.interpretation import interpret
from pattern_mlir.modules import forward_function
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.results import is_numbered
from pattern_mlir.program import Program, tensor_specs

Array = npt.NDArray[Any]

PIXELS, FILTERS = 16, 128
"""Pixels and filters of a convolution, at most, whose sums are compared."""


STORED = 2.0**-12
"""RMS error over RMS of numbers that are rounded to f16 once, or a little less."""


@dataclass(frozen=True)
class SumErrors:
    """RMS errors over the RMS of the sums: of sums in f16, and of sums in f32, both of f16."""

    half: float
    single: float

    @property
    def ratio(self) -> float:
        """How many times the error of sums in f32, or of storing in f16, that in f16 is."""
        return self.half / max(self.single, STORED)


def half_sum_errors(module: Any, parameters: ParameterStore) -> Mapping[int, SumErrors]:
    """Return the errors of each convolution's sums, by the operation's number in the network.

    The network runs once in f32 on inputs of seeded noise; sums of a seeded choice of filters and
    pixels are added up in both ways and compared with those in f64 of unrounded numbers.

    Raises:
        InterpretError: the module holds what the interpreter does not know.
    """
    program = Program(ir.Module.parse(str(module)), parameters)
    for parameter in walk(program.module.operation, ParameterOp):
        # Zeros change no sum here, and dense products are faster.
        type_ = ir.RankedTensorType(parameter.result.type)
        parameter.result.set_type(ir.RankedTensorType.get(type_.shape, type_.element_type))
    inputs = _noise(program)
    known: dict[Any, Array] = {}
    found: dict[int, SumErrors] = {}
    count = 0

    def observe(op: Any, results: Sequence[Array]) -> None:
        nonlocal count
        if not known:
            block = op.operation.block
            known.update(zip(block.arguments, inputs, strict=True))
        known.update(zip(op.operation.results, results, strict=True))
        if isinstance(op, ConvOp):
            found[count] = _errors(op, known[op.input], known[op.weight], seed=count)
        count += is_numbered(op)

    interpret(program, inputs, dtype=np.float32, observe=observe)
    return found


def _noise(program: Program) -> list[Array]:
    """Return an input for each argument of the network: noise for floats, zeros for integers."""
    function = forward_function(program.module.operation)
    specs = tensor_specs(function.type.inputs, function.attributes.get("arg_attrs"))
    generator = np.random.default_rng(0)
    return [
        generator.standard_normal(spec.shape).astype(spec.dtype)
        if spec.dtype.kind == "f"
        else np.zeros(spec.shape, spec.dtype)
        for spec in specs
    ]


def _errors(conv: Any, x: Array, weight: Array, seed: int) -> SumErrors:
    """Return the errors of the sums of ``conv`` of ``x`` and ``weight``, on a seeded choice."""
    values, factors = _terms(conv, x, weight, np.random.default_rng(seed))
    exact = np.einsum("fpk,fk->fp", values.astype(np.float64), factors.astype(np.float64))
    # What both ways read was rounded to f16 before.
    values, factors = (a.astype(np.float16).astype(np.float32) for a in (values, factors))
    single = np.einsum("fpk,fk->fp", values, factors)
    products = (values[..., k] * factors[:, None, k] for k in range(values.shape[2]))
    half = summed_in_half(products, single.shape)
    scale = max(_rms(exact), np.finfo(np.float64).tiny)
    rounded = (sums.astype(np.float16).astype(np.float64) for sums in (half, single))
    return SumErrors(*(_rms(sums - exact) / scale for sums in rounded))


def _rms(values: Array) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _terms(conv: Any, x: Array, weight: Array, generator: Any) -> tuple[Array, Array]:
    """Return factors of the products of a choice of sums, zeros of the weight last.

    Values of ``x`` [filters, pixels, products] and of ``weight`` [filters, products]; as many
    products as the filter with the most has.
    """
    strides, padding, dilations = (
        integers(a) for a in (conv.strides, conv.padding, conv.dilations)
    )
    images, _, height, width = conv_shape(x.shape, weight.shape, strides, padding, dilations)
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    places = generator.choice(images * height * width, min(PIXELS, images * height * width), False)
    image, rest = np.divmod(places, height * width)
    row, column = np.divmod(rest, width)
    rows = row[:, None] * strides[0] + np.arange(weight.shape[2]) * dilations[0]
    columns = column[:, None] * strides[1] + np.arange(weight.shape[3]) * dilations[1]
    # [pixels, rows of the window, columns of the window, channels]
    windows = padded[image[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    windows = windows.transpose(0, 3, 1, 2)
    filters = np.sort(generator.choice(len(weight), min(FILTERS, len(weight)), False))
    size = len(weight) // integer(conv.groups)
    channels = filters[:, None] // size * weight.shape[1] + np.arange(weight.shape[1])
    values = windows[:, channels].transpose(1, 0, 2, 3, 4).reshape(len(filters), len(places), -1)
    factors = weight[filters].reshape(len(filters), -1)
    order = np.argsort(factors == 0, axis=1, kind="stable")
    order = order[:, : max(1, np.count_nonzero(factors, axis=1).max())]
    values = np.take_along_axis(values, order[:, None], axis=2)
    return values, np.take_along_axis(factors, order, axis=1)
