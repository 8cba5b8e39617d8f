// RUN: pattern-opt --pattern-fuse %s | filecheck %s

// The module that scripts/check-package runs with an installed package.
// CHECK: "pattern.conv"{{.*}}activation = #pattern.activation<"relu", []>
// CHECK-NOT: "pattern.activate"
func.func @forward(%x: tensor<1x2x6x6xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0, 0.0], [0.0, 3.0, 4.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], [[[0.0, 0.0, 0.0], [0.0, 5.0, 6.0], [0.0, 7.0, 8.0]], [[1.0, 0.0, 0.0], [2.0, 3.0, 0.0], [4.0, 0.0, 0.0]]]]> : tensor<2x2x3x3xf32>} : () -> tensor<2x2x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x6x6xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %1 : tensor<1x2x4x4xf32>
}
