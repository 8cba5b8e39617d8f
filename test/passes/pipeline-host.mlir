// RUN: pattern-opt --target=host --threads=2 %s -o %t.mlir
// RUN: filecheck %s --check-prefix=PLAN < %t.mlir
// RUN: pattern-opt %t.mlir --emit=llvm | filecheck %s --check-prefix=LLVM
// RUN: pattern-opt %t.mlir --emit=asm -o %t.s

// The whole pipeline. The module says what a runtime needs: the size of the arena, what each buffer
// is, and the layers in their order, each with the number of units that threads can share.
// PLAN: module attributes {
// PLAN-SAME: pattern.arena_bytes = {{[0-9]+}} : i64
// PLAN-SAME: pattern.buffers = {{\[\[}}"arena", "arena", memref<{{[0-9]+}}xi8>], ["weights", "weights", memref<{{[0-9]+}}xi8>], ["input", "image", memref<1x2x8x8xf32>], ["input", "input1", memref<1x3x8x8xf32>], ["output", "output0", memref<1x3x1x1xf32>]]
// PLAN-SAME: pattern.layers = [@layer_0, @layer_1,
// PLAN: llvm.func @layer_0({{.*}} pattern.extent = {{[0-9]+}} : i64

// All layers have one signature. LLVM must not make their loops into calls of functions of libc.
// LLVM: define void @layer_0(ptr %0, i64 %1, i64 %2) #[[ATTRIBUTES:[0-9]+]]
// LLVM: define void @layer_1(ptr %0, i64 %1, i64 %2) #[[ATTRIBUTES]]
// LLVM: attributes #[[ATTRIBUTES]] = {{.*}}"no-builtins"

// The code calls no function: erf and tanh are polynomials in it, and it allocates no memory.
// RUN: not grep -E '(erf|tanh|expf|alloc|free|memcpy|memmove|memset|memref|abort|printf)' %t.s
func.func @forward(%x: tensor<1x2x8x8xf32> {pattern.name = "image"}, %z: tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 3.0], [0.0, 4.0]]], [[[5.0, 6.0], [0.0, 0.0]], [[0.0, 7.0], [0.0, 8.0]]]]> : tensor<3x2x2x2xf32>} : () -> tensor<3x2x2x2xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 1, 1>, strides = array<i64: 1, 1>} : (tensor<1x2x8x8xf32>, tensor<3x2x2x2xf32>) -> tensor<1x3x8x8xf32>
  %1 = "pattern.activate"(%0) {function = #pattern.activation<"gelu", []>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %2 = "pattern.add"(%1, %z) {activation = #pattern.activation<"tanh", []>} : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %3 = "pattern.adaptive_average_pool"(%2) {output_size = array<i64: 1, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  return %3 : tensor<1x3x1x1xf32>
}
