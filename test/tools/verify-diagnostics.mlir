// RUN: pattern-opt %s --split-input-file --verify-diagnostics --convert-pattern-to-linalg > %t 2>&1
// RUN: not grep . %t
// RUN: not pattern-opt %S/inputs/wrong-expectations.mlir --split-input-file --verify-diagnostics --convert-pattern-to-linalg 2>&1 | filecheck %s

// Comments say which errors are expected and where; then nothing is printed, no module either.

// On the line of the comment, below or above it.
func.func @same(%x: tensor<2xi32>) -> tensor<2xi32> {
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32> // expected-error {{computes with floats only, got i32}}
  return %0 : tensor<2xi32>
}

// -----

func.func @below(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error @below {{computes with floats only}}
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

func.func @above(%x: tensor<2xi32>) -> tensor<2xi32> {
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  // expected-error @above {{computes with floats only}}
  return %0 : tensor<2xi32>
}

// -----

// A number of lines away, a part of the message or a regular expression of it.
func.func @number(%x: tensor<2xi32>) -> tensor<2xi32> {
  // expected-error-re @+1 {{floats only, got i\d+;}}
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return %0 : tensor<2xi32>
}

// -----

// At no place in the input.
// expected-error @unknown {{computes with floats only}}
func.func @unknown(%x: tensor<2xi32>) -> tensor<2xi32> {
  %0 = "pattern.add"(%x, %x) : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32> loc("model.py":3:5)
  return %0 : tensor<2xi32>
}

// -----

// A note goes with its error; one that nobody expects is no mistake.
func.func @note(%x: tensor<2xf32>) -> tensor<3xf32> {
  // expected-note @+1 {{prior use here}}
  %0 = "pattern.add"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // expected-error @+1 {{use of value '%0' expects different type than prior uses}}
  return %0 : tensor<3xf32>
}

// -----

// A module without mistakes.
func.func @right(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

// What is expected and does not come, and what comes and is not expected, is an error: another
// message, another line, another kind, none at all.
// CHECK: wrong-expectations.mlir:3:8: error: unexpected error: convert-pattern-to-linalg: computes with floats only, got i32; cast to f32 before
// CHECK: wrong-expectations.mlir:2:1: error: expected error "computes with integers only" was not produced
// CHECK: wrong-expectations.mlir:11:8: error: unexpected error: convert-pattern-to-linalg
// CHECK: wrong-expectations.mlir:10:1: error: expected error "computes with floats only" was not produced
// CHECK: wrong-expectations.mlir:19:8: error: unexpected error: convert-pattern-to-linalg
// CHECK: wrong-expectations.mlir:18:1: error: expected warning "computes with floats only" was not produced
// CHECK: wrong-expectations.mlir:25:1: error: expected error "computes with floats only" was not produced
// CHECK: wrong-expectations.mlir:33:8: error: unexpected error: convert-pattern-to-linalg
// CHECK-NOT: error:
