// RUN: pattern-opt %s --target=host --threads=2 --mlir-print-ir-after-all -o %t.mlir 2>&1 | filecheck %s --check-prefixes=CHECK,TWO
// RUN: pattern-opt %s --target=host --mlir-print-ir-after-all -o %t.mlir 2>&1 | filecheck %s --check-prefixes=CHECK,ONE
// RUN: filecheck %s --check-prefix=RESULT < %t.mlir

// A target's pipeline takes a module at any level above buffers to the LLVM dialect. The filters of
// each convolution are split over --threads, one if it is not given.
// CHECK: IR Dump After {{.*}} convert-torch-to-pattern
// CHECK: IR Dump After {{.*}} pattern-balance
// TWO: filter_boundaries = array<i64: 0, 2, 3>
// ONE: filter_boundaries = array<i64: 0, 3>
// CHECK: IR Dump After {{.*}} convert-layers-to-abi
// RESULT: llvm.func @layer_0(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64)
func.func @forward(%x: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0]], [[0.0]]], [[[0.0]], [[2.0]]], [[[3.0]], [[4.0]]]]> : tensor<3x2x1x1xf32>} : () -> tensor<3x2x1x1xf32>
  %0 = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}
