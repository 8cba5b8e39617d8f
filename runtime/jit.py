"""Compiled networks in this process: object code is linked, layers run on the C runtime."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.library import Instance, Layer, RuntimeFailure
from pattern_mlir.runtime.plan import LayerPlan, check_inputs

Array = npt.NDArray[Any]


class Executable:
    """A compiled network: code, weights, an arena, and threads.

    Callers in several threads wait for each other; compile once a thread to run side by side.
    """

    def __init__(self, code: bytes, plan: LayerPlan, weights: Array, threads: int) -> None:
        """Link the object file ``code`` and start ``threads`` - 1 threads.

        Args:
            code: an object file with the layer functions; it may import functions of libm.
            plan: the layers and buffers.
            weights: the packed weights, aligned to 64 bytes, read only.
            threads: how many threads compute a layer.
        """
        self.plan = plan
        self._weights = weights
        self._arena = aligned_bytes(plan.arena_bytes)
        self._library = _link(code, [layer.symbol for layer in plan.layers])
        layers = [
            Layer(self._library[layer.symbol], layer.extent, layer.boundaries)
            for layer in plan.layers
        ]
        self._instance = Instance(layers, threads)
        self._lock = threading.Lock()

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the network's outputs for ``inputs``; raise InputError if they do not fit."""
        arrays = check_inputs(self.plan.inputs, inputs)
        outputs = [spec.empty() for spec in self.plan.outputs]
        buffers = [self._arena, self._weights, *arrays, *outputs]
        with self._lock:
            self._instance.run([buffer.ctypes.data for buffer in buffers])
        return outputs


def _link(code: bytes, symbols: Sequence[str]) -> Any:
    """Return the linked library, which maps symbols to addresses and keeps the code alive."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for symbol in symbols:
        builder.export_symbol(symbol)
    compiler = llvm.create_lljit_compiler()
    try:
        # Networks in one process have equal symbols: each gets a library of its own.
        return builder.link(compiler, "network")
    except RuntimeError as error:
        raise RuntimeFailure(
            f"the network needs functions that are not in this process ({error});"
            " convert the model to float32"
        ) from None
