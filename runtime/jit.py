"""Compiled networks in this process: object code is linked, layers run on the C runtime."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy.typing as npt

from pattern_mlir.parameters import aligned_bytes
from pattern_mlir.runtime.library import Instance, Layer, RuntimeFailure, check_threads
from pattern_mlir.runtime.plan import LayerPlan, PlannedLayer, parts_of_run

Array = npt.NDArray[Any]


class Executable:
    """A compiled network: code, weights, an arena, and threads.

    Callers in several threads wait for each other; compile once a thread to run side by side.
    """

    def __init__(
        self, code: bytes, plan: LayerPlan, weights: Array, threads: int, chunk: int = 0
    ) -> None:
        """Link the object file ``code`` and start ``threads`` - 1 threads.

        Args:
            code: an object file with the layer functions; it may import functions of libm.
            plan: the layers and buffers.
            weights: the packed weights, aligned to 64 bytes, read only.
            threads: how many threads compute a layer; any number, whatever the plan splits for.
            chunk: units that a thread takes at a time; 0: each thread has its share of the work,
                and helps others when it is done.
        """
        self.plan = plan
        self._weights = weights
        self._arena = aligned_bytes(plan.arena_bytes)
        self._own_addresses = [_address(self._arena), _address(weights)]
        self._usual = [(spec.shape, spec.dtype, True) for spec in plan.inputs]
        self._library, self._instance = linked(code, plan.layers, threads, chunk)
        self._lock = threading.Lock()

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Return the network's outputs for ``inputs``; raise InputError if they do not fit.

        A separable network takes any multiple of the images that it was exported for.
        """
        outputs, runs = self._prepared(inputs)
        with self._lock:
            for buffers in runs:
                self._instance.run(self._addresses(buffers))
        return outputs

    def profile(self, inputs: Sequence[Array]) -> tuple[list[Array], list[int]]:
        """Run as `run` does; return the outputs, and the nanoseconds of each layer of the plan."""
        outputs, runs = self._prepared(inputs)
        with self._lock:
            times = [self._instance.profile(self._addresses(buffers)) for buffers in runs]
        return outputs, [sum(layer) for layer in zip(*times, strict=True)]

    def trace(self, inputs: Sequence[Array]) -> Iterator[tuple[PlannedLayer, Array]]:
        """Run as `run` does, layer by layer; yield layers and their results, where these are known.

        Of several parts, all layers of the first come first. Other callers wait until the iterator
        ends or is closed.
        """
        _outputs, runs = self._prepared(inputs)
        with self._lock:
            for buffers in runs:
                for index, layer in enumerate(self.plan.layers):
                    self._instance.run_layer(index, self._addresses(buffers))
                    if layer.result is not None:
                        yield layer, layer.result.read(buffers[layer.result.buffer])

    def _prepared(self, inputs: Sequence[Array]) -> tuple[list[Array], list[list[Array]]]:
        """Return new outputs, and the buffers of each run that fills a part of them.

        After a network little of Python is in the caches: the usual case runs little of it.
        """
        if [(own.shape, own.dtype, own.flags.c_contiguous) for own in inputs] == self._usual:
            outputs = [spec.empty() for spec in self.plan.outputs]
            return outputs, [[self._arena, self._weights, *inputs, *outputs]]
        outputs, parts = parts_of_run(self.plan, inputs)
        return outputs, [[self._arena, self._weights, *own, *results] for own, results in parts]

    def _addresses(self, buffers: Sequence[Array]) -> list[int]:
        """Return where the buffers of a run begin."""
        return [*self._own_addresses, *[_address(own) for own in buffers[2:]]]


def _address(array: Any) -> int:
    """Return where ``array`` begins; asking numpy for it runs much more of Python."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError):  # not to be written to, or empty
        address: int = array.ctypes.data
        return address


def linked(
    code: bytes, layers: Sequence[PlannedLayer], threads: int, chunk: int
) -> tuple[Any, Instance]:
    """Return the linked ``code``, which must outlive the instance of its ``layers`` beside it.

    Raises:
        RuntimeFailure: there cannot be so many ``threads``, or functions are missing.
    """
    check_threads(threads)
    library = _link(code, [layer.symbol for layer in layers])
    functions = [
        Layer(library[layer.symbol], layer.extent, layer.boundaries, chunk) for layer in layers
    ]
    return library, Instance(functions, threads)


def _link(code: bytes, symbols: Sequence[str]) -> Any:
    """Return the linked library, which maps symbols to addresses and keeps the code alive."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for symbol in symbols:
        builder.export_symbol(symbol)
    # JITLink keeps code and constants together; the older linker aborts when they lie 2 GB apart.
    compiler = llvm.create_lljit_compiler(use_jit_link=True)
    try:
        # Networks in one process have equal symbols: each gets a library of its own.
        return builder.link(compiler, "network")
    except RuntimeError as error:
        raise RuntimeFailure(
            f"the network needs functions that are not in this process ({error});"
            " convert the model to float32"
        ) from None
