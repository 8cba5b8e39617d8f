// RUN: rm -rf %t && mkdir %t && cp %s %t/model.mlir
// RUN: %python %S/../tools/inputs/write_parameters.py %t/model.safetensors 'w=float32[2,4]' 'b=float32[3]'
// RUN: pattern-opt --pattern-pack-weights %t/model.mlir -o %t/once.mlir
// RUN: filecheck %s < %t/once.mlir
// RUN: pattern-opt --pattern-pack-weights %t/once.mlir -o %t/twice.mlir
// RUN: sed s/once.safetensors/twice.safetensors/ %t/once.mlir | diff - %t/twice.mlir
// RUN: diff %t/once.safetensors %t/twice.safetensors

module attributes {pattern.parameters = "model.safetensors"} {
  // The block holds each array at a multiple of 64 bytes, in the order of the module; the function
  // takes it as its last argument and reads views.
  // CHECK-LABEL: func.func @parameters_and_literals
  // CHECK-SAME: (%arg0: tensor<3xf32>, %[[BLOCK:.*]]: memref<384xi8> {pattern.buffer = "weights"})
  // CHECK-NEXT: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-NEXT: %[[VIEW:.*]] = memref.view %[[BLOCK]][%[[C0]]][] : memref<384xi8> to memref<2x4xf32>
  // CHECK-NEXT: %[[W:.*]] = bufferization.to_tensor %[[VIEW]] restrict : memref<2x4xf32> to tensor<2x4xf32>
  // CHECK: arith.constant 64 : index
  // CHECK: memref<384xi8> to memref<3xf32>
  // CHECK: arith.constant 128 : index
  // CHECK: memref<384xi8> to memref<17xi64>
  // CHECK: return %[[W]]
  func.func @parameters_and_literals(%x: tensor<3xf32>) -> (tensor<2x4xf32>, tensor<3xf32>, tensor<17xi64>) {
    %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x4xf32>
    %b = "pattern.parameter"() {name = "b"} : () -> tensor<3xf32>
    %table = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]> : tensor<17xi64>
    return %w, %b, %table : tensor<2x4xf32>, tensor<3xf32>, tensor<17xi64>
  }

  // What is there already is stored once, over all functions; 17 numbers of 8 bytes took 192 bytes.
  // Another order of filters is another array, and so is a value in the module.
  // CHECK-LABEL: func.func @stored_once
  // CHECK: %[[C0:.*]] = arith.constant 0 : index
  // CHECK: memref.view %arg0[%[[C0]]][] : memref<384xi8> to memref<2x4xf32>
  // CHECK: %[[C320:.*]] = arith.constant 320 : index
  // CHECK: memref.view %arg0[%[[C320]]][] : memref<384xi8> to memref<2x4xf32>
  // CHECK: %[[C128:.*]] = arith.constant 128 : index
  // CHECK: memref.view %arg0[%[[C128]]][] : memref<384xi8> to memref<17xi64>
  func.func @stored_once() -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<17xi64>) {
    %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x4xf32>
    %reordered = "pattern.parameter"() {filter_order = array<i64: 1, 0>, name = "w"} : () -> tensor<2x4xf32>
    %table = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]> : tensor<17xi64>
    return %w, %reordered, %table : tensor<2x4xf32>, tensor<2x4xf32>, tensor<17xi64>
  }

  // One number that repeats is no array, nor is a scalar. Without arrays the block comes all the
  // same: every public function has it.
  // CHECK-LABEL: func.func public @literals_that_stay(%arg0: memref<384xi8> {pattern.buffer = "weights"})
  // CHECK-NEXT: arith.constant dense<1.000000e+00> : tensor<3xf32>
  // CHECK-NEXT: arith.constant 2.000000e+00 : f32
  // CHECK-NEXT: return
  func.func public @literals_that_stay() -> (tensor<3xf32>, f32) {
    %ones = arith.constant dense<1.0> : tensor<3xf32>
    %two = arith.constant 2.0 : f32
    return %ones, %two : tensor<3xf32>, f32
  }

  // Functions that nobody calls from outside get no argument.
  // CHECK-LABEL: func.func private @helper()
  // CHECK-NEXT: "pattern.parameter"() {name = "w"}
  func.func private @helper() -> tensor<2x4xf32> {
    %w = "pattern.parameter"() {name = "w"} : () -> tensor<2x4xf32>
    return %w : tensor<2x4xf32>
  }
}
