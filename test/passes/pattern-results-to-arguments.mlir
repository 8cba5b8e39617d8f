// RUN: pattern-opt --pattern-results-to-arguments %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-results-to-arguments %t.once | diff %t.once -

// What is allocated and returned is the caller's; what is a view, or an argument, is copied.
// CHECK: func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32> {pattern.name = "fresh"}, %arg2: memref<2x2xf32>, %arg3: memref<4xf32>) {
// CHECK-NEXT: %[[OWN:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NEXT: call @fill(%arg1) {pattern.extent = 4 : i64}
// CHECK-NEXT: call @fill(%[[OWN]])
// CHECK-NEXT: %[[VIEW:.*]] = memref.expand_shape %[[OWN]]
// CHECK-NEXT: memref.copy %[[VIEW]], %arg2
// CHECK-NEXT: memref.copy %arg0, %arg3
// CHECK-NEXT: return
func.func @forward(%x: memref<4xf32>) -> (memref<4xf32> {pattern.name = "fresh"}, memref<2x2xf32>, memref<4xf32>) {
  %fresh = memref.alloc() : memref<4xf32>
  %own = memref.alloc() : memref<4xf32>
  call @fill(%fresh) {pattern.extent = 4 : i64} : (memref<4xf32>) -> ()
  call @fill(%own) : (memref<4xf32>) -> ()
  %view = memref.expand_shape %own [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  return %fresh, %view, %x : memref<4xf32>, memref<2x2xf32>, memref<4xf32>
}

func.func private @fill(memref<4xf32>)
