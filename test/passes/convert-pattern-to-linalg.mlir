// RUN: pattern-opt --convert-pattern-to-linalg %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-pattern-to-linalg %t.once | diff %t.once -

func.func @plain_convolution(%x: tensor<2x3x7x7xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<2x4x3x4xf32> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 2, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 0, 1, 3>, strides = array<i64: 2, 2>} : (tensor<2x3x7x7xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x3x4xf32>
  return %y : tensor<2x4x3x4xf32>
}

func.func @groups_bias_residual_activation_pool(%x: tensor<1x4x4x4xf32>, %w: tensor<6x2x1x3xf32>, %b: tensor<6xf32>, %r: tensor<1x6x4x4xf32>) -> tensor<1x6x2x2xf32> {
  %y = "pattern.conv"(%x, %w, %b, %r) {activation = #pattern.activation<"relu6", []>, dilations = array<i64: 1, 1>, groups = 2 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1>, padding = array<i64: 0, 1, 0, 1>, strides = array<i64: 1, 1>} : (tensor<1x4x4x4xf32>, tensor<6x2x1x3xf32>, tensor<6xf32>, tensor<1x6x4x4xf32>) -> tensor<1x6x2x2xf32>
  return %y : tensor<1x6x2x2xf32>
}

func.func @pointwise_in_blocks(%x: tensor<1x192x4x4xf32>, %w: tensor<2x192x1x1xf32>) -> tensor<1x2x4x4xf32> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x192x4x4xf32>, tensor<2x192x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %y : tensor<1x2x4x4xf32>
}

func.func @linear(%x: tensor<3x2x40xf32>, %w: tensor<5x40xf32>, %b: tensor<5xf32>) -> tensor<3x2x5xf32> {
  %y = "pattern.linear"(%x, %w, %b) : (tensor<3x2x40xf32>, tensor<5x40xf32>, tensor<5xf32>) -> tensor<3x2x5xf32>
  return %y : tensor<3x2x5xf32>
}

func.func @max_pool(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x4x5xf32> {
  %y = "pattern.max_pool"(%x) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 0, 1, 0, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x5xf32>
  return %y : tensor<1x4x4x5xf32>
}

func.func @average_pool(%x: tensor<1x4x8x8xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) {
  %0 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  %1 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return %0, %1 : tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>
}

func.func @adaptive_average_pool(%x: tensor<1x4x6x7xf32>) -> tensor<1x4x3x3xf32> {
  %y = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 3, 3>} : (tensor<1x4x6x7xf32>) -> tensor<1x4x3x3xf32>
  return %y : tensor<1x4x3x3xf32>
}

func.func @upsample(%x: tensor<1x4x2x2xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x3x2xf32>) {
  %0 = "pattern.upsample"(%x) {mode = "nearest"} : (tensor<1x4x2x2xf32>) -> tensor<1x4x4x4xf32>
  %1 = "pattern.upsample"(%x) {align_corners, mode = "bilinear"} : (tensor<1x4x2x2xf32>) -> tensor<1x4x3x2xf32>
  return %0, %1 : tensor<1x4x4x4xf32>, tensor<1x4x3x2xf32>
}

func.func @concat(%a: tensor<1x4x2x2xf32>, %b: tensor<1x1x2x2xf32>) -> tensor<1x6x2x2xf32> {
  %0 = "pattern.concat"(%a, %b) {dimension = 1 : i64} : (tensor<1x4x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x5x2x2xf32>
  %1 = "pattern.concat"(%0, %b) {dimension = 1 : i64} : (tensor<1x5x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x6x2x2xf32>
  return %1 : tensor<1x6x2x2xf32>
}

func.func @elementwise(%a: tensor<1x4x2x2xf32>, %b: tensor<1x4x1x1xf32>) -> tensor<1x4x2x2xf32> {
  %0 = "pattern.add"(%a, %b) {activation = #pattern.activation<"leaky_relu", [1.000000e-01]>} : (tensor<1x4x2x2xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x2x2xf32>
  %1 = "pattern.multiply"(%b, %0) : (tensor<1x4x1x1xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"tanh", []>} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
  return %2 : tensor<1x4x2x2xf32>
}

func.func @orders_compose(%x: tensor<1x1x2x2xf32>) -> tensor<1x3x2x2xf32> {
  %w = "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w"} : () -> tensor<3x1x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 2, 3>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 2, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>, tensor<3x1x1x1xf32, #pattern.sparse<#pattern.library<[1, 1], [[0]]>>>) -> tensor<1x3x2x2xf32>
  return %y : tensor<1x3x2x2xf32>
}

func.func @order_across_groups(%x: tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32>
  return %y : tensor<1x2x2x2xf32>
}

func.func @other_operations_stay(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %w = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "w"} : () -> tensor<2xf32>
  %0 = arith.addf %x, %w : tensor<2xf32>
  return %0, %w : tensor<2xf32>, tensor<2xf32>
}
