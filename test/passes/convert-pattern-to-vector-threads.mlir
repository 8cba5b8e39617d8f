// RUN: pattern-opt --convert-pattern-to-vector=lanes=4 %s | filecheck %s

// Two threads share the tiles of a layer with many of them and small weights: each computes all
// filters at its tiles, four at a time, and reads its part of the input. A unit is a part of the filters
// at a tile, two a tile here, so that shares are equal: 12 tiles of 2x3 and 2x2 vectors, 24 units. Of
// each tile the function computes what lies in its units.
// CHECK-LABEL: func.func private @conv_1(
// CHECK-SAME: %[[LOW:[a-z0-9]+]]: index, %[[HIGH:[a-z0-9]+]]: index)
// CHECK: %[[BEFORE:.*]] = arith.subi %[[LOW]], %c2 :
// CHECK-NEXT: %[[PART:.*]] = arith.maxsi %[[BEFORE]], %c0
// CHECK-NEXT: %[[BEGUN:.*]] = arith.minsi %[[PART]], %c2
// CHECK-NEXT: %[[FILTERS:.*]] = arith.muli %[[BEGUN]], %c2
// CHECK-NEXT: %[[FIRST:.*]] = arith.divui %[[FILTERS]], %c2
// CHECK-NEXT: arith.subi %[[HIGH]], %c2 :
// CHECK: %[[LAST:.*]] = arith.divui
// CHECK-NEXT: %[[SOME:.*]] = arith.cmpi slt, %[[FIRST]], %[[LAST]]
// CHECK-NEXT: scf.if %[[SOME]]
// CHECK-NEXT: func.call @conv_1_tile_2x3({{.*}}, %[[FIRST]], %[[LAST]],

// Where tiles are few, or weights many, threads share the filters at all tiles.
// CHECK-LABEL: func.func private @conv_4(
// CHECK-NOT: scf.if
// CHECK-LABEL: func.func @forward
// CHECK: call @conv_1({{.*}}pattern.boundaries = array<i64: 0, 12, 24>, pattern.extent = 24 : i64
// CHECK: call @conv_4({{.*}}pattern.boundaries = array<i64: 0, 1, 2>, pattern.extent = 2 : i64
func.func @forward(%x: tensor<1x5x16x16xf32>, %y: tensor<1x5x4x4xf32>) -> (tensor<1x8x16x16xf32>, tensor<1x8x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<8x5x1x1xf32>} : () -> tensor<8x5x1x1xf32>
  %0 = "pattern.relayout"(%x) : (tensor<1x5x16x16xf32>) -> tensor<1x5x16x16xf32, #pattern.lanes<[2, 2], [8, 8], [0, 0, 0, 0], 0.0 : f32>>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 4, 8>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x16x16xf32, #pattern.lanes<[2, 2], [8, 8], [0, 0, 0, 0], 0.0 : f32>>, tensor<8x5x1x1xf32>) -> tensor<1x8x16x16xf32, #pattern.lanes<[2, 2], [8, 8], [0, 0, 0, 0], 0.0 : f32>>
  %2 = "pattern.relayout"(%1) : (tensor<1x8x16x16xf32, #pattern.lanes<[2, 2], [8, 8], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x8x16x16xf32>
  %3 = "pattern.relayout"(%y) : (tensor<1x5x4x4xf32>) -> tensor<1x5x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>
  %4 = "pattern.conv"(%3, %w) {dilations = array<i64: 1, 1>, filter_boundaries = array<i64: 0, 4, 8>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x5x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>, tensor<8x5x1x1xf32>) -> tensor<1x8x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>
  %5 = "pattern.relayout"(%4) : (tensor<1x8x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x8x4x4xf32>
  return %2, %5 : tensor<1x8x16x16xf32>, tensor<1x8x4x4xf32>
}
