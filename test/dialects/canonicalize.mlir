// RUN: pattern-opt --pass-pipeline='builtin.module(canonicalize)' %s | filecheck %s --check-prefix=DEAD
// RUN: pattern-opt --pass-pipeline='builtin.module(cse)' %s | filecheck %s --check-prefix=EQUAL
// RUN: pattern-opt --pass-pipeline='builtin.module(loop-invariant-code-motion)' %s | filecheck %s --check-prefix=HOIST
// RUN: pattern-opt --pattern-canonicalize %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-canonicalize %t.once | diff %t.once -

// Every operation is pure: what nobody uses goes.
// DEAD-LABEL: func.func @dead
// DEAD-NEXT: return
func.func @dead(%x: tensor<1x2x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.add"(%0, %1) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %3 = "pattern.multiply"(%2, %1) : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %4 = "pattern.concat"(%2, %3) {dimension = 3 : i64} : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x8xf32>
  %5 = "pattern.upsample"(%4) {mode = "nearest"} : (tensor<1x2x4x8xf32>) -> tensor<1x2x8x8xf32>
  %6 = "pattern.max_pool"(%5) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x2x8x8xf32>) -> tensor<1x2x4x4xf32>
  %7 = "pattern.average_pool"(%6) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %8 = "pattern.adaptive_average_pool"(%7) {output_size = array<i64: 1, 2>} : (tensor<1x2x2x2xf32>) -> tensor<1x2x1x2xf32>
  %relayout = "pattern.relayout"(%8) : (tensor<1x2x1x2xf32>) -> tensor<1x2x1x2xf32, #pattern.rows<4, [1, 1], [0, 0, 0, 0], 0.0>>
  %v = "pattern.parameter"() {name = "v"} : () -> tensor<4x2xf32>
  %9 = "pattern.linear"(%8, %v) : (tensor<1x2x1x2xf32>, tensor<4x2xf32>) -> tensor<1x2x1x4xf32>
  return
}

// Operations that are equal become one; those that differ in an attribute do not.
// EQUAL-LABEL: func.func @equal
// EQUAL-NEXT: %[[W:.*]] = "pattern.parameter"() {name = "w"}
// EQUAL-NEXT: %[[V:.*]] = "pattern.parameter"() {name = "v"}
// EQUAL-NEXT: %[[RELU:.*]] = "pattern.activate"(%[[W]]) {function = #pattern.activation<"relu", []>}
// EQUAL-NEXT: %[[RELU6:.*]] = "pattern.activate"(%[[W]]) {function = #pattern.activation<"relu6", []>}
// EQUAL-NEXT: return %[[RELU]], %[[RELU]], %[[RELU6]], %[[V]]
func.func @equal() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.parameter"() {name = "w"} : () -> tensor<2xf32>
  %1 = "pattern.parameter"() {name = "w"} : () -> tensor<2xf32>
  %2 = "pattern.parameter"() {name = "v"} : () -> tensor<2xf32>
  %3 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %4 = "pattern.activate"(%1) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %5 = "pattern.activate"(%1) {function = #pattern.activation<"relu6", []>} : (tensor<2xf32>) -> tensor<2xf32>
  return %3, %4, %5, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// What a loop does not change moves out of it.
// HOIST-LABEL: func.func @in_a_loop
// HOIST: "pattern.parameter"
// HOIST: scf.for
// HOIST-NEXT: "pattern.add"
// HOIST-NEXT: scf.yield
func.func @in_a_loop(%x: tensor<2xf32>, %n: index) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %x) -> tensor<2xf32> {
    %w = "pattern.parameter"() {name = "w"} : () -> tensor<2xf32>
    %next = "pattern.add"(%sum, %w) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    scf.yield %next : tensor<2xf32>
  }
  return %y : tensor<2xf32>
}

// What follows are the folds of pattern-canonicalize.

