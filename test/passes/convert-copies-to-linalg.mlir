// RUN: pattern-opt --convert-copies-to-linalg %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-copies-to-linalg %t.once | diff %t.once -

// CHECK-LABEL: func.func @copy
// CHECK-NEXT: linalg.copy {{.*}}ins(%arg0 : memref<4xf32>) outs(%arg1 : memref<4xf32>)
// CHECK-NEXT: return
func.func @copy(%a: memref<4xf32>, %b: memref<4xf32>) {
  memref.copy %a, %b : memref<4xf32> to memref<4xf32>
  return
}

// Between buffers that lie differently, inside loops too.
// CHECK-LABEL: func.func @strided
// CHECK: scf.for
// CHECK-NEXT: linalg.copy {{.*}}ins(%arg0 : memref<4x4xf32>) outs(%arg1 : memref<4x4xf32, strided<[8, 1], offset: 2>>)
// CHECK-NOT: memref.copy
// CHECK: return
func.func @strided(%a: memref<4x4xf32>, %b: memref<4x4xf32, strided<[8, 1], offset: 2>>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32, strided<[8, 1], offset: 2>>
  }
  return
}

// A copy of a buffer onto itself does nothing.
// CHECK-LABEL: func.func @itself
// CHECK-NEXT: return
func.func @itself(%a: memref<4xf32>) {
  memref.copy %a, %a : memref<4xf32> to memref<4xf32>
  return
}
