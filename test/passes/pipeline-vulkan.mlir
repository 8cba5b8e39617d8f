// REQUIRES: spirv-tools
// RUN: rm -rf %t %t.half && pattern-opt %s --target=vulkan1.1 --precision=f32 --emit=spirv -o %t
// RUN: spirv-val --target-env vulkan1.1 %t/copy_0.spv
// RUN: spirv-val --target-env vulkan1.1 %t/conv_dense_1.spv
// RUN: spirv-val --target-env vulkan1.1 %t/max_pool_2.spv
// RUN: spirv-dis %t/conv_dense_1.spv | filecheck %s
// RUN: pattern-opt %s --target=vulkan1.1 --precision=f16-acc32 --emit=spirv -o %t.half
// RUN: spirv-val --target-env vulkan1.1 %t.half/conv_dense_1.spv
// RUN: spirv-dis %t.half/conv_dense_1.spv | filecheck %s --check-prefix=HALF

// Kernels declare what they use, no more; what they read only is marked.
// CHECK: Version: 1.{{[0-3]$}}
// CHECK: OpCapability Shader
// CHECK-NOT: OpCapability
// CHECK: OpEntryPoint GLCompute %main "main"
// CHECK-COUNT-2: NonWritable
// HALF: OpCapability StorageBuffer16BitAccess
// HALF: OpCapability Float16
func.func @forward(%x: tensor<1x8x16x16xf32>) -> tensor<1x8x8x8xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<1.0> : tensor<8x8x3x3xf32>} : () -> tensor<8x8x3x3xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x8x16x16xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x16x16xf32>
  %1 = "pattern.max_pool"(%0) {dilations = array<i64: 1, 1>, kernel_size = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : (tensor<1x8x16x16xf32>) -> tensor<1x8x8x8xf32>
  return %1 : tensor<1x8x8x8xf32>
}
