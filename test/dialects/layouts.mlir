// RUN: pattern-opt %s --verify-roundtrip | filecheck %s

// A tensor's layout in memory is the encoding of its type. Operations compute the same in every
// layout: the encoding says where an element lies, not what it is.

// Lane blocks: the 8x8 plane in 2x4 blocks of 4x2 pixels, with a halo of one vector at each side
// that holds 0.
// CHECK-LABEL: func.func @lanes
// CHECK: "pattern.activate"(%arg0) {{{.*}}} : (tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.000000e+00 : f64>>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.000000e+00 : f64>>
func.func @lanes(%x: tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.0>>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.0>> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.0>>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.0>>
  return %y : tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [1, 1, 1, 1], 0.0>>
}

// Blocks may reach over the edge of a plane that they do not divide. A max-pool wants minus
// infinity round the plane.
// CHECK-LABEL: func.func @lanes_of_minus_infinity
// CHECK: #pattern.lanes<[2, 4], [4, 2], [0, 0, 1, 1], 0xFFF0000000000000 : f64>
func.func @lanes_of_minus_infinity(%x: tensor<1x4x7x7xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 1, 1], 0xFFF0000000000000 : f64>>) -> tensor<1x4x4x4xf32> {
  %y = "pattern.max_pool"(%x) {ceil_mode, dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x4x7x7xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 1, 1], 0xFFF0000000000000 : f64>>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// Rows: each is cut into 8 parts of one pixel. Rows above and below are stored, what lies left and
// right is read from the neighbouring lanes; one lane is to spare for that.
// CHECK-LABEL: func.func @rows
// CHECK: -> tensor<1x4x7x7xf32, #pattern.rows<8 : i64, [7, 1], [1, 1, 1, 1], 0.000000e+00 : f64>>
func.func @rows(%x: tensor<1x4x7x7xf32>) -> tensor<1x4x7x7xf32, #pattern.rows<8, [7, 1], [1, 1, 1, 1], 0.0>> {
  %y = "pattern.activate"(%x) {function = #pattern.activation<"relu", []>} : (tensor<1x4x7x7xf32>) -> tensor<1x4x7x7xf32, #pattern.rows<8, [7, 1], [1, 1, 1, 1], 0.0>>
  return %y : tensor<1x4x7x7xf32, #pattern.rows<8, [7, 1], [1, 1, 1, 1], 0.0>>
}

// A relayout writes the same tensor in another layout; a type without one is plain NCHW.
// CHECK-LABEL: func.func @relayout
// CHECK-NEXT: "pattern.relayout"(%arg0) : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0.000000e+00 : f32>>
// CHECK-NEXT: "pattern.relayout"(%0) : (tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0.000000e+00 : f32>>) -> tensor<1x4x8x8xf32>
func.func @relayout(%x: tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32> {
  %0 = "pattern.relayout"(%x) : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0.0 : f32>>
  %1 = "pattern.relayout"(%0) : (tensor<1x4x8x8xf32, #pattern.lanes<[2, 4], [4, 2], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x4x8x8xf32>
  return %1 : tensor<1x4x8x8xf32>
}

// Blocks of a GPU: two rows of two slots of one pixel each, and blocks of zeros round the grid.
// CHECK-LABEL: func.func @blocks
// CHECK-NEXT: -> tensor<1x4x8x8xf32, #pattern.blocks<[2, 2], 1 : i64, [1, 1], "f32">>
// CHECK-NEXT: -> tensor<1x4x8x8xf32, #pattern.blocks<[4, 1], 2 : i64, [0, 0], "f16">>
func.func @blocks(%x: tensor<1x4x8x8xf32>) {
  %0 = "pattern.relayout"(%x) : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.blocks<[2, 2], 1, [1, 1], "f32">>
  %1 = "pattern.relayout"(%x) : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32, #pattern.blocks<[4, 1], 2, [0, 0], "f16">>
  return
}
