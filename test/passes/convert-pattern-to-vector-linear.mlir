// RUN: pattern-opt --convert-pattern-to-vector=lanes=4 %s | filecheck %s

// A linear layer multiplies with several filters at a time. Weights that are read once are asked for
// early; for further rows they are in a cache.
// CHECK: func.func private @linear_0(%arg0: memref<1x8xf32>
// CHECK-COUNT-3: memref.prefetch %arg1[{{.*}}], read, locality<3>, data : memref<3x8xf32>
// CHECK: func.func private @linear_1(%arg0: memref<3x8xf32>
// CHECK-NOT: memref.prefetch
// CHECK-LABEL: func.func @forward
func.func @forward(%x: tensor<1x8xf32>, %y: tensor<3x8xf32>) -> (tensor<1x3xf32>, tensor<3x3xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<3x8xf32>} : () -> tensor<3x8xf32>
  %0 = "pattern.linear"(%x, %w) : (tensor<1x8xf32>, tensor<3x8xf32>) -> tensor<1x3xf32>
  %1 = "pattern.linear"(%y, %w) : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x3xf32>
  return %0, %1 : tensor<1x3xf32>, tensor<3x3xf32>
}
