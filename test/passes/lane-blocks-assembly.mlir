// RUN: pattern-opt %s --target=host --cpu=x86-64-v4 --emit=asm | %python %S/../../bench/harness/assembly.py | filecheck %s
// REQUIRES: x86

// The inner loops of pruned convolutions, one for each pattern and shape of tile: 4 multiplications
// for each sum, fewer than half as many loads, and no access to the stack. What lies left and right
// of a block are its own vectors with permuted lanes, which are not loaded.

// 21 and 14 sums: blocks of 7 x 7.
// CHECK-LABEL: conv_1_tile_3x7: 84 multiplications, 28 loads, 0 of the stack
// CHECK-NEXT: conv_1_tile_3x7: 84 multiplications, 28 loads, 0 of the stack
// CHECK-NEXT: conv_1_tile_3x7: 84 multiplications, 28 loads, 0 of the stack
// CHECK-NEXT: conv_1_tile_2x7: 56 multiplications, 21 loads, 0 of the stack
// CHECK-NEXT: conv_1_tile_2x7: 56 multiplications, 21 loads, 0 of the stack
// CHECK-NEXT: conv_1_tile_2x7: 56 multiplications, 21 loads, 0 of the stack

// 16 sums: blocks of 24 x 2.
// CHECK-NEXT: conv_4_tile_8x2: 64 multiplications, 18 loads, 0 of the stack
// CHECK-NEXT: conv_4_tile_8x2: 64 multiplications, 18 loads, 0 of the stack
// CHECK-NEXT: conv_4_tile_8x2: 64 multiplications, 18 loads, 0 of the stack

// Two sums of eight lanes hold 4x4 pixels, and what lies above and below is permuted, too: a kernel
// loads two.
// CHECK-NEXT: conv_7_tile_1x2: 8 multiplications, 2 loads, 0 of the stack
// CHECK-NEXT: conv_7_tile_1x2: 8 multiplications, 2 loads, 0 of the stack
// CHECK-NEXT: conv_7_tile_1x2: 8 multiplications, 2 loads, 0 of the stack

// 24 and 16 sums before a pool: what lies around their block of 28 x 28 is loaded.
// CHECK-NEXT: conv_10_tile_4x6: 96 multiplications, 38 loads, 0 of the stack
// CHECK-NEXT: conv_10_tile_4x6: 96 multiplications, 35 loads, 0 of the stack
// CHECK-NEXT: conv_10_tile_4x6: 96 multiplications, 35 loads, 0 of the stack
// CHECK-NEXT: conv_10_tile_4x4: 64 multiplications, 28 loads, 0 of the stack
// CHECK-NEXT: conv_10_tile_4x4: 64 multiplications, 25 loads, 0 of the stack
// CHECK-NEXT: conv_10_tile_4x4: 64 multiplications, 25 loads, 0 of the stack
func.func @forward(%x: tensor<1x6x28x28xf32>, %z: tensor<1x6x24x32xf32>, %s: tensor<1x6x4x4xf32>, %p: tensor<1x6x112x112xf32>) -> (tensor<1x4x28x28xf32>, tensor<1x4x24x32xf32>, tensor<1x4x4x4xf32>, tensor<1x4x56x56xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,3.0,0.0],[1.0,1.0,1.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,2.0,7.0],[0.0,6.0,8.0]],[[5.0,5.0,0.0],[8.0,6.0,0.0],[0.0,0.0,0.0]],[[0.0,6.0,0.0],[5.0,5.0,8.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]]],[[[0.0,4.0,0.0],[7.0,5.0,1.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,7.0,6.0],[0.0,7.0,2.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,1.0,0.0],[3.0,4.0,4.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,4.0,1.0],[0.0,1.0,1.0]],[[1.0,6.0,0.0],[5.0,6.0,0.0],[0.0,0.0,0.0]]],[[[0.0,0.0,0.0],[0.0,3.0,5.0],[0.0,7.0,4.0]],[[4.0,8.0,0.0],[7.0,8.0,0.0],[0.0,0.0,0.0]],[[0.0,4.0,0.0],[6.0,8.0,6.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,7.0,6.0],[0.0,6.0,4.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,7.0,0.0],[5.0,4.0,3.0],[0.0,0.0,0.0]]],[[[4.0,4.0,0.0],[6.0,8.0,0.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,6.0,5.0],[0.0,3.0,3.0]],[[6.0,5.0,0.0],[5.0,3.0,0.0],[0.0,0.0,0.0]],[[0.0,7.0,0.0],[4.0,3.0,8.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,3.0,2.0],[0.0,6.0,5.0]]]]> : tensor<4x6x3x3xf32>} : () -> tensor<4x6x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x6x28x28xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x28x28xf32>
  %1 = "pattern.conv"(%z, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x6x24x32xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x24x32xf32>
  %2 = "pattern.conv"(%s, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x6x4x4xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x4x4xf32>
  %3 = "pattern.conv"(%p, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, max_pool = array<i64: 2, 2>, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x6x112x112xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x56x56xf32>
  return %0, %1, %2, %3 : tensor<1x4x28x28xf32>, tensor<1x4x24x32xf32>, tensor<1x4x4x4xf32>, tensor<1x4x56x56xf32>
}
