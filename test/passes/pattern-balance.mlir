// RUN: pattern-opt --pass-pipeline='builtin.module(pattern-balance{threads=2})' %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pass-pipeline='builtin.module(pattern-balance{threads=2})' %t.once | diff %t.once -
// RUN: pattern-opt --pattern-balance %s | filecheck %s --check-prefix=ONE
// RUN: not pattern-opt --pass-pipeline='builtin.module(pattern-balance{threads=0})' %s 2>&1 | filecheck %s --check-prefix=NONE
// NONE: pattern-balance: threads must be at least 1, got 0

// Filter 2 has as many weights as the others together.
// CHECK-LABEL: func.func @heaviest_alone
// CHECK: "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>
// CHECK: filter_boundaries = array<i64: 0, 1, 3>
// CHECK-SAME: output_channel = array<i64: 2, 0, 1>
// ONE-LABEL: func.func @heaviest_alone
// ONE: "pattern.parameter"() {name = "w"
// ONE: filter_boundaries = array<i64: 0, 3>
// ONE-NOT: output_channel
// ONE: return
func.func @heaviest_alone(%x: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[3.0]], [[4.0]]]]> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// Within a thread the filters stand as pattern-group left them.
// CHECK-LABEL: func.func @order_within_a_thread
// CHECK: "pattern.parameter"() {filter_order = array<i64: 2, 1, 0>
// CHECK: filter_boundaries = array<i64: 0, 1, 3>
// CHECK-SAME: output_channel = array<i64: 2, 1, 0>
func.func @order_within_a_thread(%x: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %w = "pattern.parameter"() {filter_order = array<i64: 1, 0, 2>, name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[3.0]], [[4.0]]]]> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// Both convolutions of a weight are split alike.
// CHECK-LABEL: func.func @tied
// CHECK: "pattern.conv"(%arg0{{.*}} filter_boundaries = array<i64: 0, 1, 3>,{{.*}} output_channel = array<i64: 2, 0, 1>
// CHECK-NEXT: "pattern.conv"(%arg1{{.*}} filter_boundaries = array<i64: 0, 1, 3>,{{.*}} output_channel = array<i64: 2, 0, 1>
func.func @tied(%x: tensor<1x2x4x4xf32>, %z: tensor<1x2x4x4xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[3.0]], [[4.0]]]]> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x4x4xf32>
  %1 = "pattern.conv"(%z, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x4x4xf32>
  return %0, %1 : tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>
}

// A dense convolution gets as many filters for each thread.
// CHECK-LABEL: func.func @dense
// CHECK: "pattern.parameter"() {name = "w"
// CHECK: filter_boundaries = array<i64: 0, 2, 4>
// CHECK-NOT: output_channel
// CHECK: return
func.func @dense(%x: tensor<1x2x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<4x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// Filters of a grouped convolution are split where they stand: three of one weight, one of two.
// CHECK-LABEL: func.func @groups
// CHECK: "pattern.parameter"() {name = "w"
// CHECK: filter_boundaries = array<i64: 0, 3, 4>
// CHECK-NOT: output_channel
// CHECK: return
func.func @groups(%x: tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[3.0]], [[0.0]]], [[[4.0]], [[5.0]]]]> : tensor<4x2x1x1xf32>} : () -> tensor<4x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x4x4xf32>, tensor<4x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// More threads than filters: some have none.
// CHECK-LABEL: func.func @one_filter
// CHECK: filter_boundaries = array<i64: 0, 1, 1>
func.func @one_filter(%x: tensor<1x2x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<1x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}
