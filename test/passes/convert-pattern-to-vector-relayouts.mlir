// RUN: pattern-opt --convert-pattern-to-vector=lanes=4 %s | filecheck %s

// Between lane blocks whole vectors are loaded, and their lanes shuffled. A vector of 4x1 blocks of one
// row holds a column of the 4x4 pixels: it is made of the two vectors of 2x2 blocks that hold its even
// and its odd rows. Each way to pick lanes is a loop over the vectors that are made so; the table has the
// place of each, then those of its sources.
// CHECK-LABEL: func.func private @relayout_1
// CHECK-SAME: memref<2x20xf32> {{.*}} memref<20xi32> {{.*}} memref<{{[0-9]+}}xi32> {{.*}} memref<2x20xf32>
// CHECK-NOT: vector.gather
// CHECK: scf.for
// CHECK: %[[EVEN:.*]] = vector.load %arg0
// CHECK-NEXT: %[[ONE:.*]] = vector.shuffle {{.*}}, %[[EVEN]]
// CHECK-NEXT: %[[ODD:.*]] = vector.load %arg0
// CHECK-NEXT: vector.shuffle %[[ONE]], %[[ODD]]
// CHECK-NEXT: vector.store

// To vectors of other lengths, and to plain tensors, elements go one by one.
// CHECK-LABEL: func.func private @relayout_2
// CHECK: vector.gather
// CHECK-LABEL: func.func @forward
func.func @forward(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %0 = "pattern.relayout"(%x) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>
  %1 = "pattern.relayout"(%0) : (tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x2x4x4xf32, #pattern.lanes<[4, 1], [1, 4], [0, 0, 0, 0], 0.0 : f32>>
  %2 = "pattern.relayout"(%1) : (tensor<1x2x4x4xf32, #pattern.lanes<[4, 1], [1, 4], [0, 0, 0, 0], 0.0 : f32>>) -> tensor<1x2x4x4xf32>
  return %2 : tensor<1x2x4x4xf32>
}
