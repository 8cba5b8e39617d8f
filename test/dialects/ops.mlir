// RUN: pattern-opt %s --verify-roundtrip -o %t.mlir
// RUN: filecheck %s < %t.mlir
// RUN: pattern-opt %t.mlir | diff %t.mlir -
// RUN: pattern-opt %s --emit=bytecode | pattern-opt | diff %t.mlir -

// Every operation of the dialect in all its forms, read and written back as it was. Attributes
// stand in alphabetic order, and numbers in the one form that MLIR writes.

// A parameter names an array that lies beside the module.
// CHECK-LABEL: func.func @parameter
// CHECK-NEXT: "pattern.parameter"() {name = "layer1.0.conv1.weight"} : () -> tensor<4x8x3x3xf32>
func.func @parameter() -> tensor<4x8x3x3xf32> {
  %w = "pattern.parameter"() {name = "layer1.0.conv1.weight"} : () -> tensor<4x8x3x3xf32>
  return %w : tensor<4x8x3x3xf32>
}

// The data of a small one may stand in the module; any element type and rank.
// CHECK-LABEL: func.func @parameter_with_a_value
// CHECK-NEXT: "pattern.parameter"() {name = "w", value = dense<{{\[\[}}1.000000e+00, -2.500000e+00]]> : tensor<1x2xf16>} : () -> tensor<1x2xf16>
// CHECK-NEXT: "pattern.parameter"() {name = "steps", value = dense<7> : tensor<i64>} : () -> tensor<i64>
func.func @parameter_with_a_value() -> (tensor<1x2xf16>, tensor<i64>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[1.0, -2.5]]> : tensor<1x2xf16>} : () -> tensor<1x2xf16>
  %n = "pattern.parameter"() {name = "steps", value = dense<7> : tensor<i64>} : () -> tensor<i64>
  return %w, %n : tensor<1x2xf16>, tensor<i64>
}

// Filter i of the result is filter filter_order[i] of the stored array.
// CHECK-LABEL: func.func @parameter_in_another_order
// CHECK-NEXT: "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w"} : () -> tensor<3x8x3x3xf32>
func.func @parameter_in_another_order() -> tensor<3x8x3x3xf32> {
  %w = "pattern.parameter"() {filter_order = array<i64: 2, 0, 1>, name = "w"} : () -> tensor<3x8x3x3xf32>
  return %w : tensor<3x8x3x3xf32>
}

// A pattern-sparse weight says so in its type: kernel height and width, then each pattern's taps,
// counted row by row.
// CHECK-LABEL: func.func @sparse_parameter
// CHECK-NEXT: "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], {{\[\[}}0, 1, 3, 4], [1, 2, 4, 5], [4]]>>>
func.func @sparse_parameter() -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1, 3, 4], [1, 2, 4, 5], [4]]>>> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1, 3, 4], [1, 2, 4, 5], [4]]>>>
  return %w : tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1, 3, 4], [1, 2, 4, 5], [4]]>>>
}

// A convolution alone. `operandSegmentSizes` says which of input, weight, bias and residual it has.
// CHECK-LABEL: func.func @convolution
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>
func.func @convolution(%x: tensor<1x8x6x6xf32>, %w: tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// Strides, padding at top, left, bottom and right, dilations and groups.
// CHECK-LABEL: func.func @any_window
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1) {dilations = array<i64: 2, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 0, 2, 3>, strides = array<i64: 3, 2>} : (tensor<2x8x7x9xf32>, tensor<6x4x3x2xf32>) -> tensor<2x6x2x6xf32>
func.func @any_window(%x: tensor<2x8x7x9xf32>, %w: tensor<6x4x3x2xf32>) -> tensor<2x6x2x6xf32> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 2, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 0, 2, 3>, strides = array<i64: 3, 2>} : (tensor<2x8x7x9xf32>, tensor<6x4x3x2xf32>) -> tensor<2x6x2x6xf32>
  return %y : tensor<2x6x2x6xf32>
}

