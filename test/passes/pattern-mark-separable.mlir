// RUN: pattern-opt --split-input-file --pattern-mark-separable %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --split-input-file --pattern-mark-separable %t.once | diff %t.once -

// Convolutions, pools and sums work on each image; a parameter of one image is the same for all.
// CHECK: module attributes {pattern.separable}
// CHECK-LABEL: func.func @images_apart
func.func @images_apart(%x: tensor<2x1x4x4xf32>) -> tensor<2x1x3x3xf32> {
  %w = "pattern.parameter"() {name = "w"} : () -> tensor<1x1x2x2xf32>
  %t = "pattern.parameter"() {name = "t"} : () -> tensor<1x1x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<2x1x4x4xf32>, tensor<1x1x2x2xf32>) -> tensor<2x1x3x3xf32>
  %1 = "pattern.add"(%0, %t) : (tensor<2x1x3x3xf32>, tensor<1x1x3x3xf32>) -> tensor<2x1x3x3xf32>
  return %1 : tensor<2x1x3x3xf32>
}

// -----

// A concatenation of batches is no image by itself; a mark that is wrong goes.
// CHECK: module {
// CHECK-LABEL: func.func @joined_batches
module attributes {pattern.separable} {
  func.func @joined_batches(%x: tensor<2x1x4x4xf32>) -> tensor<4x1x4x4xf32> {
    %0 = "pattern.concat"(%x, %x) {dimension = 0 : i64} : (tensor<2x1x4x4xf32>, tensor<2x1x4x4xf32>) -> tensor<4x1x4x4xf32>
    return %0 : tensor<4x1x4x4xf32>
  }
}

// -----

// A parameter of several images says something else of each.
// CHECK: module {
// CHECK-LABEL: func.func @a_value_for_each_image
func.func @a_value_for_each_image(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %t = "pattern.parameter"() {name = "t"} : () -> tensor<2x3xf32>
  %0 = "pattern.add"(%x, %t) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
