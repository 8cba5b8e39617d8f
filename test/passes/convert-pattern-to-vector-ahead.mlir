// RUN: pattern-opt --convert-pattern-to-vector %s | filecheck %s
// RUN: pattern-opt --convert-pattern-to-vector=processor=neoverse-n1 %s | filecheck --check-prefix=ARM %s

// Weights of more than 256 KB come from beyond a core's own cache. Their kernels ask for what lies 4 KB
// behind, 1024 numbers of f32; the processor itself looks to the end of a page. A kernel of four filters
// has four weights, less than a line of 16, and asks once.
// CHECK-LABEL: func.func private @conv_1_tile_1x1({{.*}}memref<131072xf32>
// CHECK: scf.for {{.*}} iter_args
// CHECK: %[[AHEAD:.*]] = arith.addi %{{.*}}, %c1024
// CHECK-NEXT: memref.prefetch %{{.*}}[%[[AHEAD]]], read, locality<3>, data
// CHECK-NOT: memref.prefetch
// CHECK: vector.fma

// Fewer weights wait in the cache.
// CHECK-LABEL: func.func private @conv_3_tile_1x1(
// CHECK-NOT: memref.prefetch
// CHECK-LABEL: func.func @forward

// Whether it pays was not measured on AArch64.
// ARM-NOT: memref.prefetch
func.func @forward(%x: tensor<1x256x4x4xf32>) -> (tensor<1x512x4x4xf32>, tensor<1x64x4x4xf32>) {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<512x256x1x1xf32>} : () -> tensor<512x256x1x1xf32>
  %v = "pattern.parameter"() {name = "v", value = dense<1.0> : tensor<64x256x1x1xf32>} : () -> tensor<64x256x1x1xf32>
  %0 = "pattern.relayout"(%x) : (tensor<1x256x4x4xf32>) -> tensor<1x256x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x256x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>, tensor<512x256x1x1xf32>) -> tensor<1x512x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>
  %2 = "pattern.relayout"(%1) : (tensor<1x512x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x512x4x4xf32>
  %3 = "pattern.conv"(%0, %v) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x256x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>, tensor<64x256x1x1xf32>) -> tensor<1x64x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>
  %4 = "pattern.relayout"(%3) : (tensor<1x64x4x4xf32, #pattern.lanes<[4, 4], [1, 1], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x64x4x4xf32>
  return %2, %4 : tensor<1x512x4x4xf32>, tensor<1x64x4x4xf32>
}
