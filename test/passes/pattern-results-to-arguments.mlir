// RUN: pattern-opt --pattern-results-to-arguments %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --pattern-results-to-arguments %t.once | diff %t.once -

// What is allocated and returned is the caller's, whatever shape it is returned in; a view of what
// others read, too, and an argument are copied.
// CHECK: func.func @forward(%arg0: memref<4xf32>, %arg1: memref<4xf32> {pattern.name = "fresh"}, %arg2: memref<2x2xf32>, %arg3: memref<4xf32>, %arg4: memref<2xf32>) {
// CHECK-NEXT: %[[OWN:.*]] = memref.collapse_shape %arg2 {{\[\[}}0, 1]]
// CHECK-NEXT: %[[LONG:.*]] = memref.alloc() : memref<4xf32>
// CHECK-NEXT: call @fill(%arg1) {pattern.extent = 4 : i64}
// CHECK-NEXT: call @fill(%[[OWN]])
// CHECK-NEXT: call @fill(%[[LONG]])
// CHECK-NEXT: %[[VIEW:.*]] = memref.subview %[[LONG]]
// CHECK-NEXT: %[[CAST:.*]] = memref.cast %[[VIEW]]
// CHECK-NEXT: memref.copy %arg0, %arg3
// CHECK-NEXT: memref.copy %[[CAST]], %arg4
// CHECK-NEXT: return
func.func @forward(%x: memref<4xf32>) -> (memref<4xf32> {pattern.name = "fresh"}, memref<2x2xf32>, memref<4xf32>, memref<2xf32>) {
  %fresh = memref.alloc() : memref<4xf32>
  %own = memref.alloc() : memref<4xf32>
  %long = memref.alloc() : memref<4xf32>
  call @fill(%fresh) {pattern.extent = 4 : i64} : (memref<4xf32>) -> ()
  call @fill(%own) : (memref<4xf32>) -> ()
  call @fill(%long) : (memref<4xf32>) -> ()
  %shaped = memref.expand_shape %own [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  %view = memref.subview %long[0] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1]>>
  %cast = memref.cast %view : memref<2xf32, strided<[1]>> to memref<2xf32>
  return %fresh, %shaped, %x, %cast : memref<4xf32>, memref<2x2xf32>, memref<4xf32>, memref<2xf32>
}

func.func private @fill(memref<4xf32>)
