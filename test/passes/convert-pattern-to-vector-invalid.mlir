// RUN: pattern-opt --split-input-file --convert-pattern-to-vector=lanes=4 --verify-diagnostics %s

// The type promises patterns that the weight does not follow.
func.func @forward(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x3x3xf32> {
  // expected-error @+1 {{convert-pattern-to-vector: parameter 'w': no pattern of the library covers the kernel of filter 0, channel 0, with taps [0, 1, 2, 3]}}
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>} : () -> tensor<1x1x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], [[0, 1]]>>>
  %0 = "pattern.relayout"(%x) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 1, 1], 0.0 : f32>>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 1, 1], 0.0 : f32>>, tensor<1x1x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], [[0, 1]]>>>) -> tensor<1x1x3x3xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>
  %2 = "pattern.relayout"(%1) : (tensor<1x1x3x3xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x1x3x3xf32>
  return %2 : tensor<1x1x3x3xf32>
}

// -----

// The caller of a function passes plain tensors only.
func.func @forward(%x: tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x1x4x4xf32> {
  // expected-error @+1 {{convert-pattern-to-vector: reads lane blocks that neither a kernel nor a relayout of this function makes}}
  %0 = "pattern.relayout"(%x) : (tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

func.func @forward(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>> {
  %0 = "pattern.relayout"(%x) : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>
  // expected-error @+1 {{convert-pattern-to-vector: has no kernel in lane blocks; put a relayout before it}}
  return %0 : tensor<1x1x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>
}
