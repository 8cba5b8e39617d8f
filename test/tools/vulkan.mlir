// REQUIRES: spirv-tools, spirv-cross
// RUN: rm -rf %t && pattern-opt %s --target=vulkan1.1 --emit=spirv -o %t
// RUN: ls %t/*.spv | xargs -n 1 spirv-val --target-env vulkan1.1
// RUN: ls %t/*.spv | xargs -I KERNEL spirv-cross --vulkan-semantics KERNEL --output KERNEL.glsl
// RUN: ls %t/*.spv | xargs -I KERNEL spirv-cross --msl KERNEL --output KERNEL.metal
// RUN: cat %t/conv_*.glsl | filecheck %s --check-prefix=GLSL
// RUN: cat %t/conv_*.metal | filecheck %s --check-prefix=METAL
// RUN: pattern-opt %s --target=vulkan1.1 --emit=package -o %t/model.pattern
// RUN: pattern-opt %s --target=vulkan1.1 --emit=package -o %t/again && cmp %t/model.pattern %t/again
// RUN: not pattern-opt %s --target=vulkan1.1 --emit=asm 2>&1 | filecheck %s --check-prefix=ASM
// RUN: not pattern-opt %s --target=vulkan1.1 --emit=package --precision=f8 -o %t/x 2>&1 | filecheck %s --check-prefix=PRECISION
// RUN: not pattern-opt %s --emit=spirv -o %t/x 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not pattern-opt %s --precision=f16-acc32 2>&1 | filecheck %s --check-prefix=TARGET

// Kernels are SPIR-V for Vulkan 1.1, which other tools read; the same module gives the same bytes.
// GLSL: layout(local_size_x = {{[0-9]+}}
// METAL: kernel void main0(
// ASM: pattern-opt: error: --target=vulkan1.1 makes kernels: --emit=spirv -o FOLDER writes them, --emit=package the whole network
// PRECISION: precision 'f8'
// NONE: pattern-opt: error: the module has no kernels; lower it with --target=vulkan1.1
// TARGET: pattern-opt: error: --precision goes with --target; else write --pattern-assign-precision=precision=… or --pattern-assign-blocks=precision=…
func.func @forward(%x: tensor<1x2x8x8xf32> {pattern.name = "image"}) -> tensor<1x3x1x1xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 3.0], [0.0, 4.0]]], [[[5.0, 6.0], [0.0, 0.0]], [[0.0, 7.0], [0.0, 8.0]]]]> : tensor<3x2x2x2xf32>} : () -> tensor<3x2x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x2x2xf32>) -> tensor<1x3x8x8xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"tanh", []>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %2 = "pattern.adaptive_average_pool"(%1) {output_size = array<i64: 1, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  return %2 : tensor<1x3x1x1xf32>
}
