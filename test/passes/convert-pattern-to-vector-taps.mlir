// RUN: pattern-opt --convert-pattern-to-vector %s | filecheck %s

// Four pixels leave most of a vector's sixteen lanes empty. So lanes hold what each tap of each pixel
// sees, four a pixel. These windows are made once for each channel and pattern, and one of zeros; lanes
// outside the plane are zeros, number 4 in the shuffle. For the first pattern the first pixel sees
// itself and what lies right of it, below and below right.
// CHECK-LABEL: func.func private @tap_windows_1(
// CHECK: %[[PIXELS:.*]] = vector.load
// CHECK: vector.shuffle %[[PIXELS]], %{{.*}} [0, 1, 2, 3, 1, 4, 3, 4, 2, 3, 4, 4, 3, 4, 4, 4]
// CHECK: vector.store {{.*}} vector<16xf32>
// CHECK: vector.shuffle %[[PIXELS]], %{{.*}} [4, 4, 4, 0, 4, 4, 0, 1, 4, 0, 4, 2, 0, 1, 2, 3]

// A kernel is one multiplication: its window, by the number in the table, times its four weights,
// repeated for each pixel. There is one loop for all patterns, of four kernels a round; the list is
// filled up with kernels of zeros. In the end the four lanes of each pixel are added up.
// CHECK-LABEL: func.func private @conv_2_tile_1x1(
// CHECK: %[[LOOP:.*]]:5 = scf.for {{.*}} step %c4
// CHECK: %[[WEIGHTS:.*]] = vector.load {{.*}} vector<4xf32>
// CHECK-NEXT: %[[FACTORS:.*]] = vector.shuffle %[[WEIGHTS]], %[[WEIGHTS]] [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]
// CHECK: %[[WINDOW:.*]] = vector.load {{.*}} vector<16xf32>
// CHECK-NEXT: vector.fma %[[WINDOW]], %[[FACTORS]],
// CHECK-COUNT-3: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: vector.shuffle {{.*}} [0, 2, 4, 6, 8, 10, 12, 14]
// CHECK: vector.shuffle {{.*}} [1, 3, 5, 7]
// CHECK-LABEL: func.func @forward
// CHECK: memref.alloc() : memref<1x3x16xf32>
// CHECK: call @tap_windows_1
// CHECK: call @conv_2({{.*}}tile = "1x1, taps in lanes"
func.func @forward(%x: tensor<1x1x2x2xf32>) -> tensor<1x8x2x2xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]]], [[[5.0, 6.0, 0.0], [7.0, 8.0, 0.0], [0.0, 0.0, 0.0]]], [[[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]]], [[[5.0, 6.0, 0.0], [7.0, 8.0, 0.0], [0.0, 0.0, 0.0]]], [[[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]]], [[[5.0, 6.0, 0.0], [7.0, 8.0, 0.0], [0.0, 0.0, 0.0]]], [[[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 3.0, 4.0]]], [[[5.0, 6.0, 0.0], [7.0, 8.0, 0.0], [0.0, 0.0, 0.0]]]]> : tensor<8x1x3x3xf32>} : () -> tensor<8x1x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[4, 5, 7, 8], [0, 1, 3, 4]]>>>
  %0 = "pattern.relayout"(%x) : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32, #pattern.lanes<[2, 2], [1, 1], [0, 0, 0, 0], 0.0 : f32>>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32, #pattern.lanes<[2, 2], [1, 1], [0, 0, 0, 0], 0.0 : f32>>, tensor<8x1x3x3xf32, #pattern.sparse<#pattern.library<[3, 3], [[4, 5, 7, 8], [0, 1, 3, 4]]>>>) -> tensor<1x8x2x2xf32, #pattern.lanes<[2, 2], [1, 1], [0, 0, 0, 0], 0.0 : f32>>
  %2 = "pattern.relayout"(%1) : (tensor<1x8x2x2xf32, #pattern.lanes<[2, 2], [1, 1], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x8x2x2xf32>
  return %2 : tensor<1x8x2x2xf32>
}
