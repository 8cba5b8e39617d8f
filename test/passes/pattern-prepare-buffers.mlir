// RUN: pattern-opt --pattern-prepare-buffers --split-input-file %s | filecheck %s

// What reads a buffer twice asks for it twice, each time where it reads: what writes in between is seen.
// CHECK-LABEL: func.func @forward
// CHECK: %[[A:.*]] = bufferization.to_buffer %arg0
// CHECK-NEXT: memref.copy %[[A]], %arg1
// CHECK-NEXT: linalg.fill ins(%arg2 : f32) outs(%arg0
// CHECK-NEXT: %[[B:.*]] = bufferization.to_buffer %arg0
// CHECK-NEXT: memref.copy %[[B]], %arg1
func.func @forward(%x: tensor<4xf32>, %y: memref<4xf32>, %c: f32) -> tensor<4xf32> {
  %0 = bufferization.to_buffer %x : tensor<4xf32> to memref<4xf32>
  memref.copy %0, %y : memref<4xf32> to memref<4xf32>
  %1 = linalg.fill ins(%c : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  memref.copy %0, %y : memref<4xf32> to memref<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// A buffer that nothing reads is not asked for.
// CHECK-LABEL: func.func @forward
// CHECK-NOT: to_buffer
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = bufferization.to_buffer %x : tensor<4xf32> to memref<4xf32>
  return %x : tensor<4xf32>
}
