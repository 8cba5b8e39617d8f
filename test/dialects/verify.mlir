// RUN: pattern-opt %s --split-input-file --verify-diagnostics

// Every rule of the dialect, by what breaks it.

// Attributes are all there, all known, and each of its kind.
func.func @missing_attribute(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute "strides" is expected but not provided}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @unknown_attribute(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op has no attribute 'stride'; did you mean 'strides'?}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @no_attributes_at_all(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.multiply' op has no attribute 'scale' (has: activation)}}
  %y = "pattern.multiply"(%a, %b) {scale = 1 : i64} : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @array_of_another_type(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'padding' must be array<i64: …>, got [1, 1, 1, 1]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = [1, 1, 1, 1], strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @number_of_another_type(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'groups' must be an integer, got 1.000000e+00 : f32}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1.0 : f32, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @optional_array_of_another_type(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'max_pool' must be array<i64: …>, got array<i32: 2, 2>}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i32: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x3x3xf32>
  return
}

// -----

func.func @reason_that_is_no_text(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'dense_reason' must be a string in quotes, got true}}
  %y = "pattern.conv"(%a, %b) {dense_reason = true, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @activation_by_name(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'activation' must be #pattern.activation<…>, got "relu"}}
  %y = "pattern.conv"(%a, %b) {activation = "relu", dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @flag_with_a_value(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op attribute 'align_corners' must be its name alone, without a value, got true}}
  %y = "pattern.upsample"(%a) {align_corners = true, mode = "bilinear"} : (tensor<1x8x6x6xf32>) -> tensor<1x8x12x12xf32>
  return
}

// -----

func.func @scales_of_another_type(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op attribute 'scales' must be array<f64: …>, got array<f32: 5.000000e-01, 5.000000e-01>}}
  %y = "pattern.upsample"(%a) {mode = "bilinear", scales = array<f32: 0.5, 0.5>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x12x12xf32>
  return
}

// -----

func.func @value_that_is_no_literal() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'value' must be dense<…>, got dense_resource<w> : tensor<2xf32>}}
  %y = "pattern.parameter"() {name = "w", value = dense_resource<w> : tensor<2xf32>} : () -> tensor<2xf32>
  return
}

// -----

// The segment sizes say which operands there are.
func.func @no_segment_sizes(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'operandSegmentSizes' attribute is expected but not provided}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @segment_sizes_of_three(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'operandSegmentSizes' attribute for specifying operand segments must have 4 elements, but got 3}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @segment_sizes_of_i64(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'operandSegmentSizes' attribute is expected to be a dense i32 array}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i64: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @more_segments_than_operands(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{sum of elements in 'operandSegmentSizes' attribute must be equal to the number of operands}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @two_inputs(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{element 0 in 'operandSegmentSizes' attribute must be equal to 1}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 2, 0, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// Operands and results are all there.
func.func @too_many_operands(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{op expects exactly 1 operands, but got 2}}
  %y = "pattern.activate"(%a, %b) {function = #pattern.activation<"relu", []>} : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @too_few_operands(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{op expects exactly 2 operands, but got 1}}
  %y = "pattern.add"(%a) : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @three_operands(%a: tensor<2x8xf32>, %b: tensor<4x8xf32>, %c: tensor<4xf32>, %d: tensor<4xf32>) {
  // expected-error @+1 {{op expects at most 3 operands, but got 4}}
  %y = "pattern.linear"(%a, %b, %c, %d) : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @no_result(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{op expects exactly 1 results, but got 0}}
  "pattern.add"(%a, %b) : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> ()
  return
}

// -----

func.func @two_results(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{op expects exactly 1 results, but got 2}}
  %y:2 = "pattern.add"(%a, %b) : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>)
  return
}

// -----

// They are tensors of static shape and one element type.
func.func @no_tensor(%a: memref<1x8x6x6xf32>) {
  // expected-error @+1 {{expected base type 'builtin.tensor' but got 'builtin.memref'}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (memref<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @unknown_rank(%a: tensor<*xf32>) {
  // expected-error @+1 {{expected base type 'builtin.tensor' but got 'builtin.unranked_tensor'}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<*xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @dynamic_shape(%a: tensor<?x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.activate' op needs a static shape, got tensor<?x8x6x6xf32>; export with fixed input sizes}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<?x8x6x6xf32>) -> tensor<?x8x6x6xf32>
  return
}

// -----

func.func @mixed_element_types(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf16>) {
  // expected-error @+1 {{'pattern.conv' op operands and result must have one element type, got f32, f16}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf16>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// The operation is one of the dialect's.
func.func @unknown_operation(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{unregistered operation 'pattern.convolution' found in dialect ('pattern') that does not allow unknown operations}}
  %y = "pattern.convolution"(%a) : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

// An activation is known, and its parameters are its own.
func.func @unknown_activation(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.activate' op has unknown activation 'rellu'; did you mean 'relu'?}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"rellu", []>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @too_few_parameters(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.activate' op activation 'clamp' takes the parameters [minimum, maximum], got [0.0]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"clamp", [0.0]>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @too_many_parameters(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.activate' op activation 'relu' takes the parameters [], got [1.0]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", [1.0]>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @parameters_that_are_no_floats(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.activate' op activation 'elu' takes floats such as [1.0], got [1]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"elu", [1]>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @activation_in_epilogue(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op activation 'leaky_relu' takes the parameters [negative_slope], got []}}
  %y = "pattern.conv"(%a, %b) {activation = #pattern.activation<"leaky_relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @name_that_is_no_text(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{expected base attribute 'builtin.string' but got 'builtin.integer'}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<3, []>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @no_parameter_list(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{expected 2 type arguments, but had 1}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu">} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

// A pattern library is a kernel size and patterns, whose taps rise and lie in the kernel.
func.func @kernel_size_of_one() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: kernel size needs 2 integers, height and width, got [3]}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3], [[0]]>>>
  return
}

// -----

func.func @kernel_size_of_text() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: kernel size needs 2 integers, height and width, got ["3", 3]}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<["3", 3], [[0]]>>>
  return
}