// CHECK-LABEL: func.func @bias
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1, %arg2) {{{.*}}operandSegmentSizes = array<i32: 1, 1, 1, 0>
func.func @bias(%x: tensor<1x8x6x6xf32>, %w: tensor<4x8x3x3xf32>, %b: tensor<4xf32>) -> tensor<1x4x4x4xf32> {
  %y = "pattern.conv"(%x, %w, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>, tensor<4xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// CHECK-LABEL: func.func @residual
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1, %arg2) {{{.*}}operandSegmentSizes = array<i32: 1, 1, 0, 1>
func.func @residual(%x: tensor<1x8x6x6xf32>, %w: tensor<4x8x3x3xf32>, %r: tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %y = "pattern.conv"(%x, %w, %r) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// The whole epilogue: max_pool(activation(conv + bias + residual)). The residual has the shape
// before the pool, which rounds down.
// CHECK-LABEL: func.func @epilogue
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1, %arg2, %arg3) {activation = #pattern.activation<"relu6", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1>
// CHECK-SAME: (tensor<1x8x7x7xf32>, tensor<4x8x3x3xf32>, tensor<4xf32>, tensor<1x4x5x5xf32>) -> tensor<1x4x2x2xf32>
func.func @epilogue(%x: tensor<1x8x7x7xf32>, %w: tensor<4x8x3x3xf32>, %b: tensor<4xf32>, %r: tensor<1x4x5x5xf32>) -> tensor<1x4x2x2xf32> {
  %y = "pattern.conv"(%x, %w, %b, %r) {activation = #pattern.activation<"relu6", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x7x7xf32>, tensor<4x8x3x3xf32>, tensor<4xf32>, tensor<1x4x5x5xf32>) -> tensor<1x4x2x2xf32>
  return %y : tensor<1x4x2x2xf32>
}

// The schedule: filter i computes channel output_channel[i], thread t the filters from
// filter_boundaries[t] on.
// CHECK-LABEL: func.func @schedule
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 1, 1, 3>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 2, 0, 1>
// CHECK-SAME: tensor<3x1x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], {{\[\[}}0], [1]]>>>
func.func @schedule(%x: tensor<1x1x2x3xf32>, %w: tensor<3x1x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x3x2x2xf32> {
  %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 1, 1, 3>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 2, 0, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x3xf32>, tensor<3x1x1x2xf32, #pattern.sparse<#pattern.library<[1, 2], [[0], [1]]>>>) -> tensor<1x3x2x2xf32>
  return %y : tensor<1x3x2x2xf32>
}

// Why a convolution stays dense. A name with a dot belongs to another dialect and may stand
// anywhere.
// CHECK-LABEL: func.func @dense_reason
// CHECK-NEXT: "pattern.conv"(%arg0, %arg1) {dense_reason = "0% of its weights are zero, less than 10%"
// CHECK-SAME: test.note = "kept"
func.func @dense_reason(%x: tensor<1x8x6x6xf32>, %w: tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32> {
  %y = "pattern.conv"(%x, %w) {dense_reason = "0% of its weights are zero, less than 10%", dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, test.note = "kept"} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// Any number of leading dimensions, none too; the bias needs no segment sizes.
// CHECK-LABEL: func.func @linear
// CHECK-NEXT: "pattern.linear"(%arg0, %arg3) : (tensor<16xf32>, tensor<4x16xf32>) -> tensor<4xf32>
// CHECK-NEXT: "pattern.linear"(%arg1, %arg3, %arg4) : (tensor<2x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<2x4xf32>
// CHECK-NEXT: "pattern.linear"(%arg2, %arg3, %arg4) {activation = #pattern.activation<"hard_swish", []>} : (tensor<2x3x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
func.func @linear(%x: tensor<16xf32>, %y: tensor<2x16xf32>, %z: tensor<2x3x16xf32>, %w: tensor<4x16xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x4xf32>, tensor<2x3x4xf32>) {
  %0 = "pattern.linear"(%x, %w) : (tensor<16xf32>, tensor<4x16xf32>) -> tensor<4xf32>
  %1 = "pattern.linear"(%y, %w, %b) : (tensor<2x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %2 = "pattern.linear"(%z, %w, %b) {activation = #pattern.activation<"hard_swish", []>} : (tensor<2x3x16xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<2x4xf32>, tensor<2x3x4xf32>
}

// Dimensions of 1 repeat, on either side.
// CHECK-LABEL: func.func @sums_and_products
// CHECK-NEXT: "pattern.add"(%arg0, %arg0) : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
// CHECK-NEXT: "pattern.add"(%arg0, %arg1) {activation = #pattern.activation<"relu", []>} : (tensor<1x4x6x6xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x6x6xf32>
// CHECK-NEXT: "pattern.multiply"(%arg0, %arg0) : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
// CHECK-NEXT: "pattern.multiply"(%arg1, %arg0) {activation = #pattern.activation<"sigmoid", []>} : (tensor<1x4x1x1xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
func.func @sums_and_products(%a: tensor<1x4x6x6xf32>, %b: tensor<1x4x1x1xf32>) -> (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) {
  %0 = "pattern.add"(%a, %a) : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %1 = "pattern.add"(%a, %b) {activation = #pattern.activation<"relu", []>} : (tensor<1x4x6x6xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x6x6xf32>
  %2 = "pattern.multiply"(%a, %a) : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %3 = "pattern.multiply"(%b, %a) {activation = #pattern.activation<"sigmoid", []>} : (tensor<1x4x1x1xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  return %0, %1, %2, %3 : tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>
}

// Every activation, with its parameters; no bound is an infinite one. Any rank.
// CHECK-LABEL: func.func @activations
// CHECK-NEXT: "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>} : (tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: #pattern.activation<"relu6", []>
// CHECK-NEXT: #pattern.activation<"clamp", [-1.000000e+00, 1.000000e+00]>
// CHECK-NEXT: #pattern.activation<"clamp", [5.000000e-01, 0x7FF0000000000000 : f64]>
// CHECK-NEXT: #pattern.activation<"leaky_relu", [1.000000e-02]>
// CHECK-NEXT: #pattern.activation<"elu", [1.000000e+00]>
// CHECK-NEXT: #pattern.activation<"sigmoid", []>
// CHECK-NEXT: #pattern.activation<"hard_sigmoid", []>
// CHECK-NEXT: #pattern.activation<"silu", []>
// CHECK-NEXT: #pattern.activation<"hard_swish", []>
// CHECK-NEXT: #pattern.activation<"gelu", []>
// CHECK-NEXT: #pattern.activation<"gelu_tanh", []>
// CHECK-NEXT: #pattern.activation<"tanh", []>
func.func @activations(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu6", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"clamp", [-1.0, 1.0]>} : (tensor<3xf32>) -> tensor<3xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"clamp", [0.5, 0x7FF0000000000000 : f64]>} : (tensor<3xf32>) -> tensor<3xf32>
  %4 = "pattern.activate"(%3) {function = #pattern.activation<"leaky_relu", [0.01]>} : (tensor<3xf32>) -> tensor<3xf32>
  %5 = "pattern.activate"(%4) {function = #pattern.activation<"elu", [1.0]>} : (tensor<3xf32>) -> tensor<3xf32>
  %6 = "pattern.activate"(%5) {function = #pattern.activation<"sigmoid", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %7 = "pattern.activate"(%6) {function = #pattern.activation<"hard_sigmoid", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %8 = "pattern.activate"(%7) {function = #pattern.activation<"silu", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %9 = "pattern.activate"(%8) {function = #pattern.activation<"hard_swish", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %10 = "pattern.activate"(%9) {function = #pattern.activation<"gelu", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %11 = "pattern.activate"(%10) {function = #pattern.activation<"gelu_tanh", []>} : (tensor<3xf32>) -> tensor<3xf32>
  %12 = "pattern.activate"(%11) {function = #pattern.activation<"tanh", []>} : (tensor<3xf32>) -> tensor<3xf32>
  return %12 : tensor<3xf32>
}

// With `ceil_mode` a last window may reach over the far edge.
// CHECK-LABEL: func.func @max_pool
// CHECK-NEXT: "pattern.max_pool"(%arg0) {dilations = array<i64: 2, 1>, kernel_size = array<i64: 3, 2>, padding = array<i64: 1, 0, 1, 1>, strides = array<i64: 2, 3>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x3x3xf32>
// CHECK-NEXT: "pattern.max_pool"(%arg0) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
func.func @max_pool(%x: tensor<1x4x8x8xf32>) -> (tensor<1x4x3x3xf32>, tensor<1x4x4x4xf32>) {
  %0 = "pattern.max_pool"(%x) {dilations = array<i64: 2, 1>, kernel_size = array<i64: 3, 2>, padding = array<i64: 1, 0, 1, 1>, strides = array<i64: 2, 3>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x3x3xf32>
  %1 = "pattern.max_pool"(%x) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return %0, %1 : tensor<1x4x3x3xf32>, tensor<1x4x4x4xf32>
}

// What an average is divided by: the pixels of the plane, with `count_include_pad` those of the
// padding too, or a number.
// CHECK-LABEL: func.func @average_pool
// CHECK-NEXT: "pattern.average_pool"(%arg0) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>}
// CHECK-NEXT: "pattern.average_pool"(%arg0) {ceil_mode, count_include_pad, dilations
// CHECK-NEXT: "pattern.average_pool"(%arg0) {dilations = array<i64: 1, 1>, divisor = -4 : i64, kernel_size
func.func @average_pool(%x: tensor<1x4x8x8xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x5x5xf32>, tensor<1x4x4x4xf32>) {
  %0 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  %1 = "pattern.average_pool"(%x) {ceil_mode, count_include_pad, dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x5x5xf32>
  %2 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, divisor = -4 : i64, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  return %0, %1, %2 : tensor<1x4x4x4xf32>, tensor<1x4x5x5xf32>, tensor<1x4x4x4xf32>
}

// The global mean, and a plane that its windows do not divide; a result may be larger than its
// input.
// CHECK-LABEL: func.func @adaptive_average_pool
// CHECK-NEXT: "pattern.adaptive_average_pool"(%arg0) {output_size = array<i64: 1, 1>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x1x1xf32>
// CHECK-NEXT: "pattern.adaptive_average_pool"(%arg0) {output_size = array<i64: 3, 9>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x3x9xf32>
func.func @adaptive_average_pool(%x: tensor<1x4x7x7xf32>) -> (tensor<1x4x1x1xf32>, tensor<1x4x3x9xf32>) {
  %0 = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 1, 1>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x1x1xf32>
  %1 = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 3, 9>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x3x9xf32>
  return %0, %1 : tensor<1x4x1x1xf32>, tensor<1x4x3x9xf32>
}

// CHECK-LABEL: func.func @concat
// CHECK-NEXT: "pattern.concat"(%arg0, %arg1) {dimension = 1 : i64} : (tensor<1x4x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x12x6x6xf32>
// CHECK-NEXT: "pattern.concat"(%arg0, %arg0) {dimension = 3 : i64} : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x12xf32>
func.func @concat(%a: tensor<1x4x6x6xf32>, %b: tensor<1x8x6x6xf32>) -> (tensor<1x12x6x6xf32>, tensor<1x4x6x12xf32>) {
  %0 = "pattern.concat"(%a, %b) {dimension = 1 : i64} : (tensor<1x4x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x12x6x6xf32>
  %1 = "pattern.concat"(%a, %a) {dimension = 3 : i64} : (tensor<1x4x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x4x6x12xf32>
  return %0, %1 : tensor<1x12x6x6xf32>, tensor<1x4x6x12xf32>
}

// `scales` are input pixels an output pixel, where they are not the quotient of the sizes.
// CHECK-LABEL: func.func @upsample
// CHECK-NEXT: "pattern.upsample"(%arg0) {mode = "nearest"} : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x18xf32>
// CHECK-NEXT: "pattern.upsample"(%arg0) {mode = "nearest", scales = array<f64: 5.000000e-01, 4.000000e-01>} : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x15xf32>
// CHECK-NEXT: "pattern.upsample"(%arg0) {mode = "bilinear"} : (tensor<1x4x6x6xf32>) -> tensor<1x4x3x3xf32>
// CHECK-NEXT: "pattern.upsample"(%arg0) {align_corners, mode = "bilinear"} : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x12xf32>
func.func @upsample(%x: tensor<1x4x6x6xf32>) -> (tensor<1x4x12x18xf32>, tensor<1x4x12x15xf32>, tensor<1x4x3x3xf32>, tensor<1x4x12x12xf32>) {
  %0 = "pattern.upsample"(%x) {mode = "nearest"} : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x18xf32>
  %1 = "pattern.upsample"(%x) {mode = "nearest", scales = array<f64: 0.5, 0.4>} : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x15xf32>
  %2 = "pattern.upsample"(%x) {mode = "bilinear"} : (tensor<1x4x6x6xf32>) -> tensor<1x4x3x3xf32>
  %3 = "pattern.upsample"(%x) {align_corners, mode = "bilinear"} : (tensor<1x4x6x6xf32>) -> tensor<1x4x12x12xf32>
  return %0, %1, %2, %3 : tensor<1x4x12x18xf32>, tensor<1x4x12x15xf32>, tensor<1x4x3x3xf32>, tensor<1x4x12x12xf32>
}

// Channels in any order, any of them more than once or not at all.
// CHECK-LABEL: func.func @select_channels
// CHECK-NEXT: "pattern.select_channels"(%arg0) {channels = array<i64: 3, 0, 0>} : (tensor<1x4x6x6xf32>) -> tensor<1x3x6x6xf32>
func.func @select_channels(%x: tensor<1x4x6x6xf32>) -> tensor<1x3x6x6xf32> {
  %0 = "pattern.select_channels"(%x) {channels = array<i64: 3, 0, 0>} : (tensor<1x4x6x6xf32>) -> tensor<1x3x6x6xf32>
  return %0 : tensor<1x3x6x6xf32>
}

// The last rows and columns of a shuffle may be left out.
// CHECK-LABEL: func.func @pixel_shuffle
// CHECK-NEXT: "pattern.pixel_shuffle"(%arg0) {factor = array<i64: 2, 3>} : (tensor<1x12x6x6xf32>) -> tensor<1x2x12x18xf32>
// CHECK-NEXT: "pattern.pixel_shuffle"(%arg0) {factor = array<i64: 2, 3>} : (tensor<1x12x6x6xf32>) -> tensor<1x2x11x17xf32>
func.func @pixel_shuffle(%x: tensor<1x12x6x6xf32>) -> (tensor<1x2x12x18xf32>, tensor<1x2x11x17xf32>) {
  %0 = "pattern.pixel_shuffle"(%x) {factor = array<i64: 2, 3>} : (tensor<1x12x6x6xf32>) -> tensor<1x2x12x18xf32>
  %1 = "pattern.pixel_shuffle"(%x) {factor = array<i64: 2, 3>} : (tensor<1x12x6x6xf32>) -> tensor<1x2x11x17xf32>
  return %0, %1 : tensor<1x2x12x18xf32>, tensor<1x2x11x17xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK-NEXT: "pattern.softmax"(%arg0) : (tensor<2x16xf32>) -> tensor<2x16xf32>
// CHECK-NEXT: "pattern.layer_norm"(%0, %arg1, %arg1) {epsilon = 1.000000e-05 : f64} : (tensor<2x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16xf32>
func.func @rows(%x: tensor<2x16xf32>, %w: tensor<16xf32>) -> tensor<2x16xf32> {
  %0 = "pattern.softmax"(%x) : (tensor<2x16xf32>) -> tensor<2x16xf32>
  %1 = "pattern.layer_norm"(%0, %w, %w) {epsilon = 1.0e-05 : f64} : (tensor<2x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<2x16xf32>
  return %1 : tensor<2x16xf32>
}
