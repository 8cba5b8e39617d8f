// RUN: pattern-opt --pattern-outline-host %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-outline-host %t.once | diff %t.once -

// Operations in a row are one step, with what they repeat: a parameter, an empty tensor. Reshapes
// of a step's values are its own, others stay. A constant that a kernel reads is a parameter.
// CHECK: module @host_0 attributes {pattern.reasons = {{\[\[}}"{{.*}}", "'math.absf' has no kernel for a GPU"], ["{{.*}}", "'linalg.add' has no kernel for a GPU"]]}
// CHECK-NEXT: func.func @forward(%arg0: tensor<4x4xf32>) -> tensor<4x4x1x1xf32>
// CHECK-NEXT: "pattern.parameter"() {name = "w"
// CHECK-NEXT: tensor.empty
// CHECK-NEXT: math.absf %arg0
// CHECK-NEXT: linalg.add
// CHECK-NEXT: tensor.expand_shape
// CHECK: func.func private @call_host_0(tensor<4x4xf32>) -> tensor<4x4x1x1xf32>
// CHECK: func.func @network
// CHECK: %[[C:.*]] = "pattern.parameter"() {name = "constant"}
// CHECK: %[[X:.*]] = "pattern.activate"(%[[V:.*]]) {
// CHECK: %[[Y:.*]] = tensor.collapse_shape %[[X]]
// CHECK: %[[Z:.*]] = call @call_host_0(%[[Y]]) {pattern.numbered = 0 : i64}
// CHECK: "pattern.add"(%[[Z]], %[[C]])
func.func @network(%v: tensor<4x2x2xf32>) -> tensor<4x4x1x1xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<4x4xf32>} : () -> tensor<4x4xf32>
  %c = arith.constant dense<2.0> : tensor<4x4x1x1xf32>
  %e = tensor.empty() : tensor<4x4xf32>
  %0 = "pattern.activate"(%v) {function = #pattern.activation<"relu", []>} : (tensor<4x2x2xf32>) -> tensor<4x2x2xf32>
  %x = tensor.collapse_shape %0 [[0], [1, 2]] : tensor<4x2x2xf32> into tensor<4x4xf32>
  %1 = math.absf %x : tensor<4x4xf32>
  %2 = linalg.add ins(%1, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = tensor.expand_shape %2 [[0], [1, 2, 3]] output_shape [4, 4, 1, 1] : tensor<4x4xf32> into tensor<4x4x1x1xf32>
  %4 = "pattern.add"(%3, %c) : (tensor<4x4x1x1xf32>, tensor<4x4x1x1xf32>) -> tensor<4x4x1x1xf32>
  return %4 : tensor<4x4x1x1xf32>
}