// -----

func.func @kernel_size_of_zero() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: kernel size 0x3 is not at least 1x1}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x0x3xf32, #pattern.sparse<#pattern.library<[0, 3], [[0]]>>>
  return
}

// -----

func.func @pattern_that_is_no_list() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: patterns need to be lists of integers, got [[0, 1], 4]}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1], 4]>>>
  return
}

// -----

func.func @tap_that_is_no_number() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: patterns need to be lists of integers, got [[0, true]]}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, true]]>>>
  return
}

// -----

func.func @empty_pattern() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: pattern 1, [], must list its taps rising, once}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1], []]>>>
  return
}

// -----

func.func @taps_out_of_order() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: pattern 0, [1, 0], must list its taps rising, once}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[1, 0]]>>>
  return
}

// -----

func.func @tap_twice() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: pattern 0, [1, 1], must list its taps rising, once}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[1, 1]]>>>
  return
}

// -----

func.func @tap_outside() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: pattern 0, [0, 9], leaves the 3x3 kernel; taps are 0 to 8}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 9]]>>>
  return
}

// -----

// A pattern stands in a library once.
func.func @pattern_twice() {
  // expected-error @+1 {{'pattern.parameter' op weight has a bad pattern library: a pattern stands in the library twice}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1], [0, 1]]>>>
  return
}

// -----

// A pattern library is for kernels of the weight's size.
func.func @library_for_other_kernels() {
  // expected-error @+1 {{'pattern.parameter' op pattern library is for 3x3 kernels, but the weight has shape [4, 8, 1, 1]}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x1x1xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1]]>>>
  return
}

// -----

func.func @sparse_vector() {
  // expected-error @+1 {{'pattern.parameter' op pattern library is for 3x3 kernels, but the weight has shape [9]}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<9xf32, #pattern.sparse<#pattern.library<[3, 3], [[0, 1]]>>>
  return
}

// -----

