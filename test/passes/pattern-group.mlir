// RUN: pattern-opt --pattern-group %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-group %t.once | diff %t.once -

// Longer filters first, then those with more kernels of the first pattern. Bias, residual and
// result keep their channels.
// CHECK-LABEL: func.func @by_length_and_patterns
// CHECK: "pattern.parameter"() {filter_order = array<i64: 1, 2, 0>
// CHECK: "pattern.conv"(%arg0, %{{.*}}, %{{.*}}, %arg1)
// CHECK-SAME: output_channel = array<i64: 1, 2, 0>
// CHECK-SAME: -> tensor<1x3x2x2xf32>
func.func @by_length_and_patterns(%x: tensor<1x2x2x3xf32>, %r: tensor<1x3x2x2xf32>) -> tensor<1x3x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 0.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[3.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<3x2x1x2xf32>} : () -> tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %b = "pattern.parameter"() {name = "b"} : () -> tensor<3xf32>
  %y = "pattern.conv"(%x, %w, %b, %r) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>, tensor<3xf32>, tensor<1x3x2x2xf32>) -> tensor<1x3x2x2xf32>
  return %y : tensor<1x3x2x2xf32>
}

// Both convolutions of a weight write its filters to the same channels.
// CHECK-LABEL: func.func @tied
// CHECK: "pattern.parameter"() {filter_order = array<i64: 1, 2, 0>
// CHECK-NEXT: "pattern.conv"(%arg0{{.*}} output_channel = array<i64: 1, 2, 0>
// CHECK-NEXT: "pattern.conv"(%arg1{{.*}} output_channel = array<i64: 1, 2, 0>
func.func @tied(%x: tensor<1x2x2x3xf32>, %z: tensor<1x2x2x3xf32>) -> (tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 0.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[3.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<3x2x1x2xf32>} : () -> tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x3x2x2xf32>
  %1 = "pattern.conv"(%z, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x3x2x2xf32>
  return %0, %1 : tensor<1x3x2x2xf32>, tensor<1x3x2x2xf32>
}

// What a convolution permutes already stays: filter 1 goes on to write channel 0.
// CHECK-LABEL: func.func @permuted_before
// CHECK: "pattern.parameter"() {filter_order = array<i64: 1, 2, 0>
// CHECK-NEXT: "pattern.conv"
// CHECK-SAME: output_channel = array<i64: 0, 2, 1>
func.func @permuted_before(%x: tensor<1x2x2x3xf32>) -> tensor<1x3x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 0.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[3.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<3x2x1x2xf32>} : () -> tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x3x2x2xf32>
  return %0 : tensor<1x3x2x2xf32>
}

// Filters that stand right get no attributes.
// CHECK-LABEL: func.func @ordered_already
// CHECK: "pattern.parameter"() {name = "w"
// CHECK-NEXT: "pattern.conv"
// CHECK-NOT: output_channel
// CHECK: return
func.func @ordered_already(%x: tensor<1x2x2x3xf32>) -> tensor<1x3x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[2.0, 0.0]], [[3.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]], [[[1.0, 0.0]], [[0.0, 0.0]]]]> : tensor<3x2x1x2xf32>} : () -> tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x3x2x2xf32>
  return %0 : tensor<1x3x2x2xf32>
}

// Filters of a grouped convolution stay in their group: 0 and 1, 2 and 3.
// CHECK-LABEL: func.func @groups
// CHECK: filter_order = array<i64: 1, 0, 3, 2>
func.func @groups(%x: tensor<1x4x2x3xf32>) -> tensor<1x4x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[0.0, 1.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[0.0, 0.0]]], [[[0.0, 3.0]], [[0.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<4x2x1x2xf32>} : () -> tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x2x3xf32>, tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x4x2x2xf32>
  return %0 : tensor<1x4x2x2xf32>
}

// A weight that is used with different groups, or read by something else, keeps its order; so does
// a dense one.
// CHECK-LABEL: func.func @orders_that_stay
// CHECK-NOT: filter_order
// CHECK-NOT: output_channel
// CHECK: return
func.func @orders_that_stay(%x: tensor<1x4x2x3xf32>, %half: tensor<1x2x2x3xf32>) -> (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>, tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[0.0, 1.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[0.0, 0.0]]], [[[0.0, 3.0]], [[0.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<4x2x1x2xf32>} : () -> tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4x2x3xf32>, tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x4x2x2xf32>
  %1 = "pattern.conv"(%half, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x4x2x2xf32>
  %read = "pattern.parameter"() {name = "read", value = dense<[[[[0.0, 1.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[0.0, 0.0]]], [[[0.0, 3.0]], [[0.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<4x2x1x2xf32>} : () -> tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
  %2 = "pattern.conv"(%half, %read) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x4x2x2xf32>
  %dense = "pattern.parameter"() {name = "dense", value = dense<[[[[0.0, 1.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[0.0, 0.0]]], [[[0.0, 3.0]], [[0.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<4x2x1x2xf32>} : () -> tensor<4x2x1x2xf32>
  %3 = "pattern.conv"(%half, %dense) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<4x2x1x2xf32>) -> tensor<1x4x2x2xf32>
  return %0, %1, %2, %3, %read : tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>, tensor<4x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>
}
