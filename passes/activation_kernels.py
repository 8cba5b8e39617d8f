"""Activations of plain tensors as functions on buffers: vector by vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch_mlir import ir
from torch_mlir.dialects import arith, func, scf

from pattern_mlir.passes.kernel_functions import FunctionBuilder
from pattern_mlir.passes.linalg_activations import activated
from pattern_mlir.passes.linalg_builders import Scalar

RUN = 64
"""Vectors that a thread takes at a time."""

ACTIVATION_CYCLES = 20.0
"""A vector of an activation, one with an exponential."""


@dataclass(frozen=True)
class ActivationKernel:
    """An activation of elements one after the other.

    Attributes:
        size: elements.
        lanes: of a vector.
        activation: an `ActivationAttr`.
        element: the type that input and result are stored in.
    """

    size: int
    lanes: int
    activation: Any
    element: str = "f32"

    @property
    def word(self) -> str:
        """What functions of this kind are called."""
        return "activate"

    @property
    def layout(self) -> str:
        """The result's layout in words: plain."""
        return ""

    @property
    def tile(self) -> str:
        """Nothing is cut into tiles."""
        return ""

    @property
    def units(self) -> int:
        """Runs of vectors, which threads share."""
        return -(-self.size // (RUN * self.lanes))


class ActivationBuilder(FunctionBuilder):
    """Builds the function of an `ActivationKernel` at the current insertion point."""

    def __init__(self, kernel: ActivationKernel, name: str) -> None:
        """Build a function named ``name``."""
        super().__init__(kernel.lanes)
        self._kernel = kernel
        self._name = name

    def buffer_types(self) -> list[Any]:
        """Return the types of input and result."""
        return [ir.MemRefType.get([self._kernel.size], self.element(self._kernel.element))] * 2

    def build(self) -> None:
        """Build the loop over vectors, and that over the elements that fill none."""
        kernel = self._kernel
        whole = kernel.size - kernel.size % kernel.lanes
        with self.function(self._name, [*self.buffer_types(), self.index, self.index]):
            x, y, low, high = self.entry.arguments
            run = self.constant(RUN * kernel.lanes)
            first, end = (arith.muli(bound, run) for bound in (low, high))
            last = arith.minui(end, self.constant(whole))
            vectors = scf.ForOp(first, last, self.constant(kernel.lanes))
            with ir.InsertionPoint(vectors.body):
                at = [vectors.induction_variable]
                value = activated(kernel.activation, Scalar(self.load_vector(x, at))).value
                self.store_vector(value, y, at)
                scf.yield_([])
            start = arith.maxui(first, self.constant(whole))
            rest = scf.ForOp(start, arith.minui(end, self.constant(kernel.size)), self.constant(1))
            with ir.InsertionPoint(rest.body):
                at = [rest.induction_variable]
                value = activated(kernel.activation, Scalar(self.load_scalar(x, at))).value
                self.store_scalar(value, y, at)
                scf.yield_([])
            func.return_([])
