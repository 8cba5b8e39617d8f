// RUN: pattern-opt --pattern-assign-blocks --convert-pattern-to-gpu %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-pattern-to-gpu %t.once | diff %t.once -

// Two convolutions that differ in their weights alone share a kernel. Buffers are bytes: inputs,
// outputs, then the packed weights.
// CHECK: pattern.buffers = {{.*}}"input", "x", memref<1x8x16x16xf32>], ["output", "output0", memref<1x8x16x16xf32>
// CHECK: func.func @forward(%arg0: memref<8192xi8> {pattern.name = "x"}, %arg1: memref<8192xi8>, %arg2: memref<{{.*}}xi8> {pattern.buffer = "weights:0"})
// CHECK-COUNT-2: memref.alloc
// CHECK: gpu.launch_func  @copy_0::@main
// CHECK: gpu.launch_func  @[[CONV:conv_dense_1]]::@main
// CHECK-SAME: pattern.push = array<i32: 8,
// CHECK: gpu.launch_func  @[[CONV]]::@main
// Without a halo round its result, the last one is another.
// CHECK: gpu.launch_func  @conv_dense_2::@main
// CHECK: gpu.launch_func  @copy_3::@main

// CHECK: gpu.module @conv_dense_1
// CHECK: gpu.func @main({{.*}}) kernel attributes {spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size =
// A workgroup computes blocks, or clears those round the plane: its number alone decides.
// CHECK: %[[GROUP:.*]] = gpu.block_id y
// CHECK: %[[FIRST:.*]] = arith.cmpi ult, %[[GROUP]],
// CHECK: scf.if %[[FIRST]]
// CHECK: scf.for
// CHECK: math.fma
// CHECK: } else {
func.func @forward(%x: tensor<1x8x16x16xf32> {pattern.name = "x"}) -> tensor<1x8x16x16xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<8x8x3x3xf32>} : () -> tensor<8x8x3x3xf32>
  %v = "pattern.parameter"() {name = "v", value = dense<2.0> : tensor<8x8x3x3xf32>} : () -> tensor<8x8x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x16x16xf32>
  %1 = "pattern.conv"(%0, %v) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x16x16xf32>
  %2 = "pattern.conv"(%1, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x16x16xf32>
  return %2 : tensor<1x8x16x16xf32>
}
