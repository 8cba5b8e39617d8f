// RUN: pattern-opt --pattern-channels-first --split-input-file %s | filecheck %s

// A layer norm and an activation between transpositions work on planes.
// CHECK-LABEL: func.func @norm
// CHECK-NOT: linalg.transpose
// CHECK: %[[NORM:.*]] = "pattern.layer_norm"(%arg0, %arg1, %arg2) {dimension = 1 : i64
// CHECK: %[[OUT:.*]] = "pattern.activate"(%[[NORM]])
// CHECK: return %[[OUT]] : tensor<1x2x4x4xf32>
func.func @norm(%x: tensor<1x2x4x4xf32>, %w: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<1x2x4x4xf32> {
  %e = tensor.empty() : tensor<1x4x4x2xf32>
  %0 = linalg.transpose ins(%x : tensor<1x2x4x4xf32>) outs(%e : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %1 = "pattern.layer_norm"(%0, %w, %b) {epsilon = 1.0e-05 : f64} : (tensor<1x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x4x4x2xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"gelu", []>} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %f = tensor.empty() : tensor<1x2x4x4xf32>
  %3 = linalg.transpose ins(%2 : tensor<1x4x4x2xf32>) outs(%f : tensor<1x2x4x4xf32>) permutation = [0, 3, 1, 2]
  return %3 : tensor<1x2x4x4xf32>
}

// -----

// What something else reads with channels last stays.
// CHECK-LABEL: func.func @open
// CHECK: linalg.transpose
// CHECK: "pattern.activate"
// CHECK: linalg.transpose
func.func @open(%x: tensor<1x2x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x4x4x2xf32>) {
  %e = tensor.empty() : tensor<1x4x4x2xf32>
  %0 = linalg.transpose ins(%x : tensor<1x2x4x4xf32>) outs(%e : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"gelu", []>} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %f = tensor.empty() : tensor<1x2x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x4x4x2xf32>) outs(%f : tensor<1x2x4x4xf32>) permutation = [0, 3, 1, 2]
  return %2, %1 : tensor<1x2x4x4xf32>, tensor<1x4x4x2xf32>
}

// -----

// Of two values that meet, both come from planes.
// CHECK-LABEL: func.func @sum
// CHECK-NOT: linalg.transpose
// CHECK: %[[SUM:.*]] = "pattern.add"(%arg0, %arg1) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>)
// CHECK: return %[[SUM]]
func.func @sum(%x: tensor<1x2x4x4xf32>, %y: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %e = tensor.empty() : tensor<1x4x4x2xf32>
  %0 = linalg.transpose ins(%x : tensor<1x2x4x4xf32>) outs(%e : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %1 = linalg.transpose ins(%y : tensor<1x2x4x4xf32>) outs(%e : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %2 = "pattern.add"(%0, %1) : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %f = tensor.empty() : tensor<1x2x4x4xf32>
  %3 = linalg.transpose ins(%2 : tensor<1x4x4x2xf32>) outs(%f : tensor<1x2x4x4xf32>) permutation = [0, 3, 1, 2]
  return %3 : tensor<1x2x4x4xf32>
}

// -----

// One that does not come from planes keeps all as it is.
// CHECK-LABEL: func.func @mixed
// CHECK-COUNT-2: linalg.transpose
func.func @mixed(%x: tensor<1x2x4x4xf32>, %y: tensor<1x4x4x2xf32>) -> tensor<1x2x4x4xf32> {
  %e = tensor.empty() : tensor<1x4x4x2xf32>
  %0 = linalg.transpose ins(%x : tensor<1x2x4x4xf32>) outs(%e : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %1 = "pattern.add"(%0, %y) : (tensor<1x4x4x2xf32>, tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %f = tensor.empty() : tensor<1x2x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x4x4x2xf32>) outs(%f : tensor<1x2x4x4xf32>) permutation = [0, 3, 1, 2]
  return %2 : tensor<1x2x4x4xf32>
}

// -----

// Single pixels are rows already.
// CHECK-LABEL: func.func @pixel
// CHECK-NOT: linalg.transpose
// CHECK: tensor.collapse_shape
// CHECK: tensor.expand_shape
// CHECK-SAME: tensor<3x1x1x2xf32>
func.func @pixel(%x: tensor<3x2x1x1xf32>) -> tensor<3x1x1x2xf32> {
  %e = tensor.empty() : tensor<3x1x1x2xf32>
  %0 = linalg.transpose ins(%x : tensor<3x2x1x1xf32>) outs(%e : tensor<3x1x1x2xf32>) permutation = [0, 2, 3, 1]
  return %0 : tensor<3x1x1x2xf32>
}
