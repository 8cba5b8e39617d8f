// RUN: pattern-opt --pattern-detect --split-input-file --verify-diagnostics %s

// NaN would be a tap that no pruning kept.
func.func @damaged(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
  // expected-error @+1 {{pattern-detect: parameter 'layer.weight' holds NaN; the model was damaged in training or on disk}}
  %w = "pattern.parameter"() {name = "layer.weight", value = dense<[[[[0x7FC00000, 2.0], [0.0, 0.0]]], [[[0.0, 3.0], [0.0, 4.0]]]]> : tensor<2x1x2x2xf32>} : () -> tensor<2x1x2x2xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

// -----

// The arrays of all weights must be there.
func.func @missing(%x: tensor<1x1x3x3xf32>) -> tensor<1x2x2x2xf32> {
  // expected-error @+1 {{pattern-detect: parameter 'v' is not in the parameter store; give the .safetensors file that belongs to the module}}
  %w = "pattern.parameter"() {name = "v"} : () -> tensor<2x1x2x2xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x3x3xf32>, tensor<2x1x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}
