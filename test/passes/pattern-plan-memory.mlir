// RUN: pattern-opt --split-input-file --pattern-plan-memory %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --split-input-file --pattern-plan-memory %t.once | diff %t.once -
// RUN: pattern-opt --split-input-file --pattern-plan-memory=alignment=1024 %s | filecheck %s --check-prefix=WIDE

// Three buffers of 400 bytes, each alive with the next: the third takes the place of the first.
// Each starts at a multiple of 64 bytes.
// CHECK: module attributes {pattern.arena_bytes = 896 : i64, pattern.live_bytes = 896 : i64}
// CHECK-LABEL: func.func @chain(%arg0: memref<100xf32>, %arg1: memref<100xf32>, %arg2: memref<896xi8> {pattern.buffer = "arena"})
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[FIRST:.*]] = memref.view %arg2[%[[C0]]][] : memref<896xi8> to memref<100xf32>
// CHECK: %[[C448:.*]] = arith.constant 448 : index
// CHECK-NEXT: %[[SECOND:.*]] = memref.view %arg2[%[[C448]]][]
// CHECK: %[[C0_0:.*]] = arith.constant 0 : index
// CHECK-NEXT: %[[THIRD:.*]] = memref.view %arg2[%[[C0_0]]][]
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.dealloc
// CHECK: return
// WIDE: pattern.arena_bytes = 2048
// WIDE: arith.constant 1024 : index
func.func @chain(%in: memref<100xf32>, %out: memref<100xf32>) {
  %a = memref.alloc() : memref<100xf32>
  memref.copy %in, %a : memref<100xf32> to memref<100xf32>
  %b = memref.alloc() : memref<100xf32>
  memref.copy %a, %b : memref<100xf32> to memref<100xf32>
  memref.dealloc %a : memref<100xf32>
  %c = memref.alloc() : memref<100xf32>
  memref.copy %b, %c : memref<100xf32> to memref<100xf32>
  memref.copy %c, %out : memref<100xf32> to memref<100xf32>
  return
}

// -----

// A view keeps its buffer alive: the small buffer cannot take its place.
// CHECK: pattern.arena_bytes = 128
// CHECK-LABEL: func.func @view
// CHECK: arith.constant 0 : index
// CHECK: arith.constant 64 : index
func.func @view(%in: memref<8xf32>, %out: memref<8xf32>) {
  %a = memref.alloc() : memref<8xf32>
  memref.copy %in, %a : memref<8xf32> to memref<8xf32>
  %square = memref.expand_shape %a [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  %b = memref.alloc() : memref<8xf32>
  memref.copy %in, %b : memref<8xf32> to memref<8xf32>
  memref.copy %b, %out : memref<8xf32> to memref<8xf32>
  %line = memref.collapse_shape %square [[0, 1]] : memref<2x4xf32> into memref<8xf32>
  memref.copy %line, %out : memref<8xf32> to memref<8xf32>
  return
}

// -----

// What is used inside a loop is alive for the whole of it, what is allocated there too; the
// allocation moves to the front.
// CHECK: pattern.arena_bytes = 128
// CHECK-LABEL: func.func @loop
// CHECK-COUNT-2: memref.view
// CHECK: scf.for
// CHECK-NOT: memref.view
// CHECK: return
func.func @loop(%in: memref<8xf32>, %out: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %a = memref.alloc() : memref<8xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    %b = memref.alloc() : memref<8xf32>
    memref.copy %in, %b : memref<8xf32> to memref<8xf32>
    memref.copy %b, %a : memref<8xf32> to memref<8xf32>
    memref.dealloc %b : memref<8xf32>
  }
  memref.copy %a, %out : memref<8xf32> to memref<8xf32>
  return
}

// -----

// A buffer that may get another name is alive to the end: here each of two may be %chosen.
// CHECK: pattern.arena_bytes = 192
// CHECK-LABEL: func.func @renamed
// CHECK: arith.constant 0 : index
// CHECK: arith.constant 64 : index
// CHECK: arith.constant 128 : index
func.func @renamed(%in: memref<8xf32>, %out: memref<8xf32>, %condition: i1) {
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  memref.copy %in, %a : memref<8xf32> to memref<8xf32>
  memref.copy %in, %b : memref<8xf32> to memref<8xf32>
  %chosen = scf.if %condition -> memref<8xf32> {
    scf.yield %a : memref<8xf32>
  } else {
    scf.yield %b : memref<8xf32>
  }
  %c = memref.alloc() : memref<8xf32>
  memref.copy %in, %c : memref<8xf32> to memref<8xf32>
  memref.copy %c, %out : memref<8xf32> to memref<8xf32>
  memref.copy %chosen, %out : memref<8xf32> to memref<8xf32>
  return
}

// -----

