"""The parameter store: a model's arrays by name, beside its IR, kept on disk as safetensors."""

from __future__ import annotations

import contextlib
import errno
import functools
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pattern_mlir.errors import ParameterError

Array = npt.NDArray[Any]

HUGE_PAGE = 1 << 21
"""Bytes of a huge page."""

ALIGNMENT = 64
"""Bytes: a cache line, and a vector of every target."""


class ParameterStore(Mapping[str, Array]):
    """A model's parameters by name; arrays are held as they are, never copied.

    Arrays that `open` found on disk are read when they are first asked for.
    """

    def __init__(self, arrays: Mapping[str, Array] | None = None) -> None:
        """Hold ``arrays``."""
        self._arrays: dict[str, Array | Callable[[], Array]] = dict(arrays or {})

    def __getitem__(self, name: str) -> Array:
        """Return the array ``name``; raise KeyError where there is none."""
        array = self._arrays[name]
        if callable(array):
            array = self._arrays[name] = array()
        return array

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order in which they were added."""
        return iter(self._arrays)

    def __len__(self) -> int:
        """Return how many parameters there are."""
        return len(self._arrays)

    def copy(self) -> ParameterStore:
        """Return a store with the same arrays; what is on disk still stays there."""
        store = ParameterStore()
        store._arrays = dict(self._arrays)
        return store

    def add(self, name: str, array: Array) -> None:
        """Add ``array``; raise ParameterError if ``name`` is taken."""
        if name in self._arrays:
            raise ParameterError(f"parameter '{name}' is in the store already; choose another name")
        self._arrays[name] = array

    def save(self, path: Path) -> None:
        """Write all arrays to the safetensors file ``path``, whole or not at all."""
        with atomic_file(path) as temporary:
            self.write(temporary)

    def write(self, path: Path) -> None:
        """Write all arrays to the safetensors file ``path``."""
        from safetensors.numpy import save_file

        save_file({name: np.asarray(array, order="C") for name, array in self.items()}, path)

    @classmethod
    def open(cls, path: Path) -> ParameterStore:
        """Open the safetensors file ``path``.

        Raises:
            ParameterError: the file is missing, or is no safetensors file.
        """
        import safetensors

        try:
            file: Any = safetensors.safe_open(path, framework="numpy")
            names = list(file.keys())
        except (OSError, safetensors.SafetensorError) as error:
            raise ParameterError(
                f"cannot read parameters from '{path}': {error};"
                " it must be the .safetensors file saved with the module"
            ) from None
        store = cls()
        for name in names:
            store._arrays[name] = functools.partial(_read, file, name, path)
        return store


def _read(file: Any, name: str, path: Path) -> Array:
    try:
        array: Array = file.get_tensor(name)
    except (AttributeError, TypeError):
        raise ParameterError(
            f"parameter '{name}' in '{path}' has elements of type"
            f" {file.get_slice(name).get_dtype()}, numpy has none; save it as F32"
        ) from None
    return array


def aligned_bytes(size: int) -> Array:
    """Return ``size`` zeros (u8) that start at a multiple of `ALIGNMENT` in memory.

    Huge pages are asked for where there is room for one: with small ones, looking up addresses
    takes up to a third of the time of a large layer.
    """
    if size < HUGE_PAGE // 4:
        block = np.zeros(size + ALIGNMENT, np.uint8)
        start = -block.ctypes.data % ALIGNMENT
        return block[start : start + size]
    # Memory that processes could share, which is the default, gets no huge pages.
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
    memory = mmap.mmap(-1, size + HUGE_PAGE, **private)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    block = np.frombuffer(memory, np.uint8)
    start = -block.ctypes.data % HUGE_PAGE
    return block[start : start + size]


class atomic_file:
    """Context manager: a temporary path beside ``path`` that takes its place on success only."""

    def __init__(self, path: Path) -> None:
        """Prepare to write ``path``, or what it links to."""
        self._path = Path(os.path.realpath(path))

    def __enter__(self) -> Path:
        """Return the temporary path to write to."""
        if self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self._path))
        try:
            descriptor, name = tempfile.mkstemp(
                dir=self._path.parent, prefix=f".{self._path.name}."
            )
        except OSError as error:
            error.filename = str(self._path)
            raise
        os.close(descriptor)
        self._temporary = Path(name)
        return self._temporary

    def __exit__(self, error_type: object, error: object, traceback: object) -> None:
        """Rename into place, or remove what was written."""
        if error_type is not None:
            self._temporary.unlink(missing_ok=True)
            return
        umask = os.umask(0)
        os.umask(umask)
        try:
            self._temporary.chmod(0o666 & ~umask)
            self._temporary.replace(self._path)
        except OSError as failure:
            self._temporary.unlink(missing_ok=True)
            failure.filename, failure.filename2 = str(self._path), None
            raise


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
