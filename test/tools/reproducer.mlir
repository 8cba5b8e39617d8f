// RUN: rm -rf %t && mkdir %t && cp %s %t/model.mlir
// RUN: %python %S/inputs/write_parameters.py %t/model.safetensors 'w=float32[1,1,2,2]'
// RUN: not pattern-opt %t/model.mlir --pass-pipeline='builtin.module(pattern-detect{max-patterns=4},func.func(canonicalize{max-iterations=2}),convert-pattern-to-linalg)' --mlir-pass-pipeline-crash-reproducer=%t/again.mlir 2> %t/first.err
// RUN: filecheck %s --check-prefix=NOTE < %t/first.err
// RUN: filecheck %s < %t/again.mlir
// RUN: not pattern-opt %t/again.mlir --run-reproducer 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: pattern-opt %t/model.mlir --pattern-detect --mlir-pass-pipeline-crash-reproducer=%t/none.mlir -o %t/right.mlir
// RUN: not test -e %t/none.mlir

// A module before the passes that failed, with the passes, and its parameters beside it: what
// MLIR's tools write and run, too.
// NOTE: model.mlir:[[# @LINE + 14]]:10: error: convert-pattern-to-linalg: computes with floats only, got i32
// NOTE: pattern-opt: note: {{.*}}again.mlir reproduces this with --run-reproducer
// CHECK: module attributes {pattern.parameters = "again.safetensors"}
// CHECK-NOT: #pattern.sparse
// CHECK: mlir_reproducer: {
// CHECK-NEXT: pipeline: "builtin.module(pattern-detect{max-patterns=4},func.func(canonicalize{max-iterations=2}),convert-pattern-to-linalg)",
// AGAIN: again.mlir:{{[0-9:]+}} error: convert-pattern-to-linalg: computes with floats only, got i32
module attributes {pattern.parameters = "model.safetensors"} {
  func.func @sparse(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32> {
    %w = "pattern.parameter"() {name = "w"} : () -> tensor<1x1x2x2xf32>
    %y = "pattern.conv"(%x, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
    return %y : tensor<1x1x1x1xf32>
  }
  func.func @integers(%x: tensor<2xi32>) -> tensor<2xi32> {
    %y = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
    return %y : tensor<2xi32>
  }
}
