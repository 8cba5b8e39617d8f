// RUN: pattern-opt --pattern-detect %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-detect %t.once | diff %t.once -
// RUN: pattern-opt --pass-pipeline='builtin.module(pattern-detect{max-patterns=1})' %t.once | filecheck %s --check-prefix=FEW
// RUN: pattern-opt --pass-pipeline='builtin.module(pattern-detect{minimum-sparsity=0.6})' %t.once | filecheck %s --check-prefix=HIGH

// Two kernels with two taps each: a library of two patterns, in the parameter's type.
// CHECK-LABEL: func.func @two_patterns
// CHECK: "pattern.parameter"(){{.*}} -> tensor<2x1x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], {{\[\[}}0, 1], [1, 3]]>>>
// CHECK-NEXT: "pattern.conv"
// CHECK-NOT: dense_reason
// CHECK-SAME: (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], {{\[\[}}0, 1], [1, 3]]>>>)
// FEW-LABEL: func.func @two_patterns
// FEW: dense_reason = "its kernels follow more patterns than max-patterns = 1"
// FEW-SAME: (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>)
// HIGH-LABEL: func.func @two_patterns
// HIGH: dense_reason = "50% of its weights are zero, less than 60%"
func.func @two_patterns(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// A kernel whose one tap another pattern covers adds none of its own; an empty kernel has none.
// CHECK-LABEL: func.func @covered_and_empty_kernels
// CHECK: -> tensor<4x1x1x3xf32, #pattern.sparse<#pattern.library<[1, 3], {{\[\[}}0, 1]]>>>
func.func @covered_and_empty_kernels(%x: tensor<1x1x3x5xf32>) -> tensor<1x4x3x3xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0, 0.0]]], [[[3.0, 4.0, 0.0]]], [[[0.0, 5.0, 0.0]]], [[[0.0, 0.0, 0.0]]]]> : tensor<4x1x1x3xf32>} : () -> tensor<4x1x1x3xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x5xf32>, tensor<4x1x1x3xf32>) -> tensor<1x4x3x3xf32>
  return %y : tensor<1x4x3x3xf32>
}

// A 1x1 kernel is there or it is not.
// CHECK-LABEL: func.func @connectivity_of_1x1
// CHECK: -> tensor<2x2x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], {{\[\[}}0]]>>>
func.func @connectivity_of_1x1(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[2.0]], [[3.0]]]]> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// Two convolutions of one weight share its type, whatever their strides and inputs.
// CHECK-LABEL: func.func @tied
// CHECK: %[[W:.*]] = "pattern.parameter"
// CHECK-NEXT: "pattern.conv"(%arg0, %[[W]]){{.*}}#pattern.sparse
// CHECK-NEXT: "pattern.conv"(%arg1, %[[W]]){{.*}}#pattern.sparse
func.func @tied(%x: tensor<1x1x3x3xf32>, %z: tensor<1x1x3x3xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = "pattern.conv"(%z, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0, %1 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
}

// What stays dense says why.
// CHECK-LABEL: func.func @dense_weight
// CHECK: "pattern.conv"{{.*}} {dense_reason = "0% of its weights are zero, less than 10%"
func.func @dense_weight(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// CHECK-LABEL: func.func @depthwise
// CHECK: "pattern.conv"{{.*}} {dense_reason = "depthwise: each filter has only one kernel"
func.func @depthwise(%x: tensor<1x2x3x3xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// CHECK-LABEL: func.func @computed_weight
// CHECK: "pattern.conv"{{.*}} {dense_reason = "its weight is computed at run time"
// CHECK: "pattern.conv"{{.*}} {dense_reason = "its weight is computed at run time"
func.func @computed_weight(%x: tensor<1x1x3x3xf32>, %w: tensor<2x1x2x2xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) {
  %double = "pattern.add"(%w, %w) : (tensor<2x1x2x2xf32>, tensor<2x1x2x2xf32>) -> tensor<2x1x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = "pattern.conv"(%x, %double) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0, %1 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>
}

// CHECK-LABEL: func.func @weight_with_another_reader
// CHECK: "pattern.conv"{{.*}} {dense_reason = "its weight is also read by 'pattern.multiply'"
func.func @weight_with_another_reader(%x: tensor<1x1x3x3xf32>) -> (tensor<1x2x2x2xf32>, tensor<2x1x2x2xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  %1 = "pattern.multiply"(%w, %w) : (tensor<2x1x2x2xf32>, tensor<2x1x2x2xf32>) -> tensor<2x1x2x2xf32>
  return %0, %1 : tensor<1x2x2x2xf32>, tensor<2x1x2x2xf32>
}

// CHECK-LABEL: func.func @all_zero
// CHECK: "pattern.conv"{{.*}} {dense_reason = "every weight is zero"
func.func @all_zero(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<0.0> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}
