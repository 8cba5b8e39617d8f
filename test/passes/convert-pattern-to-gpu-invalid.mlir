// RUN: pattern-opt --convert-pattern-to-gpu --split-input-file --verify-diagnostics %s

// What has no kernel is named.
func.func @reshaped(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{convert-pattern-to-gpu: 'tensor.cast' has no kernel for a GPU; run pattern-outline-host first}}
  %0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  %1 = tensor.cast %0 : tensor<?xf32> to tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

func.func @gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{convert-pattern-to-gpu: activation 'gelu' has no kernel for a GPU; run pattern-outline-host first}}
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"gelu", []>} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @images(%x: tensor<2x4x4x4xf32>) -> tensor<4x4x4x4xf32> {
  // expected-error @+1 {{convert-pattern-to-gpu: only channels of images are joined on a GPU; run pattern-outline-host first}}
  %0 = "pattern.concat"(%x, %x) {dimension = 0 : i64} : (tensor<2x4x4x4xf32>, tensor<2x4x4x4xf32>) -> tensor<4x4x4x4xf32>
  return %0 : tensor<4x4x4x4xf32>
}

// -----

// Convolutions work on blocks.
func.func @plain(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2x2x1x1xf32>} : () -> tensor<2x2x1x1xf32>
  // expected-error @+1 {{convert-pattern-to-gpu: needs a weight that is a parameter, layouts, and no max_pool; run pattern-assign-blocks first, or compile with --target=host}}
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %0 : tensor<1x2x4x4xf32>
}

// -----

// expected-error @+1 {{convert-pattern-to-gpu: kernels for GPUs run on f32, not tensor<4xi64>}}
func.func @integers(%x: tensor<4xi64>) -> tensor<4xi64> {
  return %x : tensor<4xi64>
}