// What is sparse has no reason to be dense.
func.func @sparse_and_dense(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[4]]>>>) {
  // expected-error @+1 {{'pattern.conv' op has a dense_reason, but its weight is #pattern.sparse}}
  %y = "pattern.conv"(%a, %b) {dense_reason = "too few zeros", dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[4]]>>>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// A library is not an encoding yet.
func.func @library_as_encoding() {
  // expected-error @+1 {{'pattern.parameter' op #pattern.library<[3, 3], [[4]]> in a tensor type is no encoding; those are #pattern.sparse, #pattern.lanes, #pattern.rows and #pattern.blocks}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<4x8x3x3xf32, #pattern.library<[3, 3], [[4]]>>
  return
}

// -----

// A layout in lane blocks has two sizes of grid and block, four of halo, and covers the plane.
func.func @grid_of_one(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.lanes<[8], [4, 2], [0, 0, 0, 0], 0.000000e+00 : f64>: grid needs 2 integers of at least 1 (rows, columns), got [8]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[8], [4, 2], [0, 0, 0, 0], 0.0>>
  return
}

// -----

func.func @block_of_nothing(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.lanes<[2, 4], [4, 0], [0, 0, 0, 0], 0.000000e+00 : f64>: block needs 2 integers of at least 1 (height, width), got [4, 0]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 0], [0, 0, 0, 0], 0.0>>
  return
}

// -----

func.func @halo_of_two(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.lanes<[2, 4], [4, 2], [1, 1], 0.000000e+00 : f64>: halo needs 4 integers of at least 0 (top, left, bottom, right), got [1, 1]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1], 0.0>>
  return
}

// -----

func.func @halo_of_floats(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.lanes<[2, 4], [4, 2], [1.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00], 0.000000e+00 : f64>: halo needs 4 integers of at least 0 (top, left, bottom, right), got [1.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1.0, 1.0, 1.0, 1.0], 0.0>>
  return
}

// -----

func.func @blocks_that_leave_pixels_out(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.lanes<[2, 4], [4, 1], [0, 0, 0, 0], 0.000000e+00 : f64> covers 8x4 pixels, but the planes have 8x8}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 1], [0, 0, 0, 0], 0.0>>
  return
}

// -----

func.func @lanes_of_a_matrix(%a: tensor<8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0.000000e+00 : f64> lays out tensors of rank 4 (NCHW), got rank 2}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<8x8xf32>) -> tensor<8x8xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0.0>>
  return
}

// -----

// What stands outside the plane is a float.
func.func @fill_that_is_no_float(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{expected base attribute 'builtin.float' but got 'builtin.integer'}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0>>
  return
}

// -----

// Rows cover the plane.
func.func @rows_below_the_width(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.rows<4 : i64, [8, 1], [0, 0, 0, 0], 0.000000e+00 : f64> covers 8x4 pixels, but the planes have 8x8}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.rows<4, [8, 1], [0, 0, 0, 0], 0.0>>
  return
}

// -----

func.func @negative_halo(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.rows<16 : i64, [8, 1], [0, -1, 0, 0], 0.000000e+00 : f64>: halo needs 4 integers of at least 0 (top, left, bottom, right), got [0, -1, 0, 0]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.rows<16, [8, 1], [0, -1, 0, 0], 0.0>>
  return
}

// -----

func.func @rows_of_a_matrix(%a: tensor<8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.rows<16 : i64, [8, 1], [0, 0, 0, 0], 0.000000e+00 : f64> lays out tensors of rank 4 (NCHW), got rank 2}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<8x8xf32>) -> tensor<8x8xf32, #pattern.rows<16, [8, 1], [0, 0, 0, 0], 0.0>>
  return
}

// -----

