"""A compiled network as a library for C: shared, static, with its headers. See docs/library.md.

Made from what a package holds, without torch, MLIR and a C compiler: the C runtime is at hand as
LLVM IR.
"""

from pattern_mlir.library.write import WeightsPlace, check_name, write_bench, write_library

__all__ = ["WeightsPlace", "check_name", "write_bench", "write_library"]
