"""Programs of a few operations, and the shortest way that upstream offers to run them natively."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from random_networks import PARAMETER_VALUES
from torch_mlir import ir
from torch_mlir.dialects import func, linalg, memref
from torch_mlir.execution_engine import ExecutionEngine

from pattern_mlir.dialects import (
    ACTIVATIONS,
    ActivationAttr,
    ConvOp,
    ParameterOp,
    create_context,
    i64_array,
)
from pattern_mlir.dialects.convolution import conv_shape
from pattern_mlir.modules import forward_function
from pattern_mlir.passes.base import walk
from pattern_mlir.passes.convert_pattern_to_linalg import ConvertPatternToLinalg
from pattern_mlir.passes.pattern_pack_weights import WEIGHTS, PatternPackWeights
from pattern_mlir.pipelines import run
from pattern_mlir.program import Program

Array = npt.NDArray[Any]

BUFFERIZE = (
    "canonicalize,cse,eliminate-empty-tensors,one-shot-bufferize{bufferize-function-boundaries"
    " function-boundary-type-conversion=identity-layout-map},"
    "buffer-results-to-out-params{modify-public-functions=1},"
    "buffer-deallocation-pipeline,canonicalize,cse"
)
TO_LLVM = (
    "func.func(convert-linalg-to-loops),expand-strided-metadata,canonicalize,convert-scf-to-cf,"
    "lower-affine,convert-math-to-libm,finalize-memref-to-llvm,convert-arith-to-llvm,"
    "convert-index-to-llvm,convert-cf-to-llvm,"
    "convert-func-to-llvm{use-bare-ptr-memref-call-conv=1},reconcile-unrealized-casts"
)


class Network:
    """Builds a program of one function; parameters are made where they are named."""

    def __init__(self, *inputs: Array) -> None:
        """Take ``inputs``."""
        self.inputs = inputs
        self.program = Program(ir.Module.create(ir.Location.unknown(create_context())))

    def parameter(self, array: Array, name: str | None = None, **optional: Any) -> Any:
        """Add the parameter ``array`` and return its value; a known name is used again."""
        parameters = self.program.parameters
        name = name or f"p{len(parameters)}"
        if name not in parameters:
            parameters.add(name, array)
        return ParameterOp.build(name, tensor_type(array.shape), **optional).result

    def build(self, body: Callable[..., Any]) -> Program:
        """Return the program whose function applies ``body`` to its arguments."""
        program = self.program
        with program.context, ir.Location.unknown(), ir.InsertionPoint(program.module.body):
            types = [tensor_type(array.shape) for array in self.inputs]
            function = func.FuncOp("forward", ir.FunctionType.get(types, []))
            block = function.add_entry_block()
            with ir.InsertionPoint(block):
                result = body(*block.arguments)
                func.ReturnOp([result])
            type_ = ir.FunctionType.get(types, [result.type])
            function.attributes["function_type"] = ir.TypeAttr.get(type_)
        assert program.module.operation.verify()
        return program


def convolution(
    seed: int,
    x: Array,
    weight: Array,
    *,
    residual: bool = True,
    name: str | None = None,
    pool: bool = False,
    strides: Sequence[int] = (1, 1),
    padding: Sequence[int] = (1, 1, 1, 1),
    dilations: Sequence[int] = (1, 1),
) -> tuple[Program, list[Array]]:
    """Return a program of one convolution of ``x`` with a bias, and its inputs.

    The second input is added if it has a ``residual``; ``name`` is of its activation, and a
    ``pool`` of 2x2 follows it.
    """
    shape = conv_shape(list(x.shape), list(weight.shape), strides, padding, dilations)
    network = Network(x, noise(seed + 1, *shape))

    def build(x: Any, addend: Any) -> Any:
        return ConvOp.build(
            x,
            network.parameter(weight),
            network.parameter(noise(seed + 2, len(weight))),
            addend if residual else None,
            strides=strides,
            padding=padding,
            dilations=dilations,
            activation=name and activation(name),
            max_pool=i64_array([2, 2]) if pool else None,
        ).result

    return network.build(build), list(network.inputs)


def tensor_type(shape: Sequence[int], encoding: Any = None) -> Any:
    return ir.RankedTensorType.get(list(shape), ir.F32Type.get(), encoding)


def noise(seed: int, *shape: int) -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(np.float32)


def executable(program: Program) -> Callable[..., list[Array]]:
    """Lower ``program`` to machine code and return it as a function of its inputs."""
    function = forward_function(program.module.operation)
    shapes = [list(type_.shape) for type_ in function.type.results]
    run(program, [ConvertPatternToLinalg(), PatternPackWeights(), BUFFERIZE])
    with program.context, ir.Location.unknown():
        for op in walk(program.module.operation, memref.CopyOp):
            with ir.InsertionPoint(op):
                linalg.copy(op.source, outs=[op.target])
            op.operation.erase()
    run(program, [TO_LLVM])
    engine = ExecutionEngine(program.module, opt_level=2)
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.raw_lookup("forward"))

    def call(*inputs: Array) -> list[Array]:
        outputs = [np.full(shape, np.nan, np.float32) for shape in shapes]
        arrays = [*map(np.ascontiguousarray, inputs), program.parameters[WEIGHTS], *outputs]
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        entry((ctypes.c_void_p * len(pointers))(*map(ctypes.addressof, pointers)))
        return outputs

    call.engine = engine  # type: ignore[attr-defined]  # owns the code
    return call


def activation(name: str | None) -> Any:
    if name is None:
        return None
    return ActivationAttr.build(name, [PARAMETER_VALUES[p] for p in ACTIVATIONS[name]])