// A clamp from 0 up to 6 or without a bound has a name of its own; other clamps have none.
// CHECK-LABEL: func.func @clamps
// CHECK-NEXT: #pattern.activation<"relu6", []>
// CHECK-NEXT: #pattern.activation<"relu", []>
// CHECK-NEXT: #pattern.activation<"clamp", [0.000000e+00, 1.000000e+00]>
// CHECK-NEXT: #pattern.activation<"clamp", [-6.000000e+00, 6.000000e+00]>
func.func @clamps(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 0x7FF0000000000000 : f64]>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [0.0, 1.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  %3 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [-6.0, 6.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// A bound that holds already changes nothing.
// CHECK-LABEL: func.func @twice
// CHECK-NEXT: %[[RELU:.*]] = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
// CHECK-NEXT: %[[CLAMP:.*]] = "pattern.activate"(%arg0) {function = #pattern.activation<"clamp", [-1.000000e+00, 1.000000e+00]>}
// CHECK-NEXT: return %[[RELU]], %[[CLAMP]]
func.func @twice(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %3 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [-1.0, 1.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  %4 = "pattern.activate"(%3) {function = #pattern.activation<"clamp", [-1.0, 1.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  return %2, %4 : tensor<2xf32>, tensor<2xf32>
}

// Other activations do: the sigmoid of a sigmoid, a clamp between other bounds.
// CHECK-LABEL: func.func @twice_is_not_once
// CHECK-COUNT-4: "pattern.activate"
func.func @twice_is_not_once(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"sigmoid", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"sigmoid", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "pattern.activate"(%x) {function = #pattern.activation<"clamp", [-1.0, 1.0]>} : (tensor<2xf32>) -> tensor<2xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"clamp", [-2.0, 0.5]>} : (tensor<2xf32>) -> tensor<2xf32>
  return %1, %3 : tensor<2xf32>, tensor<2xf32>
}

// relu and relu6 are relu6 in either order. Another user of the inner one keeps it.
// CHECK-LABEL: func.func @relu_and_relu6
// CHECK-NEXT: %[[FIRST:.*]] = "pattern.activate"(%arg0) {function = #pattern.activation<"relu6", []>}
// CHECK-NEXT: %[[RELU:.*]] = "pattern.activate"(%arg0) {function = #pattern.activation<"relu", []>}
// CHECK-NEXT: %[[SECOND:.*]] = "pattern.activate"(%arg0) {function = #pattern.activation<"relu6", []>}
// CHECK-NEXT: return %[[FIRST]], %[[RELU]], %[[SECOND]]
func.func @relu_and_relu6(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = "pattern.activate"(%x) {function = #pattern.activation<"relu6", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %2 = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<2xf32>) -> tensor<2xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"relu6", []>} : (tensor<2xf32>) -> tensor<2xf32>
  return %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// A window of one pixel, or one for each pixel, gives that pixel; so does an upsampling to the
// same size.
// CHECK-LABEL: func.func @nothing_to_pool
// CHECK-NEXT: return %arg0
func.func @nothing_to_pool(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %0 = "pattern.max_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %1 = "pattern.average_pool"(%0) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.adaptive_average_pool"(%1) {output_size = array<i64: 4, 4>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %3 = "pattern.upsample"(%2) {mode = "nearest"} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %4 = "pattern.upsample"(%3) {align_corners, mode = "bilinear"} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %4 : tensor<1x2x4x4xf32>
}

// An adaptive pool whose windows are all alike is a plain one, another stays.
// CHECK-LABEL: func.func @windows_alike
// CHECK-NEXT: "pattern.average_pool"(%arg0) {{.*}}kernel_size = array<i64: 2, 1>{{.*}}strides = array<i64: 2, 1>
// CHECK-NEXT: "pattern.adaptive_average_pool"
func.func @windows_alike(%x: tensor<1x2x4x4xf32>) -> (tensor<1x2x2x4xf32>, tensor<1x2x3x4xf32>) {
  %0 = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 2, 4>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x4xf32>
  %1 = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 3, 4>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x3x4xf32>
  return %0, %1 : tensor<1x2x2x4xf32>, tensor<1x2x3x4xf32>
}

// What goes element by element over lines goes over the planes that they were.
// CHECK-LABEL: func.func @lines
// CHECK: %[[SUM:.*]] = "pattern.add"(%arg0, %{{.*}}) : (tensor<1x2x1x4xf32>, tensor<1x2x1x1xf32>)
// CHECK: %[[RELU:.*]] = "pattern.activate"(%[[SUM]])
// CHECK: return %[[RELU]] : tensor<1x2x1x4xf32>
func.func @lines(%x: tensor<1x2x1x4xf32>) -> tensor<1x2x1x4xf32> {
  %p = "pattern.parameter"() {name = "p", value = dense<1.0> : tensor<1x2x1xf32>} : () -> tensor<1x2x1xf32>
  %0 = tensor.collapse_shape %x [[0], [1], [2, 3]] : tensor<1x2x1x4xf32> into tensor<1x2x4xf32>
  %1 = "pattern.add"(%0, %p) : (tensor<1x2x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %2 = "pattern.activate"(%1) {function = #pattern.activation<"relu", []>} : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %3 = tensor.expand_shape %2 [[0], [1], [2, 3]] output_shape [1, 2, 1, 4] : tensor<1x2x4xf32> into tensor<1x2x1x4xf32>
  return %3 : tensor<1x2x1x4xf32>
}

// A stride leaves pixels out, a divisor and scales change them.
// CHECK-LABEL: func.func @something_to_pool
// CHECK-NEXT: "pattern.max_pool"
// CHECK-NEXT: "pattern.average_pool"
// CHECK-NEXT: "pattern.average_pool"
// CHECK-NEXT: "pattern.upsample"
func.func @something_to_pool(%x: tensor<1x2x4x4xf32>) -> (tensor<1x2x2x2xf32>, tensor<1x2x4x4xf32>, tensor<1x2x4x2xf32>, tensor<1x2x4x4xf32>) {
  %0 = "pattern.max_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32>
  %1 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, divisor = 2 : i64, kernel_size = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.adaptive_average_pool"(%x) {output_size = array<i64: 4, 2>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x2xf32>
  %3 = "pattern.upsample"(%x) {mode = "nearest", scales = array<f64: 0.9, 0.9>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %0, %1, %2, %3 : tensor<1x2x2x2xf32>, tensor<1x2x4x4xf32>, tensor<1x2x4x2xf32>, tensor<1x2x4x4xf32>
}

// What lies in memory in another way is not the same value.
// CHECK-LABEL: func.func @other_layout
// CHECK-NEXT: "pattern.max_pool"
func.func @other_layout(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32, #pattern.rows<4, [4, 1], [0, 0, 0, 0], 0.0>> {
  %0 = "pattern.max_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32, #pattern.rows<4, [4, 1], [0, 0, 0, 0], 0.0>>
  return %0 : tensor<1x2x4x4xf32, #pattern.rows<4, [4, 1], [0, 0, 0, 0], 0.0>>
}

// An order that moves nothing says nothing; another stays.
// CHECK-LABEL: func.func @orders
// CHECK-NEXT: "pattern.parameter"() {name = "w"}
// CHECK-NEXT: "pattern.conv"
// CHECK-NOT: output_channel
// CHECK: "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "v"}
// CHECK-NEXT: "pattern.conv"
// CHECK-SAME: output_channel = array<i64: 1, 0>
func.func @orders(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {filter_order = array<i64: 0, 1>, name = "w"} : () -> tensor<2x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 0, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %v = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "v"} : () -> tensor<2x2x1x1xf32>
  %1 = "pattern.conv"(%0, %v) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, output_channel = array<i64: 1, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %1 : tensor<1x2x4x4xf32>
}

// An average over the whole plane is its mean; one with a divisor of its own is not.
// CHECK-LABEL: func.func @average_of_the_plane
// CHECK-NEXT: "pattern.adaptive_average_pool"(%arg0) {output_size = array<i64: 1, 1>}
// CHECK-NEXT: "pattern.average_pool"
func.func @average_of_the_plane(%x: tensor<1x2x4x5xf32>) -> (tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>) {
  %0 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 4, 5>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x5xf32>) -> tensor<1x2x1x1xf32>
  %1 = "pattern.average_pool"(%x) {dilations = array<i64: 1, 1>, divisor = 3 : i64, kernel_size = array<i64: 4, 5>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x5xf32>) -> tensor<1x2x1x1xf32>
  return %0, %1 : tensor<1x2x1x1xf32>, tensor<1x2x1x1xf32>
}

// Selections join; that of all channels goes.
// CHECK-LABEL: func.func @selections
// CHECK-NEXT: %[[BOTH:.*]] = "pattern.select_channels"(%arg0) {channels = array<i64: 1, 3>}
// CHECK-NEXT: return %[[BOTH]], %arg0
func.func @selections(%x: tensor<1x4x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x4x4x4xf32>) {
  %0 = "pattern.select_channels"(%x) {channels = array<i64: 0, 2, 1, 3>} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %1 = "pattern.select_channels"(%0) {channels = array<i64: 2, 3>} : (tensor<1x4x4x4xf32>) -> tensor<1x2x4x4xf32>
  %2 = "pattern.select_channels"(%x) {channels = array<i64: 0, 1, 2, 3>} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %1, %2 : tensor<1x2x4x4xf32>, tensor<1x4x4x4xf32>
}

// An activation goes before the shuffle, unless something else reads that.
// CHECK-LABEL: func.func @shuffled
// CHECK-NEXT: %[[A:.*]] = "pattern.activate"(%arg0)
// CHECK-NEXT: %[[S:.*]] = "pattern.pixel_shuffle"(%[[A]])
// CHECK-NEXT: %[[T:.*]] = "pattern.pixel_shuffle"(%arg0)
// CHECK-NEXT: %[[B:.*]] = "pattern.activate"(%[[T]])
// CHECK-NEXT: return %[[S]], %[[T]], %[[B]]
func.func @shuffled(%x: tensor<1x4x4x4xf32>) -> (tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32>) {
  %0 = "pattern.pixel_shuffle"(%x) {factor = array<i64: 2, 2>} : (tensor<1x4x4x4xf32>) -> tensor<1x1x8x8xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"relu", []>} : (tensor<1x1x8x8xf32>) -> tensor<1x1x8x8xf32>
  %2 = "pattern.pixel_shuffle"(%x) {factor = array<i64: 2, 2>} : (tensor<1x4x4x4xf32>) -> tensor<1x1x8x8xf32>
  %3 = "pattern.activate"(%2) {function = #pattern.activation<"relu", []>} : (tensor<1x1x8x8xf32>) -> tensor<1x1x8x8xf32>
  return %1, %2, %3 : tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32>
}
