// RUN: pattern-opt %s --pattern-detect --pattern-balance=threads=2 | filecheck %s
// RUN: pattern-opt -pattern-detect=minimum-sparsity=0.5 -pattern-balance=threads=2 < %s | filecheck %s
// RUN: pattern-opt %s --pattern-detect='max-patterns=1 minimum-sparsity=0.1' | filecheck %s --check-prefix=OPTIONS
// RUN: pattern-opt --pattern-detect=minimum-sparsity=0.9 %s --pattern-detect | filecheck %s --check-prefix=LAST
// RUN: pattern-opt --pattern-detect %s --pattern-detect=minimum-sparsity=0.9 | filecheck %s --check-prefix=FIRST

// Each of our passes is a flag, its options behind an equals sign; one dash does as well as two.
// CHECK: "pattern.conv"
// CHECK-SAME: filter_boundaries = array<i64: 0, 1, 2>
// CHECK-SAME: #pattern.sparse

// Several options stand in one argument.
// OPTIONS: dense_reason = "its kernels follow more patterns than max-patterns = 1"

// Flags run in their order, wherever the input stands: what the last one says, holds.
// LAST: #pattern.sparse
// FIRST: dense_reason = "50% of its weights are zero, less than 90%"
func.func @forward(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}
