"""Compiled networks in this process: object code is linked, layers run on the C runtime."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.library import Instance, Layer, RuntimeFailure
from pattern_mlir.runtime.plan import LayerPlan, check_inputs, count_parts, repeated

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
        """Return the network's outputs for ``inputs``; raise InputError if they do not fit.

        A separable network takes any multiple of the images that it was exported for.
        """
        parts = count_parts(self.plan, inputs)
        arrays = check_inputs([repeated(spec, parts) for spec in self.plan.inputs], inputs)
        outputs = [repeated(spec, parts).empty() for spec in self.plan.outputs]
        with self._lock:
            for part in range(parts):
                own = [_part(array, part, parts) for array in (*arrays, *outputs)]
                buffers = [self._arena, self._weights, *own]
                self._instance.run([buffer.ctypes.data for buffer in buffers])
        return outputs


def _part(array: Array, part: int, parts: int) -> Array:
    """Return the ``part``-th of ``parts`` equal parts of ``array``."""
    if parts == 1:
        return array
    size = len(array) // parts
    return array[part * size : (part + 1) * size]


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
