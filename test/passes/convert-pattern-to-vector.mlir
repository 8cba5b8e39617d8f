// RUN: pattern-opt --convert-pattern-to-vector=lanes=4 %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-pattern-to-vector=lanes=4 %t.once | diff %t.once -

// A change of layout fetches elements from where a table says. Where lanes take what lies one behind
// the other, whole vectors are loaded and transposed: a second table has such runs of 4 vectors, the
// place of each, 4 lanes' starts, and in which vectors they take the source's elements.
// CHECK: func.func private @relayout_0(%arg0: memref<2x16xf32> {{.*}}, %arg1: memref<68xi32> {{.*}}, %arg2: memref<35xi32> {{.*}}, %arg3: memref<2x68xf32>
// CHECK-COUNT-4: vector.load %arg0
// CHECK: vector.shuffle
// CHECK: vector.gather

// Two convolutions that differ in their weights only call one function. The tile of 2 x 2 vectors
// waits in registers while a loop runs over the kernels of each pattern; the function stores the
// tile and its halo, lanes shifted.
// CHECK: func.func private @conv_1_tile_2x2
// CHECK: scf.for
// CHECK: vector.broadcast
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.load
// CHECK-NEXT: vector.fma
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.fma
// CHECK: vector.store
// CHECK: vector.shuffle
// CHECK: func.func private @conv_1(
// CHECK: call @conv_1_tile_2x2
// CHECK-NOT: func.func private @conv
// CHECK-LABEL: func.func @forward
// CHECK: call @relayout_0({{.*}}) {pattern.extent = 2 : i64
// CHECK: memref.alloc() : memref<1x2x17x4xf32>
// CHECK: call @conv_1({{.*}}) {pattern.extent = 2 : i64, pattern.result = {operation = 0 : i64, type = tensor<{{.*}}, #pattern.lanes<[2, 2], [2, 2], {{.*}}>>}, pattern.work = {{.*}}layout = "2x2 of 2x2", multiplications = 96 : i64, tile = "2x2"
// CHECK: call @conv_1({{.*}}multiplications = 128 : i64
// CHECK: call @relayout_2
// CHECK-NOT: pattern.conv
// CHECK-NOT: pattern.relayout
func.func @forward(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = "pattern.parameter"() {name = "w", value = dense<[[[[1.0, 2.0], [0.0, 0.0]], [[0.0, 3.0], [0.0, 4.0]]], [[[0.0, 0.0], [0.0, 0.0]], [[5.0, 6.0], [0.0, 0.0]]]]> : tensor<2x2x2x2xf32>} : () -> tensor<2x2x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], [[0, 1], [1, 3]]>>>
  %v = "pattern.parameter"() {name = "v", value = dense<[[[[1.0, 2.0], [0.0, 0.0]], [[0.0, 3.0], [0.0, 4.0]]], [[[1.0, 1.0], [0.0, 0.0]], [[5.0, 6.0], [0.0, 0.0]]]]> : tensor<2x2x2x2xf32>} : () -> tensor<2x2x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], [[0, 1], [1, 3]]>>>
  %0 = "pattern.relayout"(%x) : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [1, 1, 1, 1], 0.0 : f32>>
  %1 = "pattern.conv"(%0, %w) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [1, 1, 1, 1], 0.0 : f32>>, tensor<2x2x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], [[0, 1], [1, 3]]>>>) -> tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [1, 1, 1, 1], 0.0 : f32>>
  %2 = "pattern.conv"(%1, %v) {dilations = array<i64: 1, 1>, groups = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, padding = array<i64: 1, 1, 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [1, 1, 1, 1], 0.0 : f32>>, tensor<2x2x2x2xf32, #pattern.sparse<#pattern.library<[2, 2], [[0, 1], [1, 3]]>>>) -> tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [1, 1, 1, 1], 0.0 : f32>>
  %3 = "pattern.relayout"(%2) : (tensor<1x2x4x4xf32, #pattern.lanes<[2, 2], [2, 2], [1, 1, 1, 1], 0.0 : f32>>) -> tensor<1x2x4x4xf32>
  return %3 : tensor<1x2x4x4xf32>
}
