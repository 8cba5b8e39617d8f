// RUN: pattern-opt %s --pass-pipeline='builtin.module(pattern-fuse,func.func(canonicalize{max-iterations=1},cse),pattern-detect{max-patterns=1 minimum-sparsity=0.5},pattern-balance{threads=2})' | filecheck %s
// RUN: pattern-opt %s --pass-pipeline='any(cse, pattern-detect{max-patterns=4})' | filecheck %s --check-prefix=SPACES
// RUN: pattern-opt %s --pass-pipeline='builtin.module()' | filecheck %s --check-prefix=NOTHING

// A pipeline mixes our passes and those of MLIR, in the order in which they are written. Our passes
// run on the module, those of MLIR wherever they can. Options stand in braces.

// Fused, without the unused sum, with too many patterns for one, split over two threads.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT: "pattern.parameter"
// CHECK-NEXT: "pattern.conv"
// CHECK-SAME: activation = #pattern.activation<"relu", []>
// CHECK-SAME: dense_reason = "its kernels follow more patterns than max-patterns = 1"
// CHECK-SAME: filter_boundaries = array<i64: 0, 1, 2>
// CHECK-NEXT: return

// SPACES: #pattern.sparse<#pattern.library<[2, 2], {{\[\[}}0, 1], [1, 3]]>>

// NOTHING: "pattern.conv"
// NOTHING-NEXT: "pattern.activate"
// NOTHING-NEXT: "pattern.add"
func.func @forward(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %unused = "pattern.add"(%1, %1) : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %1 : tensor<1x2x2x2xf32>
}
