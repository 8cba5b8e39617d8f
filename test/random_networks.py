"""Small random networks of pattern operations, with weights pruned in every way that occurs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from torch_mlir import ir
from torch_mlir.dialects import func

from pattern_mlir.dialects import (
    ACTIVATIONS,
    ActivateOp,
    ActivationAttr,
    AddOp,
    ConcatOp,
    ConvOp,
    MaxPoolOp,
    MultiplyOp,
    ParameterOp,
    create_context,
    shape_of,
)
from pattern_mlir.parameters import ParameterStore
from pattern_mlir.program import Program

Array = npt.NDArray[Any]
PARAMETER_VALUES = {"minimum": -0.5, "maximum": 0.75, "negative_slope": 0.1, "alpha": 0.5}


def random_weight(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return f32 weights [F, C, KH, KW]: dense, pattern-pruned, without some kernels, or ragged."""
    taps = shape[2] * shape[3]
    weight = rng.uniform(0.1, 1.0, shape) * rng.choice([-1.0, 1.0], shape)
    kind = rng.choice(["dense", "patterns", "connectivity", "ragged"], p=[0.2, 0.5, 0.2, 0.1])
    kernels = weight.reshape(-1, taps)
    if kind == "patterns":
        kept = rng.integers(1, taps + 1)
        library = np.zeros((rng.integers(1, 7), taps))
        for pattern in library:
            pattern[rng.choice(taps, kept, replace=False)] = 1
        kernels *= library[rng.integers(0, len(library), len(kernels))]
    if kind in ("patterns", "connectivity"):
        kernels *= rng.random((len(kernels), 1)) < rng.choice([0.3, 0.6, 1.0])
    if kind == "ragged":
        kernels *= rng.random(kernels.shape) < 0.5
    positive_zeros: Array = weight.astype(np.float32) + np.float32(0)
    return positive_zeros


def random_network(seed: int, operations: int = 10) -> Program:
    """Return a program of one function with one input and one to three results."""
    rng = np.random.default_rng(seed)
    context = create_context()
    with context, ir.Location.unknown():
        module = ir.Module.create()
        shape = [int(rng.integers(low, high)) for low, high in ((1, 3), (1, 7), (5, 9), (5, 9))]
        type_ = ir.RankedTensorType.get(shape, ir.F32Type.get())
        with ir.InsertionPoint(module.body):
            forward = func.FuncOp("forward", ([type_], []))
        builder = _Builder(rng, [forward.add_entry_block().arguments[0]])
        with ir.InsertionPoint(forward.entry_block):
            while len(builder.values) <= operations:
                builder.step()
            extra = rng.choice(len(builder.values), int(rng.integers(0, 3)), replace=False)
            results = [builder.values[-1], *(builder.values[i] for i in extra)]
            func.ReturnOp(results)
        types = ir.FunctionType.get([type_], [value.type for value in results])
        forward.attributes["function_type"] = ir.TypeAttr.get(types)
    return Program(module, builder.parameters)


@dataclass
class _Builder:
    rng: np.random.Generator
    values: list[Any]
    parameters: ParameterStore = field(default_factory=ParameterStore)
    weights: list[Any] = field(default_factory=list)

    def step(self) -> None:
        """Append one operation on the values there are, mostly on the last one."""
        recent = self.values[-1] if self.rng.random() < 0.7 else self.pick(self.values)
        kinds = [self.conv, self.activation, self.sum, self.sum, self.product, self.pool, self.join]
        weights = [0.35, 0.2, 0.1, 0.1, 0.05, 0.15, 0.05]
        value = kinds[self.rng.choice(len(kinds), p=weights)](recent)
        if value is not None:
            self.values.append(value.result)

    def pick(self, choices: Any) -> Any:
        """Return one of ``choices``."""
        return choices[int(self.rng.integers(len(choices)))]

    def parameter(self, array: Array) -> Any:
        """Return the value of a new parameter."""
        name = f"p{len(self.parameters)}"
        self.parameters.add(name, array)
        type_ = ir.RankedTensorType.get(list(array.shape), ir.F32Type.get())
        return ParameterOp.build(name, type_).result

    def weight(self, channels: int, groups: int, size: tuple[int, int]) -> Any:
        """Return a new weight, or one that another convolution has already."""
        fitting = [w for w in self.weights if shape_of(w)[1] * groups == channels]
        fitting = [w for w in fitting if shape_of(w)[0] % groups == 0]
        if fitting and self.rng.random() < 0.3:
            return self.pick(fitting)
        shape = (groups * int(self.rng.integers(1, 6)), channels // groups, *size)
        self.weights.append(self.parameter(random_weight(self.rng, shape)))
        return self.weights[-1]

    def conv(self, x: Any) -> Any:
        """A convolution of any kind whose window fits into its input."""
        _, channels, height, width = shape_of(x)
        groups = self.pick([1, 1, *(g for g in range(1, channels + 1) if channels % g == 0)])
        weight = self.weight(channels, groups, self.pick([(1, 1), (3, 3), (3, 3), (2, 3), (5, 5)]))
        filters, _, *size = shape_of(weight)
        padding = [int(self.rng.integers(0, s // 2 + 1)) for s in (*size, *size)]
        room = [height + padding[0] + padding[2], width + padding[1] + padding[3]]
        if min(r - s for r, s in zip(room, size, strict=True)) < 0:
            return None
        wide = min(r - 2 * s + 1 for r, s in zip(room, size, strict=True)) >= 0
        bias = self.rng.standard_normal(filters).astype(np.float32)
        return ConvOp.build(
            x,
            weight,
            self.parameter(bias) if self.rng.random() < 0.3 else None,
            strides=[self.pick([1, 1, 2]), self.pick([1, 1, 2])],
            padding=padding,
            dilations=[self.pick([1, 1, 2]) if wide else 1] * 2,
            groups=groups,
        )

    def activation(self, x: Any) -> Any:
        """Any activation."""
        name = self.pick(list(ACTIVATIONS))
        values = [PARAMETER_VALUES[parameter] for parameter in ACTIVATIONS[name]]
        return ActivateOp.build(x, ActivationAttr.build(name, values))

    def sum(self, x: Any) -> Any:
        """A residual, a bias, or a value added to itself; with the layer on either side."""
        shape = shape_of(x)
        equal = [value for value in self.values if shape_of(value) == shape]
        bias = self.rng.standard_normal((1, shape[1], 1, 1)).astype(np.float32)
        other = self.parameter(bias) if self.rng.random() < 0.5 else self.pick(equal)
        return AddOp.build(x, other) if self.rng.random() < 0.5 else AddOp.build(other, x)

    def product(self, x: Any) -> Any:
        """A product of two values of one shape."""
        return MultiplyOp.build(x, self.pick([v for v in self.values if v.type == x.type]))

    def pool(self, x: Any) -> Any:
        """A 2x2 pool as a convolution can take it, or one of 3x3."""
        if min(shape_of(x)[2:]) < 2:
            return None
        if self.rng.random() < 0.7:
            return MaxPoolOp.build(x, kernel_size=[2, 2], strides=[2, 2])
        return MaxPoolOp.build(
            x, kernel_size=[3, 3], strides=[2, 2], padding=[1] * 4, ceil_mode=True
        )

    def join(self, x: Any) -> Any:
        """The channels of two values whose planes are of one size."""
        n, _, *plane = shape_of(x)
        fitting = [v for v in self.values if shape_of(v)[0] == n and shape_of(v)[2:] == plane]
        return ConcatOp.build(x, self.pick(fitting))
