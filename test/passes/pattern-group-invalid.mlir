// RUN: pattern-opt --pattern-group --verify-diagnostics %s

// A type that does not fit the weight, as by hand.
func.func @wrong_library(%x: tensor<1x2x2x3xf32>) -> tensor<1x3x2x2xf32> {
  // expected-error @+1 {{pattern-group: parameter 'w': no pattern of the library covers the kernel of filter 2, channel 1, with taps [1]}}
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 0.0]], [[0.0, 0.0]]], [[[2.0, 0.0]], [[3.0, 0.0]]], [[[4.0, 0.0]], [[0.0, 5.0]]]]> : tensor<3x2x1x2xf32>} : () -> tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0]]>>>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>, tensor<3x2x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0]]>>>) -> tensor<1x3x2x2xf32>
  return %0 : tensor<1x3x2x2xf32>
}
