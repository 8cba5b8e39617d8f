// RUN: pattern-opt --convert-layers-to-abi %s -o %t.once
// RUN: filecheck %s < %t.once
// RUN: pattern-opt --convert-layers-to-abi %t.once | diff %t.once -
// RUN: pattern-opt --pass-pipeline='builtin.module(convert-layers-to-abi{frame-pointer=true})' %s -o %t.kept
// RUN: filecheck %s --check-prefix=KEPT < %t.kept
// RUN: pattern-opt --emit=llvm %t.kept | filecheck %s --check-prefix=LLVM

// Where the ABI reserves a register for the frame pointer, no function uses it for something else.
// KEPT: llvm.func @layer_0({{.*}}) attributes {frame_pointer = #llvm.framePointerKind<"non-leaf">
// KEPT: llvm.func @layer_1({{.*}}) attributes {frame_pointer = #llvm.framePointerKind<"non-leaf">}
// KEPT: llvm.func @helper({{.*}}) attributes {frame_pointer = #llvm.framePointerKind<"non-leaf">}
// KEPT: llvm.func @expf(f32) -> f32{{$}}
// LLVM: define void @layer_0({{.*}}) #[[GROUP:[0-9]+]]
// LLVM: define void @layer_1({{.*}}) #[[GROUP]]
// LLVM: define void @helper({{.*}}) #[[GROUP]]
// LLVM: attributes #[[GROUP]] = { "frame-pointer"="non-leaf" }

module attributes {pattern.layers = [@layer_0, @layer_1]} {
  // A layer gets an array of all buffers and the units that it shall compute; it loads the
  // addresses of those that it uses, here the second and the third.
  // CHECK-LABEL: llvm.func @layer_0(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64) attributes {pattern.extent = 4 : i64}
  // CHECK-NEXT: %[[A:.*]] = llvm.getelementptr %arg0[1]
  // CHECK-NEXT: %[[SECOND:.*]] = llvm.load %[[A]] : !llvm.ptr -> !llvm.ptr
  // CHECK-NEXT: %[[B:.*]] = llvm.getelementptr %arg0[2]
  // CHECK-NEXT: %[[THIRD:.*]] = llvm.load %[[B]] : !llvm.ptr -> !llvm.ptr
  // CHECK-NEXT: llvm.store %arg1, %[[SECOND]]
  // CHECK-NEXT: llvm.store %arg2, %[[THIRD]]
  llvm.func @layer_0(%arena: !llvm.ptr, %weights: !llvm.ptr {llvm.noalias}, %x: !llvm.ptr, %lo: i64, %hi: i64) attributes {pattern.extent = 4 : i64} {
    llvm.store %lo, %weights : i64, !llvm.ptr
    llvm.store %hi, %x : i64, !llvm.ptr
    llvm.return
  }

  // CHECK-LABEL: llvm.func @layer_1(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64)
  // CHECK-NEXT: llvm.return
  llvm.func @layer_1(%arena: !llvm.ptr, %weights: !llvm.ptr, %x: !llvm.ptr, %lo: i64, %hi: i64) {
    llvm.return
  }

  // Other functions stay as they are.
  // CHECK-LABEL: llvm.func @helper(%arg0: !llvm.ptr, %arg1: i64)
  llvm.func @helper(%x: !llvm.ptr, %n: i64) {
    llvm.return
  }
  // CHECK: llvm.func @expf(f32) -> f32
  llvm.func @expf(f32) -> f32
}