// The largest first: the plan takes no more than what is alive at a time, although the small
// buffer comes first.
// CHECK: module attributes {pattern.arena_bytes = 4160 : i64, pattern.live_bytes = 4160 : i64}
// CHECK-LABEL: func.func @largest_first
// CHECK: %[[C4096:.*]] = arith.constant 4096 : index
// CHECK-NEXT: memref.view %{{.*}}[%[[C4096]]][] : memref<4160xi8> to memref<16xi8>
// CHECK: memref<4160xi8> to memref<512xf64>
func.func @largest_first(%in: memref<16xi8>, %out: memref<512xf64>) {
  %small = memref.alloc() : memref<16xi8>
  memref.copy %in, %small : memref<16xi8> to memref<16xi8>
  %large = memref.alloc() : memref<512xf64>
  memref.copy %large, %out : memref<512xf64> to memref<512xf64>
  memref.copy %small, %in : memref<16xi8> to memref<16xi8>
  return
}

// -----

// Elements of any type: three complex numbers of 16 bytes, three bits of a byte each.
// CHECK: pattern.arena_bytes = 128
// CHECK-LABEL: func.func @element_types
func.func @element_types(%out: memref<3xcomplex<f64>>, %bits: memref<3xi1>) {
  %a = memref.alloc() : memref<3xcomplex<f64>>
  %b = memref.alloc() : memref<3xi1>
  memref.copy %b, %bits : memref<3xi1> to memref<3xi1>
  memref.copy %a, %out : memref<3xcomplex<f64>> to memref<3xcomplex<f64>>
  memref.copy %b, %bits : memref<3xi1> to memref<3xi1>
  return
}

// -----

// Without buffers the arena is the smallest one: all networks have the same signature.
// CHECK: module attributes {pattern.arena_bytes = 64 : i64, pattern.live_bytes = 0 : i64}
// CHECK-LABEL: func.func @nothing(%arg0: memref<64xi8> {pattern.buffer = "arena"})
func.func @nothing() {
  return
}

// -----

// A function that has an arena keeps it; private functions are none of the network.
// CHECK-LABEL: func.func @planned(%arg0: memref<64xi8> {pattern.buffer = "arena"})
// CHECK-NEXT: memref.alloc
// CHECK-LABEL: func.func private @helper()
// CHECK-NEXT: memref.alloc
func.func @planned(%arena: memref<64xi8> {pattern.buffer = "arena"}) {
  %a = memref.alloc() : memref<4xf32>
  memref.copy %a, %a : memref<4xf32> to memref<4xf32>
  return
}
func.func private @helper() {
  %a = memref.alloc() : memref<4xf32>
  memref.copy %a, %a : memref<4xf32> to memref<4xf32>
  return
}

// -----

// A marked call learns where its result lies: in the arena, in the caller's buffer 3 (after arena,
// weights and input), through a view that begins where the buffer does. Within a buffer it has no
// place.
// CHECK-LABEL: func.func @results
// CHECK: call @kernel({{.*}}) {pattern.result = {buffer = 0 : i64, offset = 0 : i64, operation = 0 : i64, type = tensor<8xf32>}}
// CHECK: call @kernel({{.*}}) {pattern.result = {buffer = 0 : i64, offset = 64 : i64, operation = 1 : i64, type = tensor<2x4xf32>}}
// CHECK: call @kernel({{.*}}) {pattern.result = {buffer = 3 : i64, offset = 0 : i64, operation = 2 : i64, type = tensor<8xf32>}}
// CHECK: call @half({{[^)]*}}) :
func.func private @kernel(memref<8xf32>, memref<8xf32>, index, index)
func.func private @half(memref<8xf32>, memref<4xf32, strided<[1], offset: 4>>, index, index)
func.func @results(%in: memref<8xf32>, %weights: memref<64xi8> {pattern.buffer = "weights"},
    %out: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<8xf32>
  call @kernel(%in, %a, %c0, %c1) {pattern.result = {operation = 0 : i64, type = tensor<8xf32>}}
    : (memref<8xf32>, memref<8xf32>, index, index) -> ()
  %b = memref.alloc() : memref<2x4xf32>
  %line = memref.collapse_shape %b [[0, 1]] : memref<2x4xf32> into memref<8xf32>
  call @kernel(%a, %line, %c0, %c1) {pattern.result = {operation = 1 : i64, type = tensor<2x4xf32>}}
    : (memref<8xf32>, memref<8xf32>, index, index) -> ()
  call @kernel(%line, %out, %c0, %c1) {pattern.result = {operation = 2 : i64, type = tensor<8xf32>}}
    : (memref<8xf32>, memref<8xf32>, index, index) -> ()
  %part = memref.subview %a[4] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: 4>>
  call @half(%in, %part, %c0, %c1) {pattern.result = {operation = 3 : i64, type = tensor<4xf32>}}
    : (memref<8xf32>, memref<4xf32, strided<[1], offset: 4>>, index, index) -> ()
  return
}
