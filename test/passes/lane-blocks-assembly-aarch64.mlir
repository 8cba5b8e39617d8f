// RUN: pattern-opt %s --target=aarch64-linux-android --emit=asm -o %t.s
// RUN: %python %S/../../bench/harness/assembly.py < %t.s | filecheck %s
// RUN: filecheck %s --check-prefix=CODE < %t.s

// The inner loops of pruned convolutions on lanes of 2 x 2: 4 multiplications for each sum, fewer
// than half as many loads, and some of them in pairs.

// 24, 21 and 20 sums: blocks of 7 x 28, cut into two strips.
// CHECK-LABEL: conv_1_tile_4x6: 96 multiplications, 39 loads (9 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_4x6: 96 multiplications, 36 loads (5 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_4x6: 96 multiplications, 36 loads (8 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_4x5: 80 multiplications, 34 loads (7 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_4x5: 80 multiplications, 31 loads (5 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_4x5: 80 multiplications, 31 loads (8 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_3x7: 84 multiplications, 35 loads (9 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_3x7: 84 multiplications, 33 loads (6 pairs), 0 of the stack
// CHECK-NEXT: conv_1_tile_3x7: 84 multiplications, 33 loads (10 pairs), 0 of the stack

// 24 sums: blocks of 12 x 16.
// CHECK-NEXT: conv_4_tile_3x8: 96 multiplications, 39 loads (17 pairs), 0 of the stack
// CHECK-NEXT: conv_4_tile_3x8: 96 multiplications, 37 loads (10 pairs), 0 of the stack
// CHECK-NEXT: conv_4_tile_3x8: 96 multiplications, 37 loads (15 pairs), 0 of the stack

// Callers are found by the frame pointer, which is used for nothing else.
// CODE-LABEL: layer_1:
// CODE: stp x29, x30
// CODE-NEXT: add x29, sp

// A channel's address is one multiply-add; four weights wait in one register.
// CODE-LABEL: conv_1_tile_4x5:
// CODE: ldr q[[WEIGHTS:[0-9]+]], [x{{[0-9]+}}], #16
// CODE-NEXT: umaddl
// CODE-NEXT: ldp q
// CODE: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v[[WEIGHTS]].s[0]
// CODE: fmla v{{[0-9]+}}.4s, v{{[0-9]+}}.4s, v[[WEIGHTS]].s[3]
func.func @forward(%x: tensor<1x6x28x28xf32>, %z: tensor<1x6x24x32xf32>) -> (tensor<1x4x28x28xf32>, tensor<1x4x24x32xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,3.0,0.0],[1.0,1.0,1.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,2.0,7.0],[0.0,6.0,8.0]],[[5.0,5.0,0.0],[8.0,6.0,0.0],[0.0,0.0,0.0]],[[0.0,6.0,0.0],[5.0,5.0,8.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]]],[[[0.0,4.0,0.0],[7.0,5.0,1.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,7.0,6.0],[0.0,7.0,2.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,1.0,0.0],[3.0,4.0,4.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,4.0,1.0],[0.0,1.0,1.0]],[[1.0,6.0,0.0],[5.0,6.0,0.0],[0.0,0.0,0.0]]],[[[0.0,0.0,0.0],[0.0,3.0,5.0],[0.0,7.0,4.0]],[[4.0,8.0,0.0],[7.0,8.0,0.0],[0.0,0.0,0.0]],[[0.0,4.0,0.0],[6.0,8.0,6.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,7.0,6.0],[0.0,6.0,4.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,7.0,0.0],[5.0,4.0,3.0],[0.0,0.0,0.0]]],[[[4.0,4.0,0.0],[6.0,8.0,0.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,0.0,0.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,6.0,5.0],[0.0,3.0,3.0]],[[6.0,5.0,0.0],[5.0,3.0,0.0],[0.0,0.0,0.0]],[[0.0,7.0,0.0],[4.0,3.0,8.0],[0.0,0.0,0.0]],[[0.0,0.0,0.0],[0.0,3.0,2.0],[0.0,6.0,5.0]]]]> : tensor<4x6x3x3xf32>} : () -> tensor<4x6x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x6x28x28xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x28x28xf32>
  %1 = "pattern.conv"(%z, %w) {activation = #pattern.activation<"relu", []>, dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x6x24x32xf32>, tensor<4x6x3x3xf32>) -> tensor<1x4x24x32xf32>
  return %0, %1 : tensor<1x4x28x28xf32>, tensor<1x4x24x32xf32>
}
