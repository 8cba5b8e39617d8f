// RUN: pattern-opt %s --pass-pipeline='builtin.module(pattern-canonicalize,func.func(cse))' --mlir-timing 2>&1 -o %t | filecheck %s

// How long each pass took, on standard error.
// CHECK: Execution time report
// CHECK: {{[0-9.]+}} ({{ *[0-9.]+}}%) PatternCanonicalize
// CHECK: CSE
// CHECK: Total
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
