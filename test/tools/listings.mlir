// RUN: pattern-opt --list-passes | filecheck %s --check-prefix=PASSES
// RUN: pattern-opt --show-dialects | filecheck %s --check-prefix=DIALECTS
// RUN: pattern-opt --version | filecheck %s --check-prefix=VERSION
// RUN: pattern-opt --help | filecheck %s --check-prefix=HELP

// Our passes, each with what it does and its options, and the pipelines of the targets.
// PASSES: Passes of pattern_mlir:
// PASSES: --pattern-fuse{{ +}}Fuse bias, residual sum, activation and 2x2 max-pool
// PASSES: --pattern-detect
// PASSES-NEXT: processor=str (default )
// PASSES-NEXT: lanes=int (default 0)
// PASSES-NEXT: registers=int (default 0)
// PASSES-NEXT: max-patterns=int (default 32)
// PASSES-NEXT: minimum-sparsity=float (default 0.1)
// PASSES: Pipeline of --target=host:
// PASSES-NEXT: builtin.module(convert-torch-to-pattern,
// PASSES-SAME: convert-layers-to-abi)
// PASSES: aarch64-linux-android{{ +}}generic, cortex-a55, cortex-a76, cortex-a78, cortex-x2, cortex-x4, neoverse-n1

// All dialects that a module may hold, and the operations of ours.
// DIALECTS: Available dialects:
// DIALECTS-NEXT: pattern, affine, arith,
// DIALECTS: pattern.conv{{ +}}2-D convolution
// DIALECTS: pattern.parameter

// VERSION: pattern-opt {{[0-9]+\.[0-9]+\.[0-9]+}}

// HELP: usage: pattern-opt
// HELP: Runs passes over a module
// HELP: --pass-pipeline
// HELP-NOT: --pass
// HELP: --pattern-fuse --pattern-balance=threads=2
