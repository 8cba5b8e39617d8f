"""Runs a package where the free memory near the process's libraries lies in small pieces."""

from __future__ import annotations

import ctypes
import mmap
import sys

import numpy as np

import pattern_mlir

FAR = 1 << 34
SMALLEST = 1 << 14


def leave_small_pieces() -> None:
    """Reserve every free piece of `SMALLEST` bytes or more above a reserved range of `FAR` bytes.

    The kernel takes the highest piece that fits: what is larger then comes to lie `FAR` bytes below
    what is smaller, further than a jump or an address relative to the code reaches.
    """
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def reserved(size: int) -> int:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        return int(libc.mmap(None, size, 0, flags, -1, 0))

    far, size = reserved(FAR), FAR // 16
    while size >= SMALLEST:
        address = reserved(size)
        if address < far:
            libc.munmap(address, size)
            size //= 2


def main() -> None:
    """Run the package ``argv[1]`` on the array ``argv[2]``; save the result as ``argv[3]``."""
    x = np.load(sys.argv[2])
    import llvmlite.binding  # noqa: F401  its libraries need large pieces

    leave_small_pieces()
    np.save(sys.argv[3], pattern_mlir.load(sys.argv[1])(x))


if __name__ == "__main__":
    main()
