// What is wrong on the command line is said in one line on standard error; the exit code is 1 and
// standard output stays empty. Each case adds its output to one file: not a line more may be there.

// RUN: echo start > %t

// An option that there is not, with the nearest that there is.
// RUN: not pattern-opt %s --pass-pipline=cse >> %t 2>&1
// RUN: not pattern-opt %s --pattern-fues >> %t 2>&1
// RUN: not pattern-opt %s --frobnicate >> %t 2>&1
// CHECK: start
// CHECK-NEXT: {{^}}pattern-opt: error: unknown option '--pass-pipline'; did you mean '--pass-pipeline'? (pattern-opt --help lists all options)
// CHECK-NEXT: {{^}}pattern-opt: error: unknown option '--pattern-fues'; did you mean '--pattern-fuse'? (pattern-opt --help lists all options)
// CHECK-NEXT: {{^}}pattern-opt: error: unknown option '--frobnicate' (pattern-opt --help lists all options)

// A pass of MLIR as a flag.
// RUN: not pattern-opt %s --canonicalize >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: '--canonicalize' is a pass of MLIR: write --pass-pipeline='builtin.module(canonicalize)' (pattern-opt --help lists all options)

// A value that is none.
// RUN: not pattern-opt %s --target=host --threads=0 >> %t 2>&1
// RUN: not pattern-opt %s --target=host --threads=many >> %t 2>&1
// RUN: not pattern-opt %s --mlir-elide-elementsattrs-if-larger=-1 >> %t 2>&1
// RUN: not pattern-opt %s --verify-each=perhaps >> %t 2>&1
// RUN: not pattern-opt %s --emit=object >> %t 2>&1
// RUN: not pattern-opt %s --target=hosts >> %t 2>&1
// RUN: not pattern-opt %s --target=arm >> %t 2>&1
// RUN: not pattern-opt %s --target=aarch64-linux-gnu --cpu=cortex-x3 >> %t 2>&1
// RUN: not pattern-opt %s --pattern-assign-layouts=processor=cortex-a67 >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: argument --threads: needs a number of at least 1, got '0'
// CHECK-NEXT: {{^}}pattern-opt: error: argument --threads: needs a number of at least 1, got 'many'
// CHECK-NEXT: {{^}}pattern-opt: error: argument --mlir-elide-elementsattrs-if-larger: needs a number of at least 0, got '-1'
// CHECK-NEXT: {{^}}pattern-opt: error: argument --verify-each: needs true or false, got 'perhaps'
// CHECK-NEXT: {{^}}pattern-opt: error: cannot emit 'object'; did you mean 'obj'? (known: mlir, bytecode, llvm, asm, obj, spirv, package, library, bench, report)
// CHECK-NEXT: {{^}}pattern-opt: error: {{.*}}'hosts'; did you mean 'host'?
// CHECK-NEXT: {{^}}pattern-opt: error: {{.*}}'arm'
// CHECK-NEXT: {{^}}pattern-opt: error: unknown cpu 'cortex-x3'; did you mean 'cortex-x{{[24]}}'? (known: generic, cortex-a55, cortex-a76, cortex-a78, cortex-x2, cortex-x4, neoverse-n1)
// CHECK-NEXT: {{^}}pattern-opt: error: unknown cpu 'cortex-a67'; did you mean 'cortex-a7{{[68]}}'? (known: {{.*}})
// CHECK-NEXT: {{^}}pattern-opt: error: argument --pass-pipeline: expected one argument

// Arguments that contradict each other.
// RUN: not pattern-opt %s --target=host --pattern-fuse >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(cse)' --run-reproducer >> %t 2>&1
// RUN: not pattern-opt %s --threads=2 >> %t 2>&1
// RUN: not pattern-opt %s --split-input-file --emit=llvm >> %t 2>&1
// RUN: not pattern-opt %s %s.again >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: give one of --pass-pipeline, flags of passes, --target and --run-reproducer; a pipeline mixes any passes
// CHECK-NEXT: {{^}}pattern-opt: error: give one of --pass-pipeline, flags of passes, --target and --run-reproducer; a pipeline mixes any passes
// CHECK-NEXT: {{^}}pattern-opt: error: --threads goes with --target; write --pattern-balance=threads=… else
// CHECK-NEXT: {{^}}pattern-opt: error: --split-input-file writes MLIR text only; leave out --emit
// CHECK-NEXT: {{^}}pattern-opt: error: '{{.*}}.again' is one input too many

// What the module cannot be written as.
// RUN: not pattern-opt %s --emit=llvm >> %t 2>&1
// RUN: not pattern-opt %s --emit=asm >> %t 2>&1
// RUN: not pattern-opt %s --emit=obj >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: the module is not in the LLVM dialect: it holds 'func.func'; lower it with --target=host
// CHECK-NEXT: {{^}}pattern-opt: error: the module is not in the LLVM dialect: it holds 'func.func'; lower it with --target=host
// CHECK-NEXT: {{^}}pattern-opt: error: the module is not in the LLVM dialect: it holds 'func.func'; lower it with --target=host

// Where it cannot be written.
// RUN: not pattern-opt %s -o %t.no/model.mlir >> %t 2>&1
// RUN: not pattern-opt %s -o %S >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: {{.*}}.no/model.mlir: No such file or directory
// CHECK-NEXT: {{^}}pattern-opt: error: {{.*}}tools: Is a directory

// With --debug there is a traceback.
// RUN: not pattern-opt %s --target=arm --debug 2>&1 | filecheck %s --check-prefix=DEBUG
// DEBUG: Traceback (most recent call last):
// DEBUG: Error: {{.*}}'arm'

// RUN: filecheck %s < %t
// CHECK-NOT: {{.}}
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
