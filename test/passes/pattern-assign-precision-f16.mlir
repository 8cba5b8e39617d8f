// RUN: pattern-opt --pattern-assign-precision=precision=f16 %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-assign-precision=precision=f16 %t.once | diff %t.once -
// RUN: pattern-opt --pattern-assign-precision=precision=f16 %s | diff %t.once -

// Products are added up in f16 where that errs at most 4 times as much as in f32: not of numbers
// that cancel each other out, whose sum is much less than what it passes through.
// CHECK-LABEL: func.func @network
// CHECK: "pattern.conv"{{.*}}f16_errors = array<f64: {{[^>]*}}>, f16_sums, {{.*}}strides
// CHECK: "pattern.conv"{{.*}}precision_reason = "kernels of more than 32 weights, not row by row"
// CHECK: "pattern.conv"{{.*}}precision_reason = "sums in f16 err {{[0-9.]+}} x as much as in f32"
// CHECK: "pattern.linear"{{.*}}precision_reason = "a linear layer waits for its weights, not for sums"
func.func @network(%x: tensor<1x32x8x8xf32>, %y: tensor<1x32xf32>) -> (tensor<1x32x8x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1xf32>) {
  %0 = "pattern.parameter"() {name = "ones", value = dense<1.0> : tensor<32x32x1x1xf32>} : () -> tensor<32x32x1x1xf32>
  %1 = "pattern.conv"(%x, %0) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x32x8x8xf32>, tensor<32x32x1x1xf32>) -> tensor<1x32x8x8xf32>
  %2 = "pattern.parameter"() {name = "large", value = dense<1.0> : tensor<1x32x1x34xf32>} : () -> tensor<1x32x1x34xf32>
  %3 = "pattern.conv"(%x, %2) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 16, 0, 17>, strides = array<i64: 1, 1>} : (tensor<1x32x8x8xf32>, tensor<1x32x1x34xf32>) -> tensor<1x1x8x8xf32>
  %4 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [1.0, 1.0]>} : (tensor<1x32x8x8xf32>) -> tensor<1x32x8x8xf32>
  %5 = "pattern.parameter"() {name = "cancels", value = dense<[[[[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[3.005859375]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]], [[-3.0]]]]> : tensor<1x32x1x1xf32>} : () -> tensor<1x32x1x1xf32>
  %6 = "pattern.conv"(%4, %5) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x32x8x8xf32>, tensor<1x32x1x1xf32>) -> tensor<1x1x8x8xf32>
  %7 = "pattern.parameter"() {name = "row", value = dense<1.0> : tensor<1x32xf32>} : () -> tensor<1x32xf32>
  %8 = "pattern.linear"(%y, %7) : (tensor<1x32xf32>, tensor<1x32xf32>) -> tensor<1x1xf32>
  return %1, %3, %6, %8 : tensor<1x32x8x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1xf32>
}
