// What is wrong with a pipeline is said in one line on standard error.

// RUN: echo start > %t

// A pass that there is not: one of ours, one of MLIR, one inside another.
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(cse,pattern-dectect)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(convert-pattern-to-linag)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(canonicalise)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(func.func(cse,frobnicate))' >> %t 2>&1
// CHECK: start
// CHECK-NEXT: {{^}}pattern-opt: error: unknown pass 'pattern-dectect'; did you mean 'pattern-detect'?
// CHECK-NEXT: {{^}}pattern-opt: error: unknown pass 'convert-pattern-to-linag'; did you mean 'convert-pattern-to-linalg'?
// CHECK-NEXT: {{^}}pattern-opt: error: unknown pass 'canonicalise'; did you mean 'canonicalize'? (pattern-opt --list-passes lists those of pattern_mlir)
// CHECK-NEXT: {{^}}pattern-opt: error: unknown pass 'frobnicate' (pattern-opt --list-passes lists those of pattern_mlir)

// A pass of ours inside a function.
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(func.func(cse,pattern-fuse))' >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: 'pattern-fuse' runs on the module: take it out of 'func.func(…)'

// An option that a pass does not have, and one with a bad value or none.
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(pattern-balance{thread=2})' >> %t 2>&1
// RUN: not pattern-opt %s --pattern-group=all >> %t 2>&1
// RUN: not pattern-opt %s --pattern-balance=threads=two >> %t 2>&1
// RUN: not pattern-opt %s --pattern-balance=threads >> %t 2>&1
// RUN: not pattern-opt %s --pattern-balance=threads=0 >> %t 2>&1
// RUN: not pattern-opt %s --pattern-fuse=least-pooled=0 >> %t 2>&1
// RUN: not pattern-opt %s --pattern-detect=minimum-sparsity=half >> %t 2>&1
// RUN: not pattern-opt %s --pattern-detect=minimum-sparsity=2 >> %t 2>&1
// RUN: not pattern-opt %s --pattern-detect=max-patterns=0 >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: pass 'pattern-balance' has no option 'thread'; did you mean 'threads'? (has: threads)
// CHECK-NEXT: {{^}}pattern-opt: error: pass 'pattern-group' has no option 'all' (has: none)
// CHECK-NEXT: {{^}}pattern-opt: error: option 'threads' of pass 'pattern-balance' takes int, got 'two'
// CHECK-NEXT: {{^}}pattern-opt: error: option 'threads' of pass 'pattern-balance' needs a value, as in threads=…
// CHECK-NEXT: {{^}}pattern-opt: error: pattern-balance: threads must be at least 1, got 0
// CHECK-NEXT: {{^}}pattern-opt: error: pattern-fuse: least-pooled must be at least 1, got 0
// CHECK-NEXT: {{^}}pattern-opt: error: option 'minimum-sparsity' of pass 'pattern-detect' takes float, got 'half'
// CHECK-NEXT: {{^}}pattern-opt: error: pattern-detect: minimum-sparsity is a fraction from 0 to 1, got 2.0
// CHECK-NEXT: {{^}}pattern-opt: error: pattern-detect: max-patterns must be at least 1, got 0

// The same of passes of MLIR.
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(canonicalize{max-iteration=1})' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(canonicalize{max-iterations=many})' >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: MLIR does not understand 'canonicalize{max-iteration=1}': {{.*}}`max-iteration=1`
// CHECK-NEXT: {{^}}pattern-opt: error: MLIR does not understand 'canonicalize{max-iterations=many}': {{.*}}'many' value invalid

// Text that is no pipeline.
// RUN: not pattern-opt %s --pass-pipeline= >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline=cse >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='func.func(cse)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(cse' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(func.func(cse)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(cse))' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(cse,,cse)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(cse,)' >> %t 2>&1
// RUN: not pattern-opt %s --pass-pipeline='builtin.module(pattern-balance(threads=2))' >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline '' must have the form builtin.module(first-pass,second-pass)
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline 'cse' must have the form builtin.module(first-pass,second-pass)
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline 'func.func(cse)' must have the form builtin.module(first-pass,second-pass)
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline 'builtin.module(cse' must have the form builtin.module(first-pass,second-pass)
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline 'func.func(cse' leaves a bracket open
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline 'cse)' closes a bracket that is not open
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline has an empty element; remove the comma
// CHECK-NEXT: {{^}}pattern-opt: error: the pipeline has an empty element; remove the comma
// CHECK-NEXT: {{^}}pattern-opt: error: options of 'pattern-balance' stand in braces, as in pattern-balance{option=value}

// A module without a pipeline in it.
// RUN: not pattern-opt %s --run-reproducer >> %t 2>&1
// CHECK-NEXT: {{^}}pattern-opt: error: '{{.*}}bad-pipelines.mlir' is no reproducer: it has no pipeline

// RUN: filecheck %s < %t
// CHECK-NOT: {{.}}
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
