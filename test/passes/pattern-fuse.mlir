// RUN: pattern-opt --pattern-fuse %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-fuse %t.once | diff %t.once -
// RUN: pattern-opt --pattern-fuse=least-pooled=3 %s | filecheck %s --check-prefix=LARGE
// RUN: pattern-opt --pattern-fuse=only-short %s | filecheck %s --check-prefix=SHORT

// The whole epilogue, in the order of its definition, becomes one convolution.
// With least-pooled=3 a pool to 2x2 stays by itself.
// LARGE-LABEL: func.func @whole_epilogue
// LARGE: %[[Y:.*]] = "pattern.conv"({{.*}} -> tensor<1x2x4x4xf32>
// LARGE-NEXT: "pattern.max_pool"(%[[Y]])
// CHECK-LABEL: func.func @whole_epilogue
// CHECK: %[[BIAS:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1, 2, 3]] : tensor<1x2x1x1xf32> into tensor<2xf32>
// CHECK-NEXT: %[[Y:.*]] = "pattern.conv"(%arg0, %{{.*}}, %[[BIAS]], %arg1) {activation = #pattern.activation<"relu6", []>
// CHECK-SAME: max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 1, 1>
// CHECK-SAME: -> tensor<1x2x2x2xf32>
// CHECK-NEXT: return %[[Y]]
func.func @whole_epilogue(%x: tensor<1x1x4x4xf32>, %r: tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %b = "pattern.parameter"() {name = "b"} : () -> tensor<1x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.add"(%b, %0) : (tensor<1x2x1x1xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%1, %r) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"relu6", []>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %4 = "pattern.max_pool"(%3) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  return %4 : tensor<1x2x2x2xf32>
}

