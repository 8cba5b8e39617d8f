// RUN: pattern-opt --pattern-fold-scales %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-fold-scales %t.once | diff %t.once -

// A product, a sum and a product before a padded convolution: one sum stays, the product is in the weight.
// CHECK-LABEL: func.func @padded
// CHECK: %[[SUM:.*]] = "pattern.add"(%arg0, %{{.*}})
// CHECK-NOT: "pattern.multiply"
// CHECK: "pattern.conv"(%[[SUM]], %{{.*}})
func.func @padded(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %s = "pattern.parameter"() {name = "s", value = dense<2.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %t = "pattern.parameter"() {name = "t", value = dense<3.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %0 = "pattern.multiply"(%x, %s) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "pattern.add"(%0, %t) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %2 = "pattern.multiply"(%1, %s) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %3 = "pattern.conv"(%2, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  return %3 : tensor<1x1x4x4xf32>
}

// Without padding the sum goes into a bias.
// CHECK-LABEL: func.func @unpadded
// CHECK-NOT: "pattern.add"
// CHECK: "pattern.conv"(%arg0, %{{.*}}, %{{.*}}) {{.*}}operandSegmentSizes = array<i32: 1, 1, 1, 0>
func.func @unpadded(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32> {
  %t = "pattern.parameter"() {name = "t", value = dense<3.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %0 = "pattern.add"(%x, %t) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x2x2xf32>
  return %1 : tensor<1x1x2x2xf32>
}

// What another operation reads too, and what has an activation, stays.
// CHECK-LABEL: func.func @kept
// CHECK: %[[A:.*]] = "pattern.multiply"(%arg0, %{{.*}})
// CHECK: "pattern.conv"(%[[A]]
// CHECK: %[[B:.*]] = "pattern.multiply"(%arg0, %{{.*}}) {activation = #pattern.activation<"relu", []>}
// CHECK: "pattern.conv"(%[[B]]
func.func @kept(%x: tensor<1x1x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) {
  %s = "pattern.parameter"() {name = "s", value = dense<2.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %v = "pattern.parameter"() {name = "v", value = dense<2.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %0 = "pattern.multiply"(%x, %s) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x2x2xf32>
  %2 = "pattern.multiply"(%x, %s) {activation = #pattern.activation<"relu", []>} : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  %3 = "pattern.conv"(%2, %v) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x2x2xf32>
  return %0, %1, %3 : tensor<1x1x4x4xf32>, tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>
}

// A product after a convolution goes into its weight and its bias.
// CHECK-LABEL: func.func @after
// CHECK-NOT: "pattern.multiply"
// CHECK: %[[CONV:.*]] = "pattern.conv"(%arg0, %{{.*}}, %{{.*}})
// CHECK: return %[[CONV]]
func.func @after(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %s = "pattern.parameter"() {name = "s", value = dense<2.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %w = "pattern.parameter"() {name = "after.w", value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %b = "pattern.parameter"() {name = "after.b", value = dense<1.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = "pattern.conv"(%x, %w, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32>
  %1 = "pattern.multiply"(%0, %s) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}

// Not behind an activation.
// CHECK-LABEL: func.func @activated
// CHECK: "pattern.multiply"
func.func @activated(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %s = "pattern.parameter"() {name = "s", value = dense<2.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %w = "pattern.parameter"() {name = "activated.w", value = dense<1.0> : tensor<1x1x3x3xf32>} : () -> tensor<1x1x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x4x4xf32>
  %1 = "pattern.multiply"(%0, %s) : (tensor<1x1x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x4x4xf32>
  return %1 : tensor<1x1x4x4xf32>
}
