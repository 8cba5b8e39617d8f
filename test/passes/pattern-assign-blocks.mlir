// RUN: pattern-opt --pattern-assign-blocks %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-assign-blocks %t.once | diff %t.once -
// RUN: pattern-opt --pattern-assign-blocks=precision=f16-acc32 %s | filecheck %s --check-prefix=HALF

// Tensors with planes of one size have the same blocks; a tensor has the halo that its readers
// read. Arguments and results of the network are plain.
// CHECK-LABEL: func.func @chain
// CHECK: %[[X:.*]] = "pattern.relayout"(%arg0){{.*}} -> tensor<1x8x16x16xf32, #pattern.blocks<[[BLOCK:.*]], 1 : i64, [1, 1], "f32">>
// CHECK: %[[Y:.*]] = "pattern.conv"(%[[X]]{{.*}} -> tensor<1x8x16x16xf32, #pattern.blocks<[[BLOCK]], 1 : i64, [1, 1], "f32">>
// CHECK: %[[Z:.*]] = "pattern.conv"(%[[Y]]{{.*}} -> tensor<1x8x16x16xf32, #pattern.blocks<[[BLOCK]], 1 : i64, [0, 0], "f32">>
// CHECK: "pattern.relayout"(%[[Z]]){{.*}} -> tensor<1x8x16x16xf32>
// HALF-LABEL: func.func @chain
// HALF: "pattern.relayout"{{.*}}2 : i64, [1, 1], "f16">>
func.func @chain(%x: tensor<1x8x16x16xf32>) -> tensor<1x8x16x16xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<8x8x3x3xf32>} : () -> tensor<8x8x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x16x16xf32>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x16x16xf32>
  return %1 : tensor<1x8x16x16xf32>
}

// An operation whose readers all want plain tensors writes one.
// CHECK-LABEL: func.func @pool_before_linear
// CHECK: %[[Y:.*]] = "pattern.adaptive_average_pool"(%arg0){{.*}} -> tensor<1x8x1x1xf32>
// CHECK-NEXT: tensor.collapse_shape %[[Y]]
func.func @pool_before_linear(%x: tensor<1x8x16x16xf32>) -> tensor<1x2xf32> {
  %w = "pattern.parameter"() {name = "fc", value = dense<1.0> : tensor<2x8xf32>} : () -> tensor<2x8xf32>
  %0 = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>) -> tensor<1x8x1x1xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<1x8x1x1xf32> into tensor<1x8xf32>
  %2 = "pattern.linear"(%1, %w) : (tensor<1x8xf32>, tensor<2x8xf32>) -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}

// A tensor of integers keeps its layout.
// CHECK-LABEL: func.func @no_image
// CHECK-NEXT: return %arg0 : tensor<4xi64>
func.func @no_image(%x: tensor<4xi64>) -> tensor<4xi64> {
  return %x : tensor<4xi64>
}