// The shortcut is computed after the convolution, which moves down to it.
// CHECK-LABEL: func.func @shortcut_comes_later
// CHECK: %[[SHORTCUT:.*]] = "pattern.upsample"(%arg1)
// CHECK-NEXT: %[[Y:.*]] = "pattern.conv"(%arg0, %{{.*}}, %[[SHORTCUT]])
// CHECK-NEXT: return %[[Y]]
func.func @shortcut_comes_later(%x: tensor<1x1x4x4xf32>, %small: tensor<1x2x2x2xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.upsample"(%small) {mode = "nearest"} : (tensor<1x2x2x2xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%0, %1) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// Of two convolutions the later takes the sum.
// CHECK-LABEL: func.func @both_are_convolutions
// CHECK: %[[FIRST:.*]] = "pattern.conv"(%arg0, %{{.*}}) {
// CHECK-NEXT: "pattern.conv"(%arg1, %{{.*}}, %[[FIRST]]) {
// CHECK-NEXT: return
func.func @both_are_convolutions(%x: tensor<1x1x4x4xf32>, %z: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.conv"(%z, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%0, %1) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// CHECK-LABEL: func.func @activation_into_linear
// CHECK: "pattern.linear"({{.*}}) {activation = #pattern.activation<"clamp", [0.000000e+00, 1.000000e+00]>}
// CHECK-NOT: pattern.activate
func.func @activation_into_linear(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x3xf32>
  %0 = "pattern.linear"(%x, %w) : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<1x2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"clamp", [0.0, 1.0]>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return %1 : tensor<1x2xf32>
}

// CHECK-LABEL: func.func @activation_into_sum_and_product
// CHECK-NEXT: "pattern.add"(%arg0, %arg0) {activation = #pattern.activation<"silu", []>}
// CHECK-NEXT: "pattern.multiply"({{.*}}) {activation = #pattern.activation<"hard_swish", []>}
// CHECK-NEXT: return
func.func @activation_into_sum_and_product(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "pattern.add"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"silu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "pattern.multiply"(%1, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"hard_swish", []>} : (tensor<2xf32>) -> tensor<2xf32>
  return %3 : tensor<2xf32>
}

// A long activation of a linear layer, and a second activation, stay.
// CHECK-LABEL: func.func @activations_that_stay
// CHECK: "pattern.linear"({{.*}}) :
// CHECK-NEXT: "pattern.activate"({{.*}}) {function = #pattern.activation<"gelu", []>}
// CHECK-NEXT: "pattern.multiply"({{.*}}) {activation = #pattern.activation<"tanh", []>}
// CHECK-NEXT: "pattern.activate"({{.*}}) {function = #pattern.activation<"relu6", []>}
func.func @activations_that_stay(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x2xf32>
  %0 = "pattern.linear"(%x, %w) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"gelu", []>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = "pattern.multiply"(%1, %x) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"tanh", []>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %4 = "pattern.activate"(%3) {function = #pattern.activation<"relu6", []>} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return %4 : tensor<1x2xf32>
}

// SHORT-LABEL: func.func @sum_with_a_long_activation
// SHORT: "pattern.add"(%arg0, %arg0) :
// SHORT-NEXT: "pattern.activate"
func.func @sum_with_a_long_activation(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = "pattern.add"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"elu", [1.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// A value that the function returns has a second use.
// CHECK-LABEL: func.func @result_of_the_function
// CHECK-NEXT: %[[SUM:.*]] = "pattern.add"(%arg0, %arg0) :
// CHECK-NEXT: %[[Y:.*]] = "pattern.activate"(%[[SUM]])
// CHECK-NEXT: return %[[SUM]], %[[Y]]
func.func @result_of_the_function(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.add"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// A convolution added to itself has two uses, too.
// CHECK-LABEL: func.func @added_to_itself
// CHECK: %[[Y:.*]] = "pattern.conv"
// CHECK-NEXT: "pattern.add"(%[[Y]], %[[Y]])
func.func @added_to_itself(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.add"(%0, %0) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %1 : tensor<1x2x4x4xf32>
}

// The epilogue has one order: no sum after an activation, no activation after a pool, no bias
// after a residual.
// CHECK-LABEL: func.func @sum_after_activation
// CHECK: "pattern.conv"({{.*}}) {activation = #pattern.activation<"relu", []>
// CHECK-NEXT: "pattern.add"
func.func @sum_after_activation(%x: tensor<1x1x4x4xf32>, %r: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%1, %r) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// CHECK-LABEL: func.func @activation_after_pool
// CHECK: "pattern.conv"({{.*}}) {dilations = {{.*}} max_pool = array<i64: 2, 2>
// CHECK-NEXT: "pattern.activate"
func.func @activation_after_pool(%x: tensor<1x1x5x5xf32>) -> tensor<1x2x2x2xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x5x5xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x5x5xf32>
  %1 = "pattern.max_pool"(%0) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x2x5x5xf32>) -> tensor<1x2x2x2xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"relu", []>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %2 : tensor<1x2x2x2xf32>
}

// CHECK-LABEL: func.func @bias_after_residual
// CHECK: %[[SUM:.*]] = "pattern.conv"(%arg0, %{{.*}}, %arg1) {
// CHECK-NEXT: "pattern.add"(%[[SUM]], %{{.*}})
func.func @bias_after_residual(%x: tensor<1x1x4x4xf32>, %r: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %b = "pattern.parameter"() {name = "b"} : () -> tensor<1x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.add"(%0, %r) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%1, %b) : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// An addend of another shape than the result is no residual.
// CHECK-LABEL: func.func @broadcast_addends
// CHECK: "pattern.conv"
// CHECK-NEXT: "pattern.add"
// CHECK: "pattern.conv"
// CHECK-NEXT: "pattern.add"
func.func @broadcast_addends(%x: tensor<1x1x1x4xf32>, %r: tensor<1x2x1x1xf32>, %plane: tensor<1x2x4x4xf32>) -> (tensor<1x2x1x4xf32>, tensor<1x2x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x1x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x1x4xf32>
  %1 = "pattern.add"(%0, %r) : (tensor<1x2x1x4xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x1x4xf32>
  %2 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x1x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x1x4xf32>
  %3 = "pattern.add"(%plane, %2) : (tensor<1x2x4x4xf32>, tensor<1x2x1x4xf32>) -> tensor<1x2x4x4xf32>
  return %1, %3 : tensor<1x2x1x4xf32>, tensor<1x2x4x4xf32>
}

// Only a 2x2 pool with stride 2, no padding and no partial window fits.
// CHECK-LABEL: func.func @other_pools
// CHECK: "pattern.conv"
// CHECK-NEXT: "pattern.max_pool"
// CHECK: "pattern.conv"
// CHECK-NEXT: "pattern.max_pool"
func.func @other_pools(%x: tensor<1x1x5x5xf32>) -> (tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x5x5xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x5x5xf32>
  %1 = "pattern.max_pool"(%0) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x2x5x5xf32>) -> tensor<1x2x3x3xf32>
  %2 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x5x5xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x5x5xf32>
  %3 = "pattern.max_pool"(%2) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 3, 3>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x2x5x5xf32>) -> tensor<1x2x3x3xf32>
  return %1, %3 : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>
}

// A convolution has room for one residual.
// CHECK-LABEL: func.func @second_residual
// CHECK: %[[FIRST:.*]] = "pattern.conv"(%arg0, %{{.*}}, %arg1) {
// CHECK-NEXT: "pattern.add"(%[[FIRST]], %arg2)
func.func @second_residual(%x: tensor<1x1x4x4xf32>, %r: tensor<1x2x4x4xf32>, %s: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.add"(%0, %r) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%1, %s) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}

// The sum's activation comes along.
// CHECK-LABEL: func.func @sums_with_activations
// CHECK: "pattern.conv"(%arg0, %{{.*}}, %arg1) {activation = #pattern.activation<"relu", []>
// CHECK: "pattern.conv"(%arg0, %{{.*}}, %arg1) {activation = #pattern.activation<"gelu", []>
func.func @sums_with_activations(%x: tensor<1x1x4x4xf32>, %r: tensor<1x2x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x1x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.add"(%0, %r) {activation = #pattern.activation<"relu", []>} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %3 = "pattern.add"(%2, %r) {activation = #pattern.activation<"gelu", []>} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %1, %3 : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}