// pattern.conv: two strides, four paddings, two dilations.
func.func @strides_of_one(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'strides' needs 2 values of at least 1, got [1]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @stride_of_zero(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'strides' needs 2 values of at least 1, got [1, 0]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 0>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @padding_of_two(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'padding' needs 4 values of at least 0, got [1, 1]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @negative_padding(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'padding' needs 4 values of at least 0, got [1, 1, 1, -1]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, -1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @dilation_of_zero(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'dilations' needs 2 values of at least 1, got [0, 1]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 0, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// Input and weight have four dimensions, whose channels and groups fit together.
func.func @input_of_rank_3(%a: tensor<8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op needs an input of rank 4 (NCHW), got rank 3}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @weight_of_rank_3(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op needs a weight of rank 4 (FCHW), got rank 3}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @no_group(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op needs groups of at least 1, got 0}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @channels_do_not_fit(%a: tensor<1x8x6x6xf32>, %b: tensor<4x6x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op weight has 6 input channels in each of 1 groups, but the input has 8 channels}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @filters_do_not_divide(%a: tensor<1x8x6x6xf32>, %b: tensor<3x4x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op 3 filters do not divide into 2 groups}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<3x4x3x3xf32>) -> tensor<1x3x6x6xf32>
  return
}

// -----

// The window fits into the padded input.
func.func @window_larger_than_input(%a: tensor<1x8x2x2xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op window is larger than the padded input: result would be [1, 4, 0, 0]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x8x2x2xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// The epilogue has the convolution's shape; the pool comes last.
func.func @bias_of_another_shape(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>, %c: tensor<1x4x1x1xf32>) {
  // expected-error @+1 {{'pattern.conv' op bias needs shape [4], one value a filter, got [1, 4, 1, 1]}}
  %y = "pattern.conv"(%a, %b, %c) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @residual_of_another_shape(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>, %c: tensor<1x4x1x1xf32>) {
  // expected-error @+1 {{'pattern.conv' op residual has shape [1, 4, 1, 1], but the convolution gives [1, 4, 6, 6]}}
  %y = "pattern.conv"(%a, %b, %c) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 1>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @residual_after_the_pool(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>, %c: tensor<1x4x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op residual has shape [1, 4, 3, 3], but the convolution gives [1, 4, 6, 6]}}
  %y = "pattern.conv"(%a, %b, %c) {dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 0, 1>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>, tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
  return
}

// -----

func.func @other_pool(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'max_pool' can only be [2, 2], got [3, 3]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 3, 3>, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>
  return
}

// -----

func.func @too_small_for_the_pool(%a: tensor<1x8x1x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op result is too small for its 2x2 max_pool}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x1x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x0x3xf32>
  return
}

// -----

// The result has the shape that follows from the operands.
func.func @result_of_another_shape(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op result has shape [1, 4, 4, 4], but the convolution gives [1, 4, 6, 6]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

// The schedule: each filter computes one channel, and each thread's filters follow each other.
func.func @output_channel_twice(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'output_channel' is no permutation of the 4 filters}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 0, 1, 2, 2>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @output_channel_too_short(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'output_channel' is no permutation of the 4 filters}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 0, 1, 2>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @boundaries_that_fall(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'filter_boundaries' must rise from 0 to 4, got [0, 3, 2, 4]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 3, 2, 4>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @boundaries_that_end_early(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'filter_boundaries' must rise from 0 to 4, got [0, 3]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 3>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @boundaries_that_start_late(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'filter_boundaries' must rise from 0 to 4, got [1, 4]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 1, 4>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @boundaries_of_no_thread(%a: tensor<1x8x6x6xf32>, %b: tensor<4x8x3x3xf32>) {
  // expected-error @+1 {{'pattern.conv' op attribute 'filter_boundaries' must rise from 0 to 4, got [0]}}
  %y = "pattern.conv"(%a, %b) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

// pattern.linear: the last dimension of the input is as long as the weight's.
func.func @linear_weight_of_rank_4(%a: tensor<2x16xf32>, %b: tensor<4x16x1x1xf32>) {
  // expected-error @+1 {{'pattern.linear' op needs a weight of rank 2 (filters, inputs), got rank 4}}
  %y = "pattern.linear"(%a, %b) : (tensor<2x16xf32>, tensor<4x16x1x1xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_input_of_rank_0(%a: tensor<f32>, %b: tensor<4x16xf32>) {
  // expected-error @+1 {{'pattern.linear' op needs an input of rank 1 or more, got rank 0}}
  %y = "pattern.linear"(%a, %b) : (tensor<f32>, tensor<4x16xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @linear_inputs_do_not_fit(%a: tensor<2x8xf32>, %b: tensor<4x16xf32>) {
  // expected-error @+1 {{'pattern.linear' op weight takes 16 values, but the input's last dimension has 8}}
  %y = "pattern.linear"(%a, %b) : (tensor<2x8xf32>, tensor<4x16xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_bias_of_another_shape(%a: tensor<2x16xf32>, %b: tensor<4x16xf32>, %c: tensor<2x4xf32>) {
  // expected-error @+1 {{'pattern.linear' op bias needs shape [4], one value a filter, got [2, 4]}}
  %y = "pattern.linear"(%a, %b, %c) : (tensor<2x16xf32>, tensor<4x16xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_result_of_another_shape(%a: tensor<2x16xf32>, %b: tensor<4x16xf32>) {
  // expected-error @+1 {{'pattern.linear' op result has shape [2, 16], but the layer gives [2, 4]}}
  %y = "pattern.linear"(%a, %b) : (tensor<2x16xf32>, tensor<4x16xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @linear_activation(%a: tensor<2x16xf32>, %b: tensor<4x16xf32>) {
  // expected-error @+1 {{'pattern.linear' op activation 'relu' takes the parameters [], got [0.0]}}
  %y = "pattern.linear"(%a, %b) {activation = #pattern.activation<"relu", [0.0]>} : (tensor<2x16xf32>, tensor<4x16xf32>) -> tensor<2x4xf32>
  return
}

// -----

// pattern.add and pattern.multiply: equal ranks, each dimension equal or 1.
func.func @ranks_differ(%a: tensor<1x8x6x6xf32>, %b: tensor<8x1x1xf32>) {
  // expected-error @+1 {{'pattern.add' op operand shapes [1, 8, 6, 6] and [8, 1, 1] do not fit: ranks must be equal, each dimension equal or 1}}
  %y = "pattern.add"(%a, %b) : (tensor<1x8x6x6xf32>, tensor<8x1x1xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @sizes_differ(%a: tensor<1x8x6x6xf32>, %b: tensor<1x4x6x6xf32>) {
  // expected-error @+1 {{'pattern.multiply' op operand shapes [1, 8, 6, 6] and [1, 4, 6, 6] do not fit: ranks must be equal, each dimension equal or 1}}
  %y = "pattern.multiply"(%a, %b) : (tensor<1x8x6x6xf32>, tensor<1x4x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

func.func @sum_of_another_shape(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x1x1xf32>) {
  // expected-error @+1 {{'pattern.add' op result has shape [1, 8, 1, 1], but the operands give [1, 8, 6, 6]}}
  %y = "pattern.add"(%a, %b) : (tensor<1x8x6x6xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x1x1xf32>
  return
}

// -----

func.func @sum_activation(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.add' op has unknown activation 'swish'; did you mean 'hard_swish'?}}
  %y = "pattern.add"(%a, %b) {activation = #pattern.activation<"swish", []>} : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

// pattern.activate: the shape stays.
func.func @activate_changes_shape(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.activate' op result has shape [8, 6, 6], but the input has [1, 8, 6, 6]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x8x6x6xf32>) -> tensor<8x6x6xf32>
  return
}

// -----

// pattern.max_pool and pattern.average_pool: two window sizes, strides and dilations, four paddings.
func.func @pool_of_rank_3(%a: tensor<8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op needs an input of rank 4 (NCHW), got rank 3}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @window_of_one(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op attribute 'kernel_size' needs 2 values of at least 1, got [2]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @window_of_zero(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op attribute 'kernel_size' needs 2 values of at least 1, got [0, 2]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 0, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @pool_stride_of_zero(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op attribute 'strides' needs 2 values of at least 1, got [0, 1]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 0, 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @pool_padding_of_two(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op attribute 'padding' needs 4 values of at least 0, got [0, 0]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @pool_dilation_of_zero(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op attribute 'dilations' needs 2 values of at least 1, got [1, 0]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 0>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

// Some of each window lies in the plane.
func.func @padding_above_half_of_the_window(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op padding [0, 0, 2, 0] is more than half of the window [2, 2]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 2, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @pool_window_larger_than_input(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op window is larger than the padded input: result would be [0, 0]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 8, 8>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @pool_result_of_another_shape(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.max_pool' op result has shape [1, 8, 6, 6], but the pool gives [1, 8, 3, 3]}}
  %y = "pattern.max_pool"(%a) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  return
}

// -----

// Averages know no dilations, and divide by what is not zero.
func.func @dilated_average(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.average_pool' op averages only with dilations [1, 1], got [2, 1]}}
  %y = "pattern.average_pool"(%a) {dilations = array<i64: 2, 1>, kernel_size = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

func.func @divisor_of_zero(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.average_pool' op attribute 'divisor' must not be 0}}
  %y = "pattern.average_pool"(%a) {dilations = array<i64: 1, 1>, divisor = 0 : i64, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  return
}

// -----

// pattern.adaptive_average_pool: two output sizes, those of the result.
func.func @adaptive_of_rank_3(%a: tensor<8x6x6xf32>) {
  // expected-error @+1 {{'pattern.adaptive_average_pool' op needs an input of rank 4 (NCHW), got rank 3}}
  %y = "pattern.adaptive_average_pool"(%a) {output_size = array<i64: 1, 1>} : (tensor<8x6x6xf32>) -> tensor<8x1x1xf32>
  return
}

// -----

func.func @output_size_of_one(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.adaptive_average_pool' op attribute 'output_size' needs 2 values of at least 1, got [1]}}
  %y = "pattern.adaptive_average_pool"(%a) {output_size = array<i64: 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x1x1xf32>
  return
}

// -----

func.func @output_size_of_zero(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.adaptive_average_pool' op attribute 'output_size' needs 2 values of at least 1, got [0, 1]}}
  %y = "pattern.adaptive_average_pool"(%a) {output_size = array<i64: 0, 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x0x1xf32>
  return
}

// -----

func.func @adaptive_result_of_another_shape(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.adaptive_average_pool' op result has shape [1, 8, 2, 2], but the pool gives [1, 8, 1, 1]}}
  %y = "pattern.adaptive_average_pool"(%a) {output_size = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x2x2xf32>
  return
}

// -----

// pattern.parameter: a value is of the result's type, and an order names each filter once.
func.func @value_of_another_shape() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'value' has type tensor<2xf32>, but the result is tensor<3xf32>}}
  %y = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

func.func @value_of_another_element_type() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'value' has type tensor<2xf64>, but the result is tensor<2xf32>}}
  %y = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<2xf64>} : () -> tensor<2xf32>
  return
}

// -----

func.func @value_that_is_a_vector() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'value' has type vector<2xf32>, but the result is tensor<2xf32>}}
  %y = "pattern.parameter"() {name = "w", value = dense<1.0> : vector<2xf32>} : () -> tensor<2xf32>
  return
}

// -----

func.func @filter_order_twice() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'filter_order' is no permutation of the 3 filters}}
  %y = "pattern.parameter"() {filter_order = array<i64: 0, 0, 2>, name = "w"} : () -> tensor<3x8x1x1xf32>
  return
}

// -----

func.func @filter_order_of_a_number() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'filter_order' is no permutation of the 0 filters}}
  %y = "pattern.parameter"() {filter_order = array<i64: 0>, name = "w"} : () -> tensor<f32>
  return
}

// -----

// A parameter has a name, a string.
func.func @parameter_without_a_name() {
  // expected-error @+1 {{'pattern.parameter' op attribute "name" is expected but not provided}}
  %y = "pattern.parameter"() : () -> tensor<f32>
  return
}

// -----

func.func @name_of_another_kind() {
  // expected-error @+1 {{'pattern.parameter' op attribute 'name' must be a string in quotes, got @w}}
  %y = "pattern.parameter"() {name = @w} : () -> tensor<f32>
  return
}

// -----

// The shape of a parameter is known.
func.func @dynamic_parameter() {
  // expected-error @+1 {{'pattern.parameter' op needs a static shape, got tensor<?xf32>; export with fixed input sizes}}
  %y = "pattern.parameter"() {name = "w"} : () -> tensor<?xf32>
  return
}

// -----

// pattern.concat: a dimension that there is, and all others equal.
func.func @no_such_dimension(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.concat' op attribute 'dimension' is 4, but the inputs have rank 4}}
  %y = "pattern.concat"(%a, %b) {dimension = 4 : i64} : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x16x6x6xf32>
  return
}

// -----

func.func @negative_dimension(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.concat' op attribute 'dimension' is -3, but the inputs have rank 4}}
  %y = "pattern.concat"(%a, %b) {dimension = -3 : i64} : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x16x6x6xf32>
  return
}

// -----

func.func @concat_of_different_planes(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x5xf32>) {
  // expected-error @+1 {{'pattern.concat' op shapes [1, 8, 6, 6] and [1, 8, 6, 5] do not fit outside dimension 1}}
  %y = "pattern.concat"(%a, %b) {dimension = 1 : i64} : (tensor<1x8x6x6xf32>, tensor<1x8x6x5xf32>) -> tensor<1x16x6x6xf32>
  return
}

// -----

func.func @concat_of_different_ranks(%a: tensor<1x8x6x6xf32>, %b: tensor<8x6x6xf32>) {
  // expected-error @+1 {{'pattern.concat' op shapes [1, 8, 6, 6] and [8, 6, 6] do not fit outside dimension 1}}
  %y = "pattern.concat"(%a, %b) {dimension = 1 : i64} : (tensor<1x8x6x6xf32>, tensor<8x6x6xf32>) -> tensor<1x16x6x6xf32>
  return
}

// -----

func.func @concat_result_of_another_shape(%a: tensor<1x8x6x6xf32>, %b: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.concat' op result has shape [1, 8, 12, 6], but the inputs give [1, 16, 6, 6]}}
  %y = "pattern.concat"(%a, %b) {dimension = 1 : i64} : (tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>) -> tensor<1x8x12x6xf32>
  return
}

// -----

// pattern.upsample: planes change their size and nothing else.
func.func @upsample_of_rank_3(%a: tensor<8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op needs an input of rank 4 (NCHW), got rank 3}}
  %y = "pattern.upsample"(%a) {mode = "nearest"} : (tensor<8x6x6xf32>) -> tensor<8x12x12xf32>
  return
}

// -----

// The mode is known, and so is what goes with it.
func.func @unknown_mode(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op attribute 'mode' must be nearest or bilinear, got bicubic}}
  %y = "pattern.upsample"(%a) {mode = "bicubic"} : (tensor<1x8x6x6xf32>) -> tensor<1x8x12x12xf32>
  return
}

// -----

func.func @corners_of_nearest(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op attribute 'align_corners' goes with mode bilinear only}}
  %y = "pattern.upsample"(%a) {align_corners, mode = "nearest"} : (tensor<1x8x6x6xf32>) -> tensor<1x8x12x12xf32>
  return
}

// -----

func.func @upsample_changes_channels(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op result has shape [1, 4, 12, 12], but images and channels must stay [1, 8]}}
  %y = "pattern.upsample"(%a) {mode = "nearest"} : (tensor<1x8x6x6xf32>) -> tensor<1x4x12x12xf32>
  return
}

// -----

func.func @upsample_changes_rank(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op result has shape [8, 12, 12], but images and channels must stay [1, 8]}}
  %y = "pattern.upsample"(%a) {mode = "nearest"} : (tensor<1x8x6x6xf32>) -> tensor<8x12x12xf32>
  return
}

// -----

func.func @one_scale(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op attribute 'scales' needs 2 values above 0, got [0.5]}}
  %y = "pattern.upsample"(%a) {mode = "nearest", scales = array<f64: 0.5>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x12x12xf32>
  return
}

// -----

func.func @scale_of_zero(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.upsample' op attribute 'scales' needs 2 values above 0, got [0.0, 0.5]}}
  %y = "pattern.upsample"(%a) {mode = "nearest", scales = array<f64: 0.0, 0.5>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x12x12xf32>
  return
}

// -----

// pattern.relayout: the layout changes and nothing else.
func.func @relayout_changes_shape(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.relayout' op changes tensor<1x8x6x6xf32> into tensor<1x6x6x8xf32>; only layout and f16 or f32 may change}}
  %y = "pattern.relayout"(%a) : (tensor<1x8x6x6xf32>) -> tensor<1x6x6x8xf32>
  return
}

// -----

func.func @relayout_changes_element_type(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.relayout' op operands and result must have one element type, got f32, f64 (input may be f16 or f32 beside the others)}}
  %y = "pattern.relayout"(%a) : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf64>
  return
}

// -----

// pattern.select_channels: channels exist.
func.func @select_of_rank_3(%a: tensor<8x6x6xf32>) {
  // expected-error @+1 {{'pattern.select_channels' op needs an input of rank 4 (NCHW), got rank 3}}
  %y = "pattern.select_channels"(%a) {channels = array<i64: 0>} : (tensor<8x6x6xf32>) -> tensor<1x6x6xf32>
  return
}

// -----

func.func @no_such_channel(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.select_channels' op attribute 'channels' needs numbers from 0 to 7, got [0, 8]}}
  %y = "pattern.select_channels"(%a) {channels = array<i64: 0, 8>} : (tensor<1x8x6x6xf32>) -> tensor<1x2x6x6xf32>
  return
}

// -----

func.func @selection_of_another_shape(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.select_channels' op result has shape [1, 3, 6, 6], but the channels give [1, 2, 6, 6]}}
  %y = "pattern.select_channels"(%a) {channels = array<i64: 0, 7>} : (tensor<1x8x6x6xf32>) -> tensor<1x3x6x6xf32>
  return
}

// -----

// pattern.pixel_shuffle: channels divide into phases.
func.func @shuffle_of_rank_3(%a: tensor<8x6x6xf32>) {
  // expected-error @+1 {{'pattern.pixel_shuffle' op needs an input of rank 4 (NCHW), got rank 3}}
  %y = "pattern.pixel_shuffle"(%a) {factor = array<i64: 2, 2>} : (tensor<8x6x6xf32>) -> tensor<2x12x12xf32>
  return
}

// -----

func.func @shuffle_by_one_number(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.pixel_shuffle' op attribute 'factor' needs 2 values of at least 1, got [2]}}
  %y = "pattern.pixel_shuffle"(%a) {factor = array<i64: 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x2x12x12xf32>
  return
}

// -----

func.func @shuffle_of_indivisible_channels(%a: tensor<1x6x6x6xf32>) {
  // expected-error @+1 {{'pattern.pixel_shuffle' op 6 channels do not divide by factor 2 x 2}}
  %y = "pattern.pixel_shuffle"(%a) {factor = array<i64: 2, 2>} : (tensor<1x6x6x6xf32>) -> tensor<1x1x12x12xf32>
  return
}

// -----

func.func @shuffle_to_more_rows(%a: tensor<1x8x6x6xf32>) {
  // expected-error @+1 {{'pattern.pixel_shuffle' op result has shape [1, 2, 13, 12], but the shuffle gives at most [1, 2, 12, 12]}}
  %y = "pattern.pixel_shuffle"(%a) {factor = array<i64: 2, 2>} : (tensor<1x8x6x6xf32>) -> tensor<1x2x13x12xf32>
  return
}

// -----

// pattern.softmax and pattern.layer_norm: rows are the last dimension.
func.func @softmax_of_a_number(%a: tensor<f32>) {
  // expected-error @+1 {{'pattern.softmax' op needs an input of rank 1 or more, got rank 0}}
  %y = "pattern.softmax"(%a) : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @softmax_of_another_shape(%a: tensor<2x8xf32>) {
  // expected-error @+1 {{'pattern.softmax' op result has shape [2, 4], but the input has [2, 8]}}
  %y = "pattern.softmax"(%a) : (tensor<2x8xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @norm_with_a_short_weight(%a: tensor<2x8xf32>, %w: tensor<4xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'pattern.layer_norm' op weight needs shape [8], one value an element of a row, got [4]}}
  %y = "pattern.layer_norm"(%a, %w, %b) {epsilon = 1.0e-05 : f64} : (tensor<2x8xf32>, tensor<4xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @norm_with_a_negative_epsilon(%a: tensor<2x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'pattern.layer_norm' op attribute 'epsilon' is -1.0, below 0}}
  %y = "pattern.layer_norm"(%a, %b, %b) {epsilon = -1.0 : f64} : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @blocks_of_three_pixels_a_slot(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.blocks<[2, 2], 3 : i64, [0, 0], "f32">: a slot holds 1, 2 or 4 pixels of f32 or 2, 4 or 8 of f16}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.blocks<[2, 2], 3, [0, 0], "f32">>
  return
}

// -----

func.func @blocks_with_a_halo_of_four_sides(%a: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{'pattern.activate' op #pattern.blocks<[2, 2], 1 : i64, [0, 0, 0, 0], "f32">: halo needs 2 integers of at least 0 (vertical, horizontal), got [0, 0, 0, 0]}}
  %y = "pattern.activate"(%a) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.blocks<[2, 2], 1, [0, 0, 0, 0], "f32">>
  return
}
