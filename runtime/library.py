"""The C runtime from Python: instances that run compiled layers on threads of their own."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pattern_mlir.errors import PatternError

ABI_VERSION = 3
MAXIMUM_THREADS = 256
MAXIMUM_CHUNK = 2**63 - 1
LIBRARY_NAME = "libpattern_runtime.so"

LayerFunction = ctypes.CFUNCTYPE(
    None, ctypes.POINTER(ctypes.c_void_p), ctypes.c_int64, ctypes.c_int64
)
"""`void layer(void *const buffers[], int64_t lo, int64_t hi)`."""


class RuntimeFailure(PatternError):
    """The C runtime is missing or refuses a call."""


class _Layer(ctypes.Structure):
    _fields_ = (
        ("function", ctypes.c_void_p),
        ("extent", ctypes.c_int64),
        ("boundaries", ctypes.POINTER(ctypes.c_int64)),
        ("parts", ctypes.c_int64),
        ("chunk", ctypes.c_int64),
    )


@dataclass(frozen=True)
class Layer:
    """A compiled layer.

    Attributes:
        address: of its function, see `LayerFunction`.
        extent: how many independent units it computes.
        boundaries: part p is units b[p] to b[p + 1] - 1, parts are of equal work: one a thread, or
            split anew for another number of threads; None for equal parts.
        chunk: above 0, threads take so many units at a time, whoever is free.
    """

    address: int
    extent: int
    boundaries: tuple[int, ...] | None = None
    chunk: int = 0


class Instance:
    """Threads, and the layers that they run; one thread at a time may call `run`."""

    def __init__(self, layers: Sequence[Layer], threads: int = 1) -> None:
        """Start ``threads`` - 1 threads; raise RuntimeFailure where that cannot be."""
        self._handle = ctypes.c_void_p()
        self._library = _library()
        check_threads(threads)
        for layer in layers:
            if not 0 <= layer.chunk <= MAXIMUM_CHUNK:
                raise RuntimeFailure(f"chunk must be from 0 to {MAXIMUM_CHUNK}, got {layer.chunk}")
        # The arrays stay referenced: the C side keeps pointers into them.
        self._boundaries = [
            None
            if layer.boundaries is None
            else (ctypes.c_int64 * len(layer.boundaries))(*layer.boundaries)
            for layer in layers
        ]
        self._layers = (_Layer * len(layers))(
            *(
                _Layer(
                    layer.address,
                    layer.extent,
                    boundaries,
                    0 if boundaries is None else len(boundaries) - 1,
                    layer.chunk,
                )
                for layer, boundaries in zip(layers, self._boundaries, strict=True)
            )
        )
        _check(self._library.pattern_instance_create(threads, ctypes.byref(self._handle)))

    def run(self, buffers: Sequence[int]) -> None:
        """Run all layers over the buffers at these addresses: arena, weights, inputs, outputs."""
        self._run(buffers, self._layers, len(self._layers), None)

    def run_layer(self, index: int, buffers: Sequence[int]) -> None:
        """Run the layer ``index`` alone, over the buffers of `run`."""
        self._run(buffers, self._layers[index], 1, None)

    def profile(self, buffers: Sequence[int]) -> list[int]:
        """Run all layers as `run` does; return the nanoseconds that each took."""
        nanoseconds = (ctypes.c_int64 * len(self._layers))()
        self._run(buffers, self._layers, len(self._layers), nanoseconds)
        return list(nanoseconds)

    def _run(self, buffers: Sequence[int], layers: Any, count: int, nanoseconds: Any) -> None:
        if not self._handle:
            raise RuntimeFailure("the instance is closed; create another one")
        pointers = (ctypes.c_void_p * len(buffers))(*buffers)
        _check(
            self._library.pattern_instance_run(self._handle, layers, count, pointers, nanoseconds)
        )

    def close(self) -> None:
        """End the threads; the instance runs nothing more. Closing twice does nothing."""
        if self._handle:
            _check(self._library.pattern_instance_destroy(self._handle))
            self._handle = ctypes.c_void_p()

    def __enter__(self) -> Instance:
        """Return the instance."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __del__(self) -> None:
        """Close it, unless its creation failed."""
        if getattr(self, "_handle", None):
            self._library.pattern_instance_destroy(self._handle)


def check_threads(threads: int) -> None:
    """Raise RuntimeFailure unless an instance can have so many threads."""
    if not 1 <= threads <= MAXIMUM_THREADS:
        raise RuntimeFailure(f"threads must be from 1 to {MAXIMUM_THREADS}, got {threads}")


@functools.cache
def _library() -> Any:
    path = library_path()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise RuntimeFailure(f"cannot load the C runtime {path}: {error}; reinstall") from None
    version = library.pattern_abi_version()
    if version != ABI_VERSION:
        raise RuntimeFailure(
            f"the C runtime {path} has ABI version {version}, this package needs {ABI_VERSION};"
            " reinstall pattern-mlir"
        )
    library.pattern_status_message.restype = ctypes.c_char_p
    library.pattern_instance_create.argtypes = [ctypes.c_int32, ctypes.POINTER(ctypes.c_void_p)]
    library.pattern_instance_run.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(_Layer),
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.POINTER(ctypes.c_int64),
    ]
    library.pattern_instance_destroy.argtypes = [ctypes.c_void_p]
    return library


def library_path() -> Path:
    """Return where the C runtime lies; raise RuntimeFailure if it was not built."""
    folders = [Path(str(resources.files("pattern_mlir.runtime"))), Path(__file__).parent]
    # An editable install keeps built files where the wheel would, in site-packages.
    folders += [Path(entry) / "pattern_mlir" / "runtime" for entry in sys.path]
    for folder in folders:
        if (folder / LIBRARY_NAME).is_file():
            return folder / LIBRARY_NAME
    raise RuntimeFailure(
        f"the C runtime {LIBRARY_NAME} is not built; install the package (pip install -e .)"
    )


def _check(status: int) -> None:
    if status:
        raise RuntimeFailure(_library().pattern_status_message(status).decode())
