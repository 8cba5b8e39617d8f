// RUN: pattern-opt --split-input-file --pattern-outline-layers %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --split-input-file --pattern-outline-layers %t.once | diff %t.once -

// Every loop nest is a layer. A layer takes all buffers, arena and weights first, and computes the
// units lo to hi - 1 of its outermost parallel loop. Inputs stand before the weights, outputs
// behind them; they have the model's names where these are known.
// CHECK: module attributes {pattern.buffers = {{\[\[}}"arena", "arena", memref<64xi8>], ["weights", "weights", memref<64xi8>], ["input", "image", memref<4x8xf32>], ["input", "input1", memref<4x8xf32>], ["output", "output0", memref<4x8xf32>]], pattern.layers = [@layer_0, @layer_1]}
// CHECK-LABEL: func.func @layer_0(%arg0: memref<64xi8>, %arg1: memref<64xi8>, %arg2: memref<4x8xf32>, %arg3: memref<4x8xf32>, %arg4: memref<4x8xf32>, %arg5: index, %arg6: index)
// CHECK-SAME: pattern.extent = 4 : i64
// CHECK: scf.parallel (%[[I:.*]], %{{.*}}) = (%arg5, %{{.*}}) to (%arg6, %{{.*}}) step
// CHECK: memref.load %arg2[%[[I]]
// CHECK: memref.store %{{.*}}, %arg4[%[[I]]
// What computes nothing in memory, constants and views, is repeated where it is used. A loop of
// one iteration is no work to share: the next one is shared.
// CHECK-LABEL: func.func @layer_1(
// CHECK-SAME: pattern.extent = 8 : i64
// CHECK: %[[VIEW:.*]] = memref.view %arg1
// CHECK: scf.parallel (%{{.*}}, %[[J:.*]]) = (%{{.*}}, %arg5) to (%{{.*}}, %arg6) step
// CHECK: memref.load %[[VIEW]][%[[J]]]
// CHECK: memref.load %arg3
// CHECK-NOT: func.func @forward
func.func @forward(%x: memref<4x8xf32> {pattern.name = "image"}, %z: memref<4x8xf32>, %weights: memref<64xi8> {pattern.buffer = "weights"}, %y: memref<4x8xf32>, %arena: memref<64xi8> {pattern.buffer = "arena"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %w = memref.view %weights[%c0][] : memref<64xi8> to memref<8xf32>
  scf.parallel (%i, %j) = (%c0, %c0) to (%c4, %c8) step (%c1, %c1) {
    %0 = memref.load %x[%i, %j] : memref<4x8xf32>
    memref.store %0, %y[%i, %j] : memref<4x8xf32>
    scf.reduce
  }
  scf.parallel (%i, %j) = (%c0, %c0) to (%c1, %c8) step (%c1, %c1) {
    %0 = memref.load %w[%j] : memref<8xf32>
    %1 = memref.load %z[%i, %j] : memref<4x8xf32>
    %2 = arith.addf %0, %1 : f32
    memref.store %2, %y[%i, %j] : memref<4x8xf32>
    scf.reduce
  }
  return
}

// -----

// What is not parallel is one unit: a sequential loop, a loop that does not start at 0, and
// operations that use each other's results, which share a layer.
// CHECK: pattern.layers = [@layer_0, @layer_1, @layer_2]
// CHECK-LABEL: func.func @layer_0(
// CHECK-SAME: pattern.extent = 1 : i64
// CHECK: scf.for
// CHECK-LABEL: func.func @layer_1(
// CHECK-SAME: pattern.extent = 1 : i64
// CHECK: scf.parallel
// CHECK-LABEL: func.func @layer_2(
// CHECK-SAME: pattern.extent = 1 : i64
// CHECK: %[[TOTAL:.*]] = memref.load
// CHECK: arith.addf %[[TOTAL]]
// CHECK: memref.store
func.func @sequential(%x: memref<8xf32>, %weights: memref<64xi8> {pattern.buffer = "weights"}, %y: memref<8xf32>, %arena: memref<64xi8> {pattern.buffer = "arena"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %0 = memref.load %x[%i] : memref<8xf32>
    memref.store %0, %y[%c0] : memref<8xf32>
  }
  scf.parallel (%i) = (%c1) to (%c8) step (%c1) {
    %0 = memref.load %x[%i] : memref<8xf32>
    memref.store %0, %y[%i] : memref<8xf32>
    scf.reduce
  }
  %total = memref.load %y[%c0] : memref<8xf32>
  %double = arith.addf %total, %total : f32
  memref.store %double, %y[%c0] : memref<8xf32>
  return
}

// -----

// A network that computes nothing has no layers.
// CHECK: pattern.layers = []
// CHECK-NOT: func.func
func.func @nothing(%x: memref<8xf32>, %weights: memref<64xi8> {pattern.buffer = "weights"}, %arena: memref<64xi8> {pattern.buffer = "arena"}) {
  return
}
