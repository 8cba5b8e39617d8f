// RUN: pattern-opt --pattern-assign-precision=precision=f16-acc32 %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-assign-precision=precision=f16-acc32 %t.once | diff %t.once -
// RUN: pattern-opt --pattern-assign-precision %s | filecheck %s --check-prefix=SINGLE
// RUN: pattern-opt --pattern-assign-precision=precision=f16-linear-weights %s -o %t.linear
// RUN: filecheck %s --check-prefix=LINEAR < %t.linear
// RUN: pattern-opt --pattern-assign-precision=precision=f16-linear-weights %t.linear | diff %t.linear -

// Nothing is asked for: nothing changes.
// SINGLE-NOT: f16

// Results and weights are f16, biases, inputs and outputs f32. A tensor that several read is
// converted once.
// CHECK-LABEL: func.func @chain
// CHECK: %[[X:.*]] = "pattern.relayout"(%arg0) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf16>
// CHECK-NOT: pattern.relayout
// CHECK: %[[W:.*]] = "pattern.parameter"() {name = "w", {{.*}} -> tensor<2x2x1x1xf16>
// CHECK: %[[Y:.*]] = "pattern.conv"(%[[X]], %[[W]], %{{.*}}) {{.*}} : (tensor<1x2x4x4xf16>, tensor<2x2x1x1xf16>, tensor<2xf32>) -> tensor<1x2x4x4xf16>
// CHECK: %[[OUT:.*]] = "pattern.relayout"(%[[Y]]) : (tensor<1x2x4x4xf16>) -> tensor<1x2x4x4xf32>
// CHECK: %[[Z:.*]] = "pattern.add"(%[[Y]], %[[X]])
// CHECK: %[[LAST:.*]] = "pattern.relayout"(%[[Z]])
// CHECK: return %[[OUT]], %[[LAST]]
// LINEAR-LABEL: func.func @chain
// LINEAR-NOT: f16
// LINEAR-LABEL: func.func @linear
func.func @chain(%x: tensor<1x2x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  %b = "pattern.parameter"() {name = "b", value = dense<1.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %0 = "pattern.conv"(%x, %w, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.add"(%0, %x) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %0, %1 : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}

// A weight that something else reads, too, stays f32 for that. Of a linear layer the weight alone
// may be f16.
// CHECK-LABEL: func.func @linear
// CHECK-DAG: "pattern.parameter"() {{.*}} -> tensor<3x2xf16>
// CHECK-DAG: "pattern.parameter"() {{.*}} -> tensor<3x2xf32>
// CHECK: "pattern.linear"({{.*}} : (tensor<1x2xf16>, tensor<3x2xf16>) -> tensor<1x3xf16>
// LINEAR-DAG: "pattern.parameter"() {{.*}} -> tensor<3x2xf16>
// LINEAR-DAG: "pattern.parameter"() {{.*}} -> tensor<3x2xf32>
// LINEAR: "pattern.linear"({{.*}} : (tensor<1x2xf32>, tensor<3x2xf16>) -> tensor<1x3xf32>
func.func @linear(%x: tensor<1x2xf32>) -> (tensor<1x3xf32>, tensor<3x2xf32>) {
  %w = "pattern.parameter"() {name = "v", value = dense<1.0> : tensor<3x2xf32>} : () -> tensor<3x2xf32>
  %0 = "pattern.linear"(%x, %w) : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  return %0, %w : tensor<1x3xf32>, tensor<3x2xf32>
}

// A weight that f16 cannot hold, or that is not known yet, keeps its layer in f32, and says so.
// CHECK-LABEL: func.func @weights
// CHECK: "pattern.linear"{{.*}}precision_reason = "a weight of 7e+04 is too large for f16"{{.*}} -> tensor<1x1xf32>
// CHECK: "pattern.linear"{{.*}}precision_reason = "the weight is computed at run time"{{.*}} -> tensor<1x1xf32>
// CHECK-NOT: f16
// CHECK: return
func.func @weights(%x: tensor<1x2xf32>, %v: tensor<1x2xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %w = "pattern.parameter"() {name = "u", value = dense<7.0e4> : tensor<1x2xf32>} : () -> tensor<1x2xf32>
  %0 = "pattern.linear"(%x, %w) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
  %1 = "pattern.linear"(%x, %v) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32>
  return %0, %1 : tensor<1x1xf32>, tensor<1x1xf32>
}
